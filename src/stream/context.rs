//! Images of other rows beside the image of a row: neighbouring slices, or phases.

use std::collections::HashMap;

use super::edges::Edges;
use super::error::StreamError;
use super::options::StreamOptions;
use crate::order::Selection;
use crate::store::{Cell, ClosedFile, SampleColumns, StoreError, column};

/// The most images on one side of a row's own.
pub(super) const MOST_BESIDE: u16 = 32;

/// The rows whose images make the image of each row.
#[derive(Debug)]
pub(super) struct Context {
    /// Images on each side.
    beside: usize,
    /// The rows, [`Context::images`] of each row of the file; [`NONE`] where there is none.
    rows: Vec<u32>,
}

/// An image of a stack: the number of its slice, and its own among the images of that.
#[derive(Debug, Clone, Copy)]
struct InStack {
    slice: usize,
    phase: usize,
}

/// No row.
const NONE: u32 = u32::MAX;

/// The place of one row.
#[derive(Debug, Clone, Copy)]
struct Place {
    row: u32,
    patient: u32,
    stack: i32,
    position: f64,
    time: f64,
    instance: i32,
    frame: i32,
}

impl Context {
    /// The context of `options` for the rows of `selection`; `None` where each row stands for itself.
    ///
    /// # Errors
    /// [`StreamError::NoStacks`] where the file is of an earlier version, [`StreamError::NoPlace`] and
    /// [`StreamError::NoTriggerTime`] where a row of `selection` does not say where it belongs.
    pub(super) fn of(
        file: &ClosedFile,
        selection: &Selection,
        options: &StreamOptions,
    ) -> Result<Option<Self>, StreamError> {
        let beside = usize::from(options.neighbours.max(options.phases));
        if beside == 0 {
            return Ok(None);
        }
        let needed = [column::STACK, column::STACK_POSITION, column::TRIGGER_TIME];
        if needed.iter().any(|name| !file.column_names().any(|known| known == *name)) {
            return Err(StreamError::NoStacks { path: file.path().to_owned() });
        }
        let mut places = places(file)?;
        check(file, selection, options, &mut places)?;
        let mut context = Self { beside, rows: vec![NONE; file.rows() * (2 * beside + 1)] };
        for stack in places.chunk_by(|a, b| (a.patient, a.stack) == (b.patient, b.stack)) {
            let slices: Vec<&[Place]> =
                stack.chunk_by(|a, b| a.position.total_cmp(&b.position).is_eq()).collect();
            for (number, slice) in slices.iter().enumerate() {
                for (phase, place) in slice.iter().enumerate() {
                    let images = context.images();
                    let rows = &mut context.rows[place.row as usize * images..][..images];
                    match options.neighbours {
                        0 => fill_phases(rows, slice, phase),
                        _ => fill_neighbours(rows, &slices, InStack { slice: number, phase }, options.edges),
                    }
                }
            }
        }
        Ok(Some(context))
    }

    /// Number of images that make one.
    pub(super) fn images(&self) -> usize {
        2 * self.beside + 1
    }

    /// The rows whose images make that of `row`, in the order of the channels; `None` for one of zeros.
    pub(super) fn rows(&self, row: u64) -> impl Iterator<Item = Option<u64>> + '_ {
        let rows = &self.rows[row as usize * self.images()..][..self.images()];
        rows.iter().map(|&row| (row != NONE).then_some(row.into()))
    }

    /// Number of rows of `selection` beside which there is no image but their own.
    pub(super) fn alone(&self, selection: &Selection) -> u64 {
        let is_alone = |row: &u64| self.rows(*row).flatten().all(|other| other == *row);
        selection.iter().filter(is_alone).count() as u64
    }
}

/// The places of all rows: stack by stack, slice by slice, phase by phase.
fn places(file: &ClosedFile) -> Result<Vec<Place>, StoreError> {
    let mut patients: HashMap<String, u32> = HashMap::new();
    let mut texts = file.column(column::PATIENT_ID)?.walk();
    let numbers =
        [column::STACK, column::STACK_POSITION, column::TRIGGER_TIME, column::INSTANCE, column::FRAME];
    let mut columns = Vec::with_capacity(numbers.len());
    for name in numbers {
        columns.push(file.column(name)?.walk());
    }
    let mut places = Vec::with_capacity(file.rows());
    for row in 0..file.rows() {
        let next = patients.len() as u32;
        let patient = texts.cell(row)?.text().unwrap_or_default().to_owned();
        let mut cells = [f64::NAN; 5];
        for (cell, column) in cells.iter_mut().zip(&mut columns) {
            *cell = Cell::number(&column.cell(row)?, 0).unwrap_or(f64::NAN);
        }
        let [stack, position, time, instance, frame] = cells;
        places.push(Place {
            row: row as u32,
            patient: *patients.entry(patient).or_insert(next),
            stack: stack as i32,
            // 0 and -0 are one position.
            position: position + 0.0,
            time,
            instance: instance as i32,
            frame: frame as i32,
        });
    }
    places.sort_by(|a, b| {
        (a.patient, a.stack)
            .cmp(&(b.patient, b.stack))
            .then(a.position.total_cmp(&b.position))
            .then(a.time.total_cmp(&b.time))
            .then((a.instance, a.frame, a.row).cmp(&(b.instance, b.frame, b.row)))
    });
    Ok(places)
}

/// Checks that rows of `selection` lie in a stack, and that phases have their times; leaves out the rows without a stack.
fn check(
    file: &ClosedFile,
    selection: &Selection,
    options: &StreamOptions,
    places: &mut Vec<Place>,
) -> Result<(), StreamError> {
    let mut selected = vec![false; file.rows()];
    selection.iter().for_each(|row| selected[row as usize] = true);
    let is_selected = |place: &&Place| selected[place.row as usize];
    let path = file.path().to_owned();
    let mut lost =
        places.iter().filter(is_selected).filter(|place| place.stack < 0 || place.position.is_nan());
    if let Some(first) = lost.clone().map(|place| place.row).min() {
        return Err(StreamError::NoPlace { path, row: first.into(), rows: lost.by_ref().count() as u64 });
    }
    places.retain(|place| place.stack >= 0 && !place.position.is_nan());
    if options.phases > 0 {
        let slices = places.chunk_by(|a, b| {
            (a.patient, a.stack) == (b.patient, b.stack) && a.position.total_cmp(&b.position).is_eq()
        });
        let untimed = |slice: &&[Place]| slice.len() > 1 && slice.iter().any(|place| place.time.is_nan());
        let lost: Vec<u32> =
            slices.filter(untimed).flatten().filter(is_selected).map(|place| place.row).collect();
        if let Some(first) = lost.iter().min() {
            return Err(StreamError::NoTriggerTime { path, row: (*first).into(), rows: lost.len() as u64 });
        }
    }
    Ok(())
}

/// The phases before and after the one with the number `phase` of `slice`, which is a cycle.
fn fill_phases(rows: &mut [u32], slice: &[Place], phase: usize) {
    let (beside, phases) = (rows.len() / 2, slice.len());
    for (channel, row) in rows.iter_mut().enumerate() {
        // No slice has fewer phases than one.
        *row = slice[(phase + channel + phases * beside - beside) % phases].row;
    }
}

/// The images of the slices before and after that of the image `at`.
fn fill_neighbours(rows: &mut [u32], slices: &[&[Place]], at: InStack, edges: Edges) {
    let (beside, last) = (rows.len() / 2, slices.len() - 1);
    for (channel, row) in rows.iter_mut().enumerate() {
        let place = (at.slice + channel).checked_sub(beside);
        let found = place.filter(|place| *place <= last);
        *row = match (found, edges) {
            (Some(place), _) => same_phase(slices, at, place),
            (None, Edges::Zero) => NONE,
            (None, Edges::Repeat) => same_phase(slices, at, if place.is_none() { 0 } else { last }),
        };
    }
}

/// The row of slice `other` that is of the phase of an image: the only one, the nearest in time, or the one at the same
/// place among its phases where times are missing.
fn same_phase(slices: &[&[Place]], at: InStack, other: usize) -> u32 {
    let (place, slice) = (slices[at.slice][at.phase], slices[other]);
    if at.slice == other {
        return place.row;
    }
    let timed = !place.time.is_nan() && slice.iter().all(|place| !place.time.is_nan());
    let gap = |other: &&Place| (other.time - place.time).abs();
    let nearest = slice.iter().min_by(|a, b| gap(a).total_cmp(&gap(b))).filter(|_| timed);
    nearest.unwrap_or(&slice[at.phase.min(slice.len() - 1)]).row
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slice(rows: &[(u32, f64)]) -> Vec<Place> {
        let place = |&(row, time): &(u32, f64)| Place {
            row,
            patient: 0,
            stack: 0,
            position: 0.0,
            time,
            instance: 0,
            frame: 0,
        };
        rows.iter().map(place).collect()
    }

    #[test]
    fn phases_are_a_cycle() {
        let cine = slice(&[(5, 0.0), (3, 10.0), (9, 20.0)]);
        let around = |phase| {
            let mut rows = [NONE; 5];
            fill_phases(&mut rows, &cine, phase);
            rows
        };
        assert_eq!(around(0), [3, 9, 5, 3, 9]);
        assert_eq!(around(2), [5, 3, 9, 5, 3]);
        let mut rows = [NONE; 9];
        fill_phases(&mut rows, &cine[..1], 0);
        assert_eq!(rows, [5; 9]);
    }

    #[test]
    fn neighbours_are_of_the_same_phase_and_end_at_the_edges() {
        let slices = [slice(&[(0, 0.0), (1, 30.0)]), slice(&[(2, 2.0), (3, 28.0)]), slice(&[(4, 29.0)])];
        let slices: Vec<&[Place]> = slices.iter().map(|slice| &slice[..]).collect();
        let around = |(slice, phase), edges| {
            let mut rows = [NONE; 5];
            let at = InStack { slice, phase };
            fill_neighbours(&mut rows, &slices, at, edges);
            rows
        };
        assert_eq!(around((1, 0), Edges::Repeat), [0, 0, 2, 4, 4]);
        assert_eq!(around((1, 1), Edges::Zero), [NONE, 1, 3, 4, NONE]);
        assert_eq!(around((0, 1), Edges::Repeat), [1, 1, 1, 3, 4]);
        assert_eq!(around((2, 0), Edges::Zero), [1, 3, 4, NONE, NONE]);
        let untimed = [slice(&[(0, f64::NAN), (1, f64::NAN)]), slice(&[(2, 2.0)])];
        let untimed: Vec<&[Place]> = untimed.iter().map(|slice| &slice[..]).collect();
        let mut rows = [NONE; 3];
        fill_neighbours(&mut rows, &untimed, InStack { slice: 0, phase: 1 }, Edges::Repeat);
        assert_eq!(rows, [1, 1, 2]);
        fill_neighbours(&mut rows, &untimed, InStack { slice: 1, phase: 0 }, Edges::Repeat);
        assert_eq!(rows, [0, 2, 2]);
    }
}
