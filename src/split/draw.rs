//! Assignment of patients to train, val and test. Pure: ids in, splits out.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::model::first_bits;

/// Rule of the splits, for the file's attribute of that name.
pub const SPLIT_RULE: &str = "By patient: u is the first 8 bytes (big endian) of SHA-256(\"dicomprep split v1\" \
    + seed as 8 bytes little endian + patient_id) over 2^64 and falls into the cumulative fractions in the order \
    train, val, test. Only where this leaves a split empty: in link order, the first patient takes the largest \
    split, and while a split is still empty u chooses among the empty ones, their fractions renormalized.";

const SALT: &[u8] = b"dicomprep split v1";

/// Fractions are whole billionths, so that they are compared without rounding.
const WHOLE: u64 = 1_000_000_000;

/// The part of the data a patient belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum SplitName {
    /// For training.
    Train,
    /// For choosing between models.
    Val,
    /// For the final judgement.
    Test,
    /// No split was asked for.
    Unsplit,
}

impl SplitName {
    /// The three splits, in the order of the fractions.
    pub const ALL: [Self; 3] = [Self::Train, Self::Val, Self::Test];

    /// The name in options and in the file; empty where no split was asked for.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Val => "val",
            Self::Test => "test",
            Self::Unsplit => "",
        }
    }

    /// True if its samples decide the training statistics: those of the train split, or all where there are
    /// no splits.
    #[must_use]
    pub fn counts_as_train(self) -> bool {
        matches!(self, Self::Train | Self::Unsplit)
    }

    /// The split of this number, which `as u32` gives.
    #[must_use]
    pub fn from_number(number: u32) -> Option<Self> {
        [Self::Train, Self::Val, Self::Test, Self::Unsplit].into_iter().find(|split| *split as u32 == number)
    }

    /// The split called `name`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|split| split.name() == name)
    }
}

impl fmt::Display for SplitName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The fractions asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SplitSpec {
    /// Billionths of train, val and test; all 0 for `none`.
    weights: [u64; 3],
}

/// Why a text is no [`SplitSpec`].
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SplitError {
    /// A part is not `name=fraction`.
    #[error("`{part}` is not NAME=FRACTION; write for example train=0.8,val=0.1,test=0.1, or none")]
    NotAPair {
        /// The part.
        part: String,
    },
    /// A name that is no split.
    #[error("`{name}` is no split; the splits are train, val and test")]
    UnknownName {
        /// The name.
        name: String,
    },
    /// A split is named twice.
    #[error("{name} is named twice")]
    Twice {
        /// The split.
        name: SplitName,
    },
    /// A fraction is no number from 0 to 1.
    #[error("the fraction of {name} is `{value}`; it must be a number from 0 to 1")]
    BadFraction {
        /// The split.
        name: SplitName,
        /// The text given.
        value: String,
    },
    /// A fraction is above 0, but less than half a billionth.
    #[error("the fraction of {name} is `{value}`; it must be 0 or at least 0.000000001")]
    TooSmall {
        /// The split.
        name: SplitName,
        /// The text given.
        value: String,
    },
    /// The fractions do not add up to 1.
    #[error("the fractions add up to {sum}; they must add up to 1")]
    Sum {
        /// Their sum.
        sum: f64,
    },
}

impl SplitSpec {
    /// No split is asked for.
    pub const NONE: Self = Self { weights: [0; 3] };

    /// Eight tenths of the patients train, one validates and one tests.
    pub const USUAL: Self = Self { weights: [WHOLE / 10 * 8, WHOLE / 10, WHOLE / 10] };

    /// Parses `train=0.8,val=0.1,test=0.1` or `none`. A split that is not named gets nothing.
    ///
    /// # Errors
    /// [`SplitError`] where a part is no split with a fraction from 0 to 1, a split is named twice, or the
    /// sum is further than a millionth from 1.
    pub fn parse(text: &str) -> Result<Self, SplitError> {
        if text.trim() == "none" {
            return Ok(Self::NONE);
        }
        let mut fractions: [Option<f64>; 3] = [None; 3];
        let mut weights = [0; 3];
        for part in text.split(',') {
            let (name, fraction, weight) = parse_part(part.trim())?;
            if fractions[name as usize].replace(fraction).is_some() {
                return Err(SplitError::Twice { name });
            }
            weights[name as usize] = weight;
        }
        let sum: f64 = fractions.iter().flatten().sum();
        if (sum - 1.0).abs() > 1e-6 {
            return Err(SplitError::Sum { sum: (sum * WHOLE as f64).round() / WHOLE as f64 });
        }
        Ok(Self { weights })
    }

    /// True if no split is asked for.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::NONE
    }

    /// The size of a split, in proportion to the others.
    pub(super) fn weight(&self, split: SplitName) -> u64 {
        self.weights.get(split as usize).copied().unwrap_or(0)
    }

    /// The fraction of a split, 0 to 1.
    #[must_use]
    pub fn fraction(&self, split: SplitName) -> f64 {
        let total: u64 = self.weights.iter().sum();
        self.weight(split) as f64 / total.max(1) as f64
    }
}

/// Displays as it is parsed.
impl fmt::Display for SplitSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_none() {
            return f.write_str("none");
        }
        let parts = SplitName::ALL.into_iter().zip(self.weights).filter(|(_, weight)| *weight > 0);
        let parts: Vec<_> = parts.map(|(name, w)| format!("{name}={}", w as f64 / WHOLE as f64)).collect();
        f.write_str(&parts.join(","))
    }
}

fn parse_part(part: &str) -> Result<(SplitName, f64, u64), SplitError> {
    let (name, value) = part.split_once('=').ok_or_else(|| SplitError::NotAPair { part: part.to_owned() })?;
    let (name, value) = (name.trim(), value.trim());
    let name = SplitName::from_name(name).ok_or_else(|| SplitError::UnknownName { name: name.to_owned() })?;
    let fraction: f64 = value
        .parse()
        .ok()
        .filter(|fraction| (0.0..=1.0).contains(fraction))
        .ok_or_else(|| SplitError::BadFraction { name, value: value.to_owned() })?;
    let weight = (fraction * WHOLE as f64).round() as u64;
    if fraction > 0.0 && weight == 0 {
        return Err(SplitError::TooSmall { name, value: value.to_owned() });
    }
    Ok((name, fraction, weight))
}

/// Range that the number of a patient falls into: all that [`assign_draws`] needs of it, and hardly more about the id than
/// a split tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SplitDraw {
    /// Among all splits.
    pub among_all: SplitName,
    /// Among all but the largest.
    pub among_smaller: SplitName,
}

impl SplitDraw {
    /// Of a patient for whom nothing is drawn.
    pub const NONE: Self = Self { among_all: SplitName::Unsplit, among_smaller: SplitName::Unsplit };

    /// The draw of the patient `patient_id`.
    #[must_use]
    pub fn of(spec: &SplitSpec, seed: u64, patient_id: &str) -> Self {
        if spec.is_none() {
            return Self::NONE;
        }
        let number = patient_number(seed, patient_id);
        let among = |weights: &[u64; 3]| SplitName::ALL[fall_into(weights, number)];
        let mut smaller = spec.weights;
        smaller[largest(&spec.weights)] = 0;
        Self { among_all: among(&spec.weights), among_smaller: among(&smaller) }
    }
}

/// Assigns each patient that has a sample, in the order of the link table, to a split.
///
/// [`SPLIT_RULE`] is the rule. Where the seed and the ids alone leave no split empty, a patient's split
/// depends on nothing else, so adding, removing or reordering others moves no patient. With fewer patients, it
/// also depends on those before it, so that with at least as many patients as splits, no split with a
/// fraction above 0 stays empty.
pub fn assign_splits<'a>(
    spec: &SplitSpec,
    seed: u64,
    patient_ids: impl IntoIterator<Item = &'a str>,
) -> Vec<SplitName> {
    let draws: Vec<SplitDraw> = patient_ids.into_iter().map(|id| SplitDraw::of(spec, seed, id)).collect();
    assign_draws(spec, &draws)
}

/// [`assign_splits`] of patients of whom only the draws are known.
#[must_use]
pub fn assign_draws(spec: &SplitSpec, draws: &[SplitDraw]) -> Vec<SplitName> {
    if spec.is_none() {
        return vec![SplitName::Unsplit; draws.len()];
    }
    let by_number: Vec<SplitName> = draws.iter().map(|draw| draw.among_all).collect();
    let leaves_empty = |split: &SplitName| spec.fraction(*split) > 0.0 && !by_number.contains(split);
    if SplitName::ALL.iter().any(leaves_empty) { seat(spec, draws) } else { by_number }
}

/// The splits of few patients, by their draws: first one for each split, then as they fall.
fn seat(spec: &SplitSpec, draws: &[SplitDraw]) -> Vec<SplitName> {
    let mut empty = spec.weights;
    let choose = |draw: &SplitDraw| {
        let mut candidates = (0..empty.len()).filter(|&split| empty[split] > 0);
        let chosen = match (candidates.next(), candidates.next()) {
            _ if empty == spec.weights => SplitName::ALL[largest(&spec.weights)],
            (None, _) => draw.among_all,
            (Some(only), None) => SplitName::ALL[only],
            // The largest was the first to be taken.
            _ => draw.among_smaller,
        };
        empty[chosen as usize] = 0;
        chosen
    };
    draws.iter().map(choose).collect()
}

/// The patient's number; over 2^64 it is evenly spread over 0 to 1.
pub(super) fn patient_number(seed: u64, patient_id: &str) -> u64 {
    let hash = Sha256::new().chain_update(SALT).chain_update(seed.to_le_bytes()).chain_update(patient_id);
    first_bits(&hash.finalize())
}

/// The first of the largest weights.
fn largest(weights: &[u64; 3]) -> usize {
    (0..weights.len()).rev().max_by_key(|&i| weights[i]).unwrap_or(0)
}

/// The index whose part of the cumulative weights holds `number` / 2^64. The weights are not all 0.
fn fall_into(weights: &[u64; 3], number: u64) -> usize {
    let total: u64 = weights.iter().sum();
    // number / 2^64 < cumulative / total, without division.
    let scaled = u128::from(number) * u128::from(total);
    let mut cumulative = 0;
    let found = weights.iter().position(|&weight| {
        cumulative += weight;
        scaled < u128::from(cumulative) << 64
    });
    found.unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DEFAULT: &str = "train=0.8,val=0.1,test=0.1";

    fn spec(text: &str) -> SplitSpec {
        SplitSpec::parse(text).unwrap()
    }

    fn assign(text: &str, seed: u64, ids: &[String]) -> Vec<SplitName> {
        assign_splits(&spec(text), seed, ids.iter().map(String::as_str))
    }

    fn ids(n: usize) -> Vec<String> {
        (0..n).map(|i| format!("SCD{i:07}")).collect()
    }

    #[test]
    fn parses_and_displays() {
        assert_eq!(spec(DEFAULT).to_string(), DEFAULT);
        assert_eq!(spec(" test=0.25 , train=.75").to_string(), "train=0.75,test=0.25");
        assert_eq!(spec("train=1,val=0").to_string(), "train=1");
        assert_eq!(spec("none").to_string(), "none");
        assert!(spec("none").is_none());
        assert_eq!(SplitSpec::USUAL, spec(DEFAULT));
        assert_eq!(spec("train=0.3333333,val=0.3333333,test=0.3333333").weights, [333_333_300; 3]);
        assert!((spec(DEFAULT).fraction(SplitName::Train) - 0.8).abs() < 1e-9);
    }

    #[test]
    fn says_what_is_wrong() {
        let message = |text: &str| SplitSpec::parse(text).unwrap_err().to_string();
        assert!(message("train").starts_with("`train` is not NAME=FRACTION"));
        assert!(message("").starts_with("`` is not NAME=FRACTION"));
        assert!(message("train=0.5,dev=0.5").starts_with("`dev` is no split"));
        assert_eq!(message("train=0.5,train=0.5"), "train is named twice");
        for bad in ["-0.1", "NaN", "inf", "x", "", "1.5"] {
            assert!(message(&format!("train={bad}")).contains(&format!("is `{bad}`; it must be a number")));
        }
        assert!(message("train=1,val=1e-12").contains("at least 0.000000001"));
        assert_eq!(message("train=0.8,val=0.1"), "the fractions add up to 0.9; they must add up to 1");
        assert!(message("train=0.8,val=0.1,test=0.10001").contains("1.00001"));
    }

    #[test]
    fn the_rule_is_pinned() {
        // hashlib.sha256(b"dicomprep split v1" + (7).to_bytes(8, "little") + b"SCD0000101").digest()[:8]
        assert_eq!(patient_number(7, "SCD0000101"), 0xB4D5_0C16_AF4F_2A94);
    }

    #[test]
    fn numbers_fall_into_cumulative_weights_exactly() {
        let half = 1 << 63;
        assert_eq!(fall_into(&[1, 0, 1], half - 1), 0);
        assert_eq!(fall_into(&[1, 0, 1], half), 2);
        assert_eq!(fall_into(&[0, 5, 0], 0), 1);
        assert_eq!(fall_into(&[0, 5, 5], u64::MAX), 2);
    }

    #[test]
    fn the_first_patient_takes_the_largest_split() {
        assert_eq!(assign(DEFAULT, 3, &ids(1)), [SplitName::Train]);
        assert_eq!(assign("train=0.2,test=0.8", 3, &ids(1)), [SplitName::Test]);
        assert_eq!(assign("val=0.5,test=0.5", 3, &ids(1)), [SplitName::Val]);
        assert_eq!(assign("none", 3, &ids(2)), [SplitName::Unsplit; 2]);
        assert!(assign("train=1", 3, &ids(9)).iter().all(|&split| split == SplitName::Train));
    }

    #[test]
    fn approaches_the_fractions() {
        let assigned = assign(DEFAULT, 0, &ids(10_000));
        for split in SplitName::ALL {
            let share = assigned.iter().filter(|&&s| s == split).count() as f64 / 10_000.0;
            assert!((share - spec(DEFAULT).fraction(split)).abs() < 0.015, "{split}: {share}");
        }
    }

    #[test]
    fn the_seed_changes_the_assignment() {
        let ids = ids(200);
        let all: std::collections::BTreeSet<_> = (0..20).map(|seed| assign(DEFAULT, seed, &ids)).collect();
        assert_eq!(all.len(), 20);
    }

    fn specs() -> impl Strategy<Value = String> {
        (0..=20_u32, 0..=20_u32, 1..=20_u32).prop_map(|(a, b, c)| {
            let sum = f64::from(a + b + c);
            let part = |n: u32| f64::from(n) / sum;
            format!("train={},val={},test={}", part(a), part(b), part(c))
        })
    }

    proptest! {
        #[test]
        fn other_patients_move_nobody_where_the_numbers_fill_every_split(
            seed: u64, more in prop::collection::vec(("[A-Z]{1,4}[0-9]{1,3}", 0..400_usize), 1..20)
        ) {
            let mut ids = ids(150);
            let before = assign(DEFAULT, seed, &ids);
            let by_number = |id: &String| fall_into(&spec(DEFAULT).weights, patient_number(seed, id));
            prop_assume!((0..3).all(|split| ids.iter().map(by_number).any(|s| s == split)));
            for (id, place) in more {
                ids.insert(place % ids.len(), id);
            }
            let after = assign(DEFAULT, seed, &ids);
            let old = |id: &&String| id.starts_with("SCD0");
            let kept = ids.iter().zip(after).filter(|(id, _)| old(id)).map(|(_, split)| split);
            prop_assert_eq!(kept.collect::<Vec<_>>(), before);
        }

        #[test]
        fn few_patients_stay_when_one_comes_last(
            text in specs(), seed: u64, ids in prop::collection::vec("[A-Z]{1,4}[0-9]{1,3}", 1..40)
        ) {
            let draws: Vec<_> = ids.iter().map(|id| SplitDraw::of(&spec(&text), seed, id)).collect();
            let all = seat(&spec(&text), &draws);
            for n in 0..ids.len() {
                prop_assert_eq!(&seat(&spec(&text), &draws[..n])[..], &all[..n]);
            }
        }

        #[test]
        fn no_split_stays_empty(text in specs(), seed: u64, more in 0..10_usize) {
            let asked: Vec<_> = SplitName::ALL.into_iter().filter(|&s| spec(&text).fraction(s) > 0.0).collect();
            let assigned = assign(&text, seed, &ids(asked.len() + more));
            for split in asked {
                prop_assert!(assigned.contains(&split));
            }
            for split in assigned {
                prop_assert!(spec(&text).fraction(split) > 0.0);
            }
        }
    }
}
