//! A compressed frame in an image object: any bytes give an image within the limits, or an error that names the file.
//!
//! The first bytes are a transfer syntax of the codec, Rows, Columns, Bits Stored and Pixel Representation; the others are
//! the frame, so that a search goes into the codec at once.

use crate::dicom::{Builder, EXPLICIT};
use crate::dicom_image::{FRAMES, bytes_of, check, with_syntax};

const JPEG_2000: [&str; 6] = [
    "1.2.840.10008.1.2.4.90",
    "1.2.840.10008.1.2.4.91",
    "1.2.840.10008.1.2.4.92",
    "1.2.840.10008.1.2.4.201",
    "1.2.840.10008.1.2.4.202",
    "1.2.840.10008.1.2.4.203",
];
const JPEG_XL: [&str; 3] = ["1.2.840.10008.1.2.4.110", "1.2.840.10008.1.2.4.111", "1.2.840.10008.1.2.4.112"];
const RLE: [&str; 1] = ["1.2.840.10008.1.2.5"];
const DEFLATED: [&str; 2] = ["1.2.840.10008.1.2.8.1", "1.2.840.10008.1.2.1.98"];

pub(crate) fn run_jpeg_2000(bytes: &[u8]) {
    run(&JPEG_2000, bytes);
}

pub(crate) fn run_jpeg_xl(bytes: &[u8]) {
    run(&JPEG_XL, bytes);
}

pub(crate) fn run_rle(bytes: &[u8]) {
    run(&RLE, bytes);
}

pub(crate) fn run_deflated(bytes: &[u8]) {
    run(&DEFLATED, bytes);
}

pub(crate) fn jpeg_2000_seeds() -> Vec<Vec<u8>> {
    seeds(&JPEG_2000)
}

pub(crate) fn jpeg_xl_seeds() -> Vec<Vec<u8>> {
    seeds(&JPEG_XL)
}

pub(crate) fn rle_seeds() -> Vec<Vec<u8>> {
    seeds(&RLE)
}

pub(crate) fn deflated_seeds() -> Vec<Vec<u8>> {
    seeds(&DEFLATED)
}

fn run(syntaxes: &[&'static str], bytes: &[u8]) {
    let Some((&[syntax, rows, columns, stored, sign], frame)) = bytes.split_first_chunk() else { return };
    let syntax = syntaxes[usize::from(syntax) % syntaxes.len()];
    let stored = u16::from(stored % 32) + 1;
    let allocated = stored.next_multiple_of(8).next_power_of_two();
    let image = Builder::image(EXPLICIT, rows.into(), columns.into());
    let image = image.bits(allocated, stored, stored - 1, u16::from(sign & 1));
    check(&with_syntax(&image.frame(frame).build(), syntax));
}

/// The frames of the golden list in one of `syntaxes`.
fn seeds(syntaxes: &[&str]) -> Vec<Vec<u8>> {
    let lines = FRAMES.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    let frames = lines.filter_map(|fields| {
        let syntax = syntaxes.iter().position(|uid| *uid == fields[1])?;
        let number = |field: usize| fields[field].parse::<u8>().expect("a number");
        let start = [syntax as u8, 13, 11, number(3) - 1, number(4)];
        Some([&start[..], &bytes_of(fields[7])].concat())
    });
    frames.collect()
}
