//! The `dicomprep` command: options in, exit code out; the work is the library's.

mod args;
mod audit;
mod batches;
mod colour;
mod config_file;
mod diff;
mod exit;
mod explain;
mod findings;
mod info;
mod inputs;
mod interrupt;
mod merge;
mod places;
mod prep;
mod preview;
mod process_limits;
mod progress;
mod repair;
mod report;
#[cfg(feature = "serve")]
mod serve;
mod settings;
mod standard_output;
mod stream_totals;
mod structures;
mod table;
mod verify;
mod version;
mod whiten;
mod wording;

use std::ffi::OsString;
use std::panic;
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};

use clap::error::ErrorKind;
use clap::{ArgMatches, CommandFactory, FromArgMatches};

use args::{Args, Command};
use exit::Exit;

fn main() -> ExitCode {
    // The message of a panic is kept and not printed: one that a damaged image causes in its decoder is
    // caught there, and becomes an ordinary reject.
    panic::set_hook(Box::new(|panic| {
        *LAST_PANIC.lock().unwrap_or_else(PoisonError::into_inner) = panic.to_string();
    }));
    let done = panic::catch_unwind(|| {
        if let Err(error) = standard_output::check() {
            return exit::report(Err(error));
        }
        let (matches, args) = args();
        if let Command::Prep(prep) = &args.command
            && prep.print_config
        {
            let text = matches.subcommand().map(|(_, matches)| config_file::print(matches));
            return exit::report(exit::print(text.unwrap_or_default().as_bytes()));
        }
        places::refuse_replacing(&matches, &args.command);
        exit::report(process_limits::prepare().and_then(|()| run(&args)))
    });
    let exit = done.unwrap_or_else(|_| {
        let message = LAST_PANIC.lock().unwrap_or_else(PoisonError::into_inner);
        // Codecs panic where they get no memory, and the standard library where it gets no thread.
        exit::tell(&if ["out of memory", "failed to spawn thread"].iter().any(|sign| message.contains(sign)) {
            "dicomprep: error: the system gives no more memory or threads; raise its limits, or use fewer --threads\n"
                .to_owned()
        } else {
            format!("dicomprep: internal error, please report it: {message}\n")
        });
        Exit::Failed
    });
    exit.into()
}

/// The typed words, as the parser has them and as values.
fn args() -> (ArgMatches, Args) {
    let parse = |words: Vec<OsString>| {
        let matches = Args::command().try_get_matches_from(words)?;
        Args::from_arg_matches(&matches).map(|args| (matches, args))
    };
    let (matches, args) = parse(std::env::args_os().collect()).unwrap_or_else(|error| match error.kind() {
        ErrorKind::DisplayVersion if version::is_verbose(std::env::args_os()) => {
            let printed = exit::print(version::describe().as_bytes());
            std::process::exit(exit::report(printed) as i32)
        }
        _ => exit::not_understood(&error),
    });
    match config_file::with_file(std::env::args_os(), &matches) {
        Ok(None) => (matches, args),
        Ok(Some(words)) => parse(words).unwrap_or_else(|error| config_file::refuse(&matches, &error)),
        Err(error) => exit::wrong_usage("prep", &error.to_string()),
    }
}

static LAST_PANIC: Mutex<String> = Mutex::new(String::new());

fn run(args: &Args) -> anyhow::Result<Exit> {
    match &args.command {
        Command::Prep(prep) => prep::run(prep, &args.output),
        Command::Merge(merge) => merge::run(merge, &args.output),
        Command::Audit(audit) => audit::run(audit, &args.output),
        Command::Structures(structures) => structures::run(structures, &args.output),
        Command::Batches(batches) => batches::run(batches, &args.output),
        #[cfg(feature = "serve")]
        Command::Serve(serve) => serve::run(serve, &args.output),
        Command::Preview(preview) => preview::run(preview, &args.output),
        Command::Whiten(whiten) => whiten::run(whiten, &args.output),
        Command::Explain(explain) => explain::run(explain),
        Command::Info(info) => info::run(info),
        Command::Verify(verify) => verify::run(verify, &args.output),
        Command::Repair(repair) => repair::run(repair, &args.output),
        Command::Diff(diff) => diff::run(diff, &args.output),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Args::command(), "dicomprep", &mut script);
            exit::print(&script)
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
