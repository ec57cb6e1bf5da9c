//! The plan of the whole work.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use super::audit::marks;
use super::excerpt::Excerpt;
use super::ledger::Ledger;
use super::names::Namer;
use super::planned_split::{SplitPlan, SplitSource};
use super::{ImageSize, PrepOptions, Share, Unlabelled};
use crate::assemble::{AssembleOptions, FileMark};
use crate::audit::{CheckSet, Finding};
use crate::layout::SampleSet;
use crate::model::{Evidence, FrameRef, GridShape, Note, PixelType, Sample, Skipped};
use crate::store::{Encoder, ShardBond, StackPlace, TextWidths, share_of};

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
    /// The places of images in their stacks.
    pub(super) places: HashMap<FrameRef, StackPlace>,
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
    /// The mark of each image, sorted, where the plan is to become a file.
    pub(super) marks: Vec<(FrameRef, FileMark)>,
    /// Findings of the audit without pixels; their samples are those of `samples`.
    pub(super) findings: Vec<Finding>,
    /// Seconds that planning took, without the audit.
    pub(super) seconds: f64,
    /// Seconds that the audit took.
    pub(super) audit_seconds: f64,
    pub(super) options: PrepOptions,
    /// Facts of the whole plan, where this is one share of it out of a file.
    pub(super) excerpt: Option<Excerpt>,
}

impl PrepPlan {
    /// The samples that are made, by their numbers.
    #[must_use]
    pub fn share(&self) -> Range<usize> {
        let all = self.samples.len();
        // Of a plan out of a file there is only the share.
        let shard = self.options.shard.filter(|_| self.excerpt.is_none());
        shard.map_or(0..all, |Share { index, count }| {
            // No share is larger than the plan.
            let share = share_of(all as u64, index, count);
            share.start as usize..share.end as usize
        })
    }

    /// Rows of the whole plan, and those of its share.
    pub(super) fn rows(&self) -> (usize, Range<usize>) {
        let share = self.share();
        match &self.excerpt {
            None => (self.samples.len(), share),
            Some(excerpt) => {
                let first = excerpt.first_row as usize;
                (excerpt.plan_rows as usize, first..first + share.len())
            }
        }
    }

    /// The options that decide the content of the file, as its attribute `config` has them.
    pub(super) fn config(&self, encoder: Encoder) -> String {
        match &self.excerpt {
            None => self.options.config(encoder).to_string(),
            Some(excerpt) => excerpt.config.clone(),
        }
    }

    /// Bonds of all patients of the whole plan that have some.
    pub(super) fn bonds(&self) -> Vec<ShardBond> {
        self.excerpt.as_ref().map_or_else(|| self.splits.bonds(), |excerpt| excerpt.bonds.clone())
    }

    /// For each sample in which the audit has found something, the checks.
    pub(super) fn found(&self) -> BTreeMap<u32, CheckSet> {
        self.excerpt.as_ref().map_or_else(|| marks(&self.findings), |excerpt| excerpt.found.clone())
    }

    /// The mark of the image of `sample`, of a plan that becomes a file.
    pub(super) fn mark_of(&self, sample: &Sample) -> FileMark {
        let at = self.marks.binary_search_by_key(&sample.image, |(image, _)| *image);
        at.map_or(FileMark { bytes: 0, start: 0 }, |at| self.marks[at].1)
    }

    /// The longest names of the samples that are here.
    pub(super) fn own_widths(&self) -> TextWidths {
        Namer::new(&self.pairs, &self.samples, self.options.pseudonym_key.clone()).widths()
    }

    /// The place of the image of `sample` in its stack.
    pub(super) fn place(&self, sample: &Sample) -> StackPlace {
        self.places.get(&sample.image).copied().unwrap_or(StackPlace::UNKNOWN)
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
            fit: options.size.and_then(ImageSize::fixed).map(|_| options.fit),
            own_size: options.size == Some(ImageSize::Varied),
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
