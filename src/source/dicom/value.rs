//! The value of an element.

use super::data_set::Syntax;

/// A value as it stands in the file, with the byte order of its numbers.
#[derive(Debug, Clone, Copy)]
pub(super) struct RawValue<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) syntax: Syntax,
}
