//! Channels of neighbours that do not exist.

use crate::model::choice;

/// The channels of neighbours beyond the first and the last slice of a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Edges {
    /// The image of the last slice on that side.
    #[default]
    Repeat,
    /// Zeros, in the numbers that leave.
    Zero,
}

choice!(Edges {
    Repeat => "repeat",
    Zero => "zero",
});
