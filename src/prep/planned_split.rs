//! The split of each patient in a plan.

use crate::split::{SplitDraw, SplitName, SplitSpec};
use crate::store::ShardBond;

/// Source of the splits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SplitSource {
    /// There are none.
    Nowhere,
    /// They are drawn, and patients that share an equal image stand in one.
    Drawn(SplitSpec),
    /// They are listed, and a sample that equals one in another split is left out.
    Listed,
    /// They stand as planned. Patients that share an equal image stand in one, unless both are kept where they are; then
    /// the sample is left out.
    Planned,
    /// As the plan says, for some of its rows: patients of these rows that share an equal image stand in the split of
    /// the first where splits are drawn, and nothing is left out.
    Shard {
        /// True if splits are not listed.
        drawn: bool,
    },
}

/// Plan of the split of one patient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PlannedSplit {
    pub(super) split: SplitName,
    pub(super) draw: SplitDraw,
    /// The first patient that it is not to be torn from, by its number; itself where there is none.
    pub(super) leader: u32,
    /// The same, of those that share a study or a person with it.
    pub(super) shares_with: u32,
    /// The split where it stays whatever else is found.
    pub(super) kept: Option<SplitName>,
    /// The fold, where there are folds.
    pub(super) fold: Option<u16>,
}

impl PlannedSplit {
    /// Of patient number `patient`, without a sample.
    pub(super) fn none(patient: u32) -> Self {
        Self {
            split: SplitName::Unsplit,
            draw: SplitDraw::NONE,
            leader: patient,
            shares_with: patient,
            kept: None,
            fold: None,
        }
    }

    /// Bond of it, patient number `patient`; `None` where it stands for itself alone.
    pub(super) fn bond(&self, patient: u32) -> Option<ShardBond> {
        let Self { leader, shares_with, kept, fold, .. } = *self;
        let is_bound = leader != patient || shares_with != patient || kept.is_some() || fold.is_some();
        is_bound.then_some(ShardBond { patient, leader, shares_with, kept, fold })
    }

    /// Of `patients` patients with these bonds, of whom nothing else is known yet.
    pub(super) fn of_bonds(patients: usize, bonds: &[ShardBond]) -> Vec<Self> {
        let mut planned = Self::nobody(patients);
        for &ShardBond { patient, leader, shares_with, kept, fold } in bonds {
            if let Some(planned) = planned.get_mut(patient as usize) {
                *planned = Self { leader, shares_with, kept, fold, ..*planned };
            }
        }
        planned
    }

    /// Of `patients` patients without a sample.
    pub(super) fn nobody(patients: usize) -> Vec<Self> {
        (0..patients as u32).map(Self::none).collect()
    }
}

/// The splits of a plan.
#[derive(Debug, Clone)]
pub(super) struct SplitPlan {
    /// For each patient of the data.
    pub(super) planned: Vec<PlannedSplit>,
    /// Patients that have a sample.
    pub(super) patients: usize,
    /// The rule in words.
    pub(super) rule: String,
    pub(super) source: SplitSource,
}

impl SplitPlan {
    /// Bonds of all patients that have some.
    pub(super) fn bonds(&self) -> Vec<ShardBond> {
        (0..).zip(&self.planned).filter_map(|(patient, planned)| planned.bond(patient)).collect()
    }

    /// Name of what a patient stands in one of.
    pub(super) fn one(&self, patient: u32) -> &'static str {
        if self.of(patient) == SplitName::Unsplit { "fold" } else { "split" }
    }

    /// True if there are folds.
    pub(super) fn has_folds(&self) -> bool {
        self.planned.iter().any(|planned| planned.fold.is_some())
    }

    /// The fold of a patient, which only those have that are trained with.
    pub(super) fn fold(&self, patient: u32) -> Option<u16> {
        let planned = self.planned[patient as usize];
        planned.fold.filter(|_| planned.split.counts_as_train())
    }

    /// The split of a patient.
    pub(super) fn of(&self, patient: u32) -> SplitName {
        self.planned[patient as usize].split
    }
}
