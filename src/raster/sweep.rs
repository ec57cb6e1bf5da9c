//! Sweep over rows: the sides that meet each row, without testing every side in every row.

use std::ops::Range;

/// A side waiting for, or meeting, the rows `first..end`.
#[derive(Debug, Clone, Copy)]
struct Entry {
    first: u32,
    end: u32,
    side: u32,
}

/// Goes down the rows of an image and knows the sides that meet the current one.
#[derive(Debug, Default)]
pub(super) struct Sweep {
    entries: Vec<Entry>,
    /// Number of `entries` that have begun.
    begun: usize,
    active: Vec<Entry>,
}

impl Sweep {
    /// Forgets all sides; the memory is kept.
    pub(super) fn clear(&mut self) {
        self.entries.clear();
        self.active.clear();
        self.begun = 0;
    }

    /// Adds the side number `side`, which meets `rows`. A side that meets no row is not kept.
    pub(super) fn add(&mut self, side: usize, rows: Range<usize>) {
        if !rows.is_empty() {
            self.entries.push(Entry { first: rows.start as u32, end: rows.end as u32, side: side as u32 });
        }
    }

    /// Ends the adding: sorts the sides and returns the rows to go through, all of them and in order.
    pub(super) fn start(&mut self) -> Range<usize> {
        self.entries.sort_unstable_by_key(|entry| (u64::from(entry.first) << 32) | u64::from(entry.side));
        let first = self.entries.first().map_or(0, |entry| entry.first);
        let end = self.entries.iter().map(|entry| entry.end).max().unwrap_or(0);
        first as usize..end as usize
    }

    /// The sides that meet `row`, in the order of their numbers.
    pub(super) fn meeting(&mut self, row: usize) -> impl Iterator<Item = usize> + '_ {
        let row = row as u32;
        self.active.retain(|entry| row < entry.end);
        let waiting = &self.entries[self.begun..];
        let beginning = waiting.iter().take_while(|entry| entry.first <= row).count();
        if beginning > 0 {
            self.active.extend_from_slice(&waiting[..beginning]);
            self.begun += beginning;
            self.active.sort_unstable_by_key(|entry| entry.side);
        }
        self.active.iter().map(|entry| entry.side as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_meets_its_sides_in_order() {
        let mut sweep = Sweep::default();
        for _ in 0..2 {
            sweep.clear();
            sweep.add(0, 4..6);
            sweep.add(1, 2..5);
            sweep.add(2, 3..3);
            sweep.add(3, 4..5);
            assert_eq!(sweep.start(), 2..6);
            let met: Vec<Vec<usize>> = (2..6).map(|row| sweep.meeting(row).collect()).collect();
            assert_eq!(met, [vec![1], vec![1], vec![0, 1, 3], vec![0]]);
        }
    }

    #[test]
    fn no_side_no_row() {
        assert!(Sweep::default().start().is_empty());
    }
}
