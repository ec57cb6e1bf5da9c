//! Reads what a file says about itself.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use hdf5::datatype::ByteOrder;
use hdf5::types::FixedUnicode;
use hdf5::{Dataset, File};

use super::schema::{FORMAT, FORMAT_MAJOR, IMAGES, MASKS, SAMPLES, attribute, column};
use super::target::io_error;
use super::writer::hdf5_error;
use super::{StoreError, attributes};

/// Rows read at a time: memory stays bounded whatever the number of rows.
const ROWS_AT_A_TIME: usize = 4096;

/// What a file contains.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct DatasetInfo {
    /// Where the file is.
    pub path: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// Root attribute `format_version`.
    pub format_version: String,
    /// Root attribute `generator`.
    pub generator: String,
    /// Shape of `/images`: samples, rows, columns, channels.
    pub images: Vec<usize>,
    /// numpy's name of the pixel type.
    pub pixel_type: String,
    /// Unit of the pixels.
    pub units: String,
    /// Shape of `/masks`: samples, rows, columns, structures.
    pub masks: Vec<usize>,
    /// The mask planes, in order.
    pub structures: Vec<String>,
    /// Name of the mask rule.
    pub mask_rule: String,
    /// For each structure, in how many samples it was annotated.
    pub annotated: Vec<usize>,
    /// Number of samples.
    pub samples: usize,
    /// Number of patients.
    pub patients: usize,
    /// For each split, its samples and its patients.
    pub splits: BTreeMap<String, SplitInfo>,
    /// How the splits were made.
    pub split_rule: String,
    /// Samples that were left out because their image stands in another split.
    pub split_left_out: Vec<String>,
    /// Mean of the pixels of the train split.
    pub train_mean: Option<f64>,
    /// Population standard deviation of the pixels of the train split.
    pub train_std: Option<f64>,
    /// The options that decided the content.
    pub config: serde_json::Value,
    /// SHA-256 over paths and digests of all inputs.
    pub source_digest: String,
}

/// Size of one split.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct SplitInfo {
    /// Number of samples.
    pub samples: usize,
    /// Number of patients.
    pub patients: usize,
}

/// Reads what the file at `path` contains, without decoding a pixel.
///
/// # Errors
/// [`StoreError::NotOurs`] where it is another kind of file, [`StoreError::Version`] where it has a major
/// version that this program does not know, [`StoreError::Hdf5`] where HDF5 cannot read it.
pub fn read_info(path: &Path) -> Result<DatasetInfo, StoreError> {
    let Opened { file, images, masks, bytes, format_version } = Opened::open(path)?;
    let text = |name: &str| attributes::read_text(&file, name).unwrap_or_default();
    let dataset = |name: &str| Opened::dataset(&file, path, name);
    let columns = |name: &str| dataset(&format!("{SAMPLES}/{name}"));
    let (splits, patients) = count_splits(&columns(column::SPLIT)?, &columns(column::PATIENT_ID)?)
        .map_err(hdf5_error("read", path))?;
    let annotated = count_annotated(&columns(column::ANNOTATED)?).map_err(hdf5_error("read", path))?;
    let figure =
        |name: &str| attributes::read_number::<f64>(&images, name).filter(|figure| figure.is_finite());
    Ok(DatasetInfo {
        path: path.to_owned(),
        bytes,
        format_version,
        generator: text(attribute::GENERATOR),
        pixel_type: pixel_type_name(&images).map_err(hdf5_error("read", path))?,
        units: attributes::read_text(&images, attribute::UNITS).unwrap_or_default(),
        structures: attributes::read_texts(&file, attribute::STRUCTURES).unwrap_or_default(),
        mask_rule: text(attribute::MASK_RULE),
        annotated,
        samples: images.shape().first().copied().unwrap_or(0),
        patients,
        splits,
        split_rule: text(attribute::SPLIT_RULE),
        split_left_out: attributes::read_texts(&file, attribute::SPLIT_LEFT_OUT).unwrap_or_default(),
        train_mean: figure(attribute::TRAIN_MEAN),
        train_std: figure(attribute::TRAIN_STD),
        config: serde_json::from_str(&text(attribute::CONFIG)).unwrap_or_default(),
        source_digest: text(attribute::SOURCE_DIGEST),
        images: images.shape(),
        masks: masks.shape(),
    })
}

/// A file that was opened and found to be one of ours.
pub(super) struct Opened {
    pub(super) file: File,
    pub(super) images: Dataset,
    pub(super) masks: Dataset,
    /// The size of the file.
    pub(super) bytes: u64,
    pub(super) format_version: String,
}

impl Opened {
    /// Opens the file at `path` for reading, without locking it.
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        let (file, bytes, format_version) = Self::open_format(path, FORMAT)?;
        let [images, masks] = [IMAGES, MASKS].map(|name| Self::dataset(&file, path, name));
        Ok(Self { images: images?, masks: masks?, file, bytes, format_version })
    }

    /// Opens the file at `path`, of this format, for reading, without locking it. Its size and its version come
    /// with it.
    pub(super) fn open_format(path: &Path, format: &str) -> Result<(File, u64, String), StoreError> {
        let file = Self::open_hdf5(path)?;
        let bytes = std::fs::metadata(path).map_err(io_error("open", path))?.len();
        let text = |name: &str| attributes::read_text(&file, name).unwrap_or_default();
        if text(attribute::FORMAT) != format {
            return Err(Self::not_ours(path, format!("its attribute `format` is not {format:?}")));
        }
        let format_version = text(attribute::FORMAT_VERSION);
        if format_version.split('.').next() != Some(FORMAT_MAJOR) {
            return Err(StoreError::Version { path: path.to_owned(), found: format_version });
        }
        Ok((file, bytes, format_version))
    }

    /// Opens the file at `path` for reading, without locking it and without looking at an attribute.
    pub(super) fn open_hdf5(path: &Path) -> Result<File, StoreError> {
        let metadata = std::fs::metadata(path).map_err(io_error("open", path))?;
        // Opening a named pipe would wait for a writer.
        if !metadata.is_file() {
            return Err(Self::not_ours(path, "it is not a file".to_owned()));
        }
        if !is_hdf5(path).map_err(io_error("read", path))? {
            return Err(Self::not_ours(path, "it is not an HDF5 file without a user block".to_owned()));
        }
        File::with_options()
            .with_fapl(|access| access.file_locking(false))
            .open(path)
            .map_err(hdf5_error("open", path))
    }

    /// The dataset `name` of `file`.
    pub(super) fn dataset(file: &File, path: &Path, name: &str) -> Result<Dataset, StoreError> {
        file.dataset(name).map_err(|_| Self::not_ours(path, format!("it has no dataset /{name}")))
    }

    /// The error for a file at `path` of another kind.
    pub(super) fn not_ours(path: &Path, why: String) -> StoreError {
        StoreError::NotOurs { path: path.to_owned(), why }
    }
}

/// Whether numbers in this order are not as the format has them: little endian.
pub(super) fn is_swapped(order: ByteOrder) -> bool {
    !matches!(order, ByteOrder::LittleEndian | ByteOrder::None)
}

/// Whether the file begins as our files do: they have no user block.
fn is_hdf5(path: &Path) -> io::Result<bool> {
    const SIGNATURE: &[u8; 8] = b"\x89HDF\r\n\x1a\n";
    let mut start = Vec::new();
    std::fs::File::open(path)?.take(SIGNATURE.len() as u64).read_to_end(&mut start)?;
    Ok(start == SIGNATURE)
}

fn pixel_type_name(images: &Dataset) -> hdf5::Result<String> {
    use hdf5::types::TypeDescriptor as T;
    Ok(match images.dtype()?.to_descriptor()? {
        T::Integer(size) => format!("int{}", 8 * size as usize),
        T::Unsigned(size) => format!("uint{}", 8 * size as usize),
        T::Float(size) => format!("float{}", 8 * size as usize),
        other => other.to_string(),
    })
}

/// Samples and patients of each split, and the number of patients in all.
fn count_splits(split: &Dataset, patient_id: &Dataset) -> hdf5::Result<(BTreeMap<String, SplitInfo>, usize)> {
    let rows = split.shape().first().copied().unwrap_or(0);
    let mut splits: BTreeMap<String, SplitInfo> = BTreeMap::new();
    let mut patients: BTreeSet<(String, String)> = BTreeSet::new();
    for start in (0..rows).step_by(ROWS_AT_A_TIME) {
        let span = start..rows.min(start + ROWS_AT_A_TIME);
        let names = split.read_slice_1d::<FixedUnicode<16>, _>(span.clone())?;
        let ids = patient_id.read_slice_1d::<FixedUnicode<1024>, _>(span)?;
        for (name, id) in names.iter().zip(&ids) {
            splits.entry(name.as_str().to_owned()).or_default().samples += 1;
            patients.insert((name.as_str().to_owned(), id.as_str().to_owned()));
        }
    }
    let distinct: BTreeSet<&str> = patients.iter().map(|(_, id)| id.as_str()).collect();
    let total = distinct.len();
    for (name, _) in &patients {
        splits.entry(name.clone()).or_default().patients += 1;
    }
    Ok((splits, total))
}

fn count_annotated(annotated: &Dataset) -> hdf5::Result<Vec<usize>> {
    let cells = annotated.read_2d::<u8>()?;
    Ok(cells.columns().into_iter().map(|column| column.iter().filter(|&&cell| cell != 0).count()).collect())
}
