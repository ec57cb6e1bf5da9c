//! Decodes a JPEG file to raw samples: 16 bits, little endian, the components of each pixel one behind the other. With
//! `--time`, decodes each of the files for a while and prints the shortest time in nanoseconds instead.

#![allow(clippy::print_stdout, reason = "a program prints")]

use std::error::Error;
use std::hint::black_box;
use std::time::{Duration, Instant};
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = env::args_os().skip(1).collect();
    let mut samples = Vec::new();
    match arguments.as_slice() {
        [option, files @ ..] if option == "--time" => {
            for file in files {
                println!("{}", shortest(&fs::read(file)?, &mut samples)?.as_nanos());
            }
        }
        [input, output] => {
            let decoded = dicomprep_jpeg::decode(&fs::read(input)?, &mut samples)?;
            fs::write(output, samples.iter().flat_map(|sample| sample.to_le_bytes()).collect::<Vec<_>>())?;
            eprintln!("{:?}", decoded.header);
        }
        _ => return Err("usage: decode FILE.jpg FILE.raw, or decode --time FILE.jpg...".into()),
    }
    Ok(())
}

/// The shortest of the times that decoding takes within a tenth of a second.
fn shortest(bytes: &[u8], samples: &mut Vec<u16>) -> Result<Duration, Box<dyn Error>> {
    let start = Instant::now();
    let mut shortest = Duration::MAX;
    while start.elapsed() < Duration::from_millis(100) {
        let before = Instant::now();
        dicomprep_jpeg::decode(black_box(bytes), samples)?;
        black_box(&samples);
        shortest = shortest.min(before.elapsed());
    }
    Ok(shortest)
}
