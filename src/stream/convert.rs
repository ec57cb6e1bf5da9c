//! From the pixels in the file to the numbers in a batch.

use dicomprep_widest::with_widest;

use super::float16::{BLOCK, Float16Range, PixelMap, convert_to_float16};
use super::layout::plane_of;
use super::normalize::ChannelScaling;
use super::scaling::Scaling;
use super::{
    AxisOrder, ChannelNormalization, ConvertError, ImageDtype, Normalization, RowWindow, TensorSchema,
};
use crate::model::PixelType;

/// Turns the images of one file into the numbers of a stream.
#[derive(Debug, Clone)]
pub struct ImageConverter {
    pixel_type: PixelType,
    channels: usize,
    /// Channels of an image, wherever they lie.
    all_channels: usize,
    dtype: ImageDtype,
    normalization: ChannelNormalization,
    schema: TensorSchema,
}

impl ImageConverter {
    /// For images of `pixel_type` and of `shape` (H, W, C) in the file.
    ///
    /// # Errors
    /// [`ConvertError::StoredNormalized`] for a normalization of [`ImageDtype::Stored`],
    /// [`ConvertError::NoTrainStatistics`] where the normalization lacks its numbers, and
    /// [`ConvertError::BadWindow`] where its window is none.
    pub fn new(
        pixel_type: PixelType,
        shape: [usize; 3],
        dtype: ImageDtype,
        layout: AxisOrder,
        normalization: impl Into<ChannelNormalization>,
    ) -> Result<Self, ConvertError> {
        let normalization = normalization.into();
        let common = normalization.common();
        if dtype == ImageDtype::Stored && common != Normalization::None {
            return Err(ConvertError::StoredNormalized { normalization: common.name() });
        }
        normalization.check()?;
        let schema = TensorSchema {
            element: dtype.element(pixel_type),
            shape: layout.arrange(shape),
            axes: layout.arrange(["row", "column", "channel"]),
        };
        // What lies side by side in the file and does not in the batch.
        let channels = if layout == AxisOrder::Nchw { shape[2] } else { 1 };
        Ok(Self { pixel_type, channels, all_channels: shape[2], dtype, normalization, schema })
    }

    /// Shape and type of the images in a batch.
    #[must_use]
    pub fn schema(&self) -> &TensorSchema {
        &self.schema
    }

    /// True if every image leaves with exactly the bytes that are in the file.
    #[must_use]
    pub fn is_identity(&self) -> bool {
        self.channels == 1
            && self.normalization.common() == Normalization::None
            && self.schema.element == ImageDtype::Stored.element(self.pixel_type)
    }

    /// Writes one image into `out`, which is exactly as long as the schema's [`TensorSchema::sample_bytes`].
    /// `stored` are its bytes in the file: little endian, row-major (H, W, C). `row_window` is its
    /// window, which only [`Normalization::Window`] without a window looks at.
    ///
    /// # Errors
    /// [`ConvertError::NoWindow`] and [`ConvertError::BadWindow`] where the row's window is needed and is
    /// none, [`ConvertError::Float16Overflow`] where a finite value would become infinite in float16 and
    /// [`ConvertError::Float16Underflow`] where one of an image of small values would become 0; what
    /// `out` then holds is undefined.
    ///
    /// # Panics
    /// Where `stored` or `out` has not the length of one image.
    pub fn convert(&self, stored: &[u8], row_window: RowWindow, out: &mut [u8]) -> Result<(), ConvertError> {
        let numbers = self.schema.shape.iter().product::<usize>();
        assert_eq!(stored.len(), numbers * self.pixel_type.size(), "the bytes of one stored image");
        assert_eq!(out.len(), self.schema.sample_bytes(), "the bytes of one image in a batch");
        let scaling = self.normalization.scaling(self.pixel_type, stored, row_window)?;
        let mut range = Float16Range::default();
        self.convert_with(scaling, stored, out, &mut range)?;
        range.check()
    }

    /// Begins an image that comes in parts, to be written into `out`; `None` where it has to be there as a whole.
    /// Lengths and `row_window` are those of [`ImageConverter::convert`].
    ///
    /// # Errors
    /// [`ConvertError::NoWindow`] and [`ConvertError::BadWindow`] as for [`ImageConverter::convert`].
    pub(super) fn parts<'c>(
        &'c self,
        row_window: RowWindow,
        out: &'c mut [u8],
    ) -> Result<Option<ImageParts<'c>>, ConvertError> {
        let is_whole = self.normalization.is_by_channel() || self.normalization.common().needs_sample();
        if self.channels > 1 || is_whole {
            return Ok(None);
        }
        let scaling = self.normalization.scaling(self.pixel_type, &[], row_window)?;
        Ok(Some(ImageParts { converter: self, scaling, rest: out, range: Float16Range::default() }))
    }

    fn convert_with(
        &self,
        scaling: Option<ChannelScaling>,
        stored: &[u8],
        out: &mut [u8],
        range: &mut Float16Range,
    ) -> Result<(), ConvertError> {
        match scaling {
            None => self.convert_scaled(stored, out, |value| value, range),
            Some(ChannelScaling::All(scaling)) if scaling.is_logistic() => {
                self.convert_scaled(stored, out, move |value| scaling.apply_logistic(value), range)
            }
            Some(ChannelScaling::All(scaling)) => {
                self.convert_scaled(stored, out, move |value| scaling.apply(value), range)
            }
            Some(ChannelScaling::Each(scale)) => match self.pixel_type {
                PixelType::UInt8 => self.convert_each(stored, out, PixelMap { read: read_u8, scale }, range),
                PixelType::Int16 => self.convert_each(stored, out, PixelMap { read: read_i16, scale }, range),
                PixelType::UInt16 => {
                    self.convert_each(stored, out, PixelMap { read: read_u16, scale }, range)
                }
                PixelType::Float32 => {
                    self.convert_each(stored, out, PixelMap { read: f32::from_le_bytes, scale }, range)
                }
            },
        }
    }

    /// Converts red, green and blue each with a scaling of its own, of one image or of several side by side.
    fn convert_each<const SIZE: usize>(
        &self,
        stored: &[u8],
        out: &mut [u8],
        map: PixelMap<impl Fn([u8; SIZE]) -> f32 + Copy, [Scaling; 3]>,
        range: &mut Float16Range,
    ) -> Result<(), ConvertError> {
        let (values, size) = (stored.as_chunks::<SIZE>().0, self.schema.element.size());
        let channels = self.all_channels;
        let plane_bytes = values.len() / channels * size;
        let mut block = [[0; SIZE]; BLOCK];
        let mut converted = vec![0; BLOCK * size];
        for channel in 0..channels {
            let scaling = map.scale[channel % 3];
            let map = PixelMap { read: map.read, scale: move |value| scaling.apply(value) };
            for (number, values) in values.chunks(BLOCK * channels).enumerate() {
                let run = &mut block[..values.len() / channels];
                run.iter_mut().zip(plane_of(values, channels, channel)).for_each(|(to, value)| *to = value);
                let converted = &mut converted[..run.len() * size];
                self.convert_run(run, converted, map, range)?;
                let start = number * BLOCK * size;
                if self.channels > 1 {
                    out[channel * plane_bytes + start..][..converted.len()].copy_from_slice(converted);
                } else {
                    let places =
                        out[channels * start..].chunks_exact_mut(size).skip(channel).step_by(channels);
                    let values = converted.chunks_exact(size);
                    places.zip(values).for_each(|(to, value)| to.copy_from_slice(value));
                }
            }
        }
        Ok(())
    }

    fn convert_scaled(
        &self,
        stored: &[u8],
        out: &mut [u8],
        scale: impl Fn(f32) -> f32 + Copy,
        range: &mut Float16Range,
    ) -> Result<(), ConvertError> {
        match self.pixel_type {
            PixelType::UInt8 => self.convert_planes(stored, out, PixelMap { read: read_u8, scale }, range),
            PixelType::Int16 => self.convert_planes(stored, out, PixelMap { read: read_i16, scale }, range),
            PixelType::UInt16 => self.convert_planes(stored, out, PixelMap { read: read_u16, scale }, range),
            PixelType::Float32 => {
                self.convert_planes(stored, out, PixelMap { read: f32::from_le_bytes, scale }, range)
            }
        }
    }

    /// Hands on runs of pixels that lie side by side in the batch.
    fn convert_planes<const SIZE: usize>(
        &self,
        stored: &[u8],
        out: &mut [u8],
        map: PixelMap<impl Fn([u8; SIZE]) -> f32 + Copy, impl Fn(f32) -> f32 + Copy>,
        range: &mut Float16Range,
    ) -> Result<(), ConvertError> {
        let (pixels, _) = stored.as_chunks::<SIZE>();
        if self.channels == 1 {
            return self.convert_run(pixels, out, map, range);
        }
        let run_bytes = BLOCK * self.schema.element.size();
        for (channel, plane) in out.chunks_exact_mut(out.len() / self.channels).enumerate() {
            for (pixels, out) in pixels.chunks(BLOCK * self.channels).zip(plane.chunks_mut(run_bytes)) {
                let mut block = [[0; SIZE]; BLOCK];
                let run = &mut block[..pixels.len() / self.channels];
                for (to, pixel) in run.iter_mut().zip(plane_of(pixels, self.channels, channel)) {
                    *to = pixel;
                }
                self.convert_run(run, out, map, range)?;
            }
        }
        Ok(())
    }

    fn convert_run<const SIZE: usize>(
        &self,
        pixels: &[[u8; SIZE]],
        out: &mut [u8],
        map: PixelMap<impl Fn([u8; SIZE]) -> f32 + Copy, impl Fn(f32) -> f32 + Copy>,
        range: &mut Float16Range,
    ) -> Result<(), ConvertError> {
        match self.dtype {
            ImageDtype::Stored => out.copy_from_slice(pixels.as_flattened()),
            ImageDtype::Float32 => {
                let PixelMap { read, scale } = map;
                let (out, _) = out.as_chunks_mut::<4>();
                with_widest(
                    #[inline(always)]
                    || {
                        for (to, &pixel) in out.iter_mut().zip(pixels) {
                            *to = scale(read(pixel)).to_le_bytes();
                        }
                    },
                );
            }
            ImageDtype::Float16 => {
                for (pixels, out) in pixels.chunks(BLOCK).zip(out.chunks_mut(2 * BLOCK)) {
                    convert_to_float16(pixels, out, map, range)?;
                }
            }
        }
        Ok(())
    }
}

fn read_u8([value]: [u8; 1]) -> f32 {
    f32::from(value)
}

fn read_i16(bytes: [u8; 2]) -> f32 {
    f32::from(i16::from_le_bytes(bytes))
}

fn read_u16(bytes: [u8; 2]) -> f32 {
    f32::from(u16::from_le_bytes(bytes))
}

/// One image that is converted while it is decoded.
#[derive(Debug)]
pub(super) struct ImageParts<'c> {
    converter: &'c ImageConverter,
    scaling: Option<ChannelScaling>,
    /// Bytes still to be written.
    rest: &'c mut [u8],
    range: Float16Range,
}

impl ImageParts<'_> {
    /// Writes the next pixels.
    ///
    /// # Errors
    /// [`ConvertError::Float16Overflow`].
    ///
    /// # Panics
    /// Where they are more than are left of the image.
    pub(super) fn push(&mut self, stored: &[u8]) -> Result<(), ConvertError> {
        let ImageConverter { pixel_type, schema, .. } = self.converter;
        let bytes = stored.len() / pixel_type.size() * schema.element.size();
        let (out, rest) = std::mem::take(&mut self.rest).split_at_mut(bytes);
        self.rest = rest;
        self.converter.convert_with(self.scaling, stored, out, &mut self.range)
    }

    /// Checks the image once it is there as a whole.
    ///
    /// # Errors
    /// [`ConvertError::Float16Underflow`].
    pub(super) fn finish(&self) -> Result<(), ConvertError> {
        self.range.check()
    }
}

#[cfg(test)]
mod tests;
