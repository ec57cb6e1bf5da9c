use proptest::prelude::*;

use super::*;
use crate::store::deflate::PlaneDeflater;

/// What a reader has after a stream.
const AFTER: usize = 64;

fn deflated(planes: &[u8]) -> Vec<u8> {
    let mut stream = Vec::new();
    let length = PlaneDeflater::new().deflate(planes, planes.len() / 2, &mut stream);
    stream.truncate(length);
    stream.resize(length + AFTER, 0);
    stream
}

/// What the two streams stand for, where they are inflated together.
fn inflated(streams: [&[u8]; 2], length: usize) -> Option<[Vec<u8>; 2]> {
    let (mut one, mut two) = (Vec::new(), vec![0xAA; 7]);
    let done = PlaneInflater::default().inflate_two(streams, [&mut one, &mut two], length);
    one.truncate(length);
    two.truncate(length);
    done.then_some([one, two])
}

/// What one stream stands for, where it is inflated alone.
fn inflated_alone(stream: &[u8], length: usize) -> Option<Vec<u8>> {
    let mut out = vec![0xAA; 3];
    let done = PlaneInflater::default().inflate(stream, &mut out, length);
    out.truncate(length);
    done.then_some(out)
}

/// What libdeflate makes of a stream.
fn expected(stream: &[u8], length: usize) -> Option<Vec<u8>> {
    let mut out = vec![0; length];
    let found = libdeflater::Decompressor::new().zlib_decompress(stream, &mut out).ok()?;
    (found == length).then_some(out)
}

/// Low bytes of noise of so many bits, then high bytes in runs.
fn image(seed: u64, bits: u32, pixels: usize) -> Vec<u8> {
    let noise = |number: usize| {
        let bits = (seed + number as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        (bits ^ bits >> 31).wrapping_mul(0xBF58_476D_1CE4_E5B9)
    };
    let low = (0..pixels).map(|number| (noise(number) >> (64 - bits)) as u8);
    let high = (0..pixels).map(|number| (noise(number / 50) >> 62) as u8);
    low.chain(high).collect()
}

#[test]
fn streams_of_our_encoder_are_inflated_together() {
    for (bits, pixels) in [(6, 32_768), (1, 5000), (8, 40_000), (8, 2), (3, 3), (5, 1 << 17)] {
        let images = [image(1, bits, pixels), image(2, bits.div_ceil(2), pixels)];
        let streams = images.each_ref().map(|image| deflated(image));
        let alone = streams.each_ref().map(|stream| inflated_alone(stream, 2 * pixels));
        assert!(alone == images.each_ref().map(|image| Some(image.clone())), "{bits} bits, {pixels} pixels");
        let found = inflated([&streams[0], &streams[1]], 2 * pixels);
        assert!(found == Some(images), "{bits} bits, {pixels} pixels");
    }
    let zeros = [vec![0; 65_536], vec![7; 65_536]];
    let streams = zeros.each_ref().map(|planes| deflated(planes));
    assert!(inflated([&streams[0], &streams[1]], 65_536) == Some(zeros));
}

#[test]
fn memory_of_a_pair_does_no_harm_to_the_next() {
    let mut inflater = PlaneInflater::default();
    let (mut one, mut two) = (Vec::new(), Vec::new());
    for pixels in [9000, 300, 40_000] {
        let images = [image(3, 7, pixels), image(4, 2, pixels)];
        let streams = images.each_ref().map(|image| deflated(image));
        assert!(inflater.inflate_two([&streams[0], &streams[1]], [&mut one, &mut two], 2 * pixels));
        assert!(one[..2 * pixels] == images[0] && two[..2 * pixels] == images[1]);
        assert!(!inflater.inflate_two([&streams[0], &[]], [&mut one, &mut two], 2 * pixels));
    }
}

/// The place in the middle finds itself, and what it has read is taken over: the steps of the first lead to the middle alone.
#[test]
fn a_block_is_read_at_two_places() {
    let image = image(8, 7, 8000);
    let stream = deflated(&image);
    let (mut inflater, mut out) = (PlaneInflater::default(), vec![0; image.len() + SLACK]);
    let mut job = InflateJob { input: &stream, out: &mut out, length: image.len() };
    let PlaneInflater { streams: [one, _], ahead } = &mut inflater;
    let mut split = || {
        one.begin(&job)?;
        one.enter_block(&mut job)?;
        ahead.split(one, &mut job)
    };
    assert_eq!(split(), Some(true));
    let (at, taken) = (one.place.at, ahead.taken);
    assert!((5000..=8000).contains(&at) && taken > at / 3, "{taken} of {at} bytes are of the second place");
    assert!(out[..at] == image[..at]);
}

#[test]
fn what_is_damaged_is_never_taken() {
    let image = image(5, 6, 3000);
    let sound = deflated(&image);
    for position in 0..sound.len() - AFTER {
        for bit in [1, 0x10, 0x80] {
            let mut damaged = sound.clone();
            damaged[position] ^= bit;
            let alone = inflated_alone(&damaged, image.len());
            assert!(alone.is_none_or(|found| found == image), "byte {position}");
            for streams in [[&sound[..], &damaged], [&damaged, &sound]] {
                let found = inflated(streams, image.len());
                assert!(found.is_none_or(|found| found == [image.clone(), image.clone()]), "byte {position}");
            }
        }
    }
    for cut in 0..sound.len() - AFTER {
        assert!(inflated([&sound, &sound[..cut]], image.len()).is_none(), "{cut} bytes");
    }
    for length in [0, image.len() - 1, image.len() + 1] {
        assert!(inflated([&sound, &sound], length).is_none());
    }
}

proptest! {
    /// Streams of other encoders are left out, or are right.
    #[test]
    fn streams_of_libdeflate_are_right_or_left_out(
        bytes in prop::collection::vec(0..9_u8, 1..3000),
        level in 0..12,
    ) {
        let level = libdeflater::CompressionLvl::new(level).unwrap();
        let mut stream = vec![0; 2 * bytes.len() + 100];
        let length = libdeflater::Compressor::new(level).zlib_compress(&bytes, &mut stream).unwrap();
        stream.truncate(length + AFTER);
        let own = deflated(&bytes);
        if let Some(found) = inflated_alone(&stream, bytes.len()) {
            prop_assert_eq!(&found, &bytes);
        }
        if let Some(found) = inflated([&own, &stream], bytes.len()) {
            prop_assert_eq!(found, [bytes.clone(), bytes]);
        }
    }

    /// Whatever is taken, libdeflate takes too.
    #[test]
    fn any_bytes_are_what_libdeflate_makes_of_them(
        mut bytes in prop::collection::vec(any::<u8>(), 0..300),
        length in 0..400_usize,
        begins_well in any::<bool>(),
    ) {
        if let (true, Some(start)) = (begins_well, bytes.first_chunk_mut()) {
            *start = [0x78, 0x01, 0x05];
        }
        bytes.resize(bytes.len() + AFTER, 0);
        let own = deflated(&vec![1; length]);
        if let Some(found) = inflated_alone(&bytes, length) {
            prop_assert_eq!(Some(found), expected(&bytes, length));
        }
        if let Some([_, found]) = inflated([&own, &bytes], length) {
            prop_assert_eq!(Some(found), expected(&bytes, length));
        }
    }
}
