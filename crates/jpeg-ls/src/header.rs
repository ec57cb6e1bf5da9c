//! The frame header and what the application markers say.

/// A colour transform of the `mrfx` marker (APP8), which HP's reference encoder writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColorTransform {
    /// R - G, G, B - G.
    Hp1,
    /// R - G, G, B - (R + G) / 2.
    Hp2,
    /// G + (U + V) / 4, B - G, R - G.
    Hp3,
}

/// Facts about an image that are known before it is decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Rows of the image, at least 1.
    pub rows: u16,
    /// Columns of the image, at least 1.
    pub columns: u16,
    /// Bits of a sample, 2 to 16.
    pub precision: u8,
    /// Identifiers of the components, one to four, in the order of the decoded samples.
    pub components: Vec<u8>,
    /// The transform that decoding undoes.
    pub transform: Option<ColorTransform>,
}

impl Header {
    /// Samples of the whole image, all components.
    #[must_use]
    pub fn samples(&self) -> usize {
        usize::from(self.rows) * usize::from(self.columns) * self.components.len()
    }
}
