//! Names of structures as `--structures` and a shell take them, and names that differ in spelling alone.

use super::fold;

/// The longest name of a mask plane that is made of another name, in bytes.
const MAX_PLANE_BYTES: usize = 64;

/// A name as `--structures` takes it. One with characters that the names of mask planes may not have becomes a plane of
/// another name.
#[must_use]
pub fn selection(name: &str) -> String {
    let is_plain =
        !name.contains(|c: char| ",/=+#".contains(c) || c.is_control()) && !name.starts_with("re:");
    if is_plain && name.len() <= MAX_PLANE_BYTES && fold(name) == name {
        return name.to_owned();
    }
    format!("{}=re:{}", plane_name(name), escaped(name))
}

/// The structure with this name and number as `--structures` takes it; `None` where the name cannot stand before a
/// number.
#[must_use]
pub fn numbered_selection(name: &str, number: i64) -> Option<String> {
    let is_term = !name.contains(|c: char| ",+".contains(c) || c.is_control()) && !name.starts_with("re:");
    is_term.then(|| format!("{}={name}#{number}", plane_name(&format!("{name}#{number}"))))
}

/// A name as an expression that takes it and nothing else, and that may stand beside others.
#[must_use]
pub fn escaped(name: &str) -> String {
    let escaped = name.chars().map(|c| match c {
        ',' | '=' | '#' => format!("[{c}]"),
        // A + joins patterns.
        '+' => r"\x2b".to_owned(),
        c => regex::escape(c.encode_utf8(&mut [0; 4])),
    });
    escaped.collect()
}

/// One plane for all of several `selections`, under the name of the first.
#[must_use]
pub fn together<S: AsRef<str>>(selections: &[S]) -> String {
    let plane = selections.first().and_then(|first| first.as_ref().split('=').next()).unwrap_or_default();
    let pattern = |selection: &S| {
        let selection = selection.as_ref();
        selection.split_once('=').map_or(selection, |(_, pattern)| pattern).to_owned()
    };
    let mut patterns: Vec<String> = selections.iter().map(pattern).collect();
    // A name behind an expression would be a part of it.
    patterns.sort_by_key(|pattern| pattern.starts_with("re:"));
    format!("{plane}={}", patterns.join("+"))
}

/// A name without letter case, spaces and punctuation; a name of nothing else as it is.
#[must_use]
pub fn plain(name: &str) -> String {
    let plain: String = name.chars().filter(|c| c.is_alphanumeric()).collect();
    if plain.is_empty() || name.starts_with('#') { name.to_owned() } else { plain.to_lowercase() }
}

/// A word as a shell takes it.
#[must_use]
pub fn shell_word(text: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+@%=,".contains(c);
    if text.chars().all(is_plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// A name with what the name of a mask plane may have.
fn plane_name(name: &str) -> String {
    let mut plane: String =
        name.chars().map(|c| if ",/=+#".contains(c) || c.is_control() { '_' } else { c }).collect();
    while plane.len() > MAX_PLANE_BYTES {
        plane.pop();
    }
    // `re:` begins an expression.
    if plane.starts_with("re:") {
        plane.replace_range(2..3, "_");
    }
    plane.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::StructurePatterns;
    use super::*;

    const NAMES: [&str; 9] = [
        "LV endo",
        "left, lung",
        "re:x",
        "LV+<endo>",
        "a=b \u{2013} c",
        "x/y (z) [1] {2} ^$*?|~&-",
        "PTV #1",
        "#7",
        "GTV#2",
    ];

    #[test]
    fn a_selection_takes_the_name_that_it_is_for_alone() {
        for name in NAMES {
            let patterns = StructurePatterns::parse(&selection(name)).expect("a selection is a pattern");
            for other in NAMES {
                assert_eq!(
                    patterns.patterns()[0].matches(other, Some(7)),
                    other == name,
                    "{other} by {}",
                    selection(name)
                );
            }
        }
    }

    #[test]
    fn selections_together_take_all_their_names() {
        let selections: Vec<String> = NAMES.iter().map(|name| selection(name)).collect();
        let patterns = StructurePatterns::parse(&together(&selections)).expect("they are a pattern");
        assert!(NAMES.iter().all(|name| patterns.patterns()[0].matches(name, None)));
        assert!(!patterns.patterns()[0].matches("other", Some(7)));
    }

    #[test]
    fn a_structure_is_told_by_its_number() {
        assert_eq!(numbered_selection("a/b=c", 3).as_deref(), Some("a_b_c_3=a/b=c#3"));
        assert!(["a+b", "a,b", "re:a"].iter().all(|name| numbered_selection(name, 3).is_none()));
    }

    #[test]
    fn words_of_a_shell() {
        assert_eq!(shell_word("a=b+c,d"), "a=b+c,d");
        assert_eq!(shell_word("it's"), r"'it'\''s'");
    }
}
