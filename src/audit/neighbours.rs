//! Contours against those of the neighbouring slices in the same phase, and against the others of their slice.

use super::facts::{Axes, ContourFacts, ImageFacts};
use super::outline::distance;
use super::{Check, Thresholds};

/// Two images are of one phase where their trigger times differ by at most this share of the patient's latest.
const SAME_PHASE: f64 = 0.08;
/// Two images are of one slice where they are at most so many mm apart.
pub(super) const SAME_SLICE: f64 = 1.0;
/// Slices further apart than this, in mm, are no neighbours.
const NEAR: f64 = 25.0;

/// Measures of one contour that are compared, lengths in mm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Spot {
    /// Any number of the caller's.
    pub(super) index: usize,
    /// The plane of its mask.
    pub(super) plane: u8,
    at: [f64; 2],
    depth: f64,
    pub(super) time: f64,
    pub(super) radius: f64,
}

impl Spot {
    /// `None` where the header of its image does not tell where it is.
    pub(super) fn of(
        index: usize,
        plane: u8,
        contour: &ContourFacts,
        image: &ImageFacts,
        axes: &Axes,
    ) -> Option<Self> {
        let [x, y, depth] = image.locate(contour.centre.map(f64::from), axes);
        let [across, down] = image.scale();
        let radius = (f64::from(contour.area) * across * down / std::f64::consts::PI).sqrt();
        let told = [x, y, depth].iter().all(|mm| mm.is_finite());
        told.then_some(Self { index, plane, at: [x, y], depth, time: f64::from(image.time), radius })
    }

    fn distance(&self, at: [f64; 2]) -> f64 {
        distance(self.at, at)
    }
}

/// Result for a spot.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Jump {
    pub(super) index: usize,
    pub(super) plane: u8,
    pub(super) check: Check,
    /// Deviation from the neighbouring slices, in mm or, for the area, per cent of the radius.
    pub(super) slices: Option<f64>,
    /// From the nearest of the other contours of the slice, in mm.
    pub(super) slice: Option<f64>,
    /// The index of the other phase of the slice, and from where it and the other slices tell, in per cent of the radius.
    pub(super) phase: Option<(usize, f64)>,
}

/// The spots of one patient, found fast by structure, slice and time.
pub(super) struct PatientSpots {
    phase: f64,
    pub(super) spots: Vec<Spot>,
    /// For each slice, from the first to the last, its spots: a range of `spots`, which within it are sorted by time.
    pub(super) slices: Vec<std::ops::Range<usize>>,
}

impl PatientSpots {
    fn new(mut spots: Vec<Spot>) -> Self {
        let latest = spots.iter().map(|spot| spot.time).fold(0.0, f64::max);
        spots.sort_by(|a, b| a.depth.total_cmp(&b.depth));
        let mut slices: Vec<std::ops::Range<usize>> = Vec::new();
        for number in 0..spots.len() {
            match slices.last_mut() {
                Some(slice) if spots[number].depth - spots[slice.start].depth <= SAME_SLICE => {
                    slice.end = number + 1
                }
                _ => slices.push(number..number + 1),
            }
        }
        for slice in &slices {
            spots[slice.clone()].sort_by(|a, b| a.time.total_cmp(&b.time));
        }
        Self { phase: SAME_PHASE * latest, spots, slices }
    }

    /// Those of the slice that are of the phase of `spot`, or of any other.
    pub(super) fn of_slice(
        &self,
        number: usize,
        spot: Spot,
        same_phase: bool,
    ) -> impl Iterator<Item = &Spot> {
        // A patient with every phase annotated has some tens; more than this many are not all asked.
        const ASKED: usize = 64;
        let slice = self.slices.get(number).map_or(&[][..], |range| &self.spots[range.clone()]);
        let near = slice.partition_point(|other| other.time < spot.time - self.phase);
        let from = if same_phase { near } else { near.saturating_sub(ASKED / 2) };
        slice[from.min(slice.len())..]
            .iter()
            .take(ASKED)
            .filter(move |other| ((other.time - spot.time).abs() <= self.phase) == same_phase)
    }

    /// The nearest in time of the same structure and phase in a slice so many further on.
    fn neighbour(&self, slice: usize, spot: &Spot, step: isize) -> Option<&Spot> {
        let number = slice.checked_add_signed(step)?;
        let same = self.of_slice(number, *spot, true).filter(|other| other.plane == spot.plane);
        let near = same.filter(|other| (other.depth - spot.depth).abs() <= NEAR);
        near.min_by(|a, b| (a.time - spot.time).abs().total_cmp(&(b.time - spot.time).abs()))
    }

    fn jumps(&self, thresholds: &Thresholds) -> Vec<Jump> {
        let mut jumps = Vec::new();
        for (slice, range) in self.slices.iter().enumerate() {
            for spot in &self.spots[range.clone()] {
                jumps.extend(self.position(slice, spot, thresholds));
                jumps.extend(self.area(slice, spot, thresholds));
            }
        }
        jumps
    }

    /// Pairs of neighbours on either side. One of them may be wrong itself, but not all: where one is in every
    /// pair, there are two of one side as well.
    fn pairs(&self, slice: usize, spot: &Spot) -> Vec<(&Spot, &Spot)> {
        let near = |step| self.neighbour(slice, spot, step);
        let found = |pairs: &[(isize, isize)]| -> Vec<_> {
            pairs.iter().filter_map(|&(a, b)| Some((near(a)?, near(b)?))).collect()
        };
        let mut pairs = found(&[(-1, 1), (-2, 2), (-1, 2), (-2, 1)]);
        if (1..4).contains(&pairs.len()) {
            pairs.extend(found(&[(1, 2), (-1, -2)]));
        }
        pairs
    }

    fn position(&self, slice: usize, spot: &Spot, thresholds: &Thresholds) -> Option<Jump> {
        let smallest = |distances: Vec<f64>| distances.into_iter().reduce(f64::min);
        let between = |(before, after): &(&Spot, &Spot)| {
            spot.distance([0, 1].map(|axis| interpolate(spot, before, after, |other| other.at[axis])))
        };
        let mut slices: Vec<f64> = self.pairs(slice, spot).iter().map(between).collect();
        if slices.is_empty() {
            let next = [-1, 1].into_iter().filter_map(|step| self.neighbour(slice, spot, step));
            slices = next.map(|other| spot.distance(other.at)).collect();
        }
        let others = [true, false].into_iter().flat_map(|same| self.of_slice(slice, *spot, same));
        let others = others.filter(|other| (other.index, other.plane) != (spot.index, spot.plane));
        let (slices, slice) =
            (smallest(slices), smallest(others.map(|other| spot.distance(other.at)).collect()));
        let both = slices.is_some() && slice.is_some();
        let least = smallest(slices.into_iter().chain(slice).collect())?;
        let check = if both && least > thresholds.displaced {
            Check::Displaced
        } else if least > thresholds.position_jump {
            Check::PositionJump
        } else {
            return None;
        };
        Some(Jump { index: spot.index, plane: spot.plane, check, slices, slice, phase: None })
    }

    fn area(&self, slice: usize, spot: &Spot, thresholds: &Thresholds) -> Option<Jump> {
        let differs = |(before, after): (&Spot, &Spot)| {
            100.0 * (spot.radius / interpolate(spot, before, after, |other| other.radius) - 1.0)
        };
        let pairs = self.pairs(slice, spot);
        let least = pairs.into_iter().map(differs).min_by(|a, b| a.abs().total_cmp(&b.abs()))?;
        (least.abs() > thresholds.area_jump).then_some(Jump {
            index: spot.index,
            plane: spot.plane,
            check: Check::AreaJump,
            slices: Some(least),
            slice: None,
            phase: None,
        })
    }
}

/// Interpolates between the two neighbours at the depth of `spot`.
fn interpolate(spot: &Spot, before: &Spot, after: &Spot, value: impl Fn(&Spot) -> f64) -> f64 {
    let share = (spot.depth - before.depth) / (after.depth - before.depth);
    value(before) + share * (value(after) - value(before))
}

/// Looks for jumps among the contours of one patient, all phases and structures together.
pub(super) fn jumps(mut spots: Vec<Spot>, thresholds: &Thresholds) -> Vec<Jump> {
    // Without a time, the phases cannot be told apart.
    spots.retain(|spot| spot.time.is_finite());
    let stack = PatientSpots::new(spots);
    let mut jumps = stack.jumps(thresholds);
    stack.add_phase_jumps(&mut jumps, thresholds.phase_jump);
    jumps.sort_by_key(|jump| (jump.index, jump.plane, jump.check));
    jumps
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nine slices in two phases, inner and outer; index is slice * 2 + phase.
    fn heart() -> Vec<Spot> {
        let spot = |slice: usize, phase: usize, plane: u8| Spot {
            index: slice * 2 + phase,
            plane,
            at: [slice as f64, 2.0 * phase as f64 + f64::from(plane)],
            depth: 10.0 * slice as f64,
            time: 300.0 + 400.0 * phase as f64 + slice as f64,
            radius: 30.0 - 2.0 * slice as f64 - 5.0 * phase as f64 + 8.0 * f64::from(plane),
        };
        let all =
            (0..9).flat_map(|slice| (0..2).flat_map(move |phase| [0, 1].map(|plane| (slice, phase, plane))));
        all.map(|(slice, phase, plane)| spot(slice, phase, plane)).collect()
    }

    fn found(change: impl Fn(&mut Vec<Spot>)) -> Vec<(usize, u8, Check)> {
        let mut spots = heart();
        change(&mut spots);
        jumps(spots, &Thresholds::default()).iter().map(|jump| (jump.index, jump.plane, jump.check)).collect()
    }

    #[test]
    fn a_regular_heart_has_none() {
        assert_eq!(found(|_| ()), []);
        assert_eq!(found(|spots| spots.reverse()), []);
    }

    #[test]
    fn one_contour_far_away_is_displaced_and_blames_no_neighbour() {
        for number in 0..36 {
            let Spot { index, plane, .. } = heart()[number];
            assert_eq!(found(|spots| spots[number].at[0] += 14.0), [(index, plane, Check::Displaced)]);
            assert_eq!(found(|spots| spots[number].at[0] += 8.5), [(index, plane, Check::PositionJump)]);
        }
    }

    #[test]
    fn a_whole_slice_away_was_scanned_so() {
        assert_eq!(found(|spots| spots[16..20].iter_mut().for_each(|spot| spot.at[0] += 30.0)), []);
    }

    #[test]
    fn without_others_in_the_slice_it_is_a_warning() {
        let alone = |spots: &mut Vec<Spot>| {
            spots.retain(|spot| spot.plane == 0 && spot.index % 2 == 0);
            spots[4].at[0] += 30.0;
        };
        assert_eq!(found(alone), [(8, 0, Check::PositionJump)]);
    }

    #[test]
    fn areas_jump_between_slices() {
        assert_eq!(found(|spots| spots[16].radius *= 1.5), [(8, 0, Check::AreaJump)]);
        assert_eq!(found(|spots| spots[16].radius *= 1.1), []);
        // Without neighbours on both sides there is no estimate.
        let alone = |spots: &mut Vec<Spot>| {
            spots.retain(|spot| spot.index % 2 == 0);
            spots[0].radius *= 3.0;
        };
        assert_eq!(found(alone), []);
    }

    #[test]
    fn a_first_or_last_slice_is_held_against_its_other_phase() {
        for (number, partner) in [(0, 1), (32, 33)] {
            let Spot { index, plane, .. } = heart()[number];
            let wrong = |spots: &mut Vec<Spot>| spots[number].radius *= 1.7;
            assert_eq!(found(wrong), [(index, plane, Check::AreaJump)]);
            let mut spots = heart();
            wrong(&mut spots);
            let jump = jumps(spots, &Thresholds::default())[0];
            assert_eq!(jump.phase.map(|(other, _)| other), Some(2 * (index / 2) + partner % 2));
        }
        // Without enough slices, nothing tells how a heart beats.
        assert!(
            found(|spots| {
                spots.truncate(16);
                spots[0].radius *= 3.0;
            })
            .is_empty()
        );
    }

    #[test]
    fn phases_are_not_mixed() {
        let moved = |spots: &mut Vec<Spot>| {
            spots.iter_mut().filter(|spot| spot.index % 2 == 1).for_each(|spot| spot.radius *= 2.0);
        };
        assert_eq!(found(moved), []);
        assert_eq!(found(|spots| spots.iter_mut().for_each(|spot| spot.time = f64::NAN)), []);
    }
}
