//! Label values, in as few bytes as they need.

use std::collections::BTreeMap;

use super::LabelFault;

/// Whole numbers, one a pixel or voxel, in the order of their file: bytes while all fit, wider once one does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LabelValues {
    values: Width,
    count: usize,
    limit: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Width {
    Byte(Vec<u8>),
    Int(Vec<i32>),
    Long(Vec<i64>),
}

/// Selection of the values that belong to a structure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LabelSelection {
    /// Every value above 0.
    AboveZero,
    /// One value.
    Value(i64),
}

impl LabelSelection {
    /// True if `value` belongs to the structure.
    #[must_use]
    pub fn takes(self, value: i64) -> bool {
        match self {
            Self::AboveZero => value > 0,
            Self::Value(wanted) => value == wanted,
        }
    }
}

impl LabelValues {
    /// Room for `count` values that may take up to `limit` bytes of memory. The caller has checked `count` against the
    /// bytes of the file.
    pub(super) fn with_capacity(count: usize, limit: u64) -> Result<Self, LabelFault> {
        check_memory(count, 1, limit)?;
        Ok(Self { values: Width::Byte(Vec::with_capacity(count)), count, limit })
    }

    /// Number of values.
    pub(super) fn len(&self) -> usize {
        match &self.values {
            Width::Byte(values) => values.len(),
            Width::Int(values) => values.len(),
            Width::Long(values) => values.len(),
        }
    }

    /// Appends values that are bytes.
    pub(super) fn extend_bytes(&mut self, bytes: &[u8]) {
        match &mut self.values {
            Width::Byte(values) => values.extend_from_slice(bytes),
            Width::Int(values) => values.extend(bytes.iter().map(|&byte| i32::from(byte))),
            Width::Long(values) => values.extend(bytes.iter().map(|&byte| i64::from(byte))),
        }
    }

    /// Appends one value.
    pub(super) fn push(&mut self, value: i64) -> Result<(), LabelFault> {
        loop {
            match &mut self.values {
                Width::Byte(values) => {
                    if let Ok(value) = u8::try_from(value) {
                        values.push(value);
                        return Ok(());
                    }
                }
                Width::Int(values) => {
                    if let Ok(value) = i32::try_from(value) {
                        values.push(value);
                        return Ok(());
                    }
                }
                Width::Long(values) => {
                    values.push(value);
                    return Ok(());
                }
            }
            self.widen(value)?;
        }
    }

    /// Makes room for `value`, which does not fit.
    fn widen(&mut self, value: i64) -> Result<(), LabelFault> {
        let narrow = i32::try_from(value).is_ok();
        let (count, limit) = (self.count, self.limit);
        let wide = match &self.values {
            Width::Byte(values) if narrow => {
                check_memory(count, 4, limit)?;
                Width::Int(grown(values.iter().map(|&value| i32::from(value)), count))
            }
            Width::Byte(values) => {
                check_memory(count, 8, limit)?;
                Width::Long(grown(values.iter().map(|&value| i64::from(value)), count))
            }
            Width::Int(values) => {
                check_memory(count, 8, limit)?;
                Width::Long(grown(values.iter().map(|&value| i64::from(value)), count))
            }
            Width::Long(_) => return Ok(()),
        };
        self.values = wide;
        Ok(())
    }

    /// The value at `index`; 0 beyond the last.
    pub(super) fn get(&self, index: usize) -> i64 {
        match &self.values {
            Width::Byte(values) => values.get(index).map_or(0, |&value| i64::from(value)),
            Width::Int(values) => values.get(index).map_or(0, |&value| i64::from(value)),
            Width::Long(values) => values.get(index).copied().unwrap_or(0),
        }
    }

    /// Counts of each value other than 0 in `range`, in rising order; `None` where they are more than `most`.
    pub(super) fn counts(&self, range: std::ops::Range<usize>, most: usize) -> Option<BTreeMap<i64, usize>> {
        if let Width::Byte(values) = &self.values {
            let mut counts = [0; 256];
            values[range].iter().for_each(|&value| counts[usize::from(value)] += 1);
            let found: BTreeMap<i64, usize> =
                (1..).zip(counts[1..].iter().copied()).filter(|(_, n)| *n > 0).collect();
            return (found.len() <= most).then_some(found);
        }
        let mut counts = BTreeMap::new();
        for value in range.map(|index| self.get(index)).filter(|&value| value != 0) {
            *counts.entry(value).or_default() += 1;
            if counts.len() > most {
                return None;
            }
        }
        Some(counts)
    }
}

fn grown<T>(values: impl Iterator<Item = T>, count: usize) -> Vec<T> {
    let mut wide = Vec::with_capacity(count);
    wide.extend(values);
    wide
}

fn check_memory(count: usize, size: u64, limit: u64) -> Result<(), LabelFault> {
    let bytes = (count as u64).saturating_mul(size);
    if bytes > limit {
        return Err(LabelFault::OverLimit { what: "the label map in memory", bytes, limit });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_as_wide_as_the_widest() {
        let mut values = LabelValues::with_capacity(5, 40).unwrap();
        values.extend_bytes(&[1, 0]);
        values.push(-3).unwrap();
        values.push(1 << 40).unwrap();
        values.extend_bytes(&[7]);
        let all: Vec<i64> = (0..6).map(|index| values.get(index)).collect();
        assert_eq!((values.len(), all), (5, vec![1, 0, -3, 1 << 40, 7, 0]));
        let counts = BTreeMap::from([(-3, 1), (1, 1), (7, 1), (1 << 40, 1)]);
        assert_eq!((values.counts(0..5, 9), values.counts(0..5, 3)), (Some(counts), None));
    }

    #[test]
    fn memory_is_bounded_however_wide_the_values_are() {
        let over = |result: Result<(), LabelFault>, bytes| {
            let limit = 39;
            let what = "the label map in memory";
            assert_eq!(result, Err(LabelFault::OverLimit { what, bytes, limit }));
        };
        over(LabelValues::with_capacity(40, 39).map(drop), 40);
        let mut values = LabelValues::with_capacity(5, 39).unwrap();
        values.push(300).unwrap();
        over(values.push(1 << 40), 40);
        over(LabelValues::with_capacity(10, 39).unwrap().push(-1), 40);
    }
}
