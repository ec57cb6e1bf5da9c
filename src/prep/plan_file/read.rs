//! Opens a plan file, and makes the plan of one share of it.

use std::collections::BTreeSet;
use std::path::Path;

use super::PlanFileError;
use super::block::PlanBlock;
use super::container::PlanReader;
use super::share::Gathering;
use super::write::KEY_CHECK;
use crate::files::Places;
use crate::layout::registry::LAYOUTS;
use crate::layout::{SavedAnnotations, restore_annotations};
use crate::model::{GridShape, PixelType};
use crate::prep::excerpt::Excerpt;
use crate::prep::planned_split::{SplitPlan, SplitSource};
use crate::prep::planning::check_size;
use crate::prep::pseudonym::Pseudonyms;
use crate::prep::{PrepError, PrepOptions, PrepPlan, RecordedOptions, Share};
use crate::source::Limits;
use crate::store::{GENERATOR, TextWidth, share_of};

/// The longest name in a column, in bytes: more than any path has.
const MAX_WIDTH: usize = 1 << 16;

/// Options of a run beside its plan.
#[derive(Debug, Clone)]
pub struct PlanRun {
    /// The share that is made.
    pub share: Share,
    /// The key of the pseudonyms, where the plan has some.
    pub pseudonym_key: Option<Vec<u8>>,
    /// Limits of the inputs; the plan's own may be lower.
    pub limits: Limits,
    /// Number of threads, at least 1.
    pub threads: usize,
    /// Refuse to write a file where anything was rejected.
    pub strict: bool,
}

/// A plan file.
#[derive(Debug)]
pub struct PlanFile {
    reader: PlanReader,
}

impl PlanFile {
    /// Opens the plan at `path`.
    ///
    /// # Errors
    /// [`PlanFileError`] where it is no plan, one of another version, or damaged.
    pub fn open(path: &Path) -> Result<Self, PlanFileError> {
        let reader = PlanReader::open(path)?;
        if reader.head.generator != GENERATOR {
            let found = reader.head.generator.clone();
            return Err(PlanFileError::Version { path: path.to_owned(), found });
        }
        Ok(Self { reader })
    }

    /// The name of the layout that it was made with.
    #[must_use]
    pub fn layout(&self) -> &str {
        &self.reader.head.layout
    }

    /// Rows of the plan.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.reader.head.rows
    }

    /// The plan of one share. Reads its rows, and the beginning of its annotation files where these hold several
    /// structures; all other inputs are held against the plan when they are read.
    ///
    /// # Errors
    /// [`PrepError::PlanFile`] where the plan is damaged or does not go with `places` and `run`, or an input differs.
    pub fn share(&self, places: &Places, run: PlanRun) -> Result<PrepPlan, PrepError> {
        let head = &self.reader.head;
        let options = self.options(run)?;
        check_size(head.shape, head.channels as usize, head.pixel_type, self.planes(&options), &options)?;
        let Some(entry) = LAYOUTS.iter().find(|entry| entry.name == head.layout) else {
            return Err(self.reader.damaged("its layout is not known").into());
        };
        let share = options.shard.unwrap_or(Share { index: 0, count: 1 });
        let rows = share_of(head.rows, share.index, share.count);
        let blocks = self.reader.blocks(rows.clone())?;
        let numbers = self.patient_numbers(&blocks)?;
        let mut gathering = Gathering::new(&self.reader, places, &options, rows.clone(), numbers)?;
        for (first, block) in blocks {
            gathering.add(first, block)?;
        }
        let gathered = gathering.finish(entry.name, options.threads)?;
        let saved = SavedAnnotations { keys: gathered.keys, series: gathered.series };
        let mut pairs = gathered.pairs;
        pairs.annotations = restore_annotations(entry.name, saved, options.annotation, options.limits);
        let plan = PrepPlan {
            pairs,
            samples: gathered.samples,
            splits: SplitPlan {
                planned: gathered.planned,
                patients: head.planned_patients as usize,
                rule: head.split_rule.clone(),
                source: if head.joins_patients { SplitSource::Planned } else { SplitSource::Listed },
            },
            shape: head.shape,
            channels: head.channels as usize,
            pixel_type: head.pixel_type,
            units: head.units.clone(),
            places: gathered.places,
            contents: [None, None],
            skipped: Vec::new(),
            notes: Vec::new(),
            evidence: Default::default(),
            audited: gathered.audited,
            marks: Vec::new(),
            findings: Vec::new(),
            seconds: 0.0,
            audit_seconds: 0.0,
            options,
            excerpt: Some(Excerpt {
                first_row: rows.start as u32,
                patient_numbers: gathered.patient_numbers,
                plan_rows: head.rows,
                patients: head.patients,
                digest: head.digest,
                config: head.config.clone(),
                bonds: head.bonds.clone(),
                widths: head.widths,
                marks: gathered.marks,
                found: gathered.found,
            }),
        };
        self.check_widths(&plan)?;
        Ok(plan)
    }

    /// The numbers of the patients of `blocks` and of those that have bonds, ascending.
    fn patient_numbers(&self, blocks: &[(u64, PlanBlock)]) -> Result<Vec<u32>, PlanFileError> {
        let head = &self.reader.head;
        let bound = head.bonds.iter().flat_map(|bond| [bond.patient, bond.leader, bond.shares_with]);
        let own = blocks.iter().flat_map(|(_, block)| block.patients.iter().map(|patient| patient.number));
        let numbers: BTreeSet<u32> = bound.chain(own).collect();
        match numbers.last() {
            Some(&last) if u64::from(last) >= head.patients => Err(self.reader.damaged("a patient is none")),
            _ => Ok(numbers.into_iter().collect()),
        }
    }

    /// The options of the plan, and of the run.
    fn options(&self, run: PlanRun) -> Result<PrepOptions, PrepError> {
        let head = &self.reader.head;
        let recorded = RecordedOptions::parse(&head.config)?;
        self.check_key(run.pseudonym_key.clone(), recorded.has_pseudonyms)?;
        let planned = recorded.options.limits;
        for (option, planned, limit) in [
            ("max-image-bytes", planned.max_image_bytes, run.limits.max_image_bytes),
            ("max-image-pixels", planned.max_image_pixels, run.limits.max_image_pixels),
        ] {
            if planned > limit {
                let path = self.reader.path().to_owned();
                return Err(PlanFileError::Limit { path, option, planned, limit }.into());
            }
        }
        let PlanRun { share, pseudonym_key, threads, strict, .. } = run;
        let shard = Some(share);
        Ok(PrepOptions { pseudonym_key, threads, strict, shard, ..recorded.options })
    }

    fn check_key(&self, key: Option<Vec<u8>>, has_pseudonyms: bool) -> Result<(), PlanFileError> {
        let head = &self.reader.head;
        let of_key = key.map(|key| Pseudonyms::new(Some(key)).of(KEY_CHECK));
        let what = match (&head.key_check, &of_key) {
            _ if head.key_check.is_some() != has_pseudonyms => {
                return Err(self.reader.damaged("it does not say whether it has pseudonyms"));
            }
            (None, None) => return Ok(()),
            (Some(planned), Some(given)) if planned == given => return Ok(()),
            (Some(_), Some(_)) => "it was made with another --pseudonym-key",
            (Some(_), None) => "it was made with a --pseudonym-key, which is needed here too",
            (None, Some(_)) => "it was made without a --pseudonym-key; give the key to --plan-only",
        };
        Err(PlanFileError::Key { path: self.reader.path().to_owned(), what })
    }

    fn planes(&self, options: &PrepOptions) -> usize {
        options.structures.as_ref().map_or(1, |structures| structures.names().len())
    }

    /// Checks that the names are no longer than the plan says, and than any may be.
    fn check_widths(&self, plan: &PrepPlan) -> Result<(), PlanFileError> {
        let planned = self.reader.head.widths;
        let own = plan.own_widths();
        let fits = |own: TextWidth, planned: TextWidth| {
            own.bytes <= planned.bytes && planned.bytes <= MAX_WIDTH && (own.is_ascii || !planned.is_ascii)
        };
        let all = fits(own.id, planned.id)
            && fits(own.patient_id, planned.patient_id)
            && fits(own.original_id, planned.original_id)
            && fits(own.source, planned.source);
        if all { Ok(()) } else { Err(self.reader.damaged("its names are longer than it says")) }
    }

    /// Shape and type of the images.
    #[must_use]
    pub fn images(&self) -> (GridShape, PixelType) {
        (self.reader.head.shape, self.reader.head.pixel_type)
    }
}
