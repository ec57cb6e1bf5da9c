//! The value of an element.

use super::data_set::Syntax;

/// A value as it stands in the file, with the byte order of its numbers.
#[derive(Debug, Clone, Copy)]
pub(super) struct RawValue<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) syntax: Syntax,
}

impl RawValue<'_> {
    /// One number of VR FL.
    pub(super) fn f32(self) -> Option<f32> {
        let bytes = self.bytes.try_into().ok()?;
        Some(f32::from_bits(self.syntax.u32(bytes)))
    }

    /// One number of VR FD.
    pub(super) fn f64(self) -> Option<f64> {
        Some(self.syntax.f64(self.bytes.try_into().ok()?))
    }
}
