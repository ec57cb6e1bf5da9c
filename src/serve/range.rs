//! The header `Range` (RFC 9110, section 14): one range of bytes.

use std::ops::Range;

/// The part of a body of `length` bytes that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Asked {
    /// All of it: there is no header, or one that a server may ignore (another unit, several ranges, no range at all).
    Whole,
    /// These bytes.
    Part(Range<u64>),
    /// Nothing that is there.
    Unsatisfiable,
}

/// Parses the value of a header.
pub(super) fn parse(header: Option<&str>, length: u64) -> Asked {
    let Some(range) = header.and_then(|header| header.trim().strip_prefix("bytes=")) else {
        return Asked::Whole;
    };
    let Some((first, last)) = range.split_once('-').filter(|_| !range.contains(',')) else {
        return Asked::Whole;
    };
    let number = |text: &str| match text.trim() {
        "" => Some(None),
        text if text.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(Some(text.parse().unwrap_or(u64::MAX)))
        }
        _ => None,
    };
    match (number(first), number(last)) {
        (Some(Some(first)), Some(last)) => {
            let last = last.unwrap_or(u64::MAX);
            if last < first {
                return Asked::Whole;
            }
            if first >= length {
                return Asked::Unsatisfiable;
            }
            Asked::Part(first..last.saturating_add(1).min(length))
        }
        (Some(None), Some(Some(suffix))) if suffix > 0 && length > 0 => {
            Asked::Part(length.saturating_sub(suffix)..length)
        }
        (Some(None), Some(Some(_))) => Asked::Unsatisfiable,
        _ => Asked::Whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_those_of_rfc_9110() {
        let part = |header| parse(Some(header), 100);
        assert_eq!(part("bytes=0-7"), Asked::Part(0..8));
        assert_eq!(part("bytes=90-"), Asked::Part(90..100));
        assert_eq!(part("bytes=90-1000"), Asked::Part(90..100));
        assert_eq!(part("bytes=-10"), Asked::Part(90..100));
        assert_eq!(part("bytes=-1000"), Asked::Part(0..100));
        assert_eq!(part("bytes=99-99999999999999999999999"), Asked::Part(99..100));
        for unsatisfiable in ["bytes=100-", "bytes=100-200", "bytes=-0"] {
            assert_eq!(part(unsatisfiable), Asked::Unsatisfiable, "{unsatisfiable}");
        }
        for ignored in
            ["", "bytes", "bytes=", "bytes=a-b", "bytes=5-2", "bytes=0-1,3-4", "rows=0-1", "bytes=-"]
        {
            assert_eq!(part(ignored), Asked::Whole, "{ignored}");
        }
        assert_eq!(parse(None, 100), Asked::Whole);
        assert_eq!(parse(Some("bytes=0-"), 0), Asked::Unsatisfiable);
    }
}
