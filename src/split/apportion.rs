//! Assignment of groups of patients to parts of given sizes, with every stratum spread over them evenly.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::draw::{SplitName, SplitSpec, patient_number};

/// Patients that stand in one part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// Its number among all that are drawn: see [`Unit::number`].
    pub number: u64,
    /// For each stratum that some of its patients are of, how many are. At least one of them is not 0.
    pub strata: BTreeMap<usize, u64>,
    /// The part where it stays.
    pub fixed: Option<usize>,
}

impl Unit {
    /// The number of a unit with this id, evenly spread over all 64-bit numbers.
    #[must_use]
    pub fn number(seed: u64, id: &str) -> u64 {
        patient_number(seed, id)
    }

    fn patients(&self) -> i128 {
        self.strata.values().map(|&count| i128::from(count)).sum()
    }

    /// The stratum of most of its patients; the first of several.
    fn stratum(&self) -> usize {
        let largest = self.strata.iter().max_by_key(|&(&stratum, &count)| (count, Reverse(stratum)));
        largest.map_or(0, |(&stratum, _)| stratum)
    }
}

/// The sizes of the splits of `spec`, for [`apportion`].
#[must_use]
pub fn split_shares(spec: &SplitSpec) -> [u64; 3] {
    SplitName::ALL.map(|split| spec.weight(split))
}

/// For each of `units`, the index of its part. `shares` are the sizes of the parts, in proportion to each other; at least
/// one is not 0.
///
/// Stratum by stratum, the rarest first, and within it by size, then by number, each unit goes to the part that lacks most
/// of that stratum. What a stratum leaves over or lacks is carried to the next, so that the parts as a whole have their sizes
/// too. With units of one patient, each part has the share of each stratum to less than one patient, rounding carried over
/// included. This is iterative stratification (Sechidis, Tsoumakas and Vlahavas, 2011) for groups.
#[must_use]
pub fn apportion(shares: &[u64], units: &[Unit]) -> Vec<usize> {
    let mut lacks = Lacks::of(shares, units);
    let mut parts: Vec<usize> = units.iter().map(|unit| unit.fixed.unwrap_or(0)).collect();
    for unit in units {
        if let Some(part) = unit.fixed {
            lacks.give(unit, part);
        }
    }
    let mut count: BTreeMap<usize, usize> = BTreeMap::new();
    units.iter().for_each(|unit| *count.entry(unit.stratum()).or_default() += 1);
    let mut order: Vec<usize> = (0..units.len()).filter(|&unit| units[unit].fixed.is_none()).collect();
    order.sort_by_cached_key(|&unit| {
        let unit = &units[unit];
        let stratum = unit.stratum();
        (count[&stratum], stratum, Reverse(unit.patients()), unit.number)
    });
    for of_stratum in order.chunk_by(|&a, &b| units[a].stratum() == units[b].stratum()) {
        for &unit in of_stratum {
            parts[unit] = lacks.part_for(&units[unit]);
            lacks.give(&units[unit], parts[unit]);
        }
        lacks.carry_over(units[of_stratum[0]].stratum());
    }
    parts
}

/// The deficit of each part, times the sum of the shares, so that all is whole.
struct Lacks<'s> {
    shares: &'s [u64],
    total: i128,
    /// For each stratum, of each part.
    of_stratum: BTreeMap<usize, Vec<i128>>,
    /// Of strata that are done.
    carried: Vec<i128>,
}

impl<'s> Lacks<'s> {
    fn of(shares: &'s [u64], units: &[Unit]) -> Self {
        let mut patients: BTreeMap<usize, i128> = BTreeMap::new();
        for (&stratum, &count) in units.iter().flat_map(|unit| &unit.strata) {
            *patients.entry(stratum).or_default() += i128::from(count);
        }
        let wants = |count: i128| shares.iter().map(|&share| count * i128::from(share)).collect();
        Self {
            shares,
            total: shares.iter().map(|&share| i128::from(share)).sum(),
            of_stratum: patients.into_iter().map(|(stratum, count)| (stratum, wants(count))).collect(),
            carried: vec![0; shares.len()],
        }
    }

    fn give(&mut self, unit: &Unit, part: usize) {
        for (stratum, &count) in &unit.strata {
            if let Some(lacks) = self.of_stratum.get_mut(stratum) {
                lacks[part] -= i128::from(count) * self.total;
            }
        }
    }

    /// The part that lacks most of what the unit has; the first of several.
    fn part_for(&self, unit: &Unit) -> usize {
        let size = unit.patients();
        let lack = |part: usize| -> i128 {
            let own = unit.strata.iter().map(|(stratum, &count)| {
                i128::from(count) * self.of_stratum.get(stratum).map_or(0, |lacks| lacks[part])
            });
            own.sum::<i128>() + size * self.carried[part]
        };
        let parts = (0..self.shares.len()).filter(|&part| self.shares[part] > 0);
        parts.max_by_key(|&part| (lack(part), Reverse(part))).unwrap_or(0)
    }

    fn carry_over(&mut self, stratum: usize) {
        let left = self.of_stratum.remove(&stratum).unwrap_or_default();
        self.carried.iter_mut().zip(left).for_each(|(carried, left)| *carried += left);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Units of one patient each, of these strata.
    fn single(strata: &[usize], seed: u64) -> Vec<Unit> {
        let unit = |(index, &stratum): (usize, &usize)| Unit {
            number: Unit::number(seed, &format!("P{index}")),
            strata: [(stratum, 1)].into(),
            fixed: None,
        };
        strata.iter().enumerate().map(unit).collect()
    }

    fn count(strata: &[usize], parts: &[usize], stratum: usize, part: usize) -> usize {
        strata.iter().zip(parts).filter(|&(&s, &p)| s == stratum && p == part).count()
    }

    #[test]
    fn shares_of_strata_are_equal() {
        let strata: Vec<usize> = (0..60).map(|index| index % 2).collect();
        let parts = apportion(&[6, 2, 2], &single(&strata, 3));
        for stratum in 0..2 {
            assert_eq!([0, 1, 2].map(|part| count(&strata, &parts, stratum, part)), [18, 6, 6]);
        }
        assert_ne!(parts, apportion(&[6, 2, 2], &single(&strata, 4)), "the seed draws");
    }

    #[test]
    fn what_small_strata_leave_over_is_carried() {
        let strata: Vec<usize> = (0..30).map(|index| index / 3).collect();
        let parts = apportion(&[8, 1, 1], &single(&strata, 0));
        assert_eq!([0, 1, 2].map(|part| parts.iter().filter(|&&p| p == part).count()), [24, 3, 3]);
    }

    #[test]
    fn units_that_stay_count() {
        let mut units = single(&[0; 10], 0);
        units[..5].iter_mut().for_each(|unit| unit.fixed = Some(1));
        let parts = apportion(&[1, 1], &units);
        assert_eq!(parts, [1, 1, 1, 1, 1, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn large_groups_come_first() {
        let unit = |patients: u64| Unit { number: patients, strata: [(0, patients)].into(), fixed: None };
        let parts = apportion(&[1, 1], &[unit(1), unit(2), unit(3), unit(6)]);
        assert_eq!(parts, [1, 1, 1, 0]);
    }

    proptest! {
        #[test]
        fn every_fold_has_its_share_of_each_stratum(
            strata in prop::collection::vec(0..4_usize, 1..80), folds in 2..7_usize, seed: u64
        ) {
            let parts = apportion(&vec![1; folds], &single(&strata, seed));
            for stratum in 0..4 {
                let all = strata.iter().filter(|&&s| s == stratum).count() as f64 / folds as f64;
                for part in 0..folds {
                    let own = count(&strata, &parts, stratum, part) as f64;
                    prop_assert!((own - all).abs() < 2.0, "{own} of {all}");
                }
            }
            let sizes: Vec<usize> =
                (0..folds).map(|part| parts.iter().filter(|&&p| p == part).count()).collect();
            prop_assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1, "{sizes:?}");
        }
    }
}
