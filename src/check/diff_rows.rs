//! One row in two files.

use serde::Serialize;

use super::CheckError;
use super::against::differing_columns;
use crate::model::PixelType;
use crate::store::{ColumnReader, DatasetFile, RowReader, SampleRow, SampleRows, StoreError};

/// Options that decide the pixels of an image, beside its file.
const IMAGE_OPTIONS: [&str; 6] = ["dtype", "size", "fit", "spacing", "monochrome1", "generator"];
/// Options that decide a mask, beside its contours.
const MASK_OPTIONS: [&str; 8] =
    ["mask_rule", "contour_offset", "size", "fit", "spacing", "require", "structures", "generator"];

/// A row that is not the same in both files.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChangedRow {
    /// `samples/id`.
    pub id: String,
    /// Its place in the first and in the second file.
    pub rows: [usize; 2],
    /// Why it differs: `image source`, `inner annotation`, `option mask_rule`, `split`, `column window`; `unknown`
    /// where neither a source nor an option has changed.
    pub causes: Vec<String>,
    /// Difference of its image.
    pub image: Option<ImageChange>,
    /// The masks that differ, of the structures that both files have.
    pub masks: Vec<MaskChange>,
    /// Its splits, where they differ.
    pub split: Option<[String; 2]>,
}

/// A row whose image or mask is damaged in one of the files, so that it cannot be compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DamagedRow {
    /// `samples/id`.
    pub id: String,
    /// The file: 0 is the first one, 1 the second.
    pub file: usize,
    /// The row of that file.
    pub row: usize,
    /// The damage.
    pub what: String,
}

/// Result of comparing two rows.
pub(super) enum Compared {
    Equal,
    Changed(ChangedRow),
    Damaged(DamagedRow),
}

/// Difference of two images.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ImageChange {
    /// Pixels that differ; `None` where the images have two shapes.
    pub pixels: Option<usize>,
    /// The largest difference between two pixels in one place.
    pub largest_difference: Option<f64>,
}

/// Difference of two masks.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MaskChange {
    /// Of which structure.
    pub structure: String,
    /// Ones in the first and in the second.
    pub pixels: [usize; 2],
    /// Twice the ones that both have over the ones of each, 1 where both are empty; `None` where they have two shapes.
    pub dice: Option<f64>,
}

/// Two files, and what is the same for all of their rows.
pub(super) struct FilePair<'f> {
    files: &'f [DatasetFile; 2],
    /// The options that differ.
    options: Vec<String>,
    /// The structures that both have, and their planes.
    structures: Vec<(String, [usize; 2])>,
    same_shape: bool,
    /// True if checksums of images, and of masks, can be compared.
    comparable: [bool; 2],
    /// The checksums that images and masks are read against; `None` where only the recorded checksums are compared.
    checksums: Option<[ColumnReader; 2]>,
}

impl<'f> FilePair<'f> {
    /// `quick` compares recorded checksums instead of reading images and masks.
    pub(super) fn new(
        files: &'f [DatasetFile; 2],
        options: Vec<String>,
        quick: bool,
    ) -> Result<Self, StoreError> {
        let [a, b] = files;
        let checksums = if quick { None } else { Some([a.checksums()?, b.checksums()?]) };
        let plane =
            |file: &DatasetFile, name: &String| file.structures().iter().position(|other| other == name);
        let common = a.structures().iter().enumerate();
        let common = common.filter_map(|(first, name)| Some((name.clone(), [first, plane(b, name)?])));
        let same_shape = a.shape() == b.shape();
        let same_form = same_shape && a.channels() == b.channels();
        Ok(Self {
            files,
            options,
            structures: common.collect(),
            same_shape,
            comparable: [
                same_form && a.pixel_type() == b.pixel_type(),
                same_shape && a.structures() == b.structures(),
            ],
            checksums,
        })
    }

    /// The options among `deciding` that differ, as causes.
    fn causes_among(&self, deciding: &[&str]) -> Vec<String> {
        let differing = self.options.iter().filter(|option| deciding.contains(&option.as_str()));
        differing.map(|option| format!("option {option}")).collect()
    }
}

/// Reads both files, for one thread.
pub(super) struct RowPair<'f> {
    pair: &'f FilePair<'f>,
    columns: [SampleRows<'f>; 2],
    readers: [RowReader<'f>; 2],
    images: [Vec<u8>; 2],
    masks: [Vec<u8>; 2],
}

impl<'f> RowPair<'f> {
    pub(super) fn new(pair: &'f FilePair<'f>) -> Result<Self, CheckError> {
        let [a, b] = pair.files;
        Ok(Self {
            pair,
            columns: [SampleRows::new(a)?, SampleRows::new(b)?],
            readers: match &pair.checksums {
                Some([first, second]) => {
                    [RowReader::strict(a, Some(first)), RowReader::strict(b, Some(second))]
                }
                None => [RowReader::new(a, None), RowReader::new(b, None)],
            },
            images: [vec![0; a.image_bytes()], vec![0; b.image_bytes()]],
            masks: [vec![0; a.mask_bytes()], vec![0; b.mask_bytes()]],
        })
    }

    /// Difference of row `a` of the first file and row `b` of the second.
    pub(super) fn compare(&mut self, a: usize, b: usize) -> Result<Compared, CheckError> {
        let rows = [a, b];
        let cells = [self.columns[0].read(a)?, self.columns[1].read(b)?];
        if let Some(damaged) = self.read(rows, &cells[0].id)? {
            return Ok(Compared::Damaged(damaged));
        }
        let splits = [self.columns[0].split(a)?, self.columns[1].split(b)?];
        let image = self.image_change(rows, &cells)?;
        let masks = self.mask_changes(rows, &cells)?;
        let mut causes = Vec::new();
        if cells[0].source_sha256 != cells[1].source_sha256 {
            causes.push("image source".to_owned());
        } else if image.is_some() {
            causes.extend(known_or_unknown(self.pair.causes_among(&IMAGE_OPTIONS)));
        }
        causes.extend(self.mask_causes(&cells, &masks));
        if splits[0] != splits[1] {
            causes.push("split".to_owned());
        }
        if self.columns[0].fold(a)? != self.columns[1].fold(b)? {
            causes.push("fold".to_owned());
        }
        if causes.is_empty() {
            let columns = differing_columns(&without_masks(&cells[0]), &without_masks(&cells[1]));
            causes.extend(columns.into_iter().map(|column| format!("column {column}")));
        }
        if causes.is_empty() {
            return Ok(Compared::Equal);
        }
        causes.sort_unstable();
        causes.dedup();
        let split = if splits[0] == splits[1] { None } else { Some(splits) };
        let [first, _] = cells;
        Ok(Compared::Changed(ChangedRow { id: first.id, rows, causes, image, masks, split }))
    }

    /// Reads the images and masks of `rows` against their checksums, unless only these are compared. Returns the first
    /// damage.
    fn read(&mut self, rows: [usize; 2], id: &str) -> Result<Option<DamagedRow>, CheckError> {
        if self.pair.checksums.is_none() {
            return Ok(None);
        }
        let Self { readers, images, masks, .. } = self;
        for file in [0, 1] {
            let (reader, row) = (&mut readers[file], rows[file]);
            let read = reader.read_image(row, &mut images[file]);
            match read.and_then(|()| reader.read_mask(row, &mut masks[file])) {
                Ok(()) => {}
                Err(error @ (StoreError::Damaged { .. } | StoreError::Layout { .. })) => {
                    return Ok(Some(DamagedRow { id: id.to_owned(), file, row, what: error.with_cause() }));
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(None)
    }

    fn image_change(
        &mut self,
        rows: [usize; 2],
        cells: &[SampleRow; 2],
    ) -> Result<Option<ImageChange>, CheckError> {
        let is_read = self.pair.checksums.is_some();
        let equal_data = !is_read || self.images[0] == self.images[1];
        if self.pair.comparable[0] && cells[0].checksum[0] == cells[1].checksum[0] && equal_data {
            return Ok(None);
        }
        let [a, b] = self.pair.files;
        if !self.pair.same_shape || a.channels() != b.channels() {
            return Ok(Some(ImageChange { pixels: None, largest_difference: None }));
        }
        let unread = self.readers.iter_mut().zip(&mut self.images).zip(rows);
        for ((reader, image), row) in unread.filter(|_| !is_read) {
            reader.read_image(row, image)?;
        }
        let values = [values(a.pixel_type(), &self.images[0]), values(b.pixel_type(), &self.images[1])];
        let (pixels, largest) = differences(&values[0], &values[1]);
        Ok((pixels > 0).then_some(ImageChange { pixels: Some(pixels), largest_difference: Some(largest) }))
    }

    fn mask_changes(
        &mut self,
        rows: [usize; 2],
        cells: &[SampleRow; 2],
    ) -> Result<Vec<MaskChange>, CheckError> {
        let is_read = self.pair.checksums.is_some();
        let equal_data = !is_read || self.masks[0] == self.masks[1];
        if self.pair.comparable[1] && cells[0].checksum[1] == cells[1].checksum[1] && equal_data {
            return Ok(Vec::new());
        }
        let unread = self.readers.iter_mut().zip(&mut self.masks).zip(rows);
        for ((reader, mask), row) in unread.filter(|_| !is_read) {
            reader.read_mask(row, mask)?;
        }
        let [a, b] = self.pair.files;
        let mut changes = Vec::new();
        for (structure, [first, second]) in &self.pair.structures {
            let first =
                || self.masks[0].iter().skip(*first).step_by(a.structures().len()).map(|cell| *cell != 0);
            let second =
                || self.masks[1].iter().skip(*second).step_by(b.structures().len()).map(|cell| *cell != 0);
            let pixels = [first().filter(|one| *one).count(), second().filter(|one| *one).count()];
            if !self.pair.same_shape {
                changes.push(MaskChange { structure: structure.clone(), pixels, dice: None });
            } else if !first().eq(second()) {
                let common = first().zip(second()).filter(|(a, b)| *a && *b).count();
                let dice = Some(2.0 * common as f64 / (pixels[0] + pixels[1]) as f64);
                changes.push(MaskChange { structure: structure.clone(), pixels, dice });
            }
        }
        Ok(changes)
    }

    /// Why masks differ, and annotations that do though their masks do not.
    fn mask_causes(&self, cells: &[SampleRow; 2], masks: &[MaskChange]) -> Vec<String> {
        let mut causes = Vec::new();
        for (structure, [first, second]) in &self.pair.structures {
            let [a, b] = [&cells[0].annotations[*first], &cells[1].annotations[*second]];
            if a.sha256 != b.sha256 {
                causes.push(format!("{structure} annotation"));
            } else if masks.iter().any(|mask| mask.structure == *structure) {
                causes.extend(known_or_unknown(self.pair.causes_among(&MASK_OPTIONS)));
            }
        }
        causes
    }
}

/// The columns without those that follow from the planes, which may be others.
fn without_masks(cells: &SampleRow) -> SampleRow {
    SampleRow { annotations: Vec::new(), ..cells.clone() }
}

fn known_or_unknown(causes: Vec<String>) -> Vec<String> {
    if causes.is_empty() { vec!["unknown".to_owned()] } else { causes }
}

fn values(pixel_type: PixelType, bytes: &[u8]) -> Vec<f64> {
    match pixel_type {
        PixelType::UInt8 => bytes.iter().map(|value| f64::from(*value)).collect(),
        PixelType::Int16 => bytes.as_chunks().0.iter().map(|b| f64::from(i16::from_le_bytes(*b))).collect(),
        PixelType::UInt16 => bytes.as_chunks().0.iter().map(|b| f64::from(u16::from_le_bytes(*b))).collect(),
        PixelType::Float32 => bytes.as_chunks().0.iter().map(|b| f64::from(f32::from_le_bytes(*b))).collect(),
    }
}

/// Number of values that differ, and the largest difference. NaN equals NaN.
fn differences(a: &[f64], b: &[f64]) -> (usize, f64) {
    let (mut count, mut largest) = (0, 0.0f64);
    for (a, b) in a.iter().zip(b).filter(|(a, b)| a != b && !(a.is_nan() && b.is_nan())) {
        count += 1;
        largest = largest.max((a - b).abs());
    }
    (count, largest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_counted() {
        let nan = f64::NAN;
        assert_eq!(differences(&[1.0, 2.0, nan, nan], &[1.0, -3.0, nan, 0.0]), (2, 5.0));
        assert_eq!(values(PixelType::Int16, &[255, 255, 1, 0]), [-1.0, 1.0]);
        assert_eq!(values(PixelType::UInt16, &[255, 255]), [65_535.0]);
    }
}
