//! One row of `/samples`.

use serde::{Deserialize, Serialize};

use crate::model::{CountedPixels, Geometry, GridShape, PaddingRange};

/// The value of `instance` of an image without a number in its name.
pub const NO_NUMBER: i32 = -1;

/// The value of `fold` of a row that is in none.
pub const NO_FOLD: i32 = -1;

/// The cells of each row that are known only after the last row.
#[derive(Debug, Clone, Copy)]
pub struct LateCells<'a> {
    /// Names of the splits; empty where there are none.
    pub splits: &'a [&'a str],
    /// Numbers of the folds, [`NO_FOLD`] where a row is in none.
    pub folds: &'a [i32],
    /// Names of the checks that the audit has found something by.
    pub findings: &'a [&'a str],
}

/// The value of `stack` of an image whose header has no position or orientation.
pub const NO_STACK: i32 = -1;

/// The place of an image among the images of its series.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct StackPlace {
    /// The stack of parallel images, counted from 0 for each patient; [`NO_STACK`] where the place is unknown.
    pub stack: i32,
    /// Distance of the slice from the origin of the patient's coordinates along the normal of the stack, in mm; NaN where
    /// it is unknown. Images of one slice have the same.
    pub position: f64,
    /// Trigger Time (0018,1060), or Nominal Cardiac Trigger Delay Time (0020,9153) of a frame, in ms; NaN where absent.
    pub trigger_time: f64,
}

impl StackPlace {
    /// Of an image whose header says nothing.
    pub const UNKNOWN: Self = Self { stack: NO_STACK, position: f64::NAN, trigger_time: f64::NAN };
}

/// Everything the file says about one sample beside its pixels, its split and its findings.
/// `docs/format.md` says what each field means.
#[derive(Debug, Clone, PartialEq)]
pub struct SampleRow {
    /// Unique: `<patient_id>/<file stem>`.
    pub id: String,
    /// From the link table, or its pseudonym.
    pub patient_id: String,
    /// From the link table, or its pseudonym.
    pub original_id: String,
    /// The number that paired image and contour; [`NO_NUMBER`] where there is none.
    pub instance: i32,
    /// Frame in a multi-frame object, 0 otherwise.
    pub frame: i32,
    /// Image path relative to the data directory.
    pub source: String,
    /// SHA-256 of the image file's bytes.
    pub source_sha256: [u8; 32],
    /// One entry per structure, in the order of the mask planes.
    pub annotations: Vec<AnnotationCell>,
    /// Size of the source image.
    pub source_shape: GridShape,
    /// Geometry of the source image.
    pub geometry: Geometry,
    /// Size of the image in the file, which begins at the first pixel of the stored one; beyond is no part of it.
    pub image_shape: GridShape,
    /// Distances between rows and between columns of the image in the file, in mm; NaN where its header has none.
    pub spacing: [f64; 2],
    /// Position in the patient, x, y, z in mm, of the centre of the first pixel of the image in the file; NaN where its
    /// header has none.
    pub position: [f64; 3],
    /// Its place among the images of its series.
    pub place: StackPlace,
    /// Smallest and largest pixel value, without padding.
    pub value_range: [f32; 2],
    /// The values that are padding, and no part of any statistics.
    pub padding: PaddingRange,
    /// Number of pixels with such a value.
    pub padding_pixels: i32,
    /// CRC-32C of the decoded bytes of the image and of the mask.
    pub checksum: [u32; 2],
}

/// Columns of one structure of one sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AnnotationCell {
    /// SHA-256 of the annotation file's bytes, `None` where the structure was not annotated.
    pub sha256: Option<[u8; 32]>,
    /// Number of ones in the mask.
    pub mask_pixels: i32,
    /// Shoelace area of the contour in pixels, NaN where not annotated.
    pub contour_area: f32,
}

/// Room that the texts of a column need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextWidth {
    /// Bytes of the longest.
    pub bytes: usize,
    /// True if all of them are ASCII.
    pub is_ascii: bool,
}

impl Default for TextWidth {
    /// Of no text.
    fn default() -> Self {
        Self { bytes: 0, is_ascii: true }
    }
}

impl TextWidth {
    /// Of these texts.
    #[must_use]
    pub fn of<'t>(texts: impl IntoIterator<Item = &'t str>) -> Self {
        let mut width = Self::default();
        texts.into_iter().for_each(|text| width.admit(text));
        width
    }

    /// Makes room for one more text.
    pub fn admit(&mut self, text: &str) {
        self.bytes = self.bytes.max(text.len());
        self.is_ascii &= text.is_ascii();
    }
}

/// The room of each text column that is written as samples come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextWidths {
    /// Of `id`.
    pub id: TextWidth,
    /// Of `patient_id`.
    pub patient_id: TextWidth,
    /// Of `original_id`.
    pub original_id: TextWidth,
    /// Of `source`.
    pub source: TextWidth,
}

impl SampleRow {
    /// A row of `structures` structures about which nothing is known: texts are empty, numbers as the columns have
    /// them for absent values.
    pub(super) fn unknown(structures: usize) -> Self {
        let annotation = AnnotationCell { sha256: None, mask_pixels: 0, contour_area: f32::NAN };
        Self {
            id: String::new(),
            patient_id: String::new(),
            original_id: String::new(),
            instance: NO_NUMBER,
            frame: 0,
            source: String::new(),
            source_sha256: [0; 32],
            annotations: vec![annotation; structures],
            source_shape: GridShape::new(1, 1).expect("1 is a side of a grid"),
            image_shape: GridShape::new(1, 1).expect("1 is a side of a grid"),
            geometry: Geometry::ABSENT,
            spacing: [f64::NAN; 2],
            position: [f64::NAN; 3],
            place: StackPlace::UNKNOWN,
            value_range: [f32::NAN; 2],
            padding: PaddingRange::NONE,
            padding_pixels: 0,
            checksum: [0; 2],
        }
    }

    /// The pixels that statistics count, in a file whose stored images have the size `stored`.
    #[must_use]
    pub fn counted(&self, stored: GridShape) -> CountedPixels {
        CountedPixels { padding: self.padding, own: self.image_shape, stored }
    }
}

impl TextWidths {
    /// Widens the columns so that these texts fit.
    pub fn admit(&mut self, id: &str, patient_id: &str, original_id: &str, source: &str) {
        self.id.admit(id);
        self.patient_id.admit(patient_id);
        self.original_id.admit(original_id);
        self.source.admit(source);
    }
}
