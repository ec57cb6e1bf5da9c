//! Contours as text: one point a line, `x y` in pixels.

use crate::model::{Place, Polygon, PolygonError, Reason};

/// The largest contour file read, in bytes: 16 MiB.
pub const MAX_CONTOUR_BYTES: usize = 16 << 20;

/// The most points of a contour. Real ones have some hundred.
pub const MAX_CONTOUR_POINTS: usize = 1 << 16;

/// A contour file that is not a polygon: where, and why.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{place}: {fault}")]
pub struct ContourError {
    /// The file, and the line where there is one.
    pub place: Place,
    /// The fault there.
    pub fault: ContourFault,
}

/// Fault of a contour file.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ContourFault {
    /// It is longer than [`MAX_CONTOUR_BYTES`].
    #[error("a contour of {bytes} bytes, more than the limit of {MAX_CONTOUR_BYTES}")]
    TooLong {
        /// Its size.
        bytes: usize,
    },
    /// It has more points than [`MAX_CONTOUR_POINTS`].
    #[error("a contour of more than {MAX_CONTOUR_POINTS} points")]
    TooManyPoints,
    /// A line is not text.
    #[error("this line is not text")]
    NotText,
    /// A line has other than two parts.
    #[error("this line has {found} parts, not the two numbers x and y separated by one mark")]
    NotTwoNumbers {
        /// Number of its parts.
        found: usize,
    },
    /// A part of a line is not a finite decimal number.
    #[error("{text:?} is not a finite decimal number")]
    NotANumber {
        /// The part, shortened.
        text: String,
    },
    /// The points are no polygon.
    #[error(transparent)]
    Polygon(#[from] PolygonError),
}

impl ContourError {
    /// The bin's reason for this error.
    #[must_use]
    pub fn reason(&self) -> Reason {
        Reason::ContourUnreadable
    }
}

/// Reads the contour in `file`, which is `bytes`: on each line x and y in pixels, separated by spaces,
/// tabs, a comma or a semicolon. Blank lines, Windows line ends and a byte order mark are allowed.
///
/// # Errors
/// [`ContourError`] with the line where a line is not two finite numbers or a coordinate is absurd; without
/// one where the points are no polygon or the file is too long.
pub fn parse_contour(file: &str, bytes: &[u8]) -> Result<Polygon, ContourError> {
    let failed = |line: Option<usize>, fault| {
        let place = Place::file(file);
        let place = match line {
            Some(line) => place.at_line(line as u64),
            None => place,
        };
        ContourError { place, fault }
    };
    if bytes.len() > MAX_CONTOUR_BYTES {
        return Err(failed(None, ContourFault::TooLong { bytes: bytes.len() }));
    }
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let mut points = Vec::with_capacity((bytes.len() / 12).min(MAX_CONTOUR_POINTS));
    let (mut rest, mut line) = (bytes, 0);
    while !rest.is_empty() {
        line += 1;
        let point;
        (point, rest) = match plain_line(rest) {
            Some((point, after)) => (Some(point), after),
            None => {
                let (text, after) = first_line(rest);
                (parse_point(text).map_err(|fault| failed(Some(line), fault))?, after)
            }
        };
        if let Some(point) = point {
            if points.len() == MAX_CONTOUR_POINTS {
                return Err(failed(Some(line), ContourFault::TooManyPoints));
            }
            points.push(point);
        }
    }
    Polygon::new(points).map_err(|error| {
        let line = match error {
            PolygonError::BadCoordinate { index, .. } => line_of_point(bytes, index),
            _ => None,
        };
        failed(line, error.into())
    })
}

/// The point on a line, or `None` on a blank one.
fn parse_point(line: &[u8]) -> Result<Option<[f64; 2]>, ContourFault> {
    let line = line.trim_ascii();
    if line.is_empty() {
        return Ok(None);
    }
    let is_mark = |byte: u8| byte == b',' || byte == b';';
    let ends = |byte: &u8| byte.is_ascii_whitespace() || is_mark(*byte);
    let (x, rest) = line.split_at(line.iter().position(ends).unwrap_or(line.len()));
    // Spaces may stand around the one comma or semicolon.
    let rest = rest.trim_ascii_start();
    let y = rest.strip_prefix(b",").or(rest.strip_prefix(b";")).unwrap_or(rest).trim_ascii_start();
    if x.is_empty() || y.is_empty() || y.iter().any(ends) {
        let found = line.split(ends).filter(|part| !part.is_empty()).count();
        return Err(ContourFault::NotTwoNumbers { found });
    }
    Ok(Some([number(x)?, number(y)?]))
}

/// The first line, and what follows it.
fn first_line(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = memchr::memchr(b'\n', bytes).unwrap_or(bytes.len());
    (&bytes[..end], bytes.get(end + 1..).unwrap_or_default())
}

/// The point on the first line, if that has two short decimals with one byte between them, as nearly all lines do; and what
/// follows the line.
fn plain_line(bytes: &[u8]) -> Option<([f64; 2], &[u8])> {
    let (x, rest) = short_decimal(bytes)?;
    let [b' ' | b'\t' | b',' | b';', rest @ ..] = rest else { return None };
    let (y, rest) = short_decimal(rest)?;
    match rest {
        [b'\n', rest @ ..] | [b'\r', b'\n', rest @ ..] => Some(([x, y], rest)),
        [] | [b'\r'] => Some(([x, y], &[])),
        _ => None,
    }
}

fn number(bytes: &[u8]) -> Result<f64, ContourFault> {
    let text = std::str::from_utf8(bytes).map_err(|_| ContourFault::NotText)?;
    // `parse` also takes `nan`, `inf` and `infinity`, none of which is finite.
    let value = text.parse().ok().filter(|value: &f64| value.is_finite());
    value.ok_or_else(|| ContourFault::NotANumber { text: text.chars().take(32).collect() })
}

/// Powers of ten that are exact in binary64.
const POWERS: [f64; SHORT + 1] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

/// The most digits of a number that is always a whole number below 2^53.
const SHORT: usize = 15;

/// The number that the digits at the beginning are, with at most one point between them, if they are few; and what
/// follows. It is the one that `parse` gives: the digits and the power of ten are exact in binary64, so that only
/// their quotient is rounded (W. D. Clinger, "How to Read Floating Point Numbers Accurately", 1990).
fn short_decimal(bytes: &[u8]) -> Option<(f64, &[u8])> {
    let (value, whole, rest) = digits(0, bytes);
    let (value, fraction, rest) = match rest {
        [b'.', rest @ ..] => digits(value, rest),
        _ => (value, 0, rest),
    };
    let is_short = (1..=SHORT).contains(&(whole + fraction)) && rest.first() != Some(&b'.');
    is_short.then(|| (value as f64 / POWERS[fraction], rest))
}

/// The number that `before` and the digits behind it are, modulo 2^64; how many digits these are, and what follows.
#[inline(always)]
fn digits(before: u64, bytes: &[u8]) -> (u64, usize, &[u8]) {
    let (mut value, mut count) = (before, 0);
    for byte in bytes {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            break;
        }
        value = value.wrapping_mul(10).wrapping_add(digit.into());
        count += 1;
    }
    (value, count, &bytes[count..])
}

/// The line of the `point`-th point, both from 1.
fn line_of_point(bytes: &[u8], point: usize) -> Option<usize> {
    let mut lines = bytes.split(|&byte| byte == b'\n').enumerate();
    let (index, _) = lines.by_ref().filter(|(_, line)| !line.trim_ascii().is_empty()).nth(point - 1)?;
    Some(index + 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn short_numbers_are_those_of_the_standard_library(text in "[0-9]{0,9}\\.?[0-9]{0,9}|[-+0-9.e]{0,16}") {
            let expected = text.parse::<f64>().ok();
            if let Some((value, b"")) = short_decimal(text.as_bytes()) {
                prop_assert_eq!(Some(value.to_bits()), expected.map(f64::to_bits));
            }
            prop_assert_eq!(number(text.as_bytes()).ok(), expected.filter(|value| value.is_finite()));
        }

        #[test]
        fn plain_lines_are_read_as_all_lines_are(line in "[0-9.]{0,17}[ \t,;x]?[0-9.]{0,17}[ \r]?") {
            for after in ["", "1 2\n"] {
                let lines = format!("{line}\n{after}");
                if let Some((point, rest)) = plain_line(lines.as_bytes()) {
                    prop_assert_eq!((parse_point(line.as_bytes()), rest), (Ok(Some(point)), after.as_bytes()));
                }
            }
        }
    }

    #[test]
    fn usual_lines_are_plain() {
        for line in ["120.50 99.00\n", "1,2\r\n", "1;.5", "7.\t0\r"] {
            assert_eq!(plain_line(line.as_bytes()).unwrap().1, b"", "{line:?}");
        }
        for line in ["", "\n", "1\n2", "1 2 \n", "1  2", "1 2\r3", "1 2.5.\n", "-1 2\n"] {
            assert_eq!(plain_line(line.as_bytes()), None, "{line:?}");
        }
    }

    #[test]
    fn numbers_of_contours_are_short() {
        for text in ["120.50", "0", "7.", ".5", "999999999999999", "0.0000000000001", "1234567.12345678"] {
            let expected: f64 = text.parse().unwrap();
            assert_eq!(short_decimal(text.as_bytes()), Some((expected, &b""[..])), "{text}");
        }
        for text in ["", ".", "1.2.3", "-1", "+1", "1234567890123456", "0.1234567890123456"] {
            assert_eq!(short_decimal(text.as_bytes()), None, "{text}");
        }
        for (text, rest) in [("1e3", "e3"), ("0x1", "x1"), ("1 ", " "), ("1,.5", ",.5")] {
            assert_eq!(short_decimal(text.as_bytes()).unwrap().1, rest.as_bytes(), "{text}");
        }
    }

    #[test]
    fn reads_points_however_they_are_separated() {
        let expected = [[1.0, 2.0], [3.5, -4.0], [5.0, 60.0]];
        for text in [
            "1 2\n3.5 -4\n5 6e1\n",
            "\u{FEFF}1.00 2.00\r\n3.50\t-4.00 \r\n\r\n  5 60",
            "1,2\n3.5;-4\n5 , 60\n",
            "1, 2\n3.5 ;-4\n5\t\t60\n\n\n",
        ] {
            assert_eq!(parse_contour("c.txt", text.as_bytes()).unwrap().points(), expected, "{text:?}");
        }
    }

    #[test]
    fn a_bad_line_is_named() {
        for bad in [
            "nan 1",
            "1 inf",
            "x y",
            "1",
            "1 2 3",
            "1,,2",
            ",1",
            "1,",
            "1 2,",
            "0x1 2",
            "\u{3B1} 1",
            "1 1e999",
        ] {
            let error = parse_contour("c.txt", format!("1 2\n\n{bad}\n4 5\n").as_bytes()).unwrap_err();
            assert!(error.to_string().starts_with("c.txt:3: "), "{error}");
            assert_eq!(error.reason(), Reason::ContourUnreadable);
        }
        let error = parse_contour("c.txt", b"1 2\n\xFF 1\n").unwrap_err();
        assert_eq!(error.fault, ContourFault::NotText);
    }

    #[test]
    fn what_is_no_polygon_is_refused() {
        let error = parse_contour("c.txt", b"\n").unwrap_err();
        assert_eq!(error.fault, ContourFault::Polygon(PolygonError::Empty));
        assert_eq!(error.place.line, None);
        let error = parse_contour("c.txt", b"\n1 2\n\n3 9999999\n4 5\n6 7").unwrap_err();
        assert_eq!(error.place.line, Some(4));
        let many = "0 1\n2 3\n4 1\n".repeat(MAX_CONTOUR_POINTS / 3);
        assert!(parse_contour("c.txt", format!("{many}5 6").as_bytes()).is_ok());
        let error = parse_contour("c.txt", format!("{many}5 6\n7 8").as_bytes()).unwrap_err();
        assert_eq!((error.fault, error.place.line), (ContourFault::TooManyPoints, Some(65_537)));
        let long = vec![b'\n'; MAX_CONTOUR_BYTES + 1];
        assert!(matches!(parse_contour("c.txt", &long).unwrap_err().fault, ContourFault::TooLong { .. }));
    }
}
