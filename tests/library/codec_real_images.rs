//! The encoder for byte planes on a real study: no larger than the library's, and decoded exactly.

use std::fs;

use dicomprep::store::{Applied, ChunkDecoder, ChunkEncoder, Compression, EncodedChunk, Encoder};

/// Bytes of the pixels, which stand at the end of each file of the study.
const PIXEL_BYTES: usize = 256 * 256 * 2;

#[test]
fn runs_are_no_larger_than_matches_on_real_images() {
    let Some(study) = crate::common::shared_data().map(|data| data.join("sunnybrook/final_data/dicoms"))
    else {
        eprintln!("skipped: the real study is not there");
        return;
    };
    let compression = Compression::new(4).unwrap();
    let mut encoders = Encoder::ALL.map(|encoder| ChunkEncoder::new(compression, encoder));
    let mut decoder = ChunkDecoder::new();
    let applied = Applied { deflated: true, shuffled_elements: Some(2) };
    let (mut chunk, mut decoded, mut sizes) = (EncodedChunk::default(), vec![0; PIXEL_BYTES], [0; 2]);
    let mut images = 0;
    for patient in fs::read_dir(study).unwrap() {
        let files = fs::read_dir(patient.unwrap().path()).unwrap();
        for file in
            files.map(|file| file.unwrap().path()).filter(|file| file.to_str().unwrap().ends_with("0.dcm"))
        {
            let bytes = fs::read(file).unwrap();
            let pixels = &bytes[bytes.len() - PIXEL_BYTES..];
            for (encoder, size) in encoders.iter_mut().zip(&mut sizes) {
                encoder.encode(pixels, 2, &mut chunk);
                *size += chunk.bytes().len();
                decoder.decode(chunk.bytes(), applied, &mut decoded).unwrap();
                assert!(decoded == pixels);
            }
            images += 1;
        }
    }
    let [runs, matches] = sizes;
    assert!(images > 50 && runs <= matches, "{images} images: {runs} bytes by runs, {matches} by matches");
}
