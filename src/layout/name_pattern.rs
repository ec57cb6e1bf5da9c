//! Patterns of file names that carry a number: `IM-*-{n}.dcm`.

use std::fmt;

use regex::{Regex, RegexBuilder};

use crate::model::Reason;

use super::fold;

/// Why a name gives no number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NameFault {
    pub(super) reason: Reason,
    /// The fault, as one sentence without a full stop.
    pub(super) detail: String,
}

impl NameFault {
    /// A name of another form.
    pub(super) fn form(detail: impl Into<String>) -> Self {
        Self { reason: Reason::NameDoesNotFit, detail: detail.into() }
    }
}

/// The number that digits of a name are.
pub(super) fn parse_number(digits: &str) -> Result<i32, NameFault> {
    let too_large = || NameFault {
        reason: Reason::NumberTooLarge,
        detail: format!("the number {digits} is larger than {}", i32::MAX),
    };
    digits.parse().map_err(|_| too_large())
}

/// A glob with one `{n}`, which is the number. `*` stands for any characters but `/`, `?` for one of them; letter case does
/// not matter. With a `/`, it is matched against the path below the folder of a patient, else against the name alone.
#[derive(Debug, Clone)]
pub struct NamePattern {
    text: Box<str>,
    expression: Regex,
}

/// Why a text is no [`NamePattern`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NamePatternError {
    /// There is no place for the number, or several.
    #[error("`{0}`: a pattern has one {{n}} where the number stands, as in IM-*-{{n}}.dcm")]
    NoNumber(String),
    /// It cannot be matched.
    #[error("`{0}`: the pattern is too long")]
    TooLong(String),
    /// There is no structure before the equals sign.
    #[error("`{0}`: there is no name of a structure before the equals sign")]
    NoStructure(String),
}

/// Memory that a compiled pattern may take, in bytes.
const MAX_PATTERN_BYTES: usize = 1 << 20;

impl NamePattern {
    /// Parses a glob with one `{n}`.
    ///
    /// # Errors
    /// [`NamePatternError`].
    pub fn parse(text: &str) -> Result<Self, NamePatternError> {
        let text = text.trim().trim_start_matches("./");
        let Some((before, after)) = text.split_once("{n}").filter(|(_, after)| !after.contains("{n}")) else {
            return Err(NamePatternError::NoNumber(text.to_owned()));
        };
        // The number is all of the digits that stand there.
        let (before, opening) = match before.strip_suffix('*') {
            Some(before) => (before, "(?:[^/]*[^0-9/])?"),
            None => (before, ""),
        };
        let (after, closing) = match after.strip_prefix('*') {
            Some(after) => (after, "(?:[^0-9/][^/]*)?"),
            None => (after, ""),
        };
        let expression = format!("^{}{opening}([0-9]+){closing}{}$", glob(before), glob(after));
        let built =
            RegexBuilder::new(&expression).case_insensitive(true).size_limit(MAX_PATTERN_BYTES).build();
        let expression = built.map_err(|_| NamePatternError::TooLong(text.to_owned()))?;
        Ok(Self { text: text.into(), expression })
    }

    /// The number of the file called `name` in the folder at `folder` below that of its patient, which is empty for that
    /// itself; `None` where the pattern does not match.
    pub(super) fn number(&self, folder: &str, name: &str) -> Option<Result<i32, NameFault>> {
        let found = if self.text.contains('/') && !folder.is_empty() {
            self.expression.captures(&[folder, "/", name].concat()).map(|found| found[1].to_owned())
        } else {
            self.expression.captures(name).map(|found| found[1].to_owned())
        };
        found.map(|digits| parse_number(&digits))
    }

    /// Number of folders below that of a patient that it names.
    fn depth(&self) -> usize {
        self.text.matches('/').count()
    }
}

/// The expression of a part of a glob.
fn glob(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '*' => "[^/]*".to_owned(),
            '?' => "[^/]".to_owned(),
            c => regex::escape(c.encode_utf8(&mut [0; 4])),
        })
        .collect()
}

/// Two are equal where they are typed alike.
impl PartialEq for NamePattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

/// Displays as it was typed.
impl fmt::Display for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A pattern of contours: `inner=*-{n}.txt`, or one without a structure for the folders that a layout has.
#[derive(Debug, Clone, PartialEq)]
pub struct ContourPattern {
    structure: Option<Box<str>>,
    pattern: NamePattern,
}

impl ContourPattern {
    /// Parses a pattern, which may have the name of a structure and an equals sign before it.
    ///
    /// # Errors
    /// [`NamePatternError`].
    pub fn parse(text: &str) -> Result<Self, NamePatternError> {
        let Some((structure, pattern)) = text.split_once('=') else {
            return Ok(Self { structure: None, pattern: NamePattern::parse(text)? });
        };
        let structure = fold(structure);
        if structure.is_empty() {
            return Err(NamePatternError::NoStructure(text.to_owned()));
        }
        Ok(Self { structure: Some(structure.into()), pattern: NamePattern::parse(pattern)? })
    }
}

/// The patterns of a data directory whose files have names of their own; none where they are called as the layout says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NamePatterns {
    /// Of images.
    pub images: Vec<NamePattern>,
    /// Of contours.
    pub contours: Vec<ContourPattern>,
}

impl NamePatterns {
    /// The structures that patterns name, each once, in their order.
    pub(super) fn structures(&self) -> Vec<Box<str>> {
        let mut names: Vec<Box<str>> = Vec::new();
        for name in self.contours.iter().filter_map(|one| one.structure.clone()) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// Folders below that of a patient in which images and contours may be. Contours of a structure may be in any folder of
    /// the patient.
    pub(super) fn depths(&self) -> [usize; 2] {
        let images = self.images.iter().map(NamePattern::depth).max();
        let depth = |one: &ContourPattern| one.pattern.depth().max(usize::from(one.structure.is_some()));
        let contours = self.contours.iter().map(depth).max();
        [images, contours].map(|depth| depth.unwrap_or(0))
    }

    /// The number of an image, where a pattern matches.
    pub(super) fn image(&self, folder: &str, name: &str) -> Option<Result<i32, NameFault>> {
        self.images.iter().find_map(|pattern| pattern.number(folder, name))
    }

    /// The structure and the number of a contour, where a pattern that names its structure matches.
    pub(super) fn contour(&self, folder: &str, name: &str) -> Option<(&str, Result<i32, NameFault>)> {
        self.contours.iter().find_map(|one| {
            let structure = one.structure.as_deref()?;
            Some((structure, one.pattern.number(folder, name)?))
        })
    }

    /// The number of a contour in the folder of its kind, where a pattern without a structure matches.
    pub(super) fn contour_of_kind(&self, folder: &str, name: &str) -> Option<Result<i32, NameFault>> {
        let plain = self.contours.iter().filter(|one| one.structure.is_none());
        plain.into_iter().find_map(|one| one.pattern.number(folder, name))
    }

    /// Names of images, for a message; `None` where no pattern is given.
    pub(super) fn shown_images(&self) -> Option<String> {
        shown(self.images.iter().map(ToString::to_string))
    }

    /// Names of contours, for a message; `None` where no pattern is given.
    pub(super) fn shown_contours(&self) -> Option<String> {
        shown(self.contours.iter().map(|one| one.pattern.to_string()))
    }
}

fn shown(patterns: impl Iterator<Item = String>) -> Option<String> {
    let all: Vec<String> = patterns.collect();
    (!all.is_empty()).then(|| all.join(" or "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(pattern: &str, path: &str) -> Option<i32> {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        NamePattern::parse(pattern).unwrap().number(folder, name).map(|number| number.unwrap())
    }

    #[test]
    fn the_number_is_all_digits_that_stand_there() {
        assert_eq!(number("*{n}.dcm", "IM-0001-0048.dcm"), Some(48));
        assert_eq!(number("{n}*.dcm", "0048-x.DCM"), Some(48));
        assert_eq!(number("IM-*-{n}-*.txt", "IM-0001-0048-icontour-manual.txt"), Some(48));
        assert_eq!(number("*{n}", "000048"), Some(48));
        assert_eq!(number("slice?{n}.dcm", "slice_7.dcm"), Some(7));
        assert_eq!(number("{n}.dcm", "a48.dcm"), None);
        assert_eq!(number("a+{n}.dcm", "a+1.dcm"), Some(1));
        assert_eq!(number("a+{n}.dcm", "aa1.dcm"), None);
    }

    #[test]
    fn a_slash_matches_folders_one_by_one() {
        assert_eq!(number("inner/*-{n}.txt", "inner/c-3.txt"), Some(3));
        assert_eq!(number("*/{n}.dcm", "series/3.dcm"), Some(3));
        assert_eq!(number("*/{n}.dcm", "a/b/3.dcm"), None);
        assert_eq!(number("{n}.dcm", "a/3.dcm"), Some(3), "without a slash the folder does not matter");
        let patterns = NamePatterns {
            contours: vec![ContourPattern::parse(" LV  endo = a/b/*{n}.txt").unwrap()],
            ..NamePatterns::default()
        };
        assert_eq!((patterns.depths(), patterns.structures()), ([0, 2], vec!["LV endo".into()]));
        assert_eq!(patterns.contour("a/b", "c7.txt"), Some(("LV endo", Ok(7))));
    }

    #[test]
    fn other_texts_are_refused_and_large_numbers_told() {
        for text in ["*.dcm", "{n}-{n}.dcm", ""] {
            assert!(matches!(NamePattern::parse(text), Err(NamePatternError::NoNumber(_))), "{text}");
        }
        assert!(ContourPattern::parse("=*{n}.txt").is_err());
        let long = NamePattern::parse(&format!("{}{{n}}", "*".repeat(200_000)));
        assert!(matches!(long, Err(NamePatternError::TooLong(_))));
        let fault = NamePattern::parse("{n}").unwrap().number("", "2147483648").unwrap().unwrap_err();
        assert_eq!(fault.reason, Reason::NumberTooLarge);
    }
}
