//! Options of `prep` in a TOML file, under the names of its flags.

use std::ffi::OsString;
use std::fmt::Write;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, CommandFactory};
use dicomprep::audit::Thresholds;
use toml::{Table, Value};

use crate::args::Args;
use crate::exit;

/// The command that takes a file.
const COMMAND: &str = "prep";
/// Flags that a file cannot have: they are about the file itself, or print something and end the program.
const NOT_IN_FILES: [&str; 4] = ["config", "print-config", "help", "version"];
/// The largest file that is read, in bytes.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// Why a file of options cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("--config {}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("--config {}: {source}", path.display())]
    Toml { path: PathBuf, source: Box<toml::de::Error> },
    #[error("--config {}: there is no option `{name}`{}", path.display(), nearest.as_ref().map(|name| format!("; there is `{name}`")).unwrap_or_default())]
    Unknown { path: PathBuf, name: String, nearest: Option<String> },
    #[error("--config {}: `{name}` is {found}; write {wanted}", path.display())]
    Type { path: PathBuf, name: String, found: &'static str, wanted: &'static str },
}

/// The words of the command line, with the options of the file that `matches` names before those that were typed; `None`
/// where no file is named. What was typed wins: an option of the file is left out where it was typed, or contradicts what
/// was typed.
pub(crate) fn with_file(
    words: impl Iterator<Item = OsString>,
    matches: &ArgMatches,
) -> Result<Option<Vec<OsString>>, ConfigError> {
    let Some((COMMAND, matches)) = matches.subcommand() else { return Ok(None) };
    let Some(path) = matches.get_one::<PathBuf>("config") else { return Ok(None) };
    let table = read(path)?;
    let command = command();
    let is_typed = |arg: &Arg| matches.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine);
    let mut options = Vec::new();
    for (name, value) in &table {
        let arg = find(&command, path, name)?;
        if !is_typed(arg) && !contradicts_typed(&command, matches, arg) {
            options.extend(option_words(path, arg, name, value)?);
        }
    }
    let mut words: Vec<OsString> = words.collect();
    let place = words.iter().skip(1).position(|word| word == COMMAND).map_or(words.len(), |place| place + 2);
    words.splice(place..place, options);
    Ok(Some(words))
}

/// True if `arg` cannot be used with an option that was typed.
fn contradicts_typed(command: &clap::Command, matches: &ArgMatches, arg: &Arg) -> bool {
    let is_typed = |arg: &&Arg| matches.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine);
    let excludes =
        |a: &Arg, b: &Arg| command.get_arg_conflicts_with(a).iter().any(|other| other.get_id() == b.get_id());
    command.get_arguments().filter(is_typed).any(|typed| excludes(typed, arg) || excludes(arg, typed))
}

/// Ends the program where the words with those of a file are not understood: the file is named, unless `error` is the
/// help.
pub(crate) fn refuse(matches: &ArgMatches, error: &clap::Error) -> ! {
    let path = matches.subcommand().and_then(|(_, matches)| matches.get_one::<PathBuf>("config"));
    let text = error.to_string();
    match path.filter(|_| error.use_stderr()) {
        Some(path) => {
            let lines = text.lines().take_while(|line| !line.is_empty()).map(str::trim);
            let said = lines.collect::<Vec<_>>().join(" ");
            let said = said.strip_prefix("error: ").unwrap_or(&said);
            exit::wrong_usage(COMMAND, &format!("--config {}: {said}", path.display()))
        }
        None => exit::not_understood(error),
    }
}

/// All options of `matches`, the typed words of `prep`, as a file that gives the same: those without a value as comments.
pub(crate) fn print(matches: &ArgMatches) -> String {
    let (mut text, mut heading) = (String::new(), None);
    let command = command();
    for arg in command.get_arguments().filter(|arg| flag(arg).is_some()) {
        let name = flag(arg).unwrap_or_default();
        if arg.get_help_heading() != heading {
            heading = arg.get_help_heading();
            // Writing to a String cannot fail.
            let _ = writeln!(text, "\n# {}", heading.unwrap_or_default());
        }
        let _ = match value(arg, matches) {
            Some(value) => {
                // A default beside an option that excludes it.
                let unused = if contradicts_typed(&command, matches, arg) { "# " } else { "" };
                writeln!(text, "{unused}{name} = {value}")
            }
            None => {
                let placeholder =
                    arg.get_value_names().and_then(<[_]>::first).map(clap::builder::Str::as_str);
                writeln!(text, "# {name} = {}", placeholder.unwrap_or("VALUE"))
            }
        };
    }
    text
}

/// The command with its global options.
fn command() -> clap::Command {
    let mut program = Args::command();
    program.build();
    program.find_subcommand(COMMAND).expect("the command exists").clone()
}

/// The flag of an option that a file can have, without its dashes.
fn flag(arg: &Arg) -> Option<&str> {
    arg.get_long().filter(|name| !NOT_IN_FILES.contains(name))
}

fn read(path: &Path) -> Result<Table, ConfigError> {
    let text = read_text(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
    let toml = |source| ConfigError::Toml { path: path.to_owned(), source: Box::new(source) };
    text.parse().map_err(toml)
}

fn read_text(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(io::Error::other(format!("it has more than {MAX_FILE_BYTES} bytes")));
    }
    String::from_utf8(bytes).map_err(|_| io::Error::other("it is not UTF-8"))
}

fn find<'c>(command: &'c clap::Command, path: &Path, name: &str) -> Result<&'c Arg, ConfigError> {
    command.get_arguments().find(|arg| flag(arg) == Some(name)).ok_or_else(|| {
        let hyphens = name.replace('_', "-");
        let known = || command.get_arguments().filter_map(flag);
        let nearest = known().find(|known| *known == hyphens).or_else(|| {
            known().find(|known| known.starts_with(name) || (name.len() > 3 && name.starts_with(known)))
        });
        ConfigError::Unknown {
            path: path.to_owned(),
            name: name.to_owned(),
            nearest: nearest.map(str::to_owned),
        }
    })
}

/// An option of a file as it would be typed.
fn option_words(path: &Path, arg: &Arg, name: &str, value: &Value) -> Result<Vec<OsString>, ConfigError> {
    let wrong = |value: &Value, wanted| ConfigError::Type {
        path: path.to_owned(),
        name: name.to_owned(),
        found: value.type_str(),
        wanted,
    };
    if matches!(arg.get_action(), ArgAction::SetTrue) {
        return match value {
            Value::Boolean(true) => Ok(vec![format!("--{name}").into()]),
            Value::Boolean(false) => Ok(Vec::new()),
            other => Err(wrong(other, "true or false")),
        };
    }
    let text = |value: &Value| match value {
        Value::String(text) => Ok(text.clone()),
        Value::Integer(number) => Ok(number.to_string()),
        Value::Float(number) => Ok(number.to_string()),
        other => Err(wrong(other, "a text, a number, or a list of them")),
    };
    let values = match value {
        Value::Array(values) => values.iter().map(text).collect::<Result<Vec<_>, _>>()?,
        value => vec![text(value)?],
    };
    let values = if matches!(arg.get_action(), ArgAction::Append) { values } else { vec![values.join(",")] };
    Ok(values.into_iter().map(|value| format!("--{name}={value}").into()).collect())
}

/// The value of an option in TOML; `None` where it has none.
fn value(arg: &Arg, matches: &ArgMatches) -> Option<String> {
    let id = arg.get_id().as_str();
    if matches!(arg.get_action(), ArgAction::SetTrue) {
        return Some(matches.get_flag(id).to_string());
    }
    let Some(raw) = matches.get_raw(id) else {
        let threshold = Thresholds::ALL.iter().find(|threshold| threshold.name == id)?;
        return Some(threshold.default.to_string());
    };
    let values: Vec<String> = raw.map(|value| quoted(&value.to_string_lossy())).collect();
    match &values[..] {
        [value] if !matches!(arg.get_action(), ArgAction::Append) => Some(value.clone()),
        values => Some(format!("[{}]", values.join(", "))),
    }
}

/// A text or number in TOML.
fn quoted(text: &str) -> String {
    let is_integer = text.parse::<i64>().is_ok_and(|number| number.to_string() == text);
    let is_decimal =
        || text.contains('.') && text.parse::<f64>().is_ok_and(|number| number.to_string() == text);
    if is_integer || is_decimal() {
        return text.to_owned();
    }
    // A text in JSON is one in TOML, but for the last of the control characters.
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(words: &[&str]) -> ArgMatches {
        let words = ["dicomprep", "prep", "data"].iter().chain(words);
        Args::command().try_get_matches_from(words).unwrap()
    }

    fn printed(matches: &ArgMatches) -> String {
        print(matches.subcommand_matches(COMMAND).unwrap())
    }

    /// What is printed of the options in a file of this text, and of `typed` beside it.
    fn with_text(text: &str, typed: &[&str]) -> Result<String, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("prep.toml");
        std::fs::write(&path, text).unwrap();
        let config = ["--config", path.to_str().unwrap()];
        let typed: Vec<&str> = typed.iter().copied().chain(config).collect();
        let words = ["dicomprep", "prep", "data"].iter().chain(&typed).map(OsString::from);
        let words = with_file(words, &matches(&typed)).map_err(|error| error.to_string())?.unwrap();
        let parsed = Args::command().try_get_matches_from(words).map_err(|error| error.to_string())?;
        Ok(printed(&parsed))
    }

    #[test]
    fn every_flag_has_its_key() {
        let page = printed(&matches(&[]));
        for arg in command().get_arguments().filter(|arg| arg.get_long().is_some()) {
            let name = arg.get_long().unwrap();
            let lines =
                page.lines().filter(|line| line.trim_start_matches("# ").starts_with(&format!("{name} = ")));
            assert_eq!(lines.count(), usize::from(!NOT_IN_FILES.contains(&name)), "{name}");
            let is_known = find(&command(), Path::new("prep.toml"), name).is_ok();
            assert_eq!(is_known, !NOT_IN_FILES.contains(&name), "{name}");
        }
    }

    #[test]
    fn what_is_printed_gives_the_same() {
        for words in [
            &[][..],
            &[
                "--structures",
                "inner,lv=re:\"a\\b",
                "--strict",
                "--contour-offset",
                "-0.5,1",
                "--max-displaced",
                "12.5",
            ],
            &[
                "--split-file",
                "s.csv",
                "--reuse",
                "a.h5",
                "--reuse",
                "b c.h5",
                "--threads",
                "3",
                "--size",
                "64x48",
            ],
            &["-q", "-o", "out.h5", "--mask-rule", "pillow", "--max-image-bytes", "1000000"],
        ] {
            let page = printed(&matches(words));
            assert_eq!(with_text(&page, &[]).unwrap(), page, "{words:?}");
        }
    }

    #[test]
    fn typed_flags_win() {
        let file = "fit = \"crop\"\nsplit-seed = 7\nreuse = [\"a.h5\"]\nverbose = true\nstructures = [\"inner\", \"outer\"]\n";
        let expected = |words: &[&str]| printed(&matches(words));
        let all = ["--fit=crop", "--split-seed=7", "--reuse=a.h5", "--verbose", "--structures=inner,outer"];
        assert_eq!(with_text(file, &[]).unwrap(), expected(&all));
        let typed = ["--fit", "pad", "--reuse", "b.h5", "--split-file", "s.csv", "--quiet"];
        let structures = ["--structures", "inner,outer"];
        assert_eq!(with_text(file, &typed).unwrap(), expected(&[&typed[..], &structures].concat()));
    }

    #[test]
    fn errors_name_the_file_and_the_option() {
        for (text, wanted) in [
            ("fitt = \"crop\"", "there is no option `fitt`; there is `fit`"),
            ("mask_rule = \"center\"", "there is `mask-rule`"),
            ("config = \"x\"", "no option `config`"),
            ("strict = 1", "`strict` is integer; write true or false"),
            ("fit = true", "`fit` is boolean"),
            ("fit = ", "prep.toml"),
        ] {
            let error = with_text(text, &[]).unwrap_err();
            assert!(error.contains(wanted) && error.contains("prep.toml"), "{error}");
        }
        assert!(with_text("fit = \"bend\"", &[]).unwrap_err().contains("bend"));
    }
}
