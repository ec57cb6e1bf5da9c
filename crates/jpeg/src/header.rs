//! The frame header and what the application markers say.

/// The coding process of a frame (T.81 table B.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Process {
    /// Baseline sequential DCT (SOF0).
    Baseline,
    /// Extended sequential DCT, Huffman coding (SOF1).
    Extended,
    /// Progressive DCT, Huffman coding (SOF2).
    Progressive,
    /// Lossless, Huffman coding (SOF3).
    Lossless,
}

impl Process {
    /// True for the DCT processes.
    #[must_use]
    pub fn is_lossy(self) -> bool {
        self != Self::Lossless
    }
}

/// A component of a frame (T.81 B.2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Component {
    /// Component identifier.
    pub id: u8,
    /// Horizontal sampling factor, 1 to 4.
    pub horizontal: u8,
    /// Vertical sampling factor, 1 to 4.
    pub vertical: u8,
    pub(crate) quantization: u8,
}

/// Facts about an image that are known before it is decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Rows of the image, at least 1.
    pub rows: u16,
    /// Columns of the image, at least 1.
    pub columns: u16,
    /// Bits of a sample: 2 to 16 for the lossless process, else 8 or 12.
    pub precision: u8,
    /// The coding process.
    pub process: Process,
    /// One to four components, in the order of the decoded samples.
    pub components: Vec<Component>,
    /// True if a JFIF marker (APP0) stands before the image.
    pub jfif: bool,
    /// The colour transform of an Adobe marker (APP14): 0 none, 1 YCbCr, 2 YCCK.
    pub adobe_transform: Option<u8>,
}

impl Header {
    /// Samples of the whole image, all components.
    #[must_use]
    pub fn samples(&self) -> usize {
        usize::from(self.rows) * usize::from(self.columns) * self.components.len()
    }

    pub(crate) fn largest_factors(&self) -> (usize, usize) {
        let horizontal = self.components.iter().map(|component| component.horizontal).max();
        let vertical = self.components.iter().map(|component| component.vertical).max();
        (usize::from(horizontal.unwrap_or(1)), usize::from(vertical.unwrap_or(1)))
    }
}
