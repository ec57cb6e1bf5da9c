//! A stream: the batches of a data set, decided and not yet decoded.

use std::path::Path;
use std::sync::Arc;

use super::batch::{Batch, StreamSchema};
use super::batches::Batches;
use super::context::Context;
use super::crop::Cropper;
use super::dataset::Dataset;
use super::decode::{BatchDecoder, Undecoded};
use super::error::StreamError;
use super::normalize::{ChannelNormalization, Normalization};
use super::options::{StreamOptions, StreamWork};
use super::parts::{DecodeWork, StreamParts};
use super::row_cache::RowCache;
use super::select::{arrange_rows, select_rows, splits_of};
use super::stream_cursor::StreamCursor;
use super::stream_digest::stream_digest;
use super::transform::{SampleTransform, TransformOptions, Whitener};
use crate::augment::{AugmentParams, AugmentSpec, Centering, Whitening};
use crate::order::{BatchPlan, Cursor, OrderError, PlannedBatch, PlannedSample, Rows, Selection};
use crate::split::SplitName;
use crate::store::{ColumnReader, DatasetTables, SampleColumns, WhiteningFile, column};

/// The batches of a data set: everything about them is decided, nothing is decoded yet. Clones share it.
#[derive(Clone)]
pub struct Stream {
    dataset: Dataset,
    pub(super) parts: Arc<StreamParts>,
    evaluation: Evaluation,
    splits: Vec<String>,
    names_split: bool,
    without_pixels: Vec<String>,
    alone: u64,
    takes_foreign_cursors: bool,
}

impl Dataset {
    /// The stream that `options` make of it.
    ///
    /// # Errors
    /// [`StreamError::Options`] where the options do not go together; other [`StreamError`]s where they do not go with the
    /// file.
    pub fn stream(&self, options: &StreamOptions) -> Result<Stream, StreamError> {
        Stream::new(self.clone(), options)
    }
}

impl Stream {
    pub(super) fn new(dataset: Dataset, options: &StreamOptions) -> Result<Self, StreamError> {
        options.check()?;
        let augment = options.augment_spec()?;
        let (file, row_options) = (Arc::clone(dataset.file()), options.row_options());
        let selection = select_rows(&*file, &row_options)?;
        let splits: Vec<String> = match splits_of(&*file, &selection) {
            // Known for a remark alone: a column that cannot be read is no error of a stream that does without.
            Err(_) if augment.is_none() && !row_options.names_split() => Vec::new(),
            splits => splits?.into_iter().collect(),
        };
        let evaluation = match augment {
            Some(_) => Evaluation::of(options, &splits),
            None => Evaluation::default(),
        };
        let digest = stream_digest(&file, &selection, options);
        let context = Context::of(&file, &selection, options)?;
        let alone = context.as_ref().map_or(0, |context| context.alone(&selection));
        let images = context.as_ref().map_or(1, Context::images);
        let cropper = Cropper::of(&file, dataset.own_sizes()?, &selection, options)?;
        if let (Some(context), Some(cropper)) = (&context, &cropper) {
            check_sizes(&file, &selection, context, cropper)?;
        }
        let size = cropper.as_ref().map_or(file.shape(), Cropper::size);
        let rows = arrange_rows(&*file, &row_options, selection, options.seed)?;
        let augment = augment.map(|spec| if evaluation.unchanged { spec.for_evaluation() } else { spec });
        let structures = match &options.structures[..] {
            [] => file.structures().to_vec(),
            named => named.to_vec(),
        };
        let by_channel =
            ChannelNormalization::new(options.normalization_choice(), file.trained_with(options.fold));
        let normalization = by_channel.common();
        let transform = SampleTransform::new(&TransformOptions {
            image_shape: [size.rows(), size.columns(), images * file.channels()],
            pixel_type: file.pixel_type(),
            stored_planes: file.structures().len(),
            planes: &planes(&file, &structures)?,
            layout: options.layout,
            image_dtype: options.image_dtype,
            mask_dtype: options.mask_dtype,
            normalization: by_channel,
            augment: augment.as_ref(),
            seed: options.seed,
            whiten: options.zca_whitening.as_deref().map(|path| read_whitening(path, &file)).transpose()?,
        });
        let transform =
            transform.map_err(|source| StreamError::Unfit { path: file.path().to_owned(), source })?;
        let plan = BatchPlan::new(options.batch_options(rows.len())?);
        let schema = schema(options, &transform, structures, normalization);
        let column = |name: &str| SampleColumns::column(&*file, name).and_then(ColumnReader::hold);
        let windows = normalization.needs_row_window().then(|| column(column::WINDOW)).transpose()?;
        let says_function =
            windows.is_some() && file.column_names().any(|name| name == column::WINDOW_FUNCTION);
        let window_functions = says_function.then(|| column(column::WINDOW_FUNCTION)).transpose()?;
        let texts = match options.texts {
            true => Some([column(column::ID)?, column(column::PATIENT_ID)?, column(column::SPLIT)?]),
            false => None,
        };
        let names_split = row_options.names_split();
        // Known for a remark alone: a column that cannot be read is no error.
        let mut without_pixels = file.structures_without_pixels().unwrap_or_default();
        without_pixels.retain(|name| schema.structures.contains(name));
        let parts = Arc::new(StreamParts {
            rows,
            transform,
            context,
            cropper,
            windows,
            window_functions,
            texts,
            plan,
            schema,
            digest,
            file,
        });
        let stream = Self {
            dataset,
            parts,
            evaluation,
            splits,
            names_split,
            without_pixels,
            alone,
            takes_foreign_cursors: options.foreign_cursor,
        };
        stream.check_batch_size()?;
        Ok(stream)
    }

    /// The structures of the stream of which no row of the file has a pixel in its mask.
    #[must_use]
    pub fn without_pixels(&self) -> &[String] {
        &self.without_pixels
    }

    /// Number of selected rows beside which there is no image of a neighbour or another phase; 0 where none is asked for.
    #[must_use]
    pub fn alone(&self) -> u64 {
        self.alone
    }

    /// The batches from the one at `from` to the end, decoded on threads of their own. Nothing is started before the first
    /// is asked for.
    ///
    /// # Errors
    /// [`StreamError::ForeignCursor`] where `from` is of another stream; [`StreamError::Order`] where the stream has no
    /// batch at `from` and does not end there; [`StreamError::Store`] where checksums cannot be read.
    pub fn batches(&self, from: impl Into<StreamCursor>, work: &StreamWork) -> Result<Batches, StreamError> {
        let planned = self.parts.plan.batches_from(self.check_cursor(from.into())?)?;
        let checksums = work.verify.then(|| self.dataset.checksums()).transpose()?;
        let cache = match &work.shared_cache {
            Some(shared) => shared.clone(),
            None if self.takes_rows_once() => RowCache::new(0),
            None => RowCache::new(work.cache_bytes),
        };
        let decode = DecodeWork::new(checksums, cache);
        Ok(Batches::new(Arc::clone(&self.parts), decode, planned, work.threads.get(), work.prefetch.get()))
    }

    /// The batch at `cursor`, decoded on the calling thread: the same as in [`Stream::batches`]. Rows are verified.
    ///
    /// # Errors
    /// As [`Stream::batches`], and [`StreamError::Order`] where the stream has no such batch; [`StreamError`] where it
    /// cannot be read.
    pub fn batch(&self, cursor: impl Into<StreamCursor>) -> Result<Batch, StreamError> {
        self.batch_into(Batch::default(), self.check_cursor(cursor.into())?, &RowCache::new(0))
    }

    /// The batch at the place `cursor`, as [`Stream::batch`], in the memory of `batch` and with the decoded rows of `cache`,
    /// which is one of this data set. Rows that are new to it are kept there while there is room.
    ///
    /// # Errors
    /// As [`Stream::batch`], any cursor being one of this stream.
    pub fn batch_into(
        &self,
        mut batch: Batch,
        cursor: Cursor,
        cache: &RowCache,
    ) -> Result<Batch, StreamError> {
        let planned = self.planned_at(cursor)?;
        let work = DecodeWork::new(Some(self.dataset.checksums()?), cache.clone());
        self.parts.prepare(&planned, &mut batch, &work.cache);
        self.decode(batch, &work)
    }

    /// The batch at the place `cursor` without its tensors: its samples, and the batch that follows. Nothing is decoded.
    ///
    /// # Errors
    /// As [`Stream::batch`], any cursor being one of this stream.
    pub fn planned(&self, cursor: Cursor) -> Result<Batch, StreamError> {
        let mut batch = Batch::default();
        self.parts.assign(&self.planned_at(cursor)?, &mut batch);
        Ok(batch)
    }

    pub(super) fn planned_at(&self, cursor: Cursor) -> Result<PlannedBatch, StreamError> {
        let plan = &self.parts.plan;
        let planned = plan.batches_from(cursor)?.next();
        Ok(planned.ok_or_else(|| OrderError::StartPastEnd { start: cursor, end: plan.end() })?)
    }

    /// The sample that `row` of the file is in epoch `epoch`, whether the stream selects it or not: a batch of one.
    ///
    /// # Errors
    /// [`StreamError`] where there is no such row, or it cannot be read or transformed.
    pub fn sample(&self, epoch: u64, row: u64) -> Result<Batch, StreamError> {
        self.sample_into(Batch::default(), epoch, row)
    }

    /// [`Stream::sample`] in the memory of `batch`.
    ///
    /// # Errors
    /// As [`Stream::sample`].
    pub fn sample_into(&self, mut batch: Batch, epoch: u64, row: u64) -> Result<Batch, StreamError> {
        self.dataset.check_row(row)?;
        let work = DecodeWork::new(Some(self.dataset.checksums()?), RowCache::new(0));
        (batch.cursor, batch.next) = (Cursor { epoch, batch: 0 }, None);
        batch.samples.clear();
        batch.samples.push(PlannedSample { position: 0, row });
        self.decode(batch, &work)
    }

    fn decode(&self, mut batch: Batch, work: &DecodeWork) -> Result<Batch, StreamError> {
        match self.with_decoder(work, |decoder| decoder.decode(&mut batch)) {
            // Nobody stops it.
            Ok(()) | Err(Undecoded::Stopped) => Ok(batch),
            Err(Undecoded::Failed(error)) => Err(error),
        }
    }

    /// What `decode` makes by a decoder of the stream.
    pub(super) fn with_decoder<T>(
        &self,
        work: &DecodeWork,
        decode: impl FnOnce(&mut BatchDecoder<'_>) -> T,
    ) -> T {
        let pool = self.dataset.decode_pool();
        let mut decoder = BatchDecoder::new(&self.parts, work, pool.take(Some(&self.parts)));
        let decoded = decode(&mut decoder);
        pool.give_back(Some(&self.parts), decoder.into_memory());
        decoded
    }

    /// The place `at` as a cursor of this stream, which no other takes.
    #[must_use]
    pub fn cursor(&self, at: Cursor) -> StreamCursor {
        StreamCursor { at, stream: Some(self.parts.digest) }
    }

    /// The place of `cursor`.
    ///
    /// # Errors
    /// [`StreamError::ForeignCursor`] where it is of another stream, unless the options take such.
    pub fn check_cursor(&self, cursor: StreamCursor) -> Result<Cursor, StreamError> {
        let is_foreign = cursor.stream.is_some_and(|stream| stream != self.parts.digest);
        if is_foreign && !self.takes_foreign_cursors {
            return Err(StreamError::ForeignCursor { given: cursor, here: self.cursor(cursor.at) });
        }
        Ok(cursor.at)
    }

    /// Properties of all batches.
    #[must_use]
    pub fn schema(&self) -> &StreamSchema {
        &self.parts.schema
    }

    /// Plan of the batches.
    #[must_use]
    pub fn plan(&self) -> &BatchPlan {
        &self.parts.plan
    }

    /// The augmentation; `None` where nothing happens to samples at random.
    #[must_use]
    pub fn augmentation(&self) -> Option<&AugmentSpec> {
        self.parts.transform.augmentation()
    }

    /// Rows of evaluation splits, if the stream is augmented.
    #[must_use]
    pub fn evaluation(&self) -> &Evaluation {
        &self.evaluation
    }

    /// The splits of its rows, sorted; rows of no split have an empty one.
    #[must_use]
    pub fn splits(&self) -> &[String] {
        &self.splits
    }

    /// True if its rows were chosen by split or fold.
    #[must_use]
    pub fn names_split(&self) -> bool {
        self.names_split
    }

    /// True if no row comes twice: in a single epoch, unless rows are drawn or stand beside others.
    #[must_use]
    pub fn takes_rows_once(&self) -> bool {
        let is_one_epoch = self.plan().options().epochs.is_some_and(|epochs| epochs.get() == 1);
        is_one_epoch && matches!(self.parts.rows, Rows::Selected(_)) && self.parts.context.is_none()
    }

    /// Number of groups that rows are drawn from; `None` where they are not drawn.
    #[must_use]
    pub fn groups(&self) -> Option<u64> {
        match &self.parts.rows {
            Rows::Selected(_) => None,
            Rows::Balanced(balance) => Some(balance.groups()),
        }
    }

    /// The data set.
    #[must_use]
    pub fn dataset(&self) -> &Dataset {
        &self.dataset
    }

    /// The augmentation that is drawn for `row` of the file in epoch `epoch`; `None` where the stream is not augmented.
    #[must_use]
    pub fn draw(&self, epoch: u64, row: u64) -> Option<AugmentParams> {
        self.parts.transform.draw(epoch, row)
    }

    /// No batch is larger than the samples of an epoch, nor than memory has addresses.
    fn check_batch_size(&self) -> Result<(), StreamError> {
        let samples = self.plan().options().batch_size.get().min(self.plan().samples_per_epoch());
        let sample_bytes = self.parts.sample_bytes();
        let bytes = usize::try_from(samples).ok().and_then(|samples| samples.checked_mul(sample_bytes));
        let fits = bytes.is_some_and(|bytes| isize::try_from(bytes).is_ok());
        if fits { Ok(()) } else { Err(self.parts.too_large(samples)) }
    }
}

/// Rows of splits other than train in an augmented stream.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Evaluation {
    /// Their splits, in the order of their names, or the fold that is held out.
    pub splits: Vec<String>,
    /// True if they are not changed at random: a split or fold is named, all rows are such, and augmentation of them was not asked for.
    pub unchanged: bool,
}

impl Evaluation {
    fn of(options: &StreamOptions, splits: &[String]) -> Self {
        let trains = |split: &String| split.is_empty() || split == SplitName::Train.name();
        if let Some(fold) = options.fold.filter(|_| options.held_out) {
            return Self { splits: vec![format!("fold {fold}")], unchanged: !options.augment_eval };
        }
        let named = options.row_options().names_split();
        let unchanged = named && !options.augment_eval && !splits.iter().any(trains);
        Self { splits: splits.iter().filter(|split| !trains(split)).cloned().collect(), unchanged }
    }
}

/// Checks that all images beside each other have one size.
fn check_sizes(
    file: &DatasetTables,
    selection: &Selection,
    context: &Context,
    cropper: &Cropper,
) -> Result<(), StreamError> {
    for row in selection.iter() {
        let own = cropper.own(row);
        if let Some(other) = context.rows(row).flatten().find(|other| cropper.own(*other) != own) {
            let (path, beside) = (file.path().to_owned(), cropper.own(other));
            return Err(StreamError::MixedStack { path, row, own, other, beside });
        }
    }
    Ok(())
}

fn schema(
    options: &StreamOptions,
    transform: &SampleTransform,
    structures: Vec<String>,
    normalization: Normalization,
) -> StreamSchema {
    let random = options.shuffle || options.balance.is_some() || transform.augments();
    StreamSchema {
        image: transform.image.schema().clone(),
        mask: transform.mask.schema().clone(),
        neighbours: options.neighbours,
        phases: options.phases,
        structures,
        split: options.split.clone(),
        fold: options.fold,
        held_out: options.held_out,
        seed: random.then_some(options.seed),
        normalization: match options.zca_whitening {
            Some(_) => "zca-whitening".to_owned(),
            None => normalization.to_string(),
        },
        augmentation: transform.augmentation().cloned(),
    }
}

/// The whitening that the file at `path` has for `data`.
fn read_whitening(path: &Path, data: &DatasetTables) -> Result<Whitener, StreamError> {
    let file = WhiteningFile::read(path, data)?;
    let centering = Centering { rescale: file.rescale, mean: file.mean };
    let not_square = || StreamError::NoWhitening { path: path.to_owned() };
    let whitening = Arc::new(Whitening::new(file.matrix).ok_or_else(not_square)?);
    Ok(Whitener { centering, whitening })
}

/// The numbers of the mask planes of `structures` in the file.
fn planes(file: &DatasetTables, structures: &[String]) -> Result<Vec<usize>, StreamError> {
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
