//! Contents of each split: patients, images, mask area, findings.

use std::collections::{BTreeMap, HashMap};

use super::facts::ShownSample;
use crate::split::SplitName;

/// The name of a split; train, val and test come first, in this order, and no name last.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Split(pub(super) String);

/// Tallies of the samples of a file.
#[derive(Debug, Clone, Default)]
pub(super) struct SampleTallies {
    pub(super) splits: BTreeMap<Split, SplitTally>,
    /// Samples with each finding.
    pub(super) findings: BTreeMap<String, usize>,
    /// Samples with any.
    pub(super) with_findings: usize,
    /// Samples of a patient in a split, and which patient of the split it is.
    patients: HashMap<(String, String), (usize, usize)>,
}

/// Contents of one split.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct SplitTally {
    pub(super) patients: usize,
    pub(super) images: usize,
    pub(super) planes: Vec<PlaneTally>,
}

/// Annotations of one structure.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct PlaneTally {
    /// Images in which it was annotated.
    pub(super) annotated: usize,
    /// Pixels of their masks.
    pub(super) pixels: u64,
    /// mm2 of their masks, as far as it is known.
    pub(super) area: f64,
    /// Images of which it is not known.
    pub(super) without_area: usize,
}

impl SampleTallies {
    /// Counts a sample.
    pub(super) fn add(&mut self, facts: &ShownSample) {
        let tally = self.splits.entry(Split(facts.split.clone())).or_default();
        tally.images += 1;
        tally.planes.resize(facts.planes.len(), PlaneTally::default());
        for (plane, (tally, pixels)) in tally.planes.iter_mut().zip(&facts.planes).enumerate() {
            if let Some(pixels) = pixels {
                tally.annotated += 1;
                tally.pixels += pixels;
                tally.area += facts.area(plane).unwrap_or_default();
                tally.without_area += usize::from(facts.pixel_area.is_none());
            }
        }
        let key = (facts.split.clone(), facts.patient.clone());
        let (samples, _) = self.patients.entry(key).or_insert_with(|| {
            tally.patients += 1;
            (0, tally.patients - 1)
        });
        *samples += 1;
        for name in &facts.findings {
            *self.findings.entry(name.clone()).or_default() += 1;
        }
        self.with_findings += usize::from(!facts.findings.is_empty());
    }

    /// Index of a sample's patient within its split, from 0 in the order of the file.
    pub(super) fn patient_number(&self, split: &str, patient: &str) -> usize {
        self.patients.get(&(split.to_owned(), patient.to_owned())).map_or(0, |(_, number)| *number)
    }

    /// Different patients in all splits together.
    pub(super) fn patients(&self) -> usize {
        let mut names: Vec<&str> = self.patients.keys().map(|(_, patient)| patient.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names.len()
    }

    /// The splits with what they hold, in order.
    pub(super) fn in_order(&self) -> impl Iterator<Item = (&Split, &SplitTally)> + Clone {
        self.splits.iter()
    }
}

impl Split {
    /// The name for people.
    pub(super) fn label(&self) -> &str {
        if self.0.is_empty() { "no split" } else { &self.0 }
    }

    fn rank(&self) -> usize {
        let known = SplitName::ALL.iter().position(|name| name.name() == self.0);
        known.unwrap_or(SplitName::ALL.len() + usize::from(self.0.is_empty()))
    }
}

impl Ord for Split {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.rank(), &self.0).cmp(&(other.rank(), &other.0))
    }
}

impl PartialOrd for Split {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::GridShape;

    #[test]
    fn splits_and_structures_are_counted_apart() {
        let mut balance = SampleTallies::default();
        let samples = [
            ("", "d", None, None, ""),
            ("val", "a", Some(4), Some(0.5), "spike"),
            ("train", "b", Some(10), Some(2.0), "spike,gap"),
            ("train", "b", None, Some(2.0), ""),
            ("train", "c", Some(0), None, ""),
            ("odd", "a", Some(1), None, ""),
        ];
        for (row, (split, patient, pixels, pixel_area, findings)) in (0..).zip(samples) {
            balance.add(&ShownSample {
                row,
                id: row.to_string(),
                patient: patient.to_owned(),
                split: split.to_owned(),
                findings: findings.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect(),
                planes: vec![pixels],
                pixel_area,
                image_shape: GridShape::new(1, 1).unwrap(),
                window: [f32::NAN; 2],
            });
        }
        let names: Vec<&str> = balance.in_order().map(|(split, _)| split.label()).collect();
        assert_eq!(names, ["train", "val", "odd", "no split"]);
        let plane = PlaneTally { annotated: 2, pixels: 10, area: 20.0, without_area: 1 };
        let train = SplitTally { patients: 2, images: 3, planes: vec![plane] };
        assert_eq!(balance.splits[&Split("train".to_owned())], train);
        assert_eq!((balance.patients(), balance.with_findings), (4, 2));
        assert_eq!(balance.patient_number("train", "c"), 1);
        assert_eq!(balance.findings, [("gap".to_owned(), 1), ("spike".to_owned(), 2)].into());
    }
}
