//! One row: whether image, mask and columns agree.

use super::pixel_counts::{CountedIn, PixelCounts};
use super::problem::{Problem, ProblemKind};
use crate::split::SplitName;
use crate::store::{
    AnnotationCell, ColumnReader, ColumnWalk, DatasetFile, ImageStatistics, RowReader, SampleRow, SampleRows,
    StoreError, column,
};

/// Looks at rows, for one thread.
pub(super) struct RowCheck<'f> {
    file: &'f DatasetFile,
    reader: RowReader<'f>,
    /// `None` where the columns cannot be trusted.
    columns: Option<SampleRows<'f>>,
    ids: Option<ColumnWalk>,
    /// The image of the row that was looked at last, where it is sound.
    pub(super) image: Vec<u8>,
    /// Its mask, where that is sound.
    pub(super) mask: Vec<u8>,
    /// The pixels of all rows.
    pub(super) counts: PixelCounts,
}

/// Problems of one row.
pub(super) struct RowLook {
    pub(super) row: usize,
    pub(super) cells: Option<SampleRow>,
    pub(super) split: Option<String>,
    /// Its split and its fold, as people see them.
    pub(super) part: Option<String>,
    /// `None` where the image is damaged.
    pub(super) statistics: Option<ImageStatistics>,
    image_is_sound: bool,
    pub(super) mask_is_sound: bool,
    pub(super) problems: Vec<Problem>,
}

impl<'f> RowCheck<'f> {
    /// A look at the rows of `file`; `checksums` are [`DatasetFile::checksums`], if they can be read.
    pub(super) fn new(
        file: &'f DatasetFile,
        checksums: Option<&'f ColumnReader>,
        columns_are_sound: bool,
    ) -> Result<Self, StoreError> {
        Ok(Self {
            file,
            reader: RowReader::strict(file, checksums),
            columns: if columns_are_sound { Some(SampleRows::new(file)?) } else { None },
            ids: file.column(column::ID).ok().map(ColumnReader::walk),
            image: vec![0; file.image_bytes()],
            mask: vec![0; file.mask_bytes()],
            counts: PixelCounts::new(file),
        })
    }

    /// Looks at `row`.
    pub(super) fn look(&mut self, row: usize) -> RowLook {
        let mut look = RowLook {
            row,
            cells: None,
            split: None,
            part: None,
            statistics: None,
            image_is_sound: false,
            mask_is_sound: false,
            problems: Vec::new(),
        };
        let place = self.place(row);
        match self.reader.read_image(row, &mut self.image) {
            Ok(()) => look.image_is_sound = true,
            Err(error) => look.problem(ProblemKind::ImageDamaged, &place, reason(&error)),
        }
        match self.reader.read_mask(row, &mut self.mask) {
            Ok(()) => look.mask_is_sound = true,
            Err(error) => look.problem(ProblemKind::MaskDamaged, &place, reason(&error)),
        }
        let Some(columns) = &mut self.columns else { return look };
        let mut read =
            || Ok((columns.split(row)?, columns.fold(row)?, columns.part(row)?, columns.read(row)?));
        match read() {
            Ok((split, fold, part, cells)) => {
                let train = split.is_empty() || split == SplitName::Train.name();
                if look.image_is_sound {
                    self.count(&mut look, &cells, CountedIn { train, fold }, &place);
                }
                for detail in self.contradictions(&look, &cells, &split) {
                    look.problem(ProblemKind::Columns, &place, detail);
                }
                (look.cells, look.split, look.part) = (Some(cells), Some(split), Some(part));
            }
            Err(error) => {
                let error: StoreError = error;
                look.problem(ProblemKind::Columns, &place, error.with_cause());
            }
        }
        look
    }

    /// Counts the pixels of a sound image that are not padding.
    fn count(&mut self, look: &mut RowLook, cells: &SampleRow, counted_in: CountedIn, place: &str) {
        let pixel_type = self.file.pixel_type();
        let whole = cells.counted(self.file.shape());
        let counted = whole.of_le_bytes(pixel_type, &self.image);
        let statistics = ImageStatistics::of_le_bytes(pixel_type, &counted, self.file.channels());
        look.statistics = Some(statistics);
        let padding = whole.padding_values(self.image.len(), counted.len()) / pixel_type.size();
        if i64::try_from(padding) != Ok(cells.padding_pixels.into()) {
            let detail =
                format!("padding_pixels is {}, and {padding} pixels are padding", cells.padding_pixels);
            look.problem(ProblemKind::Columns, place, detail);
        }
        self.counts.add(counted_in, &statistics, &counted);
    }

    /// The id of `row`, or its number where there is none.
    fn place(&mut self, row: usize) -> String {
        let id = self.ids.as_mut().and_then(|ids| Some(ids.cell(row).ok()?.text()?.to_owned()));
        id.filter(|id| !id.is_empty()).unwrap_or_else(|| format!("row {row}"))
    }

    fn contradictions(&mut self, look: &RowLook, cells: &SampleRow, split: &str) -> Vec<String> {
        let mut found = Vec::new();
        if cells.id.is_empty() {
            found.push("it has no id".to_owned());
        }
        if !split.is_empty() && SplitName::from_name(split).is_none() {
            found.push(format!("its split is {split:?}"));
        }
        if let Some(statistics) = &look.statistics {
            let range = [statistics.min as f32, statistics.max as f32];
            if range.map(f32::to_bits) != cells.value_range.map(f32::to_bits) {
                found.push(format!("value_range is {:?}, and its pixels are {range:?}", cells.value_range));
            }
        }
        let planes = self.file.structures().len();
        if look.mask_is_sound && self.mask.iter().any(|cell| *cell > 1) {
            found.push("its mask has other values than 0 and 1".to_owned());
        }
        for (plane, cell) in cells.annotations.iter().enumerate() {
            let cells = self.mask.iter().skip(plane).step_by(planes);
            let ones = look.mask_is_sound.then(|| cells.filter(|cell| **cell == 1).count());
            let digest =
                self.columns.as_mut().and_then(|columns| columns.annotation_digest(look.row, plane).ok());
            let name = &self.file.structures()[plane];
            found.extend(
                annotation_flaws(cell, ones, digest).into_iter().map(|flaw| format!("{name}: {flaw}")),
            );
        }
        found
    }
}

/// Disagreement of an annotation with its mask of `ones` ones, or with itself.
fn annotation_flaws(cell: &AnnotationCell, ones: Option<usize>, digest: Option<[u8; 32]>) -> Vec<String> {
    let mut found = Vec::new();
    if let Some(ones) = ones.filter(|ones| i64::try_from(*ones) != Ok(cell.mask_pixels.into())) {
        found.push(format!("mask_pixels is {}, and its mask has {ones} ones", cell.mask_pixels));
    }
    if cell.sha256.is_some() {
        if cell.contour_area.is_nan() {
            found.push("annotated, and contour_area is NaN".to_owned());
        }
        if digest == Some([0; 32]) {
            found.push("annotated, and annotation_sha256 is zero".to_owned());
        }
    } else {
        if ones.is_some_and(|ones| ones > 0) {
            found.push("not annotated, and its mask is not empty".to_owned());
        }
        if !cell.contour_area.is_nan() {
            found.push(format!("not annotated, and contour_area is {}", cell.contour_area));
        }
        if digest.is_some_and(|digest| digest != [0; 32]) {
            found.push("not annotated, and annotation_sha256 is not zero".to_owned());
        }
    }
    found
}

impl RowLook {
    pub(super) fn problem(&mut self, kind: ProblemKind, place: &str, detail: String) {
        self.problems.push(Problem { kind, row: Some(self.row), place: place.to_owned(), detail });
    }
}

/// Why a row cannot be read, without the name of the file.
fn reason(error: &StoreError) -> String {
    match error {
        StoreError::Damaged { dataset, source, .. } => format!("{dataset}: {source}"),
        error => error.with_cause(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn annotations_agree_or_are_named() {
        let annotated = AnnotationCell { sha256: Some([1; 32]), mask_pixels: 5, contour_area: 5.5 };
        let absent = AnnotationCell { sha256: None, mask_pixels: 0, contour_area: f32::NAN };
        assert!(annotation_flaws(&annotated, Some(5), Some([1; 32])).is_empty());
        assert!(annotation_flaws(&absent, Some(0), Some([0; 32])).is_empty());
        assert_eq!(annotation_flaws(&annotated, Some(4), Some([0; 32])).len(), 2);
        let nan = AnnotationCell { contour_area: f32::NAN, ..annotated };
        assert_eq!(annotation_flaws(&nan, None, Some([1; 32])).len(), 1);
        let odd = AnnotationCell { contour_area: 1.0, ..absent };
        assert_eq!(annotation_flaws(&odd, Some(3), Some([2; 32])).len(), 4);
    }
}
