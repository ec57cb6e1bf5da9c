//! JPEG and JPEG-LS streams.

use crate::dicom_image::{FRAMES, bytes_of};

/// A stream is decoded to as many samples as its header says, or refused.
pub(crate) fn run_jpeg(bytes: &[u8]) {
    let Ok(header) = dicomprep_jpeg::read_header(bytes) else { return };
    let mut samples = Vec::new();
    if let Ok(decoded) = dicomprep_jpeg::decode(bytes, &mut samples) {
        assert_eq!(decoded.header, header);
        assert_eq!(samples.len(), header.samples());
    }
}

/// As [`run_jpeg`], and without loss or with, no sample is beyond its precision.
pub(crate) fn run_jpeg_ls(bytes: &[u8]) {
    let Ok(header) = dicomprep_jpeg_ls::read_header(bytes) else { return };
    // One bit may stand for 32,768 samples: a size that the caller expects is all that bounds the memory.
    if header.samples() > 1 << 20 {
        return;
    }
    let mut samples = Vec::new();
    if let Ok(decoded) = dicomprep_jpeg_ls::decode(bytes, &mut samples) {
        assert_eq!(decoded.header, header);
        assert_eq!(samples.len(), header.samples());
        assert!(samples.iter().all(|&sample| u32::from(sample) >> header.precision == 0));
    }
}

/// The frames of the golden list whose names begin so.
fn frames(prefix: &str) -> Vec<Vec<u8>> {
    let lines = FRAMES.lines().filter(|line| line.starts_with(prefix));
    lines.filter_map(|line| line.rsplit(' ').next()).map(bytes_of).collect()
}

pub(crate) fn jpeg_seeds() -> Vec<Vec<u8>> {
    frames("jpeg-")
}

pub(crate) fn jpeg_ls_seeds() -> Vec<Vec<u8>> {
    frames("jpegls-")
}
