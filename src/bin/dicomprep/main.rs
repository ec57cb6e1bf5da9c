//! The `dicomprep` command: options in, exit code out; the work is the library's.

mod args;
mod exit;
mod info;
mod prep;
mod progress;
mod settings;
mod table;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use args::{Args, Command};
use exit::Exit;

fn main() -> ExitCode {
    let args = Args::parse();
    let done = match &args.command {
        Command::Prep(prep) => prep::run(prep, &args.output),
        Command::Info(info) => info::run(info),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Args::command(), "dicomprep", &mut script);
            exit::print(&script)
        }
    };
    exit::report(done).into()
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
