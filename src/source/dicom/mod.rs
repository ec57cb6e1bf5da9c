//! DICOM files: the data set, the header of an image, its pixels and its modality values.

mod attribute;
mod codestream;
mod convert;
mod data_set;
mod encapsulated;
mod error;
mod geometry_text;
mod header;
mod header_check;
mod header_values;
mod image;
mod jpeg_2000;
mod jpeg_scan;
mod jpeg_xl;
mod limits;
mod modality;
mod part10;
mod pixel_type_choice;
mod rle;
mod stored_format;
mod stored_pixels;
mod transfer_syntax;
mod value_text;

pub use attribute::Attribute;
pub use convert::{Conversion, ConvertOptions, convert};
pub use error::{DicomError, DicomFault};
pub use header::{ImageHeader, Monochrome1};
pub use image::{parse_header, parse_image};
pub use limits::Limits;
pub use modality::{ModalityLut, ModalityTransform, ValueRange};
pub use pixel_type_choice::PixelTypeChoice;
pub use stored_format::StoredFormat;
pub use stored_pixels::{StoredPixels, StoredValues};
pub use transfer_syntax::TransferSyntax;
