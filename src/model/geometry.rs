//! Position of an image in the patient, and its display window.

use serde::{Deserialize, Serialize};

use super::VoiLutFunction;

/// Geometry and display window of one image as its DICOM header gives them, NaN where absent.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Geometry {
    /// Pixel Spacing (0028,0030) in mm: between rows, between columns (PS3.3 10.7.1.3).
    pub pixel_spacing: [f64; 2],
    /// Image Position (Patient) (0020,0032) in mm: x, y, z of the centre of the first pixel (PS3.3 C.7.6.2.1.1).
    pub image_position: [f64; 3],
    /// Image Orientation (Patient) (0020,0037): direction cosines of the row, then of the column (PS3.3 C.7.6.2.1.1).
    pub image_orientation: [f64; 6],
    /// First Window Center (0028,1050) and Window Width (0028,1051), in modality values (PS3.3 C.11.2.1.2).
    pub window: [f32; 2],
    /// VOI LUT Function (0028,1056) of the window.
    pub window_function: VoiLutFunction,
}

impl Geometry {
    /// No attribute present: every number is NaN.
    pub const ABSENT: Self = Self {
        pixel_spacing: [f64::NAN; 2],
        image_position: [f64::NAN; 3],
        image_orientation: [f64::NAN; 6],
        window: [f32::NAN; 2],
        window_function: VoiLutFunction::Linear,
    };
}
