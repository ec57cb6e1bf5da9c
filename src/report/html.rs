//! Text in a page: nothing that stands in a file is ever markup or program.

use std::fmt;

use serde::Serialize;

use crate::model::Plain;

/// A text in HTML, between tags or in quoted attributes.
pub(crate) struct Text<'t>(pub(crate) &'t str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                // They would change the text around them, or are not allowed in HTML.
                character if Plain::escapes(character) => f.write_str("\u{fffd}")?,
                character => write!(f, "{character}")?,
            }
        }
        Ok(())
    }
}

/// JSON that can stand in a script element: no `<`, so that nothing ends it.
pub(super) fn script_json(value: &impl Serialize) -> serde_json::Result<String> {
    let json = serde_json::to_string(value)?;
    // Outside of strings JSON has none of them.
    Ok(json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026"))
}

/// Digits in groups of three.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number with three or four digits that matter.
pub(super) fn short(number: f64) -> String {
    if !number.is_finite() {
        return "none".to_owned();
    }
    if number.abs() >= 1e7 {
        return format!("{number:.3e}");
    }
    let decimals = match number.abs() {
        0.0 | 100.0.. => 0,
        10.0.. => 1,
        1.0.. => 2,
        0.001.. => 4,
        _ => return format!("{number:.2e}"),
    };
    let text = format!("{number:.decimals$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_is_markup() {
        let hostile = "</script><b a=\"1\" b='2'>&amp;\n\u{202e}é";
        assert_eq!(
            Text(hostile).to_string(),
            "&lt;/script&gt;&lt;b a=&quot;1&quot; b=&#39;2&#39;&gt;&amp;amp;\u{fffd}\u{fffd}é"
        );
        let json = script_json(&[hostile, "<!--"]).unwrap();
        assert!(!json.contains(['<', '>', '&', '\n']), "{json}");
        assert_eq!(serde_json::from_str::<Vec<String>>(&json).unwrap(), [hostile, "<!--"]);
    }

    #[test]
    fn numbers_are_short() {
        let numbers = [0.0, 1.0, 12.34, 1234.5, -0.05, 0.00012, 1e9, f64::NAN];
        assert_eq!(numbers.map(short), ["0", "1", "12.3", "1234", "-0.05", "1.20e-4", "1.000e9", "none"]);
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }
}
