//! A file and the batches that are made of it.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::fill::{Filler, Unfilled};
use super::form::{Form, FormOptions, Whiten};
use super::row_cache::RowCache;
use super::select::{arrange_rows, select_rows, splits_of};
use super::{Batch, Normalization, StreamError, StreamOptions, StreamSchema, Times, prefetch};
use crate::augment::{AugmentParams, AugmentSpec, Centering, Whitening};
use crate::order::{Arrangement, BatchOptions, BatchPlan, Cursor, Rows, Sample};
use crate::split::SplitName;
use crate::store::{ColumnReader, DatasetFile, WhiteningFile, column};

/// The batches of a file: what they are is decided, nothing is decoded yet.
pub struct Stream {
    pub(super) file: DatasetFile,
    pub(super) rows: Rows,
    pub(super) form: Form,
    /// The checksums, if rows are compared with them.
    pub(super) checksums: Option<ColumnReader>,
    /// Each row's own window, if images are normalized with it.
    pub(super) windows: Option<ColumnReader>,
    /// `id`, `patient_id` and `split`, if batches get them.
    pub(super) texts: Option<[ColumnReader; 3]>,
    pub(super) cache: RowCache,
    evaluation: Evaluation,
    plan: BatchPlan,
    schema: StreamSchema,
    threads: usize,
    prefetch: usize,
}

impl Stream {
    /// The stream that `options` make of the file at `path`.
    ///
    /// # Errors
    /// [`StreamError`] where the file cannot be read, or what is asked for does not go with it.
    pub fn open(path: &Path, options: &StreamOptions) -> Result<Self, StreamError> {
        let file = DatasetFile::open(path)?;
        let structures = options.structures.as_deref().unwrap_or(file.structures()).to_vec();
        let normalization = Normalization::new(options.normalization, file.train());
        let selection = select_rows(&file, &options.rows)?;
        let evaluation = match options.augment {
            Some(_) => Evaluation::of(options, splits_of(&file, &selection)?),
            None => Evaluation::default(),
        };
        let rows = arrange_rows(&file, &options.rows, selection, options.seed)?;
        let spec = options.augment.clone();
        let spec = spec.map(|spec| if evaluation.unchanged { spec.for_evaluation() } else { spec });
        let form = Form::new(&FormOptions {
            image_shape: [file.shape().rows(), file.shape().columns(), file.channels()],
            pixel_type: file.pixel_type(),
            stored_planes: file.structures().len(),
            planes: &planes(&file, &structures)?,
            layout: options.layout,
            image_dtype: options.image_dtype,
            mask_dtype: options.mask_dtype,
            normalization,
            augment: spec.as_ref(),
            seed: options.seed,
            whiten: options.zca_whitening.as_deref().map(|path| read_whitening(path, &file)).transpose()?,
        });
        let form = form.map_err(|source| StreamError::Unfit { path: path.to_owned(), source })?;
        let plan = BatchPlan::new(batch_options(options, rows.len()));
        let schema = StreamSchema {
            image: form.image.schema().clone(),
            mask: form.mask.schema().clone(),
            structures,
            split: options.rows.split.clone(),
            seed: (options.shuffle || options.rows.balance.is_some() || form.augments())
                .then_some(options.seed),
            normalization: match options.zca_whitening {
                Some(_) => "zca-whitening".to_owned(),
                None => normalization.to_string(),
            },
            augmentation: form.augmentation().cloned(),
        };
        let column = |name: &str| file.column(name).and_then(ColumnReader::hold);
        let stream = Self {
            checksums: options.verify.then(|| file.checksums()).transpose()?,
            windows: normalization.needs_row_window().then(|| column(column::WINDOW)).transpose()?,
            texts: match options.texts {
                true => Some([column(column::ID)?, column(column::PATIENT_ID)?, column(column::SPLIT)?]),
                false => None,
            },
            // In a single epoch every row comes once, unless rows are drawn.
            cache: RowCache::new(match (&rows, options.epochs) {
                (Rows::Selected(_), Some(epochs)) if epochs.get() == 1 => 0,
                _ => options.cache_bytes,
            }),
            threads: options.threads.get(),
            prefetch: options.prefetch.get(),
            file,
            rows,
            form,
            evaluation,
            plan,
            schema,
        };
        stream.check_batch_size()?;
        Ok(stream)
    }

    /// What all batches have in common.
    #[must_use]
    pub fn schema(&self) -> &StreamSchema {
        &self.schema
    }

    /// Which samples make which batch.
    #[must_use]
    pub fn plan(&self) -> &BatchPlan {
        &self.plan
    }

    /// Decodes the batches from the one at `start` on all threads, and calls `take` for each in order, on the
    /// calling thread, with the times until then; it returns a batch whose memory can be used again, this or an earlier
    /// one. Returns what `take` broke off with, if it did. No thread is left when this returns.
    ///
    /// # Errors
    /// [`StreamError`] of the first batch that fails, after those before it were taken.
    pub fn run<B>(
        &self,
        start: Cursor,
        take: impl FnMut(Batch, &Times) -> ControlFlow<B, Option<Batch>>,
    ) -> Result<ControlFlow<B>, StreamError> {
        let batches = self.plan.batches_from(start)?;
        prefetch::run(self, batches, (self.threads, self.prefetch), take)
    }

    /// The sample that `row` of the file is in epoch `epoch`, whether the stream selects it or not: a batch of one.
    ///
    /// # Errors
    /// [`StreamError`] where there is no such row, or it cannot be read or formed.
    pub fn sample(&self, epoch: u64, row: u64) -> Result<Batch, StreamError> {
        let rows = self.file.rows() as u64;
        if row >= rows {
            return Err(StreamError::NoSuchRow { path: self.file.path().to_owned(), row, rows });
        }
        let mut batch = Batch { cursor: Cursor { epoch, batch: 0 }, ..Batch::default() };
        batch.samples.push(Sample { position: 0, row });
        match Filler::new(self, &AtomicBool::new(false)).fill(&mut batch) {
            Ok(()) | Err(Unfilled::Stopped) => Ok(batch),
            Err(Unfilled::Failed(error)) => Err(error),
        }
    }

    /// What can happen to samples; `None` where the stream is not augmented.
    #[must_use]
    pub fn augmentation(&self) -> Option<&AugmentSpec> {
        self.form.augmentation()
    }

    /// Which rows of splits to evaluate by there are, if something can happen to samples.
    #[must_use]
    pub fn evaluation(&self) -> &Evaluation {
        &self.evaluation
    }

    /// How many groups rows are drawn from; `None` where they are not drawn.
    #[must_use]
    pub fn groups(&self) -> Option<u64> {
        match &self.rows {
            Rows::Selected(_) => None,
            Rows::Balanced(balance) => Some(balance.groups()),
        }
    }

    /// The file.
    #[must_use]
    pub fn file(&self) -> &DatasetFile {
        &self.file
    }

    /// What is drawn for `row` of the file in epoch `epoch`; `None` where the stream is not augmented.
    #[must_use]
    pub fn draw(&self, epoch: u64, row: u64) -> Option<AugmentParams> {
        self.form.draw(epoch, row)
    }

    /// No batch is larger than the samples of an epoch, nor than memory has addresses.
    fn check_batch_size(&self) -> Result<(), StreamError> {
        let samples = self.plan.options().batch_size.get().min(self.plan.samples_per_epoch());
        let bytes =
            usize::try_from(samples).ok().and_then(|samples| samples.checked_mul(self.sample_bytes()));
        let fits = bytes.is_some_and(|bytes| isize::try_from(bytes).is_ok());
        if fits { Ok(()) } else { Err(self.too_large(samples)) }
    }

    /// The error for memory that does not hold so many samples.
    pub(super) fn too_large(&self, samples: u64) -> StreamError {
        StreamError::BatchTooLarge { samples, sample_bytes: self.sample_bytes() }
    }

    fn sample_bytes(&self) -> usize {
        self.schema.image.sample_bytes() + self.schema.mask.sample_bytes()
    }
}

/// Rows of splits other than train in a stream that is to be augmented.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Evaluation {
    /// Their splits, in the order of their names.
    pub splits: Vec<String>,
    /// Whether they are not changed at random: a split is named, all rows are such, and nobody asked for it.
    pub unchanged: bool,
}

impl Evaluation {
    fn of(options: &StreamOptions, splits: BTreeSet<String>) -> Self {
        let trains = |split: &String| split.is_empty() || split == SplitName::Train.name();
        let unchanged = options.rows.names_split() && !options.augment_eval && !splits.iter().any(trains);
        Self { splits: splits.into_iter().filter(|split| !trains(split)).collect(), unchanged }
    }
}

fn batch_options(options: &StreamOptions, rows: u64) -> BatchOptions {
    BatchOptions {
        rows,
        arrangement: match options.shuffle {
            true => Arrangement::Shuffled { seed: options.seed },
            false => Arrangement::FileOrder,
        },
        epochs: options.epochs,
        rank: options.rank,
        uneven: options.uneven,
        batch_size: options.batch_size,
        drop_last: options.drop_last,
    }
}

/// The whitening that the file at `path` has for `data`.
fn read_whitening(path: &Path, data: &DatasetFile) -> Result<Whiten, StreamError> {
    let file = WhiteningFile::read(path, data)?;
    let centering = Centering { rescale: file.rescale, mean: file.mean };
    let not_square = || StreamError::NoWhitening { path: path.to_owned() };
    let whitening = Arc::new(Whitening::new(file.matrix).ok_or_else(not_square)?);
    Ok(Whiten { centering, whitening })
}

/// The numbers of the mask planes of `structures` in the file.
fn planes(file: &DatasetFile, structures: &[String]) -> Result<Vec<usize>, StreamError> {
    let plane = |name: &String| {
        let found = file.structures().iter().position(|structure| structure == name);
        found.ok_or_else(|| StreamError::Unknown {
            path: file.path().to_owned(),
            what: "structure",
            name: name.clone(),
            known: file.structures().to_vec(),
        })
    };
    structures.iter().map(plane).collect()
}
