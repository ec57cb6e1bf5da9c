//! A mask image: values of the pixels of one image.

use std::collections::BTreeMap;

use crate::model::{GridShape, Mask};

use super::values::LabelValues;
use super::{LabelFault, LabelSelection};
use crate::source::Limits;

/// A mask image (PNG or TIFF) as values: grey values, or indices of a palette, row-major (row, column).
#[derive(Debug, Clone, PartialEq)]
pub struct MaskImage {
    pub(super) shape: GridShape,
    pub(super) values: LabelValues,
    pub(super) notes: Vec<String>,
}

/// Samples of a pixel as a file has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Samples {
    /// Bits of one sample: 1, 2, 4, 8 or 16.
    pub(super) bits: u8,
    /// Samples that are colour: 1 or 3.
    pub(super) colours: usize,
    /// True if a sample for opacity follows.
    pub(super) alpha: bool,
    /// True if samples of 16 bits have their high byte first.
    pub(super) big_endian: bool,
}

impl MaskImage {
    /// Rows and columns.
    #[must_use]
    pub fn shape(&self) -> GridShape {
        self.shape
    }

    /// Decisions that the file's format left open, one sentence each.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Counts of each value other than 0; `None` where more than `most` occur.
    #[must_use]
    pub fn counts(&self, most: usize) -> Option<BTreeMap<i64, usize>> {
        self.values.counts(0..self.values.len(), most)
    }

    /// The mask of the pixels that `selection` takes.
    #[must_use]
    pub fn mask(&self, selection: LabelSelection) -> Mask {
        let columns = self.shape.columns();
        Mask::from_fn(self.shape, |row, column| selection.takes(self.values.get(row * columns + column)))
    }

    /// The mask for an image of `image` pixels.
    ///
    /// # Errors
    /// [`LabelFault::Size`] where the mask image has another size.
    pub fn mask_for(&self, image: GridShape, selection: LabelSelection) -> Result<Mask, LabelFault> {
        if self.shape != image {
            let turned = self.shape.rows() == image.columns() && self.shape.columns() == image.rows();
            return Err(LabelFault::Size { mask: self.shape, image, turned });
        }
        Ok(self.mask(selection))
    }

    /// Reads rows of packed samples; each row begins at a byte.
    pub(super) fn from_rows(
        shape: GridShape,
        samples: Samples,
        bytes: &[u8],
        limits: &Limits,
    ) -> Result<Self, LabelFault> {
        let mut values = LabelValues::with_capacity(shape.pixels(), limits.max_image_bytes)?;
        let row_bytes = samples.row_bytes(shape.columns());
        let mut opacity = None;
        for (row, line) in bytes.chunks_exact(row_bytes).take(shape.rows()).enumerate() {
            for column in 0..shape.columns() {
                let first = column * samples.per_pixel();
                let value = samples.get(line, first);
                if (1..samples.colours).any(|colour| samples.get(line, first + colour) != value) {
                    return Err(LabelFault::Colour { row, column });
                }
                if samples.alpha {
                    let alpha = samples.get(line, first + samples.colours);
                    if *opacity.get_or_insert(alpha) != alpha {
                        return Err(LabelFault::unsupported(
                            "the opacity of the mask image varies",
                            "save masks as grey values, without an alpha channel",
                        ));
                    }
                }
                values.push(i64::from(value))?;
            }
        }
        Ok(Self { shape, values, notes: Vec::new() })
    }
}

impl Samples {
    pub(super) fn per_pixel(self) -> usize {
        self.colours + usize::from(self.alpha)
    }

    /// Bytes of a row of `columns` pixels.
    pub(super) fn row_bytes(self, columns: usize) -> usize {
        (columns * self.per_pixel() * usize::from(self.bits)).div_ceil(8)
    }

    /// The sample at `index` of a row. Several in one byte stand from its high bits down.
    fn get(self, row: &[u8], index: usize) -> u16 {
        match self.bits {
            8 => u16::from(row[index]),
            16 => {
                let pair = [row[2 * index], row[2 * index + 1]];
                if self.big_endian { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) }
            }
            bits => {
                let first = index * usize::from(bits);
                let byte = row[first / 8] >> (8 - usize::from(bits) - first % 8);
                u16::from(byte) & ((1 << bits) - 1)
            }
        }
    }
}
