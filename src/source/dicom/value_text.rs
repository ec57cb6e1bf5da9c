//! Numbers and words in text values (PS3.5 6.2), padded with spaces or NUL as real files pad them.

use crate::model::Plain;

/// The longest text value that is read, in bytes. The longest that the standard allows here, six numbers, has 101.
const MAX_TEXT_BYTES: usize = 1024;

/// A text value without its padding; `None` where it is not UTF-8, or longer than any real one.
pub(in crate::source) fn text(bytes: &[u8]) -> Option<&str> {
    let padding = |c: char| c == '\0' || c.is_ascii_whitespace();
    let short = Some(bytes).filter(|bytes| bytes.len() <= MAX_TEXT_BYTES)?;
    std::str::from_utf8(short).ok().map(|text| text.trim_matches(padding))
}

/// A value as an identifier: without padding, `None` where nothing is left.
pub(in crate::source) fn identifier(value: &[u8]) -> Option<Box<str>> {
    let value = &value[..value.len().min(MAX_TEXT_BYTES)];
    let padding = |c: char| c == '\0' || c.is_ascii_whitespace();
    let text = match std::str::from_utf8(value) {
        Ok(text) => text.trim_matches(padding).to_owned(),
        Err(_) => {
            value.iter().map(|&byte| char::from(byte)).collect::<String>().trim_matches(padding).to_owned()
        }
    };
    (!text.is_empty()).then(|| text.into_boxed_str())
}

/// The finite decimal number (DS) that a trimmed text is.
///
/// `inf`, `nan` and a comma are no decimal numbers.
pub(in crate::source) fn decimal(text: &str) -> Option<f64> {
    let allowed = |byte: u8| byte.is_ascii_digit() || b"+-.eE".contains(&byte);
    if !text.bytes().all(allowed) {
        return None;
    }
    text.parse().ok().filter(|value: &f64| value.is_finite())
}

/// The decimal numbers of a value with `N` or more parts separated by backslashes: the first `N`.
pub(super) fn decimals<const N: usize>(bytes: &[u8]) -> Option<[f64; N]> {
    let mut parts = text(bytes)?.split('\\');
    let mut values = [0.0; N];
    for value in &mut values {
        *value = decimal(text(parts.next()?.as_bytes())?)?;
    }
    Some(values)
}

/// A value as it is shown in an error: its first 32 characters, without padding, control characters escaped.
pub(in crate::source) fn shown(bytes: &[u8]) -> String {
    let start = &bytes[..bytes.len().min(64)];
    let text = String::from_utf8_lossy(start);
    let text: String =
        text.trim_matches(|c: char| c == '\0' || c.is_ascii_whitespace()).chars().take(32).collect();
    Plain(&text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_padded_decimals() {
        assert_eq!(decimals::<2>(b" 1.5\\ -2e1 \0"), Some([1.5, -20.0]));
        assert_eq!(decimals::<1>(b"7\\8"), Some([7.0]));
        assert_eq!(decimals::<2>(b"7"), None);
        assert_eq!(decimals::<1>(b""), None);
        assert_eq!(decimals::<1>(&[b" ".repeat(MAX_TEXT_BYTES - 1), b"7".to_vec()].concat()), Some([7.0]));
        assert_eq!(decimals::<1>(&[b" ".repeat(MAX_TEXT_BYTES), b"7".to_vec()].concat()), None);
    }

    #[test]
    fn identifiers_are_trimmed_and_stay_different() {
        assert_eq!(identifier(b"1.2.3\0").as_deref(), Some("1.2.3"));
        assert_eq!(identifier(b"  ").as_deref(), None);
        assert_eq!(identifier(&[0xE9, b' ']).as_deref(), Some("\u{e9}"));
        assert_ne!(identifier(&[0xE9]), identifier(&[0xE8]));
        assert_eq!(identifier("é".as_bytes()).as_deref(), Some("é"));
    }

    #[test]
    fn shows_values_plainly() {
        assert_eq!(shown(b" \x1B[31m1\n2\0"), "\\u{1b}[31m1\\n2");
    }

    #[test]
    fn refuses_what_is_no_decimal() {
        for bad in ["1,5", "inf", "nan", "NaN", "1 2", "0x10", "one", "1e999", "-"] {
            assert_eq!(decimal(bad), None, "{bad}");
        }
        assert_eq!(decimal("+.5"), Some(0.5));
    }
}
