//! Selection of structures by name, and the number that makes a sample.

use std::fmt;

use regex::Regex;

use crate::model::{StructureError, StructureSet, choice};
use crate::source::{AnnotationOptions, PartInfo};

/// Structures that a sample needs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Require {
    /// At least one of those asked for.
    #[default]
    Any,
    /// All of those asked for.
    All,
}

choice!(Require {
    Any => "any",
    All => "all",
});

/// Requirements on samples.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Select {
    /// The mask planes.
    pub structures: StructureChoice,
    /// Number of them that a sample needs.
    pub require: Require,
    /// Options of reading annotation files.
    pub annotation: AnnotationOptions,
    /// True if images without annotations become samples, so that none may have one.
    pub images_alone: bool,
}

/// The structures that become mask planes.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum StructureChoice {
    /// Those that the layout has by itself.
    #[default]
    Default,
    /// All that there are.
    All,
    /// These.
    Named(StructurePatterns),
}

impl From<Option<StructurePatterns>> for StructureChoice {
    fn from(named: Option<StructurePatterns>) -> Self {
        named.map_or(Self::Default, Self::Named)
    }
}

/// Mask planes by name, and what each is called in the data: `LEFT=RIGHT,...`.
#[derive(Debug, Clone, PartialEq)]
pub struct StructurePatterns {
    names: StructureSet,
    patterns: Box<[StructurePattern]>,
}

/// Name of one structure in the data: one or several terms, joined with `+`.
#[derive(Debug, Clone)]
pub struct StructurePattern {
    text: Box<str>,
    terms: Box<[Term]>,
}

#[derive(Debug, Clone)]
enum Term {
    Name(Box<str>),
    Pattern(Regex),
    Number(i64),
}

/// Why a text is no [`StructurePatterns`].
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PatternError {
    /// The names of the mask planes are not unique names.
    #[error(transparent)]
    Names(#[from] StructureError),
    /// There is nothing to match.
    #[error("`{0}`: there is no name after the equals sign or beside the +")]
    Empty(String),
    /// A number of a structure is no whole number.
    #[error("`{0}`: a number of a structure is written as in #7")]
    Number(String),
    /// A regular expression cannot be used.
    #[error("`{text}`: {error}")]
    Expression {
        /// The expression.
        text: String,
        /// The problem.
        error: String,
    },
    /// A plane needs a name of its own.
    #[error("`{0}`: give the mask plane a name, as in lv={0}")]
    NoName(String),
}

impl StructurePatterns {
    /// Parses `lv=LV_endo,wall=re:.*epi.*+#7,inner`. The name of the plane may be left out where it is the name in the
    /// data.
    ///
    /// # Errors
    /// [`PatternError`].
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let mut names = Vec::new();
        let mut patterns = Vec::new();
        for part in split_outside_brackets(text) {
            let (name, pattern) = match part.split_once('=') {
                Some((name, pattern)) if !name.trim().starts_with("re:") => (name.trim(), pattern.trim()),
                _ => (part.trim(), part.trim()),
            };
            let pattern = StructurePattern::parse(pattern)?;
            if name == &*pattern.text && !pattern.is_plain() {
                return Err(PatternError::NoName(name.to_owned()));
            }
            names.push(name.to_owned());
            patterns.push(pattern);
        }
        Ok(Self { names: StructureSet::new(names)?, patterns: patterns.into() })
    }

    /// Structures that are called in the data as in the file.
    #[must_use]
    pub fn of_names(names: StructureSet) -> Self {
        let pattern = |name: &str| StructurePattern {
            text: name.into(),
            terms: [Term::Name(fold(name).into())].into(),
        };
        let patterns = names.names().map(pattern).collect();
        Self { names, patterns }
    }

    /// These, then those of `other` under other names.
    ///
    /// # Errors
    /// [`StructureError::TooMany`].
    pub(super) fn union(&self, other: &Self) -> Result<Self, StructureError> {
        let all = self.names.names().zip(&self.patterns).chain(
            other
                .names
                .names()
                .zip(&other.patterns)
                .filter(|(name, _)| self.names.names().all(|own| own != *name)),
        );
        let (names, patterns): (Vec<&str>, Vec<StructurePattern>) =
            all.map(|(name, pattern)| (name, pattern.clone())).unzip();
        Ok(Self { names: StructureSet::new(names)?, patterns: patterns.into() })
    }

    /// Those of which the pattern is not `text`; `None` where nothing is left.
    pub(super) fn without(&self, text: &str) -> Option<Self> {
        let left = self.names.names().zip(&self.patterns).filter(|(_, pattern)| pattern.text() != text);
        let (names, patterns): (Vec<&str>, Vec<StructurePattern>) =
            left.map(|(name, pattern)| (name, pattern.clone())).unzip();
        Some(Self { names: StructureSet::new(names).ok()?, patterns: patterns.into() })
    }

    /// The names of the mask planes.
    #[must_use]
    pub fn names(&self) -> &StructureSet {
        &self.names
    }

    /// Their names in the data.
    #[must_use]
    pub fn patterns(&self) -> &[StructurePattern] {
        &self.patterns
    }

    /// True if every structure is called in the data as in the file.
    #[must_use]
    pub fn are_names(&self) -> bool {
        self.names
            .names()
            .zip(&self.patterns)
            .all(|(name, pattern)| name == &*pattern.text && pattern.is_plain())
    }
}

/// Displays as it is parsed.
impl fmt::Display for StructurePatterns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts =
            self.names.names().zip(&self.patterns).map(|(name, pattern)| match name == &*pattern.text {
                true => name.to_owned(),
                false => format!("{name}={}", pattern.text),
            });
        f.write_str(&parts.collect::<Vec<_>>().join(","))
    }
}

impl StructurePattern {
    fn parse(text: &str) -> Result<Self, PatternError> {
        let terms = match text.strip_prefix("re:") {
            // A + belongs to the expression, unless another term follows it.
            Some(_) => split_terms(text),
            None => text.split('+').map(str::to_owned).collect(),
        };
        let term = |term: &String| match term.trim() {
            "" => Err(PatternError::Empty(text.to_owned())),
            term => Term::parse(term),
        };
        let terms: Vec<Term> = terms.iter().map(term).collect::<Result<_, _>>()?;
        Ok(Self { text: text.into(), terms: terms.into() })
    }

    /// As it was typed.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// True if an annotation with this name, and this number where it has one, belongs to the structure. White space
    /// in the name is folded.
    #[must_use]
    pub fn matches(&self, name: &str, number: Option<i64>) -> bool {
        let name = fold(name);
        self.terms.iter().any(|term| match term {
            Term::Name(wanted) => **wanted == *name,
            Term::Pattern(expression) => expression.is_match(&name),
            Term::Number(wanted) => Some(*wanted) == number,
        })
    }

    /// The name, where it is one name.
    pub(super) fn name(&self) -> Option<&str> {
        match &*self.terms {
            [Term::Name(name)] => Some(name),
            _ => None,
        }
    }

    /// Those of the `parts` of a file that belong to the structure: by `name#number`, too, where no name is that.
    pub(super) fn takes<'p>(&self, parts: &'p [PartInfo]) -> Vec<&'p PartInfo> {
        let is_taken = |part: &&PartInfo| {
            let numbered = |term: &Term| match term {
                Term::Name(wanted) => {
                    !parts.iter().any(|other| *fold(&other.name) == **wanted) && is_numbered(wanted, part)
                }
                Term::Pattern(_) | Term::Number(_) => false,
            };
            self.matches(&part.name, part.part.number()) || self.terms.iter().any(numbered)
        };
        parts.iter().filter(is_taken).collect()
    }

    fn is_plain(&self) -> bool {
        self.name().is_some()
    }
}

impl PartialEq for StructurePattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

/// True if `text` is the name and number of a part: `name#number`.
fn is_numbered(text: &str, part: &PartInfo) -> bool {
    text.rsplit_once('#').is_some_and(|(name, number)| {
        !name.is_empty() && fold(name) == part.name && number.trim().parse().ok() == part.part.number()
    })
}

/// Memory that a compiled regular expression may take, in bytes.
const MAX_EXPRESSION_BYTES: usize = 1 << 20;

impl Term {
    fn parse(text: &str) -> Result<Self, PatternError> {
        if let Some(expression) = text.strip_prefix("re:") {
            let whole = format!("^(?:{expression})$");
            let built = regex::RegexBuilder::new(&whole).size_limit(MAX_EXPRESSION_BYTES).build();
            let built = built.map_err(|error| PatternError::Expression {
                text: text.to_owned(),
                error: error.to_string().lines().last().unwrap_or_default().trim().to_owned(),
            })?;
            return Ok(Self::Pattern(built));
        }
        if let Some(number) = text.strip_prefix('#') {
            return number
                .trim()
                .parse()
                .map(Self::Number)
                .map_err(|_| PatternError::Number(text.to_owned()));
        }
        Ok(Self::Name(fold(text).into()))
    }
}

/// The name trimmed, each run of white space one space.
#[must_use]
pub fn fold(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The parts between commas; a comma within brackets belongs to an expression.
fn split_outside_brackets(text: &str) -> Vec<String> {
    let (mut parts, mut depth) = (vec![String::new()], 0i32);
    let mut escaped = false;
    for c in text.chars() {
        match c {
            '(' | '[' | '{' if !escaped => depth += 1,
            ')' | ']' | '}' if !escaped => depth = (depth - 1).max(0),
            ',' if depth == 0 && !escaped => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        escaped = c == '\\' && !escaped;
        if let Some(part) = parts.last_mut() {
            part.push(c);
        }
    }
    // Brackets that do not close are part of names.
    if depth > 0 { text.split(',').map(str::to_owned).collect() } else { parts }
}

/// The terms of a pattern that begins with an expression: a + ends it where a name, a number or an expression begins.
fn split_terms(text: &str) -> Vec<String> {
    let mut terms: Vec<String> = Vec::new();
    for part in text.split('+') {
        match terms.last_mut() {
            Some(last) if !(part.starts_with('#') || part.starts_with("re:")) => {
                last.push('+');
                last.push_str(part);
            }
            _ => terms.push(part.to_owned()),
        }
    }
    terms
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> StructurePatterns {
        StructurePatterns::parse(text).unwrap()
    }

    #[test]
    fn planes_have_names_and_patterns() {
        let patterns = parse("lv = LV endo , wall=re:(?i).*epi.*, seven=#7, both=A+B+#3");
        assert_eq!(patterns.names().names().collect::<Vec<_>>(), ["lv", "wall", "seven", "both"]);
        let matches = |plane: usize, name: &str, number| patterns.patterns()[plane].matches(name, number);
        assert!(
            matches(0, "  LV \t endo ", None)
                && !matches(0, "lv endo", None)
                && !matches(0, "LV endo 2", None)
        );
        assert!(matches(1, "LV_EPI_2", None) && !matches(1, "endo", None));
        assert!(matches(2, "anything", Some(7)) && !matches(2, "7", None));
        assert!(matches(3, "A", None) && matches(3, "B", Some(9)) && matches(3, "x", Some(3)));
        assert!(!patterns.are_names() && parse("inner,outer").are_names());
        assert_eq!(patterns.to_string(), "lv=LV endo,wall=re:(?i).*epi.*,seven=#7,both=A+B+#3");
    }

    #[test]
    fn expressions_match_whole_and_keep_their_signs() {
        let patterns = parse("a=re:x{1,2}y+,b=re:p+q+re:r");
        let matches = |plane: usize, name: &str| patterns.patterns()[plane].matches(name, None);
        assert!(matches(0, "xyy") && !matches(0, "axyy") && !matches(0, "xxxy"));
        assert!(matches(1, "pppq") && matches(1, "r") && !matches(1, "p"));
    }

    #[test]
    fn says_what_is_wrong() {
        let message = |text: &str| StructurePatterns::parse(text).unwrap_err().to_string();
        assert!(message("a=").contains("no name after the equals sign"));
        assert!(message("").contains("no name after"));
        assert!(message("a=#x").contains("#7"));
        assert!(message("a=re:(").starts_with("`re:(`"));
        assert!(message("re:x").contains("lv=re:x") && message("#7").contains("lv=#7"));
        assert_eq!(message("a=b,a=c"), "a is named twice");
        assert!(message("a=re:(x{1000}){1000}").contains("`re:"));
    }
}
