//! Limits that the system sets to the process: each is reported when it is met.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::{Context, ensure};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use signal_hook::consts::{SIGABRT, SIGXFSZ};
use signal_hook::flag;

use crate::exit::Exit;

/// Open files below which a run would wait for one without end.
const FEWEST_FILES: u64 = 24;

/// Raises the number of open files to what the system allows, and makes limits errors instead of ends without a word.
///
/// # Errors
/// Where the system allows too few open files.
pub(crate) fn prepare() -> anyhow::Result<()> {
    // With a handler, a write beyond the largest size of a file fails instead of ending the program.
    flag::register(SIGXFSZ, Arc::default()).context("cannot watch for signals")?;
    // Memory that cannot be had ends the program by abort(3), after a line that says how much was asked for.
    flag::register_conditional_shutdown(SIGABRT, Exit::Failed as i32, Arc::new(AtomicBool::new(true)))
        .context("cannot watch for signals")?;
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current != maximum {
        // What cannot be raised is judged as it is.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    }
    // Without a number there is no limit.
    let hard = maximum.unwrap_or(u64::MAX);
    ensure!(
        hard >= FEWEST_FILES,
        "the system allows {hard} open files, and at least {FEWEST_FILES} are needed; raise the limit with ulimit -n"
    );
    Ok(())
}
