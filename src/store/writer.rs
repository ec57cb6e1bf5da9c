//! Writes the HDF5 file: chunks as they come, in row order; columns and attributes at the end.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hdf5::file::LibraryVersion;
use hdf5::plist::group_create::LinkPhaseChange;
use hdf5::types::{FloatSize, IntSize, TypeDescriptor};
use hdf5::{Dataset, File};

use super::columns::SampleColumns;
use super::schema::{
    FORMAT, FORMAT_VERSION, IMAGE_DIMENSIONS, IMAGES, MASK_DIMENSIONS, MASKS, PERCENTILE_LEVELS,
    ROW_MAJOR_NOTE, SAMPLES, SPLIT_DISJOINT, attribute,
};
use super::target::{Target, io_error};
use super::{
    ChunkTable, Compression, EncodedChunk, Encoder, ImageStatistics, Moments, SampleRow, StoreError,
    TextWidths, ValueHistogram, attributes, chunked_dataset, direct_chunk, text_checksum,
};
use crate::model::{GridShape, PixelType, Structure};

/// What must be known before the first row is written.
#[derive(Debug, Clone)]
pub struct DatasetSpec {
    /// Size of every image and mask.
    pub shape: GridShape,
    /// Type of the pixels.
    pub pixel_type: PixelType,
    /// The mask planes.
    pub structures: Vec<Structure>,
    /// Compression of all chunks.
    pub compression: Compression,
    /// The encoder of the image chunks.
    pub encoder: Encoder,
    /// The most rows there can be.
    pub capacity: usize,
    /// Widths of the text columns.
    pub text_widths: TextWidths,
}

/// One sample, encoded.
#[derive(Debug)]
pub struct EncodedRow {
    /// Its columns.
    pub row: SampleRow,
    /// The chunk of `/images`.
    pub image: EncodedChunk,
    /// The chunk of `/masks`.
    pub mask: EncodedChunk,
    /// The sums of its pixels.
    pub statistics: ImageStatistics,
}

/// The pixels of the train split, or of all samples where there are no splits.
#[derive(Debug)]
pub struct TrainStatistics {
    /// Mean, standard deviation, extremes.
    pub moments: Moments,
    /// How often each value occurs.
    pub histogram: ValueHistogram,
}

/// The attributes that the rows do not decide.
#[derive(Debug, Clone)]
pub struct RootAttributes {
    /// Name of the mask rule.
    pub mask_rule: String,
    /// Number of patients in the rows.
    pub patients: usize,
    /// How the splits were made, in words.
    pub split_rule: String,
    /// The seed of the splits.
    pub split_seed: u64,
    /// Patients that stand in one split because they share equal images: one entry for each group, the ids
    /// separated by commas.
    pub split_joined: Vec<String>,
    /// `id` of every sample that was left out because its image equals one in another split.
    pub split_left_out: Vec<String>,
    /// The options that decide the content, as JSON.
    pub config: String,
    /// SHA-256 over the paths and digests of all inputs, in hexadecimal.
    pub source_digest: String,
    /// Unit of the pixels.
    pub units: String,
}

/// Writes one file of the format of this module.
pub struct DatasetWriter {
    target: Target,
    file: File,
    images: Dataset,
    masks: Dataset,
    columns: SampleColumns,
    spec: DatasetSpec,
}

impl DatasetWriter {
    /// Begins the file beside the name that `target` has claimed.
    ///
    /// # Errors
    /// [`StoreError::Hdf5`] where HDF5 cannot create the file.
    pub fn create(target: Target, spec: DatasetSpec) -> Result<Self, StoreError> {
        let path = target.path().to_owned();
        Self::create_inner(target, spec).map_err(hdf5_error("create", &path))
    }

    fn create_inner(target: Target, spec: DatasetSpec) -> hdf5::Result<Self> {
        let file = create_file(target.partial())?;
        let links = LinkPhaseChange { max_compact: COMPACT.0, min_dense: COMPACT.1 };
        let samples = file
            .create_group_builder()
            .with_gcpl(|create| create.link_phase_change(links))
            .obj_track_times(false)
            .create(SAMPLES)?;
        let (rows, columns) = (spec.shape.rows(), spec.shape.columns());
        let shape = |planes: usize| [spec.capacity, rows, columns, planes];
        let pixels = pixel_descriptor(spec.pixel_type);
        let images = chunked_dataset::create(&file, IMAGES, &pixels, (&shape(1), 1), spec.compression)?;
        let cells = TypeDescriptor::Unsigned(IntSize::U1);
        let planes = shape(spec.structures.len());
        let masks = chunked_dataset::create(&file, MASKS, &cells, (&planes, 1), spec.compression)?;
        let structures = spec.structures.len();
        let columns =
            SampleColumns::create(samples, spec.capacity, structures, spec.text_widths, spec.compression)?;
        Ok(Self { target, file, images, masks, columns, spec })
    }

    /// Appends the next row.
    ///
    /// # Errors
    /// [`StoreError::Hdf5`] where the chunks cannot be written.
    pub fn append(&mut self, encoded: &EncodedRow) -> Result<(), StoreError> {
        let row = self.columns.rows() as u64;
        direct_chunk::write_chunk(&self.images, &[row, 0, 0, 0], &encoded.image)
            .and_then(|()| direct_chunk::write_chunk(&self.masks, &[row, 0, 0, 0], &encoded.mask))
            .and_then(|()| self.columns.push(&encoded.row))
            .map_err(hdf5_error("write a sample to", self.target.path()))
    }

    /// Where the chunks of `/images` stand that were appended so far.
    ///
    /// # Errors
    /// [`StoreError`] where the file cannot be read back.
    pub fn written_images(&self) -> Result<ChunkTable, StoreError> {
        let path = self.target.partial();
        let file = std::fs::File::open(path).map_err(io_error("open", path))?;
        ChunkTable::read(&self.images, path, &Arc::new(file))
    }

    /// Number of rows so far.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.columns.rows()
    }

    /// Writes columns and attributes, closes the file, makes it durable and gives it its name. `splits` has
    /// one name for each row, and `findings` the names of what the audit has found about it. Returns the size of
    /// the file in bytes.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing stands under the final name.
    pub fn finish(
        self,
        root: &RootAttributes,
        train: &TrainStatistics,
        splits: &[&str],
        findings: &[&str],
    ) -> Result<u64, StoreError> {
        let path = self.target.path().to_owned();
        let failed = hdf5_error("finish", &path);
        let rows = self.columns.rows();
        self.write_attributes(root, train, rows).map_err(&failed)?;
        // That it is so, `prep` has seen to.
        let disjoint = if splits.iter().any(|split| !split.is_empty()) { &SPLIT_DISJOINT[..] } else { &[] };
        attributes::write_texts(&self.file, attribute::SPLIT_DISJOINT, disjoint.iter().copied())
            .map_err(&failed)?;
        text_checksum::checksum(&self.file)
            .and_then(|sum| attributes::write_number(&self.file, attribute::TEXT_CHECKSUM, sum))
            .map_err(&failed)?;
        let Self { target, file, images, masks, columns, .. } = self;
        chunked_dataset::set_rows(&images, rows).map_err(&failed)?;
        chunked_dataset::set_rows(&masks, rows).map_err(&failed)?;
        columns.finish(splits, findings).map_err(&failed)?;
        drop((images, masks));
        file.flush().map_err(&failed)?;
        file.close().map_err(&failed)?;
        target.commit()
    }

    fn write_attributes(
        &self,
        root: &RootAttributes,
        train: &TrainStatistics,
        rows: usize,
    ) -> hdf5::Result<()> {
        let at = &self.file;
        attributes::write_text(at, attribute::FORMAT, FORMAT)?;
        attributes::write_text(at, attribute::FORMAT_VERSION, FORMAT_VERSION)?;
        attributes::write_text(at, attribute::GENERATOR, GENERATOR)?;
        attributes::write_text(at, attribute::MASK_RULE, &root.mask_rule)?;
        attributes::write_texts(at, attribute::STRUCTURES, self.spec.structures.iter().map(|s| s.name()))?;
        attributes::write_number(at, attribute::SAMPLES, rows as u64)?;
        attributes::write_number(at, attribute::PATIENTS, root.patients as u64)?;
        attributes::write_text(at, attribute::SPLIT_RULE, &root.split_rule)?;
        attributes::write_number(at, attribute::SPLIT_SEED, root.split_seed)?;
        let joined = root.split_joined.iter().map(String::as_str);
        attributes::write_texts(at, attribute::SPLIT_JOINED, joined)?;
        let left_out = root.split_left_out.iter().map(String::as_str);
        attributes::write_texts(at, attribute::SPLIT_LEFT_OUT, left_out)?;
        attributes::write_text(at, attribute::CONFIG, &root.config)?;
        attributes::write_text(at, attribute::SOURCE_DIGEST, &root.source_digest)?;
        attributes::write_text(at, attribute::ROW_MAJOR_NOTE, ROW_MAJOR_NOTE)?;

        let labels = attribute::DIMENSION_LABELS;
        attributes::write_dimension_labels(&self.images, labels, &IMAGE_DIMENSIONS)?;
        attributes::write_dimension_labels(&self.masks, labels, &MASK_DIMENSIONS)?;
        let at = &self.images;
        attributes::write_text(at, attribute::UNITS, &root.units)?;
        let [mean, std, min, max] = train.moments.figures();
        attributes::write_number(at, attribute::TRAIN_MEAN, mean)?;
        attributes::write_number(at, attribute::TRAIN_STD, std)?;
        attributes::write_number(at, attribute::TRAIN_MIN, min)?;
        attributes::write_number(at, attribute::TRAIN_MAX, max)?;
        let percentiles = PERCENTILE_LEVELS.map(|level| train.histogram.percentile(level));
        attributes::write_numbers(at, attribute::TRAIN_PERCENTILES, &[percentiles.len()], &percentiles)?;
        attributes::write_numbers(
            at,
            attribute::TRAIN_PERCENTILE_LEVELS,
            &[PERCENTILE_LEVELS.len()],
            &PERCENTILE_LEVELS,
        )
    }
}

/// Root attribute `generator`.
pub const GENERATOR: &str = concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION"));

/// Up to so many attributes and links stand in the header of their object, and again once there are fewer than the
/// second number; beyond, HDF5 builds a heap and two trees for them.
pub(super) const COMPACT: (u32, u32) = (64, 48);

/// Creates an HDF5 file at `path`, the partial file of a [`Target`].
pub(super) fn create_file(path: &Path) -> hdf5::Result<File> {
    File::with_options()
        .with_fapl(|access| {
            // The target holds a lock of its own.
            access.libver_bounds(LibraryVersion::V110, LibraryVersion::V110).file_locking(false)
        })
        .with_fcpl(|create| create.obj_track_times(false).attr_phase_change(COMPACT.0, COMPACT.1))
        .create(path)
}

fn pixel_descriptor(pixel_type: PixelType) -> TypeDescriptor {
    match pixel_type {
        PixelType::UInt8 => TypeDescriptor::Unsigned(IntSize::U1),
        PixelType::Int16 => TypeDescriptor::Integer(IntSize::U2),
        PixelType::UInt16 => TypeDescriptor::Unsigned(IntSize::U2),
        PixelType::Float32 => TypeDescriptor::Float(FloatSize::U4),
    }
}

pub(super) fn hdf5_error(action: &str, path: &Path) -> impl Fn(hdf5::Error) -> StoreError {
    let (action, path): (String, PathBuf) = (action.to_owned(), path.to_owned());
    move |source| {
        let (action, path) = (action.clone(), path.clone());
        match os_error(&source.to_string()) {
            Some(source) => StoreError::System { action, path, source },
            None => StoreError::Hdf5 { action, path, source },
        }
    }
}

/// The system's error that made HDF5 fail, which stands in the library's message as `errno = 28`.
fn os_error(message: &str) -> Option<io::Error> {
    let number = message.split("errno = ").nth(1)?;
    let end = number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len());
    number[..end].parse().ok().filter(|&number| number != 0).map(io::Error::from_raw_os_error)
}
