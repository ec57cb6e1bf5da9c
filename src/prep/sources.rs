//! Rebuilds the rows of a finished file from its sources.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;

use super::audit::rejected_annotation;
use super::names::Namer;
use super::plan::{KnownImages, PrepPlan};
use super::planning::{Purpose, plan_as};
use super::worker::{PixelFacts, sample_row};
use super::{Control, OnFinding, PrepError, PrepOptions};
use crate::assemble::{AssembleOptions, Assembled, Assembler, Remarks};
use crate::layout::Inputs;
use crate::model::Polygon;
use crate::store::{ImageStatistics, SampleRow};

/// The samples that the sources of a file give today.
pub struct Sources {
    plan: PrepPlan,
    options: AssembleOptions,
    /// The number of each sample, by its `id` in the file.
    numbers: HashMap<String, usize>,
    /// Why a file is not used, by its name.
    skipped: HashMap<String, String>,
    /// The patients of the link table, as the file calls them.
    patient_ids: HashSet<String>,
}

impl Sources {
    /// Plans the data directories again, with the options of a file whose images have this shape and type.
    ///
    /// # Errors
    /// [`PrepError`] where the sources cannot be planned.
    pub fn plan(
        inputs: &dyn Inputs,
        options: PrepOptions,
        images: KnownImages,
        control: &Control<'_>,
    ) -> Result<Self, PrepError> {
        let plan = plan_as(inputs, options, Purpose::Images(images), control)?;
        let namer = Namer::new(&plan.pairs, &plan.samples, plan.options.pseudonym_key.clone());
        let ids = plan.samples.iter().map(|sample| namer.names(sample).id);
        let skipped = plan.skipped.iter().map(|skipped| (skipped.place.file.clone(), skipped.detail.clone()));
        Ok(Self {
            numbers: ids.zip(0..).collect(),
            skipped: skipped.collect(),
            patient_ids: namer.patient_ids().collect(),
            options: plan.assemble_options(),
            plan,
        })
    }

    /// Number of samples, if every file turns out to be good.
    #[must_use]
    pub fn len(&self) -> usize {
        self.plan.samples.len()
    }

    /// The samples that the file holds: of a shard, those of its share.
    #[must_use]
    pub fn share(&self) -> Range<usize> {
        self.plan.share()
    }

    /// True if there is no sample.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.plan.samples.is_empty()
    }

    /// The number of the sample that a file calls `id`.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<usize> {
        self.numbers.get(id).copied()
    }

    /// Why the image file `name` is not used, where that was found while planning.
    #[must_use]
    pub fn why_skipped(&self, name: &str) -> Option<&str> {
        self.skipped.get(name).map(String::as_str)
    }

    /// True if a patient of the sources is called `patient_id` in the file.
    #[must_use]
    pub fn knows_patient(&self, patient_id: &str) -> bool {
        self.patient_ids.contains(patient_id)
    }

    /// The annotations in which the audit finds an error, by sample and plane. They are among the samples where these were
    /// planned with [`OnFinding::Keep`]; else they have been left out, and there is none.
    #[must_use]
    pub fn rejected_annotations(&self) -> Vec<RejectedAnnotation> {
        let plan = &self.plan;
        if plan.options.on_finding != OnFinding::Keep {
            return Vec::new();
        }
        let mut rejected: BTreeMap<(u32, u8), Vec<&'static str>> = BTreeMap::new();
        for finding in &plan.findings {
            if let Some(annotation) = rejected_annotation(finding, &plan.options.levels) {
                let checks = rejected.entry(annotation).or_default();
                if !checks.contains(&finding.check.name()) {
                    checks.push(finding.check.name());
                }
            }
        }
        let namer = Namer::new(&plan.pairs, &plan.samples, plan.options.pseudonym_key.clone());
        let entry = |((sample, plane), checks): ((u32, u8), _)| RejectedAnnotation {
            sample: sample as usize,
            id: namer.names(&plan.samples[sample as usize]).id,
            plane: plane.into(),
            checks,
        };
        rejected.into_iter().map(entry).collect()
    }

    /// Makes rows, for one thread.
    #[must_use]
    pub fn rows(&self) -> SourceRows<'_> {
        let key = self.plan.options.pseudonym_key.clone();
        SourceRows {
            sources: self,
            assembler: Assembler::new(&self.plan.pairs, &self.options),
            namer: Namer::new(&self.plan.pairs, &self.plan.samples, key),
        }
    }
}

/// An annotation in which the audit has found an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedAnnotation {
    /// The number of its sample, below [`Sources::len`].
    pub sample: usize,
    /// Its id in the file.
    pub id: String,
    /// The mask plane.
    pub plane: usize,
    /// Names of the checks that found an error, each once.
    pub checks: Vec<&'static str>,
}

/// Makes one row after the other, in memory that is used again.
pub struct SourceRows<'s> {
    sources: &'s Sources,
    assembler: Assembler<'s>,
    namer: Namer<'s>,
}

/// A row as `prep` would write it today.
pub struct FreshRow<'r> {
    /// Its columns.
    pub cells: SampleRow,
    /// Its image (H, W, C), little endian.
    pub image: Cow<'r, [u8]>,
    /// Its mask (H, W, K).
    pub mask: &'r [u8],
    /// For each plane, its contours in pixels of the image; none of masks that are rasters.
    pub contours: &'r [Vec<Polygon>],
}

impl SourceRows<'_> {
    /// The row of sample `number`, below [`Sources::len`]; or why there is none.
    ///
    /// # Errors
    /// The file that cannot be used, and why, in words.
    pub fn make(&mut self, number: usize) -> Result<FreshRow<'_>, String> {
        let sample = &self.sources.plan.samples[number];
        let mut remarks = Remarks::default();
        let facts = match self.assembler.assemble(sample, &mut remarks) {
            Assembled::Sample(facts) => facts,
            Assembled::Rejected | Assembled::Unlabelled => {
                // What fell with its image comes before the image itself.
                let why =
                    remarks.skipped.last().map(|skipped| format!("{}: {}", skipped.place, skipped.detail));
                return Err(why.unwrap_or_else(|| "no contour is left".to_owned()));
            }
        };
        let pixels = self.assembler.pixels();
        let whole = facts.counted(self.sources.plan.shape);
        let counted = whole.of(pixels);
        let statistics = ImageStatistics::of(&counted, self.sources.plan.channels);
        let image = pixels.le_bytes();
        let masks = self.assembler.masks();
        let checksum = [crc32c::crc32c(&image), crc32c::crc32c(masks)];
        let padding = whole.padding_values(pixels.len(), counted.len());
        let pixels = PixelFacts::new(&statistics, padding, checksum);
        let facts = self.namer.keyed(facts);
        let names = self.namer.names(sample);
        let place = self.sources.plan.place(sample);
        let cells = SampleRow { place, ..sample_row(names, sample, facts, pixels) };
        Ok(FreshRow { cells, image, mask: masks, contours: self.assembler.contours() })
    }
}
