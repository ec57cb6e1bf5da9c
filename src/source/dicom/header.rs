//! Header of an image, checked.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::model::{Geometry, GridShape, PaddingRange, VoiLutFunction, choice};

use super::attribute::{self, Attribute};
use super::color_space::ColorSpace;
use super::error::{DicomError, DicomFault, Located};
use super::identity::DicomIdentity;
use super::leniency::Leniency;
use super::modality::{ModalityTransform, ValueRange};
use super::stored_format::StoredFormat;
use super::transfer_syntax::TransferSyntax;

/// The header of one image. What it says fits together and is supported.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageHeader {
    /// Rows (0028,0010) and Columns (0028,0011).
    pub shape: GridShape,
    /// Format of stored values.
    pub stored: StoredFormat,
    /// Number of frames; 1 for a single-frame object.
    pub frames: u32,
    /// From stored values to modality values; of the first frame where they differ, as `geometry`, `rescale_type`, `trigger_time`
    /// and `unreadable` are. See [`ImageHeader::of_frame`].
    pub modality: ModalityTransform,
    /// True if the smallest value is meant to be shown white: MONOCHROME1 (PS3.3 C.7.6.3.1.2).
    pub inverted: bool,
    /// Colours of the pixel data; `None` for a monochrome image.
    pub color: Option<ColorSpace>,
    /// True if each component stands by itself in native pixel data: Planar Configuration (0028,0006).
    pub(super) is_planar: bool,
    /// Position of the image, and its window as the header gives it. See [`ImageHeader::geometry_for`].
    pub geometry: Geometry,
    /// Rescale Type (0028,1054), the unit of modality values, where it is plain ASCII.
    pub rescale_type: Option<String>,
    /// Instance Number (0020,0013), where it is there and a number.
    pub instance_number: Option<i32>,
    /// Trigger Time (0018,1060), where it is there and a number: milliseconds from the R wave to the image
    /// (PS3.3 C.8.3.1); of a frame of an enhanced object, Nominal Cardiac Trigger Delay Time (0020,9153) (PS3.3
    /// C.7.6.16.2.7).
    pub trigger_time: Option<f64>,
    /// Its identifiers.
    pub identity: DicomIdentity,
    /// Transfer syntax of the file.
    pub transfer_syntax: TransferSyntax,
    /// Smallest (0028,0106) and Largest Image Pixel Value (0028,0107), stored values, where both are there.
    pub(super) stored_extremes: Option<[i64; 2]>,
    /// Pixel Padding Value (0028,0120) and Pixel Padding Range Limit (0028,0121), or those of floats (0028,0122) to
    /// (0028,0125), stored values; the limit is the value where it is absent.
    pub(super) padding: Option<[f64; 2]>,
    /// True if there is a VOI LUT Sequence (0028,3010).
    pub has_voi_lut: bool,
    /// Departures from the standard that the header is read despite.
    pub leniencies: BTreeSet<Leniency>,
    /// Attributes of the geometry that are there and cannot be read; their numbers are NaN.
    pub unreadable: Vec<Attribute>,
    /// Properties of each frame; empty where all are alike.
    pub(super) per_frame: Arc<[FrameHeader]>,
}

impl ImageHeader {
    /// The header of a monochrome image of one frame, of which nothing is known but its stored pixels.
    pub(super) fn of_pixels(transfer_syntax: TransferSyntax, shape: GridShape, stored: StoredFormat) -> Self {
        Self {
            shape,
            stored,
            frames: 1,
            modality: ModalityTransform::Identity,
            inverted: false,
            color: None,
            is_planar: false,
            geometry: Geometry::ABSENT,
            rescale_type: None,
            instance_number: None,
            trigger_time: None,
            identity: DicomIdentity::default(),
            transfer_syntax,
            stored_extremes: None,
            padding: None,
            has_voi_lut: false,
            leniencies: BTreeSet::new(),
            unreadable: Vec::new(),
            per_frame: Arc::new([]),
        }
    }
}

/// Properties of a frame of an enhanced object (PS3.3 C.7.6.16).
#[derive(Debug, Clone, PartialEq)]
pub(super) struct FrameHeader {
    pub(super) modality: ModalityTransform,
    pub(super) geometry: Geometry,
    pub(super) rescale_type: Option<String>,
    pub(super) trigger_time: Option<f64>,
    pub(super) unreadable: Vec<Attribute>,
}

/// Handling of MONOCHROME1 images, whose smallest value is white.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Monochrome1 {
    /// Each modality value `m` becomes `low + high - m`, where `low` and `high` are the smallest and the
    /// largest value that the header allows: all images are then dark where the value is small. Values with a unit stay as
    /// they are: the smallest is to be shown white (PS3.3 C.7.6.3.1.2), and is no other quantity for that.
    #[default]
    Invert,
    /// The values stay as they are.
    Keep,
}

choice!(Monochrome1 {
    Invert => "invert",
    Keep => "keep",
});

impl ImageHeader {
    /// The header of one `frame`, counted from 1 as Referenced Frame Number (0008,1160) counts: with the geometry,
    /// rescale and window of that frame. 0 stands for the only frame of a single-frame object. `None` where there is no
    /// such frame.
    #[must_use]
    pub fn of_frame(&self, frame: u32) -> Option<Self> {
        let index = self.index_of(frame).ok()?;
        let mut header = self.clone();
        if let Some(own) = self.per_frame.get(index as usize) {
            header.modality.clone_from(&own.modality);
            header.geometry = own.geometry;
            header.rescale_type.clone_from(&own.rescale_type);
            header.trigger_time = own.trigger_time;
            header.unreadable.clone_from(&own.unreadable);
        }
        Some(header)
    }

    /// The index, from 0, of a `frame` counted from 1; 0 stands for the only one.
    pub(super) fn index_of(&self, frame: u32) -> Result<u32, Located> {
        let frames = self.frames;
        match frame {
            0 if frames == 1 => Ok(0),
            0 => {
                let supported = "one frame, unless one of them is asked for";
                Err(DicomFault::Unsupported { value: format!("{frames} frames"), supported })
            }
            _ if frame <= frames => Ok(frame - 1),
            _ => Err(DicomFault::NoSuchFrame { frame, frames }),
        }
        .map_err(|fault| fault.at(attribute::NUMBER_OF_FRAMES))
    }

    /// Checks that there is a `frame` of this number, as [`ImageHeader::of_frame`] counts.
    ///
    /// # Errors
    /// [`DicomFault::NoSuchFrame`], or [`DicomFault::Unsupported`] where it is 0 and there are several.
    pub fn check_frame(&self, file: &str, frame: u32) -> Result<(), DicomError> {
        self.index_of(frame).map(|_| ()).map_err(|located| located.in_file(file))
    }

    /// Samples of each pixel in the pixel data: 3 of true colour; 1 of monochrome images and of indices into a palette.
    #[must_use]
    pub fn samples(&self) -> usize {
        match self.color {
            None | Some(ColorSpace::Palette(_)) => 1,
            Some(_) => 3,
        }
    }

    /// Channels of the pixels: 3 of a colour image, palettes among them, else 1.
    #[must_use]
    pub fn channels(&self) -> usize {
        if self.color.is_some() { 3 } else { 1 }
    }

    /// Bytes of a frame's stored values, the samples of each pixel one behind the other.
    pub(super) fn decoded_bytes(&self) -> usize {
        self.shape.pixels() * self.samples() * self.stored.bytes()
    }

    /// The range of modality values that the header allows. Inverted values have the same range. `None`
    /// for floating point pixels, where any value may occur.
    #[must_use]
    pub fn value_range(&self) -> Option<ValueRange> {
        self.modality.value_range(self.stored)
    }

    /// The range to invert the values in, or `None` where they stay as they are.
    pub(super) fn inversion(&self, monochrome1: Monochrome1) -> Option<ValueRange> {
        let is_inverted = self.inverted && !self.is_quantity() && monochrome1 == Monochrome1::Invert;
        self.value_range().filter(|_| is_inverted)
    }

    /// True if modality values are of a unit, such as HU; `US` is unspecified (PS3.3 C.11.1.1.2).
    pub(super) fn is_quantity(&self) -> bool {
        self.rescale_type.as_deref().is_some_and(|unit| unit != "US")
    }

    /// True where [`convert`](super::convert) with `monochrome1` leaves large values dark.
    #[must_use]
    pub fn stays_inverted(&self, monochrome1: Monochrome1) -> bool {
        self.inverted && self.inversion(monochrome1).is_none()
    }

    /// The values that are padding in images that [`convert`](super::convert) made with `monochrome1`. Of a Modality LUT,
    /// they reach from the smallest to the largest entry that padding maps to.
    #[must_use]
    pub fn padding_range(&self, monochrome1: Monochrome1) -> PaddingRange {
        let (Some([a, b]), None) = (self.padding, &self.color) else {
            return PaddingRange::NONE;
        };
        let mirror = self.inversion(monochrome1).map(|range| range.low + range.high);
        let converted = |value: f64| mirror.map_or(value, |sum| sum - value) as f32;
        match &self.modality {
            ModalityTransform::Identity => PaddingRange::new(converted(a), converted(b)),
            &ModalityTransform::Linear { slope, intercept } => {
                let [a, b] = [a, b].map(|stored| converted(slope * stored + intercept));
                PaddingRange::new(a, b)
            }
            ModalityTransform::Lut(lut) => {
                let [low, high] = lut.extremes_between(a as i64, b as i64);
                PaddingRange::new(converted(low.into()), converted(high.into()))
            }
        }
    }

    /// The geometry for images that [`convert`](super::convert) made with `monochrome1`: an inverted
    /// image has its window mirrored too, so that it maps each value to 1 less what the other maps it to.
    #[must_use]
    pub fn geometry_for(&self, monochrome1: Monochrome1) -> Geometry {
        let mut geometry = self.geometry;
        if let Some(range) = self.inversion(monochrome1) {
            // The middle of LINEAR lies half a value below its center (PS3.3 C.11.2.1.2.1).
            let shift = if geometry.window_function == VoiLutFunction::Linear { 1.0 } else { 0.0 };
            geometry.window[0] = (range.mirror(f64::from(geometry.window[0])) + shift) as f32;
        }
        geometry
    }
}
