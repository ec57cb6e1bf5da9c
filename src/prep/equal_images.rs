//! Finds equal images of different patients, so that none of them stands in two splits.

use std::collections::{BTreeMap, HashMap};

use sha2::{Digest, Sha256};

use crate::model::first_bits;
use crate::store::ImageStatistics;

/// Fingerprint that equal images share and different ones hardly ever do: 64 bits of a digest over the checksum of the
/// pixels and their sums. Equal files make equal pixels, so equal files are found too.
pub(super) type Fingerprint = u64;

/// The fingerprint of an image with this CRC-32C.
pub(super) fn fingerprint(checksum: u32, statistics: &ImageStatistics) -> Fingerprint {
    let (sum, squares) = statistics.fingerprint();
    let digest = Sha256::new()
        .chain_update(checksum.to_le_bytes())
        .chain_update(sum.to_le_bytes())
        .chain_update(squares.to_le_bytes())
        .finalize();
    first_bits(&digest)
}

/// First place of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FirstSeen {
    /// The sample, by its number in the plan.
    pub(super) number: u32,
    /// Its row in the file.
    pub(super) row: u32,
}

/// Places of images, and patients that share one.
#[derive(Debug)]
pub(super) struct EqualImages {
    seen: HashMap<Fingerprint, FirstSeen>,
    /// For each patient, another one of its group with a smaller number, or itself.
    parent: Vec<u32>,
}

impl EqualImages {
    /// Nothing seen yet of `patients` patients.
    pub(super) fn new(patients: usize) -> Self {
        Self { seen: HashMap::new(), parent: (0..patients as u32).collect() }
    }

    /// The first sample with these pixels: `this`, which then has to be written, where there is none.
    pub(super) fn first(&mut self, fingerprint: Fingerprint, this: FirstSeen) -> FirstSeen {
        *self.seen.entry(fingerprint).or_insert(this)
    }

    /// Puts two patients into one group. Whether they were in different ones.
    pub(super) fn join(&mut self, a: u32, b: u32) -> bool {
        let (a, b) = (self.leader(a), self.leader(b));
        self.parent[a.max(b) as usize] = a.min(b);
        a != b
    }

    /// The patient with the smallest number in the group of `patient`.
    pub(super) fn leader(&mut self, patient: u32) -> u32 {
        let mut at = patient as usize;
        while self.parent[at] as usize != at {
            // Links always lead to smaller numbers, and each look shortens the way.
            self.parent[at] = self.parent[self.parent[at] as usize];
            at = self.parent[at] as usize;
        }
        at as u32
    }

    /// The groups of more than one patient, by their leaders.
    pub(super) fn groups(&mut self) -> BTreeMap<u32, Vec<u32>> {
        let mut groups: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for patient in 0..self.parent.len() as u32 {
            groups.entry(self.leader(patient)).or_default().push(patient);
        }
        groups.retain(|_, members| members.len() > 1);
        groups
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_led_by_their_first_patient() {
        let mut images = EqualImages::new(6);
        assert!(images.join(4, 2));
        assert!(images.join(5, 4));
        assert!(!images.join(2, 5));
        assert!(images.join(3, 1));
        assert_eq!(images.leader(5), 2);
        assert_eq!(images.groups(), BTreeMap::from([(1, vec![1, 3]), (2, vec![2, 4, 5])]));
    }
}
