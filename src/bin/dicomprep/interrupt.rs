//! Handling of signals.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use dicomprep::store::remove_partial_files;
use dicomprep::stream::StreamCursor;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;
use signal_hook::iterator::Signals;
use signal_hook::low_level;

use crate::exit::{self, Exit};

const SIGNALS: [i32; 3] = [SIGINT, SIGTERM, SIGHUP];

/// Time that a stream has to finish a batch before it is cut: its reader may
/// never take the rest.
const PATIENCE: Duration = Duration::from_millis(300);

/// Time that work has to stop in good order: it looks at every row, every file and every block.
const WIND_DOWN: Duration = Duration::from_secs(2);

/// The first signal stops the work in good order, and ends the program where that takes longer than [`WIND_DOWN`]: work
/// that waits for a disk or a pipe cannot look. A second signal ends the program at once.
pub(crate) fn stop_on_signals() -> anyhow::Result<Arc<AtomicBool>> {
    let cancel = Arc::new(AtomicBool::new(false));
    for signal in SIGNALS {
        flag::register_conditional_shutdown(signal, Exit::Failed as i32, Arc::clone(&cancel))
            .and_then(|_| flag::register(signal, Arc::clone(&cancel)))
            .context("cannot watch for signals")?;
    }
    let mut signals = Signals::new(SIGNALS).context("cannot watch for signals")?;
    let watch = move || {
        if signals.forever().next().is_some() {
            thread::sleep(WIND_DOWN);
            remove_partial_files();
            exit::tell("dicomprep: error: interrupted\n");
            end_at_once();
        }
    };
    thread::Builder::new().spawn(watch).context("cannot watch for signals")?;
    Ok(cancel)
}

/// Ends the program without what the HDF5 library does at the end of one: it would wait for other threads, which work on.
fn end_at_once() -> ! {
    low_level::exit(Exit::Failed as i32)
}

/// Time between two looks at whether the program ends by itself.
const POLL: Duration = Duration::from_millis(10);

/// A signal ends the program at once with this error, until [`Running::wait_for_the_end`], and then after [`WIND_DOWN`].
pub(crate) fn end_on_signals(why: &'static str) -> anyhow::Result<Running> {
    let mut signals = Signals::new(SIGNALS).context("cannot watch for signals")?;
    let running = Running(Arc::default());
    let ending = Arc::clone(&running.0);
    thread::spawn(move || {
        if signals.forever().next().is_some() {
            // Taken as long as the program is about to end by itself, which a slow disk may keep it from.
            let since = Instant::now();
            let mut is_ending = true;
            while is_ending && since.elapsed() < WIND_DOWN {
                is_ending = matches!(ending.try_lock(), Err(TryLockError::WouldBlock));
                thread::sleep(if is_ending { POLL } else { Duration::ZERO });
            }
            remove_partial_files();
            exit::tell(&format!("dicomprep: error: {why}\n"));
            end_at_once();
        }
    });
    Ok(running)
}

/// Work that a signal ends.
pub(crate) struct Running(Arc<Mutex<()>>);

impl Running {
    /// From now on a signal waits for the end of the program while what is returned lives, but no longer than [`WIND_DOWN`].
    pub(crate) fn wait_for_the_end(&self) -> MutexGuard<'_, ()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The interruption of a stream, which says where to go on.
pub(crate) struct Interrupt {
    cancel: Arc<AtomicBool>,
    /// The first batch that was not written; `None` once it was printed.
    next: Arc<Mutex<Option<StreamCursor>>>,
}

impl Interrupt {
    /// Watches for signals. Where writing can wait for a reader without end (`can_block`), the program ends
    /// though it waits.
    pub(crate) fn watch(start: StreamCursor, can_block: bool) -> anyhow::Result<Self> {
        let cancel = stop_on_signals()?;
        let next = Arc::new(Mutex::new(Some(start)));
        if can_block {
            let mut signals = Signals::new(SIGNALS).context("cannot watch for signals")?;
            let told = Self { cancel: Arc::clone(&cancel), next: Arc::clone(&next) };
            thread::spawn(move || {
                if signals.forever().next().is_some() {
                    thread::sleep(PATIENCE);
                    told.tell();
                    remove_partial_files();
                    end_at_once();
                }
            });
        }
        Ok(Self { cancel, next })
    }

    /// True if a signal came.
    pub(crate) fn is_set(&self) -> bool {
        self.cancel.load(Ordering::Relaxed)
    }

    /// All batches before `next` were written.
    pub(crate) fn passed(&self, next: StreamCursor) {
        if let Some(known) = &mut *self.next.lock().unwrap_or_else(PoisonError::into_inner) {
            *known = next;
        }
    }

    /// Says where to go on, unless it was said.
    pub(crate) fn tell(&self) {
        if let Some(next) = self.next.lock().unwrap_or_else(PoisonError::into_inner).take() {
            exit::tell(&format!("dicomprep: interrupted; --start {next} goes on from here\n"));
        }
    }
}
