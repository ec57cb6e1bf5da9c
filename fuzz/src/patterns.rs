//! Patterns of structures and of file names: any text is a pattern that displays as it is parsed, or an error.
//!
//! Names to match stand behind the first line.

use dicomprep::layout::{ContourPattern, NamePattern, StructurePatterns, fold, selection};

pub(crate) fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (typed, names) = text.split_once('\n').unwrap_or((text, ""));
    if let Ok(patterns) = StructurePatterns::parse(typed) {
        assert_eq!(patterns.names().len(), patterns.patterns().len());
        let again = StructurePatterns::parse(&patterns.to_string()).expect("what was parsed is a pattern");
        assert_eq!(again.names(), patterns.names());
        for name in names.lines() {
            for (one, other) in patterns.patterns().iter().zip(again.patterns()) {
                assert_eq!(one.matches(name, Some(7)), other.matches(name, Some(7)), "{name:?}");
            }
        }
    }
    // Readers of annotation files fold the names.
    let folded = names.lines().map(fold);
    for name in folded.filter(|name| !name.is_empty() && !name.contains('#')) {
        // What is offered for a name takes it, unless nothing of it is left that a mask plane can be called.
        if let Ok(patterns) = StructurePatterns::parse(&selection(&name)) {
            assert!(patterns.patterns()[0].matches(&name, None), "{name:?} by {:?}", selection(&name));
        }
    }
    if let Ok(pattern) = NamePattern::parse(typed) {
        assert_eq!(NamePattern::parse(&pattern.to_string()).as_ref(), Ok(&pattern));
    }
    let _ = ContourPattern::parse(typed);
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let texts = [
        "lv=LV_endo,wall=re:.*epi.*+#7,inner\nLV_endo\nmid epi\ninner",
        "a b=re:(a|b),x=re:[a,b]{1,3}\na\nb",
        "IM-*-{n}.dcm\nLV+endo\nLV+<endo>\nLeft, lung\nre:x\na=b",
        "lv=endo/*{n}.txt\n ",
        "=,,re:(+#x\n\u{e9}",
    ];
    texts.map(|text| text.as_bytes().to_vec()).into()
}
