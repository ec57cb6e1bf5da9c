//! Colour of messages on standard error.

use std::io::stderr;
use std::sync::LazyLock;

use anstream::{AutoStream, ColorChoice};
use clap::builder::styling::{AnsiColor, Style};

/// The first words of messages, with their styles.
const MARKS: [(&str, Style); 10] = [
    ("dicomprep: error:", AnsiColor::Red.on_default().bold()),
    ("error:", AnsiColor::Red.on_default().bold()),
    ("wrong:", AnsiColor::Red.on_default().bold()),
    ("rejected:", AnsiColor::Red.on_default()),
    ("unmatched:", AnsiColor::Red.on_default()),
    ("damaged:", AnsiColor::Red.on_default()),
    ("unusable:", AnsiColor::Red.on_default()),
    ("not repaired:", AnsiColor::Red.on_default()),
    ("warning:", AnsiColor::Yellow.on_default()),
    ("note:", AnsiColor::Cyan.on_default()),
];

/// True where standard error is a terminal that shows colours, and `NO_COLOR` does not forbid them, or
/// `CLICOLOR_FORCE` asks for them anywhere.
static IS_ON: LazyLock<bool> = LazyLock::new(|| AutoStream::choice(&stderr()) != ColorChoice::Never);

/// `line`, which holds no control characters, with its first words in colour where standard error shows colours.
pub(crate) fn line(line: &str) -> String {
    if *IS_ON { mark(line) } else { line.to_owned() }
}

fn mark(line: &str) -> String {
    let found = MARKS.iter().find_map(|(word, style)| Some((word, style, line.strip_prefix(word)?)));
    found.map_or_else(|| line.to_owned(), |(word, style, rest)| format!("{style}{word}{style:#}{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_words_are_marked() {
        assert_eq!(mark("error: a"), "\u{1b}[1m\u{1b}[31merror:\u{1b}[0m a");
        assert_eq!(mark("an error: b"), "an error: b");
    }
}
