//! Checks over all rows: ids, patients, splits and the statistics of train.

use std::collections::{BTreeSet, HashMap, HashSet};

use sha2::{Digest, Sha256};

use super::pixel_counts::PixelCounts;
use super::problem::{Problem, ProblemKind, Problems};
use super::row_check::RowLook;
use crate::model::PixelType;
use crate::split::SplitName;
use crate::store::{DatasetFile, Moments, Percentiles, RowReader, SPLIT_DISJOINT, SampleRows, StoreError};

/// Gathers the rows of a file, in order.
#[derive(Default)]
pub(super) struct VerifyTotals {
    pub(super) problems: Problems,
    /// Rows whose image or mask is damaged.
    pub(super) damaged: Vec<usize>,
    /// Half a digest of each id.
    ids: HashSet<u128>,
    /// The split of each patient, and its fold.
    patients: HashMap<String, String>,
    /// All splits and folds.
    parts: BTreeSet<String>,
    /// The first row with these pixels, by their checksum and sums.
    images: HashMap<u64, u32>,
    /// Rows whose images seem to equal that of an earlier one.
    alike: Vec<(u32, u32)>,
    moments: Moments,
    /// Rows that were not counted.
    uncounted: usize,
}

impl VerifyTotals {
    /// Takes the row that comes next.
    pub(super) fn take(&mut self, look: RowLook) {
        let row = look.row;
        let is_damage = |kind| matches!(kind, ProblemKind::ImageDamaged | ProblemKind::MaskDamaged);
        if look.problems.iter().any(|problem| is_damage(problem.kind)) {
            self.damaged.push(row);
        }
        look.problems.into_iter().for_each(|problem| self.problems.add(problem));
        let (Some(cells), Some(split), Some(part)) = (look.cells, look.split, look.part) else {
            self.uncounted += 1;
            return;
        };
        let mut problem = |kind, detail| {
            self.problems.add(Problem { kind, row: Some(row), place: cells.id.clone(), detail })
        };
        if !self.ids.insert(half_digest(&cells.id)) {
            problem(ProblemKind::DuplicateId, "an earlier row has the same id".to_owned());
        }
        match self.patients.get(&cells.patient_id) {
            Some(other) if *other != part => {
                let detail = format!("patient {} is in {other:?} and in {part:?}", cells.patient_id);
                problem(ProblemKind::SplitLeak, detail);
            }
            Some(_) => {}
            None => _ = self.patients.insert(cells.patient_id.clone(), part.clone()),
        }
        match look.statistics {
            None => self.uncounted += 1,
            Some(statistics) => {
                if split.is_empty() || split == SplitName::Train.name() {
                    self.moments.add(&statistics);
                }
                if !part.is_empty() {
                    let (sum, squares) = statistics.fingerprint();
                    let print = (cells.checksum[0], sum, squares);
                    let first =
                        *self.images.entry(half_digest(&format!("{print:?}")) as u64).or_insert(row as u32);
                    if first != row as u32 {
                        self.alike.push((first, row as u32));
                    }
                }
            }
        }
        self.parts.insert(part);
    }

    /// Judges what was gathered, once all rows were taken.
    pub(super) fn judge(&mut self, file: &DatasetFile, counts: &PixelCounts) -> Result<(), StoreError> {
        if self.uncounted > 0 {
            // Damage is already reported; figures over the rest would only repeat it.
            return Ok(());
        }
        let mut wrong = |place: &str, what: String| {
            self.problems.add_of_file(ProblemKind::Statistics, place, what);
        };
        let patients = file.recorded_patients();
        if patients != Some(self.patients.len() as u64) {
            wrong("/@patients", format!("is {patients:?}, and there are {}", self.patients.len()));
        }
        let has_parts = self.parts.iter().any(|part| !part.is_empty());
        // A shard holds rows that merging will leave out, and says that images stand in two splits.
        let images_disjoint =
            file.split_disjoint() != &SPLIT_DISJOINT[..1] || !matches!(file.shard(), Ok(Some(_)));
        let disjoint = match has_parts {
            true if images_disjoint => &SPLIT_DISJOINT[..],
            true => &SPLIT_DISJOINT[..1],
            false => &[],
        };
        if file.split_disjoint() != disjoint {
            wrong("/@split_disjoint", format!("is {:?}, not {disjoint:?}", file.split_disjoint()));
        }
        self.judge_statistics(file, counts);
        if images_disjoint { self.find_equal_images(file) } else { Ok(()) }
    }

    /// Holds the statistics of train and of folds against the counts.
    fn judge_statistics(&mut self, file: &DatasetFile, counts: &PixelCounts) {
        let train = figures(&self.moments, counts.train.percentiles());
        self.compare(file, "/images", &file.recorded_statistics(), &train);
        for (fold, without) in counts.folds.without_each().enumerate() {
            let recorded = file.recorded_fold_statistics(fold);
            let percentiles = without.percentiles(&file.recorded_percentiles(Some(fold)));
            self.compare(file, &format!("/folds/{fold}"), &recorded, &figures(&without.moments, percentiles));
        }
    }

    fn compare(
        &mut self,
        file: &DatasetFile,
        place: &str,
        recorded: &[(&'static str, Option<f64>)],
        figures: &[f64],
    ) {
        for ((name, recorded), figure) in recorded.iter().zip(figures) {
            if !agree(file.pixel_type(), *recorded, *figure, [figures[2], figures[3]]) {
                let what = format!("is {recorded:?}, and the rows give {figure:?}");
                self.problems.add_of_file(ProblemKind::Statistics, &format!("{place}@{name}"), what);
            }
        }
    }

    /// Equal checksums and sums are not believed: the images are read and compared.
    fn find_equal_images(&mut self, file: &DatasetFile) -> Result<(), StoreError> {
        let (mut reader, mut columns) = (RowReader::new(file, None), SampleRows::new(file)?);
        let mut images = [vec![0; file.image_bytes()], vec![0; file.image_bytes()]];
        for (first, second) in std::mem::take(&mut self.alike) {
            let rows = [first as usize, second as usize];
            let parts = [columns.part(rows[0])?, columns.part(rows[1])?];
            if parts[0] == parts[1] {
                continue;
            }
            for (row, image) in rows.iter().zip(&mut images) {
                reader.read_image(*row, image)?;
            }
            if images[0] == images[1] {
                let detail =
                    format!("its image is that of row {first} in {:?}; it is in {:?}", parts[0], parts[1]);
                let place = columns.read(rows[1])?.id;
                self.problems.add(Problem {
                    kind: ProblemKind::SplitLeak,
                    row: Some(rows[1]),
                    place,
                    detail,
                });
            }
        }
        Ok(())
    }
}

/// Figures in the order of [`DatasetFile::recorded_statistics`].
fn figures(moments: &Moments, percentiles: Percentiles) -> Vec<f64> {
    let Percentiles { all, channels } = percentiles;
    let by_channel = moments.channel_figures();
    let by_channel = (0..4).flat_map(|figure| by_channel.map(|channel| channel[figure]));
    let figures = moments.figures().into_iter().chain(all).chain(by_channel);
    figures.chain(channels.into_iter().flatten().flatten()).collect()
}

/// True if a recorded figure is the one that the rows give. Those of integers are exact; of floats, the order of the
/// sums decides the last bits.
fn agree(pixel_type: PixelType, recorded: Option<f64>, figure: f64, [min, max]: [f64; 2]) -> bool {
    let Some(recorded) = recorded else { return false };
    let tolerance = match pixel_type {
        PixelType::Float32 => 1e-9 * (max - min).abs() + 1e-12 * figure.abs(),
        _ => 0.0,
    };
    recorded == figure || (recorded.is_nan() && figure.is_nan()) || (recorded - figure).abs() <= tolerance
}

/// Half of the SHA-256 of an id: no two ids share it.
pub(super) fn half_digest(text: &str) -> u128 {
    Sha256::digest(text).iter().take(16).fold(0, |bits, byte| bits << 8 | u128::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_agree_as_exactly_as_they_can() {
        let range = [-1.0, 1.0];
        assert!(agree(PixelType::Int16, Some(0.1), 0.1, range));
        assert!(!agree(PixelType::Int16, Some(0.1 + 1e-16), 0.1, range) || 0.1 + 1e-16 == 0.1);
        assert!(!agree(PixelType::Int16, Some(0.1 + 1e-12), 0.1, range));
        assert!(agree(PixelType::Float32, Some(0.1 + 1e-12), 0.1, range));
        assert!(!agree(PixelType::Float32, Some(0.1001), 0.1, range));
        assert!(agree(PixelType::UInt8, Some(f64::NAN), f64::NAN, [f64::NAN; 2]));
        assert!(
            !agree(PixelType::UInt8, None, 1.0, range)
                && !agree(PixelType::UInt8, Some(f64::NAN), 1.0, range)
        );
    }
}
