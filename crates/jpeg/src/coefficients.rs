//! The coefficients of a component, before the inverse DCT.

use crate::error::JpegError;
use crate::header::{Component, Header};

/// Where each coefficient of the zigzag order stands in its block (T.81 figure A.6).
pub(crate) const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7,
    14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39,
    46, 53, 60, 61, 54, 47, 55, 62, 63,
];

/// The 64 coefficients of a block, in rows.
pub(crate) type Block = [i16; 64];

/// All blocks of a component, in rows, filled up to whole MCUs.
pub(crate) struct Plane {
    /// Sampling factors.
    pub(crate) factors: (usize, usize),
    /// Columns and rows of the component (T.81 A.1.1).
    pub(crate) size: (usize, usize),
    /// Blocks in a row, with those that fill the last MCU.
    pub(crate) stride: usize,
    pub(crate) blocks: Vec<Block>,
    /// The table that was valid in its first scan.
    pub(crate) quantization: Option<Box<[u16; 64]>>,
    /// The bit that each coefficient was refined to last; `None` for one that has not come.
    pub(crate) refined: [Option<u8>; 64],
}

impl Plane {
    pub(crate) fn new(frame: &Header, component: &Component) -> Self {
        let (across, down) = frame.largest_factors();
        let (h, v) = (usize::from(component.horizontal), usize::from(component.vertical));
        let (columns, rows) = (usize::from(frame.columns), usize::from(frame.rows));
        let stride = columns.div_ceil(8 * across) * h;
        let height = rows.div_ceil(8 * down) * v;
        Self {
            factors: (h, v),
            size: ((columns * h).div_ceil(across), (rows * v).div_ceil(down)),
            stride,
            blocks: vec![[0; 64]; stride * height],
            quantization: None,
            refined: [None; 64],
        }
    }

    /// Blocks across and down, without those that only fill MCUs.
    pub(crate) fn own_blocks(&self) -> (usize, usize) {
        (self.size.0.div_ceil(8), self.size.1.div_ceil(8))
    }

    /// Notes that a scan has the coefficients from `start` to `end`, down to the bit `low`. Each bit comes once
    /// (T.81 G.1.1.1), which also bounds the work.
    pub(crate) fn refine(&mut self, start: u8, end: u8, high: u8, low: u8) -> Result<(), JpegError> {
        let before = (high > 0).then_some(high);
        let follows = high == 0 || high == low + 1;
        for refined in &mut self.refined[usize::from(start)..=usize::from(end)] {
            if *refined != before || !follows {
                return Err(JpegError::Segment { segment: "SOS" });
            }
            *refined = Some(low);
        }
        Ok(())
    }
}
