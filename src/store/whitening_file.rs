//! The file of a whitening matrix.

use std::path::Path;

use hdf5::types::{FloatSize, TypeDescriptor};
use hdf5::{File, Location};

use super::chunked_dataset::{Column, ColumnEncoder};
use super::column_spec::ColumnSpec;
use super::element::is_swapped;
use super::error::hdf5_error;
use super::schema::{MATRIX, ZCA_FORMAT, ZCA_FORMAT_VERSION, attribute, zca_attribute};
use super::sound_file::SoundFile;
use super::target::Target;
use super::writer::{GENERATOR, create_file};
use super::{
    ChunkReader, ChunkTable, CodecError, Compression, DatasetIdentity, DatasetTables, StoreError, attributes,
};

/// Compression of the matrix; its lower bytes are noise at any level.
const LEVEL: u8 = 4;

#[doc = include_str!("ZCA.md")]
#[derive(Debug, Clone, PartialEq)]
pub struct WhiteningFile {
    /// `/matrix`, row by row.
    pub matrix: Vec<f32>,
    /// Images that it was computed from.
    pub samples: u64,
    /// Directions that were kept.
    pub rank: u64,
    /// Number added to the singular values.
    pub epsilon: f64,
    /// The factor before centring; 1 where nothing is rescaled.
    pub rescale: f64,
    /// Mean of the pixels after rescaling.
    pub mean: f64,
    /// Standard deviation of the pixels after rescaling.
    pub std: f64,
    /// The data set that it was made for.
    pub data: DatasetIdentity,
}

impl WhiteningFile {
    /// Writes the file to `target`. Returns its size in bytes.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing stands under the final name.
    pub fn write(&self, target: Target) -> Result<u64, StoreError> {
        self.write_hdf5(target.partial()).map_err(hdf5_error("write", target.path()))?;
        target.commit()
    }

    fn write_hdf5(&self, path: &Path) -> hdf5::Result<()> {
        let file = create_file(path)?;
        let features = features(self.data.shape);
        let compression = Compression::new(LEVEL).expect("it is a level");
        let element = TypeDescriptor::Float(FloatSize::U4);
        let spec = ColumnSpec { name: MATRIX, element, axes: vec![features], texts: None };
        let mut rows = Column::create(&file, &spec, features, compression)?;
        let mut encoder = ColumnEncoder::new(compression);
        let (mut bytes, mut checksum) = (Vec::new(), 0);
        for row in self.matrix.chunks_exact(features) {
            bytes.clear();
            bytes.extend(row.iter().flat_map(|number| number.to_le_bytes()));
            checksum = crc32c::crc32c_append(checksum, &bytes);
            rows.push(&bytes, &mut encoder)?;
        }
        rows.finish(features, &mut encoder)?;
        self.write_attributes(&file, checksum)?;
        file.flush()?;
        file.close()
    }

    fn write_attributes(&self, at: &Location, checksum: u32) -> hdf5::Result<()> {
        attributes::write_text(at, attribute::FORMAT, ZCA_FORMAT)?;
        attributes::write_text(at, attribute::FORMAT_VERSION, ZCA_FORMAT_VERSION)?;
        attributes::write_text(at, attribute::GENERATOR, GENERATOR)?;
        let shape = self.data.shape.map(|side| side as u64);
        attributes::write_numbers(at, zca_attribute::SHAPE, &[shape.len()], &shape)?;
        attributes::write_number(at, attribute::SAMPLES, self.samples)?;
        attributes::write_number(at, zca_attribute::RANK, self.rank)?;
        attributes::write_number(at, zca_attribute::EPSILON, self.epsilon)?;
        attributes::write_number(at, zca_attribute::RESCALE, self.rescale)?;
        attributes::write_number(at, zca_attribute::FEATUREWISE_CENTER, 1u8)?;
        attributes::write_number(at, zca_attribute::FEATUREWISE_STD_NORMALIZATION, 0u8)?;
        attributes::write_number(at, zca_attribute::MEAN, self.mean)?;
        attributes::write_number(at, zca_attribute::STD, self.std)?;
        attributes::write_number(at, zca_attribute::CHECKSUM, checksum)?;
        attributes::write_text(at, attribute::SOURCE_DIGEST, &self.data.source_digest)?;
        attributes::write_text(at, attribute::CONFIG, &self.data.config)?;
        attributes::write_number(at, attribute::TRAIN_MEAN, self.data.train_mean.unwrap_or(f64::NAN))?;
        attributes::write_number(at, attribute::TRAIN_STD, self.data.train_std.unwrap_or(f64::NAN))
    }

    /// Reads the file at `path`, which was made for the data set `data`.
    ///
    /// # Errors
    /// [`StoreError::NotOurs`] and [`StoreError::Version`] where it is another kind of file,
    /// [`StoreError::OtherData`] where it was made for other data, [`StoreError::Damaged`] where the matrix is
    /// not the one that was written, and those of reading.
    pub fn read(path: &Path, data: &DatasetTables) -> Result<Self, StoreError> {
        let sound = SoundFile::open(path)?;
        sound.check_format(ZCA_FORMAT)?;
        let file = sound.hdf5();
        let number = |name: &str| {
            attributes::read_number::<f64>(file, name)
                .filter(|number| number.is_finite())
                .ok_or_else(|| sound.not_ours(format!("it has no number `{name}`")))
        };
        let count = |name: &str| attributes::read_number::<u64>(file, name).unwrap_or_default();
        let identity = identity(file);
        if let Some(what) = identity.difference(data.identity()) {
            let (path, data) = (path.to_owned(), data.path().to_owned());
            return Err(StoreError::OtherData { path, data, what });
        }
        Ok(Self {
            samples: count(attribute::SAMPLES),
            rank: count(zca_attribute::RANK),
            epsilon: number(zca_attribute::EPSILON)?,
            rescale: number(zca_attribute::RESCALE)?,
            mean: number(zca_attribute::MEAN)?,
            std: number(zca_attribute::STD)?,
            matrix: read_matrix(&sound, features(identity.shape))?,
            data: identity,
        })
    }
}

/// The data set that the file says it was made for.
fn identity(file: &File) -> DatasetIdentity {
    let text = |name: &str| attributes::read_text(file, name).unwrap_or_default();
    let figure = |name: &str| attributes::read_number::<f64>(file, name).filter(|figure| figure.is_finite());
    let shape = attributes::read_numbers::<u64>(file, zca_attribute::SHAPE).unwrap_or_default();
    let side = |axis: usize| shape.get(axis).and_then(|side| usize::try_from(*side).ok()).unwrap_or(0);
    DatasetIdentity {
        source_digest: text(attribute::SOURCE_DIGEST),
        config: text(attribute::CONFIG),
        shape: [0, 1, 2].map(side),
        train_mean: figure(attribute::TRAIN_MEAN),
        train_std: figure(attribute::TRAIN_STD),
    }
}

fn features(shape: [usize; 3]) -> usize {
    shape.iter().fold(1, |product, side| product.saturating_mul(*side))
}

/// `/matrix`, which is of `features` rows and columns.
fn read_matrix(sound: &SoundFile, features: usize) -> Result<Vec<f32>, StoreError> {
    let (file, path) = (sound.hdf5(), sound.path());
    let dataset = sound.dataset(MATRIX)?;
    let element = dataset.dtype().map_err(hdf5_error("read", path))?;
    let is_float32 = matches!(element.to_descriptor(), Ok(TypeDescriptor::Float(FloatSize::U4)));
    if !is_float32 || is_swapped(element.byte_order()) || dataset.shape() != [features, features] {
        let why = format!("its /matrix is not of {features} x {features} numbers of little endian float32");
        return Err(sound.not_ours(why));
    }
    let table = ChunkTable::read(&dataset, path, sound.file())?;
    if table.chunk_rows() > features {
        return Err(sound.not_ours(format!("its /matrix is in chunks of {} rows", table.chunk_rows())));
    }
    let no_memory = || {
        let why = format!("its /matrix of {features} x {features} numbers does not fit into memory");
        sound.not_ours(why)
    };
    let mut matrix: Vec<f32> = Vec::new();
    let numbers = features.checked_mul(features).ok_or_else(no_memory)?;
    matrix.try_reserve_exact(numbers).map_err(|_| no_memory())?;
    let (mut reader, mut chunk, mut checksum) = (ChunkReader::new(), vec![0; table.chunk_bytes()], 0);
    for number in 0..features.div_ceil(table.chunk_rows()) {
        reader.read(&table, number, &mut chunk)?;
        let rows = table.chunk_rows().min(features - number * table.chunk_rows());
        let whole_rows = &chunk[..rows * features * size_of::<f32>()];
        checksum = crc32c::crc32c_append(checksum, whole_rows);
        let (numbers, _) = whole_rows.as_chunks();
        matrix.extend(numbers.iter().map(|number| f32::from_le_bytes(*number)));
    }
    if attributes::read_number(file, zca_attribute::CHECKSUM) != Some(checksum) {
        return Err(table.damaged(0, CodecError::WholeChecksum));
    }
    Ok(matrix)
}
