use std::io::Read;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;

/// Makes a stream, holds it against its bound and three decoders, and returns its length.
fn check(deflater: &mut PlaneDeflater, input: &[u8], plane_bytes: usize, output: &mut Vec<u8>) -> usize {
    let length = deflater.deflate(input, plane_bytes, output);
    assert!(length + SPARE <= bound(input.len()), "{length} bytes for {}", input.len());
    let stream = &output[..length];

    let mut decoded = vec![0; input.len()];
    let found = libdeflater::Decompressor::new().zlib_decompress(stream, &mut decoded);
    assert_eq!(found, Ok(input.len()), "libdeflate");
    assert!(decoded == input, "libdeflate");

    decoded.clear();
    flate2::read::ZlibDecoder::new(stream).read_to_end(&mut decoded).expect("zlib-rs");
    assert!(decoded == input, "zlib-rs");

    let decoded = miniz_oxide::inflate::decompress_to_vec_zlib(stream).expect("miniz_oxide");
    assert!(decoded == input, "miniz_oxide");
    length
}

fn check_new(input: &[u8], plane_bytes: usize) -> usize {
    check(&mut PlaneDeflater::new(), input, plane_bytes, &mut Vec::new())
}

fn stream_of(input: &[u8], plane_bytes: usize) -> Vec<u8> {
    let mut output = Vec::new();
    let length = PlaneDeflater::new().deflate(input, plane_bytes, &mut output);
    output.truncate(length);
    output
}

/// Numbers that look random.
fn random(seed: u64) -> impl Iterator<Item = u64> {
    (0..).map(move |i: u64| {
        let mut state = (seed << 32 | i).wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        state = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        state = (state ^ (state >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        state ^ (state >> 31)
    })
}

fn noise(length: usize, seed: u64) -> Vec<u8> {
    random(seed).map(|number| number as u8).take(length).collect()
}

/// Byte planes as of an image: noise around a mean, then runs.
fn planes(length: usize) -> Vec<u8> {
    let low = random(3).map(|number| 90 + (number % 31 + (number >> 32) % 29) as u8).take(length / 2);
    low.chain((0..length - length / 2).map(|i| (i / 700 % 3) as u8)).collect()
}

/// Symbols whose counts are Fibonacci numbers, so that Huffman's own codes are as long as can be.
fn fibonacci(length: usize) -> Vec<u8> {
    let (mut bytes, mut count, mut next, mut value) = (Vec::new(), 1, 1, 0);
    while bytes.len() < length {
        bytes.extend(std::iter::repeat_n(value, count));
        (count, next) = (next, count + next);
        value += 1;
    }
    bytes.truncate(length);
    // Spread, so that they are no runs.
    let step = length / 2 + 1 + length % 2;
    (0..length).map(|i| bytes[i * step % length]).collect()
}

type Generator = fn(usize) -> Vec<u8>;

const GENERATORS: [(&str, Generator); 7] = [
    ("noise", |length| noise(length, 1)),
    ("constant", |length| vec![7; length]),
    ("ramp", |length| (0..length).map(|i| (i / 3) as u8).collect()),
    ("two symbols", |length| random(2).map(|number| u8::from(number % 5 == 0)).take(length).collect()),
    ("fibonacci", fibonacci),
    ("all symbols", |length| (0..length).map(|i| (i * 77) as u8).collect()),
    ("planes", planes),
];

#[test]
fn every_length_decodes() {
    let kinds = GENERATORS.map(|(_, generator)| generator(70_000));
    let (mut deflater, mut output) = (PlaneDeflater::new(), Vec::new());
    // All of the first, and every eleventh up to more than a stored block holds.
    for length in (0..4_100).chain((4_100..=70_000).step_by(11)) {
        check(&mut deflater, &kinds[length % kinds.len()][..length], length.div_ceil(2), &mut output);
    }
}

#[test]
fn a_stream_does_not_depend_on_what_was_made_before() {
    let near = |length: usize| length - 4..length + 5;
    let lengths = (0..=600).chain(near(1024)).chain(near(32_768)).chain(near(65_535)).chain(near(65_536));
    let lengths: Vec<usize> = lengths.chain((600..70_000).step_by(499)).collect();
    let (mut deflater, mut output) = (PlaneDeflater::new(), Vec::new());
    for (name, generator) in GENERATORS {
        for &length in &lengths {
            let input = generator(length);
            let written = check(&mut deflater, &input, length.div_ceil(2), &mut output);
            let again = stream_of(&input, length.div_ceil(2));
            assert!(again == output[..written], "{name}, {length}: depends on what was made before");
        }
    }
}

#[test]
fn any_plane_size_decodes() {
    let input = planes(20_000);
    for plane_bytes in [0, 1, 2, 3, 1023, 1024, 1025, 9_999, 10_000, 19_999, 20_000, 20_001, usize::MAX / 2] {
        check_new(&input, plane_bytes);
    }
}

#[test]
fn millions_of_bytes_decode() {
    for (_, generator) in GENERATORS {
        check_new(&generator(3_000_001), 1_500_001);
    }
    // Longer than a block may be.
    assert!(check_new(&vec![0; 9_000_000], 9_000_000) < 9_500);
    check_new(&planes(12_000_000), 6_000_000);
}

#[test]
fn runs_of_every_length_decode() {
    let mut input = Vec::new();
    for length in 1..=600 {
        input.extend(std::iter::repeat_n(length as u8, length));
    }
    check_new(&input, input.len());
    input.reverse();
    check_new(&input, 4096);
}

#[test]
fn an_empty_input_is_an_empty_stream() {
    assert_eq!(stream_of(&[], 0), [0x78, 0x01, 0x03, 0x00, 0, 0, 0, 1]);
    check_new(&[], 0);
}

#[test]
fn noise_is_stored() {
    for length in [1, 100, 65_535, 65_536, 131_072, 200_000, 1_000_000] {
        let written = check_new(&noise(length, 9), length / 2);
        assert_eq!(written, length + 5 * length.div_ceil(65_535) + 6, "{length}");
    }
}

#[test]
fn noise_between_runs_keeps_the_bound() {
    let mut input = Vec::new();
    for part in 0..40 {
        input.extend(noise(9_000, part));
        input.extend(vec![part as u8; 10 + part as usize % 7 * 2000]);
    }
    check_new(&input, input.len());
    check_new(&input, 1024);
}

#[test]
fn the_output_is_never_shrunk_and_no_memory_is_asked_for_again() {
    let (mut deflater, mut output) = (PlaneDeflater::new(), Vec::new());
    let large = planes(100_000);
    deflater.deflate(&large, 50_000, &mut output);
    let state = (output.len(), output.capacity(), output.as_ptr(), deflater.stretches.capacity());
    assert_eq!(output.len(), bound(100_000));
    for length in [0, 1, 50_000, 100_000] {
        deflater.deflate(&large[..length], 50_000, &mut output);
        assert_eq!(state, (output.len(), output.capacity(), output.as_ptr(), deflater.stretches.capacity()));
    }
}

#[test]
fn a_mask_is_small() {
    let mut mask = vec![0u8; 65_536];
    for row in 100..140 {
        mask[row * 256 + 80..row * 256 + 110].fill(1);
    }
    // As long as what zlib's run-length strategy makes of it.
    assert_eq!(check_new(&mask, mask.len()), 190);
}

fn shuffled(bytes: &[u8]) -> Vec<u8> {
    let plane = |first: usize| bytes.iter().skip(first).step_by(2);
    plane(0).chain(plane(1)).copied().collect()
}

/// The pixels of each file of the study, which end it, shuffled.
fn images(folder: &Path, image_bytes: usize) -> Vec<Vec<u8>> {
    let entries = |folder: &Path| -> Vec<PathBuf> {
        let entries = std::fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    };
    let patients = entries(folder).into_iter().filter(|path| path.is_dir());
    let files = patients.flat_map(|patient| entries(&patient));
    let files = files.filter(|path| path.extension().is_some_and(|extension| extension == "dcm"));
    let contents = files.map(|file| std::fs::read(file).unwrap());
    contents.map(|bytes| shuffled(&bytes[bytes.len() - image_bytes..])).collect()
}

/// Checks all images; returns the bytes that they take, and those that zlib takes at level 4.
fn sizes(images: &[Vec<u8>]) -> [usize; 2] {
    let (mut deflater, mut output, mut sizes) = (PlaneDeflater::new(), Vec::new(), [0; 2]);
    for image in images {
        sizes[0] += check(&mut deflater, image, image.len() / 2, &mut output);
        let mut stream = Vec::new();
        let mut zlib = flate2::read::ZlibEncoder::new(&image[..], flate2::Compression::new(4));
        sizes[1] += zlib.read_to_end(&mut stream).unwrap();
    }
    sizes
}

#[test]
fn images_are_no_larger_than_zlib_makes_them() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/final_data/dicoms");
    let fixtures = images(&fixtures, 64 * 64 * 2);
    assert_eq!(fixtures.len(), 40);
    let [own, zlib] = sizes(&fixtures);
    assert!(own <= zlib, "fixtures: {own} bytes, zlib {zlib}");
}

/// Parts of many kinds behind each other.
fn structured() -> impl Strategy<Value = Vec<u8>> {
    let part = (0..5u8, 0..3000usize, any::<u8>(), any::<u32>()).prop_map(|(kind, length, value, seed)| {
        let random = random(seed.into()).map(|number| (number >> 8) as u8);
        match kind {
            0 => vec![value; length * 3],
            1 => random.take(length).collect(),
            2 => random.map(|byte| value.wrapping_add(byte % 4 * (byte % 3))).take(length).collect(),
            3 => (0..length).map(|i| value.wrapping_add((i / (1 + seed as usize % 9)) as u8)).collect(),
            _ => random.flat_map(|byte| vec![byte % 7; 1 + usize::from(byte >> 4)]).take(length).collect(),
        }
    });
    prop::collection::vec(part, 0..12).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn what_is_structured_decodes(input in structured(), plane_bytes in 0..40_000usize) {
        check_new(&input, plane_bytes);
    }

    #[test]
    fn what_is_short_decodes(input in prop::collection::vec(any::<u8>(), 0..300), few in 1..=255u8) {
        check_new(&input, 0);
        let few: Vec<u8> = input.iter().map(|byte| byte % few).collect();
        check_new(&few, 0);
    }
}
