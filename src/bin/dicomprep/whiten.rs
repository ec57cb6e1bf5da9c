//! `dicomprep whiten`: compute, write, and say what was done.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::Context;
use dicomprep::model::Plain;
use dicomprep::store::Target;
use dicomprep::whiten::{WhitenOptions, whiten};

use crate::args::{OutputArgs, WhitenArgs, all_cores};
use crate::exit::{self, Exit};
use crate::interrupt;
use crate::progress::progress;
use crate::table;

pub(crate) fn run(args: &WhitenArgs, output: &OutputArgs) -> anyhow::Result<Exit> {
    let began = Instant::now();
    let path = args.output.clone().unwrap_or_else(|| default_output(args));
    // What would make the end fail is found before the work.
    drop(Target::claim(&path, args.force)?);
    let running = interrupt::end_on_signals("interrupted; no file was written")?;
    if args.featurewise_std_normalization && !output.quiet {
        exit::tell(
            "note: --featurewise-std-normalization changes nothing: whitening replaces it, here as in Keras\n",
        );
    }
    let threads = args.threads.map_or_else(all_cores, usize::from);
    let options = WhitenOptions {
        epsilon: args.zca_epsilon,
        rescale: args.rescale.unwrap_or(1.0),
        threads: NonZeroUsize::new(threads).unwrap_or(NonZeroUsize::MIN),
    };
    let whitening = whiten(&args.file, &options, &*progress(output))?;
    // From here on it is quicker to wait for the end.
    let _writing = running.wait_for_the_end();
    let bytes = whitening.write(Target::claim(&path, args.force)?).context("the matrix is not written")?;
    if !output.quiet {
        let samples = table::count(usize::try_from(whitening.samples).unwrap_or(usize::MAX), "image");
        let features = whitening.data.shape.iter().product::<usize>();
        exit::tell(&format!(
            "{}: {features} x {features} matrix from {samples}, {} directions kept, {} in {:.2} s\n",
            Plain(&path.to_string_lossy()),
            whitening.rank,
            table::bytes(bytes),
            began.elapsed().as_secs_f64(),
        ));
    }
    Ok(Exit::Done)
}

/// `final_data.zca.h5` beside `final_data.h5`.
pub(crate) fn default_output(args: &WhitenArgs) -> PathBuf {
    args.file.with_extension("zca.h5")
}
