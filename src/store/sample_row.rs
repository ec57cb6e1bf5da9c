//! One row of `/samples`.

use crate::model::{Geometry, GridShape};

/// The value of `instance` of an image without a number in its name.
pub const NO_NUMBER: i32 = -1;

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
    /// Smallest and largest pixel value.
    pub value_range: [f32; 2],
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

/// The longest text of each text column, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TextWidths {
    /// Of `id`.
    pub id: usize,
    /// Of `patient_id`.
    pub patient_id: usize,
    /// Of `original_id`.
    pub original_id: usize,
    /// Of `source`.
    pub source: usize,
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
            geometry: Geometry::ABSENT,
            value_range: [f32::NAN; 2],
            checksum: [0; 2],
        }
    }
}

impl TextWidths {
    /// Widens the columns so that these texts fit.
    pub fn admit(&mut self, id: &str, patient_id: &str, original_id: &str, source: &str) {
        self.id = self.id.max(id.len());
        self.patient_id = self.patient_id.max(patient_id.len());
        self.original_id = self.original_id.max(original_id.len());
        self.source = self.source.max(source.len());
    }
}
