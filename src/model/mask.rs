//! A binary segmentation mask.

use super::GridShape;

/// A binary mask: one byte a pixel, 0 or 1, row-major (row, column), with the shape of its image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mask {
    shape: GridShape,
    data: Vec<u8>,
}

impl Mask {
    /// A mask of zeros.
    #[must_use]
    pub fn zeros(shape: GridShape) -> Self {
        Self { shape, data: vec![0; shape.pixels()] }
    }

    /// The mask of the pixels for which `inside(row, column)` holds, both counted from 0.
    #[must_use]
    pub fn from_fn(shape: GridShape, mut inside: impl FnMut(usize, usize) -> bool) -> Self {
        let mut data = Vec::with_capacity(shape.pixels());
        for row in 0..shape.rows() {
            data.extend((0..shape.columns()).map(|column| u8::from(inside(row, column))));
        }
        Self { shape, data }
    }

    /// The mask of the pixels whose value is not 0. Values that are too many are left out, and too few are 0.
    #[must_use]
    pub fn from_values(shape: GridShape, mut values: Vec<u8>) -> Self {
        values.resize(shape.pixels(), 0);
        values.iter_mut().for_each(|value| *value = u8::from(*value != 0));
        Self { shape, data: values }
    }

    /// Takes the shape `shape` and becomes all zeros; the memory is kept.
    pub fn reset(&mut self, shape: GridShape) {
        self.shape = shape;
        self.data.clear();
        self.data.resize(shape.pixels(), 0);
    }

    /// The size of the mask.
    #[must_use]
    pub fn shape(&self) -> GridShape {
        self.shape
    }

    /// The pixels, row-major, each 0 or 1.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// Sets columns `start..end` of `row` to `value`. What lies outside the image is clipped.
    pub fn set_span(&mut self, row: usize, start: usize, end: usize, value: bool) {
        let columns = self.shape.columns();
        let (start, end) = (start.min(columns), end.min(columns));
        if row < self.shape.rows() && start < end {
            self.data[row * columns + start..row * columns + end].fill(u8::from(value));
        }
    }

    /// Sets the pixels that differ between both masks, which have one shape, and clears the others.
    pub fn toggle(&mut self, other: &Self) {
        self.data.iter_mut().zip(&other.data).for_each(|(pixel, other)| *pixel ^= other);
    }

    /// Sets the pixels that `other`, a mask of the same shape, has set.
    pub fn include(&mut self, other: &Self) {
        self.data.iter_mut().zip(&other.data).for_each(|(pixel, other)| *pixel |= other);
    }

    /// Number of ones.
    #[must_use]
    pub fn count_ones(&self) -> usize {
        // In blocks whose sum fits a byte, and which are whole vectors: the compiler adds many at a time.
        let block = |block: &[u8]| usize::from(block.iter().sum::<u8>());
        self.data.chunks(192).map(block).sum()
    }
}
