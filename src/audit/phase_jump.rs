//! Comparison of the two phases of a slice: a heart beats alike in all slices.

use super::Check;
use super::neighbours::{Jump, PatientSpots, Spot};

/// Fewer other slices with both phases tell nothing.
const ENOUGH: usize = 4;

/// A contour, the other phase of its slice, and by how much the ratio of the two is off, in per cent.
struct Beat<'s> {
    spot: &'s Spot,
    partner: &'s Spot,
    percent: f64,
}

impl PatientSpots {
    /// Adds, to the `jumps` between slices, the contours whose radius goes with no other phase of their slice as it does
    /// in the patient's other slices; of two that accuse each other the first, and neither where one jumps already.
    pub(super) fn add_phase_jumps(&self, jumps: &mut Vec<Jump>, percent: f64) {
        if self.slices.len() <= ENOUGH {
            return;
        }
        let numbered = self.slices.iter().enumerate();
        let of_slices =
            numbered.flat_map(|(slice, range)| self.spots[range.clone()].iter().map(move |s| (slice, s)));
        let beats: Vec<Beat<'_>> = of_slices
            .filter_map(|(slice, spot)| self.beat(slice, spot))
            .filter(|beat| beat.percent.abs() > percent)
            .collect();
        let key = |spot: &Spot| (spot.index, spot.plane);
        let jumped = |spot: &Spot| {
            jumps.iter().any(|jump| jump.check == Check::AreaJump && (jump.index, jump.plane) == key(spot))
        };
        let accuses = |beat: &Beat<'_>| {
            let back = |other: &Beat<'_>| {
                key(other.spot) == key(beat.partner) && key(other.partner) == key(beat.spot)
            };
            key(beat.partner) < key(beat.spot) && beats.iter().any(back)
        };
        let odd = beats.iter().filter(|beat| !jumped(beat.spot) && !jumped(beat.partner) && !accuses(beat));
        let odd: Vec<Jump> = odd.map(Beat::jump).collect();
        jumps.extend(odd);
    }

    /// The contour beside the phase before or after it that it goes with better. `None` where nothing tells.
    fn beat<'s>(&'s self, slice: usize, spot: &'s Spot) -> Option<Beat<'s>> {
        let mut partners: [Option<&Spot>; 2] = [None; 2];
        for other in self.of_slice(slice, *spot, false).filter(|other| other.plane == spot.plane) {
            let nearest = &mut partners[usize::from(other.time > spot.time)];
            if nearest.is_none_or(|now| (other.time - spot.time).abs() < (now.time - spot.time).abs()) {
                *nearest = Some(other);
            }
        }
        let beat = |partner| Some(Beat { spot, partner, percent: self.off(slice, spot, partner)? });
        partners
            .into_iter()
            .flatten()
            .filter_map(beat)
            .min_by(|a, b| a.percent.abs().total_cmp(&b.percent.abs()))
    }

    /// By how much the ratio of two radii in `slice` is off from the median of the other slices, in per cent of the
    /// smaller.
    fn off(&self, slice: usize, spot: &Spot, partner: &Spot) -> Option<f64> {
        let like = |number: usize, wanted: &Spot| {
            let same = self.of_slice(number, *wanted, true).filter(|other| other.plane == wanted.plane);
            same.map(|other| other.radius).find(|radius| *radius > 0.0)
        };
        let ratio = |number: usize| Some(like(number, spot)? / like(number, partner)?);
        let others = (0..self.slices.len()).filter(|number| *number != slice);
        let mut ratios: Vec<f64> = others.filter_map(ratio).collect();
        ratios.sort_unstable_by(f64::total_cmp);
        let median = ratios.get(ratios.len() / 2).filter(|_| ratios.len() >= ENOUGH)?;
        let off = spot.radius / partner.radius / median;
        (off.is_finite() && off > 0.0)
            .then(|| if off >= 1.0 { 100.0 * (off - 1.0) } else { -100.0 * (1.0 / off - 1.0) })
    }
}

impl Beat<'_> {
    fn jump(&self) -> Jump {
        let Spot { index, plane, .. } = *self.spot;
        let phase = Some((self.partner.index, self.percent));
        Jump { index, plane, check: Check::AreaJump, slices: None, slice: None, phase }
    }
}
