//! Comparison of an inner contour with its image: blood is brighter than the muscle around it in the images that
//! hearts are measured in.

use super::profile::{ImageView, Profile};
use super::shape::Subject;
use super::{Check, Finding, Thresholds};
use crate::model::Polygon;

/// Displacements that are tried, in pixels, and their steps.
const FAR: i32 = 12;
const COARSE: usize = 4;
/// Contours of less area, in square pixels, have no inside to speak of.
const SMALLEST: f64 = 25.0;

/// The contours of an image, one for each mask plane, and the plane of those that are brighter than what is around them.
#[derive(Debug, Clone, Copy)]
pub struct Bright<'a> {
    /// The plane, where there is one.
    pub plane: Option<usize>,
    /// The contours.
    pub contours: &'a [Vec<Polygon>],
}

/// Compares the contours of one image with its pixels; both in the same pixels. `name` are those of the
/// contour files.
///
/// These are warnings, never errors: images may be of a kind in which blood is dark.
#[must_use]
pub fn against_image(
    picture: ImageView<'_>,
    bright: Bright<'_>,
    sample: u32,
    thresholds: &Thresholds,
    name: impl Fn(usize) -> String,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let Bright { plane, contours } = bright;
    let Some(plane) = plane else { return findings };
    for contour in contours[plane].iter().filter(|contour| contour.area() >= SMALLEST) {
        let profile = Profile::of(contour);
        let contrast = 100.0 * profile.contrast(picture);
        let low = contrast < thresholds.contrast;
        let elsewhere = better(&profile, picture, thresholds.elsewhere / 100.0);
        if !low && elsewhere.is_none() {
            continue;
        }
        let name = name(plane);
        let subject = Subject { contour, sample, plane, name: &name };
        if low {
            let text = format!(
                "points just inside the contour are brighter than points just outside in {contrast:.0} % of all \
                 comparisons; with 50 % there is no blood pool, and {} % is expected",
                thresholds.contrast
            );
            findings.push(subject.finding(Check::LowContrast, text).with(&[("contrast_percent", contrast)]));
        }
        if let Some(elsewhere) = elsewhere {
            let [dx, dy] = elsewhere.by.map(f64::from);
            let (here, there) = (100.0 * elsewhere.here, 100.0 * (elsewhere.here + elsewhere.gain));
            let text = format!(
                "the inside is brighter than the outside along {here:.0} % of the contour; moved by {dx:+.0} px to \
                 the right and {dy:+.0} px down it would be {there:.0} %"
            );
            let values = [("here_percent", here), ("there_percent", there), ("dx_px", dx), ("dy_px", dy)];
            findings.push(subject.finding(Check::FitsElsewhere, text).with(&values));
        }
    }
    findings
}

/// The displacement at which a contour follows the image best.
struct Elsewhere {
    here: f64,
    gain: f64,
    by: [i32; 2],
}

/// Tries all moves on a coarse grid, and then finer around the best. `None` where none gains more than `least`.
fn better(profile: &Profile, picture: ImageView<'_>, least: f64) -> Option<Elsewhere> {
    let here = profile.agreement(picture, [0; 2]);
    if 1.0 - here <= least {
        return None;
    }
    let mut best = (here, [0; 2]);
    let mut attempt = |by: [i32; 2]| {
        let agreement = profile.agreement(picture, by);
        if agreement > best.0 {
            best = (agreement, by);
        }
        best.1
    };
    let mut center = [0; 2];
    for dy in (-FAR..=FAR).step_by(COARSE) {
        for dx in (-FAR..=FAR).step_by(COARSE) {
            center = attempt([dx, dy]);
        }
    }
    let [x, y] = center;
    for dy in [-2, 0, 2] {
        for dx in [-2, 0, 2] {
            attempt([x + dx, y + dy]);
        }
    }
    let gain = best.0 - here;
    (gain > least).then_some(Elsewhere { here, gain, by: best.1 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{GridShape, Pixels};

    const INNER: Option<usize> = Some(0);

    fn found(dx: f64, dy: f64, plane: Option<usize>) -> Vec<Finding> {
        look(dx, dy, plane, 1, false)
    }

    fn look(dx: f64, dy: f64, plane: Option<usize>, blood: i16, large_is_dark: bool) -> Vec<Finding> {
        let shape = GridShape::new(64, 64).unwrap();
        let disk =
            |at: usize| (((at % 64) as f64 - 32.0).hypot((at / 64) as f64 - 30.0) < 10.0) as i16 * blood;
        let pixels = Pixels::Int16((0..shape.pixels()).map(disk).collect());
        let angle = |k: u32| f64::from(k) / 50.0 * std::f64::consts::TAU;
        let point = |k| [32.0 + dx + 10.0 * angle(k).cos(), 30.0 + dy + 10.0 * angle(k).sin()];
        let contour = Polygon::new((0..50).map(point).collect()).unwrap();
        let name = |_| "c".to_owned();
        let picture = ImageView { pixels: &pixels, shape, channels: 1, large_is_dark };
        against_image(picture, Bright { plane, contours: &[vec![contour]] }, 3, &Thresholds::default(), name)
    }

    #[test]
    fn a_contour_on_its_place_is_good() {
        assert!(found(0.0, 0.0, INNER).is_empty());
        assert!(found(14.0, 0.0, None).is_empty());
    }

    #[test]
    fn in_monochrome1_the_small_values_are_bright() {
        assert!(look(0.0, 0.0, INNER, -1, true).is_empty());
        assert!(!look(0.0, 0.0, INNER, 1, true).is_empty());
        assert!(!look(8.0, -4.0, INNER, -1, true).is_empty());
    }

    #[test]
    fn a_contour_away_from_its_place_is_told_where_to_go() {
        let findings = found(8.0, -4.0, INNER);
        let checks: Vec<_> = findings.iter().map(|finding| finding.check).collect();
        assert_eq!(checks, [Check::LowContrast, Check::FitsElsewhere]);
        assert!(findings[1].text.contains("-8 px to the right and +4 px down"), "{}", findings[1].text);
        assert_eq!(findings[1].annotation, Some((3, 0)));
    }
}
