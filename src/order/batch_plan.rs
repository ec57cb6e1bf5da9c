//! Assignment of rows to batches, across epochs.

use std::num::NonZeroU64;
use std::ops::Range;
use std::sync::Arc;

use super::cursor::Cursor;
use super::epoch::{Arrangement, EpochOrder};
use super::error::OrderError;
use super::partition::{Rank, RankShare, Uneven};

/// Samples whose rows are found together.
const AT_ONCE: usize = 4;

/// Options that decide the batches of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BatchOptions {
    /// Number of rows in an epoch, before ranks share them: [`Rows::len`](super::Rows::len).
    pub rows: u64,
    /// Their order.
    pub arrangement: Arrangement,
    /// Number of epochs; `None` is without end.
    pub epochs: Option<NonZeroU64>,
    /// Whose batches.
    pub rank: Rank,
    /// Handling of rows that the number of ranks does not divide.
    pub uneven: Uneven,
    /// Samples of a batch.
    pub batch_size: NonZeroU64,
    /// True to leave out a short last batch of an epoch.
    pub drop_last: bool,
}

/// The batches of a stream, each found by its [`Cursor`] in the time that its own samples take.
///
/// A batch does not reach from one epoch into the next. Every epoch has equally many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchPlan {
    options: BatchOptions,
    share: RankShare,
}

/// One batch: which rows, not their contents. Cheap to clone and to send to another thread.
#[derive(Debug, Clone)]
pub struct PlannedBatch {
    cursor: Cursor,
    items: Range<u64>,
    share: RankShare,
    order: Arc<EpochOrder>,
}

/// One sample of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PlannedSample {
    /// The position in the order of the whole epoch, all ranks together, counted from 0.
    pub position: u64,
    /// The row of the epoch that stands there; once [`Rows`](super::Rows) were asked, the row of the file.
    pub row: u64,
}

/// The batches from a cursor to the end of the stream. Made by [`BatchPlan::batches_from`].
#[derive(Debug, Clone)]
pub struct PlannedBatches {
    plan: BatchPlan,
    cursor: Cursor,
    /// The order of the cursor's epoch, once a batch of it was asked for.
    order: Option<Arc<EpochOrder>>,
}

impl BatchPlan {
    /// The plan of `options`.
    #[must_use]
    pub fn new(options: BatchOptions) -> Self {
        Self { options, share: RankShare::new(options.rows, options.rank, options.uneven) }
    }

    /// The options of the plan.
    #[must_use]
    pub fn options(&self) -> &BatchOptions {
        &self.options
    }

    /// Number of samples in an epoch of this rank, those of a short last batch included.
    #[must_use]
    pub fn samples_per_epoch(&self) -> u64 {
        let short = if self.options.drop_last { self.share.len() % self.options.batch_size } else { 0 };
        self.share.len() - short
    }

    /// Number of batches in each epoch of this rank.
    #[must_use]
    pub fn batches_per_epoch(&self) -> u64 {
        self.samples_per_epoch().div_ceil(self.options.batch_size.get())
    }

    /// The cursor after the last batch. A stream without end has the epochs below 2^64 - 1.
    #[must_use]
    pub fn end(&self) -> Cursor {
        Cursor { epoch: self.options.epochs.map_or(u64::MAX, NonZeroU64::get), batch: 0 }
    }

    /// The batch at `cursor`; `None` where the stream has no such batch.
    #[must_use]
    pub fn batch(&self, cursor: Cursor) -> Option<PlannedBatch> {
        let items = self.items(cursor)?;
        Some(PlannedBatch { cursor, items, share: self.share, order: Arc::new(self.order(cursor.epoch)) })
    }

    /// The batches from the one at `start`: exactly what remains of the whole stream when the batches
    /// before `start` are taken away. At [`BatchPlan::end`] nothing remains, which is no error: it is the
    /// cursor that a completed stream leaves.
    ///
    /// # Errors
    /// Where `start` is no batch of the stream and not its end: [`OrderError::StartPastEnd`] after the last
    /// epoch, [`OrderError::StartPastEpoch`] after the last batch of an epoch,
    /// [`OrderError::StartInEmptyEpoch`] where epochs have no batches and `start` is not the first of one.
    pub fn batches_from(&self, start: Cursor) -> Result<PlannedBatches, OrderError> {
        let end = self.end();
        if start > end {
            return Err(OrderError::StartPastEnd { start, end });
        }
        if start.batch > 0 {
            match self.batches_per_epoch().checked_sub(1) {
                None => return Err(OrderError::StartInEmptyEpoch { start }),
                Some(last) if start.batch > last => return Err(OrderError::StartPastEpoch { start, last }),
                Some(_) => {}
            }
        }
        Ok(PlannedBatches { plan: *self, cursor: start, order: None })
    }

    fn order(&self, epoch: u64) -> EpochOrder {
        EpochOrder::new(self.options.arrangement, epoch, self.options.rows)
    }

    /// The items of the batch at `cursor`.
    fn items(&self, cursor: Cursor) -> Option<Range<u64>> {
        if cursor >= self.end() {
            return None;
        }
        let size = self.options.batch_size.get();
        let samples = self.samples_per_epoch();
        let start = cursor.batch.checked_mul(size).filter(|start| *start < samples)?;
        Some(start..start.saturating_add(size).min(samples))
    }

    /// The position in its epoch of the first sample of the batch at `cursor`; `None` where the stream has no such batch.
    #[must_use]
    pub fn first_position(&self, cursor: Cursor) -> Option<u64> {
        self.share.position(self.items(cursor)?.start)
    }

    /// The cursor after that of a batch of the stream: where a stream goes on that has come to the end of it.
    #[must_use]
    pub fn after(&self, cursor: Cursor) -> Cursor {
        match cursor.batch.checked_add(1) {
            Some(batch) if batch < self.batches_per_epoch() => Cursor { batch, ..cursor },
            // The epoch of a batch is before that of the end.
            _ => Cursor { epoch: cursor.epoch.saturating_add(1), batch: 0 },
        }
    }
}

impl PlannedBatch {
    /// Cursor of the batch.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        self.cursor
    }

    /// Number of samples in the batch, at least 1.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "no batch is empty")]
    pub fn len(&self) -> u64 {
        self.items.end - self.items.start
    }

    /// Sample `index` of the batch, counted from 0; `None` where the batch has no such sample.
    #[must_use]
    pub fn sample(&self, index: u64) -> Option<PlannedSample> {
        let position = self.position(index)?;
        Some(PlannedSample { position, row: self.order.row(position)? })
    }

    /// All samples, in their order.
    pub fn samples(&self) -> impl Iterator<Item = PlannedSample> {
        (0..self.len()).step_by(AT_ONCE).flat_map(|first| self.samples_at(first)).flatten()
    }

    /// [`PlannedBatch::sample`] for [`AT_ONCE`] indices from `first` on.
    fn samples_at(&self, first: u64) -> [Option<PlannedSample>; AT_ONCE] {
        let positions: [Option<u64>; AT_ONCE] =
            std::array::from_fn(|lane| self.position(first.checked_add(lane as u64)?));
        // No epoch has as many rows as to reach this position.
        let rows = self.order.rows_at(positions.map(|position| position.unwrap_or(u64::MAX)));
        std::array::from_fn(|lane| Some(PlannedSample { position: positions[lane]?, row: rows[lane]? }))
    }

    fn position(&self, index: u64) -> Option<u64> {
        let item = self.items.start.checked_add(index).filter(|item| *item < self.items.end)?;
        self.share.position(item)
    }
}

impl PlannedBatches {
    /// Cursor of the next batch, or [`BatchPlan::end`] after the last: the start of a stream that goes
    /// on from here.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        self.cursor
    }
}

impl Iterator for PlannedBatches {
    type Item = PlannedBatch;

    fn next(&mut self) -> Option<PlannedBatch> {
        let cursor = self.cursor;
        let Some(items) = self.plan.items(cursor) else {
            // Where epochs have no batches, the end was not reached by counting.
            self.cursor = self.plan.end();
            return None;
        };
        let order = self.order.get_or_insert_with(|| Arc::new(self.plan.order(cursor.epoch)));
        let batch = PlannedBatch { cursor, items, share: self.plan.share, order: Arc::clone(order) };
        self.cursor = self.plan.after(cursor);
        if self.cursor.epoch != cursor.epoch {
            self.order = None;
        }
        Some(batch)
    }
}

impl std::iter::FusedIterator for PlannedBatches {}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(rows: u64, batch_size: u64, drop_last: bool, epochs: u64) -> BatchPlan {
        BatchPlan::new(BatchOptions {
            rows,
            arrangement: Arrangement::FileOrder,
            epochs: NonZeroU64::new(epochs),
            rank: Rank::ALONE,
            uneven: Uneven::Pad,
            batch_size: NonZeroU64::new(batch_size).unwrap(),
            drop_last,
        })
    }

    fn at(epoch: u64, batch: u64) -> Cursor {
        Cursor { epoch, batch }
    }

    fn rows(batches: PlannedBatches) -> Vec<Vec<u64>> {
        batches.map(|batch| batch.samples().map(|sample| sample.row).collect()).collect()
    }

    #[test]
    fn a_short_last_batch_is_kept_or_dropped() {
        let kept = plan(5, 2, false, 2);
        assert_eq!((kept.batches_per_epoch(), kept.samples_per_epoch()), (3, 5));
        assert_eq!(
            rows(kept.batches_from(at(0, 1)).unwrap()),
            [vec![2, 3], vec![4], vec![0, 1], vec![2, 3], vec![4]]
        );
        let dropped = plan(5, 2, true, 1);
        assert_eq!((dropped.batches_per_epoch(), dropped.samples_per_epoch()), (2, 4));
        assert_eq!(rows(dropped.batches_from(at(0, 0)).unwrap()), [[0, 1], [2, 3]]);
        assert!(dropped.batch(at(0, 2)).is_none());
    }

    #[test]
    fn the_cursor_leads_from_batch_to_batch_to_the_end() {
        let plan = plan(5, 2, false, 2);
        let mut batches = plan.batches_from(at(0, 0)).unwrap();
        let mut met = Vec::new();
        while let Some(batch) = batches.next() {
            assert_eq!(batch.sample(batch.len()), None);
            assert_eq!(batch.sample(u64::MAX), None);
            met.push((batch.cursor(), batches.cursor()));
        }
        assert_eq!(
            met,
            [
                (at(0, 0), at(0, 1)),
                (at(0, 1), at(0, 2)),
                (at(0, 2), at(1, 0)),
                (at(1, 0), at(1, 1)),
                (at(1, 1), at(1, 2)),
                (at(1, 2), at(2, 0))
            ]
        );
        assert_eq!(batches.cursor(), plan.end());
        assert!(plan.batches_from(plan.end()).unwrap().next().is_none());
    }

    #[test]
    fn a_start_outside_the_stream_is_an_error() {
        let text = |plan: BatchPlan, start| plan.batches_from(start).unwrap_err().to_string();
        assert_eq!(
            text(plan(5, 2, false, 2), at(1, 3)),
            "start 1:3: the last batch of an epoch is 2; batches count from 0 in each"
        );
        assert_eq!(
            text(plan(5, 2, false, 2), at(2, 1)),
            "start 2:1: the stream ends at 2:0, as epochs count from 0; ask for more epochs"
        );
        assert_eq!(
            text(plan(1, 2, true, 2), at(0, 1)),
            "start 0:1: an epoch has no batches here; too few rows for the ranks or for a full batch"
        );
        assert!(plan(5, 2, false, 2).batches_from(at(3, 0)).is_err());
        assert!(plan(5, 2, false, 0).batches_from(at(u64::MAX, 1)).is_err());
    }

    #[test]
    fn a_stream_without_batches_ends_at_once() {
        for plan in [plan(0, 3, false, 0), plan(2, 3, true, 0), plan(0, 1, false, 7)] {
            assert_eq!(plan.batches_per_epoch(), 0);
            let mut batches = plan.batches_from(at(0, 0)).unwrap();
            assert!(batches.next().is_none());
            assert_eq!(batches.cursor(), plan.end());
        }
    }

    #[test]
    fn a_stream_without_end_goes_on() {
        let plan = plan(5, 2, false, 0);
        let mut batches = plan.batches_from(at(u64::MAX - 1, 2)).unwrap();
        assert_eq!(batches.next().unwrap().cursor(), at(u64::MAX - 1, 2));
        assert!(batches.next().is_none());
        assert_eq!(plan.batches_from(at(1 << 40, 0)).unwrap().take(1000).count(), 1000);
    }

    #[test]
    fn the_largest_numbers_do_not_overflow() {
        for size in [1, 2, 1 << 63, u64::MAX] {
            for drop_last in [false, true] {
                let plan = plan(u64::MAX, size, drop_last, 0);
                let last = at(3, plan.batches_per_epoch() - 1);
                let batch = plan.batch(last).unwrap();
                assert!(batch.len() <= size);
                assert_eq!(batch.sample(0).unwrap().row, last.batch * size);
                assert!(plan.batch(at(3, last.batch + 1)).is_none());
                assert!(plan.batch(at(3, u64::MAX)).is_none());
                assert_eq!(plan.batches_from(last).unwrap().nth(1).unwrap().cursor(), at(4, 0));
            }
        }
    }
}
