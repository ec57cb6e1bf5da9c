//! Computes the whitening matrix of a file: [`crate::augment::WhiteningMatrix`] over its train split.

use std::num::{NonZeroU64, NonZeroUsize};
use std::path::{Path, PathBuf};

use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};

use crate::augment::{Centering, CrossProducts, WhiteningMatrix, ZcaError};
use crate::order::Cursor;
use crate::prep::Progress;
use crate::store::{DatasetFile, StoreError, WhiteningFile, column};
use crate::stream::{Batch, Batches, Dataset, StreamError, StreamOptions, StreamWork};

/// Images whose products are summed before they are added to those of the images before them. Another number
/// makes other last bits.
const BLOCK_IMAGES: NonZeroU64 = NonZeroU64::new(256).expect("it is not zero");

/// The split that is whitened.
const TRAIN: &str = "train";

/// Options of a whitening matrix.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WhitenOptions {
    /// Added to the singular values.
    pub epsilon: f64,
    /// The factor before centring; 1 leaves the values as they are.
    pub rescale: f64,
    /// Threads; the matrix does not depend on them.
    pub threads: NonZeroUsize,
}

/// Why there is no whitening matrix.
#[derive(Debug, thiserror::Error)]
pub enum WhitenError {
    /// The file cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Its images cannot be read.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// Its images cannot be whitened.
    #[error("{} cannot be whitened", path.display())]
    Zca {
        /// The file.
        path: PathBuf,
        /// Why.
        source: ZcaError,
    },
    /// One of its images cannot be whitened.
    #[error("row {row} ({id}) of {} cannot be whitened", path.display())]
    Row {
        /// The file.
        path: PathBuf,
        /// The row.
        row: u64,
        /// Its `samples/id`.
        id: String,
        /// Why.
        source: ZcaError,
    },
    /// There is nothing to centre the images with.
    #[error("{} has no train_mean and train_std: no sample is in its train split", .0.display())]
    NoTrainStatistics(PathBuf),
    /// The factor makes no sense.
    #[error("the factor to rescale with is {0}; it must be finite and not 0")]
    Rescale(f64),
    /// Threads cannot be started.
    #[error("cannot start the threads; try fewer with --threads")]
    Threads(#[source] ThreadPoolBuildError),
}

/// The whitening matrix of the train split of the file at `path`, of all rows where there are no splits. The
/// images are read once; memory does not depend on their number, see [`crate::augment::work_bytes`].
///
/// # Errors
/// [`WhitenError`].
pub fn whiten(
    path: &Path,
    options: &WhitenOptions,
    progress: &dyn Progress,
) -> Result<WhiteningFile, WhitenError> {
    let zca = |source| WhitenError::Zca { path: path.to_owned(), source };
    let file = DatasetFile::open(path)?;
    let data = file.identity().clone();
    let mut products = CrossProducts::new(data.shape).map_err(zca)?;
    let (Some(mean), Some(std)) = (data.train_mean, data.train_std) else {
        return Err(WhitenError::NoTrainStatistics(path.to_owned()));
    };
    let rescale = options.rescale;
    if !rescale.is_finite() || rescale == 0.0 {
        return Err(WhitenError::Rescale(rescale));
    }
    if !(options.epsilon.is_finite() && options.epsilon >= 0.0) {
        return Err(zca(ZcaError::Epsilon(options.epsilon)));
    }
    let centering = Centering { rescale, mean: mean * rescale };
    let split = has_splits(&file)?.then(|| TRAIN.to_owned());
    drop(file);
    let pool = ThreadPoolBuilder::new().num_threads(options.threads.get()).build();
    let pool = pool.map_err(WhitenError::Threads)?;
    let stream = Dataset::open(path)?.stream(&stream_options(split))?;
    let batches = stream.batches(Cursor::default(), &stream_work(options.threads))?;
    let whole = usize::try_from(stream.plan().samples_per_epoch()).unwrap_or(usize::MAX);
    progress.begin("reading", whole);
    let added = add_all(path, batches, &pool, progress, |images| {
        centering.apply(images);
        products.add(images)
    });
    progress.end();
    added?;
    drop(stream);
    let samples = products.images();
    let matrix = pool.install(|| WhiteningMatrix::new(products, options.epsilon)).map_err(zca)?;
    Ok(WhiteningFile {
        matrix: matrix.numbers,
        samples,
        rank: matrix.rank as u64,
        epsilon: options.epsilon,
        rescale,
        mean: centering.mean,
        std: std * rescale.abs(),
        data,
    })
}

/// Hands the images of each batch to `add`, on the threads of `pool`.
fn add_all(
    path: &Path,
    mut batches: Batches,
    pool: &ThreadPool,
    progress: &dyn Progress,
    mut add: impl FnMut(&mut [f32]) -> Result<(), ZcaError> + Send,
) -> Result<(), WhitenError> {
    let mut images: Vec<f32> = Vec::new();
    while let Some(batch) = batches.next() {
        let batch = batch?;
        let (numbers, _) = batch.images.as_chunks();
        images.clear();
        images.extend(numbers.iter().map(|number| f32::from_le_bytes(*number)));
        pool.install(|| add(&mut images)).map_err(|source| row_error(path, &batch, source))?;
        progress.advance(batch.samples.len());
        batches.recycle(batch);
    }
    Ok(())
}

fn row_error(path: &Path, batch: &Batch, source: ZcaError) -> WhitenError {
    let path = path.to_owned();
    match source {
        ZcaError::NotFinite { image } if image < batch.samples.len() => {
            let (row, id) = (batch.samples[image].row, batch.ids.get(image).to_owned());
            WhitenError::Row { path, row, id, source }
        }
        source => WhitenError::Zca { path, source },
    }
}

/// True if any row is in a split.
fn has_splits(file: &DatasetFile) -> Result<bool, StoreError> {
    let mut splits = file.column(column::SPLIT)?.walk();
    for row in 0..file.rows() {
        if splits.cell(row)?.text().is_some_and(|name| !name.is_empty()) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Images as float32, in the order of the file.
fn stream_options(split: Option<String>) -> StreamOptions {
    StreamOptions {
        split,
        // What is learned of a split that shares images with another is as good.
        allow_leak: true,
        batch_size: BLOCK_IMAGES,
        shuffle: false,
        texts: true,
        ..StreamOptions::default()
    }
}

fn stream_work(threads: NonZeroUsize) -> StreamWork {
    let prefetch = NonZeroUsize::MIN.saturating_add(threads.get().min(3));
    StreamWork { threads, prefetch, ..StreamWork::default() }
}
