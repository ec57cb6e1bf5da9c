//! Fates of files: exactly one for each, so that the bins add up.

use crate::model::{Bin, FileId, Reason, Skipped, Tally};

/// Fate of a file. Of several for one file, as parts and frames of it have, the strongest counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Nobody has asked for it.
    Open,
    /// It was rejected or ignored.
    Skipped(Reason),
    /// It belongs to another share of the plan.
    OtherShard,
    /// It is an image without a usable annotation.
    Unlabelled,
    /// Its content goes into the file.
    Used,
}

impl Fate {
    fn rank(self) -> u8 {
        match self {
            Self::Open => 0,
            Self::Skipped(_) => 1,
            Self::OtherShard => 2,
            Self::Unlabelled => 3,
            Self::Used => 4,
        }
    }
}

/// One [`Fate`] for each file of a catalog.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fates(Vec<Fate>);

impl Fates {
    /// Adds the next file of the catalog, for which nothing is decided.
    pub fn add(&mut self) {
        self.0.push(Fate::Open);
    }

    /// Adds the fates of the files of another catalog that is added.
    pub(crate) fn append(&mut self, mut other: Self) {
        self.0.append(&mut other.0);
    }

    /// The fate of a file.
    #[must_use]
    pub fn of(&self, file: FileId) -> Fate {
        self.0[file.index()]
    }

    /// Its content goes into the file.
    pub fn use_file(&mut self, file: FileId) {
        self.settle(file, Fate::Used);
    }

    /// It is an image without a usable annotation.
    pub fn leave_unlabelled(&mut self, file: FileId) {
        self.settle(file, Fate::Unlabelled);
    }

    /// It belongs to another share of the plan.
    pub fn leave_to_other_shard(&mut self, file: FileId) {
        self.settle(file, Fate::OtherShard);
    }

    /// It was rejected or ignored, or a part of it was.
    pub fn skip(&mut self, skipped: &Skipped) {
        if let Some(file) = skipped.file {
            self.settle(file, Fate::Skipped(skipped.reason));
        }
    }

    fn settle(&mut self, file: FileId, fate: Fate) {
        let old = &mut self.0[file.index()];
        if fate.rank() > old.rank() {
            *old = fate;
        }
    }

    /// The files for which nothing is decided.
    pub fn open(&self) -> impl Iterator<Item = FileId> {
        self.0
            .iter()
            .enumerate()
            .filter(|(_, fate)| **fate == Fate::Open)
            .map(|(index, _)| FileId::new(index))
    }

    /// Number of files.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True if there is no file.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Number of files that belong to other shares of the plan.
    #[must_use]
    pub fn other_shards(&self) -> usize {
        self.0.iter().filter(|fate| **fate == Fate::OtherShard).count()
    }

    /// The bins, which add up to the number of files, without those of other shares. A file that was not asked
    /// for is outside of the layout.
    #[must_use]
    pub fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for fate in &self.0 {
            match fate {
                Fate::Open => tally.add_skipped(Reason::OutsideLayout),
                Fate::Skipped(reason) => tally.add_skipped(*reason),
                Fate::OtherShard => {}
                Fate::Unlabelled => tally.add(Bin::Unlabelled, 1),
                Fate::Used => tally.add(Bin::Used, 1),
            }
        }
        tally
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Place;

    #[test]
    fn the_strongest_fate_counts_and_the_bins_add_up() {
        let mut fates = Fates::default();
        (0..6).for_each(|_| fates.add());
        let [a, b, c, d, e, _] = [0, 1, 2, 3, 4, 5].map(FileId::new);
        let skipped = |file: FileId, reason| Skipped::new(Place::file("x"), reason, "").of(file);
        fates.skip(&skipped(a, Reason::Ambiguous));
        fates.use_file(a);
        fates.skip(&skipped(b, Reason::Ambiguous));
        fates.skip(&skipped(b, Reason::HiddenFile));
        fates.leave_unlabelled(c);
        fates.skip(&skipped(c, Reason::Ambiguous));
        fates.leave_to_other_shard(d);
        fates.use_file(e);
        fates.leave_unlabelled(e);
        let tally = fates.tally();
        let count = |bin| tally.count(bin);
        assert_eq!([Bin::Used, Bin::Unlabelled, Bin::Rejected, Bin::Ignored].map(count), [2, 1, 1, 1]);
        assert_eq!(tally.total() + fates.other_shards(), fates.len());
    }
}
