//! Images of one size out of images of several.

use super::crop_mode::CropMode;
use super::error::StreamError;
use super::options::StreamOptions;
use super::own_sizes::OwnSizes;
use crate::model::{GridShape, PixelType};
use crate::order::{Selection, digest};
use crate::store::ClosedFile;

const SALT: &[u8] = b"dicomprep crop v1";

/// Cuts images and masks to one size. A smaller image stands in the middle, surrounded by its smallest value; a mask by zeros.
#[derive(Debug)]
pub(super) struct Cropper {
    size: GridShape,
    stored: GridShape,
    crop: CropMode,
    seed: u64,
    /// The size of the image of each row; `None` where all are stored at theirs.
    sizes: Option<OwnSizes>,
}

impl Cropper {
    /// The one that `options` ask for, for the rows of `selection`; `None` where images leave as large as they are stored.
    /// `sizes` are those of all rows of `file`.
    ///
    /// # Errors
    /// [`StreamError::OwnSizes`] where images have sizes of their own and none is given, [`StreamError::LargerThanSize`] where
    /// none may be cut and one is larger.
    pub(super) fn of(
        file: &ClosedFile,
        sizes: Option<OwnSizes>,
        selection: &Selection,
        options: &StreamOptions,
    ) -> Result<Option<Self>, StreamError> {
        let stored = file.shape();
        let Some(size) = options.size else {
            let path = file.path().to_owned();
            return if sizes.is_some() {
                Err(StreamError::OwnSizes { path, largest: stored })
            } else {
                Ok(None)
            };
        };
        let crop = options.crop.unwrap_or_default();
        let cropper = Self { size, stored, crop, seed: options.seed, sizes };
        if crop == CropMode::Pad {
            let is_larger = |row: &u64| {
                let own = cropper.own(*row);
                own.rows() > size.rows() || own.columns() > size.columns()
            };
            let mut larger = selection.iter().filter(is_larger);
            if let Some(row) = larger.next() {
                let (path, own, rows) = (file.path().to_owned(), cropper.own(row), larger.count() as u64 + 1);
                return Err(StreamError::LargerThanSize { path, row, own, rows, size });
            }
        }
        Ok(Some(cropper))
    }

    /// The size that images leave with.
    pub(super) fn size(&self) -> GridShape {
        self.size
    }

    /// The size of the image of `row`.
    pub(super) fn own(&self, row: u64) -> GridShape {
        self.sizes.as_ref().and_then(|sizes| sizes.get(row as usize)).copied().unwrap_or(self.stored)
    }

    /// The part of the image of `row` that leaves in `epoch`.
    pub(super) fn window(&self, epoch: u64, row: u64) -> CropWindow {
        let own = self.own(row);
        let drawn = digest(SALT, &[self.seed, epoch, row]);
        let span = |own: usize, size: usize, drawn: u64| match own.checked_sub(size) {
            None | Some(0) => Span { from: 0, to: (size - own) / 2, length: own },
            Some(more) => {
                let at = match self.crop {
                    // A product of 64 bits each, of which the upper half is below the second factor.
                    CropMode::Random => ((u128::from(drawn) * (more as u128 + 1)) >> 64) as usize,
                    CropMode::Center | CropMode::Pad => more / 2,
                };
                Span { from: at, to: 0, length: size }
            }
        };
        CropWindow {
            rows: span(own.rows(), self.size.rows(), drawn[0]),
            columns: span(own.columns(), self.size.columns(), drawn[1]),
            stored_columns: self.stored.columns(),
            size: self.size,
            own,
        }
    }
}

/// A part of an image, and its place in what leaves.
#[derive(Debug, Clone, Copy)]
pub(super) struct CropWindow {
    rows: Span,
    columns: Span,
    stored_columns: usize,
    size: GridShape,
    own: GridShape,
}

/// Pixels of one axis: from where, to where, how many.
#[derive(Debug, Clone, Copy)]
struct Span {
    from: usize,
    to: usize,
    length: usize,
}

impl CropWindow {
    /// Writes the part of the stored image `stored` (H, W, C) of `pixel_type` to `out`.
    pub(super) fn cut_image(self, pixel_type: PixelType, channels: usize, stored: &[u8], out: &mut Vec<u8>) {
        let pixel_bytes = channels * pixel_type.size();
        let is_filled = self.rows.length < self.size.rows() || self.columns.length < self.size.columns();
        let around = if is_filled { self.smallest(pixel_type, pixel_bytes, stored) } else { Vec::new() };
        self.cut(pixel_bytes, stored, &around, out);
    }

    /// Writes the part of the stored mask `stored` (H, W, K) to `out`.
    pub(super) fn cut_mask(self, planes: usize, stored: &[u8], out: &mut Vec<u8>) {
        self.cut(planes, stored, &[0], out);
    }

    fn cut(self, pixel_bytes: usize, stored: &[u8], around: &[u8], out: &mut Vec<u8>) {
        out.clear();
        let line = self.size.columns() * pixel_bytes;
        let all = self.size.rows() * line;
        match around {
            [] | [0] => out.resize(all, 0),
            around => out.extend(around.iter().copied().cycle().take(all)),
        }
        let length = self.columns.length * pixel_bytes;
        for row in 0..self.rows.length {
            let from = ((self.rows.from + row) * self.stored_columns + self.columns.from) * pixel_bytes;
            let to = (self.rows.to + row) * line + self.columns.to * pixel_bytes;
            out[to..to + length].copy_from_slice(&stored[from..from + length]);
        }
    }

    /// The bytes of the smallest value of the image's own pixels.
    fn smallest(self, pixel_type: PixelType, pixel_bytes: usize, stored: &[u8]) -> Vec<u8> {
        let lines = stored.chunks_exact(self.stored_columns * pixel_bytes).take(self.own.rows());
        let own = lines.flat_map(|line| &line[..self.own.columns() * pixel_bytes]).copied();
        fn least<const N: usize, T: PartialOrd>(
            mut bytes: impl Iterator<Item = u8>,
            read: impl Fn([u8; N]) -> T,
        ) -> Vec<u8> {
            let mut found: Option<[u8; N]> = None;
            loop {
                let mut value = [0; N];
                for byte in &mut value {
                    match bytes.next() {
                        Some(next) => *byte = next,
                        None => return found.unwrap_or([0; N]).to_vec(),
                    }
                }
                if found.is_none_or(|found| read(value) < read(found)) {
                    found = Some(value);
                }
            }
        }
        match pixel_type {
            PixelType::UInt8 => least(own, |[value]| value),
            PixelType::Int16 => least(own, i16::from_le_bytes),
            PixelType::UInt16 => least(own, u16::from_le_bytes),
            PixelType::Float32 => least(own, f32::from_le_bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(rows: usize, columns: usize) -> GridShape {
        GridShape::new(rows, columns).unwrap()
    }

    #[test]
    fn smaller_sides_are_surrounded_and_larger_ones_cut() {
        let cropper = |crop| Cropper {
            size: grid(4, 2),
            stored: grid(3, 5),
            crop,
            seed: 1,
            sizes: Some([grid(2, 4)].into()),
        };
        let stored: Vec<u8> = (0..15).map(|value| value + 10).collect();
        let mut out = Vec::new();
        cropper(CropMode::Center).window(0, 0).cut_image(PixelType::UInt8, 1, &stored, &mut out);
        assert_eq!(out, [10, 10, 11, 12, 16, 17, 10, 10]);
        cropper(CropMode::Center).window(0, 0).cut_mask(1, &stored, &mut out);
        assert_eq!(out, [0, 0, 11, 12, 16, 17, 0, 0]);
        let mut starts = std::collections::BTreeSet::new();
        for epoch in 0..40 {
            cropper(CropMode::Random).window(epoch, 0).cut_image(PixelType::UInt8, 1, &stored, &mut out);
            assert_eq!(out[3], out[2] + 1);
            starts.insert(out[2]);
        }
        assert_eq!(starts, [10, 11, 12].into());
    }

    #[test]
    fn the_smallest_value_is_that_of_the_own_pixels() {
        let window = |own| {
            let sizes = Some([own].into());
            Cropper { size: grid(2, 2), stored: grid(1, 2), crop: CropMode::Pad, seed: 0, sizes }.window(0, 0)
        };
        let stored: Vec<u8> = [7_i16, -9].iter().flat_map(|value| value.to_le_bytes()).collect();
        assert_eq!(window(grid(1, 1)).smallest(PixelType::Int16, 2, &stored), 7_i16.to_le_bytes());
        assert_eq!(window(grid(1, 2)).smallest(PixelType::Int16, 2, &stored), (-9_i16).to_le_bytes());
        let float: Vec<u8> = [0.5_f32, 0.25].iter().flat_map(|value| value.to_le_bytes()).collect();
        assert_eq!(window(grid(1, 2)).smallest(PixelType::Float32, 4, &float), 0.25_f32.to_le_bytes());
    }
}
