//! The parts of a stream that the threads which decode it share.

use std::sync::atomic::AtomicBool;

use super::batch::{Batch, BatchStart, StreamSchema};
use super::context::Context;
use super::crop::Cropper;
use super::error::StreamError;
use super::row_cache::RowCache;
use super::stream_cursor::StreamDigest;
use super::transform::SampleTransform;
use crate::order::{self, BatchPlan, Rows};
use crate::store::{ClosedFile, ColumnReader};

/// Everything that decides the batches of a stream.
pub(super) struct StreamParts {
    pub(super) file: std::sync::Arc<ClosedFile>,
    pub(super) rows: Rows,
    pub(super) transform: SampleTransform,
    /// The rows whose images make that of a row, where they are several.
    pub(super) context: Option<Context>,
    /// The way to one size, where images do not leave as large as they are stored.
    pub(super) cropper: Option<Cropper>,
    /// Each row's own window, where images are normalized with it.
    pub(super) windows: Option<ColumnReader>,
    /// Their functions, where the file says.
    pub(super) window_functions: Option<ColumnReader>,
    /// `id`, `patient_id` and `split`, where batches get them.
    pub(super) texts: Option<[ColumnReader; 3]>,
    pub(super) plan: BatchPlan,
    pub(super) schema: StreamSchema,
    /// Identifies its cursors.
    pub(super) digest: StreamDigest,
}

/// The work of decoding: what bytes do not depend on.
pub(super) struct DecodeWork {
    /// The checksums, where rows are compared with them.
    pub(super) checksums: Option<ColumnReader>,
    pub(super) cache: RowCache,
    /// True once no batch is wanted any more.
    pub(super) stopped: AtomicBool,
}

impl StreamParts {
    /// Decides the samples of `batch`, as `planned`.
    pub(super) fn assign(&self, planned: &order::PlannedBatch, batch: &mut Batch) {
        let cursor = planned.cursor();
        batch.cursor = cursor;
        batch.samples.clear();
        batch.samples.extend(planned.samples().filter_map(|order::PlannedSample { position, row }| {
            Some(order::PlannedSample { position, row: self.rows.row(cursor.epoch, row)? })
        }));
        let next = self.plan.after(cursor);
        batch.next = self.plan.first_position(next).map(|position| BatchStart { cursor: next, position });
    }

    /// [`StreamParts::assign`] that has the system read ahead what the samples are made of, long before a thread comes to
    /// them.
    pub(super) fn prepare(&self, planned: &order::PlannedBatch, batch: &mut Batch, cache: &RowCache) {
        self.assign(planned, batch);
        let will_need = |row: u64| {
            if !cache.has(row) {
                self.file.will_need(row as usize);
            }
        };
        for order::PlannedSample { row, .. } in &batch.samples {
            match &self.context {
                None => will_need(*row),
                Some(context) => context.rows(*row).flatten().for_each(will_need),
            }
        }
    }

    /// The error for memory that does not hold so many samples.
    pub(super) fn too_large(&self, samples: u64) -> StreamError {
        StreamError::BatchTooLarge { samples, sample_bytes: self.sample_bytes() }
    }

    /// Bytes of the image and the mask of a sample.
    pub(super) fn sample_bytes(&self) -> usize {
        self.schema.image.sample_bytes() + self.schema.mask.sample_bytes()
    }
}
