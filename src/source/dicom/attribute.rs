//! The DICOM attributes that are read, by tag and standard name (PS3.6 chapter 6).

use std::fmt;

use crate::model::Place;

/// A DICOM attribute. Displays as `(gggg,eeee) Name`, or as the tag alone where the name is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attribute {
    /// Group and element number in one: `0xGGGGEEEE`.
    pub tag: u32,
    /// The name in PS3.6; empty for an attribute that is not read.
    pub name: &'static str,
}

impl Attribute {
    const fn new(tag: u32, name: &'static str) -> Self {
        Self { tag, name }
    }

    /// The attribute with this tag, with its name where it is one that is read.
    #[must_use]
    pub fn from_tag(tag: u32) -> Self {
        KNOWN.into_iter().find(|known| known.tag == tag).unwrap_or(Self { tag, name: "" })
    }

    /// This attribute in `file`.
    pub(super) fn place(self, file: &str) -> Place {
        Place::file(file).at_attribute(self.to_string())
    }
}

impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({:04X},{:04X})", self.tag >> 16, self.tag & 0xFFFF)?;
        if self.name.is_empty() { Ok(()) } else { write!(f, " {}", self.name) }
    }
}

macro_rules! attributes {
    ($($constant:ident = $tag:literal, $name:literal;)*) => {
        $(#[allow(dead_code, reason = "some are only matched on by tag")]
        pub(in crate::source) const $constant: Attribute = Attribute::new($tag, $name);)*
        const KNOWN: [Attribute; [$($tag),*].len()] = [$($constant),*];

        /// The same attributes' tags, to match on.
        pub(in crate::source) mod tag {
            $(pub(in crate::source) const $constant: u32 = $tag;)*
        }
    };
}

attributes! {
    MEDIA_STORAGE_SOP_CLASS_UID = 0x0002_0002, "Media Storage SOP Class UID";
    TRANSFER_SYNTAX_UID = 0x0002_0010, "Transfer Syntax UID";
    SPECIFIC_CHARACTER_SET = 0x0008_0005, "Specific Character Set";
    SOP_CLASS_UID = 0x0008_0016, "SOP Class UID";
    SOP_INSTANCE_UID = 0x0008_0018, "SOP Instance UID";
    MODALITY = 0x0008_0060, "Modality";
    MANUFACTURER = 0x0008_0070, "Manufacturer";
    CODE_VALUE = 0x0008_0100, "Code Value";
    CODING_SCHEME_DESIGNATOR = 0x0008_0102, "Coding Scheme Designator";
    MANUFACTURER_MODEL_NAME = 0x0008_1090, "Manufacturer's Model Name";
    REFERENCED_SERIES_SEQUENCE = 0x0008_1115, "Referenced Series Sequence";
    REFERENCED_INSTANCE_SEQUENCE = 0x0008_114A, "Referenced Instance Sequence";
    REFERENCED_SOP_INSTANCE_UID = 0x0008_1155, "Referenced SOP Instance UID";
    REFERENCED_FRAME_NUMBER = 0x0008_1160, "Referenced Frame Number";
    SOURCE_IMAGE_SEQUENCE = 0x0008_2112, "Source Image Sequence";
    DERIVATION_IMAGE_SEQUENCE = 0x0008_9124, "Derivation Image Sequence";
    PIXEL_PRESENTATION = 0x0008_9205, "Pixel Presentation";
    PATIENT_ID = 0x0010_0020, "Patient ID";
    PATIENT_BIRTH_DATE = 0x0010_0030, "Patient's Birth Date";
    TRIGGER_TIME = 0x0018_1060, "Trigger Time";
    CARDIAC_SYNCHRONIZATION_SEQUENCE = 0x0018_9118, "Cardiac Synchronization Sequence";
    STUDY_INSTANCE_UID = 0x0020_000D, "Study Instance UID";
    SERIES_INSTANCE_UID = 0x0020_000E, "Series Instance UID";
    INSTANCE_NUMBER = 0x0020_0013, "Instance Number";
    IMAGE_POSITION = 0x0020_0032, "Image Position (Patient)";
    IMAGE_ORIENTATION = 0x0020_0037, "Image Orientation (Patient)";
    FRAME_OF_REFERENCE_UID = 0x0020_0052, "Frame of Reference UID";
    NOMINAL_CARDIAC_TRIGGER_DELAY = 0x0020_9153, "Nominal Cardiac Trigger Delay Time";
    PLANE_POSITION_SEQUENCE = 0x0020_9113, "Plane Position Sequence";
    PLANE_ORIENTATION_SEQUENCE = 0x0020_9116, "Plane Orientation Sequence";
    DIMENSION_ORGANIZATION_TYPE = 0x0020_9311, "Dimension Organization Type";
    SAMPLES_PER_PIXEL = 0x0028_0002, "Samples per Pixel";
    PHOTOMETRIC_INTERPRETATION = 0x0028_0004, "Photometric Interpretation";
    PLANAR_CONFIGURATION = 0x0028_0006, "Planar Configuration";
    NUMBER_OF_FRAMES = 0x0028_0008, "Number of Frames";
    ROWS = 0x0028_0010, "Rows";
    COLUMNS = 0x0028_0011, "Columns";
    PIXEL_SPACING = 0x0028_0030, "Pixel Spacing";
    BITS_ALLOCATED = 0x0028_0100, "Bits Allocated";
    BITS_STORED = 0x0028_0101, "Bits Stored";
    HIGH_BIT = 0x0028_0102, "High Bit";
    PIXEL_REPRESENTATION = 0x0028_0103, "Pixel Representation";
    SMALLEST_PIXEL_VALUE = 0x0028_0106, "Smallest Image Pixel Value";
    LARGEST_PIXEL_VALUE = 0x0028_0107, "Largest Image Pixel Value";
    PIXEL_PADDING_VALUE = 0x0028_0120, "Pixel Padding Value";
    WINDOW_CENTER = 0x0028_1050, "Window Center";
    WINDOW_WIDTH = 0x0028_1051, "Window Width";
    VOI_LUT_FUNCTION = 0x0028_1056, "VOI LUT Function";
    VOI_LUT_SEQUENCE = 0x0028_3010, "VOI LUT Sequence";
    PIXEL_PADDING_RANGE_LIMIT = 0x0028_0121, "Pixel Padding Range Limit";
    FLOAT_PADDING_VALUE = 0x0028_0122, "Float Pixel Padding Value";
    DOUBLE_PADDING_VALUE = 0x0028_0123, "Double Float Pixel Padding Value";
    FLOAT_PADDING_RANGE_LIMIT = 0x0028_0124, "Float Pixel Padding Range Limit";
    DOUBLE_PADDING_RANGE_LIMIT = 0x0028_0125, "Double Float Pixel Padding Range Limit";
    RESCALE_INTERCEPT = 0x0028_1052, "Rescale Intercept";
    RESCALE_SLOPE = 0x0028_1053, "Rescale Slope";
    RESCALE_TYPE = 0x0028_1054, "Rescale Type";
    RED_PALETTE_DESCRIPTOR = 0x0028_1101, "Red Palette Color Lookup Table Descriptor";
    GREEN_PALETTE_DESCRIPTOR = 0x0028_1102, "Green Palette Color Lookup Table Descriptor";
    BLUE_PALETTE_DESCRIPTOR = 0x0028_1103, "Blue Palette Color Lookup Table Descriptor";
    RED_PALETTE_DATA = 0x0028_1201, "Red Palette Color Lookup Table Data";
    GREEN_PALETTE_DATA = 0x0028_1202, "Green Palette Color Lookup Table Data";
    BLUE_PALETTE_DATA = 0x0028_1203, "Blue Palette Color Lookup Table Data";
    SEGMENTED_RED_PALETTE_DATA = 0x0028_1221, "Segmented Red Palette Color Lookup Table Data";
    SEGMENTED_GREEN_PALETTE_DATA = 0x0028_1222, "Segmented Green Palette Color Lookup Table Data";
    SEGMENTED_BLUE_PALETTE_DATA = 0x0028_1223, "Segmented Blue Palette Color Lookup Table Data";
    ICC_PROFILE = 0x0028_2000, "ICC Profile";
    MODALITY_LUT_SEQUENCE = 0x0028_3000, "Modality LUT Sequence";
    LUT_DESCRIPTOR = 0x0028_3002, "LUT Descriptor";
    LUT_DATA = 0x0028_3006, "LUT Data";
    PIXEL_MEASURES_SEQUENCE = 0x0028_9110, "Pixel Measures Sequence";
    FRAME_VOI_LUT_SEQUENCE = 0x0028_9132, "Frame VOI LUT Sequence";
    PIXEL_VALUE_TRANSFORMATION_SEQUENCE = 0x0028_9145, "Pixel Value Transformation Sequence";
    TOTAL_PIXEL_MATRIX_COLUMNS = 0x0048_0006, "Total Pixel Matrix Columns";
    SEGMENTATION_TYPE = 0x0062_0001, "Segmentation Type";
    SEGMENT_SEQUENCE = 0x0062_0002, "Segment Sequence";
    SEGMENTED_PROPERTY_CATEGORY_CODE_SEQUENCE = 0x0062_0003, "Segmented Property Category Code Sequence";
    SEGMENT_NUMBER = 0x0062_0004, "Segment Number";
    SEGMENT_LABEL = 0x0062_0005, "Segment Label";
    SEGMENT_IDENTIFICATION_SEQUENCE = 0x0062_000A, "Segment Identification Sequence";
    REFERENCED_SEGMENT_NUMBER = 0x0062_000B, "Referenced Segment Number";
    MAXIMUM_FRACTIONAL_VALUE = 0x0062_000E, "Maximum Fractional Value";
    SEGMENTED_PROPERTY_TYPE_CODE_SEQUENCE = 0x0062_000F, "Segmented Property Type Code Sequence";
    REFERENCED_FRAME_OF_REFERENCE_SEQUENCE = 0x3006_0010, "Referenced Frame of Reference Sequence";
    RT_REFERENCED_STUDY_SEQUENCE = 0x3006_0012, "RT Referenced Study Sequence";
    RT_REFERENCED_SERIES_SEQUENCE = 0x3006_0014, "RT Referenced Series Sequence";
    CONTOUR_IMAGE_SEQUENCE = 0x3006_0016, "Contour Image Sequence";
    STRUCTURE_SET_ROI_SEQUENCE = 0x3006_0020, "Structure Set ROI Sequence";
    ROI_NUMBER = 0x3006_0022, "ROI Number";
    REFERENCED_FRAME_OF_REFERENCE_UID = 0x3006_0024, "Referenced Frame of Reference UID";
    ROI_NAME = 0x3006_0026, "ROI Name";
    ROI_CONTOUR_SEQUENCE = 0x3006_0039, "ROI Contour Sequence";
    CONTOUR_SEQUENCE = 0x3006_0040, "Contour Sequence";
    CONTOUR_GEOMETRIC_TYPE = 0x3006_0042, "Contour Geometric Type";
    NUMBER_OF_CONTOUR_POINTS = 0x3006_0046, "Number of Contour Points";
    CONTOUR_DATA = 0x3006_0050, "Contour Data";
    REFERENCED_ROI_NUMBER = 0x3006_0084, "Referenced ROI Number";
    SHARED_FUNCTIONAL_GROUPS_SEQUENCE = 0x5200_9229, "Shared Functional Groups Sequence";
    PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE = 0x5200_9230, "Per-Frame Functional Groups Sequence";
    FLOAT_PIXEL_DATA = 0x7FE0_0008, "Float Pixel Data";
    DOUBLE_FLOAT_PIXEL_DATA = 0x7FE0_0009, "Double Float Pixel Data";
    PIXEL_DATA = 0x7FE0_0010, "Pixel Data";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn displays_tag_and_name() {
        assert_eq!(ROWS.to_string(), "(0028,0010) Rows");
        assert_eq!(Attribute::from_tag(0x7FE0_0010), PIXEL_DATA);
        assert_eq!(Attribute::from_tag(0x0009_10AB).to_string(), "(0009,10AB)");
    }
}
