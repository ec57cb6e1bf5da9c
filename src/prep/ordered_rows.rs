//! The end of the row line: rows go to the output, and are kept for a run that continues after this one.

use std::ops::Range;

use super::resume::{Origin, RowOrigins};
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
    /// Rows of a segment; `None` where nothing is kept.
    segment_rows: Option<usize>,
    /// The samples of the plan that are still to come.
    ahead: Range<usize>,
}

impl<'a> OrderedRows<'a> {
    /// The `samples` of the plan come, by their numbers; each `segment_rows` are kept as soon as they are written.
    pub(super) fn new(sink: Sink<'a>, segment_rows: Option<usize>, samples: Range<usize>) -> Self {
        Self { sink, origins: RowOrigins::default(), segment_rows, ahead: samples }
    }

    /// Takes the next one. `false` where the file cannot be written any more.
    pub(super) fn take(&mut self, brought: &mut WorkerResult) -> bool {
        if let Outcome::Made(..) = &brought.outcome {
            self.origins.add(brought.origin);
        }
        let written = self.sink.take(&mut brought.outcome, std::mem::take(&mut brought.remarks));
        self.ahead.next();
        written && self.end_segment()
    }

    /// Has the segment kept that ends here, if one does.
    fn end_segment(&mut self) -> bool {
        let ends = |rows: usize| self.ahead.is_empty() || self.ahead.start.is_multiple_of(rows);
        if !self.segment_rows.is_some_and(ends) {
            return true;
        }
        self.sink.writer.end_run().map_err(|error| self.sink.error = Some(error)).is_ok()
    }
}
