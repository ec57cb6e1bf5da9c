//! Decodes image objects again and again: `decode_images FILE...` prints the shortest time of each in nanoseconds.

#![allow(clippy::print_stdout, reason = "its output is what it is for")]

use std::time::{Duration, Instant};

use dicomprep::source::{Limits, StoredPixels, parse_image};

/// Time for each image.
const PATIENCE: Duration = Duration::from_millis(100);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut stored = StoredPixels::default();
    for path in std::env::args_os().skip(1) {
        let (bytes, name) = (std::fs::read(&path)?, path.to_string_lossy());
        let (start, mut shortest) = (Instant::now(), Duration::MAX);
        while start.elapsed() < PATIENCE {
            let before = Instant::now();
            parse_image(&name, &bytes, &Limits::default(), &mut stored)?;
            shortest = shortest.min(before.elapsed());
        }
        println!("{}", shortest.as_nanos());
    }
    Ok(())
}
