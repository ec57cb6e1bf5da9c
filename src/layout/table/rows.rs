//! The rows of a table of images and annotations.

use std::path::Path;

use crate::files::TableError;
use crate::files::table::{NamedTable, parse_named_table, quoted};
use crate::layout::ColumnNames;
use crate::model::{Place, Reason, Skipped};
use crate::split::SplitName;

/// Meaning of a column of annotations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ColumnKind {
    /// `mask.<name>`.
    Mask,
    /// `contour.<name>`.
    Contour,
}

/// A column of annotations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StructureColumn {
    /// The structure.
    pub(super) name: Box<str>,
    /// The name of the column.
    pub(super) column: Box<str>,
    pub(super) kind: ColumnKind,
    index: usize,
}

/// A row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TableRow {
    pub(super) line: u64,
    pub(super) image: Box<str>,
    pub(super) patient: Option<Box<str>>,
    /// 0 where there is none.
    pub(super) frame: u32,
    pub(super) split: Option<SplitName>,
    /// A cell for each of the structures' columns; empty where there is no annotation.
    pub(super) cells: Vec<Box<str>>,
}

/// A table, read.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct TableRows {
    pub(super) file: String,
    pub(super) structures: Vec<StructureColumn>,
    pub(super) rows: Vec<TableRow>,
    /// Rows that cannot be used.
    pub(super) rejected: Vec<Skipped>,
}

const WANTED: &[&str] = &["image", "mask.<name> or contour.<name>"];

impl TableRows {
    pub(super) fn parse(bytes: &[u8], file: &str, columns: &ColumnNames) -> Result<Self, TableError> {
        let table = parse_named_table(bytes, file, WANTED)?;
        let missing = |column: &str| {
            let shown = table.columns.iter().take(8).map(|name| quoted(name)).collect::<Vec<_>>();
            let place = Place::file(file).at_line(table.line).in_column(column);
            TableError::ColumnMissing { place, found: shown.join(", ").into(), wanted: WANTED }
        };
        let find = |usual: &str| {
            let name = columns.of(usual);
            let exact = table.columns.iter().position(|column| **column == *name);
            exact.or_else(|| table.column(&name.to_lowercase()))
        };
        let image = find("image").ok_or_else(|| missing(columns.of("image")))?;
        let structures = structures(&table);
        if structures.is_empty() {
            return Err(missing("mask.<name>"));
        }
        let optional = ["patient_id", "frame", "split"].map(find);
        let mut rows = Self { file: file.to_owned(), structures, ..Self::default() };
        for (line, values) in &table.rows {
            match rows.row(*line, values, image, optional) {
                Ok(row) => rows.rows.push(row),
                Err((column, detail)) => {
                    let place = Place::file(file).at_line(*line).in_column(column);
                    rows.rejected.push(Skipped::new(place, Reason::LinkRow, detail));
                }
            }
        }
        Ok(rows)
    }

    /// A row, or its first bad column and what is wrong there.
    fn row(
        &self,
        line: u64,
        values: &[Box<str>],
        image: usize,
        [patient, frame, split]: [Option<usize>; 3],
    ) -> Result<TableRow, (&'static str, String)> {
        let value =
            |column: Option<usize>| column.map(|index| &*values[index]).filter(|value| !value.is_empty());
        let image = value(Some(image)).ok_or_else(|| ("image", "no image is named".to_owned()))?;
        let patient_id = match patient {
            None => None,
            Some(_) => match value(patient) {
                None => return Err(("patient_id", "the id is empty".to_owned())),
                Some(id) => match super::super::linked_folders::id_fault(id) {
                    None => Some(id.into()),
                    Some(fault) => return Err(("patient_id", fault)),
                },
            },
        };
        let frame = match value(frame) {
            None => 0,
            Some(text) => text.parse().ok().filter(|&frame| frame > 0).ok_or_else(|| {
                ("frame", format!("{} is no number of a frame; the first one is 1", quoted(text)))
            })?,
        };
        let split = match value(split) {
            None => None,
            Some(text) => {
                let known = [SplitName::Train, SplitName::Val, SplitName::Test];
                let found = known.into_iter().find(|split| split.name().eq_ignore_ascii_case(text));
                Some(found.ok_or_else(|| ("split", format!("{} is not train, val or test", quoted(text))))?)
            }
        };
        let cells = self.structures.iter().map(|structure| values[structure.index].clone()).collect();
        Ok(TableRow { line, image: image.into(), patient: patient_id, frame, split, cells })
    }
}

/// The columns of annotations, in the order of the table.
fn structures(table: &NamedTable) -> Vec<StructureColumn> {
    let column = |index: usize| {
        let column = &table.columns[index];
        let (kind, name) = column.split_once('.')?;
        let kind = match kind.trim().to_ascii_lowercase().as_str() {
            "mask" => ColumnKind::Mask,
            "contour" => ColumnKind::Contour,
            _ => return None,
        };
        Some(StructureColumn { name: name.trim().into(), column: column.clone(), kind, index })
    };
    (0..table.columns.len()).filter_map(column).collect()
}

/// A path of the table as the catalog names files: relative to the data directory, `/` as separator, `..` only where it
/// leads out.
pub(super) fn relative(path: &str, data_dir: &Path) -> String {
    let path = path.replace('\\', "/");
    let inside = Path::new(&path).strip_prefix(data_dir).ok().and_then(Path::to_str);
    let mut parts: Vec<&str> = Vec::new();
    for part in inside.unwrap_or(&path).split('/').filter(|part| !matches!(*part, "" | ".")) {
        match (part, parts.last()) {
            ("..", Some(last)) if *last != ".." => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> TableRows {
        TableRows::parse(text.as_bytes(), "t.csv", &ColumnNames::default()).unwrap()
    }

    #[test]
    fn columns_are_found_by_name() {
        let table = parse("Mask.lv,image,split,contour.wall\na.png#3,p/1.dcm,Train,\n");
        let names: Vec<_> = table.structures.iter().map(|s| (&*s.name, s.kind)).collect();
        assert_eq!(names, [("lv", ColumnKind::Mask), ("wall", ColumnKind::Contour)]);
        let row = &table.rows[0];
        assert_eq!((row.line, &*row.image, row.split, row.frame), (2, "p/1.dcm", Some(SplitName::Train), 0));
        assert_eq!(row.cells, ["a.png#3".into(), "".into()]);
        let columns = ColumnNames(vec![("image".into(), "Bild".into()), ("patient".into(), "Fall".into())]);
        let text = "Bild,Fall,mask.a\n1.dcm,P,m.png\n";
        let table = TableRows::parse(text.as_bytes(), "t.csv", &columns).unwrap();
        assert_eq!((&*table.rows[0].image, table.rows[0].patient.as_deref()), ("1.dcm", Some("P")));
    }

    #[test]
    fn bad_rows_are_rejected_by_line_and_column() {
        let text = "image,frame,split,patient_id,mask.a\n,,,P,m\na,0,,P,m\na,2,trial,P,m\na,2,val,../P,m\na,2,val,P,m\n";
        let table = parse(text);
        let places: Vec<String> = table.rejected.iter().map(|skipped| skipped.place.to_string()).collect();
        let at = |line: u64, column: &str| format!("t.csv:{line}, column {column}");
        assert_eq!(places, [at(2, "image"), at(3, "frame"), at(4, "split"), at(5, "patient_id")]);
        assert_eq!((table.rows.len(), table.rows[0].frame), (1, 2));
        let error = TableRows::parse(b"image,b\n1,2\n", "t.csv", &ColumnNames::default()).unwrap_err();
        assert!(error.to_string().contains("mask.<name>"), "{error}");
    }

    #[test]
    fn paths_are_relative_to_the_data_directory() {
        for path in ["a/b.dcm", "./a//b.dcm", "/data/a/b.dcm", "a\\b.dcm"] {
            assert_eq!(relative(path, Path::new("/data")), "a/b.dcm");
        }
        assert_eq!(relative("a/x/../b.dcm", Path::new("/data")), "a/b.dcm");
        assert_eq!(relative("../data/b", Path::new("/data")), "../data/b");
        assert_eq!(relative("/elsewhere/b", Path::new("/data")), "elsewhere/b");
    }
}
