//! The anatomical structures that contours outline.

use std::fmt;

/// A structure of the left ventricle that a contour outlines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Structure {
    /// The inner boundary (endocardium): the blood pool.
    Inner,
    /// The outer boundary (epicardium): blood pool and muscle.
    Outer,
}

impl Structure {
    /// All structures, in the order in which mask planes stand.
    pub const ALL: [Self; 2] = [Self::Inner, Self::Outer];

    /// The name used in options and in the file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Inner => "inner",
            Self::Outer => "outer",
        }
    }

    /// The letter in `i-contours` and `icontour`.
    #[must_use]
    pub fn letter(self) -> char {
        match self {
            Self::Inner => 'i',
            Self::Outer => 'o',
        }
    }
}

impl fmt::Display for Structure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
