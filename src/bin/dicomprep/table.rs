//! Numbers and tables as people read them.

use std::collections::BTreeMap;

use dicomprep::model::Plain;
use dicomprep::split::SplitName;

/// Lines of a name and a text, the texts in one column, control characters escaped.
pub(crate) fn lines(rows: &[(&str, String)]) -> String {
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let line = |(name, text): &(&str, String)| {
        let line = format!("  {name:width$}  {text}");
        format!("{}\n", Plain(&line))
    };
    rows.iter().map(line).collect()
}

/// Bytes in the largest decimal unit that keeps the number above 1.
pub(crate) fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    let mut value = bytes as f64;
    let mut unit = "bytes";
    for larger in UNITS {
        if value < 999.5 {
            break;
        }
        value /= 1000.0;
        unit = larger;
    }
    if unit == "bytes" { format!("{bytes} bytes") } else { format!("{value:.1} {unit}") }
}

/// A rate: whole from 10 on, with one decimal below.
pub(crate) fn number(number: f64) -> String {
    if number < 9.95 { format!("{number:.1}") } else { format!("{number:.0}") }
}

/// Entries of splits, train first; what has another name comes last.
pub(crate) fn in_order<V>(splits: &BTreeMap<String, V>) -> impl Iterator<Item = (&str, &V)> {
    let known = SplitName::ALL.map(SplitName::name);
    let others = splits.keys().map(String::as_str).filter(move |name| !known.contains(name));
    let names = known.into_iter().chain(others);
    names.filter_map(|name| splits.get_key_value(name)).map(|(name, value)| (name.as_str(), value))
}

/// `1 patient`, `2 patients`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// Sizes of folds, each samples and patients; `None` where there are none.
pub(crate) fn folds(sizes: impl Iterator<Item = (usize, usize)>) -> Option<String> {
    let sizes = (0..).zip(sizes);
    let one = |(fold, (samples, patients)): (usize, (usize, usize))| {
        format!("{fold}: {samples} ({})", count(patients, "patient"))
    };
    Some(sizes.map(one).collect::<Vec<_>>().join(", ")).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_decimal() {
        assert_eq!(bytes(999), "999 bytes");
        assert_eq!(bytes(1_500), "1.5 kB");
        assert_eq!(bytes(999_999), "1.0 MB");
        assert_eq!(bytes(2_345_000_000), "2.3 GB");
    }

    #[test]
    fn train_comes_first() {
        let splits = ["", "test", "train", "val"].map(|name| (name.to_owned(), ())).into();
        let names: Vec<&str> = in_order(&splits).map(|(name, ())| name).collect();
        assert_eq!(names, ["train", "val", "test", ""]);
    }

    #[test]
    fn lines_are_aligned() {
        assert_eq!(lines(&[("a", "1".to_owned()), ("long", "2".to_owned())]), "  a     1\n  long  2\n");
    }
}
