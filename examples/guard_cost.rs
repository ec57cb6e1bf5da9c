//! Measures what the walk over the structure of a file costs: `guard_cost FILE.h5 [ROUNDS]`.
//!
//! Prints medians in milliseconds: opening the file by the HDF5 library alone, opening it after the walk, and the time of
//! `batches` in process until its first batch, of which the walk is a part. Rounds of the three take turns.

use std::path::PathBuf;
use std::time::Instant;

use dicomprep::order::Cursor;
use dicomprep::store::SoundFile;
use dicomprep::stream::{Dataset, StreamOptions, StreamWork};

const NO_FILE: &str = "name a file of `dicomprep prep`";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut words = std::env::args_os().skip(1);
    let path = PathBuf::from(words.next().ok_or(NO_FILE)?);
    let rounds = words.next().and_then(|word| word.to_str()?.parse().ok()).unwrap_or(101);
    let mut times: [Vec<f64>; 3] = Default::default();
    for _ in 0..rounds {
        let begin = Instant::now();
        drop(hdf5::File::with_options().with_fapl(|access| access.file_locking(false)).open(&path)?);
        times[0].push(milliseconds(begin));
        let begin = Instant::now();
        drop(SoundFile::open(&path)?);
        times[1].push(milliseconds(begin));
        let begin = Instant::now();
        let stream = Dataset::open(&path)?.stream(&StreamOptions::default())?;
        let mut batches = stream.batches(Cursor::default(), &StreamWork::for_cores(2))?;
        batches.next().ok_or("no batches")??;
        times[2].push(milliseconds(begin));
    }
    let [library, walked, first_batch] = times.map(median);
    let walk = walked - library;
    let report = format!(
        "opened by HDF5 {library:.3} ms, after the walk {walked:.3} ms: the walk takes {walk:.3} ms; the first batch comes \
         after {first_batch:.1} ms, the walk is {:.2} % of that\n",
        100.0 * walk / first_batch
    );
    std::io::Write::write_all(&mut std::io::stdout(), report.as_bytes())?;
    Ok(())
}

fn milliseconds(begin: Instant) -> f64 {
    begin.elapsed().as_secs_f64() * 1e3
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
