//! Arguments of `whiten`.

use std::path::PathBuf;

use clap::ValueHint;

use super::choice::factor;

const WHITEN_EXAMPLES: &str = "\
Examples:
  dicomprep prep final_data/ -o small.h5 --size 64x64 --fit resize
  dicomprep whiten small.h5
      writes small.zca.h5

The matrix W of Keras' zca_whitening=True, over the train split (all samples where there are no splits):
  y = x * F - mean of the train split after rescaling; W = U diag(sqrt(m) / (s + E)) U^T, with U
  and s of the singular value decomposition of the m images y. W y is the whitened image. Directions in which no two images differ are
  left out.

Images have up to 4096 numbers (64 x 64). With n numbers, the matrix takes 4 n^2 bytes in the file and in memory, \
and computing it 24 n^2, whatever the number of images: for 32 x 32, 4 MB and 25 MB; for 64 x 64, 67 MB and 400 MB.

Reads each image of the train split against its checksum.

Exit codes: 0 all done; 1 it could not be done; 2 wrong usage.";

/// Compute the ZCA whitening matrix of the train split and write it to a file of its own
#[derive(Debug, clap::Args)]
#[command(after_help = WHITEN_EXAMPLES, allow_negative_numbers = true)]
pub(crate) struct WhitenArgs {
    /// The HDF5 file that prep has made
    #[arg(value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,

    /// The file to write [default: FILE with the ending .zca.h5]
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) output: Option<PathBuf>,
    /// Replace the output file if it exists
    #[arg(long)]
    pub(crate) force: bool,
    /// Added to the singular values: less amplification of directions in which images hardly differ
    #[arg(long, value_name = "E", default_value = "1e-6", value_parser = epsilon)]
    pub(crate) zca_epsilon: f64,
    /// Multiply pixels with this first [default: 1]
    #[arg(long, value_name = "F", value_parser = factor)]
    pub(crate) rescale: Option<f64>,
    /// Centre pixels with the mean of the train split; always so, as in Keras
    #[arg(long)]
    pub(crate) featurewise_center: bool,
    /// Changes nothing: whitening replaces it, as in Keras
    #[arg(long)]
    pub(crate) featurewise_std_normalization: bool,
    /// Number of threads; the file does not depend on it [default: all cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
}

fn epsilon(typed: &str) -> Result<f64, String> {
    let number = typed.parse::<f64>().ok().filter(|number| number.is_finite() && *number >= 0.0);
    number.ok_or_else(|| "use a number that is not negative, as in 1e-6".to_owned())
}
