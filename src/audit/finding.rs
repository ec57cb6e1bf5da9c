//! Findings of checks.

use std::sync::Arc;

use super::Check;
use crate::model::Place;

/// Places that one finding about many lists.
pub(super) const LISTED: usize = 10;

/// A finding of a check: its place and its meaning.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// The check.
    pub check: Check,
    /// The contour or image that is suspect.
    pub place: Place,
    /// Other files involved. Shared, because many findings name the same ones.
    pub others: Arc<[String]>,
    /// The problem, with its numbers: one sentence without a full stop. Shared with the report.
    pub text: Arc<str>,
    /// The numbers by name, with the unit at the end of each name.
    pub values: Vec<(&'static str, f64)>,
    /// The samples that it concerns, by their numbers in the list that was audited.
    pub samples: Vec<u32>,
    /// The sample and the mask plane of the annotation that is suspect, where it is one.
    pub annotation: Option<(u32, u8)>,
}

impl Finding {
    /// A finding about the annotation in `plane` of `sample`, which is the file `place`.
    pub(super) fn of_annotation(check: Check, sample: u32, plane: usize, place: Place, text: String) -> Self {
        Self { annotation: Some((sample, plane as u8)), ..Self::of_samples(check, vec![sample], place, text) }
    }

    /// A finding about the images or annotations of `samples`.
    #[must_use]
    pub fn of_samples(check: Check, samples: Vec<u32>, place: Place, text: String) -> Self {
        let (others, values) = (Arc::default(), Vec::new());
        Self { check, place, others, text: text.into(), values, samples, annotation: None }
    }

    /// With the numbers `values`.
    pub(super) fn with(mut self, values: &[(&'static str, f64)]) -> Self {
        self.values.extend_from_slice(values);
        self
    }

    /// With the files `others`.
    #[must_use]
    pub fn beside(self, others: Vec<Place>) -> Self {
        self.beside_shared(others.into_iter().map(|place| place.file).collect())
    }

    /// With the files `others`, which other findings name too.
    pub(super) fn beside_shared(mut self, others: Arc<[String]>) -> Self {
        self.others = others;
        self
    }
}
