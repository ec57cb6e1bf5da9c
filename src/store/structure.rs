//! Check of a file against the promises of the format: datasets, columns, attributes, and their checksums.

use hdf5::types::TypeDescriptor;
use hdf5::{Dataset, Location};

use super::column_spec::{ColumnSpec, ColumnTexts, sample_specs};
use super::error::hdf5_error;
use super::sample_column::SampleColumn;
use super::sample_row::{TextWidth, TextWidths};
use super::schema::{
    CHANNEL_PERCENTILES_SINCE, DOCUMENTATION, FOLDS, FOLDS_SINCE, FORMAT_MINOR, FORMAT_VERSION,
    IMAGE_DIMENSIONS, IMAGES, MASK_DIMENSIONS, MASKS, PERCENTILE_LEVELS, SAMPLES, SHARD, attribute, column,
    virtual_attribute,
};
use super::sound_file::all_datasets;
use super::text_checksum::{self, MAY_BE_EMPTY, TEXTS};
use super::{DatasetFile, StoreError, attributes, shard};

/// Attributes of the root that are whole numbers.
const ROOT_NUMBERS: [&str; 4] =
    [attribute::SAMPLES, attribute::PATIENTS, attribute::SPLIT_SEED, attribute::TEXT_CHECKSUM];
/// Attributes of `/images` that are numbers.
const IMAGE_NUMBERS: [&str; 6] = [
    attribute::TRAIN_MEAN,
    attribute::TRAIN_STD,
    attribute::TRAIN_MIN,
    attribute::TRAIN_MAX,
    attribute::TRAIN_PERCENTILES,
    attribute::TRAIN_PERCENTILE_LEVELS,
];
/// Attributes of `/images` that are numbers of each channel.
const CHANNEL_NUMBERS: [&str; 5] = {
    let [mean, std, min, max] = attribute::TRAIN_CHANNELS;
    [mean, std, min, max, attribute::TRAIN_CHANNEL_PERCENTILES]
};

/// Attributes of the root that only a virtual file has.
const VIRTUAL: [&str; 3] = [virtual_attribute::FILES, virtual_attribute::IDENTITIES, virtual_attribute::RUNS];

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Flaw {
    /// The dataset or attribute: `/samples/id`, `/images@units`.
    pub place: String,
    /// The flaw.
    pub what: String,
}

/// Result of a check of the structure of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Structure {
    /// Broken promises of the format.
    pub flaws: Vec<Flaw>,
    /// Contents that the format does not know, and does not forbid.
    pub notes: Vec<Flaw>,
    /// True if all columns can be read and have their checksums, so that rows can be judged by them.
    pub columns_are_sound: bool,
}

impl DatasetFile {
    /// Holds the structure of the file against the format: which columns and attributes it has, of which types, and
    /// the checksums of columns and of the texts of attributes; of a virtual file, those of the files that it refers to as
    /// well. The rows of `/images` and `/masks` are not looked at.
    ///
    /// # Errors
    /// [`StoreError`] where HDF5 cannot read the file.
    pub fn check_structure(&self) -> Result<Structure, StoreError> {
        let mut found = Structure::default();
        let hdf5 = hdf5_error("read", self.path());
        self.check_attributes(&mut found).map_err(&hdf5)?;
        self.check_members(&mut found).map_err(&hdf5)?;
        found.columns_are_sound = self.check_columns(&mut found)?;
        if found.columns_are_sound {
            self.check_folds(&mut found)?;
        }
        for path in self.virtual_sources() {
            let Structure { flaws, .. } = DatasetFile::open(&path)?.check_structure()?;
            let name = path.display();
            found.flaws.extend(
                flaws.into_iter().map(|flaw| Flaw { place: format!("{name}: {}", flaw.place), ..flaw }),
            );
        }
        Ok(found)
    }

    /// Checks what commands for people show, as far as it has checksums: the texts of attributes, and all columns.
    ///
    /// # Errors
    /// [`StoreError::Flawed`] with the first that is damaged, and those of reading.
    pub fn check_shown(&self) -> Result<(), StoreError> {
        let flawed = |place: String, what| StoreError::Flawed { path: self.path().to_owned(), place, what };
        if let Some(what) = text_checksum::flaw(self.hdf5()) {
            return Err(flawed("/@text_checksum".to_owned(), what));
        }
        let hdf5 = hdf5_error("read", self.path());
        for dataset in self.hdf5().group(SAMPLES).and_then(|group| group.datasets()).map_err(&hdf5)? {
            let has_checksum = dataset.attr(attribute::CHECKSUM).is_ok();
            let what = if has_checksum { self.column_flaw(&dataset, None).map_err(&hdf5)? } else { None };
            if let Some(what) = what {
                return Err(flawed(dataset.name(), what));
            }
        }
        Ok(())
    }

    fn check_attributes(&self, found: &mut Structure) -> hdf5::Result<()> {
        let file = self.hdf5();
        for (object, texts) in TEXTS {
            let dataset = if object.is_empty() { None } else { Some(file.dataset(object)?) };
            let at: &Location = dataset.as_deref().map_or(&**file, |dataset| dataset);
            let numbers: &[&str] = match object {
                "" => &ROOT_NUMBERS,
                IMAGES => &IMAGE_NUMBERS,
                _ => &[],
            };
            let names = at.attr_names()?;
            let is_missing =
                |name: &&&str| !MAY_BE_EMPTY.contains(*name) && !names.iter().any(|n| n == **name);
            for name in texts.iter().chain(numbers).filter(is_missing) {
                found.flaw(format!("/{object}@{name}"), "is missing");
            }
            let channel_names: &[&str] = match object == IMAGES && self.channels() == 3 {
                true if self.minor_version() < CHANNEL_PERCENTILES_SINCE => &attribute::TRAIN_CHANNELS,
                true => &CHANNEL_NUMBERS,
                false => &[],
            };
            for name in channel_names.iter().filter(|name| !names.iter().any(|n| n == *name)) {
                found.flaw(format!("/{object}@{name}"), "is missing");
            }
            let virtual_names: &[&str] = if object.is_empty() && self.is_virtual() { &VIRTUAL } else { &[] };
            let documentation: &[&str] = if object.is_empty() { &[attribute::DOCUMENTATION] } else { &[] };
            let known =
                || texts.iter().chain(numbers).chain(virtual_names).chain(documentation).chain(channel_names);
            for name in names.iter().filter(|name| !known().any(|known| known == name)) {
                found.note(format!("/{object}@{name}"), "is no attribute of the format");
            }
        }
        self.check_texts(found);
        self.check_numbers(found)
    }

    fn check_texts(&self, found: &mut Structure) {
        let file = self.hdf5();
        if let Some(what) = text_checksum::flaw(file) {
            found.flaw("/@text_checksum", what);
        }
        if self.minor_version() > FORMAT_MINOR {
            let version = self.format_version();
            found.note(
                "/@format_version",
                format!("is {version}; what came after {FORMAT_VERSION} is not looked at"),
            );
        }
        if self.minor_version() == FORMAT_MINOR {
            found.check_constant(file, "/", attribute::DOCUMENTATION, DOCUMENTATION);
        }
        let config = attributes::read_text(file, attribute::CONFIG).unwrap_or_default();
        if !serde_json::from_str(&config).is_ok_and(|config: serde_json::Value| config.is_object()) {
            found.flaw("/@config", "is no JSON object");
        }
    }

    fn check_numbers(&self, found: &mut Structure) -> hdf5::Result<()> {
        let file = self.hdf5();
        let samples = attributes::read_number::<u64>(file, attribute::SAMPLES);
        if samples.is_some_and(|samples| samples != self.rows() as u64) {
            found.flaw(
                "/@samples",
                format!("is {}, and there are {} rows", samples.unwrap_or(0), self.rows()),
            );
        }
        let images = file.dataset(IMAGES)?;
        let levels = attributes::read_numbers::<f64>(&images, attribute::TRAIN_PERCENTILE_LEVELS);
        if levels.is_some_and(|levels| levels != PERCENTILE_LEVELS) {
            found.flaw("/images@train_percentile_levels", format!("are not {PERCENTILE_LEVELS:?}"));
        }
        let datasets = [(IMAGES, IMAGE_DIMENSIONS), (MASKS, MASK_DIMENSIONS)];
        for (name, expected) in datasets {
            let labels = text_checksum::read(&*file.dataset(name)?, attribute::DIMENSION_LABELS);
            if labels.is_ok_and(|labels| labels != expected.map(|label| label.as_bytes().to_vec())) {
                found.flaw(format!("/{name}@DIMENSION_LABELS"), format!("are not {expected:?}"));
            }
        }
        Ok(())
    }

    /// Everything in the root and in `/samples` that the format does not name.
    fn check_members(&self, found: &mut Structure) -> hdf5::Result<()> {
        let file = self.hdf5();
        for name in file.member_names()? {
            if ![FOLDS, IMAGES, MASKS, SAMPLES, SHARD].contains(&&*name) {
                found.note(format!("/{name}"), "is no part of the format");
            }
        }
        let samples = file.group(SAMPLES)?;
        for name in samples.member_names()? {
            if SampleColumn::find(&name).is_none() {
                found.note(format!("/{SAMPLES}/{name}"), "is no column of the format");
            }
        }
        for dataset in all_datasets(file)? {
            if dataset.shape().first() != Some(&self.rows()) {
                let what = format!("its shape is {:?}, and there are {} rows", dataset.shape(), self.rows());
                found.flaw(dataset.name(), what);
            }
        }
        Ok(())
    }

    /// True if all columns that the format names are as it says.
    fn check_columns(&self, found: &mut Structure) -> Result<bool, StoreError> {
        let hdf5 = hdf5_error("read", self.path());
        let before = found.flaws.len();
        let known = sample_specs(self.structures().len(), &TextWidths::default());
        let of_shard = match self.shard() {
            Ok(None) => Vec::new(),
            Ok(Some(_)) => shard::specs(self.structures().len(), self.channels(), TextWidth::default()),
            Err(error) => {
                found.flaw("/shard", error.with_cause());
                Vec::new()
            }
        };
        let of_samples = known.iter().map(|spec| (SAMPLES, spec));
        for (group, spec) in of_samples.chain(of_shard.iter().map(|spec| (SHARD, spec))) {
            let place = format!("/{group}/{}", spec.name);
            let is_required = match group {
                SHARD => shard::must_have(spec.name, self.minor_version()),
                _ => self.must_have(spec.name),
            };
            match self.hdf5().dataset(&place) {
                Err(_) if !is_required => {}
                Err(_) => found.flaw(place, "is missing"),
                Ok(dataset) => {
                    if let Some(ColumnTexts { units, description }) = spec.texts
                        && self.minor_version() == FORMAT_MINOR
                    {
                        found.check_constant(&dataset, &place, attribute::UNITS, units);
                        found.check_constant(&dataset, &place, attribute::DESCRIPTION, description);
                    }
                    if let Some(what) = self.column_flaw(&dataset, Some(spec)).map_err(&hdf5)? {
                        found.flaw(place, what);
                    }
                }
            }
        }
        if !of_shard.is_empty()
            && let Err(error) = self.read_histogram()
        {
            found.flaw("/shard@histogram_counts", error.with_cause());
        }
        let sound = found.flaws.len() == before;
        let samples = self.hdf5().group(SAMPLES).map_err(&hdf5)?;
        for dataset in samples.datasets().map_err(&hdf5)? {
            let name = dataset.name();
            let is_known = known.iter().any(|spec| name.rsplit('/').next() == Some(spec.name));
            let has_checksum = !is_known && dataset.attr(attribute::CHECKSUM).is_ok();
            let what = if has_checksum { self.column_flaw(&dataset, None).map_err(&hdf5)? } else { None };
            if let Some(what) = what {
                found.flaw(name, what);
            }
        }
        Ok(sound)
    }

    /// Each fold that a row is in has statistics.
    fn check_folds(&self, found: &mut Structure) -> Result<(), StoreError> {
        if self.minor_version() < FOLDS_SINCE {
            return Ok(());
        }
        let (mut walk, mut folds) = (self.column(column::FOLD)?.walk(), 0);
        for row in 0..self.rows() {
            let fold = walk.cell(row)?.number(0).unwrap_or(-1.0);
            folds = folds.max((fold + 1.0) as usize);
        }
        if folds > self.folds() {
            found.flaw(format!("/{FOLDS}"), format!("has {} of {folds} folds", self.folds()));
        }
        Ok(())
    }

    /// The flaw of a column; of one that the format does not know, only its checksum is looked at.
    fn column_flaw(&self, dataset: &Dataset, spec: Option<&ColumnSpec>) -> hdf5::Result<Option<String>> {
        if let Some(spec) = spec {
            let element = dataset.dtype()?.to_descriptor()?;
            let (found, wanted) = (&element, &spec.element);
            let is_text = |element| {
                matches!(element, &TypeDescriptor::FixedUnicode(_) | &TypeDescriptor::FixedAscii(_))
            };
            let are_texts = is_text(found) && is_text(wanted);
            if !are_texts && found != wanted {
                return Ok(Some(format!("its elements are {found}, not {wanted}")));
            }
            let shape: Vec<usize> = std::iter::once(self.rows()).chain(spec.axes.iter().copied()).collect();
            if dataset.shape() != shape {
                return Ok(Some(format!("its shape is {:?}, not {shape:?}", dataset.shape())));
            }
        }
        let Some(expected) = attributes::read_number::<u32>(dataset, attribute::CHECKSUM) else {
            return Ok(Some("it has no attribute `checksum`".to_owned()));
        };
        let name = dataset.name();
        let (group, column) = name.trim_start_matches('/').split_once('/').unwrap_or_default();
        Ok(match self.column_in(group, column).and_then(|column| column.checksum()) {
            Ok(sum) if sum == expected => None,
            Ok(_) => Some("its CRC-32C is not the one in its attribute `checksum`".to_owned()),
            Err(error) => Some(error.with_cause()),
        })
    }
}

impl Structure {
    fn flaw(&mut self, place: impl Into<String>, what: impl Into<String>) {
        self.flaws.push(Flaw { place: place.into(), what: what.into() });
    }

    fn note(&mut self, place: impl Into<String>, what: impl Into<String>) {
        self.notes.push(Flaw { place: place.into(), what: what.into() });
    }

    /// Checks a text that is the same in every file of this version of the format; the texts of other versions are not
    /// known.
    fn check_constant(&mut self, at: &Location, object: &str, name: &str, expected: &str) {
        match attributes::read_ascii(at, name) {
            Some(text) if text == expected => {}
            Some(text) => self.flaw(format!("{object}@{name}"), format!("is {text:?}, not {expected:?}")),
            None => self.flaw(format!("{object}@{name}"), "is missing, or no text in ASCII"),
        }
    }
}
