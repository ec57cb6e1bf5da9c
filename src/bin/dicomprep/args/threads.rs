//! The number of threads of a command.

use std::thread;

/// The number of threads.
#[derive(Debug, clap::Args)]
pub(crate) struct ThreadArgs {
    /// Number of threads [default: all cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
}

impl ThreadArgs {
    /// The number that is asked for.
    pub(crate) fn count(&self) -> usize {
        self.threads.map_or_else(all_cores, usize::from)
    }
}

/// The number of threads that run at the same time.
pub(crate) fn all_cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}
