//! Selection of the rows that are streamed.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::leak::prove_disjoint;
use super::{Condition, StreamError};
use crate::order::{Balance, Rows, Selection};
use crate::store::{Cell, SampleColumns, StoreError, column};

/// Selection of rows.
#[derive(Debug, Clone, Default)]
pub struct RowOptions {
    /// Only the rows of this split.
    pub split: Option<String>,
    /// Only the rows that are trained with when this fold is held out: those of the others.
    pub fold: Option<u16>,
    /// True for the rows of the fold instead.
    pub held_out: bool,
    /// Only the rows that meet all of these.
    pub conditions: Vec<Condition>,
    /// Draws rows so that every group comes equally often. A structure makes two groups: rows whose mask of it
    /// has pixels, and rows whose mask of it has none. `patient_id`, `original_id` or `split` makes a group of
    /// each of its texts.
    pub balance: Option<String>,
    /// Streams a split though patients or images of it stand in another split too.
    pub allow_leak: bool,
}

/// The columns of which each text can make a group.
const GROUP_COLUMNS: [&str; 3] = [column::PATIENT_ID, column::ORIGINAL_ID, column::SPLIT];

impl RowOptions {
    /// True if they choose by split or fold.
    pub(super) fn names_split(&self) -> bool {
        self.split.is_some()
            || self.fold.is_some()
            || self.conditions.iter().any(|condition| condition.column() == column::SPLIT)
    }
}

/// The rows that [`select`] leaves, proven to share nothing with other splits where they are chosen by split.
pub(super) fn select_rows(file: &impl SampleColumns, options: &RowOptions) -> Result<Selection, StreamError> {
    let selection = select(file, options)?;
    if options.names_split() && !options.allow_leak {
        prove_disjoint(file, &selection, options.fold.is_some())?;
    }
    Ok(selection)
}

/// The rows of `file` that the split and the conditions of `options` leave, at least one; of leaks and balance it
/// knows nothing.
///
/// # Errors
/// [`StreamError::NothingSelected`], [`StreamError::Unknown`] where there is no such split,
/// [`StreamError::Condition`] where there is no such structure, [`StreamError::Store`].
pub fn select(file: &impl SampleColumns, options: &RowOptions) -> Result<Selection, StreamError> {
    let mut selection = Selection::all(file.tables().rows() as u64);
    if let Some(split) = &options.split {
        selection = select_split(file, selection, split)?;
    }
    if let Some(fold) = options.fold {
        selection = select_fold(file, selection, fold, options.held_out)?;
    }
    for condition in &options.conditions {
        selection = select_where(file, selection, condition)?;
    }
    if selection.is_empty() {
        return Err(nothing_selected(file, options));
    }
    Ok(selection)
}

/// The splits of the rows of `selection`; rows of no split have an empty one.
pub(super) fn splits_of(
    file: &impl SampleColumns,
    selection: &Selection,
) -> Result<BTreeSet<String>, StoreError> {
    let mut column = file.column(column::SPLIT)?.walk();
    let mut splits = BTreeSet::new();
    for row in selection.iter() {
        let cell = column.cell(row as usize)?;
        let split = cell.text().unwrap_or_default();
        if !splits.contains(split) {
            splits.insert(split.to_owned());
        }
    }
    Ok(splits)
}

/// Arrangement of the rows of `selection`; where they are drawn, `seed` chooses them.
pub(super) fn arrange_rows(
    file: &impl SampleColumns,
    options: &RowOptions,
    selection: Selection,
    seed: u64,
) -> Result<Rows, StreamError> {
    Ok(match &options.balance {
        Some(name) => Rows::Balanced(balance(file, &selection, name, seed)?),
        None => Rows::Selected(selection),
    })
}

fn nothing_selected(file: &impl SampleColumns, options: &RowOptions) -> StreamError {
    let split = options.split.iter().map(|split| format!("split {split}"));
    let conditions = options.conditions.iter().map(|condition| format!("where {condition}"));
    let fold = options.fold.iter().map(|fold| match options.held_out {
        true => format!("fold {fold}"),
        false => format!("folds other than {fold}"),
    });
    let asked: Vec<String> = split.chain(fold).chain(conditions).collect();
    let why = if asked.is_empty() { "it has none".to_owned() } else { asked.join(" and ") };
    StreamError::NothingSelected { path: file.tables().path().to_owned(), why }
}

fn select_split(
    file: &impl SampleColumns,
    selection: Selection,
    split: &str,
) -> Result<Selection, StreamError> {
    let mut known: BTreeMap<String, u64> = BTreeMap::new();
    let selected = keep_cells(file, selection, column::SPLIT, |cell| {
        let name = cell.text().unwrap_or_default();
        if !known.contains_key(name) {
            known.insert(name.to_owned(), 0);
        }
        name == split
    })?;
    if selected.is_empty() {
        known.remove("");
        let (path, name) = (file.tables().path().to_owned(), split.to_owned());
        return Err(StreamError::Unknown { path, what: "split", name, known: known.into_keys().collect() });
    }
    Ok(selected)
}

/// The rows of a fold, or those of all others. Rows of no fold are in neither.
fn select_fold(
    file: &impl SampleColumns,
    selection: Selection,
    fold: u16,
    held_out: bool,
) -> Result<Selection, StreamError> {
    let unknown = |known: BTreeSet<i64>| {
        let path = file.tables().path().to_owned();
        match known.is_empty() {
            true => StreamError::NoFolds { path },
            false => {
                let known = known.iter().map(ToString::to_string).collect();
                StreamError::Unknown { path, what: "fold", name: fold.to_string(), known }
            }
        }
    };
    // A file of an earlier version has no such column.
    if !file.has_column(column::FOLD) {
        return Err(unknown(BTreeSet::new()));
    }
    let (mut folds, mut known) = (file.column(column::FOLD)?.walk(), BTreeSet::new());
    let selected = selection.try_keep_where(|row| {
        let number = folds.cell(row as usize)?.number(0).unwrap_or(-1.0) as i64;
        if number >= 0 {
            known.insert(number);
        }
        Ok::<_, StoreError>(number >= 0 && (number == i64::from(fold)) == held_out)
    })?;
    if known.contains(&i64::from(fold)) { Ok(selected) } else { Err(unknown(known)) }
}

fn select_where(
    file: &impl SampleColumns,
    selection: Selection,
    condition: &Condition,
) -> Result<Selection, StreamError> {
    let part = condition.cell(file.tables().structures())?;
    let meets = |cell: Cell<'_>| {
        if condition.is_text() {
            cell.text().is_some_and(|text| condition.matches_text(text))
        } else {
            cell.number(part).is_some_and(|number| condition.matches_number(number))
        }
    };
    Ok(keep_cells(file, selection, condition.column(), meets)?)
}

/// The rows of `selection` whose cell in the column `name` is kept.
fn keep_cells(
    file: &impl SampleColumns,
    selection: Selection,
    name: &str,
    mut keep: impl FnMut(Cell<'_>) -> bool,
) -> Result<Selection, StoreError> {
    let mut column = file.column(name)?.walk();
    selection.try_keep_where(|row| Ok(keep(column.cell(row as usize)?)))
}

fn balance(
    file: &impl SampleColumns,
    selection: &Selection,
    name: &str,
    seed: u64,
) -> Result<Balance, StreamError> {
    let structure = file.tables().structures().iter().position(|structure| structure == name);
    let groups = if let Some(structure) = structure {
        let has_pixels =
            |cell: Cell<'_>| u32::from(cell.number(structure).is_some_and(|pixels| pixels > 0.0));
        groups(file, selection, column::MASK_PIXELS, has_pixels)?
    } else if GROUP_COLUMNS.contains(&name) {
        let mut numbers: HashMap<String, u32> = HashMap::new();
        groups(file, selection, name, |cell| {
            let text = cell.text().unwrap_or_default();
            let next = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
            match numbers.get(text) {
                Some(number) => *number,
                None => *numbers.entry(text.to_owned()).or_insert(next),
            }
        })?
    } else {
        let known = file.tables().structures().iter().map(String::as_str).chain(GROUP_COLUMNS);
        return Err(StreamError::Unknown {
            path: file.tables().path().to_owned(),
            what: "structure or column to balance by",
            name: name.to_owned(),
            known: known.map(str::to_owned).collect(),
        });
    };
    Ok(Balance::new(seed, selection.iter().zip(groups.iter().copied())))
}

/// The group of each selected row, in order.
fn groups(
    file: &impl SampleColumns,
    selection: &Selection,
    name: &str,
    mut group: impl FnMut(Cell<'_>) -> u32,
) -> Result<Vec<u32>, StoreError> {
    let mut column = file.column(name)?.walk();
    selection.iter().map(|row| Ok(group(column.cell(row as usize)?))).collect()
}
