//! From the bytes of one file to an image or a contour.
//!
//! A DICOM file becomes an [`ImageHeader`] (what the header says, checked) and [`StoredPixels`] (the
//! stored values), and [`convert`] turns these into modality values in one of the file's pixel types.
//! A contour text becomes a [`Polygon`](crate::model::Polygon).
//!
//! Everything here works on bytes that the caller has read; nothing touches the disk. No length that a
//! file declares is believed: each is held against the bytes that are there before memory is asked for.
//! What cannot be read exactly is refused with an error that names the file and the attribute.

mod attribute;
mod codestream;
mod contour_text;
mod convert;
mod data_set;
mod dicom_header;
mod dicom_image;
mod encapsulated;
mod error;
mod geometry_text;
mod header_check;
mod header_values;
mod jpeg_2000;
mod jpeg_scan;
mod jpeg_xl;
mod limits;
mod modality;
mod part10;
mod pixel_type_choice;
mod rle;
mod stored_pixels;
mod transfer_syntax;
mod value_text;

pub use attribute::Attribute;
pub use contour_text::{ContourError, ContourFault, MAX_CONTOUR_BYTES, MAX_CONTOUR_POINTS, parse_contour};
pub use convert::{Conversion, ConvertOptions, convert};
pub use dicom_header::{ImageHeader, Monochrome1, StoredFormat};
pub use dicom_image::{parse_header, parse_image};
pub use error::{DicomError, DicomFault};
pub use limits::Limits;
pub use modality::{ModalityLut, ModalityTransform, ValueRange};
pub use pixel_type_choice::PixelTypeChoice;
pub use stored_pixels::{StoredPixels, StoredValues};
pub use transfer_syntax::TransferSyntax;
