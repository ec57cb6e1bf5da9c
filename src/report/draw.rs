//! Samples decoded to be drawn, on all threads, in order, a portion at a time.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

use super::facts::{FactsReader, ShownSample};
use super::overlay::Picture;
use super::shades::ShadeGround;
use super::{PreviewError, Shades};
use crate::model::{CountedPixels, GridShape, PaddingRange, PixelType};
use crate::store::{ColumnReader, DatasetFile, RowReader, StoreError};

/// Most samples of a portion.
const PORTION_SAMPLES: usize = 64;

/// Pixels of a portion above which it has fewer samples.
const PORTION_PIXELS: usize = 16 << 20;

/// Pixels that are looked at on each side of a mask, at least.
const LEAST_MARGIN: usize = 8;

/// An image and its mask.
#[derive(Debug, Clone)]
pub(super) struct RenderedSample {
    /// The first channel, row-major.
    pub(super) image: Vec<f32>,
    /// (row, column, plane), 0 or 1.
    pub(super) mask: Vec<u8>,
    pub(super) shades: Shades,
    /// Ground of the grey values.
    pub(super) ground: ShadeGround,
}

/// A sample of which the picture may be damaged.
pub(super) struct SamplePicture<T> {
    pub(super) facts: ShownSample,
    pub(super) picture: Result<T, StoreError>,
}

/// Draws the samples of a file.
pub(super) struct SampleRenderer<'f> {
    file: &'f DatasetFile,
    checksums: ColumnReader,
    pool: ThreadPool,
    cancel: &'f AtomicBool,
}

impl<'f> SampleRenderer<'f> {
    /// Draws samples of `file` on so many threads, until `cancel` is set.
    ///
    /// # Errors
    /// [`PreviewError::Store`], [`PreviewError::Threads`].
    pub(super) fn new(
        file: &'f DatasetFile,
        threads: NonZeroUsize,
        cancel: &'f AtomicBool,
    ) -> Result<Self, PreviewError> {
        let pool = ThreadPoolBuilder::new().num_threads(threads.get()).build();
        Ok(Self { file, checksums: file.checksums()?, pool: pool.map_err(PreviewError::Threads)?, cancel })
    }

    /// Number of samples drawn before they are written.
    pub(super) fn portion_samples(&self) -> usize {
        (PORTION_PIXELS / self.file.shape().pixels()).clamp(1, PORTION_SAMPLES)
    }

    pub(super) fn threads(&self) -> usize {
        self.pool.current_num_threads()
    }

    pub(super) fn pool(&self) -> &ThreadPool {
        &self.pool
    }

    /// Asked between samples; false stops the work.
    ///
    /// # Errors
    /// [`PreviewError::Interrupted`] once the user has asked to stop.
    pub(super) fn check(&self) -> Result<(), PreviewError> {
        if self.cancel.load(Ordering::Relaxed) { Err(PreviewError::Interrupted) } else { Ok(()) }
    }

    pub(super) fn reader(&self) -> RowReader<'_> {
        RowReader::new(self.file, Some(&self.checksums))
    }

    /// Applies `make` to each of `rows`, a portion of samples, in their order. A damaged picture is an entry; all
    /// else that cannot be read is an error.
    ///
    /// # Errors
    /// [`PreviewError::Store`], [`PreviewError::Interrupted`].
    pub(super) fn draw<T: Send>(
        &self,
        facts: &mut FactsReader,
        rows: &[u64],
        make: impl Fn(&ShownSample, &RenderedSample) -> T + Sync,
    ) -> Result<Vec<SamplePicture<T>>, PreviewError> {
        self.check()?;
        let facts = rows.iter().map(|row| facts.read(*row)).collect::<Result<Vec<_>, _>>()?;
        let draw = |reader: &mut RowReader<'_>, facts: ShownSample| {
            let picture = match self.decode(reader, &facts) {
                Ok(drawn) => Ok(make(&facts, &drawn)),
                Err(damaged @ StoreError::Damaged { .. }) => Err(damaged),
                Err(error) => return Err(error),
            };
            Ok(SamplePicture { facts, picture })
        };
        let drawn = self
            .pool
            .install(|| facts.into_par_iter().map_init(|| self.reader(), draw).collect::<Result<_, _>>());
        Ok(drawn?)
    }

    fn decode(&self, reader: &mut RowReader<'_>, facts: &ShownSample) -> Result<RenderedSample, StoreError> {
        let (row, file) = (facts.row as usize, self.file);
        let (mut stored, mut mask) = (vec![0; file.image_bytes()], vec![0; file.mask_bytes()]);
        reader.read_image(row, &mut stored)?;
        reader.read_mask(row, &mut mask)?;
        Ok(render(file, ShownHeader { window: facts.window, image_shape: facts.image_shape }, &stored, mask))
    }
}

/// Facts of an image that its picture depends on.
#[derive(Debug, Clone, Copy)]
pub(super) struct ShownHeader {
    /// Center and width of the header, NaN where there is none.
    pub(super) window: [f32; 2],
    /// Rows and columns of the image, from the first of the stored one.
    pub(super) image_shape: GridShape,
}

/// The picture of an image of `file`, as its bytes `stored`, with its mask.
pub(super) fn render(
    file: &DatasetFile,
    header: ShownHeader,
    stored: &[u8],
    mask: Vec<u8>,
) -> RenderedSample {
    let channels = shown_channels(file.channels());
    let image = first_channels(file.pixel_type(), [file.channels(), channels], stored);
    // What lies beside an image of its own size is no part of it.
    let counted =
        CountedPixels { padding: PaddingRange::NONE, own: header.image_shape, stored: file.shape() };
    let own = first_channels(file.pixel_type(), [file.channels(), channels], &counted.own_of_bytes(stored));
    let (shades, ground) = if channels == 3 {
        (Shades::of_colors(&own), ShadeGround::Colors)
    } else {
        let around = around_mask(&image, &mask, file);
        Shades::for_mask(header.window, &own, around.as_deref().unwrap_or(&own))
    };
    RenderedSample { image, mask, shades, ground }
}

/// The pixels of a grey image in the box around its mask, wider by half of its sides and at least by
/// [`LEAST_MARGIN`]; `None` where the mask is empty.
fn around_mask(image: &[f32], mask: &[u8], file: &DatasetFile) -> Option<Vec<f32>> {
    let (columns, planes) = (file.shape().columns(), file.structures().len());
    let masked =
        mask.chunks_exact(planes.max(1)).enumerate().filter(|(_, pixel)| pixel.iter().any(|one| *one != 0));
    let place = |(pixel, _): (usize, &[u8])| [pixel / columns, pixel % columns];
    let [low, high] = masked.map(place).fold(None, |sides: Option<[[usize; 2]; 2]>, at| {
        let [low, high] = sides.unwrap_or([at, at]);
        Some([[low[0].min(at[0]), low[1].min(at[1])], [high[0].max(at[0]), high[1].max(at[1])]])
    })?;
    let side = |axis: usize, end: usize| {
        let margin = ((high[axis] - low[axis]) / 2).max(LEAST_MARGIN);
        low[axis].saturating_sub(margin)..(high[axis] + margin + 1).min(end)
    };
    let across = side(1, columns);
    let lines = side(0, file.shape().rows()).map(|row| &image[row * columns..][across.clone()]);
    Some(lines.flatten().copied().collect())
}

impl RenderedSample {
    /// The picture.
    pub(super) fn picture(&self, file: &DatasetFile) -> Picture<'_> {
        Picture {
            shape: file.shape(),
            image: &self.image,
            mask: &self.mask,
            planes: file.structures().len(),
            label: "",
        }
    }
}

/// Channels that are drawn: red, green and blue, or the first of others.
pub fn shown_channels(channels: usize) -> usize {
    if channels == 3 { 3 } else { 1 }
}

/// The first `shown` of `channels` of the pixels in `stored`, which are little endian.
fn first_channels(pixel_type: PixelType, [channels, shown]: [usize; 2], stored: &[u8]) -> Vec<f32> {
    fn each<const SIZE: usize>(
        [channels, shown]: [usize; 2],
        stored: &[u8],
        read: impl Fn([u8; SIZE]) -> f32,
    ) -> Vec<f32> {
        let (values, _) = stored.as_chunks();
        values.chunks_exact(channels).flat_map(|pixel| &pixel[..shown]).map(|bytes| read(*bytes)).collect()
    }
    let of = [channels, shown];
    match pixel_type {
        PixelType::UInt8 => each(of, stored, |[byte]| byte.into()),
        PixelType::Int16 => each(of, stored, |bytes| i16::from_le_bytes(bytes).into()),
        PixelType::UInt16 => each(of, stored, |bytes| u16::from_le_bytes(bytes).into()),
        PixelType::Float32 => each(of, stored, f32::from_le_bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_channels_are_read_in_every_type() {
        assert_eq!(first_channels(PixelType::UInt8, [2, 1], &[1, 9, 255, 9]), [1.0, 255.0]);
        assert_eq!(first_channels(PixelType::Int16, [1, 1], &[0xff, 0xff, 1, 0]), [-1.0, 1.0]);
        assert_eq!(first_channels(PixelType::UInt16, [2, 1], &[0xff, 0xff, 1, 0]), [65_535.0]);
        assert_eq!(
            first_channels(PixelType::UInt8, [3, 3], &[1, 2, 3, 4, 5, 6]),
            [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
        );
        assert_eq!(first_channels(PixelType::Float32, [1, 1], &1.5f32.to_le_bytes()), [1.5]);
    }
}
