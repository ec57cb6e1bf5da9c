//! Results that are made in any order and taken in one.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Takes results in the order of their numbers, from any thread.
///
/// A thread whose result is the next one takes all that follow it too: there is no writer
/// thread that could be idle. A thread that is too far ahead waits, so no more than `window` results wait.
pub(crate) struct InOrder<T, S> {
    state: Mutex<State<T, S>>,
    moved: Condvar,
    window: usize,
}

struct State<T, S> {
    next: usize,
    waiting: BTreeMap<usize, T>,
    sink: S,
    stopped: bool,
    /// Threads that wait: to wake none would be a call of the system all the same.
    sleeping: usize,
}

/// The work was stopped: by a failure, or by a thread that panicked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stopped;

impl<T, S> InOrder<T, S> {
    /// Results go to `sink`, number 0 first.
    pub(crate) fn new(sink: S, window: usize) -> Self {
        let state = State { next: 0, waiting: BTreeMap::new(), sink, stopped: false, sleeping: 0 };
        Self { state: Mutex::new(state), moved: Condvar::new(), window }
    }

    /// Brings result `number`; `take` is called for each result that is in turn. Where it says `false`, all
    /// threads stop.
    pub(crate) fn bring(
        &self,
        number: usize,
        result: T,
        mut take: impl FnMut(&mut S, T) -> bool,
    ) -> Result<(), Stopped> {
        let mut state = self.lock();
        while !state.stopped && number >= state.next + self.window {
            state.sleeping += 1;
            state = self.moved.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.sleeping -= 1;
        }
        if state.stopped {
            return Err(Stopped);
        }
        state.waiting.insert(number, result);
        let first = state.next;
        loop {
            let next = state.next;
            let Some(result) = state.waiting.remove(&next) else { break };
            if !take(&mut state.sink, result) {
                state.stopped = true;
                self.moved.notify_all();
                return Err(Stopped);
            }
            state.next += 1;
        }
        if state.next != first && state.sleeping > 0 {
            self.moved.notify_all();
        }
        Ok(())
    }

    /// Lets no thread wait any longer.
    pub(crate) fn stop(&self) {
        self.lock().stopped = true;
        self.moved.notify_all();
    }

    /// Stops the others when the calling thread panics; hold it while working.
    pub(crate) fn stop_on_panic(&self) -> StopOnPanic<'_, T, S> {
        StopOnPanic(self)
    }

    /// The sink, when all threads are done.
    pub(crate) fn into_sink(self) -> S {
        self.state.into_inner().unwrap_or_else(PoisonError::into_inner).sink
    }

    fn lock(&self) -> MutexGuard<'_, State<T, S>> {
        // After a panic no results are taken; `stopped` is set by then.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) struct StopOnPanic<'a, T, S>(&'a InOrder<T, S>);

impl<T, S> Drop for StopOnPanic<'_, T, S> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.stop();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use super::*;

    #[test]
    fn takes_in_order_and_bounds_what_waits() {
        let line: InOrder<usize, Vec<usize>> = InOrder::new(Vec::new(), 4);
        let claimed = AtomicUsize::new(0);
        thread::scope(|scope| {
            for _ in 0..5 {
                scope.spawn(|| {
                    loop {
                        let number = claimed.fetch_add(1, Ordering::Relaxed);
                        if number >= 1000 {
                            break;
                        }
                        if number.is_multiple_of(7) {
                            thread::yield_now();
                        }
                        line.bring(number, number, |taken, number| {
                            taken.push(number);
                            true
                        })
                        .unwrap();
                        assert!(line.lock().waiting.len() <= 4);
                    }
                });
            }
        });
        assert_eq!(line.into_sink(), (0..1000).collect::<Vec<_>>());
    }

    #[test]
    fn a_failure_lets_nobody_wait() {
        let line: InOrder<usize, ()> = InOrder::new((), 1);
        thread::scope(|scope| {
            let ahead = scope.spawn(|| line.bring(3, 3, |(), _| true));
            assert_eq!(line.bring(0, 0, |(), _| false), Err(Stopped));
            assert_eq!(ahead.join().unwrap(), Err(Stopped));
        });
    }

    #[test]
    fn a_panic_lets_nobody_wait() {
        let line: InOrder<usize, ()> = InOrder::new((), 1);
        thread::scope(|scope| {
            let ahead = scope.spawn(|| line.bring(1, 1, |(), _| true));
            let panics = scope.spawn(|| {
                let _guard = line.stop_on_panic();
                panic!("on purpose");
            });
            assert!(panics.join().is_err());
            assert_eq!(ahead.join().unwrap(), Err(Stopped));
        });
    }
}
