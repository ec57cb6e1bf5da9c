//! Contour Data (3006,0050): points of the patient as decimal text (PS3.3 C.8.8.6).

use crate::model::Plain;
use crate::source::dicom::{decimal, shown};

/// The most points of a contour. The longest real ones, drawn pixel by pixel, have some thousand.
pub(super) const MAX_POINTS: usize = 1 << 18;

/// Why the points of a contour cannot be used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(super) enum PointsFault {
    /// A number is none.
    #[error("number {index} of its Contour Data is {}, not a finite decimal number", shown_text(.text))]
    Number {
        /// Its index, from 1.
        index: usize,
        /// The text.
        text: String,
    },
    /// There is no number.
    #[error("it has no Contour Data")]
    Empty,
    /// The numbers are not triples.
    #[error("its Contour Data has {numbers} numbers, which are no triples x, y, z")]
    NotTriples {
        /// Their number.
        numbers: usize,
    },
    /// There are too many points.
    #[error("it has more than {MAX_POINTS} points")]
    TooMany,
}

fn shown_text(text: &str) -> String {
    if text.is_empty() { "empty".to_owned() } else { format!("\"{}\"", Plain(text)) }
}

/// The points `[x, y, z]` in mm. Spaces, line breaks and padding around numbers are passed over.
pub(super) fn parse_points(bytes: &[u8]) -> Result<Vec<[f64; 3]>, PointsFault> {
    let is_padding = |byte: &u8| byte.is_ascii_whitespace() || *byte == 0;
    if bytes.iter().all(is_padding) {
        return Err(PointsFault::Empty);
    }
    let mut points = Vec::with_capacity((bytes.len() / 12).min(MAX_POINTS));
    let (mut point, mut numbers) = ([0.0; 3], 0);
    for part in bytes.split(|&byte| byte == b'\\') {
        let value =
            number(part).ok_or_else(|| PointsFault::Number { index: numbers + 1, text: shown(part) })?;
        point[numbers % 3] = value;
        numbers += 1;
        if numbers % 3 == 0 {
            if points.len() == MAX_POINTS {
                return Err(PointsFault::TooMany);
            }
            points.push(point);
        }
    }
    if numbers % 3 == 0 { Ok(points) } else { Err(PointsFault::NotTriples { numbers }) }
}

/// A finite decimal number with padding around it.
fn number(part: &[u8]) -> Option<f64> {
    if let Some(value) = plain_decimal(part) {
        return Some(value);
    }
    let text = std::str::from_utf8(part).ok()?;
    decimal(text.trim_matches(|c: char| c == '\0' || c.is_ascii_whitespace()))
}

/// A decimal of at most 15 digits without exponent or padding, as nearly all are: a whole number and a power of ten, both
/// exact in f64, so that their quotient is the nearest f64.
fn plain_decimal(part: &[u8]) -> Option<f64> {
    const POWERS: [f64; 16] =
        [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];
    let (negative, digits) = match part {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if digits.is_empty() || digits.len() > 16 {
        return None;
    }
    let (mut whole, mut count, mut decimals) = (0_u64, 0, None);
    for &byte in digits {
        match byte {
            b'0'..=b'9' => {
                whole = whole * 10 + u64::from(byte - b'0');
                count += 1;
            }
            b'.' if decimals.is_none() => decimals = Some(count),
            _ => return None,
        }
    }
    if count == 0 || count > 15 {
        return None;
    }
    let value = whole as f64 / POWERS[count - decimals.unwrap_or(count)];
    Some(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_the_nearest_f64() {
        for text in
            ["0", "-0.1", "123.456", "-85.9023437500000", "999999999999999", "1e-3", "+7.5", ".5", "5."]
        {
            assert_eq!(number(text.as_bytes()), Some(text.parse().unwrap()), "{text}");
        }
        for bad in ["", "-", ".", "nan", "inf", "1,5", "1.2.3", "0x1", "1e999", "--1"] {
            assert_eq!(number(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn white_space_around_numbers_goes() {
        assert_eq!(
            parse_points(b"1\\ 2.5\\\r\n-3 \\4\\5\\6 \0").unwrap(),
            [[1.0, 2.5, -3.0], [4.0, 5.0, 6.0]]
        );
    }

    #[test]
    fn one_bad_number_is_named() {
        let fault = |bytes: &[u8]| parse_points(bytes).unwrap_err().to_string();
        assert_eq!(
            fault(b"1\\2\\3,5"),
            "number 3 of its Contour Data is \"3,5\", not a finite decimal number"
        );
        assert_eq!(fault(b"1\\2\\3\\"), "number 4 of its Contour Data is empty, not a finite decimal number");
        assert_eq!(fault(b"1\\2"), "its Contour Data has 2 numbers, which are no triples x, y, z");
        assert_eq!(fault(b"  "), "it has no Contour Data");
        assert!(parse_points(b"nan\\0\\0").is_err());
    }
}
