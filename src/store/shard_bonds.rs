//! Patients of a plan that no split tears apart, as every shard of it says.

use hdf5::Group;
use serde::{Deserialize, Serialize};

use super::schema::SHARD;
use super::schema::shard_attribute::BONDS;
use super::{DatasetFile, StoreError, attributes};
use crate::split::SplitName;

/// Bond of a patient to others of its plan, by their numbers in the link table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardBond {
    /// The patient.
    pub patient: u32,
    /// The first patient that it is not to be torn from; itself where there is none.
    pub leader: u32,
    /// The first that it shares a study or a person with; itself where there is none.
    pub shares_with: u32,
    /// The split where it stays.
    pub kept: Option<SplitName>,
    /// Its fold.
    pub fold: Option<u16>,
}

/// Numbers of each bond in the attribute.
const NUMBERS: usize = 5;

/// Writes the attribute. Each bond is five numbers: the patient, the two others, the number of the split plus 1, and the
/// fold plus 1; CRC-32C over all of them, little endian, follows.
pub(super) fn write(group: &Group, bonds: &[ShardBond]) -> hdf5::Result<()> {
    let split = |kept: Option<SplitName>| kept.map_or(0, |split| split as u32 + 1);
    let fold = |fold: Option<u16>| fold.map_or(0, |fold| u32::from(fold) + 1);
    let numbers = bonds
        .iter()
        .flat_map(|bond| [bond.patient, bond.leader, bond.shares_with, split(bond.kept), fold(bond.fold)]);
    let mut numbers: Vec<u32> = numbers.collect();
    numbers.push(checksum(&numbers));
    attributes::write_numbers(group, BONDS, &[numbers.len()], &numbers)
}

fn checksum(numbers: &[u32]) -> u32 {
    numbers.iter().fold(0, |sum, number| crc32c::crc32c_append(sum, &number.to_le_bytes()))
}

impl DatasetFile {
    /// The bonds of the patients of a shard's plan; none where its plan has none.
    ///
    /// # Errors
    /// [`StoreError::NotOurs`] where they are not as they were written.
    pub fn shard_bonds(&self) -> Result<Vec<ShardBond>, StoreError> {
        let group = self.hdf5().group(SHARD).ok();
        let Some(numbers) = group.and_then(|group| attributes::read_numbers::<u32>(&group, BONDS)) else {
            return Ok(Vec::new());
        };
        parse(&numbers).ok_or_else(|| StoreError::NotOurs {
            path: self.path().to_owned(),
            why: format!("the attribute {BONDS} of its group /shard is damaged"),
        })
    }
}

fn parse(numbers: &[u32]) -> Option<Vec<ShardBond>> {
    let (&sum, numbers) = numbers.split_last()?;
    let (bonds, rest) = numbers.as_chunks::<NUMBERS>();
    if sum != checksum(numbers) || !rest.is_empty() {
        return None;
    }
    let bond = |&[patient, leader, shares_with, kept, fold]: &[u32; NUMBERS]| {
        let kept = match kept.checked_sub(1) {
            None => None,
            Some(number) => Some(SplitName::from_number(number)?),
        };
        let fold = fold.checked_sub(1).map(u16::try_from).transpose().ok()?;
        // A leader comes first.
        (leader <= patient && shares_with <= patient).then_some(ShardBond {
            patient,
            leader,
            shares_with,
            kept,
            fold,
        })
    };
    bonds.iter().map(bond).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damaged_bonds_are_none() {
        let numbers = [3, 1, 3, 2, 5];
        let mut all = numbers.to_vec();
        all.push(checksum(&numbers));
        let bond =
            ShardBond { patient: 3, leader: 1, shares_with: 3, kept: Some(SplitName::Val), fold: Some(4) };
        assert_eq!(parse(&all), Some(vec![bond]));
        for place in 0..all.len() {
            let mut other = all.clone();
            other[place] ^= 1;
            assert_eq!(parse(&other), None);
        }
        assert_eq!(parse(&[]), None);
        assert_eq!(parse(&[checksum(&[])]), Some(Vec::new()));
    }
}
