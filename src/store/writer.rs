//! Writes the HDF5 file: chunks as they come, in row order; columns and attributes at the end.

use std::path::Path;
use std::sync::Arc;

use hdf5::file::LibraryVersion;
use hdf5::plist::group_create::LinkPhaseChange;
use hdf5::types::{FloatSize, IntSize, TypeDescriptor};
use hdf5::{Dataset, File, Group, Location};

use super::chunked_dataset::{ChunkedLayout, set_rows};
use super::error::{hdf5_error, io_error};
use super::journal::{JournalHeader, JournalWriter, RunOfRows};
use super::sample_writer::SampleWriter;
use super::schema::{
    COMPACT, DOCUMENTATION, FOLDS, FORMAT, FORMAT_VERSION, IMAGE_DIMENSIONS, IMAGES, MASK_DIMENSIONS, MASKS,
    PERCENTILE_LEVELS, ROW_MAJOR_NOTE, SAMPLES, SPLIT_DISJOINT, attribute,
};
use super::shard::ShardColumns;
use super::target::Target;
use super::virtual_file::VirtualMap;
use super::write_back::WriteBack;
use super::{
    ChunkTable, DatasetFile, DatasetSpec, EncodedRow, LateCells, Moments, NO_FOLD, PartsFolder, Percentiles,
    PixelHistogram, RootAttributes, SampleRow, ShardBond, ShardRow, StoreError, VirtualSource, attributes,
    direct_chunk, text_checksum,
};
use crate::model::PixelType;

/// The pixels of the train split, or of all samples where there are no splits.
#[derive(Debug)]
pub struct TrainStatistics {
    /// Mean, standard deviation, extremes.
    pub moments: Moments,
    /// Percentiles at [`PERCENTILE_LEVELS`].
    pub percentiles: Percentiles,
}

/// The statistics that a file records.
#[derive(Debug)]
pub struct RecordedStatistics {
    /// Those of the train split, or of all samples where there are no splits.
    pub train: TrainStatistics,
    /// For each fold, those of all other folds: of the rows that are trained with when it is held out.
    pub without_fold: Vec<TrainStatistics>,
}

/// Writes one file of the format of this module.
pub struct DatasetWriter {
    // Dropped in this order: the journal has recorded all it is to record before the partial file is moved beside it.
    write_back: WriteBack,
    /// Rows that are not in the journal yet; `None` where there is none.
    run: Option<RunOfRows>,
    pixels: PixelStore,
    columns: SampleWriter,
    shard: Option<ShardColumns>,
    file: File,
    spec: DatasetSpec,
    target: Target,
}

/// Destination of images and masks.
enum PixelStore {
    /// Into the file.
    Chunks(PixelDatasets),
    /// They stand in other files.
    Virtual(VirtualMap),
}

struct PixelDatasets {
    images: Dataset,
    masks: Dataset,
}

impl DatasetWriter {
    /// Begins the file beside the name that `target` has claimed.
    ///
    /// # Errors
    /// [`StoreError::Hdf5`] where HDF5 cannot create the file.
    pub fn create(target: Target, spec: DatasetSpec) -> Result<Self, StoreError> {
        Self::create_over(target, spec, None)
    }

    /// As [`DatasetWriter::create`], for a file whose images and masks stand in `sources`.
    ///
    /// # Errors
    /// As [`DatasetWriter::create`].
    pub fn create_virtual(
        target: Target,
        spec: DatasetSpec,
        sources: Vec<VirtualSource>,
    ) -> Result<Self, StoreError> {
        Self::create_over(target, spec, Some(VirtualMap::new(sources)))
    }

    fn create_over(target: Target, spec: DatasetSpec, map: Option<VirtualMap>) -> Result<Self, StoreError> {
        let path = target.path().to_owned();
        let write_back = WriteBack::of(target.partial())?;
        Self::create_inner(target, write_back, spec, map).map_err(hdf5_error("create", &path))
    }

    fn create_inner(
        target: Target,
        write_back: WriteBack,
        spec: DatasetSpec,
        map: Option<VirtualMap>,
    ) -> hdf5::Result<Self> {
        let file = create_file(target.partial())?;
        let samples = create_group(&file, SAMPLES)?;
        let pixels = match map {
            Some(map) => PixelStore::Virtual(map),
            None => PixelStore::Chunks(PixelDatasets::create(&file, &spec)?),
        };
        let structures = spec.structures.len();
        let columns =
            SampleWriter::create(samples, spec.capacity, structures, spec.text_widths, spec.compression)?;
        let shard =
            spec.shard.as_ref().map(|(shard, width)| ShardColumns::create(&file, shard, *width, &spec));
        Ok(Self { write_back, run: None, pixels, columns, shard: shard.transpose()?, file, spec, target })
    }

    /// From now on, keeps a journal in `folder`, as number `number`, of the rows that are appended, for a run that continues
    /// after this one; `config` are the options that make the rows. Rows count from [`DatasetWriter::end_run`] on.
    ///
    /// # Errors
    /// [`StoreError::Io`] where the partial file cannot be read back.
    pub fn keep_rows(&mut self, folder: PartsFolder, number: u64, config: String) -> Result<(), StoreError> {
        let DatasetSpec { shape, channels, pixel_type, structures, compression, .. } = &self.spec;
        let header = JournalHeader {
            generator: GENERATOR.to_owned(),
            format_version: FORMAT_VERSION.to_owned(),
            config,
            pixel_type: pixel_type.name().to_owned(),
            shape: [shape.rows(), shape.columns()],
            channels: *channels,
            structures: structures.len(),
            is_compressed: compression.is_on(),
        };
        self.run = Some(RunOfRows::of(self.target.partial())?);
        self.write_back.keep_journal(JournalWriter::new(folder, number, header, self.target.keeper()));
        Ok(())
    }

    /// The rows so far are to survive: as soon as they are durable, the journal records them.
    ///
    /// # Errors
    /// [`StoreError::Io`] where they could not be made durable, or the journal not be written.
    pub fn end_run(&mut self) -> Result<(), StoreError> {
        match &mut self.run {
            Some(run) if !run.is_empty() => self.write_back.end_run(run.take()),
            _ => Ok(()),
        }
    }

    /// Appends the next row.
    ///
    /// # Errors
    /// [`StoreError::Hdf5`] where the chunks cannot be written, [`StoreError::Io`] where earlier ones could not be kept.
    pub fn append(&mut self, encoded: &EncodedRow) -> Result<(), StoreError> {
        let row = self.columns.rows() as u64;
        let PixelStore::Chunks(pixels) = &self.pixels else {
            unreachable!("the rows of a virtual file are appended by name")
        };
        let failed = hdf5_error("write a sample to", self.target.path());
        direct_chunk::write_chunk(&pixels.images, &[row, 0, 0, 0], &encoded.image).map_err(&failed)?;
        direct_chunk::write_chunk(&pixels.masks, &[row, 0, 0, 0], &encoded.mask).map_err(&failed)?;
        if let Some(run) = &mut self.run {
            run.add(encoded)?;
        }
        self.columns.push(&encoded.row).map_err(&failed)?;
        self.write_back.check()?;
        self.write_back.advance(encoded.image.bytes().len() + encoded.mask.bytes().len());
        Ok(())
    }

    /// Appends the next row of a virtual file: the image and the mask are those of row `source_row` of source `source`.
    ///
    /// # Errors
    /// As [`DatasetWriter::append`].
    pub fn append_virtual(
        &mut self,
        row: &SampleRow,
        source: usize,
        source_row: usize,
    ) -> Result<(), StoreError> {
        if let PixelStore::Virtual(map) = &mut self.pixels {
            map.push(source, source_row);
        }
        self.columns.push(row).map_err(hdf5_error("write a sample to", self.target.path()))
    }

    /// Adds what a shard says about the row that was appended last, which is `encoded`.
    ///
    /// # Errors
    /// As [`DatasetWriter::append`].
    pub fn append_shard(&mut self, row: &ShardRow, encoded: &EncodedRow) -> Result<(), StoreError> {
        let pushed = self.shard.as_mut().map_or(Ok(()), |shard| shard.push(row, encoded));
        pushed.map_err(hdf5_error("write a sample to", self.target.path()))
    }

    /// Adds the bonds of the patients of a shard's plan.
    ///
    /// # Errors
    /// As [`DatasetWriter::append`].
    pub fn write_bonds(&mut self, bonds: &[ShardBond]) -> Result<(), StoreError> {
        let written = self.shard.as_mut().map_or(Ok(()), |shard| shard.write_bonds(bonds));
        written.map_err(hdf5_error("write", self.target.path()))
    }

    /// Completes what a shard says. `train` counts the pixels of the rows that the plan counts as train.
    ///
    /// # Errors
    /// As [`DatasetWriter::append`].
    pub fn finish_shard(&mut self, train: &PixelHistogram) -> Result<(), StoreError> {
        let rows = self.columns.rows();
        let finished = self.shard.take().map_or(Ok(()), |shard| shard.finish(rows, train));
        finished.map_err(hdf5_error("finish", self.target.path()))
    }

    /// Places of the chunks of `/images` stand that were appended so far.
    ///
    /// # Errors
    /// [`StoreError`] where the file cannot be read back.
    pub fn written_images(&self) -> Result<ChunkTable, StoreError> {
        let path = self.target.partial();
        let file = std::fs::File::open(path).map_err(io_error("open", path))?;
        match &self.pixels {
            PixelStore::Chunks(pixels) => ChunkTable::read(&pixels.images, path, &Arc::new(file)),
            PixelStore::Virtual(map) => map.images(self.target.place(), &DatasetFile::source_tables),
        }
    }

    /// Number of rows so far.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.columns.rows()
    }

    /// Writes columns and attributes, closes the file, makes it durable and gives it its name. Returns the size of the
    /// file in bytes.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing stands under the final name.
    pub fn finish(
        self,
        root: &RootAttributes,
        statistics: &RecordedStatistics,
        cells: &LateCells<'_>,
    ) -> Result<u64, StoreError> {
        let path = self.target.path().to_owned();
        let failed = hdf5_error("finish", &path);
        let rows = self.columns.rows();
        let Self { target, file, pixels, columns, spec, write_back, .. } = self;
        let (pixels, map) = match pixels {
            PixelStore::Chunks(pixels) => (pixels, None),
            PixelStore::Virtual(map) => {
                (PixelDatasets::over(&file, &spec, &map, rows).map_err(&failed)?, Some(map))
            }
        };
        write_root_attributes(&file, &spec, root, rows)
            .and_then(|()| pixels.write_attributes(&spec, &root.units, &statistics.train))
            .and_then(|()| write_folds(&file, spec.channels, &statistics.without_fold))
            .map_err(&failed)?;
        // That it is so, `prep` has seen to.
        let disjoint = match cells.splits.iter().any(|split| !split.is_empty())
            || cells.folds.iter().any(|fold| *fold != NO_FOLD)
        {
            true if root.images_disjoint => &SPLIT_DISJOINT[..],
            true => &SPLIT_DISJOINT[..1],
            false => &[],
        };
        attributes::write_texts(&file, attribute::SPLIT_DISJOINT, disjoint.iter().copied())
            .map_err(&failed)?;
        map.map_or(Ok(()), |map| map.write(&file)).map_err(&failed)?;
        text_checksum::checksum(&file)
            .and_then(|sum| attributes::write_number(&file, attribute::TEXT_CHECKSUM, sum))
            .map_err(&failed)?;
        set_rows(&pixels.images, rows).map_err(&failed)?;
        set_rows(&pixels.masks, rows).map_err(&failed)?;
        columns.finish(cells).map_err(&failed)?;
        drop(pixels);
        file.flush().map_err(&failed)?;
        // Some file systems write a new file out when it is closed, and HDF5 closes it under its lock: no other thread could
        // write to any file meanwhile.
        write_back.finish()?;
        file.close().map_err(&failed)?;
        target.commit()
    }
}

impl PixelDatasets {
    /// Creates the datasets for chunks that are written into `file`.
    fn create(file: &File, spec: &DatasetSpec) -> hdf5::Result<Self> {
        let (rows, columns) = (spec.shape.rows(), spec.shape.columns());
        let shape = |planes: usize| [spec.capacity, rows, columns, planes];
        let pixels = pixel_descriptor(spec.pixel_type);
        let create = |name, element, shape: &[usize]| {
            ChunkedLayout { element, shape, chunk_rows: 1, compression: spec.compression }.create(file, name)
        };
        Ok(Self {
            images: create(IMAGES, &pixels, &shape(spec.channels))?,
            masks: create(MASKS, &MASK_CELLS, &shape(spec.structures.len()))?,
        })
    }

    /// Creates the datasets over those of other files.
    fn over(file: &File, spec: &DatasetSpec, map: &VirtualMap, rows: usize) -> hdf5::Result<Self> {
        let shape = |planes: usize| [rows, spec.shape.rows(), spec.shape.columns(), planes];
        let pixels = pixel_descriptor(spec.pixel_type);
        let images = map.create(file, IMAGES, &pixels, &shape(spec.channels))?;
        let masks = map.create(file, MASKS, &MASK_CELLS, &shape(spec.structures.len()))?;
        Ok(Self { images, masks })
    }

    /// Writes the attributes of both datasets; `units` are those of the images.
    fn write_attributes(&self, spec: &DatasetSpec, units: &str, train: &TrainStatistics) -> hdf5::Result<()> {
        let labels = attribute::DIMENSION_LABELS;
        attributes::write_dimension_labels(&self.images, labels, &IMAGE_DIMENSIONS)?;
        attributes::write_dimension_labels(&self.masks, labels, &MASK_DIMENSIONS)?;
        let at = &self.images;
        attributes::write_text(at, attribute::UNITS, units)?;
        write_statistics(at, spec.channels, train)
    }
}

/// Creates a group that has no time, with its links in its header.
fn create_group(parent: &Group, name: &str) -> hdf5::Result<Group> {
    let links = LinkPhaseChange { max_compact: COMPACT.0, min_dense: COMPACT.1 };
    let builder = parent.create_group_builder().with_gcpl(|create| create.link_phase_change(links));
    builder.obj_track_times(false).create(name)
}

/// Writes the attributes that [`TrainFigures::read`](super::TrainFigures) reads.
fn write_statistics(at: &Location, channels: usize, statistics: &TrainStatistics) -> hdf5::Result<()> {
    let [mean, std, min, max] = statistics.moments.figures();
    attributes::write_number(at, attribute::TRAIN_MEAN, mean)?;
    attributes::write_number(at, attribute::TRAIN_STD, std)?;
    attributes::write_number(at, attribute::TRAIN_MIN, min)?;
    attributes::write_number(at, attribute::TRAIN_MAX, max)?;
    if channels == 3 {
        let channels = statistics.moments.channel_figures();
        for (figure, name) in attribute::TRAIN_CHANNELS.iter().enumerate() {
            attributes::write_numbers(at, name, &[3], &channels.map(|figures| figures[figure]))?;
        }
    }
    let (Percentiles { all, channels }, levels) = (&statistics.percentiles, &PERCENTILE_LEVELS);
    if let Some(channels) = channels {
        let (name, shape) = (attribute::TRAIN_CHANNEL_PERCENTILES, [channels.len(), levels.len()]);
        attributes::write_numbers(at, name, &shape, channels.as_flattened())?;
    }
    attributes::write_numbers(at, attribute::TRAIN_PERCENTILES, &[all.len()], all)?;
    attributes::write_numbers(at, attribute::TRAIN_PERCENTILE_LEVELS, &[levels.len()], levels)
}

/// Writes the group of each fold, where there are folds.
fn write_folds(file: &File, channels: usize, without_fold: &[TrainStatistics]) -> hdf5::Result<()> {
    if without_fold.is_empty() {
        return Ok(());
    }
    let folds = create_group(file, FOLDS)?;
    for (fold, statistics) in without_fold.iter().enumerate() {
        write_statistics(&*create_group(&folds, &fold.to_string())?, channels, statistics)?;
    }
    Ok(())
}

const MASK_CELLS: TypeDescriptor = TypeDescriptor::Unsigned(IntSize::U1);

fn write_root_attributes(
    at: &File,
    spec: &DatasetSpec,
    root: &RootAttributes,
    rows: usize,
) -> hdf5::Result<()> {
    attributes::write_text(at, attribute::FORMAT, FORMAT)?;
    attributes::write_text(at, attribute::FORMAT_VERSION, FORMAT_VERSION)?;
    attributes::write_text(at, attribute::GENERATOR, GENERATOR)?;
    attributes::write_text(at, attribute::MASK_RULE, &root.mask_rule)?;
    attributes::write_texts(at, attribute::STRUCTURES, spec.structures.names())?;
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
    attributes::write_ascii(at, attribute::DOCUMENTATION, DOCUMENTATION)
}

/// Root attribute `generator`.
pub const GENERATOR: &str = concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION"));

/// Creates an HDF5 file at `path`, the partial file of a [`Target`].
pub(super) fn create_file(path: &Path) -> hdf5::Result<File> {
    File::with_options()
        .with_fapl(|access| {
            // The target holds a lock of its own. All chunks are written past HDF5's cache of chunks, which would take
            // 128 KiB for each dataset.
            access
                .libver_bounds(LibraryVersion::V110, LibraryVersion::V110)
                .file_locking(false)
                .chunk_cache(1, 0, 0.0)
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
