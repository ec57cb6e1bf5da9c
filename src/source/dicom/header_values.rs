//! The values of the attributes that are read, as they stand in the file.

use std::collections::BTreeSet;

use super::attribute::{self, tag};
use super::data_set::{DataElement, Step, Walk, is_pixels};
use super::error::{DicomFault, Located};
use super::geometry_text::GeometryText;
use super::identity::{DicomIdentity, is_identifier};
use super::leniency::Leniency;
use super::object_kind::ObjectKind;
use super::palette::PaletteTable;
use super::part10::DataSet;
use super::value::RawValue;
use super::value_text::text;

/// The most frames of one file.
pub(super) const MAX_FRAMES: u32 = 65_536;

/// The values that an enhanced object can have for each frame (PS3.3 C.7.6.16); `None` where absent.
#[derive(Debug, Clone, Default)]
pub(super) struct FrameValues<'a> {
    pub(super) intercept: Option<RawValue<'a>>,
    pub(super) slope: Option<RawValue<'a>>,
    pub(super) rescale_type: Option<RawValue<'a>>,
    /// Nominal Cardiac Trigger Delay Time.
    pub(super) trigger_delay: Option<RawValue<'a>>,
    pub(super) geometry: GeometryText<'a>,
}

/// The values of the attributes that are read; `None` where absent.
#[derive(Debug, Default)]
pub(super) struct HeaderValues<'a> {
    pub(super) photometric: Option<RawValue<'a>>,
    pub(super) samples: Option<RawValue<'a>>,
    pub(super) planar: Option<RawValue<'a>>,
    /// Pixel Presentation.
    pub(super) presentation: Option<RawValue<'a>>,
    /// The tables of red, green and blue.
    pub(super) palette: [PaletteTable<'a>; 3],
    pub(super) frames: Option<RawValue<'a>>,
    pub(super) rows: Option<RawValue<'a>>,
    pub(super) columns: Option<RawValue<'a>>,
    pub(super) bits_allocated: Option<RawValue<'a>>,
    pub(super) bits_stored: Option<RawValue<'a>>,
    pub(super) high_bit: Option<RawValue<'a>>,
    pub(super) representation: Option<RawValue<'a>>,
    /// Properties that frames can have each their own of; here, those of all.
    pub(super) shared: FrameValues<'a>,
    /// For each item of the Per-Frame Functional Groups Sequence, as far as they say something, what it says.
    pub(super) per_frame: Vec<FrameValues<'a>>,
    pub(super) lut_descriptor: Option<RawValue<'a>>,
    pub(super) lut_data: Option<RawValue<'a>>,
    pub(super) trigger_time: Option<RawValue<'a>>,
    pub(super) instance_number: Option<RawValue<'a>>,
    pub(super) identity: DicomIdentity,
    pub(super) smallest: Option<RawValue<'a>>,
    pub(super) largest: Option<RawValue<'a>>,
    pub(super) padding: Option<RawValue<'a>>,
    pub(super) padding_limit: Option<RawValue<'a>>,
    /// Float Pixel Padding Value, and its range limit.
    pub(super) float_padding: [Option<RawValue<'a>>; 2],
    /// Double Float Pixel Padding Value, and its range limit.
    pub(super) double_padding: [Option<RawValue<'a>>; 2],
    /// True if there is a VOI LUT Sequence.
    pub(super) has_voi_lut: bool,
    pub(super) leniencies: BTreeSet<Leniency>,
}

impl<'a> HeaderValues<'a> {
    /// Walks to the pixels. `None` where the bytes end before them and the file goes on.
    pub(super) fn collect(data_set: &'a DataSet<'_>) -> Result<Option<(Self, DataElement)>, Located> {
        let mut walk = Walk::new(&data_set.bytes, data_set.total, data_set.start, data_set.syntax);
        let mut values = Self::default();
        values.identity.sop_class_uid.clone_from(&data_set.media_storage_class);
        loop {
            let element = match walk.next()? {
                Step::DataElement(element) => element,
                Step::NeedsMore => return Ok(None),
                Step::End => {
                    check_kind(&values.identity)?;
                    return Err(DicomFault::NoImage.into());
                }
            };
            if is_pixels(element.tag) && walk.parents().next().is_none() {
                check_kind(&values.identity)?;
                if walk.has_unknown_vr() {
                    values.leniencies.insert(Leniency::UnknownVr);
                }
                if data_set.syntax != data_set.transfer_syntax.syntax() {
                    values.leniencies.insert(Leniency::OtherEncoding);
                }
                return Ok(Some((values, element)));
            }
            if element.tag == tag::ICC_PROFILE && walk.parents().next().is_none() {
                values.leniencies.insert(Leniency::IccProfile);
                continue;
            }
            let is_in_voi_lut = || walk.parents().any(|parent| parent == tag::VOI_LUT_SEQUENCE);
            values.has_voi_lut |= element.tag == tag::LUT_DESCRIPTOR && is_in_voi_lut();
            let Some(end) = element.end.filter(|_| is_read(element.tag, &walk)) else {
                continue;
            };
            let Some(bytes) = walk.value(element.start, end) else {
                return Ok(None);
            };
            let value = RawValue { bytes, syntax: element.syntax };
            match walk.parents().last() {
                Some(tag::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE) => {
                    values.keep_of_frame(walk.outer_item(), element.tag, value);
                }
                _ => values.keep(element.tag, value),
            }
            // What is no image is refused before the rest of it is read.
            if element.tag == tag::SOP_CLASS_UID {
                check_kind(&values.identity)?;
            }
        }
    }

    fn keep(&mut self, tag: u32, value: RawValue<'a>) {
        let slot = match tag {
            tag::PHOTOMETRIC_INTERPRETATION => &mut self.photometric,
            tag::SAMPLES_PER_PIXEL => &mut self.samples,
            tag::PLANAR_CONFIGURATION => &mut self.planar,
            tag::PIXEL_PRESENTATION => &mut self.presentation,
            tag::NUMBER_OF_FRAMES => &mut self.frames,
            tag::ROWS => &mut self.rows,
            tag::COLUMNS => &mut self.columns,
            tag::BITS_ALLOCATED => &mut self.bits_allocated,
            tag::BITS_STORED => &mut self.bits_stored,
            tag::HIGH_BIT => &mut self.high_bit,
            tag::PIXEL_REPRESENTATION => &mut self.representation,
            tag::SMALLEST_PIXEL_VALUE => &mut self.smallest,
            tag::LARGEST_PIXEL_VALUE => &mut self.largest,
            tag::PIXEL_PADDING_VALUE => &mut self.padding,
            tag::PIXEL_PADDING_RANGE_LIMIT => &mut self.padding_limit,
            tag::FLOAT_PADDING_VALUE => &mut self.float_padding[0],
            tag::FLOAT_PADDING_RANGE_LIMIT => &mut self.float_padding[1],
            tag::DOUBLE_PADDING_VALUE => &mut self.double_padding[0],
            tag::DOUBLE_PADDING_RANGE_LIMIT => &mut self.double_padding[1],
            tag::LUT_DESCRIPTOR => &mut self.lut_descriptor,
            tag::LUT_DATA => &mut self.lut_data,
            tag::TRIGGER_TIME => &mut self.trigger_time,
            tag::INSTANCE_NUMBER => &mut self.instance_number,
            tag::RED_PALETTE_DESCRIPTOR | tag::GREEN_PALETTE_DESCRIPTOR | tag::BLUE_PALETTE_DESCRIPTOR => {
                &mut self.palette[(tag - tag::RED_PALETTE_DESCRIPTOR) as usize].descriptor
            }
            tag::RED_PALETTE_DATA | tag::GREEN_PALETTE_DATA | tag::BLUE_PALETTE_DATA => {
                &mut self.palette[(tag - tag::RED_PALETTE_DATA) as usize].data
            }
            tag::SEGMENTED_RED_PALETTE_DATA
            | tag::SEGMENTED_GREEN_PALETTE_DATA
            | tag::SEGMENTED_BLUE_PALETTE_DATA => {
                &mut self.palette[(tag - tag::SEGMENTED_RED_PALETTE_DATA) as usize].segmented
            }
            _ if is_identifier(tag) => return self.identity.keep(tag, value.bytes),
            _ => return self.shared.keep(tag, value),
        };
        *slot = Some(value);
    }

    /// Keeps a value of the frame with this index. Items beyond the number of frames say nothing.
    fn keep_of_frame(&mut self, index: usize, tag: u32, value: RawValue<'a>) {
        if index >= self.number_of_frames().unwrap_or(1) as usize {
            return;
        }
        if self.per_frame.len() <= index {
            self.per_frame.resize_with(index + 1, FrameValues::default);
        }
        self.per_frame[index].keep(tag, value);
    }

    /// Number of Frames (0028,0008), at most [`MAX_FRAMES`]; `None` where it is absent, empty, 0 or no number.
    pub(super) fn number_of_frames(&self) -> Option<u32> {
        let frames: u32 = text(self.frames?.bytes)?.parse().ok()?;
        (frames > 0).then_some(frames.min(MAX_FRAMES))
    }
}

impl<'a> FrameValues<'a> {
    /// These values, and those of `shared` where there are none.
    pub(super) fn or(&self, shared: &Self) -> Self {
        Self {
            intercept: self.intercept.or(shared.intercept),
            slope: self.slope.or(shared.slope),
            rescale_type: self.rescale_type.or(shared.rescale_type),
            trigger_delay: self.trigger_delay.or(shared.trigger_delay),
            geometry: self.geometry.or(shared.geometry),
        }
    }

    fn keep(&mut self, tag: u32, value: RawValue<'a>) {
        let slot = match tag {
            tag::RESCALE_INTERCEPT => &mut self.intercept,
            tag::RESCALE_SLOPE => &mut self.slope,
            tag::RESCALE_TYPE => &mut self.rescale_type,
            tag::NOMINAL_CARDIAC_TRIGGER_DELAY => &mut self.trigger_delay,
            _ => return self.keep_geometry(tag, value.bytes),
        };
        *slot = Some(value);
    }

    fn keep_geometry(&mut self, tag: u32, bytes: &'a [u8]) {
        let slot = match tag {
            tag::PIXEL_SPACING => &mut self.geometry.pixel_spacing,
            tag::IMAGE_POSITION => &mut self.geometry.image_position,
            tag::IMAGE_ORIENTATION => &mut self.geometry.image_orientation,
            tag::WINDOW_CENTER => &mut self.geometry.window_center,
            tag::WINDOW_WIDTH => &mut self.geometry.window_width,
            tag::VOI_LUT_FUNCTION => &mut self.geometry.window_function,
            _ => return,
        };
        *slot = Some(bytes);
    }
}

/// Refuses an object that is no image, by its name.
fn check_kind(identity: &DicomIdentity) -> Result<(), Located> {
    match identity.kind() {
        ObjectKind::Image => Ok(()),
        kind => Err(DicomFault::NotAnImage { kind }.at(attribute::SOP_CLASS_UID)),
    }
}

/// True if the element that the walk is at stands where its attribute is read: in the data set itself, or
/// in the one sequence that may hold it.
fn is_read(tag: u32, walk: &Walk<'_>) -> bool {
    let in_lut = matches!(tag, tag::LUT_DESCRIPTOR | tag::LUT_DATA);
    let mut parents = walk.parents();
    let Some(parent) = parents.next() else {
        return !in_lut && is_ours(tag);
    };
    let Some(outer) = parents.next() else {
        return in_lut && parent == tag::MODALITY_LUT_SEQUENCE;
    };
    // PS3.3 C.7.6.16: an enhanced object has these in its functional groups.
    let groups = [tag::SHARED_FUNCTIONAL_GROUPS_SEQUENCE, tag::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE];
    groups.contains(&outer)
        && parents.next().is_none()
        && match parent {
            tag::PIXEL_VALUE_TRANSFORMATION_SEQUENCE => {
                matches!(tag, tag::RESCALE_INTERCEPT | tag::RESCALE_SLOPE | tag::RESCALE_TYPE)
            }
            tag::CARDIAC_SYNCHRONIZATION_SEQUENCE => tag == tag::NOMINAL_CARDIAC_TRIGGER_DELAY,
            tag::PIXEL_MEASURES_SEQUENCE => tag == tag::PIXEL_SPACING,
            tag::PLANE_POSITION_SEQUENCE => tag == tag::IMAGE_POSITION,
            tag::PLANE_ORIENTATION_SEQUENCE => tag == tag::IMAGE_ORIENTATION,
            tag::FRAME_VOI_LUT_SEQUENCE => {
                matches!(tag, tag::WINDOW_CENTER | tag::WINDOW_WIDTH | tag::VOI_LUT_FUNCTION)
            }
            _ => false,
        }
}

/// True if a tag is one, or of a group, that is read. Other values need not even be at hand.
fn is_ours(tag: u32) -> bool {
    matches!(tag, tag::TRIGGER_TIME | tag::PIXEL_PRESENTATION)
        || is_identifier(tag)
        || matches!(tag >> 16, 0x0020 | 0x0028)
}
