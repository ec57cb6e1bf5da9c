//! An open file: its shapes, its statistics, and its rows.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hdf5::{File, Location};

use super::column_reader::ColumnReader;
use super::dataset_tables::{ClosedFile, DatasetTables};
use super::element::read_element;
use super::error::hdf5_error;
use super::sample_column::SampleColumn;
use super::schema::{
    CHANNEL_PERCENTILES_SINCE, FOLDS, FORMAT, IMAGES, MASKS, PERCENTILE_LEVELS, SAMPLES, SPLIT_DISJOINT,
    attribute, column,
};
use super::sound_file::SoundFile;
use super::virtual_file;
use super::virtual_file::{SourceIdentity, SourceTables, VirtualSource, VirtualTables};
use super::{ChunkTable, DatasetIdentity, RootAttributes, StoreError, TrainFigures, attributes, rewritten};
use crate::model::{GridShape, PixelType};

/// A file whose rows can be read from any number of threads at once, without the library and its lock.
///
/// It is made of a [`SoundFile`], opened for reading and not locked: from read-only media, over a network, and by several readers at
/// once.
#[derive(Debug)]
pub struct DatasetFile {
    sound: SoundFile,
    tables: DatasetTables,
}

impl Deref for DatasetFile {
    type Target = DatasetTables;

    fn deref(&self) -> &DatasetTables {
        &self.tables
    }
}

/// A file that others hold: for as long as they live, or together with them.
pub(super) enum FileRef<'f> {
    Borrowed(&'f DatasetFile),
    Shared(Arc<DatasetFile>),
}

impl Deref for FileRef<'_> {
    type Target = DatasetFile;

    fn deref(&self) -> &DatasetFile {
        match self {
            Self::Borrowed(file) => file,
            Self::Shared(file) => file,
        }
    }
}

impl DatasetFile {
    /// Opens the file at `path`: reads its attributes, and where each row's chunks stand.
    ///
    /// # Errors
    /// [`StoreError::NotOurs`], [`StoreError::Version`], [`StoreError::Layout`] where it is a file that this
    /// program does not read, [`StoreError::Hdf5`] where HDF5 cannot read it, [`StoreError::VirtualSource`] where it is
    /// virtual and one of its files cannot be read, or has changed.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::of(SoundFile::open(path)?)
    }

    /// [`DatasetFile::open`] of a file whose structure was walked.
    ///
    /// # Errors
    /// As [`DatasetFile::open`].
    pub fn of(file: SoundFile) -> Result<Self, StoreError> {
        Self::open_as(file, true)
    }

    /// The rows of the file at `path`, which a virtual file refers to and which is not virtual itself.
    pub(super) fn source_tables(path: &Path) -> Result<SourceTables, StoreError> {
        let file = Self::open_as(SoundFile::open(path)?, false)?;
        let identity = file.virtual_identity();
        Ok(SourceTables { rows: file.rows, identity, images: file.tables.images, masks: file.tables.masks })
    }

    /// The files that a virtual file refers to; none where it is not virtual.
    #[must_use]
    pub fn virtual_sources(&self) -> Vec<PathBuf> {
        virtual_file::sources(self.hdf5(), self.path())
    }

    /// The file under the name `name`, for a virtual file that will refer to it.
    ///
    /// # Errors
    /// [`StoreError::NotOurs`] where it lacks a checksum.
    pub fn as_virtual_source(&self, name: String) -> Result<VirtualSource, StoreError> {
        let lacks = || self.sound.not_ours("it lacks checksums of its texts and columns");
        Ok(VirtualSource::new(name, self.rows, self.virtual_identity().ok_or_else(lacks)?))
    }

    fn virtual_identity(&self) -> Option<SourceIdentity> {
        let texts = attributes::read_number::<u32>(self.hdf5(), attribute::TEXT_CHECKSUM)?;
        let column = self.hdf5().dataset(&format!("{SAMPLES}/{}", column::CHECKSUM)).ok()?;
        let rows = attributes::read_number::<u32>(&column, attribute::CHECKSUM)?;
        Some([self.bytes(), texts.into(), rows.into()])
    }

    fn open_as(sound: SoundFile, may_be_virtual: bool) -> Result<Self, StoreError> {
        sound.check_format(FORMAT)?;
        let (path, hdf5, file) = (sound.path(), sound.hdf5(), sound.file());
        let (images, masks) = (sound.dataset(IMAGES)?, sound.dataset(MASKS)?);
        let not_ours = |why: String| sound.not_ours(why);
        let structures = attributes::read_texts(hdf5, attribute::STRUCTURES).unwrap_or_default();
        let [rows, height, width, channels] =
            common_shape(&images, &masks, structures.len()).map_err(not_ours)?;
        // Each row takes some bytes: no more rows are believed than there is room for.
        if rows as u64 > sound.bytes() {
            let bytes = sound.bytes();
            return Err(not_ours(format!("{rows} rows do not fit into its {bytes} bytes")));
        }
        let shape = GridShape::new(height, width).map_err(|error| not_ours(error.to_string()))?;
        let (pixel_type, mask_type) = (read_element(&images, path)?, read_element(&masks, path)?);
        let tables = match may_be_virtual {
            true => VirtualTables::open(hdf5, path, rows, &Self::source_tables)?,
            false => None,
        };
        let is_virtual = tables.is_some();
        let VirtualTables { images: image_table, masks: mask_table } = match tables {
            Some(tables) => tables,
            None => VirtualTables {
                images: read_table(&images, path, file)?,
                masks: read_table(&masks, path, file)?,
            },
        };
        let pixels = shape.pixels();
        let wanted = [pixels * channels * pixel_type.size(), pixels * structures.len()];
        if [image_table.chunk_bytes(), mask_table.chunk_bytes()] != wanted {
            return Err(not_ours("its images and masks are not those of its shape".to_owned()));
        }
        if mask_type != PixelType::UInt8 {
            return Err(not_ours(format!("its masks are {mask_type}")));
        }
        let train = TrainFigures::read(&images);
        let text = |name: &str| attributes::read_text(hdf5, name).unwrap_or_default();
        let identity = DatasetIdentity {
            source_digest: text(attribute::SOURCE_DIGEST),
            config: text(attribute::CONFIG),
            shape: [shape.rows(), shape.columns(), channels],
            train_mean: train.mean,
            train_std: train.std,
        };
        let tables = DatasetTables {
            path: path.to_owned(),
            bytes: sound.bytes(),
            rows,
            shape,
            channels,
            pixel_type,
            structures,
            train,
            without_fold: fold_figures(hdf5),
            identity,
            split_disjoint: attributes::read_texts(hdf5, attribute::SPLIT_DISJOINT).unwrap_or_default(),
            images: image_table,
            masks: mask_table,
            is_virtual,
        };
        Ok(Self { sound, tables })
    }

    /// `id` of the samples that were left out because their image stands in another split.
    #[must_use]
    pub fn split_left_out(&self) -> Vec<String> {
        attributes::read_texts(self.hdf5(), attribute::SPLIT_LEFT_OUT).unwrap_or_default()
    }

    /// Attribute `patients`.
    #[must_use]
    pub fn recorded_patients(&self) -> Option<u64> {
        attributes::read_number(self.hdf5(), attribute::PATIENTS)
    }

    /// Attribute `format_version`.
    #[must_use]
    pub fn format_version(&self) -> String {
        attributes::read_text(self.hdf5(), attribute::FORMAT_VERSION).unwrap_or_default()
    }

    /// The minor part of the attribute `format_version`.
    pub(super) fn minor_version(&self) -> u32 {
        self.format_version().split('.').nth(1).and_then(|minor| minor.parse().ok()).unwrap_or(0)
    }

    /// True if the format of the file's version has the column `name` in `/samples`.
    pub(super) fn must_have(&self, name: &str) -> bool {
        SampleColumn::find(name).is_some_and(|column| column.since <= self.minor_version())
    }

    /// Attribute `generator`.
    #[must_use]
    pub fn generator(&self) -> String {
        attributes::read_text(self.hdf5(), attribute::GENERATOR).unwrap_or_default()
    }

    /// The attributes with the statistics of train as they are recorded, NaN included: mean, standard deviation,
    /// minimum, maximum, and the percentiles; of colour images, these of each channel as well.
    #[must_use]
    pub fn recorded_statistics(&self) -> Vec<(&'static str, Option<f64>)> {
        let images = self.hdf5().dataset(IMAGES).ok();
        self.recorded_at(images.as_deref().map(|images| &**images))
    }

    /// As [`DatasetFile::recorded_statistics`], those of the rows that are trained with when `fold` is held out.
    #[must_use]
    pub fn recorded_fold_statistics(&self, fold: usize) -> Vec<(&'static str, Option<f64>)> {
        self.recorded_at(self.hdf5().group(&format!("{FOLDS}/{fold}")).ok().as_deref())
    }

    /// The percentiles of [`DatasetFile::recorded_statistics`], or of a fold, in the order of
    /// [`Percentiles::figures`](super::Percentiles::figures); NaN where there is none.
    #[must_use]
    pub fn recorded_percentiles(&self, fold: Option<usize>) -> Vec<f64> {
        let recorded =
            fold.map_or_else(|| self.recorded_statistics(), |fold| self.recorded_fold_statistics(fold));
        let names = [attribute::TRAIN_PERCENTILES, attribute::TRAIN_CHANNEL_PERCENTILES];
        let percentiles = recorded.into_iter().filter(|(name, _)| names.contains(name));
        percentiles.map(|(_, figure)| figure.unwrap_or(f64::NAN)).collect()
    }

    fn recorded_at(&self, at: Option<&Location>) -> Vec<(&'static str, Option<f64>)> {
        let single =
            [attribute::TRAIN_MEAN, attribute::TRAIN_STD, attribute::TRAIN_MIN, attribute::TRAIN_MAX];
        let number = |name| (name, at.and_then(|at| attributes::read_number::<f64>(at, name)));
        let mut all: Vec<_> = single.into_iter().map(number).collect();
        let mut add = |name, count| {
            let figures = at.and_then(|at| attributes::read_numbers::<f64>(at, name)).unwrap_or_default();
            all.extend((0..count).map(|place| (name, figures.get(place).copied())));
        };
        let levels = PERCENTILE_LEVELS.len();
        add(attribute::TRAIN_PERCENTILES, levels);
        if self.tables.channels == 3 {
            attribute::TRAIN_CHANNELS.into_iter().for_each(|name| add(name, 3));
            if self.minor_version() >= CHANNEL_PERCENTILES_SINCE {
                add(attribute::TRAIN_CHANNEL_PERCENTILES, 3 * levels);
            }
        }
        all
    }

    /// True if the percentiles of floats are values of the images: in files of version 1.0, they are the lower edges of
    /// the bins of a histogram.
    #[must_use]
    pub fn has_exact_percentiles(&self) -> bool {
        self.minor_version() > 0
    }

    /// The attributes that the rows do not decide, as they are recorded; what is missing is empty.
    #[must_use]
    pub fn recorded_root(&self) -> RootAttributes {
        let text = |name: &str| attributes::read_text(self.hdf5(), name).unwrap_or_default();
        let texts = |name: &str| attributes::read_texts(self.hdf5(), name).unwrap_or_default();
        let units = || attributes::read_text(&*self.hdf5().dataset(IMAGES).ok()?, attribute::UNITS);
        RootAttributes {
            mask_rule: text(attribute::MASK_RULE),
            patients: self.recorded_patients().and_then(|n| usize::try_from(n).ok()).unwrap_or_default(),
            split_rule: text(attribute::SPLIT_RULE),
            split_seed: attributes::read_number(self.hdf5(), attribute::SPLIT_SEED).unwrap_or_default(),
            split_joined: texts(attribute::SPLIT_JOINED),
            split_left_out: texts(attribute::SPLIT_LEFT_OUT),
            config: text(attribute::CONFIG),
            source_digest: text(attribute::SOURCE_DIGEST),
            units: units().unwrap_or_default(),
            images_disjoint: self.split_disjoint().len() == SPLIT_DISJOINT.len(),
        }
    }

    /// True if there is a column `name` in `/samples`: a file of an earlier minor version lacks later ones.
    #[must_use]
    pub fn has_column(&self, name: &str) -> bool {
        self.hdf5().link_exists(&format!("{SAMPLES}/{name}"))
    }

    /// The column `name` of `/samples`.
    ///
    /// # Errors
    /// [`StoreError`] where the file has no such column, or one of another type.
    pub fn column(&self, name: &str) -> Result<ColumnReader, StoreError> {
        self.column_in(SAMPLES, name)
    }

    /// Closes the HDF5 library's handle; images, masks and columns can be read as before, by plain reads of the file.
    ///
    /// # Errors
    /// [`StoreError::Hdf5`] where the columns cannot be listed.
    pub fn close(self) -> Result<ClosedFile, StoreError> {
        let group = self.hdf5().group(SAMPLES).and_then(|group| group.member_names());
        let names = group.map_err(hdf5_error("read", self.path()))?;
        // A column that cannot be read is an error for those who ask for it.
        let columns = names.into_iter().filter_map(|name| Some((name.clone(), self.column(&name).ok()?)));
        Ok(ClosedFile { columns: columns.collect(), tables: self.tables })
    }

    /// The column `name` of the group `group`.
    pub(super) fn column_in(&self, group: &str, name: &str) -> Result<ColumnReader, StoreError> {
        let name = format!("{group}/{name}");
        ColumnReader::new(&self.sound.dataset(&name)?, self.path(), self.sound.file(), self.rows)
    }

    /// The file as the library has it open.
    pub(super) fn hdf5(&self) -> &hdf5::File {
        self.sound.hdf5()
    }

    /// The column of the checksums, for [`RowReader::new`](super::RowReader::new).
    ///
    /// # Errors
    /// As [`DatasetFile::column`].
    pub fn checksums(&self) -> Result<ColumnReader, StoreError> {
        self.column(column::CHECKSUM)?.hold()
    }
}

/// The shape of `/images` where `/masks` goes with it, or what is wrong with them.
fn common_shape(
    images: &hdf5::Dataset,
    masks: &hdf5::Dataset,
    structures: usize,
) -> Result<[usize; 4], String> {
    let (images, masks) = (images.shape(), masks.shape());
    match (&images[..], &masks[..]) {
        (&[rows, height, width, channels], mask)
            if channels > 0 && *mask == [rows, height, width, structures] =>
        {
            Ok([rows, height, width, channels])
        }
        _ => Err(format!("/images is {images:?}, /masks {masks:?}, and there are {structures} structures")),
    }
}

/// Locations of the chunks of `dataset`, which has one row a chunk.
fn read_table(
    dataset: &hdf5::Dataset,
    path: &Path,
    file: &Arc<std::fs::File>,
) -> Result<ChunkTable, StoreError> {
    let layout = |why: String| StoreError::Layout { path: path.to_owned(), dataset: dataset.name(), why };
    let table = ChunkTable::read(dataset, path, file)?;
    if table.chunk_rows() != 1 {
        let command = rewritten::command(&dataset.file().map_err(hdf5_error("read", path))?);
        let command = command.map_err(hdf5_error("read", path))?;
        return Err(layout(format!("its chunks have {} rows; `{command}` undoes that", table.chunk_rows())));
    }
    Ok(table)
}

/// The statistics of each fold; none where the file has none.
fn fold_figures(file: &File) -> Vec<TrainFigures> {
    let group = |fold: usize| file.group(&format!("{FOLDS}/{fold}")).ok();
    match file.link_exists(FOLDS) {
        true => (0..).map_while(group).map(|group| TrainFigures::read(&group)).collect(),
        false => Vec::new(),
    }
}
