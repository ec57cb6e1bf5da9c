//! The plan of the whole work.

use std::ops::Range;

use super::ledger::Ledger;
use super::planned_split::{SplitPlan, SplitSource};
use super::{PrepOptions, Share, Unlabelled};
use crate::assemble::AssembleOptions;
use crate::audit::Finding;
use crate::layout::SampleSet;
use crate::model::{Evidence, GridShape, Note, PixelType, Sample, Skipped};
use crate::store::share_of;

/// Properties of the images of a data set that are known without looking at them.
#[derive(Debug, Clone, Copy)]
pub struct KnownImages {
    /// Their size.
    pub shape: GridShape,
    /// Their channels.
    pub channels: usize,
    /// Their type.
    pub pixel_type: PixelType,
}

/// Everything that is decided before the first pixel is decoded.
#[derive(Debug)]
pub struct PrepPlan {
    pub(super) pairs: SampleSet,
    /// The samples to make, in the order of the rows.
    pub(super) samples: Vec<Sample>,
    /// The splits of the patients of `pairs`.
    pub(super) splits: SplitPlan,
    pub(super) shape: GridShape,
    /// Channels of every image.
    pub(super) channels: usize,
    pub(super) pixel_type: PixelType,
    pub(super) units: String,
    /// SHA-256 over what the audit keeps of all headers, where the plan is shared, and over all contours.
    pub(super) contents: [Option<[u8; 32]>; 2],
    pub(super) skipped: Vec<Skipped>,
    pub(super) notes: Vec<Note>,
    /// Facts that were assumed or inferred.
    pub(super) evidence: Evidence,
    /// The first 64 bits of the SHA-256 of each contour file when it was audited, by sample and structure; 0 where none was
    /// read.
    pub(super) audited: Vec<u64>,
    /// Findings of the audit without pixels; their samples are those of `samples`.
    pub(super) findings: Vec<Finding>,
    /// Seconds that planning took, without the audit.
    pub(super) seconds: f64,
    /// Seconds that the audit took.
    pub(super) audit_seconds: f64,
    pub(super) options: PrepOptions,
}

impl PrepPlan {
    /// The samples that are made, by their numbers.
    #[must_use]
    pub fn share(&self) -> Range<usize> {
        let all = self.samples.len();
        self.options.shard.map_or(0..all, |Share { index, count }| {
            // No share is larger than the plan.
            let share = share_of(all as u64, index, count);
            share.start as usize..share.end as usize
        })
    }

    /// The size of every image of the data set.
    #[must_use]
    pub fn shape(&self) -> GridShape {
        self.shape
    }

    /// Channels of every image of the data set: 3 in colour, else 1.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Bytes of one image before compression.
    pub(super) fn image_bytes(&self) -> usize {
        self.shape.pixels() * self.channels * self.pixel_type.size()
    }

    /// The type of the pixels.
    #[must_use]
    pub fn pixel_type(&self) -> PixelType {
        self.pixel_type
    }

    /// A ledger for the samples of the plan.
    pub(super) fn ledger(&self) -> Ledger {
        let source = match self.splits.source {
            source if self.options.shard.is_some() => {
                SplitSource::Shard { drawn: matches!(source, SplitSource::Drawn(_) | SplitSource::Planned) }
            }
            source => source,
        };
        let planned = self.splits.planned.clone();
        Ledger::new(source, planned, self.splits.patients, self.pairs.structures().len(), self.share().len())
    }

    pub(super) fn assemble_options(&self) -> AssembleOptions {
        let options = &self.options;
        AssembleOptions {
            shape: self.shape,
            fit: options.size.map(|_| options.fit),
            spacing: options.spacing,
            padding: options.padding,
            pixel_type: self.pixel_type,
            channels: self.channels,
            monochrome1: options.monochrome1,
            mask_rule: options.mask_rule(),
            combine: options.combine,
            contour_offset: options.contour_offset,
            require: options.require,
            keep_unlabelled: options.unlabelled == Unlabelled::Include,
            limits: options.limits,
        }
    }
}
