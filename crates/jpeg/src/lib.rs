//! A JPEG decoder for medical images (ISO/IEC 10918-1, ITU-T T.81).
//!
//! It decodes what DICOM allows and archives hold (PS3.5 A.4.1 and A.4.2):
//!
//! - lossless (process 14): every predictor, point transform, restart intervals, 2 to 16 bits;
//! - baseline, extended sequential and progressive DCT with Huffman coding, 8 and 12 bits, equal to libjpeg-turbo's
//!   accurate integer inverse DCT and its fancy upsampling.
//!
//! Samples come out as they are stored: colour is never converted. [`Header`] says what a reader needs to decide it:
//! the component ids, the JFIF marker and the transform of the Adobe marker.
//!
//! Damaged streams are errors: a scan that ends early, and one with data left over. The work is bounded by the size of the
//! stream, and memory is asked for only where the stream has bits enough for the image.
//!
//! ```
//! # fn decode(bytes: &[u8]) -> Result<(), dicomprep_jpeg::JpegError> {
//! let header = dicomprep_jpeg::read_header(bytes)?;
//! println!("{} x {} samples of {} bits", header.rows, header.columns, header.precision);
//! let mut samples = Vec::new();
//! let decoded = dicomprep_jpeg::decode(bytes, &mut samples)?;
//! if !decoded.has_end {
//!     println!("the stream has no end marker; all rows are there");
//! }
//! # Ok(())
//! # }
//! ```

#![forbid(unsafe_code)]

mod bits;
mod coefficients;
mod decode;
mod error;
mod header;
mod huffman;
mod idct;
mod lossless;
mod lossless_table;
mod lossy;
pub mod markers;
mod progressive;
mod scan;
mod segments;
#[cfg(test)]
mod test_encoder;
mod upsample;

pub use decode::{Decoded, decode, read_header};
pub use error::JpegError;
pub use header::{Component, Header, Process};
