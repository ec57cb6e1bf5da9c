//! Exit codes, and the one place where errors are printed.

use std::error::Error;
use std::io::{self, Write};

use clap::CommandFactory;
use clap::error::ErrorKind;
use dicomprep::layout::LayoutError;
use dicomprep::model::{Hint, Plain};
use dicomprep::prep::PrepError;
use dicomprep::stream::{OptionError, StreamError, StreamOptions};
use serde::Serialize;

use crate::args::Args;
use crate::{colour, wording};

/// The exit codes, a contract. 2, wrong usage, is the argument parser's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All done.
    Done = 0,
    /// It could not be done.
    Failed = 1,
    /// Done, but something was left out.
    LeftOut = 3,
}

/// Prints the error, if there is one, with all its causes.
pub(crate) fn report(done: anyhow::Result<Exit>) -> Exit {
    match done {
        Ok(exit) => exit,
        Err(error) if is_closed_pipe(&error) => Exit::Done,
        Err(error) => {
            let hint = error.chain().find_map(hint).map(|hint| format!("; {}", hint.for_shell()));
            let text = format!("{error:#}");
            // A file has the names of the library: only what the shell has given are flags.
            let is_of_a_file = error
                .chain()
                .filter_map(|cause| cause.downcast_ref())
                .any(|error| matches!(error, StreamError::Options(OptionError::AugmentText { .. })));
            tell(&format!(
                "dicomprep: error: {}{}\n",
                Plain(&if is_of_a_file { text } else { with_flags(&text) }),
                hint.unwrap_or_default()
            ));
            Exit::Failed
        }
    }
}

/// The option that helps against an error of the library.
fn hint(error: &(dyn Error + 'static)) -> Option<Hint> {
    error.downcast_ref::<StreamError>().and_then(StreamError::hint)
}

/// Ends the program where `error` is about options of the subcommand `name`.
pub(crate) fn wrong_options(name: &str, error: &StreamError) -> ! {
    let hint = error.hint().map(|hint| format!("; {}", hint.for_shell())).unwrap_or_default();
    let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
    wrong_usage(name, &format!("{}{hint}", with_flags(&format!("{error}{cause}"))))
}

/// `text` with the names of options that stand in backticks as flags: `image_dtype` becomes --image-dtype.
fn with_flags(text: &str) -> String {
    let flag = |name: &str| format!("--{}", name.replace('_', "-"));
    let names = StreamOptions::names().into_iter();
    names.fold(text.to_owned(), |text, name| text.replace(&format!("`{name}`"), &flag(name)))
}

/// Ends the program where `error` is about a name that an option gives and nothing has.
pub(crate) fn refuse_unknown_name(command: &str, error: &PrepError) {
    if let PrepError::Grouping(grouping) = error
        && grouping.is_usage()
    {
        wrong_usage(command, &grouping.to_string());
    }
    let PrepError::Layout(layout) = error else { return };
    let (said, directory) = match &**layout {
        LayoutError::InDirectory { source, directory } => (&**source, format!("{directory}: ")),
        said => (said, String::new()),
    };
    if matches!(said, LayoutError::UnknownStructure { .. } | LayoutError::UnknownLayout(_)) {
        wrong_usage(command, &format!("{directory}{said}"));
    }
}

/// Ends the program because options of the subcommand `name` contradict each other, or an option and the data.
pub(crate) fn wrong_usage(name: &str, text: &str) -> ! {
    let mut command = Args::command();
    // So that the subcommand knows what it belongs to.
    command.build();
    let command = command.find_subcommand_mut(name).expect("the subcommand that is running exists");
    not_understood(&command.error(ErrorKind::ArgumentConflict, Plain(text)))
}

/// Ends the program with what the argument parser has to say: that the options are wrong, or the help.
pub(crate) fn not_understood(error: &clap::Error) -> ! {
    if !error.use_stderr() {
        error.exit();
    }
    tell(&wording::of(error).unwrap_or_else(|| error.render().to_string()));
    std::process::exit(error.exit_code())
}

/// Writes data to standard output.
pub(crate) fn print(data: &[u8]) -> anyhow::Result<Exit> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(data)?;
    stdout.flush()?;
    Ok(Exit::Done)
}

/// Version of the JSON that commands print and write; it is raised when a field changes its meaning or goes.
const REPORT_VERSION: u32 = 1;

/// The fields that every report has, before those of its command.
#[derive(Serialize)]
struct Report<'a, T> {
    report_version: u32,
    command: &'a str,
    #[serde(flatten)]
    result: &'a T,
}

/// The `result` of `command` as JSON for people and programs, with a line end. Control characters are escaped in it,
/// also those that JSON allows and a terminal acts on.
pub(crate) fn json(command: &str, result: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let mut text = Vec::new();
    write_json(command, result, &mut text)?;
    Ok(text)
}

/// Writes [`json`] to `to`, piece by piece.
pub(crate) fn write_json(command: &str, result: &impl Serialize, to: impl Write) -> serde_json::Result<()> {
    let report = Report { report_version: REPORT_VERSION, command, result };
    let mut to = Escaped(to);
    serde_json::to_writer_pretty(&mut to, &report)?;
    to.write_all(b"\n").map_err(serde_json::Error::io)
}

/// Escapes control characters in JSON.
struct Escaped<W>(W);

impl<W: Write> Write for Escaped<W> {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        // Line ends stand between the values only, and everything else in texts.
        let is_escaped = |character: char| character != '\n' && Plain::escapes(character);
        match std::str::from_utf8(piece) {
            Ok(text) if text.chars().any(is_escaped) => {
                for character in text.chars() {
                    if is_escaped(character) {
                        write!(self.0, "\\u{:04x}", u32::from(character))?;
                    } else {
                        write!(self.0, "{character}")?;
                    }
                }
            }
            _ => self.0.write_all(piece)?,
        }
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Writes lines to standard error, other control characters escaped, and in colour on a terminal. Errors of writing
/// are ignored: without standard error they have no reader, and the work continues.
pub(crate) fn tell(lines: &str) {
    let lines: Vec<String> = lines.split('\n').map(|line| colour::line(&Plain(line).to_string())).collect();
    let _ = io::stderr().write_all(lines.join("\n").as_bytes());
}

/// The reader of standard output has closed it.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_the_same_without_control_characters() {
        let text = "a\u{1b}[31m\n\"\u{7f}\u{9b}\u{2028}é";
        let result = std::collections::BTreeMap::from([("text", text)]);
        let json = String::from_utf8(json("info", &result).unwrap()).unwrap();
        assert!(!json.trim_end().replace('\n', "").contains(Plain::escapes), "{json:?}");
        let read: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(read, serde_json::json!({ "report_version": 1, "command": "info", "text": text }));
    }
}
