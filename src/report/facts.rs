//! Facts about samples out of the columns of the file.

use crate::audit::{Check, Severity};
use crate::model::GridShape;
use crate::store::{Cell, ColumnWalk, DatasetFile, ImageSizes, StoreError, column};

/// Facts about one sample.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ShownSample {
    /// Row of the file, from 0.
    pub(super) row: u64,
    pub(super) id: String,
    pub(super) patient: String,
    pub(super) split: String,
    /// Names of the checks that found something, in the order of the file.
    pub(super) findings: Vec<String>,
    /// For each plane, pixels of the mask; `None` where the structure was not annotated.
    pub(super) planes: Vec<Option<u64>>,
    /// mm2 that one pixel of the mask covers, `None` where the headers do not say.
    pub(super) pixel_area: Option<f64>,
    /// Rows and columns of the image, from the first of the stored one.
    pub(super) image_shape: GridShape,
    /// Center and width of the header, NaN where there is none.
    pub(super) window: [f32; 2],
}

impl ShownSample {
    /// Rank for display; the larger, the worse. Any error is worse than all warnings, and a warning than all notes
    /// and names that no check has; of equals, more are worse.
    pub(super) fn badness(&self) -> usize {
        badness(&self.findings)
    }

    /// The area of `plane` in mm2, where it was annotated and the spacing is known.
    pub(super) fn area(&self, plane: usize) -> Option<f64> {
        Some((*self.planes.get(plane)?)? as f64 * self.pixel_area?)
    }
}

/// [`ShownSample::badness`] of the checks of these names.
pub(super) fn badness(findings: &[String]) -> usize {
    let weight = |name: &String| {
        let check = Check::ALL.into_iter().find(|check| check.name() == name);
        match check.map(Check::severity) {
            Some(Severity::Error) => 1 << 20,
            Some(Severity::Warning) => 1 << 10,
            Some(Severity::Note) | None => 1,
        }
    };
    findings.iter().map(weight).sum()
}

/// Reads the columns. Rows are best asked for in order.
pub(super) struct FactsReader {
    id: ColumnWalk,
    patient: ColumnWalk,
    split: ColumnWalk,
    annotated: ColumnWalk,
    mask_pixels: ColumnWalk,
    spacing: ColumnWalk,
    rows: ColumnWalk,
    columns: ColumnWalk,
    image_sizes: ImageSizes,
    window: ColumnWalk,
    findings: Option<ColumnWalk>,
    shape: GridShape,
    planes: usize,
    is_resized: bool,
}

impl FactsReader {
    /// A reader of the columns of `file`.
    ///
    /// # Errors
    /// [`StoreError`] where a column is missing, but for that of the findings.
    pub(super) fn new(file: &DatasetFile) -> Result<Self, StoreError> {
        let walk = |name: &str| Ok::<_, StoreError>(file.column(name)?.walk());
        let has_findings = file.has_column(column::FINDINGS);
        let has_spacing = file.has_column(column::SPACING);
        let config: serde_json::Value = serde_json::from_str(&file.identity().config).unwrap_or_default();
        Ok(Self {
            id: walk(column::ID)?,
            patient: walk(column::PATIENT_ID)?,
            split: walk(column::SPLIT)?,
            annotated: walk(column::ANNOTATED)?,
            mask_pixels: walk(column::MASK_PIXELS)?,
            spacing: walk(if has_spacing { column::SPACING } else { column::PIXEL_SPACING })?,
            rows: walk(column::ROWS)?,
            columns: walk(column::COLUMNS)?,
            image_sizes: ImageSizes::new(file)?,
            window: walk(column::WINDOW)?,
            findings: has_findings.then(|| walk(column::FINDINGS)).transpose()?,
            shape: file.shape(),
            planes: file.structures().len(),
            is_resized: !has_spacing && config["fit"] == "resize",
        })
    }

    /// True if the file has a column of findings.
    pub(super) fn has_findings(&self) -> bool {
        self.findings.is_some()
    }

    /// Facts about `row`.
    ///
    /// # Errors
    /// [`StoreError`] where a column cannot be read.
    pub(super) fn read(&mut self, row: u64) -> Result<ShownSample, StoreError> {
        let at = row as usize;
        let text = |cell: Cell<'_>| cell.text().unwrap_or_default().to_owned();
        let findings = self.findings.as_mut().map(|column| column.cell(at).map(text)).transpose()?;
        Ok(ShownSample {
            row,
            id: text(self.id.cell(at)?),
            patient: text(self.patient.cell(at)?),
            split: text(self.split.cell(at)?),
            findings: findings.map(|names| names_of(&names)).unwrap_or_default(),
            planes: self.planes(at)?,
            pixel_area: self.pixel_area(at)?,
            image_shape: self.image_shape(at)?,
            window: pair(&self.window.cell(at)?).map(|number| number as f32),
        })
    }

    /// The image's own size; that of the stored one where it is none.
    fn image_shape(&mut self, at: usize) -> Result<GridShape, StoreError> {
        let sides = self.image_sizes.sides(at)?;
        Ok(self.image_sizes.of_sides(sides).unwrap_or(self.shape))
    }

    fn planes(&mut self, at: usize) -> Result<Vec<Option<u64>>, StoreError> {
        let (annotated, pixels) = (self.annotated.cell(at)?, self.mask_pixels.cell(at)?);
        let plane = |plane: usize| {
            let is_annotated = annotated.number(plane).is_some_and(|number| number != 0.0);
            is_annotated.then(|| pixels.number(plane).unwrap_or_default() as u64)
        };
        Ok((0..self.planes).map(plane).collect())
    }

    /// Files of version 1.0 have the spacing of the source image alone, which may have been resized.
    fn pixel_area(&mut self, at: usize) -> Result<Option<f64>, StoreError> {
        let [mut between_rows, mut between_columns] = pair(&self.spacing.cell(at)?);
        if self.is_resized {
            let source = [&mut self.rows, &mut self.columns].map(|column| Ok(column.cell(at)?.number(0)));
            let [rows, columns] =
                source.map(|side: Result<_, StoreError>| side.map(Option::unwrap_or_default));
            between_rows *= rows? / self.shape.rows() as f64;
            between_columns *= columns? / self.shape.columns() as f64;
        }
        let area = between_rows * between_columns;
        Ok((area.is_finite() && area > 0.0).then_some(area))
    }
}

fn pair(cell: &Cell<'_>) -> [f64; 2] {
    [0, 1].map(|part| cell.number(part).unwrap_or(f64::NAN))
}

/// The names in a cell of the column of findings.
fn names_of(cell: &str) -> Vec<String> {
    cell.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_between_commas() {
        assert_eq!(names_of(" a, b-c,,d "), ["a", "b-c", "d"]);
        assert!(names_of("").is_empty());
    }

    #[test]
    fn one_error_is_worse_than_all_warnings() {
        let badness = |findings: &[&str]| {
            let findings = findings.iter().map(|name| (*name).to_owned()).collect();
            let (id, patient, split) = Default::default();
            let (planes, pixel_area, window) = (Vec::new(), None, [f32::NAN; 2]);
            let image_shape = GridShape::new(1, 1).unwrap();
            ShownSample { row: 0, id, patient, split, findings, planes, pixel_area, image_shape, window }
                .badness()
        };
        let of = |severity| Check::ALL.into_iter().filter(move |check| check.severity() == severity);
        let warnings: Vec<_> = of(Severity::Warning).map(Check::name).collect();
        let notes: Vec<_> = of(Severity::Note).map(Check::name).chain(["of another program"]).collect();
        let error = of(Severity::Error).map(Check::name).next().unwrap();
        assert!(badness(&[error]) > badness(&warnings));
        assert!(badness(&warnings[..2]) > badness(&warnings[..1]));
        assert!(badness(&warnings[..1]) > badness(&notes));
        assert!(badness(&notes) > badness(&[]));
    }
}
