//! Errors of the argument parser in plain words.

use std::error::Error;

use clap::CommandFactory;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::args::Args;

/// The message for words of the command line that are not understood; `None` where the parser's own says it well.
pub(crate) fn of(error: &clap::Error) -> Option<String> {
    let command = command();
    let first = |kind| match error.get(kind)? {
        ContextValue::String(text) => Some(text.clone()),
        ContextValue::Strings(texts) => texts.first().cloned(),
        _ => None,
    };
    let what = match error.kind() {
        ErrorKind::UnknownArgument => {
            let word = first(ContextKind::InvalidArg)?;
            match first(ContextKind::SuggestedArg) {
                Some(near) => format!("{command} has no option {word}; did you mean {near}?"),
                None if word.starts_with('-') => format!("{command} has no option {word}"),
                None => format!("{command} takes no further argument, and {word:?} is one too many"),
            }
        }
        ErrorKind::InvalidSubcommand => {
            let word = first(ContextKind::InvalidSubcommand)?;
            let near = first(ContextKind::SuggestedSubcommand);
            let near = near.map(|near| format!("; did you mean {near}?")).unwrap_or_default();
            format!("{command} has no command {word:?}{near}")
        }
        ErrorKind::ValueValidation => {
            let (option, value) = (first(ContextKind::InvalidArg)?, first(ContextKind::InvalidValue)?);
            format!("{value:?} is no value of {option}: {}", why(&error.source()?.to_string()))
        }
        ErrorKind::MissingRequiredArgument => match error.get(ContextKind::InvalidArg)? {
            ContextValue::Strings(missing) => format!("{command} needs {}", missing.join(" and ")),
            _ => return None,
        },
        _ => return None,
    };
    Some(format!("error: {what}\n\nFor more information, try '{command} --help'.\n"))
}

/// The program, with the command that was typed.
fn command() -> String {
    let program = Args::command();
    let words = std::env::args_os().skip(1);
    let mut typed = words.filter_map(|word| word.into_string().ok());
    match typed.find(|word| program.find_subcommand(word).is_some()) {
        Some(command) => format!("dicomprep {command}"),
        None => "dicomprep".to_owned(),
    }
}

/// Why a text is no value, for who has typed it: the parsers of numbers speak of types.
fn why(cause: &str) -> String {
    let plain = match cause {
        "number would be zero for non-zero type" => "use a whole number from 1",
        "invalid digit found in string" | "cannot parse integer from empty string" => "use a whole number",
        "number too large to fit in target type" => "the number is too large",
        "invalid float literal" | "cannot parse float from empty string" => "use a number",
        cause => match cause.split_once(" is not in ").and_then(|(_, range)| range.split_once("..=")) {
            Some((low, high)) => return format!("use a whole number from {low} to {high}"),
            None => cause,
        },
    };
    plain.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(words: &[&str]) -> Option<String> {
        let words = std::iter::once("dicomprep").chain(words.iter().copied());
        of(&Args::command().try_get_matches_from(words).unwrap_err())
    }

    #[test]
    fn what_is_not_understood_is_said_in_plain_words() {
        let file = "a.h5";
        for (words, expected) in [
            (
                &["batches", file, "--batch-size", "0"][..],
                "\"0\" is no value of --batch-size <N>: use a whole number from 1",
            ),
            (&["batches", file, "--batch-size", "many"], "use a whole number\n"),
            (
                &["batches", file, "--threads", "0"],
                "\"0\" is no value of --threads <N>: use a whole number from 1 to 1024",
            ),
            (&["batches", file, "--norm", "zscore"], "has no option --norm; did you mean --normalize?"),
            (&["batches", file, "--xyzzy"], "has no option --xyzzy\n"),
            (&["info", file, "7"], "takes no further argument, and \"7\" is one too many"),
            (&["batch"], "has no command \"batch\"; did you mean batches?"),
            (&["repair", file], "needs --against <DATA_DIR> and --output <FILE>"),
        ] {
            let said = said(words).unwrap();
            assert!(said.starts_with("error: ") && said.contains(expected), "{words:?}: {said}");
        }
        assert_eq!(said(&["--help"]), None);
    }
}
