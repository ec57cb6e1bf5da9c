//! Exit codes, and the one place where errors are printed.

use std::io::{self, Write};

use clap::CommandFactory;
use clap::error::ErrorKind;

use crate::args::Args;

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
            tell(&format!("dicomprep: error: {error:#}\n"));
            Exit::Failed
        }
    }
}

/// Ends the program because options of the subcommand `name` contradict each other, or an option and the data.
pub(crate) fn wrong_usage(name: &str, text: &str) -> ! {
    let mut command = Args::command();
    // So that the subcommand knows what it belongs to.
    command.build();
    let command = command.find_subcommand_mut(name).expect("the subcommand that is running exists");
    command.error(ErrorKind::ArgumentConflict, text).exit()
}

/// Writes data to standard output.
pub(crate) fn print(data: &[u8]) -> anyhow::Result<Exit> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(data)?;
    stdout.flush()?;
    Ok(Exit::Done)
}

/// Writes to standard error. Where it is closed there is nobody to tell, and the work goes on.
pub(crate) fn tell(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}

/// Whoever read our standard output has seen enough.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
