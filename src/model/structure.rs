//! The structures that annotations outline, by name.

use std::fmt;

/// The longest name of a structure, in bytes.
const MAX_NAME_BYTES: usize = 64;

/// Most structures of a data set: planes are counted in a byte.
pub const MAX_STRUCTURES: usize = 255;

/// Names of structures, in the order of the mask planes: unique, none empty, at least one.
///
/// A name is free text of at most 64 bytes without commas, slashes and control characters, and without spaces at its
/// ends.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StructureSet(Box<[Box<str>]>);

/// A list of names that is no [`StructureSet`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StructureError {
    /// There is no name.
    #[error("no structure is named")]
    Empty,
    /// A name stands twice.
    #[error("{0} is named twice")]
    Twice(Box<str>),
    /// A name is empty, too long, or holds a character that names may not have.
    #[error(
        "`{name}` is no name of a structure: use 1 to 64 bytes without commas, slashes and control characters",
        name = .0.escape_debug()
    )]
    BadName(Box<str>),
    /// There are more than [`MAX_STRUCTURES`].
    #[error("{0} structures are named, and a file has at most 255 mask planes")]
    TooMany(usize),
}

impl StructureSet {
    /// The structures called `names`, in this order.
    ///
    /// # Errors
    /// [`StructureError`] where there is none, a name stands twice, or is not a name.
    pub fn new<N: Into<Box<str>>>(names: impl IntoIterator<Item = N>) -> Result<Self, StructureError> {
        let mut all: Vec<Box<str>> = Vec::new();
        for name in names {
            let name = name.into();
            if !is_name(&name) {
                return Err(StructureError::BadName(name));
            }
            if all.contains(&name) {
                return Err(StructureError::Twice(name));
            }
            all.push(name);
        }
        match all.len() {
            0 => Err(StructureError::Empty),
            count if count > MAX_STRUCTURES => Err(StructureError::TooMany(count)),
            _ => Ok(Self(all.into())),
        }
    }

    /// Number of structures, which is the number of mask planes; at least 1.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a set is never empty")]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The names, in the order of the mask planes.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.iter().map(|name| &**name)
    }

    /// The name of a mask plane below [`StructureSet::len`].
    #[must_use]
    pub fn name(&self, plane: usize) -> &str {
        &self.0[plane]
    }

    /// The mask plane of the structure called `name`.
    #[must_use]
    pub fn plane(&self, name: &str) -> Option<usize> {
        self.0.iter().position(|other| **other == *name)
    }
}

/// Displays as it is typed: `inner,outer`.
impl fmt::Display for StructureSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(","))
    }
}

/// True if `name` can be the name of a structure.
fn is_name(name: &str) -> bool {
    let bad = |c: char| c.is_control() || c == ',' || c == '/';
    !name.is_empty() && name.len() <= MAX_NAME_BYTES && name.trim() == name && !name.contains(bad)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_ordered_and_unique() {
        let set = StructureSet::new(["LV endo", "RV"]).unwrap();
        assert_eq!((set.len(), set.plane("RV"), set.plane("rv")), (2, Some(1), None));
        assert_eq!(set.to_string(), "LV endo,RV");
        assert_eq!(StructureSet::new(["a", "a"]), Err(StructureError::Twice("a".into())));
        assert_eq!(StructureSet::new::<&str>([]), Err(StructureError::Empty));
        for bad in ["", " a", "a,b", "a/b", "a\nb", &"x".repeat(65)] {
            assert_eq!(StructureSet::new([bad]), Err(StructureError::BadName(bad.into())), "{bad:?}");
        }
        let many = (0..256).map(|number| number.to_string());
        assert_eq!(StructureSet::new(many), Err(StructureError::TooMany(256)));
    }
}
