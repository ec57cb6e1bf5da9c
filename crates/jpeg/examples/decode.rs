//! Decodes a JPEG file to raw samples: 16 bits, little endian, the components of each pixel one behind the other.

use std::error::Error;
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = env::args_os().skip(1).collect();
    let [input, output] = arguments.as_slice() else {
        return Err("usage: decode FILE.jpg FILE.raw".into());
    };
    let mut samples = Vec::new();
    let decoded = dicomprep_jpeg::decode(&fs::read(input)?, &mut samples)?;
    fs::write(output, samples.iter().flat_map(|sample| sample.to_le_bytes()).collect::<Vec<_>>())?;
    eprintln!("{:?}", decoded.header);
    Ok(())
}
