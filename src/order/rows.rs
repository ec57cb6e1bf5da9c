//! From the rows of an epoch to the rows of the file.

use super::balance::Balance;
use super::selection::Selection;

/// The row of the file for each row of an epoch. An [`EpochOrder`](super::EpochOrder) of [`Rows::len`] rows
/// says which row of the epoch stands at a position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rows {
    /// Each selected row once.
    Selected(Selection),
    /// Selected rows drawn so that every group comes equally often.
    Balanced(Balance),
}

impl Rows {
    /// Number of rows in every epoch.
    #[must_use]
    pub fn len(&self) -> u64 {
        match self {
            Self::Selected(selection) => selection.len(),
            Self::Balanced(balance) => balance.len(),
        }
    }

    /// True if epochs have no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The row of the file that row `number` of epoch `epoch` is; `None` where an epoch has fewer rows.
    #[must_use]
    pub fn row(&self, epoch: u64, number: u64) -> Option<u64> {
        match self {
            Self::Selected(selection) => selection.row(number),
            Self::Balanced(balance) => balance.row(epoch, number),
        }
    }
}
