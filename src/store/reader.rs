//! Reads what a file says about itself.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use hdf5::Dataset;

use super::error::hdf5_error;
use super::schema::{FORMAT, IMAGES, MASKS, SAMPLES, attribute, column};
use super::sound_file::SoundFile;
use super::without_pixels::without_pixels;
use super::{ColumnReader, StoreError, attributes, text_checksum};

/// Contents of a file.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct DatasetInfo {
    /// Path of the file.
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
    /// The structures of which no sample has a pixel in its mask.
    pub without_pixels: Vec<String>,
    /// Number of samples.
    pub samples: usize,
    /// Number of patients.
    pub patients: usize,
    /// For each split, its samples and its patients.
    pub splits: BTreeMap<String, SplitInfo>,
    /// For each fold, its samples and its patients; none where there are no folds.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub folds: Vec<SplitInfo>,
    /// Rule of the splits.
    pub split_rule: String,
    /// Samples that were left out because their image stands in another split.
    pub split_left_out: Vec<String>,
    /// Mean of the pixels of the train split.
    pub train_mean: Option<f64>,
    /// Population standard deviation of the pixels of the train split.
    pub train_std: Option<f64>,
    /// Mean of each channel of colour images.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub train_channel_mean: Option<Vec<f64>>,
    /// Population standard deviation of each channel of colour images.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub train_channel_std: Option<Vec<f64>>,
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
/// What is shown is checked: the texts of attributes and the columns that are counted, against their checksums.
///
/// # Errors
/// [`StoreError::Flawed`] where one of them is damaged, [`StoreError::NotOurs`] where it is another kind of file, [`StoreError::Version`] where it has a major
/// version that this program does not know, [`StoreError::Hdf5`] where HDF5 cannot read it.
pub fn read_info(path: &Path) -> Result<DatasetInfo, StoreError> {
    let sound = SoundFile::open(path)?;
    let format_version = sound.check_format(FORMAT)?;
    let (file, bytes) = (sound.hdf5(), sound.bytes());
    let (images, masks) = (sound.dataset(IMAGES)?, sound.dataset(MASKS)?);
    let flawed = |place: String, what: String| StoreError::Flawed { path: path.to_owned(), place, what };
    if let Some(what) = text_checksum::flaw(file) {
        return Err(flawed("/@text_checksum".to_owned(), what));
    }
    let rows = images.shape().first().copied().unwrap_or(0);
    let checked = |name: &str| {
        let place = format!("/{SAMPLES}/{name}");
        let dataset = sound.dataset(&place)?;
        let expected = attributes::read_number::<u32>(&dataset, attribute::CHECKSUM);
        let column = ColumnReader::new(&dataset, path, sound.file(), rows)?;
        if expected.is_some_and(|expected| column.checksum().is_ok_and(|sum| sum != expected)) {
            return Err(flawed(place, "its CRC-32C is not the one in its attribute `checksum`".to_owned()));
        }
        Ok(column)
    };
    let (split, patient_id) = (checked(column::SPLIT)?, checked(column::PATIENT_ID)?);
    checked(column::ANNOTATED)?;
    let structures = attributes::read_texts(file, attribute::STRUCTURES).unwrap_or_default();
    let without_pixels = without_pixels(checked(column::MASK_PIXELS)?, &structures)?;
    let text = |name: &str| attributes::read_text(file, name).unwrap_or_default();
    let columns = |name: &str| sound.dataset(&format!("{SAMPLES}/{name}"));
    let has_folds = file.link_exists(&format!("{SAMPLES}/{}", column::FOLD));
    let fold = has_folds.then(|| checked(column::FOLD)).transpose()?;
    let folds = fold.map_or(Ok(Vec::new()), |fold| count_folds(fold, patient_id.clone()))?;
    let (splits, patients) = count_splits(split, patient_id)?;
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
        structures,
        without_pixels,
        mask_rule: text(attribute::MASK_RULE),
        annotated,
        samples: rows,
        patients,
        splits,
        folds,
        split_rule: text(attribute::SPLIT_RULE),
        split_left_out: attributes::read_texts(file, attribute::SPLIT_LEFT_OUT).unwrap_or_default(),
        train_mean: figure(attribute::TRAIN_MEAN),
        train_std: figure(attribute::TRAIN_STD),
        train_channel_mean: attributes::read_numbers(&images, attribute::TRAIN_CHANNELS[0]),
        train_channel_std: attributes::read_numbers(&images, attribute::TRAIN_CHANNELS[1]),
        config: serde_json::from_str(&text(attribute::CONFIG)).unwrap_or_default(),
        source_digest: text(attribute::SOURCE_DIGEST),
        images: images.shape(),
        masks: masks.shape(),
    })
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
fn count_splits(
    split: ColumnReader,
    patient_id: ColumnReader,
) -> Result<(BTreeMap<String, SplitInfo>, usize), StoreError> {
    let rows = split.rows();
    let (mut split, mut patient_id) = (split.walk(), patient_id.walk());
    let mut splits: BTreeMap<String, SplitInfo> = BTreeMap::new();
    let mut patients: BTreeSet<(String, String)> = BTreeSet::new();
    for row in 0..rows {
        let name = split.cell(row)?.text().unwrap_or_default().to_owned();
        let id = patient_id.cell(row)?.text().unwrap_or_default().to_owned();
        splits.entry(name.clone()).or_default().samples += 1;
        patients.insert((name, id));
    }
    let distinct: BTreeSet<&str> = patients.iter().map(|(_, id)| id.as_str()).collect();
    let total = distinct.len();
    for (name, _) in &patients {
        splits.entry(name.clone()).or_default().patients += 1;
    }
    Ok((splits, total))
}

/// Samples and patients of each fold.
fn count_folds(fold: ColumnReader, patient_id: ColumnReader) -> Result<Vec<SplitInfo>, StoreError> {
    let rows = fold.rows();
    let (mut fold, mut patient_id) = (fold.walk(), patient_id.walk());
    let mut folds: BTreeMap<u16, (usize, BTreeSet<String>)> = BTreeMap::new();
    for row in 0..rows {
        let number = fold.cell(row)?.number(0).filter(|number| *number >= 0.0);
        let Some(number) = number else { continue };
        let (samples, patients) = folds.entry(number as u16).or_default();
        *samples += 1;
        patients.insert(patient_id.cell(row)?.text().unwrap_or_default().to_owned());
    }
    let last = folds.last_key_value().map(|(last, _)| *last);
    let of = |fold: u16| folds.get(&fold).map_or((0, 0), |(samples, patients)| (*samples, patients.len()));
    let info = |(samples, patients)| SplitInfo { samples, patients };
    Ok(last.map_or(Vec::new(), |last| (0..=last).map(|fold| info(of(fold))).collect()))
}

fn count_annotated(annotated: &Dataset) -> hdf5::Result<Vec<usize>> {
    let cells = annotated.read_2d::<u8>()?;
    Ok(cells.columns().into_iter().map(|column| column.iter().filter(|&&cell| cell != 0).count()).collect())
}
