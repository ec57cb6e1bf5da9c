//! Text of other people, as it may be shown.

use std::fmt::{self, Write};

/// Text on its way to a terminal or a line of a table: a name, or what a file says. It is displayed with
/// control characters escaped, line ends among them, so that it can neither forge a message nor speak to the
/// terminal; and those that reorder what is read after them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plain<'t>(pub &'t str);

impl Plain<'_> {
    /// True if `character` is shown escaped.
    #[must_use]
    pub fn escapes(character: char) -> bool {
        // Line and paragraph separators, and the directional overrides, embeddings and isolates of UAX #9.
        let reorders = matches!(character, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        character.is_control() || reorders
    }
}

impl fmt::Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            if Self::escapes(character) {
                write!(f, "{}", character.escape_default())?;
            } else {
                f.write_char(character)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_that_a_terminal_acts_on() {
        let shown = |text| Plain(text).to_string();
        assert_eq!(shown("a\u{1b}[31m\r\nb\tc\u{9b}2J"), "a\\u{1b}[31m\\r\\nb\\tc\\u{9b}2J");
        assert_eq!(shown("x\u{202e}gnp.dcm\u{2028}y"), "x\\u{202e}gnp.dcm\\u{2028}y");
        assert_eq!(shown("Müller \"אב\" \\ 心臓"), "Müller \"אב\" \\ 心臓");
    }
}
