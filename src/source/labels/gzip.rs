//! Gzip in front of a volume.

use std::io::{Cursor, Read};

use flate2::read::MultiGzDecoder;

use super::LabelFault;
use super::bounds::{check_file, check_inflated};
use crate::source::Limits;

/// The bytes of a file, inflated on the way where it is gzip (RFC 1952).
pub(super) enum MaybeGzip<'b> {
    Plain(Cursor<&'b [u8]>),
    Gzip(Box<MultiGzDecoder<&'b [u8]>>),
}

impl<'b> MaybeGzip<'b> {
    /// The bytes of a file that may be gzip.
    pub(super) fn new(bytes: &'b [u8], limits: &Limits) -> Result<Self, LabelFault> {
        check_file(bytes, limits)?;
        if bytes.starts_with(&[0x1F, 0x8B]) {
            Ok(Self::gzip(bytes))
        } else {
            Ok(Self::Plain(Cursor::new(bytes)))
        }
    }

    /// The inflated bytes of gzip.
    pub(super) fn gzip(bytes: &'b [u8]) -> Self {
        Self::Gzip(Box::new(MultiGzDecoder::new(bytes)))
    }

    /// Reads `count` bytes of a header.
    pub(super) fn header(&mut self, count: usize, format: &'static str) -> Result<Vec<u8>, LabelFault> {
        let mut header = vec![0; count];
        match self.read_exact(&mut header) {
            Ok(()) => Ok(header),
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                Err(LabelFault::Damaged { format, message: "the file ends in its header".to_owned() })
            }
            Err(error) => Err(LabelFault::Damaged { format: "gzip", message: error.to_string() }),
        }
    }

    /// Passes over `count` bytes.
    pub(super) fn skip(&mut self, count: u64) -> Result<(), LabelFault> {
        match std::io::copy(&mut self.take(count), &mut std::io::sink()) {
            Ok(passed) if passed == count => Ok(()),
            Ok(_) => Err(LabelFault::Cut { present: 0, needed: count }),
            Err(error) => Err(LabelFault::Damaged { format: "gzip", message: error.to_string() }),
        }
    }

    /// Refuses `needed` bytes that cannot come out of a file of `encoded` bytes.
    pub(super) fn check_plausible(&self, needed: u64, encoded: u64) -> Result<(), LabelFault> {
        match self {
            Self::Plain(_) if needed > encoded => Err(LabelFault::Cut { present: encoded, needed }),
            Self::Plain(_) => Ok(()),
            Self::Gzip(_) => check_inflated(needed, encoded),
        }
    }

    /// Reads the end of gzip, which checks its sum.
    pub(super) fn finish(&mut self) -> Result<(), LabelFault> {
        let damaged =
            |error: std::io::Error| LabelFault::Damaged { format: "gzip", message: error.to_string() };
        match self {
            Self::Plain(_) => Ok(()),
            Self::Gzip(inflated) => inflated.read(&mut [0]).map(drop).map_err(damaged),
        }
    }
}

impl Read for MaybeGzip<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Self::Plain(bytes) => bytes.read(buffer),
            Self::Gzip(inflated) => inflated.read(buffer),
        }
    }
}
