//! Differences between two files, and their causes.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::Value;

use super::CheckError;
use super::blocks::{self, Crew};
use super::diff_rows::{ChangedRow, Compared, DamagedRow, FilePair, RowPair};
use super::totals::half_digest;
use super::verify::lossy;
use crate::prep::Control;
use crate::store::{DatasetFile, StoreError, column};

/// Entries of a list that are kept; more are only counted.
const KEPT: usize = 100_000;

/// Options of the comparison of two files.
#[derive(Clone, Copy)]
pub struct DiffOptions<'c> {
    /// Number of threads.
    pub threads: usize,
    /// Compares recorded checksums instead of reading images and masks: damage in these is not seen.
    pub quick: bool,
    /// Progress and cancellation.
    pub control: Control<'c>,
}

/// The differences.
#[derive(Debug, Clone, Serialize)]
pub struct Diff {
    /// The first file.
    #[serde(serialize_with = "lossy")]
    pub a: PathBuf,
    /// The second one.
    #[serde(serialize_with = "lossy")]
    pub b: PathBuf,
    /// Rows of both.
    pub rows: [usize; 2],
    /// Way of the comparison of images and masks: `data` read against its checksums, or the recorded `checksums` alone.
    pub compared: &'static str,
    /// Rows with equal images, masks and columns.
    pub equal: usize,
    /// Number of rows of the same id that are not equal.
    pub changed: usize,
    /// Number of rows that cannot be compared, because their image or mask is damaged in one of the files.
    pub damaged: usize,
    /// Number of rows only in the second file.
    pub added: usize,
    /// Number of rows only in the first file.
    pub removed: usize,
    /// True if the rows that both have stand in the same order.
    pub same_order: bool,
    /// Shape, pixel type and structures, where they differ.
    pub form: BTreeMap<&'static str, [Value; 2]>,
    /// The options of `prep` that differ, and the version of the program.
    pub options: BTreeMap<String, [Value; 2]>,
    /// The rows that are not equal, in the order of the first file; the first 100,000.
    pub changed_rows: Vec<ChangedRow>,
    /// The rows that cannot be compared, in the order of the first file; the first 100,000.
    pub damaged_rows: Vec<DamagedRow>,
    /// `id` of the rows that only the second file has; the first 100,000.
    pub added_rows: Vec<String>,
    /// `id` of the rows that only the first file has; the first 100,000.
    pub removed_rows: Vec<String>,
}

impl Diff {
    /// True if all rows could be compared.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.damaged == 0
    }

    /// True if both files hold the same rows in the same order and form. Their options may differ.
    #[must_use]
    pub fn is_equal(&self) -> bool {
        self.changed + self.added + self.removed + self.damaged == 0
            && self.same_order
            && self.form.is_empty()
    }
}

/// Compares the file at `b` with the one at `a`, row by row, matched by `id`. All images and masks of rows that both have
/// are read against their checksums; with [`DiffOptions::quick`] only those whose recorded checksums differ.
///
/// # Errors
/// [`CheckError::Store`] where a file cannot be read or its texts or columns are damaged, [`CheckError::Interrupted`].
pub fn diff(a: &Path, b: &Path, options: DiffOptions<'_>) -> Result<Diff, CheckError> {
    let files = [DatasetFile::open(a)?, DatasetFile::open(b)?];
    let [first, second] = &files;
    files.iter().try_for_each(DatasetFile::check_shown)?;
    let in_second = numbers(second)?;
    let mut found = Diff::new(&files, options.quick);
    let pair = FilePair::new(&files, found.options.keys().cloned().collect(), options.quick)?;
    let mut matched = vec![false; second.rows()];
    let mut last = None;
    let crew = Crew { threads: options.threads, control: options.control, stage: "comparing rows" };
    let start = || Ok((RowPair::new(&pair)?, first.column(column::ID)?.walk()));
    blocks::run(
        first.rows(),
        crew,
        start,
        |(rows, ids), range| {
            range
                .map(|row| {
                    let id = ids.cell(row)?.text().unwrap_or_default().to_owned();
                    let other = in_second.get(&half_digest(&id)).map(|other| *other as usize);
                    let change = other.map(|other| rows.compare(row, other)).transpose()?;
                    Ok((id, other, change))
                })
                .collect::<Result<Vec<_>, CheckError>>()
        },
        |looks: Vec<(String, Option<usize>, Option<Compared>)>| {
            for (id, other, change) in looks {
                if let Some(other) = other {
                    matched[other] = true;
                    found.same_order &= last.is_none_or(|last| last < other);
                    last = Some(other);
                }
                found.count(id, change);
            }
        },
    )?;
    found.find_added(second, &matched)?;
    Ok(found)
}

impl Diff {
    /// Nothing compared yet but what is about all rows.
    fn new(files: &[DatasetFile; 2], quick: bool) -> Self {
        Self {
            a: files[0].path().to_owned(),
            b: files[1].path().to_owned(),
            rows: [files[0].rows(), files[1].rows()],
            compared: if quick { "checksums" } else { "data" },
            equal: 0,
            changed: 0,
            damaged: 0,
            added: 0,
            removed: 0,
            same_order: true,
            form: form(files),
            options: differing_options(files),
            changed_rows: Vec::new(),
            damaged_rows: Vec::new(),
            added_rows: Vec::new(),
            removed_rows: Vec::new(),
        }
    }

    /// Counts a row of the first file; `None` is one that the second does not have.
    fn count(&mut self, id: String, compared: Option<Compared>) {
        match compared {
            None => {
                self.removed += 1;
                keep(&mut self.removed_rows, id);
            }
            Some(Compared::Equal) => self.equal += 1,
            Some(Compared::Changed(change)) => {
                self.changed += 1;
                keep(&mut self.changed_rows, change);
            }
            Some(Compared::Damaged(damaged)) => {
                self.damaged += 1;
                keep(&mut self.damaged_rows, damaged);
            }
        }
    }

    fn find_added(&mut self, second: &DatasetFile, matched: &[bool]) -> Result<(), CheckError> {
        let mut ids = second.column(column::ID)?.walk();
        for row in (0..matched.len()).filter(|row| !matched[*row]) {
            self.added += 1;
            keep(&mut self.added_rows, ids.cell(row)?.text().unwrap_or_default().to_owned());
        }
        Ok(())
    }
}

fn keep<T>(list: &mut Vec<T>, entry: T) {
    if list.len() < KEPT {
        list.push(entry);
    }
}

/// The row of each id, by half its digest.
fn numbers(file: &DatasetFile) -> Result<HashMap<u128, u32>, StoreError> {
    let mut ids = file.column(column::ID)?.walk();
    let mut numbers = HashMap::with_capacity(file.rows());
    for row in 0..file.rows() {
        // A file has fewer rows than that.
        numbers.insert(half_digest(ids.cell(row)?.text().unwrap_or_default()), row as u32);
    }
    Ok(numbers)
}

fn form(files: &[DatasetFile; 2]) -> BTreeMap<&'static str, [Value; 2]> {
    let shape =
        |file: &DatasetFile| Value::from(vec![file.shape().rows(), file.shape().columns(), file.channels()]);
    let pixel_type = |file: &DatasetFile| Value::from(file.pixel_type().name());
    let structures = |file: &DatasetFile| Value::from(file.structures());
    let all = [
        ("image shape", both(files, shape)),
        ("pixel type", both(files, pixel_type)),
        ("structures", both(files, structures)),
    ];
    all.into_iter().filter(|(_, [a, b])| a != b).collect()
}

fn both(files: &[DatasetFile; 2], of: impl Fn(&DatasetFile) -> Value) -> [Value; 2] {
    [of(&files[0]), of(&files[1])]
}

/// The keys of `config` that differ, each with both values; and `generator`.
fn differing_options(files: &[DatasetFile; 2]) -> BTreeMap<String, [Value; 2]> {
    let config = |file: &DatasetFile| -> BTreeMap<String, Value> {
        serde_json::from_str(&file.identity().config).unwrap_or_default()
    };
    let [a, b] = [config(&files[0]), config(&files[1])];
    let keys = a.keys().chain(b.keys());
    let value = |config: &BTreeMap<String, Value>, key| config.get(key).cloned().unwrap_or_default();
    let mut all: BTreeMap<String, [Value; 2]> =
        keys.map(|key| (key.clone(), [value(&a, key), value(&b, key)])).collect();
    all.insert("generator".to_owned(), both(files, |file| file.generator().into()));
    all.retain(|_, [a, b]| a != b);
    all
}
