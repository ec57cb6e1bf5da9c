//! Kinds of names: what is left of them when their numbers are put aside. Pure.

use std::collections::BTreeSet;

/// The kind of a name: in lower case, with `#` for each run of digits.
pub(super) fn shape(name: &str) -> String {
    let mut shape = String::with_capacity(name.len());
    for part in parts(name) {
        match part {
            Part::Digits(_) => shape.push('#'),
            Part::Text(text) => shape += &text.to_lowercase(),
        }
    }
    shape
}

/// A pattern with one `{n}` that takes names of one kind: the number is that which most often is one of `numbers` if it is
/// `known`, else the one that differs most.
pub(super) fn pattern_of(names: &[&str], numbers: &BTreeSet<i32>, known: bool) -> String {
    let all: Vec<Vec<Part<'_>>> = names.iter().map(|name| parts(name).collect()).collect();
    let Some(first) = all.first() else { return "{n}".to_owned() };
    let digits = |parts: &Vec<Part<'_>>, index: usize| match parts.get(index) {
        Some(Part::Digits(digits)) => digits.parse::<i32>().ok(),
        _ => None,
    };
    let score = |index: &usize| {
        let values: Vec<i32> = all.iter().filter_map(|parts| digits(parts, *index)).collect();
        let matching = values.iter().filter(|value| known && numbers.contains(value)).count();
        let distinct: BTreeSet<i32> = values.into_iter().collect();
        (matching, distinct.len(), *index)
    };
    let is_number = |index: &usize| matches!(first[*index], Part::Digits(_));
    let number = (0..first.len()).filter(is_number).max_by_key(score);
    let part = |(index, part): (usize, &Part<'_>)| match part {
        Part::Digits(_) if Some(index) == number => "{n}".to_owned(),
        Part::Digits(_) => "*".to_owned(),
        Part::Text(text) => (*text).to_owned(),
    };
    first.iter().enumerate().map(part).collect()
}

enum Part<'n> {
    Digits(&'n str),
    Text(&'n str),
}

/// Runs of digits, and what is between them.
fn parts(name: &str) -> impl Iterator<Item = Part<'_>> {
    let mut rest = name;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let is_digit = |c: char| c.is_ascii_digit();
        let end = rest.find(|c| is_digit(c) != is_digit(first)).unwrap_or(rest.len());
        let (part, after) = rest.split_at(end);
        rest = after;
        Some(if is_digit(first) { Part::Digits(part) } else { Part::Text(part) })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_one_kind_have_one_shape() {
        assert_eq!(shape("IM-0001-0048-iContour.txt"), "im-#-#-icontour.txt");
        assert_eq!(shape("P01"), shape("p2"));
        assert_eq!(shape(""), "");
    }

    #[test]
    fn the_number_that_pairs_is_found() {
        let names = ["IM-0001-0048-icontour.txt", "IM-0001-0050-icontour.txt"];
        assert_eq!(pattern_of(&names, &[48, 50].into(), true), "IM-*-{n}-icontour.txt");
        assert_eq!(pattern_of(&["7-1.txt", "7-2.txt"], &[7].into(), true), "{n}-*.txt");
        assert_eq!(pattern_of(&["s1_3.dcm", "s1_4.dcm"], &BTreeSet::new(), false), "s*_{n}.dcm");
        assert_eq!(pattern_of(&["a.dcm"], &BTreeSet::new(), false), "a.dcm");
    }
}
