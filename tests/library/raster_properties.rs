//! What holds for the mask of every contour.

use dicomprep::model::{GridShape, MAX_COORDINATE, Mask};
use dicomprep::raster::{MaskRule, Rasterizer};
use proptest::prelude::*;
use proptest::sample::Index;

type Point = [f64; 2];

/// Fixed-point units in a pixel.
const UNITS: f64 = 65_536.0;

const ROWS: usize = 13;
const COLUMNS: usize = 17;

fn rasterize(rule: MaskRule, points: &[Point]) -> Mask {
    let mut mask = Mask::zeros(GridShape::new(ROWS, COLUMNS).expect("a good size"));
    Rasterizer::new(rule).rasterize(points, &mut mask);
    mask
}

fn center(points: &[Point]) -> Mask {
    rasterize(MaskRule::Center, points)
}

/// Coordinates of one kind, in and around the image: where ties are frequent, where they are rare, and
/// where numbers are large.
fn coordinates() -> impl Strategy<Value = BoxedStrategy<f64>> {
    prop_oneof![
        3 => Just((-8..48_i32).prop_map(|halves| f64::from(halves) / 2.0).boxed()),
        2 => Just((-5..24_i32).prop_map(f64::from).boxed()),
        2 => Just((-5.0..24.0_f64).boxed()),
        1 => Just(prop_oneof![-MAX_COORDINATE..=MAX_COORDINATE, -5.0..24.0_f64].boxed()),
    ]
}

fn polygons() -> impl Strategy<Value = Vec<Point>> {
    coordinates().prop_flat_map(|v| prop::collection::vec([v.clone(), v], 3..14))
}

/// A quarter of a polygon of 12 directions around a centre, in order of the angle; the others follow by
/// turning. No two that follow each other are more than half a turn apart.
const QUARTER: [[i32; 2]; 3] = [[3, 0], [3, 1], [1, 2]];

/// A star-shaped polygon on the half grid, and a point that sees all of it.
fn stars() -> impl Strategy<Value = (Point, Vec<Point>)> {
    let halves = |v: i32| f64::from(v) / 2.0;
    ([0..34_i32, 0..26_i32], [(); 12].map(|()| 1..6_i32)).prop_map(move |([x, y], radii)| {
        let turned = |[dx, dy]: [i32; 2], turns: usize| match turns {
            0 => [dx, dy],
            1 => [-dy, dx],
            2 => [-dx, -dy],
            _ => [dy, -dx],
        };
        let ring = radii.iter().enumerate().map(|(k, radius)| {
            let [dx, dy] = turned(QUARTER[k % 3], k / 3);
            [halves(x + radius * dx), halves(y + radius * dy)]
        });
        ([halves(x), halves(y)], ring.collect())
    })
}

/// Cells along a side of a mesh.
const MESH: usize = 3;

/// `(MESH + 1)` × `(MESH + 1)` points 4 px apart, each displaced by less than 1 px: by half pixels or by
/// anything. And for each cell which of its diagonals is a side.
fn meshes() -> impl Strategy<Value = (Vec<Point>, Vec<bool>)> {
    let points = (MESH + 1) * (MESH + 1);
    let shift = prop_oneof![
        Just((-1..=1_i32).prop_map(|halves| f64::from(halves) / 2.0).boxed()),
        Just((-0.9..0.9_f64).boxed()),
    ];
    let shifts = shift.prop_flat_map(move |v| prop::collection::vec([v.clone(), v], points));
    let moved = shifts.prop_map(|shifts| {
        let place = |(k, [dx, dy]): (usize, Point)| {
            [4.0 * (k % (MESH + 1)) as f64 + 2.0 + dx, 4.0 * (k / (MESH + 1)) as f64 + 2.0 + dy]
        };
        shifts.into_iter().enumerate().map(place).collect()
    });
    (moved, prop::collection::vec(any::<bool>(), MESH * MESH))
}

/// The triangles of a mesh.
fn triangles(points: &[Point], diagonals: &[bool]) -> Vec<[Point; 3]> {
    let cell = |k: usize| {
        let corner = k / MESH * (MESH + 1) + k % MESH;
        let [a, b] = [points[corner], points[corner + 1]];
        let [c, d] = [points[corner + MESH + 1], points[corner + MESH + 2]];
        if diagonals[k] { [[a, b, d], [d, c, a]] } else { [[a, b, c], [c, b, d]] }
    };
    (0..MESH * MESH).flat_map(cell).collect()
}

/// The points around a mesh.
fn border(points: &[Point]) -> Vec<Point> {
    let at = |row: usize, column: usize| points[row * (MESH + 1) + column];
    let top = (0..MESH).map(|k| at(0, k));
    let right = (0..MESH).map(|k| at(k, MESH));
    let bottom = (0..MESH).map(|k| at(MESH, MESH - k));
    let left = (0..MESH).map(|k| at(MESH - k, 0));
    top.chain(right).chain(bottom).chain(left).collect()
}

/// How many of the polygons own each pixel.
fn owners<'a>(polygons: impl IntoIterator<Item = &'a [Point; 3]>) -> Vec<u8> {
    let mut owners = vec![0; ROWS * COLUMNS];
    for polygon in polygons {
        owners.iter_mut().zip(center(polygon).data()).for_each(|(count, pixel)| *count += pixel);
    }
    owners
}

/// Whether the contour encloses the point that lies right of the centre of the pixel by an infinitely
/// small step ε and below it by ε². No tie is left: a ray straight up from there meets the sides whose
/// ends lie left and right of it, and a side is above it by the sign of the first of three terms, of
/// order 1, ε and ε², that is not zero.
fn encloses(points: &[[i128; 2]], [x, y]: [i128; 2]) -> bool {
    let sides = points.iter().zip(points.iter().cycle().skip(1));
    let above = sides.filter(|&(a, b)| {
        let [left, right] = if a[0] <= b[0] { [a, b] } else { [b, a] };
        let [dx, dy] = [right[0] - left[0], right[1] - left[1]];
        let below_side = [(y - left[1]) * dx - (x - left[0]) * dy, -dy, dx];
        left[0] <= x && x < right[0] && below_side > [0, 0, 0]
    });
    above.count() % 2 == 1
}

fn by_definition(points: &[Point]) -> Vec<u8> {
    let snapped: Vec<[i128; 2]> =
        points.iter().map(|p| p.map(|v| (v * UNITS).round_ties_even() as i128)).collect();
    let centers = (0..ROWS).flat_map(|row| (0..COLUMNS).map(move |column| [column, row]));
    centers.map(|at| u8::from(encloses(&snapped, at.map(|index| (index as i128) << 16)))).collect()
}

/// The mask moved by whole pixels, and zeros where nothing came from.
fn moved(mask: &Mask, dx: isize, dy: isize) -> Vec<Option<u8>> {
    let pixels = (0..ROWS).flat_map(|row| (0..COLUMNS).map(move |column| (row, column)));
    let source = pixels.map(|(row, column)| {
        let row = row.checked_add_signed(-dy).filter(|&row| row < ROWS)?;
        let column = column.checked_add_signed(-dx).filter(|&column| column < COLUMNS)?;
        Some(mask.data()[row * COLUMNS + column])
    });
    source.collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn center_is_what_its_definition_says(points in polygons()) {
        let mask = center(&points);
        prop_assert_eq!(mask.data(), by_definition(&points));
    }

    #[test]
    fn center_does_not_depend_on_how_the_points_are_listed(points in polygons(), first in any::<Index>()) {
        let mask = center(&points);
        let reversed: Vec<Point> = points.iter().rev().copied().collect();
        prop_assert_eq!(&center(&reversed), &mask);
        let mut rotated = points.clone();
        rotated.rotate_left(first.index(points.len()));
        prop_assert_eq!(&center(&rotated), &mask);
        rotated.push(rotated[0]);
        prop_assert_eq!(&center(&rotated), &mask);
    }

    #[test]
    fn triangles_around_a_point_share_no_pixel((middle, ring) in stars()) {
        let next = ring.iter().cycle().skip(1);
        let fan: Vec<[Point; 3]> = ring.iter().zip(next).map(|(&a, &b)| [middle, a, b]).collect();
        let whole = center(&ring);
        prop_assert_eq!(owners(&fan), whole.data());
    }

    #[test]
    fn triangles_of_a_mesh_share_no_pixel((points, diagonals) in meshes()) {
        let triangles = triangles(&points, &diagonals);
        let whole = center(&border(&points));
        prop_assert_eq!(owners(&triangles), whole.data());
    }

    #[test]
    fn center_moves_with_the_contour(points in polygons(), dx in -9..=9_i32, dy in -9..=9_i32) {
        // Near the limit of coordinates, a step would leave it.
        let inner = |v: f64| (v * UNITS).round_ties_even() / UNITS * 0.5;
        let points: Vec<Point> = points.into_iter().map(|point| point.map(inner)).collect();
        let there: Vec<Point> =
            points.iter().map(|&[x, y]| [x + f64::from(dx), y + f64::from(dy)]).collect();
        let expected = moved(&center(&points), dx as isize, dy as isize);
        for (actual, expected) in center(&there).data().iter().zip(expected) {
            prop_assert!(expected.is_none_or(|expected| *actual == expected));
        }
    }

    #[test]
    fn center_inclusive_contains_center(points in polygons()) {
        let wide = rasterize(MaskRule::CenterInclusive, &points);
        let contains = wide.data().iter().zip(center(&points).data()).all(|(wide, narrow)| wide >= narrow);
        prop_assert!(contains);
    }

    #[test]
    fn center_inclusive_adds_only_what_is_within_reach(points in polygons()) {
        let wide = rasterize(MaskRule::CenterInclusive, &points);
        let narrow = center(&points);
        for (index, (wide, narrow)) in wide.data().iter().zip(narrow.data()).enumerate() {
            let at = [(index % COLUMNS) as f64, (index / COLUMNS) as f64];
            let distance = distance_to_path(&points, at);
            // Snapping moves a point by up to 2^-17 px on each axis.
            if distance < 1.0 / 64.0 - 1e-4 {
                prop_assert_eq!(*wide, 1, "{:?} at {}", at, distance);
            } else if distance > 1.0 / 64.0 + 1e-4 {
                prop_assert_eq!(wide, narrow, "{:?} at {}", at, distance);
            }
        }
    }

    #[test]
    fn a_used_rasterizer_paints_as_a_new_one(contours in prop::collection::vec(polygons(), 1..6)) {
        for rule in MaskRule::ALL {
            let mut used = Rasterizer::new(rule);
            let mut mask = Mask::zeros(GridShape::new(ROWS, COLUMNS).unwrap());
            for points in &contours {
                used.rasterize(points, &mut mask);
                prop_assert_eq!(&mask, &rasterize(rule, points));
            }
        }
    }
}

/// The distance from `at` to the closed path through `points`.
fn distance_to_path(points: &[Point], at: Point) -> f64 {
    let sides = points.iter().zip(points.iter().cycle().skip(1));
    let distances = sides.map(|(a, b)| {
        let [dx, dy] = [b[0] - a[0], b[1] - a[1]];
        let [x, y] = [at[0] - a[0], at[1] - a[1]];
        let length = dx.hypot(dy);
        let along = x * dx + y * dy;
        if length == 0.0 || along <= 0.0 {
            x.hypot(y)
        } else if along >= length * length {
            (at[0] - b[0]).hypot(at[1] - b[1])
        } else {
            ((x * dy - y * dx) / length).abs()
        }
    });
    distances.fold(f64::INFINITY, f64::min)
}
