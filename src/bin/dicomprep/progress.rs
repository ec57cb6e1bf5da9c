//! Progress on standard error: a bar on a terminal, a line every few seconds elsewhere.

use std::fmt::Write;
use std::io::{IsTerminal, stderr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use dicomprep::prep::Progress;
use indicatif::{ProgressBar, ProgressState, ProgressStyle};

use crate::args::{OutputArgs, ProgressMode};
use crate::exit::tell;
use crate::stream_totals::StreamTotals;
use crate::table;

/// Time between two lines.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

/// The progress of `prep` that was asked for.
pub(crate) fn progress(output: &OutputArgs) -> Box<dyn Progress> {
    match mode(output) {
        ProgressMode::Bar => Box::new(Bar::default()),
        ProgressMode::Plain => Box::new(Lines::default()),
        ProgressMode::Auto | ProgressMode::None => Box::new(Silence),
    }
}

/// Display of progress: never [`ProgressMode::Auto`].
fn mode(output: &OutputArgs) -> ProgressMode {
    match output.progress {
        _ if output.quiet => ProgressMode::None,
        ProgressMode::Auto if stderr().is_terminal() => ProgressMode::Bar,
        ProgressMode::Auto => ProgressMode::Plain,
        mode => mode,
    }
}

struct Silence;

impl Progress for Silence {
    fn begin(&self, _stage: &str, _total: usize) {}
    fn advance(&self, _steps: usize) {}
    fn end(&self) {}
}

#[derive(Default)]
struct Bar {
    bar: Mutex<Option<ProgressBar>>,
}

impl Bar {
    fn with<R>(&self, f: impl FnOnce(&mut Option<ProgressBar>) -> R) -> R {
        f(&mut self.bar.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Progress for Bar {
    fn begin(&self, stage: &str, total: usize) {
        let style = ProgressStyle::with_template(
            "{msg} {wide_bar:.cyan/dim} {pos}/{len}, {rate} images/s, {eta} left",
        )
        .expect("the template is well-formed")
        .with_key("rate", |state: &ProgressState, text: &mut dyn Write| {
            // A bar that cannot be drawn is left out.
            let _ = text.write_str(&table::number(state.per_sec()));
        });
        let bar = ProgressBar::new(total as u64).with_style(style).with_message(stage.to_owned());
        self.with(|slot| *slot = Some(bar));
    }

    fn advance(&self, steps: usize) {
        self.with(|slot| {
            if let Some(bar) = slot {
                bar.inc(steps as u64);
            }
        });
    }

    fn end(&self) {
        self.with(|slot| {
            if let Some(bar) = slot.take() {
                bar.finish_and_clear();
            }
        });
    }
}

#[derive(Default)]
struct Lines {
    stage: Mutex<Option<Stage>>,
}

struct Stage {
    name: String,
    done: usize,
    total: usize,
    start: Instant,
    printed: Instant,
}

impl Progress for Lines {
    fn begin(&self, stage: &str, total: usize) {
        let now = Instant::now();
        let stage = Stage { name: stage.to_owned(), done: 0, total, start: now, printed: now };
        *self.stage.lock().unwrap_or_else(PoisonError::into_inner) = Some(stage);
    }

    fn advance(&self, steps: usize) {
        if let Some(stage) = &mut *self.stage.lock().unwrap_or_else(PoisonError::into_inner) {
            stage.done += steps;
            if stage.printed.elapsed() >= LINE_INTERVAL {
                stage.printed = Instant::now();
                tell(&stage.line());
            }
        }
    }

    fn end(&self) {
        *self.stage.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Stage {
    fn line(&self) -> String {
        let rate = self.done as f64 / self.start.elapsed().as_secs_f64().max(1e-9);
        let left = (self.total - self.done.min(self.total)) as f64 / rate.max(1e-9);
        let (name, done, total, rate) = (&self.name, self.done, self.total, table::number(rate));
        format!("{name}: {done} of {total}, {rate} images/s, {left:.0} s left\n")
    }
}

/// The progress of a stream.
pub(crate) enum StreamProgress {
    Bar(ProgressBar),
    Lines { printed: Instant, samples: Option<u64> },
    Silence,
}

impl StreamProgress {
    /// The progress that was asked for, of `samples` samples; `None` is without end.
    pub(crate) fn new(output: &OutputArgs, samples: Option<u64>) -> Self {
        match mode(output) {
            ProgressMode::Bar => Self::Bar(stream_bar(samples)),
            ProgressMode::Plain => Self::Lines { printed: Instant::now(), samples },
            ProgressMode::Auto | ProgressMode::None => Self::Silence,
        }
    }

    /// So much was written until now.
    pub(crate) fn update(&mut self, totals: &StreamTotals) {
        match self {
            Self::Bar(bar) => {
                bar.set_position(totals.samples);
                bar.set_message(totals.rates());
            }
            Self::Lines { printed, samples } if printed.elapsed() >= LINE_INTERVAL => {
                *printed = Instant::now();
                let of = samples.map(|samples| format!(" of {samples}")).unwrap_or_default();
                tell(&format!("{}{of} samples, up to {}; {}\n", totals.samples, totals.next, totals.rates()));
            }
            Self::Lines { .. } | Self::Silence => {}
        }
    }

    /// It is over.
    pub(crate) fn end(&self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

fn stream_bar(samples: Option<u64>) -> ProgressBar {
    let (bar, template) = match samples {
        Some(samples) => (ProgressBar::new(samples), "{wide_bar:.cyan/dim} {pos}/{len}, {eta} left; {msg}"),
        None => (ProgressBar::no_length(), "{spinner} {pos} samples; {msg}"),
    };
    bar.with_style(ProgressStyle::with_template(template).expect("the template is well-formed"))
}
