//! The end of the row line: every row goes to the output, and those rebuilt to the parts too.

use super::resume::{CompletePart, OpenPart, Origin, Parts, RowOrigins};
use super::sink::{Outcome, Sink};
use crate::assemble::Remarks;

/// Result of a thread for one sample.
pub(super) struct WorkerResult {
    pub(super) outcome: Outcome,
    pub(super) remarks: Remarks,
    pub(super) origin: Origin,
}

/// Takes what the threads bring, in the order of the plan.
pub(super) struct OrderedRows<'a> {
    pub(super) sink: Sink<'a>,
    pub(super) origins: RowOrigins,
    parts: Option<&'a Parts<'a>>,
    open: Option<OpenPart>,
    next: usize,
}

impl<'a> OrderedRows<'a> {
    /// The first sample that comes is number `next` of the plan.
    pub(super) fn new(sink: Sink<'a>, parts: Option<&'a Parts<'a>>, next: usize) -> Self {
        Self { sink, origins: RowOrigins::default(), parts, open: None, next }
    }

    /// All that will come has come: what is not complete by now never will be.
    pub(super) fn end(&mut self) {
        if let Some(parts) = self.parts {
            parts.abandon(&mut self.open);
        }
    }

    /// Takes the next one. `false` where a file cannot be written any more. A part that is complete now goes to
    /// `complete`.
    pub(super) fn take(&mut self, brought: &mut WorkerResult, complete: &mut Vec<CompletePart>) -> bool {
        let number = self.next;
        self.next += 1;
        if let Outcome::Made(row, _) = &brought.outcome {
            self.origins.add(brought.origin);
            if let Some(parts) = self.parts.filter(|_| brought.origin != Origin::Reused)
                && let Err(error) = parts.append(&mut self.open, number, row)
            {
                self.sink.error = Some(error);
                return false;
            }
        }
        let written = self.sink.take(&mut brought.outcome, std::mem::take(&mut brought.remarks));
        complete.extend(self.parts.and_then(|parts| parts.passed(&mut self.open, number)));
        written
    }
}
