//! A JPEG-LS decoder for medical images (ISO/IEC 14495-1, ITU-T T.87).
//!
//! Lossless and near-lossless images of 2 to 16 bits and one to four components, in every interleave mode, with preset
//! coding parameters and restart intervals; the colour transforms HP1 to HP3 of an `mrfx` marker (APP8) are undone.
//! Mapping tables are refused.
//!
//! Damaged streams are errors. The work is bounded by the size of the image, and memory is asked for only where the stream
//! has bits enough for it.
//!
//! ```
//! # fn decode(bytes: &[u8]) -> Result<(), dicomprep_jpeg_ls::JpegLsError> {
//! let header = dicomprep_jpeg_ls::read_header(bytes)?;
//! println!("{} x {} samples of {} bits", header.rows, header.columns, header.precision);
//! let mut samples = Vec::new();
//! dicomprep_jpeg_ls::decode(bytes, &mut samples)?;
//! # Ok(())
//! # }
//! ```

#![forbid(unsafe_code)]

mod bits;
mod context;
mod decode;
mod error;
mod golomb;
mod header;
mod line;
mod parameters;
mod scan;
mod segments;
mod transform;

pub use decode::{Decoded, decode, read_header};
pub use error::JpegLsError;
pub use header::{ColorTransform, Header};
