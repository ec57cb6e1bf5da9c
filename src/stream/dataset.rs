//! An open data set: its rows, its columns, its streams.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

use ndarray::ArrayView3;

use super::batch::{Element, ElementType, TensorSchema};
use super::decode_memory::{DecodeMemory, DecodePool};
use super::error::StreamError;
use super::own_sizes::{OwnSizes, own_sizes};
use super::select::{RowOptions, select};
use super::tensor_bytes::TensorBytes;
use super::tensor_pool::TensorPool;
use crate::model::{CountedPixels, GridShape, PaddingRange, PixelType};
use crate::prep::{Control, MergeOptions, MergedAs, Progress, merge};
use crate::store::{
    ClosedFile, ColumnReader, ColumnValues, DatasetFile, DatasetTables, RowFacts, RowReader, SampleColumns,
    StoreError, Target,
};

/// An open data set. Clones share it, on any number of threads.
///
/// Opening it reads its tables and closes the HDF5 handle: the file may be opened by others, also for writing. Rows are read
/// from the file that was opened, whatever stands under its name later. A process that was forked may use it too.
///
/// ```no_run
/// use dicomprep::order::Cursor;
/// use dicomprep::stream::{Dataset, StreamOptions, StreamWork};
/// # fn main() -> Result<(), dicomprep::stream::StreamError> {
/// let dataset = Dataset::open("final_data.h5".as_ref())?;
/// let options = StreamOptions { split: Some("train".to_owned()), ..StreamOptions::default() };
/// let stream = dataset.stream(&options)?;
/// let mut batches = stream.batches(Cursor::default(), &StreamWork::for_cores(4))?;
/// while let Some(batch) = batches.next() {
///     let batch = batch?;
///     let images = batch.images::<f32>(stream.schema()).expect("the images are float32 by default");
///     println!("{:?}", images.shape());
///     batches.recycle(batch);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Dataset(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    file: Arc<ClosedFile>,
    checksums: OnceLock<ColumnReader>,
    own_sizes: OnceLock<Option<OwnSizes>>,
    /// Memory for single rows and batches, and for the tensors of rows.
    memory: DecodePool,
    tensors: TensorPool,
}

/// The image and the mask of one row, as they are stored.
#[derive(Debug)]
pub struct StoredRow {
    /// The image (H, W, C), row-major, little endian.
    pub image: TensorBytes,
    /// Its shape and number type.
    pub image_schema: TensorSchema,
    /// The mask (H, W, K): 0 and 1.
    pub mask: TensorBytes,
    /// Its shape and number type.
    pub mask_schema: TensorSchema,
}

impl StoredRow {
    /// The image as an array (H, W, C), without a copy; `None` where `T` is not its number type.
    #[must_use]
    pub fn image<T: Element>(&self) -> Option<ArrayView3<'_, T>> {
        Some(self.image_schema.view(&self.image)?.index_axis_move(ndarray::Axis(0), 0))
    }

    /// The mask as an array (H, W, K), without a copy.
    #[must_use]
    pub fn mask(&self) -> Option<ArrayView3<'_, u8>> {
        Some(self.mask_schema.view(&self.mask)?.index_axis_move(ndarray::Axis(0), 0))
    }
}

impl Dataset {
    /// Opens the file at `path`.
    ///
    /// # Errors
    /// [`StreamError::Store`] where it cannot be read.
    pub fn open(path: &Path) -> Result<Self, StreamError> {
        let file = Arc::new(DatasetFile::open(path)?.close()?);
        Ok(Self(Arc::new(Inner {
            file,
            checksums: OnceLock::new(),
            own_sizes: OnceLock::new(),
            memory: DecodePool::default(),
            tensors: TensorPool::default(),
        })))
    }

    /// Opens all shards of one plan, given in any order, as the file that `dicomprep merge` would make of them.
    ///
    /// # Errors
    /// [`StreamError::Shards`] where they do not belong together; as [`Dataset::open`].
    pub fn open_shards(paths: &[PathBuf]) -> Result<Self, StreamError> {
        let cancel = AtomicBool::new(false);
        Self::join_shards(paths, &Control { progress: &Silent, cancel: &cancel })
    }

    /// [`Dataset::open_shards`] that reports its progress to `control` and can be stopped by it.
    ///
    /// # Errors
    /// As [`Dataset::open_shards`].
    pub fn join_shards(paths: &[PathBuf], control: &Control<'_>) -> Result<Self, StreamError> {
        // The virtual file is gone when this returns; what was read of it stays.
        let folder = tempfile::tempdir().map_err(StreamError::NoTemporaryFolder)?;
        let path = folder.path().join("shards.h5");
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let options = MergeOptions { merged_as: MergedAs::VirtualAnywhere, threads };
        merge(paths, Target::claim(&path, false)?, &options, control)?;
        Self::open(&path)
    }

    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.0.file.rows()
    }

    /// Shapes, structures, statistics.
    #[must_use]
    pub fn tables(&self) -> &DatasetTables {
        &self.0.file
    }

    /// Names of the columns of `/samples`, sorted.
    #[must_use]
    pub fn column_names(&self) -> Vec<&str> {
        self.0.file.column_names().collect()
    }

    /// All values of the column `name` of `/samples`.
    ///
    /// # Errors
    /// [`StreamError::Store`] where there is no such column, or it cannot be read.
    pub fn column(&self, name: &str) -> Result<ColumnValues, StreamError> {
        Ok(self.0.file.column(name)?.values()?)
    }

    /// The numbers of the rows that a split and conditions select, at least one, in the order of the file.
    ///
    /// # Errors
    /// As [`select`].
    pub fn select(&self, options: &RowOptions) -> Result<Vec<u64>, StreamError> {
        Ok(select(&*self.0.file, options)?.iter().collect())
    }

    /// The facts about `row`: its ids, its source, its annotations.
    ///
    /// # Errors
    /// [`StreamError::NoSuchRow`]; [`StreamError::Store`] where a column cannot be read.
    pub fn row_facts(&self, row: u64) -> Result<RowFacts, StreamError> {
        Ok(RowFacts::read(&*self.0.file, self.check_row(row)?)?)
    }

    /// The stored image and mask of `row`, at its own size, compared with their checksums.
    ///
    /// # Errors
    /// [`StreamError::NoSuchRow`]; [`StreamError::Row`] where they are damaged or cannot be read.
    pub fn row(&self, row: u64) -> Result<StoredRow, StreamError> {
        let (file, index) = (&self.0.file, self.check_row(row)?);
        let (mut image_schema, mut mask_schema) = stored_schemas(file);
        let [mut image, mut mask] =
            [file.image_bytes(), file.mask_bytes()].map(|length| self.0.tensors.take(length));
        let checksums = self.checksums()?;
        let too_large = |_| StreamError::BatchTooLarge { samples: 1, sample_bytes: file.image_bytes() };
        image.resize(file.image_bytes()).map_err(too_large)?;
        mask.resize(file.mask_bytes()).map_err(too_large)?;
        let DecodeMemory { chunks, image: stored_image, mask: stored_mask, .. } = self.0.memory.take(None);
        let mut reader = RowReader::reusing(file, Some(&checksums), chunks);
        let read = reader.read_image(index, &mut image).and_then(|()| reader.read_mask(index, &mut mask));
        let chunks = reader.into_chunk_reader();
        let memory = DecodeMemory { chunks, image: stored_image, mask: stored_mask, transformer: None };
        self.0.memory.give_back(None, memory);
        read.map_err(|source| StreamError::Row { row, id: self.id(index), source })?;
        if let Some(own) = self.own_size(row)? {
            let counted = CountedPixels { padding: PaddingRange::NONE, own, stored: file.shape() };
            for (tensor, schema) in [(&mut image, &mut image_schema), (&mut mask, &mut mask_schema)] {
                let part = counted.own_of_bytes(tensor).into_owned();
                tensor.resize(part.len()).map_err(too_large)?;
                tensor.copy_from_slice(&part);
                [schema.shape[0], schema.shape[1]] = [own.rows(), own.columns()];
            }
        }
        Ok(StoredRow { image, image_schema, mask, mask_schema })
    }

    /// The size of the image of `row` in a file whose images have sizes of their own, as `prep --size varied` stores them;
    /// `None` where all have one.
    ///
    /// # Errors
    /// [`StreamError::NoSuchRow`]; other [`StreamError`]s where the sizes cannot be read.
    pub fn own_size(&self, row: u64) -> Result<Option<GridShape>, StreamError> {
        let index = self.check_row(row)?;
        Ok(self.own_sizes()?.and_then(|sizes| sizes.get(index).copied()))
    }

    /// The sizes of all rows, read once; `None` where all are as large as they are stored.
    pub(super) fn own_sizes(&self) -> Result<Option<OwnSizes>, StreamError> {
        if let Some(sizes) = self.0.own_sizes.get() {
            return Ok(sizes.clone());
        }
        let sizes = own_sizes(&self.0.file)?;
        Ok(self.0.own_sizes.get_or_init(|| sizes).clone())
    }

    /// The pool that takes the tensors of rows back which [`Dataset::row`] has given: this saves the allocation of later ones.
    #[must_use]
    pub fn tensor_pool(&self) -> &TensorPool {
        &self.0.tensors
    }

    /// Memory for decoders of single batches.
    pub(super) fn decode_pool(&self) -> &DecodePool {
        &self.0.memory
    }

    /// The file.
    pub(super) fn file(&self) -> &Arc<ClosedFile> {
        &self.0.file
    }

    /// The checksums of all rows, read once.
    pub(super) fn checksums(&self) -> Result<ColumnReader, StoreError> {
        if let Some(checksums) = self.0.checksums.get() {
            return Ok(checksums.clone());
        }
        let checksums = self.0.file.checksums()?;
        Ok(self.0.checksums.get_or_init(|| checksums).clone())
    }

    /// `row` where the file has it.
    pub(super) fn check_row(&self, row: u64) -> Result<usize, StreamError> {
        let rows = self.rows() as u64;
        let exists = (row < rows).then_some(row as usize);
        exists.ok_or_else(|| StreamError::NoSuchRow { path: self.0.file.path().to_owned(), row, rows })
    }

    fn id(&self, row: usize) -> String {
        RowFacts::read(&*self.0.file, row)
            .map_or_else(|_| "its id cannot be read".to_owned(), |facts| facts.id)
    }
}

/// Progress without a display.
struct Silent;

impl Progress for Silent {
    fn begin(&self, _stage: &str, _total: usize) {}
    fn advance(&self, _steps: usize) {}
    fn end(&self) {}
}

/// Shapes and number types of images and masks as they are stored.
fn stored_schemas(file: &DatasetTables) -> (TensorSchema, TensorSchema) {
    let element = match file.pixel_type() {
        PixelType::UInt8 => ElementType::UInt8,
        PixelType::Int16 => ElementType::Int16,
        PixelType::UInt16 => ElementType::UInt16,
        PixelType::Float32 => ElementType::Float32,
    };
    let [height, width] = [file.shape().rows(), file.shape().columns()];
    let image =
        TensorSchema { element, shape: [height, width, file.channels()], axes: ["row", "column", "channel"] };
    let mask = TensorSchema {
        element: ElementType::UInt8,
        shape: [height, width, file.structures().len()],
        axes: ["row", "column", "structure"],
    };
    (image, mask)
}
