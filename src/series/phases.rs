//! The phases of a cine, slice by slice.

use super::{SeriesFrame, Slice};

/// Orders of the images of one slice by Instance Number and by Trigger Time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PhaseOrder {
    /// Both are one order, or only one of the two attributes is there: indices of the images in this order.
    Agreed(Vec<usize>),
    /// They are different orders: indices of the images.
    Differ {
        /// By Instance Number, then by frame.
        by_instance: Vec<usize>,
        /// By Trigger Time.
        by_time: Vec<usize>,
    },
    /// Neither attribute tells the images apart.
    Unknown,
}

/// The order of the phases in `slice`, whose indices point into `frames`.
///
/// dcm2niix and ITK write phases by Instance Number; players show them by Trigger Time. Where the two are different
/// orders, a label volume of several phases fits in two ways.
#[must_use]
pub fn phase_order(slice: &Slice, frames: &[SeriesFrame]) -> PhaseOrder {
    let by_instance = slice.frames.clone();
    if let [_] = by_instance[..] {
        return PhaseOrder::Agreed(by_instance);
    }
    let number = |index: &usize| frames[*index].instance_number.map(|n| (n, frames[*index].frame));
    let time = |index: &usize| frames[*index].trigger_time.filter(|ms| ms.is_finite());
    let numbers: Option<Vec<_>> = by_instance.iter().map(number).collect();
    let numbered = numbers.is_some_and(|numbers| numbers.windows(2).all(|two| two[0] < two[1]));

    let times: Option<Vec<f64>> = by_instance.iter().map(time).collect();
    let mut by_time: Vec<usize> = by_instance.clone();
    by_time.sort_by(|a, b| time(a).unwrap_or(0.0).total_cmp(&time(b).unwrap_or(0.0)));
    let timed = times.is_some_and(|mut times| {
        times.sort_by(f64::total_cmp);
        times.windows(2).all(|two| two[0] < two[1])
    });
    match (numbered, timed) {
        (true, true) if by_instance != by_time => PhaseOrder::Differ { by_instance, by_time },
        (true, _) => PhaseOrder::Agreed(by_instance),
        (false, true) => PhaseOrder::Agreed(by_time),
        (false, false) => PhaseOrder::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Geometry, GridShape};

    fn order(frames: &[(Option<i32>, Option<f64>)]) -> PhaseOrder {
        let frames: Vec<SeriesFrame> = frames
            .iter()
            .map(|&(instance_number, trigger_time)| SeriesFrame {
                shape: GridShape::new(1, 1).unwrap(),
                geometry: Geometry::ABSENT,
                instance_number,
                frame: 0,
                trigger_time,
            })
            .collect();
        let mut indices: Vec<usize> = (0..frames.len()).collect();
        indices.sort_by_key(|&index| frames[index].instance_number);
        phase_order(&Slice { distance: 0.0, frames: indices }, &frames)
    }

    #[test]
    fn instance_number_and_trigger_time_must_not_contradict_each_other() {
        let agreed = PhaseOrder::Agreed(vec![1, 0]);
        assert_eq!(order(&[(Some(9), Some(30.0)), (Some(4), Some(0.0))]), agreed);
        assert_eq!(order(&[(Some(9), None), (Some(4), Some(0.0))]), agreed);
        assert_eq!(order(&[(None, Some(30.0)), (None, Some(0.0))]), agreed);
        assert_eq!(order(&[(Some(9), Some(5.0)), (Some(4), Some(5.0))]), agreed);
        let differ = PhaseOrder::Differ { by_instance: vec![1, 0], by_time: vec![0, 1] };
        assert_eq!(order(&[(Some(9), Some(0.0)), (Some(4), Some(30.0))]), differ);
        assert_eq!(order(&[(None, None), (Some(4), Some(0.0))]), PhaseOrder::Unknown);
        assert_eq!(order(&[(None, None)]), PhaseOrder::Agreed(vec![0]));
    }
}
