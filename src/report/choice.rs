//! Choice of the samples that are shown if not all can be.

use std::collections::{BinaryHeap, HashMap};

use super::balance::{SampleTallies, Split};
use super::facts::ShownSample;

/// Sort key; the smallest comes first.
///
/// Rows with findings come before all others, those with the worst findings first. The others take turns: a row of each
/// patient, patients of the splits in rotation, before the next row of any patient; a patient's rows in an order that
/// is spread over them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Turn {
    not_bad: usize,
    of_patient: u32,
    patient: usize,
    split: usize,
    row: u64,
}

/// The first rows by their turn; memory is that of the rows that are kept.
pub(super) struct Choice<'b> {
    balance: &'b SampleTallies,
    splits: HashMap<&'b str, usize>,
    /// Rows of each patient until now.
    seen: HashMap<(usize, usize), u32>,
    best: BinaryHeap<Turn>,
    most: usize,
}

impl<'b> Choice<'b> {
    /// Chooses at most `most` of the samples that `balance` has counted.
    pub(super) fn new(balance: &'b SampleTallies, most: usize) -> Self {
        let splits = balance.in_order().map(|(Split(name), _)| name.as_str()).zip(0..).collect();
        Self { balance, splits, seen: HashMap::new(), best: BinaryHeap::new(), most }
    }

    /// A sample, in the order of the file.
    pub(super) fn add(&mut self, facts: &ShownSample) {
        let split = self.splits.get(facts.split.as_str()).copied().unwrap_or_default();
        let patient = self.balance.patient_number(&facts.split, &facts.patient);
        let seen = self.seen.entry((split, patient)).or_default();
        let turn = Turn {
            not_bad: usize::MAX - facts.badness(),
            of_patient: spread(*seen),
            patient,
            split,
            row: facts.row,
        };
        *seen += 1;
        self.best.push(turn);
        if self.best.len() > self.most {
            self.best.pop();
        }
    }

    /// The chosen rows, in their turn.
    pub(super) fn into_rows(self) -> Vec<u64> {
        let turns = self.best.into_sorted_vec();
        // Collected in place, they would keep the room of the turns.
        let mut rows = Vec::with_capacity(turns.len());
        rows.extend(turns.into_iter().map(|turn| turn.row));
        rows
    }
}

/// Row `number` of a patient comes so late: 0, then every 1024th, then those in the middle between them, and so on.
fn spread(number: u32) -> u32 {
    const STEP_BITS: u32 = 10;
    let (coarse, fine) = (number >> STEP_BITS, number & ((1 << STEP_BITS) - 1));
    let reversed = fine.reverse_bits() >> (u32::BITS - STEP_BITS);
    reversed.saturating_mul(1 << STEP_BITS).saturating_add(coarse)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::GridShape;

    fn sample(row: u64, split: &str, patient: u64, findings: usize) -> ShownSample {
        ShownSample {
            row,
            id: row.to_string(),
            patient: patient.to_string(),
            split: split.to_owned(),
            findings: vec!["x".to_owned(); findings],
            planes: Vec::new(),
            pixel_area: None,
            image_shape: GridShape::new(1, 1).unwrap(),
            window: [f32::NAN; 2],
        }
    }

    fn choose(samples: &[ShownSample], most: usize) -> Vec<u64> {
        let mut balance = SampleTallies::default();
        samples.iter().for_each(|facts| balance.add(facts));
        let mut choice = Choice::new(&balance, most);
        samples.iter().for_each(|facts| choice.add(facts));
        choice.into_rows()
    }

    /// Sixteen patients of eight rows; the last four patients are in val.
    fn samples() -> Vec<ShownSample> {
        (0..128).map(|row| sample(row, if row < 96 { "train" } else { "val" }, row / 8, 0)).collect()
    }

    #[test]
    fn patients_and_splits_take_turns() {
        assert_eq!(choose(&samples(), 4), [0, 96, 8, 104]);
        let sixteen = choose(&samples(), 16);
        assert_eq!(sixteen[8..], [32, 40, 48, 56, 64, 72, 80, 88], "each patient once");
        assert_eq!(choose(&samples(), 32)[16..18], [4, 100], "then the row in the middle of each");
        let mut all = choose(&samples(), 1000);
        all.sort_unstable();
        assert_eq!(all, (0..128).collect::<Vec<_>>());
    }

    #[test]
    fn findings_come_first_and_the_worst_before_the_others() {
        let mut samples = samples();
        for (row, findings) in [(17, 1), (120, 3), (90, 1)] {
            samples[row].findings = vec!["x".to_owned(); findings];
        }
        assert_eq!(choose(&samples, 5), [120, 90, 17, 0, 96]);
        assert_eq!(choose(&samples, 2), [120, 90]);
        assert!(choose(&samples, 0).is_empty());
    }

    #[test]
    fn all_rows_of_a_patient_have_turns_of_their_own() {
        let mut turns: Vec<u32> = (0..5000).map(spread).collect();
        turns.sort_unstable();
        turns.dedup();
        assert_eq!(turns.len(), 5000);
    }
}
