//! The group `/shard`: what merging wants to know of a share of a plan beside its rows.

use hdf5::{File, Group};

use super::cell_type::{CellType, NARROWEST_TEXT};
use super::chunked_dataset::{Column, ColumnEncoder};
use super::column_spec::{ColumnSpec, ColumnTexts};
use super::sample_row::TextWidth;
use super::schema::{CHANNEL_PERCENTILES_SINCE, SAMPLES, SHARD, column, shard, shard_attribute};
use super::{
    ChannelStatistics, ColumnWalk, DatasetFile, DatasetSpec, EncodedRow, ImageStatistics, PixelHistogram,
    ShardBond, ShardSpec, StoreError, TextWidths, attributes, shard_bonds,
};
use crate::model::PixelType;
use crate::split::{SplitDraw, SplitName};

/// Columns of the group for one row.
#[derive(Debug, Clone, PartialEq)]
pub struct ShardRow {
    /// Its number in the plan.
    pub number: u32,
    /// The number of its patient in the link table.
    pub patient: u32,
    /// The split that the plan gives its patient.
    pub split: SplitName,
    /// The draw of its patient.
    pub draw: SplitDraw,
    /// The sums of its pixels.
    pub statistics: ImageStatistics,
    /// For each structure the name of its annotation file, empty where there is none.
    pub annotation_sources: Vec<String>,
}

/// A column of the group.
struct ShardColumn {
    name: &'static str,
    cell_type: CellType,
    /// Attribute `description`.
    description: &'static str,
    /// The first minor version of the format whose shards have it.
    since: u32,
}

/// All columns of the group, in the order in which [`ShardColumns::push`] fills them. None has a unit.
static SHARD_COLUMNS: [ShardColumn; 6] = [
    ShardColumn {
        name: shard::NUMBER,
        cell_type: CellType::UInt32,
        description: "Number of the row in the plan, ascending; rejected ones are missing",
        since: 0,
    },
    ShardColumn {
        name: shard::PATIENT,
        cell_type: CellType::UInt32,
        description: "Place of the patient among the usable rows of the link table; in the order of the pseudonyms \
                      where prep had a key",
        since: 0,
    },
    ShardColumn {
        name: shard::SPLIT,
        cell_type: CellType::UInt8,
        description: "Split that the plan gives the patient; where its draw falls among all splits; where it falls \
                      among all but the largest: 0 train, 1 val, 2 test, 3 none",
        since: 0,
    },
    ShardColumn {
        name: shard::STATISTICS,
        cell_type: CellType::UInt8,
        description: "Count, extremes and sums of the pixels of the image",
        since: 0,
    },
    ShardColumn {
        name: shard::ANNOTATION_SOURCE,
        cell_type: CellType::Text,
        description: "Annotation files, relative to the data directory; empty where not annotated",
        since: 0,
    },
    ShardColumn {
        name: shard::CHUNK_CHECKSUM,
        cell_type: CellType::UInt32,
        description: "CRC-32C of the chunks of /images and /masks as they stand in the file",
        since: 5,
    },
];

/// The columns of the group in a file of so many mask planes and channels.
pub(super) fn specs(structures: usize, channels: usize, source_width: TextWidth) -> Vec<ColumnSpec> {
    let axes = |name| match name {
        shard::SPLIT => vec![3],
        shard::CHUNK_CHECKSUM => vec![2],
        shard::STATISTICS => vec![ImageStatistics::bytes(channels)],
        shard::ANNOTATION_SOURCE => vec![structures],
        _ => Vec::new(),
    };
    let spec = |column: &ShardColumn| ColumnSpec {
        name: column.name,
        element: column.cell_type.descriptor(source_width),
        axes: axes(column.name),
        texts: Some(ColumnTexts { units: "none", description: column.description }),
    };
    SHARD_COLUMNS.iter().map(spec).collect()
}

/// True if shards of this minor version of the format have the column `name`.
pub(super) fn must_have(name: &str, minor_version: u32) -> bool {
    SHARD_COLUMNS.iter().any(|column| column.name == name && column.since <= minor_version)
}

/// Writes the group.
pub(super) struct ShardColumns {
    group: Group,
    columns: Vec<Column>,
    encoder: ColumnEncoder,
    source_width: usize,
}

impl ShardColumns {
    /// Creates the group in `file`, which holds the share `shard` and is as `dataset` says; names of annotation files
    /// have `source_width`.
    pub(super) fn create(
        file: &File,
        shard: &ShardSpec,
        source_width: TextWidth,
        dataset: &DatasetSpec,
    ) -> hdf5::Result<Self> {
        let DatasetSpec { structures, channels, capacity, compression, .. } = dataset;
        let group = file.create_group_builder().obj_track_times(false).create(SHARD)?;
        for (name, number) in [(shard_attribute::INDEX, shard.index), (shard_attribute::COUNT, shard.count)] {
            attributes::write_number(&group, name, number)?;
        }
        for (name, number) in [
            (shard_attribute::PLAN_ROWS, shard.plan_rows),
            (shard_attribute::PATIENTS, shard.patients),
            (shard_attribute::PLANNED_PATIENTS, shard.planned_patients),
        ] {
            attributes::write_number(&group, name, number)?;
        }
        attributes::write_numbers(&group, shard_attribute::PLAN_DIGEST, &[32], &shard.plan_digest)?;
        let create = |spec: &ColumnSpec| Column::create(&group, spec, *capacity, *compression);
        let columns = specs(structures.len(), *channels, source_width)
            .iter()
            .map(create)
            .collect::<hdf5::Result<_>>()?;
        Ok(Self {
            group,
            columns,
            encoder: ColumnEncoder::new(*compression),
            source_width: source_width.bytes.max(NARROWEST_TEXT),
        })
    }

    /// Appends one row, whose chunks are those of `encoded`.
    pub(super) fn push(&mut self, row: &ShardRow, encoded: &EncodedRow) -> hdf5::Result<()> {
        let splits = [row.split, row.draw.among_all, row.draw.among_smaller].map(|split| split as u8);
        let mut sources = Vec::with_capacity(self.source_width * row.annotation_sources.len());
        for (plane, source) in row.annotation_sources.iter().enumerate() {
            sources.extend_from_slice(source.as_bytes());
            sources.resize((plane + 1) * self.source_width, 0);
        }
        let chunks = [&encoded.image, &encoded.mask].map(|chunk| crc32c::crc32c(chunk.bytes()).to_le_bytes());
        let cells: [&[u8]; 6] = [
            &row.number.to_le_bytes(),
            &row.patient.to_le_bytes(),
            &splits,
            &row.statistics.to_le_bytes(),
            &sources,
            chunks.as_flattened(),
        ];
        for (column, cell) in self.columns.iter_mut().zip(cells) {
            column.push(cell, &mut self.encoder)?;
        }
        Ok(())
    }

    /// Writes the bonds of the patients of the plan.
    pub(super) fn write_bonds(&self, bonds: &[ShardBond]) -> hdf5::Result<()> {
        shard_bonds::write(&self.group, bonds)
    }

    /// Completes the group. `train` counts the pixels of the rows that the plan counts as train.
    pub(super) fn finish(mut self, rows: usize, train: &PixelHistogram) -> hdf5::Result<()> {
        let (bins, counts): (Vec<u32>, Vec<u64>) = train.bins().unzip();
        let at = &self.group;
        attributes::write_numbers(at, shard_attribute::HISTOGRAM_BINS, &[bins.len()], &bins)?;
        attributes::write_numbers(at, shard_attribute::HISTOGRAM_COUNTS, &[counts.len()], &counts)?;
        attributes::write_number(
            at,
            shard_attribute::HISTOGRAM_CHECKSUM,
            histogram_checksum(&bins, &counts),
        )?;
        for column in self.columns {
            column.finish(rows, &mut self.encoder)?;
        }
        Ok(())
    }
}

/// CRC-32C over the bins, then the counts, little endian.
fn histogram_checksum(bins: &[u32], counts: &[u64]) -> u32 {
    let sum = bins.iter().fold(0, |sum, bin| crc32c::crc32c_append(sum, &bin.to_le_bytes()));
    counts.iter().fold(sum, |sum, count| crc32c::crc32c_append(sum, &count.to_le_bytes()))
}

impl DatasetFile {
    /// The share of a plan that the file holds; `None` for a file that is no shard.
    ///
    /// # Errors
    /// [`StoreError::NotOurs`] where it is a shard and does not say which.
    pub fn shard(&self) -> Result<Option<ShardSpec>, StoreError> {
        if !self.hdf5().link_exists(SHARD) {
            return Ok(None);
        }
        let spec = || {
            let group = self.hdf5().group(SHARD).ok()?;
            let whole = |name| attributes::read_number::<u64>(&group, name);
            let spec = ShardSpec {
                index: attributes::read_number(&group, shard_attribute::INDEX)?,
                count: attributes::read_number(&group, shard_attribute::COUNT)?,
                plan_rows: whole(shard_attribute::PLAN_ROWS)?,
                patients: whole(shard_attribute::PATIENTS)?,
                planned_patients: whole(shard_attribute::PLANNED_PATIENTS)?,
                plan_digest: attributes::read_numbers(&group, shard_attribute::PLAN_DIGEST)?
                    .try_into()
                    .ok()?,
            };
            // Rows and patients are numbered with 32 bits.
            let limit = u64::from(u32::MAX);
            let possible = spec.index < spec.count && spec.plan_rows <= limit && spec.patients <= limit;
            possible.then_some(spec)
        };
        spec().map(Some).ok_or_else(|| self.not_as_ours("its group /shard does not say which share it is"))
    }

    /// The pixels of the rows of a shard that its plan counts as train.
    ///
    /// # Errors
    /// [`StoreError::NotOurs`] where it has no such figures, or others than were written, or those of all channels together
    /// of an earlier version.
    pub fn shard_histogram(&self) -> Result<PixelHistogram, StoreError> {
        if self.channels() > 1 && self.minor_version() < CHANNEL_PERCENTILES_SINCE {
            let version = self.format_version();
            return Err(self.not_as_ours(&format!(
                "it is a shard of format {version}, which does not count the pixels of each channel; make it again"
            )));
        }
        self.read_histogram()
    }

    /// [`DatasetFile::shard_histogram`] of every version: earlier ones count all channels as if they were one.
    pub(super) fn read_histogram(&self) -> Result<PixelHistogram, StoreError> {
        let read = || {
            let group = self.hdf5().group(SHARD).ok()?;
            let bins = attributes::read_numbers::<u32>(&group, shard_attribute::HISTOGRAM_BINS)?;
            let counts = attributes::read_numbers::<u64>(&group, shard_attribute::HISTOGRAM_COUNTS)?;
            let sum = attributes::read_number::<u32>(&group, shard_attribute::HISTOGRAM_CHECKSUM)?;
            let sound = sum == histogram_checksum(&bins, &counts) && bins.len() == counts.len();
            let mut histogram = PixelHistogram::new(self.pixel_type(), self.channels());
            let all = sound && bins.iter().zip(&counts).all(|(bin, count)| histogram.add_bin(*bin, *count));
            all.then_some(histogram)
        };
        read().ok_or_else(|| self.not_as_ours("the histogram of its group /shard is damaged"))
    }

    /// The widths of the text columns.
    ///
    /// # Errors
    /// [`StoreError`] where the file lacks one.
    pub fn text_widths(&self) -> Result<TextWidths, StoreError> {
        let width = |name: &str| Ok::<_, StoreError>(self.column(name)?.text_width());
        Ok(TextWidths {
            id: width(column::ID)?,
            patient_id: width(column::PATIENT_ID)?,
            original_id: width(column::ORIGINAL_ID)?,
            source: width(column::SOURCE)?,
        })
    }

    /// The error for this file, which is not as ours are.
    fn not_as_ours(&self, why: &str) -> StoreError {
        StoreError::NotOurs { path: self.path().to_owned(), why: why.to_owned() }
    }
}

/// Reads what a shard says about one row after the other, for one thread; rows are best asked for in order.
pub struct ShardRows<'f> {
    file: &'f DatasetFile,
    columns: Vec<ColumnWalk>,
    findings: ColumnWalk,
}

impl<'f> ShardRows<'f> {
    /// A reader of the group of `file`.
    ///
    /// # Errors
    /// [`StoreError`] where the file lacks a column, or has one of another type.
    pub fn new(file: &'f DatasetFile) -> Result<Self, StoreError> {
        let specs = specs(file.structures().len(), file.channels(), TextWidth::default());
        let walk = |spec: &ColumnSpec| Ok(file.column_in(SHARD, spec.name)?.walk());
        let of_rows = specs.iter().filter(|spec| spec.name != shard::CHUNK_CHECKSUM);
        let columns = of_rows.map(walk).collect::<Result<_, StoreError>>()?;
        Ok(Self { file, columns, findings: file.column_in(SAMPLES, column::FINDINGS)?.walk() })
    }

    /// Columns of the group for `row`.
    ///
    /// # Errors
    /// [`StoreError`] where a column cannot be read, or says what no row says.
    pub fn read(&mut self, row: usize) -> Result<ShardRow, StoreError> {
        let wrong =
            |what: &str| self.file.not_as_ours(&format!("row {row}: /shard/{what} is not as it is written"));
        let structures = self.file.structures().len();
        let [number, patient, splits, statistics, sources] = &mut self.columns[..] else {
            return Err(wrong(""));
        };
        let (number, patient) = (number.cell(row)?.number(0), patient.cell(row)?.number(0));
        let splits = splits.cell(row)?;
        let split = |place: usize| {
            const SPLITS: [SplitName; 4] =
                [SplitName::Train, SplitName::Val, SplitName::Test, SplitName::Unsplit];
            let number = *splits.bytes().get(place)?;
            SPLITS.into_iter().find(|split| *split as u8 == number)
        };
        let (Some(planned), Some(among_all), Some(among_smaller)) = (split(0), split(1), split(2)) else {
            return Err(wrong(shard::SPLIT));
        };
        let statistics =
            ImageStatistics::from_le_bytes(self.file.pixel_type(), statistics.cell(row)?.bytes());
        let sources = sources.cell(row)?;
        let width = sources.bytes().len() / structures.max(1);
        let source = |plane: usize| {
            let bytes = &sources.bytes()[plane * width..(plane + 1) * width];
            let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(width);
            std::str::from_utf8(&bytes[..end]).ok().map(str::to_owned)
        };
        let annotation_sources: Option<Vec<String>> = (0..structures).map(source).collect();
        Ok(ShardRow {
            number: number.unwrap_or_default() as u32,
            patient: patient.unwrap_or_default() as u32,
            split: planned,
            draw: SplitDraw { among_all, among_smaller },
            statistics: statistics.ok_or_else(|| wrong(shard::STATISTICS))?,
            annotation_sources: annotation_sources.ok_or_else(|| wrong(shard::ANNOTATION_SOURCE))?,
        })
    }

    /// The column of findings of `row`.
    ///
    /// # Errors
    /// As [`ShardRows::read`].
    pub fn findings(&mut self, row: usize) -> Result<String, StoreError> {
        let text = self.findings.cell(row)?.text().map(str::to_owned);
        text.ok_or_else(|| self.file.not_as_ours(&format!("row {row}: {} is no UTF-8", column::FINDINGS)))
    }
}

impl ImageStatistics {
    /// Bytes of [`ImageStatistics::to_le_bytes`] for images of so many channels.
    pub(super) fn bytes(channels: usize) -> usize {
        if channels == 3 { 4 * ChannelStatistics::BYTES } else { ChannelStatistics::BYTES }
    }

    /// Those of all channels together; of a colour image, then those of red, green and blue.
    fn to_le_bytes(self) -> Vec<u8> {
        let channels = self.channels().into_iter().flatten();
        std::iter::once(&*self).chain(channels).flat_map(|part| part.to_le_bytes()).collect()
    }

    fn from_le_bytes(pixel_type: PixelType, bytes: &[u8]) -> Option<Self> {
        let part = |number: usize| {
            let part = bytes.get(number * ChannelStatistics::BYTES..)?;
            ChannelStatistics::from_le_bytes(pixel_type, part.get(..ChannelStatistics::BYTES)?)
        };
        let channels = part(1).zip(part(2)).zip(part(3)).map(|((red, green), blue)| [red, green, blue]);
        Some(Self::from_channels(part(0)?, channels))
    }
}

impl ChannelStatistics {
    /// Bytes of [`ChannelStatistics::to_le_bytes`].
    const BYTES: usize = 56;

    /// Count of pixels (uint64), smallest and largest (binary64); then, for integers, sum and sum of squares (128 bits,
    /// two's complement), for floats mean and sum of squared distances from it (binary64, each followed by 8 zeros).
    fn to_le_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes[..8].copy_from_slice(&self.pixels.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.min.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.max.to_le_bytes());
        let (first, second) = self.fingerprint();
        bytes[24..40].copy_from_slice(&first.to_le_bytes());
        bytes[40..].copy_from_slice(&second.to_le_bytes());
        bytes
    }

    fn from_le_bytes(pixel_type: PixelType, bytes: &[u8]) -> Option<Self> {
        let word = |at: usize| bytes.get(at..)?.first_chunk::<8>().copied();
        let double = |at: usize| bytes.get(at..)?.first_chunk::<16>().copied().map(u128::from_le_bytes);
        let (pixels, min, max) = (word(0)?, word(8)?, word(16)?);
        let range = [f64::from_le_bytes(min), f64::from_le_bytes(max)];
        Some(Self::from_parts(pixel_type, u64::from_le_bytes(pixels), range, (double(24)?, double(40)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Pixels;

    #[test]
    fn statistics_come_back_to_the_bit() {
        for pixels in [
            Pixels::Int16(vec![-32_768, 5, 7]),
            Pixels::UInt8(vec![255; 9]),
            Pixels::UInt16(vec![]),
            Pixels::Float32(vec![1.5, f32::NAN, -0.0, 1e-30]),
            Pixels::Float32(vec![f32::INFINITY]),
        ] {
            let statistics = ImageStatistics::of(&pixels, 1);
            let bytes = statistics.to_le_bytes();
            let read = ImageStatistics::from_le_bytes(pixels.pixel_type(), &bytes).unwrap();
            assert_eq!(read.to_le_bytes(), bytes, "{statistics:?}");
            assert_eq!(read.fingerprint(), statistics.fingerprint());
        }
        assert!(ImageStatistics::from_le_bytes(PixelType::UInt8, &[0; 55]).is_none());
        let color = ImageStatistics::of(&Pixels::UInt8(vec![1, 2, 3, 4, 5, 6]), 3);
        let bytes = color.to_le_bytes();
        assert_eq!(bytes.len(), ImageStatistics::bytes(3));
        assert_eq!(ImageStatistics::from_le_bytes(PixelType::UInt8, &bytes), Some(color));
    }
}
