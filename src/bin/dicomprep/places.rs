//! The files that a command reads and those that it writes, out of the definitions of its options: nothing that is read
//! is ever replaced.

use std::fs::{self, Metadata};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use clap::{ArgMatches, CommandFactory, ValueHint};
use dicomprep::augment::Preset;
use dicomprep::prep::PartsFolder;
use dicomprep::store::{DatasetFile, Target};

use crate::args::{Args, Command};
use crate::{exit, preview, settings, whiten};

/// The options that name what is written, each after its command. Every other option that takes a path names what is
/// read.
const OUTPUTS: [(&str, &str); 17] = [
    ("prep", "output"),
    ("prep", "report"),
    ("merge", "output"),
    ("merge", "report"),
    ("audit", "report"),
    ("structures", "report"),
    ("batches", "output"),
    ("explain", "output"),
    ("explain", "report"),
    ("preview", "output"),
    ("preview", SHEETS),
    ("whiten", "output"),
    ("verify", "report"),
    ("repair", "output"),
    ("repair", "report"),
    ("info", "report"),
    ("diff", "report"),
];
/// The one pair that may be a single file: `prep --force` brings a file up to date out of its own rows.
const UPDATED: (&str, &str) = ("--output", "--reuse");
/// The folder that `preview` writes contact sheets into.
const SHEETS: &str = "png";

/// A path, and how it was named: `--output`, `FILE`.
#[derive(Debug, Clone)]
struct Place {
    named: String,
    path: PathBuf,
}

/// Ends the program where what `command` writes is what it reads: by its path, through a link or as the same inode.
pub(crate) fn refuse_replacing(matches: &ArgMatches, command: &Command) {
    if let Some((name, matches)) = matches.subcommand()
        && let Some(conflict) = conflict(name, matches, command)
    {
        exit::wrong_usage(name, &conflict);
    }
}

/// The output of the command `name` that is also one of its inputs, or another of its outputs.
fn conflict(name: &str, matches: &ArgMatches, command: &Command) -> Option<String> {
    let (mut inputs, outputs) = named_places(name, matches);
    let outputs: Vec<Place> = outputs.into_iter().chain(default_outputs(command)).collect();
    for (number, first) in outputs.iter().enumerate() {
        if let Some(second) = outputs[number + 1..].iter().find(|second| is_same(&first.path, &second.path)) {
            let (first, second) = (&first.named, &second.named);
            return Some(format!("{second} and {first} name the same file; the one would replace the other"));
        }
    }
    // The files behind a virtual file are read too; none of them is in danger where there is no output.
    if outputs.iter().any(|output| output.path.exists()) {
        inputs.extend(inputs.clone().iter().flat_map(behind));
    }
    for output in &outputs {
        if let Some(input) = inputs.iter().find(|input| replaces(output, input)) {
            let (output, input) = (&output.named, &input.named);
            return Some(format!(
                "{output} names a file that is read, by {input}; what is read is never replaced"
            ));
        }
    }
    let input = inputs.iter().find(|input| is_standard_output(&input.path))?;
    Some(format!(
        "standard output is the file that is read by {}; what is read is never written to",
        input.named
    ))
}

/// The paths that were typed: inputs and outputs.
fn named_places(name: &str, matches: &ArgMatches) -> (Vec<Place>, Vec<Place>) {
    let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
    for arg in path_args(name) {
        let id = arg.get_id().as_str();
        let named = match (arg.get_long(), arg.get_value_names()) {
            (Some(long), _) => format!("--{long}"),
            (None, Some([value])) => value.to_string(),
            _ => id.to_uppercase(),
        };
        let paths = matches.get_raw(id).into_iter().flatten().map(PathBuf::from);
        let is_file = |path: &PathBuf| path != Path::new("-") && !(id == "augment" && is_preset(path));
        let places = paths.filter(is_file).map(|path| Place { named: named.clone(), path });
        if OUTPUTS.contains(&(name, id)) { outputs.extend(places) } else { inputs.extend(places) }
    }
    (inputs, outputs)
}

/// The options and arguments of the command `name` that take a path.
fn path_args(name: &str) -> Vec<clap::Arg> {
    let mut program = Args::command();
    program.build();
    let command = program.find_subcommand(name);
    let is_path = |arg: &&clap::Arg| {
        matches!(arg.get_value_hint(), ValueHint::AnyPath | ValueHint::FilePath | ValueHint::DirPath)
    };
    command.into_iter().flat_map(clap::Command::get_arguments).filter(is_path).cloned().collect()
}

fn is_preset(path: &Path) -> bool {
    path.to_str().is_some_and(|text| text.parse::<Preset>().is_ok())
}

/// Outputs that no option names.
fn default_outputs(command: &Command) -> Vec<Place> {
    let path = match command {
        Command::Prep(args) if args.output.is_none() && !args.dry_run => settings::prep_output(args).ok(),
        Command::Preview(args) if args.output.is_none() => preview::page_path(args),
        Command::Whiten(args) if args.output.is_none() => Some(whiten::default_output(args)),
        _ => None,
    };
    path.into_iter().map(|path| Place { named: "the output".to_owned(), path }).collect()
}

/// The files that a virtual file refers to, under the name of the option that names it.
fn behind(input: &Place) -> Vec<Place> {
    let is_hdf5 = input.path.extension().is_some_and(|end| end == "h5" || end == "hdf5");
    let file = if is_hdf5 { DatasetFile::open(&input.path).ok() } else { None };
    let sources = file.map(|file| file.virtual_sources()).unwrap_or_default();
    sources.into_iter().map(|path| Place { named: input.named.clone(), path }).collect()
}

/// True if writing `output` would remove or replace the file of `input`.
fn replaces(output: &Place, input: &Place) -> bool {
    let (written, read) = (&output.path, &input.path);
    if output.named == format!("--{SHEETS}") {
        let is_sheet = read.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"sheet-"));
        return is_sheet && is_inside(read, written);
    }
    ((&*output.named, &*input.named) != UPDATED && is_same(written, read))
        || Target::partial_of(written).is_some_and(|partial| is_same(&partial, read))
        || is_inside(read, PartsFolder::of(written).path())
}

/// True if two names are of one file, which need not exist: by path, through links, or by inode.
fn is_same(a: &Path, b: &Path) -> bool {
    match (fs::metadata(a), fs::metadata(b)) {
        (Ok(a), Ok(b)) => a.is_file() && is_same_inode(&a, &b),
        _ => matches!((resolved(a), resolved(b)), (Some(a), Some(b)) if a == b),
    }
}

fn is_same_inode(a: &Metadata, b: &Metadata) -> bool {
    (a.dev(), a.ino()) == (b.dev(), b.ino())
}

/// The path with links resolved, of a file that need not exist.
fn resolved(path: &Path) -> Option<PathBuf> {
    let place = Target::place_of(path).ok()?;
    Some(std::path::absolute(&place).ok()?.parent()?.canonicalize().ok()?.join(place.file_name()?))
}

/// True if the file at `path` lies in the folder at `folder`.
fn is_inside(path: &Path, folder: &Path) -> bool {
    let parent = resolved(path).and_then(|path| Some(path.parent()?.to_owned()));
    matches!((parent, folder.canonicalize()), (Some(parent), Ok(folder)) if parent == folder)
}

fn is_standard_output(path: &Path) -> bool {
    let stdout = std::io::stdout().as_fd().try_clone_to_owned().map(fs::File::from);
    match (stdout.and_then(|file| file.metadata()), fs::metadata(path)) {
        (Ok(stdout), Ok(input)) => stdout.is_file() && is_same_inode(&stdout, &input),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::ffi::OsString;
    use std::os::unix::fs::symlink;

    use clap::FromArgMatches;

    use super::*;

    /// The values of arguments that are required and no paths.
    const REQUIRED: [(&str, &str); 2] = [("at", "0:0:0"), ("shard", "0/2")];

    fn commands() -> Vec<clap::Command> {
        let mut program = Args::command();
        program.build();
        program.get_subcommands().cloned().collect()
    }

    /// The words of a command in which these arguments, and all that are required, have values.
    fn words(command: &clap::Command, values: &[(&str, &Path)]) -> Vec<OsString> {
        let mut words: Vec<OsString> = vec!["dicomprep".into(), command.get_name().into()];
        let mut put = |arg: &clap::Arg, value: OsString| {
            words.extend(arg.get_long().map(|long| OsString::from(format!("--{long}"))));
            words.push(value);
        };
        let given = |id: &str| values.iter().find(|(given, _)| *given == id).map(|(_, path)| path.into());
        let required = |id: &str| REQUIRED.iter().find(|(arg, _)| *arg == id).map(|(_, value)| value.into());
        for arg in command.get_arguments() {
            let id = arg.get_id().as_str();
            let filler = || arg.is_required_set().then(|| OsString::from(format!("no {id}")));
            if let Some(value) = given(id).or_else(|| required(id)).or_else(filler) {
                put(arg, value);
            }
        }
        words
    }

    fn found(words: Vec<OsString>) -> Option<String> {
        let matches =
            Args::command().try_get_matches_from(&words).unwrap_or_else(|error| panic!("{words:?}: {error}"));
        let args = Args::from_arg_matches(&matches).unwrap();
        let (name, matches) = matches.subcommand().unwrap();
        conflict(name, matches, &args.command)
    }

    #[test]
    fn every_path_has_a_role() {
        let mut outputs: BTreeSet<String> = OUTPUTS.iter().map(|(name, id)| format!("{name} {id}")).collect();
        let mut inputs = Vec::new();
        for command in commands() {
            for arg in command.get_arguments() {
                let is_path = format!("{:?}", arg.get_value_parser()).contains("path_buf");
                let hinted = path_args(command.get_name()).iter().any(|path| path.get_id() == arg.get_id());
                assert!(
                    hinted || !is_path,
                    "{} {}: a path without a value hint",
                    command.get_name(),
                    arg.get_id()
                );
            }
            for arg in path_args(command.get_name()) {
                let place = format!("{} {}", command.get_name(), arg.get_id());
                if !outputs.remove(&place) {
                    inputs.push(place);
                }
            }
        }
        assert!(outputs.is_empty(), "no options: {outputs:?}");
        // Each of these is read. A new one that is written belongs to OUTPUTS.
        assert_eq!(
            inputs,
            [
                "prep data_dirs",
                "prep config",
                "prep plan",
                "prep reuse",
                "prep link",
                "prep dicoms",
                "prep contours",
                "prep table",
                "prep pseudonym_key",
                "prep split_file",
                "prep split_from",
                "merge shards",
                "audit data_dirs",
                "audit link",
                "audit dicoms",
                "audit contours",
                "audit table",
                "structures data_dirs",
                "structures link",
                "structures dicoms",
                "structures contours",
                "structures table",
                "batches files",
                "batches augment",
                "batches zca_whitening",
                "serve files",
                "serve token_file",
                "serve tls_cert",
                "serve tls_key",
                "explain file",
                "explain augment",
                "preview file",
                "preview report",
                "preview against",
                "preview link",
                "preview dicoms",
                "preview contours",
                "preview table",
                "preview pseudonym_key",
                "whiten file",
                "info file",
                "verify file",
                "verify against",
                "verify link",
                "verify dicoms",
                "verify contours",
                "verify table",
                "verify pseudonym_key",
                "repair file",
                "repair against",
                "repair link",
                "repair dicoms",
                "repair contours",
                "repair table",
                "repair pseudonym_key",
                "diff a",
                "diff b",
            ]
        );
    }

    #[test]
    fn no_output_of_any_command_is_one_of_its_inputs() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let file = path("sheet-0001.png");
        fs::write(&file, b"precious").unwrap();
        symlink(&file, path("link")).unwrap();
        symlink(path("link"), path("second link")).unwrap();
        fs::hard_link(&file, path("hard link")).unwrap();
        fs::create_dir(path("folder")).unwrap();
        let roundabout = path("folder").join("../sheet-0001.png");
        let mut pairs = 0;
        for command in commands() {
            let name = command.get_name();
            let places = path_args(name);
            let (outputs, inputs): (Vec<_>, Vec<_>) =
                places.iter().partition(|arg| OUTPUTS.contains(&(name, arg.get_id().as_str())));
            let is_file = |arg: &&&clap::Arg| arg.get_value_hint() == ValueHint::FilePath;
            for (output, input) in
                outputs.iter().flat_map(|output| inputs.iter().filter(is_file).map(move |i| (output, i)))
            {
                let (output, input) = (output.get_id().as_str(), input.get_id().as_str());
                let written = match output {
                    SHEETS => vec![folder.path().to_owned()],
                    _ => vec![
                        file.clone(),
                        path("link"),
                        path("second link"),
                        path("hard link"),
                        roundabout.clone(),
                    ],
                };
                let updated = format!("--{output} --{input}") == format!("{} {}", UPDATED.0, UPDATED.1);
                for written in written.into_iter().filter(|_| !updated) {
                    let said = found(words(&command, &[(output, &written), (input, &file)]));
                    let said =
                        said.unwrap_or_else(|| panic!("{name}: {output} {} over {input}", written.display()));
                    assert!(said.contains("is read"), "{said}");
                    pairs += 1;
                }
                let other = if output == SHEETS { path("folder") } else { path("other") };
                assert_eq!(
                    found(words(&command, &[(output, &other), (input, &file)])),
                    None,
                    "{name} {output} {input}"
                );
            }
        }
        assert!(pairs > 100, "{pairs}");
    }

    #[test]
    fn what_stands_beside_an_output_is_protected_too() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("x.h5.parts")).unwrap();
        for name in [".x.h5.partial", "x.h5.parts/part-000001.h5", "x.h5"] {
            fs::write(path(name), b"precious").unwrap();
            let prep = |output: &str| {
                let words = ["dicomprep", "prep", "d", "--pseudonym-key"].map(OsString::from).into_iter();
                found(words.chain([path(name).into(), "-o".into(), path(output).into()]).collect())
            };
            assert!(prep("x.h5").is_some(), "{name}");
            assert_eq!(prep("y.h5"), None, "{name}");
        }
        // A file that is not there yet, and the defaults.
        let same = ["dicomprep", "prep", "d", "-o", "a/../new", "--report", "new"].map(OsString::from);
        assert_eq!(found(same.to_vec()), None, "no folder a");
        let same = ["dicomprep", "prep", "d", "-o", "./new", "--report", "new"].map(OsString::from);
        assert!(found(same.to_vec()).is_some_and(|said| said.contains("the same file")));
        let page = ["dicomprep", "preview", "a.h5", "--report", "a.html"].map(OsString::from);
        assert!(found(page.to_vec()).is_some());
        let whitening = ["dicomprep", "whiten", "a.zca.h5"].map(OsString::from);
        assert_eq!(found(whitening.to_vec()), None);
    }
}
