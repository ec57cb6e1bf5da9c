//! Checks of one contour alone.

use super::border;
use super::crossing::{Crossings, crossings};
use super::outline::{distance, length, resample};
use super::{Check, Finding, Thresholds};
use crate::model::{GridShape, Mask, Place, Polygon};
use crate::raster::{MaskRule, Rasterizer};

/// A contour and where it stands.
pub(super) struct Subject<'a> {
    pub(super) contour: &'a Polygon,
    pub(super) sample: u32,
    pub(super) plane: usize,
    pub(super) name: &'a str,
}

impl Subject<'_> {
    pub(super) fn finding(&self, check: Check, text: String) -> Finding {
        Finding::of_annotation(check, self.sample, self.plane, Place::file(self.name), text)
    }
}

/// Looks at one contour in an image of `shape`.
pub(super) fn check_shape(
    subject: &Subject<'_>,
    shape: GridShape,
    thresholds: &Thresholds,
    painter: &mut Painter,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let area = subject.contour.area();
    let mut crossed = None;
    match crossings(subject.contour) {
        Crossings::Found(0, _) => {}
        Crossings::Found(count, first) => crossed = Some((count, first.unwrap_or_default())),
        Crossings::TooLong => {
            let points = subject.contour.points().len();
            let text = format!("{points} points run to and fro so much that crossings were not looked for");
            findings.push(subject.finding(Check::NotExamined, text).with(&[("points", points as f64)]));
        }
    }
    // The area of loops that run against each other cancels; that is another finding.
    if area < thresholds.min_area && crossed.is_none() {
        let text =
            format!("the contour encloses {area:.2} square px; at least {} is expected", thresholds.min_area);
        findings.push(subject.finding(Check::NoArea, text).with(&[("area_px2", area)]));
    } else {
        findings.extend(mask_area(subject, shape, area, thresholds, painter));
    }
    findings.extend(outside_image(subject, shape, thresholds));
    if let Some((count, [x, y])) = crossed {
        let times = if count == 1 { "once".to_owned() } else { format!("{count} times") };
        let text = format!("the contour crosses itself {times}, first near ({x:.1}, {y:.1})");
        findings.push(subject.finding(Check::SelfCrossing, text).with(&[("crossings", count as f64)]));
    }
    findings.extend(unclosed(subject, thresholds));
    findings.extend(spike(subject, thresholds));
    findings
}

/// The area of mask and contour, where the whole contour is in the image.
fn mask_area(
    subject: &Subject<'_>,
    shape: GridShape,
    area: f64,
    thresholds: &Thresholds,
    painter: &mut Painter,
) -> Option<Finding> {
    let ([min_x, min_y], [max_x, max_y]) = subject.contour.bounds();
    let too_large = (max_x - min_x).max(max_y - min_y) > MAX_SIDE;
    if too_large || border::share_outside(subject.contour, shape) > 0.0 {
        return None;
    }
    let pixels = painter.count(subject.contour);
    let difference = (pixels as f64 - area).abs();
    let spread = difference / length(subject.contour).max(1.0);
    if spread <= thresholds.mask_difference {
        return None;
    }
    let text = format!(
        "the mask has {pixels} px and the contour encloses {area:.0}: loops run against each other, or one inside \
         another"
    );
    let values = [("mask_px", pixels as f64), ("area_px2", area), ("spread_px", spread)];
    Some(subject.finding(Check::MaskArea, text).with(&values))
}

fn outside_image(subject: &Subject<'_>, shape: GridShape, thresholds: &Thresholds) -> Option<Finding> {
    let percent = 100.0 * border::share_outside(subject.contour, shape);
    let values = [("outside_percent", percent)];
    if percent > thresholds.outside_image {
        let text = format!("{percent:.0} % of the contour's area lies beyond its image of {shape} pixels");
        return Some(subject.finding(Check::OutsideImage, text).with(&values));
    }
    border::touches(subject.contour, shape).then(|| {
        let text = match percent {
            0.0 => "the contour touches the border of its image".to_owned(),
            _ => format!(
                "the contour touches the border of its image, and {percent:.1} % of its area lies beyond"
            ),
        };
        subject.finding(Check::TouchesBorder, text).with(&values)
    })
}

fn unclosed(subject: &Subject<'_>, thresholds: &Thresholds) -> Option<Finding> {
    let points = subject.contour.points();
    let gap = distance(points[0], points[points.len() - 1]);
    let step = points.windows(2).map(|pair| distance(pair[0], pair[1])).fold(0.0, f64::max);
    (gap > thresholds.gap && gap > 2.0 * step).then(|| {
        let text = format!(
            "the first and the last point are {gap:.1} px apart, other neighbours at most {step:.1}; the gap was closed \
             by a straight line"
        );
        subject.finding(Check::Unclosed, text).with(&[("gap_px", gap), ("longest_step_px", step)])
    })
}

/// Points along the path, to be looked at for spikes.
const MAX_STEPS: usize = 1 << 16;

/// The path at each of its points, and as far before and after it as a spike is long.
fn spike(subject: &Subject<'_>, thresholds: &Thresholds) -> Option<Finding> {
    let (wanted, total) = (thresholds.spike, length(subject.contour));
    // What is that small is all corners.
    if wanted <= 0.0 || total < 6.0 * wanted {
        return None;
    }
    // Four steps to the length: a tip is at most an eighth of it off.
    let steps = ((4.0 * total / wanted).ceil() as usize).clamp(24, MAX_STEPS);
    let path = resample(subject.contour, steps);
    let reach = ((wanted / total * path.len() as f64).round() as usize).max(1);
    let at = |k: usize| path[k % path.len()];
    let tip = (0..path.len()).find(|&k| {
        let (before, here, after) = (at(k + path.len() - reach), at(k), at(k + reach));
        let legs = distance(before, here).min(distance(after, here));
        legs > 0.7 * wanted && distance(before, after) < 0.5 * legs
    })?;
    let [x, y] = at(tip);
    let text = format!("the contour runs out to a point near ({x:.1}, {y:.1}) and back, {wanted} px or more");
    Some(subject.finding(Check::Spike, text).with(&[("x_px", x), ("y_px", y)]))
}

/// Counts the pixels of contours in memory no larger than the contours, which is used again.
#[derive(Debug)]
pub(super) struct Painter {
    rasterizer: Rasterizer,
    masks: [Mask; 2],
}

impl Default for Painter {
    fn default() -> Self {
        let empty = || Mask::zeros(GridShape::new(1, 1).expect("1 is a side"));
        Self { rasterizer: Rasterizer::new(MaskRule::Center), masks: [empty(), empty()] }
    }
}

/// Sides of what is painted; what lies further out is cut off.
const MAX_SIDE: f64 = 4096.0;

impl Painter {
    /// The pixels whose centre lies inside `contour`, in the image or not.
    fn count(&mut self, contour: &Polygon) -> usize {
        let (low, high) = contour.bounds();
        self.paint(0, contour, low, high);
        self.masks[0].count_ones()
    }

    /// The pixels of `inner` that are not of `outer`, and all of `inner`.
    pub(super) fn count_outside(&mut self, inner: &Polygon, outer: &Polygon) -> (usize, usize) {
        let (low, high) = inner.bounds();
        self.paint(0, inner, low, high);
        self.paint(1, outer, low, high);
        let [inner, outer] = &self.masks;
        let both = inner.data().iter().zip(outer.data()).filter(|(inner, outer)| inner > outer);
        (both.count(), inner.count_ones())
    }

    fn paint(&mut self, which: usize, contour: &Polygon, low: [f64; 2], high: [f64; 2]) {
        // A shift by whole pixels changes no mask.
        let low = low.map(f64::floor);
        let side = |axis: usize| ((high[axis] - low[axis]).min(MAX_SIDE) as usize) + 2;
        let shape = GridShape::new(side(1), side(0)).expect("the sides are bounded");
        let points: Vec<[f64; 2]> = contour.points().iter().map(|[x, y]| [x - low[0], y - low[1]]).collect();
        self.masks[which].reset(shape);
        self.rasterizer.rasterize(&points, &mut self.masks[which]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(points: &[[f64; 2]]) -> Vec<Check> {
        let contour = Polygon::new(points.to_vec()).unwrap();
        let subject = Subject { contour: &contour, sample: 0, plane: 0, name: "c" };
        let shape = GridShape::new(64, 64).unwrap();
        let findings = check_shape(&subject, shape, &Thresholds::default(), &mut Painter::default());
        findings.iter().map(|finding| finding.check).collect()
    }

    fn circle(radius: f64) -> Vec<[f64; 2]> {
        let angle = |k: u32| f64::from(k) / 100.0 * std::f64::consts::TAU;
        (0..100).map(|k| [30.0 + radius * angle(k).cos(), 30.0 + radius * angle(k).sin()]).collect()
    }

    #[test]
    fn good_contours_have_no_findings() {
        assert!(found(&circle(12.0)).is_empty());
        assert!(found(&circle(3.0)).is_empty());
        assert!(found(&[[10.0, 10.0], [40.0, 10.0], [40.0, 30.0], [10.0, 30.0]]).is_empty());
        let rounded: Vec<_> = circle(12.0).iter().map(|p| p.map(|v| (2.0 * v).round() / 2.0)).collect();
        assert!(found(&rounded).is_empty());
    }

    #[test]
    fn no_area() {
        assert_eq!(found(&[[10.0, 10.0], [11.0, 10.5], [12.0, 11.0]]), [Check::NoArea]);
    }

    #[test]
    fn loops_against_each_other() {
        let mut eight = circle(10.0);
        for point in eight.iter_mut().skip(50) {
            point[0] = 60.0 - point[0];
        }
        let eight = [[10.0, 10.0], [50.0, 50.0], [50.0, 10.0], [10.0, 50.0]];
        assert_eq!(found(&eight), [Check::MaskArea, Check::SelfCrossing]);
    }

    #[test]
    fn a_small_loop_is_a_crossing_alone() {
        let mut looped = circle(12.0);
        looped.swap(10, 11);
        assert_eq!(found(&looped), [Check::SelfCrossing]);
    }

    #[test]
    fn beyond_the_image_and_at_its_border() {
        let moved = |dx: f64| circle(10.0).iter().map(|[x, y]| [x + dx, *y]).collect::<Vec<_>>();
        assert_eq!(found(&moved(30.0)), [Check::OutsideImage]);
        assert_eq!(found(&moved(23.0)), [Check::TouchesBorder]);
    }

    #[test]
    fn an_open_end() {
        assert_eq!(found(&circle(12.0)[..95]), [Check::Unclosed]);
        assert!(found(&circle(12.0)[..99]).is_empty());
    }

    #[test]
    fn a_point_far_out() {
        let mut spiked = circle(12.0);
        spiked[30][1] += 6.0;
        assert_eq!(found(&spiked), [Check::Spike]);
    }
}
