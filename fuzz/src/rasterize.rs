//! Rasterizing: any contour has the mask that its rule says, whatever way the contour is listed.

use arbitrary::{Result, Unstructured};
use dicomprep::model::{GridShape, MAX_COORDINATE, Mask};
use dicomprep::raster::{MaskRule, Rasterizer};

use crate::Numbers;

type Point = [f64; 2];

const UNITS: f64 = 65_536.0;

/// How far from the path `center-inclusive` reaches.
const REACH: f64 = 1.0 / 64.0;

pub(crate) fn run(bytes: &[u8]) {
    if let Ok((shape, points, choice)) = contour(&mut Unstructured::new(bytes)) {
        let mut rasterizers = MaskRule::ALL.map(Rasterizer::new);
        let mut masks = [(); 3].map(|()| Mask::zeros(shape));
        for (rasterizer, mask) in rasterizers.iter_mut().zip(&mut masks) {
            rasterizer.rasterize(&points, mask);
            assert!(mask.shape() == shape && mask.data().iter().all(|&pixel| pixel <= 1));
        }
        let [center, inclusive, pillow] = &masks;
        assert!(center.data().iter().zip(inclusive.data()).all(|(center, inclusive)| center <= inclusive));
        let snapped: Vec<Point> =
            points.iter().map(|p| p.map(|v| (v * UNITS).round_ties_even() / UNITS)).collect();
        assert_eq!(center.data(), center_slowly(&snapped, shape), "center, {points:?}");
        assert_eq!(inclusive.data(), inclusive_slowly(&snapped, center), "center-inclusive, {points:?}");
        assert_eq!(pillow.data(), pillow_slowly(&points, shape), "pillow, {points:?}");
        check_listings(&points, choice, &masks);
        check_chord(&points, choice, center);
        check_moved(&snapped, choice, shape);
    }
}

/// A shape, a contour in and around it, and a number for whatever is to be chosen.
fn contour(choices: &mut Unstructured<'_>) -> Result<(GridShape, Vec<Point>, usize)> {
    let side = |choices: &mut Unstructured<'_>| choices.int_in_range(1..=24_usize);
    let shape = GridShape::new(side(choices)?, side(choices)?).expect("a good size");
    let choice = usize::from(choices.arbitrary::<u16>()?);
    let kind = choices.int_in_range(0..=4)?;
    let number = |choices: &mut Unstructured<'_>| {
        let small = f64::from(choices.arbitrary::<i8>()?);
        Ok(match kind {
            0 => small / 4.0,
            1 => small / 2.0,
            2 => f64::from(choices.arbitrary::<i16>()?) / 1000.0,
            // Units of the fixed point, and parts of them.
            3 => small / 8.0 + f64::from(choices.arbitrary::<i8>()?) / 4.0 / UNITS,
            // Far away in a few only: the slow reference walks along every side.
            _ => {
                let number: f64 = choices.arbitrary()?;
                let largest = if choice % 16 == 0 { MAX_COORDINATE } else { 1000.0 };
                if number.abs() <= largest { number } else { small }
            }
        })
    };
    let mut points = Vec::new();
    while points.len() < 40 && !choices.is_empty() {
        points.push([number(choices)?, number(choices)?]);
    }
    Ok((shape, points, choice))
}

fn rasterize(rule: MaskRule, points: &[Point], shape: GridShape) -> Mask {
    let mut mask = Mask::zeros(shape);
    Rasterizer::new(rule).rasterize(points, &mut mask);
    mask
}

/// Start, direction and a repeated first point do not matter.
fn check_listings(points: &[Point], choice: usize, [center, inclusive, _]: &[Mask; 3]) {
    let Some(&first) = points.first() else { return };
    let mut other = points.to_vec();
    if choice & 1 == 1 {
        other.push(first);
    }
    let start = choice / 4 % points.len();
    other.rotate_left(start);
    if choice & 2 == 2 {
        other.reverse();
    }
    for (rule, mask) in [(MaskRule::Center, center), (MaskRule::CenterInclusive, inclusive)] {
        assert_eq!(&rasterize(rule, &other, mask.shape()), mask, "{rule}: {points:?} is not {other:?}");
    }
}

/// Cut in two along a chord, the two parts own what the whole owns, by even-odd.
fn check_chord(points: &[Point], choice: usize, whole: &Mask) {
    if points.len() < 2 {
        return;
    }
    let (a, b) = (choice % points.len(), choice / points.len() % points.len());
    let (a, b) = (a.min(b), a.max(b));
    let one = rasterize(MaskRule::Center, &points[a..=b], whole.shape());
    let other = rasterize(MaskRule::Center, &[&points[..=a], &points[b..]].concat(), whole.shape());
    let both: Vec<u8> = one.data().iter().zip(other.data()).map(|(one, other)| one ^ other).collect();
    assert_eq!(both, whole.data(), "cut from {a} to {b}: {points:?}");
}

/// Moved by whole pixels, a contour owns the same pixels, moved.
fn check_moved(points: &[Point], choice: usize, shape: GridShape) {
    let (down, right) = (choice % 5, choice / 5 % 5);
    let moved: Vec<Point> = points.iter().map(|[x, y]| [x + right as f64, y + down as f64]).collect();
    if moved.iter().flatten().any(|number| number.abs() > MAX_COORDINATE) {
        return;
    }
    for rule in [MaskRule::Center, MaskRule::CenterInclusive] {
        let (mask, moved) = (rasterize(rule, points, shape), rasterize(rule, &moved, shape));
        for row in 0..shape.rows().saturating_sub(down) {
            let columns = shape.columns().saturating_sub(right);
            let here = &mask.data()[row * shape.columns()..][..columns];
            let there =
                &moved.data()[(row + down) * shape.columns() + right.min(shape.columns())..][..columns];
            assert_eq!(here, there, "{rule}, moved by {right}, {down}: {points:?}");
        }
    }
}

fn sides(points: &[Point]) -> impl Iterator<Item = (Point, Point)> {
    let next = points.iter().cycle().skip(1);
    points.iter().zip(next).map(|(&a, &b)| (a, b))
}

fn by_pixel(shape: GridShape, owns: impl Fn(usize, usize) -> bool) -> Vec<u8> {
    let pixels = (0..shape.pixels()).map(|pixel| (pixel / shape.columns(), pixel % shape.columns()));
    pixels.map(|(row, column)| u8::from(owns(row, column))).collect()
}

/// Every centre against every side, in whole units: inside where an odd number of sides is on its left or under
/// it. A contour of fewer than three points has no inside.
fn center_slowly(points: &[Point], shape: GridShape) -> Vec<u8> {
    let units = |[x, y]: Point| [(x * UNITS) as i128, (y * UNITS) as i128];
    by_pixel(shape, |row, column| {
        let [x, y] = [column as i128, row as i128].map(|number| number << 16);
        let crossed = sides(points).filter(|&(a, b)| {
            let (mut a, mut b) = (units(a), units(b));
            if a[1] > b[1] {
                std::mem::swap(&mut a, &mut b);
            }
            a[1] <= y && y < b[1] && (y - a[1]) * (b[0] - a[0]) <= (x - a[0]) * (b[1] - a[1])
        });
        crossed.count() % 2 == 1
    })
}

/// `center`, and every centre that is close to a side.
fn inclusive_slowly(points: &[Point], center: &Mask) -> Vec<u8> {
    let shape = center.shape();
    by_pixel(shape, |row, column| {
        let near = |(a, b): (Point, Point)| {
            let [dx, dy] = [b[0] - a[0], b[1] - a[1]];
            let [x, y] = [column as f64 - a[0], row as f64 - a[1]];
            let length = dx * dx + dy * dy;
            let along = if length > 0.0 { ((x * dx + y * dy) / length).clamp(0.0, 1.0) } else { 0.0 };
            (x - along * dx).powi(2) + (y - along * dy).powi(2) <= REACH * REACH
        };
        center.data()[row * shape.columns() + column] == 1 || sides(points).any(near)
    })
}

/// What Pillow's `ImageDraw.polygon(points, outline=0, fill=1)` paints, in its own steps.
fn pillow_slowly(points: &[Point], shape: GridShape) -> Vec<u8> {
    let points: Vec<[i64; 2]> = points.iter().map(|p| p.map(|v| v.trunc() as i64)).collect();
    let mut mask = vec![0; shape.pixels()];
    let mut paint = |x: i64, y: i64, value: u8| {
        if (0..shape.columns() as i64).contains(&x) && (0..shape.rows() as i64).contains(&y) {
            mask[y as usize * shape.columns() + x as usize] = value;
        }
    };
    if points.len() < 2 {
        return mask;
    }
    let mut lines: Vec<_> = points.windows(2).map(|pair| (pair[0], pair[1])).collect();
    let (first, last) = (points[0], points[points.len() - 1]);
    if first != last {
        lines.push((last, first));
    }
    pillow_fill(&lines, shape, &mut paint);
    if first == last {
        lines.push((last, first));
    }
    for (a, b) in lines {
        pillow_line(a, b, &mut paint);
    }
    mask
}

struct Slope {
    start: [i64; 2],
    low: i64,
    high: i64,
    slope: f32,
}

impl Slope {
    fn x(&self, y: i64) -> f32 {
        (y - self.start[1]) as f32 * self.slope + self.start[0] as f32
    }

    fn reaches(&self, y: i64) -> bool {
        (self.low..=self.high).contains(&y)
    }
}

fn pillow_fill(lines: &[([i64; 2], [i64; 2])], shape: GridShape, paint: &mut impl FnMut(i64, i64, u8)) {
    let (columns, rows) = (shape.columns() as i64, shape.rows() as i64);
    let mut run = |y, from: i64, to: i64| (from.max(0)..=to.min(columns - 1)).for_each(|x| paint(x, y, 1));
    let mut slopes = Vec::new();
    for &(a, b) in lines {
        if a[1] == b[1] {
            run(a[1], a[0].min(b[0]), a[0].max(b[0]));
        } else {
            let slope = (b[0] - a[0]) as f32 / (b[1] - a[1]) as f32;
            slopes.push(Slope { start: a, low: a[1].min(b[1]), high: a[1].max(b[1]), slope });
        }
    }
    let Some(bottom) = slopes.iter().map(|slope| slope.high).max() else { return };
    for y in 0..rows.min(bottom + 1) {
        let mut crossings = Vec::new();
        for (k, side) in slopes.iter().enumerate().filter(|(_, side)| side.reaches(y)) {
            if y == side.high && y < bottom {
                crossings.extend([side.x(y); 2]);
            } else if (side.low < y && y < side.high) || side.slope == 0.0 {
                crossings.push(side.x(y));
            } else {
                crossings.push(corner(&slopes, k, y));
            }
        }
        crossings.sort_by(f32::total_cmp);
        for pair in crossings.chunks_exact(2) {
            run(y, pillow_start(pair[0]), pillow_end(pair[1]));
        }
    }
}

/// Where side `k` begins or ends a row in which it has an end.
fn corner(slopes: &[Slope], k: usize, y: i64) -> f32 {
    let side = &slopes[k];
    let x = side.x(y);
    let next = if y == side.high { y - 1 } else { y + 1 };
    let meets = |other: &&Slope| {
        let ends = other.slope != 0.0 && (y == other.low || y == other.high);
        ends && other.x(y).round() == x.round() && other.reaches(next)
    };
    let Some(other) = slopes[..k].iter().find(meets) else { return x };
    let (p, q) = (side.x(next), other.x(next));
    if x > p + 1.0 && x > q + 1.0 {
        p.max(q).round() + 1.0
    } else if x < p - 1.0 && x < q - 1.0 {
        p.min(q).round() - 1.0
    } else {
        x
    }
}

fn pillow_start(x: f32) -> i64 {
    if x >= 0.0 { (x + 0.5).floor() as i64 } else { -((f64::from(-x) + 0.5).floor() as i64) }
}

fn pillow_end(x: f32) -> i64 {
    if x >= 0.0 { (x - 0.5).ceil() as i64 } else { -((f64::from(-x) - 0.5).ceil() as i64) }
}

/// The outline, which takes its pixels away; `b` is not painted.
fn pillow_line(a: [i64; 2], b: [i64; 2], paint: &mut impl FnMut(i64, i64, u8)) {
    let [dx, dy] = [(b[0] - a[0]).abs(), (b[1] - a[1]).abs()];
    let step = |axis: usize| if b[axis] >= a[axis] { 1 } else { -1 };
    let (long, short) = (dx.max(dy), dx.min(dy));
    for t in 0..long {
        let aside = (2 * t * short + long) / (2 * long);
        let (along, across) = if dx > dy { (t, aside) } else { (aside, t) };
        paint(a[0] + step(0) * along, a[1] + step(1) * across, 0);
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let mut numbers = Numbers(2);
    let lengths = [8, 12, 16, 20, 30, 50, 90, 200];
    (0..40).map(|seed| numbers.bytes(lengths[seed % lengths.len()])).collect()
}
