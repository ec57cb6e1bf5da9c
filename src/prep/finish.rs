//! The end of a run: the splits as they really are, and the statistics of the train split.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::planning::pool;
use super::sink::Sink;
use super::split_choice::{assign_by_leaders, patients_of};
use super::summary::SplitSize;
use super::{PrepError, PrepPlan};
use crate::model::{Note, Place};
use crate::store::{ChunkReader, ChunkTable, Moments, StoreError, TrainStatistics, ValueHistogram};
use crate::wrangle::SplitName;

/// The splits of the patients, once it is known which of them share equal images.
#[derive(Debug)]
pub(super) struct FinalSplits {
    /// For each patient of the plan.
    pub(super) of_patient: Vec<SplitName>,
    /// Groups of patients that stand in one split because they share equal images.
    pub(super) joined: Vec<Vec<u32>>,
}

impl FinalSplits {
    /// Patients that share an image count as one, by the first of them; patients of whom no sample is left do
    /// not count.
    pub(super) fn of(plan: &PrepPlan, sink: &mut Sink<'_>) -> Self {
        let joined: Vec<Vec<u32>> = sink.equal.groups().into_values().collect();
        let mut with_samples = patients_of(&plan.samples);
        let planned = with_samples.len();
        with_samples.retain(|&patient| sink.patients[patient as usize].samples > 0);
        let of_patient = if joined.is_empty() && with_samples.len() == planned {
            plan.splits.clone()
        } else {
            assign_by_leaders(plan, &with_samples, |patient| sink.equal.leader(patient))
        };
        let splits = Self { of_patient, joined };
        splits.note_empty(plan, sink);
        splits
    }

    /// Notes each split that was planned and has come out empty, and a train split that never was.
    fn note_empty(&self, plan: &PrepPlan, sink: &mut Sink<'_>) {
        let sizes = self.sizes(sink);
        let mut note = |text: String| sink.remarks.notes.push(Note::new(Place::file("--split"), text));
        for split in SplitName::ALL {
            if plan.splits.contains(&split) && !sizes.contains_key(split.name()) {
                note(format!("split {split} is empty: too few patients are left for it"));
            }
        }
        if plan.has_splits() && !sizes.contains_key(SplitName::Train.name()) {
            note("there is no train split, so the training statistics in the file are NaN".to_owned());
        }
    }

    /// Samples and patients of each split.
    pub(super) fn sizes(&self, sink: &Sink<'_>) -> BTreeMap<String, SplitSize> {
        let mut sizes: BTreeMap<String, SplitSize> = BTreeMap::new();
        let patients = self.of_patient.iter().zip(&sink.patients);
        for (split, total) in patients.filter(|(_, total)| total.samples > 0) {
            let size = sizes.entry(split.name().to_owned()).or_default();
            size.samples += total.samples;
            size.patients += 1;
        }
        sizes
    }

    /// The statistics of the train split. `histogram` counts the samples that the plan had put there. Those of
    /// patients that have changed sides are read back from the file; so are the rows that equal a sample that
    /// was counted and then left out.
    pub(super) fn train_statistics(
        &self,
        plan: &PrepPlan,
        sink: &Sink<'_>,
        mut histogram: ValueHistogram,
    ) -> Result<TrainStatistics, PrepError> {
        let mut moments = Moments::default();
        for (&split, total) in self.of_patient.iter().zip(&sink.patients) {
            if split.counts_as_train() {
                moments.merge(&total.moments);
            }
        }
        let now = |row: &usize| self.of_patient[sink.row_patients[*row] as usize].counts_as_train();
        let before = |row: &usize| plan.splits[sink.row_patients[*row] as usize].counts_as_train();
        let rows = 0..sink.row_patients.len();
        let (gained, mut lost): (Vec<usize>, Vec<usize>) =
            rows.filter(|row| now(row) != before(row)).partition(|row| now(row));
        lost.extend(sink.left_out_of_train.iter().map(|&row| row as usize));
        if !gained.is_empty() || !lost.is_empty() {
            let images = sink.writer.written_images()?;
            let pool = pool(plan.options.threads)?;
            histogram.merge(&pool.install(|| count_rows(plan, &images, &gained))?);
            histogram.subtract(&pool.install(|| count_rows(plan, &images, &lost))?);
        }
        Ok(TrainStatistics { moments, histogram })
    }
}

/// Counts the pixels of rows that were written.
fn count_rows(plan: &PrepPlan, images: &ChunkTable, rows: &[usize]) -> Result<ValueHistogram, StoreError> {
    let pixel_type = plan.pixel_type;
    let empty = || ValueHistogram::new(pixel_type);
    let count = |rows: &[usize]| {
        let mut bytes = vec![0; images.chunk_bytes()];
        let (mut reader, mut histogram) = (ChunkReader::new(), empty());
        for &row in rows {
            reader.read(images, row, &mut bytes)?;
            histogram.add_le_bytes(&bytes);
        }
        Ok(histogram)
    };
    // One part for each thread: every part has a histogram of its own.
    let part = rows.len().div_ceil(plan.options.threads).max(1);
    rows.par_chunks(part).map(count).try_reduce(empty, |mut all, part| {
        all.merge(&part);
        Ok(all)
    })
}
