use std::f64::consts::PI;

use proptest::prelude::*;

use super::*;

/// One sample and what it becomes.
#[derive(Debug, Clone)]
struct Case {
    options: ResampleOptions,
    shape: ResampleShape,
    image: Vec<f32>,
    mask: Vec<u8>,
}

impl Case {
    /// An image of noise from 0 to 1 and a mask of a third of its pixels.
    fn noise(options: ResampleOptions, shape: ResampleShape) -> Self {
        let [rows, columns] = shape.input;
        let noise = |number: usize| {
            let bits = crate::order::mix(number as u64 + 1);
            (bits >> 40) as f32 / (1 << 24) as f32
        };
        let image = (0..rows * columns * shape.channels).map(noise).collect();
        let mask = (0..rows * columns * shape.planes).map(|number| u8::from(noise(number) < 0.33)).collect();
        Self { options, shape, image, mask }
    }

    fn square(options: ResampleOptions, side: usize) -> Self {
        Self::noise(options, same([side, side]))
    }

    fn resample(&self, map: &Affine, elastic: Option<&ElasticParams>) -> (Vec<f32>, Vec<u8>) {
        let pixels = self.shape.output[0] * self.shape.output[1];
        let mut image = vec![f32::NAN; pixels * self.shape.channels];
        let mut mask = vec![0xAA; pixels * self.shape.planes];
        let output = ImageAndMaskMut { image: &mut image, mask: &mut mask };
        let input = ImageAndMask { image: &self.image, mask: &self.mask };
        Resampler::new(self.options, self.shape).resample(map, elastic, input, output);
        (image, mask)
    }

    fn apply(&self, params: &GeometryParams) -> (Vec<f32>, Vec<u8>) {
        self.resample(&Affine::new(params, self.shape.input), params.elastic.as_ref())
    }
}

fn same(shape: [usize; 2]) -> ResampleShape {
    ResampleShape { input: shape, output: shape, channels: 1, planes: 1 }
}

fn options(interpolation: Interpolation, fill_mode: FillMode) -> ResampleOptions {
    ResampleOptions { interpolation, fill_mode, cval: -3.0 }
}

fn all_options() -> impl Iterator<Item = ResampleOptions> {
    let orders = [Interpolation::Nearest, Interpolation::Linear, Interpolation::Cubic];
    orders.into_iter().flat_map(|order| FillMode::ALL.map(|mode| options(order, mode)))
}

/// The definition, in binary64 and without any haste.
struct Reference<'a> {
    case: &'a Case,
}

impl Reference<'_> {
    /// Position of a coordinate inside, and whether a rounding error there could lead elsewhere.
    fn locate(&self, x: f64, side: usize) -> (Option<f64>, bool) {
        let last = side as f64 - 1.0;
        let near = |x: f64| (x - x.round()).abs() < 1e-6;
        let (found, delicate) = match self.case.options.fill_mode {
            FillMode::Nearest => (Some(x), false),
            FillMode::Constant => ((0.0 <= x && x <= last).then_some(x), near(x)),
            _ if side == 1 => (Some(0.0), false),
            FillMode::Reflect => (Some(x), false),
            FillMode::Wrap if 0.0 <= x && x <= last => (Some(x), near(x)),
            FillMode::Wrap => (Some(x.rem_euclid(last)), near(x)),
        };
        (found, delicate || self.case.options.interpolation == Interpolation::Nearest && near(x + 0.5))
    }

    fn index(&self, index: i64, side: usize) -> usize {
        let side = side as i64;
        match self.case.options.fill_mode {
            _ if side == 1 => 0,
            FillMode::Nearest => index.clamp(0, side - 1) as usize,
            FillMode::Reflect => {
                let index = index.rem_euclid(2 * side);
                if index < side { index as usize } else { (2 * side - 1 - index) as usize }
            }
            FillMode::Constant | FillMode::Wrap => {
                let index = index.rem_euclid(2 * side - 2);
                if index < side { index as usize } else { (2 * side - 2 - index) as usize }
            }
        }
    }

    /// The weights of pixels around `x`: of a spline through all of them, each by its own.
    fn weights(&self, x: f64, side: usize) -> Vec<f64> {
        let mut weights = vec![0.0; side];
        let floor = x.floor() as i64;
        match self.case.options.interpolation {
            Interpolation::Nearest => weights[self.index((x + 0.5).floor() as i64, side)] = 1.0,
            Interpolation::Linear => {
                weights[self.index(floor, side)] += 1.0 - x.rem_euclid(1.0);
                weights[self.index(floor + 1, side)] += x.rem_euclid(1.0);
            }
            Interpolation::Cubic => {
                for index in floor - 1..=floor + 2 {
                    let distance = (x - index as f64).abs();
                    let spline = if distance < 1.0 {
                        2.0 / 3.0 - distance.powi(2) + distance.powi(3) / 2.0
                    } else {
                        (2.0 - distance).max(0.0).powi(3) / 6.0
                    };
                    for away in -40_i64..=40 {
                        let filter = 3_f64.sqrt() * (3_f64.sqrt() - 2.0).powi(away.abs() as i32);
                        weights[self.index(index + away, side)] += spline * filter;
                    }
                }
            }
        }
        weights
    }

    /// The first channel at a place; `None` where rounding errors decide.
    fn at(&self, [row, column]: [f64; 2]) -> Option<f64> {
        let [rows, columns] = self.case.shape.input;
        let (row, delicate_row) = self.locate(row, rows);
        let (column, delicate_column) = self.locate(column, columns);
        if delicate_row || delicate_column {
            return None;
        }
        let (Some(row), Some(column)) = (row, column) else { return Some(self.case.options.cval.into()) };
        let across = self.weights(column, columns);
        let mut sum = 0.0;
        for (number, down) in self.weights(row, rows).into_iter().enumerate() {
            let pixels = &self.case.image[number * columns..][..columns];
            sum += down
                * pixels.iter().zip(&across).map(|(&pixel, across)| f64::from(pixel) * across).sum::<f64>();
        }
        Some(sum)
    }
}

fn assert_is_reference(case: &Case, map: &Affine) -> Result<(), TestCaseError> {
    let (found, _) = case.resample(map, None);
    for (number, found) in found.into_iter().enumerate() {
        let columns = case.shape.output[1];
        let place = map.at([(number / columns) as f64, (number % columns) as f64]);
        let Some(expected) = (Reference { case }).at(place) else { continue };
        let difference = (f64::from(found) - expected).abs();
        prop_assert!(difference < 3e-6, "{found} instead of {expected} at {place:?}");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_map_is_the_definition(
        input in [1_usize..12, 1_usize..12],
        output in [1_usize..20, 1_usize..20],
        matrix in [[-2.5..2.5, -2.5..2.5], [-2.5..2.5, -2.5..2.5]],
        offset in [-30.0..30.0, -30.0..30.0],
    ) {
        for options in all_options() {
            let case = Case::noise(options, ResampleShape { input, output, channels: 1, planes: 1 });
            assert_is_reference(&case, &Affine { matrix, offset })?;
        }
    }

    #[test]
    fn shifts_of_one_axis_are_the_definition(offset in [-30.0..30.0, -30.0..30.0], side in 1_usize..9) {
        for options in all_options() {
            let case = Case::square(options, side);
            assert_is_reference(&case, &Affine { offset: [offset[0], 0.0], ..Affine::IDENTITY })?;
            assert_is_reference(&case, &Affine { offset: [1.0, offset[1]], ..Affine::IDENTITY })?;
        }
    }

    #[test]
    fn channels_and_planes_are_moved_alike(
        theta in -180.0..180.0, zx in 0.3..3.0, tx in -9.0..9.0, turns in 0_u8..4, alpha in 0.0..3.0,
    ) {
        let elastic = Some(ElasticParams { alpha, sigma: 3.0, seed: 5 });
        let params = GeometryParams { theta, zx, tx, quarter_turns: turns, elastic, ..GeometryParams::default() };
        let whole = GeometryParams { quarter_turns: turns, tx: 2.0, ..GeometryParams::default() };
        for options in all_options() {
            let shape = ResampleShape { input: [11, 11], output: [9, 14], channels: 3, planes: 2 };
            let case = Case::noise(options, shape);
            for params in [&params, &whole] {
                let (image, mask) = case.apply(params);
                for channel in 0..3 {
                    let plane = channel % 2;
                    let one = Case {
                        shape: ResampleShape { channels: 1, planes: 1, ..shape },
                        image: case.image.iter().skip(channel).step_by(3).copied().collect(),
                        mask: case.mask.iter().skip(plane).step_by(2).copied().collect(),
                        ..case
                    };
                    let (one_image, one_mask) = one.apply(params);
                    prop_assert!(image.iter().skip(channel).step_by(3).eq(&one_image));
                    prop_assert!(mask.iter().skip(plane).step_by(2).eq(&one_mask));
                }
            }
        }
    }

    /// Thresholding the moved image equals moving the thresholded image.
    #[test]
    fn a_threshold_commutes_with_nearest_geometry(
        theta in -180.0..180.0, zx in 0.5..2.0, shear in -30.0..30.0, ty in -9.0..9.0,
        flip in any::<bool>(), alpha in 0.0..4.0,
    ) {
        let elastic = Some(ElasticParams { alpha, sigma: 4.0, seed: 9 });
        let params =
            GeometryParams { theta, zx, shear, ty, flip_vertical: flip, elastic, ..GeometryParams::default() };
        let mut case = Case::square(options(Interpolation::Nearest, FillMode::Constant), 24);
        let threshold = |image: &[f32]| image.iter().map(|&pixel| u8::from(pixel > 0.5)).collect::<Vec<_>>();
        case.mask = threshold(&case.image);
        let (image, mask) = case.apply(&params);
        prop_assert_eq!(threshold(&image), mask);
    }
}

#[test]
fn flips_turns_and_shifts_copy_bits() {
    for options in all_options() {
        for (turns, flip_vertical, flip_horizontal) in
            (0..4).flat_map(|turns| [0, 1, 2, 3].map(|flips| (turns, flips & 1 == 1, flips & 2 == 2)))
        {
            let shape = ResampleShape { input: [5, 8], output: [9, 7], channels: 1, planes: 1 };
            let mut case = Case::noise(options, shape);
            case.image[7] = f32::NAN;
            case.image[9] = -0.0;
            let offset = [-2, 3];
            let params = GeometryParams {
                quarter_turns: turns,
                flip_vertical,
                flip_horizontal,
                offset,
                ..Default::default()
            };
            let (image, mask) = case.apply(&params);
            let map = Affine::new(&params, [5, 8]);
            for (number, (image, mask)) in image.into_iter().zip(mask).enumerate() {
                let place = map.at([(number / 7) as f64, (number % 7) as f64]);
                let [row, column] = place.map(|axis| axis as i64);
                let inside = (0..5).contains(&row) && (0..8).contains(&column);
                let index = (row * 8 + column) as usize;
                assert_eq!(mask, if inside { case.mask[index] } else { 0 });
                if inside {
                    assert_eq!(image.to_bits(), case.image[index].to_bits());
                } else if options.fill_mode == FillMode::Constant {
                    assert_eq!(image, -3.0);
                } else {
                    assert!(case.image.iter().any(|pixel| pixel.to_bits() == image.to_bits()));
                }
            }
        }
    }
}

/// A sum of waves longer than 16 pixels, 96 x 96.
fn smooth() -> Case {
    let mut case = Case::square(options(Interpolation::Cubic, FillMode::Reflect), 96);
    for (number, pixel) in case.image.iter_mut().enumerate() {
        let (row, column) = ((number / 96) as f64, (number % 96) as f64);
        *pixel = ((2.0 * PI * row / 19.0).sin() + (2.0 * PI * (column + row) / 27.0).cos()) as f32;
    }
    case
}

#[test]
fn a_map_and_its_inverse_give_the_image_back() {
    let params = GeometryParams {
        theta: 20.0,
        tx: 3.3,
        ty: -2.7,
        shear: 5.0,
        zx: 0.9,
        zy: 1.05,
        ..Default::default()
    };
    let map = Affine::new(&params, [96, 96]);
    for (interpolation, tolerance) in [(Interpolation::Cubic, 2e-3), (Interpolation::Linear, 0.06)] {
        let mut case = smooth();
        case.options.interpolation = interpolation;
        let original = case.image.clone();
        case.image = case.resample(&map, None).0;
        let (back, _) = case.resample(&map.inverse().unwrap(), None);
        for (number, (back, original)) in back.into_iter().zip(original).enumerate() {
            if (24..72).contains(&(number / 96)) && (24..72).contains(&(number % 96)) {
                assert!((back - original).abs() < tolerance, "{back} instead of {original} at {number}");
            }
        }
    }
}

#[test]
fn the_area_of_a_mask_follows_the_determinant() {
    let mut case = Case::square(ResampleOptions::default(), 256);
    for (number, pixel) in case.mask.iter_mut().enumerate() {
        let (row, column) = (number as f64 / 256.0 - 120.0, (number % 256) as f64 - 130.0);
        *pixel = u8::from(row * row + column * column < 40.0 * 40.0);
    }
    let area = |mask: &[u8]| mask.iter().map(|&pixel| f64::from(pixel)).sum::<f64>();
    for (theta, shear, zx, zy) in [(30.0, 0.0, 1.0, 1.0), (0.0, 20.0, 1.3, 0.8), (77.0, -9.0, 0.7, 0.6)] {
        let params = GeometryParams { theta, shear, zx, zy, ..Default::default() };
        let (_, mask) = case.apply(&params);
        let ratio = area(&case.mask) / area(&mask);
        let determinant = Affine::new(&params, [256, 256]).determinant();
        assert!((ratio / determinant - 1.0).abs() < 0.005, "{ratio} instead of {determinant}");
    }
}

#[test]
fn nothing_is_too_extreme() {
    let base = GeometryParams::default();
    let elastic = |alpha, sigma| Some(ElasticParams { alpha, sigma, seed: 1 });
    let extremes = [
        GeometryParams { zx: 0.01, zy: 100.0, ..base.clone() },
        GeometryParams { zx: 1e300, zy: -1e300, ..base.clone() },
        GeometryParams { zx: 0.0, zy: 0.0, ..base.clone() },
        GeometryParams { tx: 1e5, ty: -1e18, ..base.clone() },
        GeometryParams { tx: f64::INFINITY, ty: f64::NAN, ..base.clone() },
        GeometryParams { theta: 1e17, shear: 90.0, ..base.clone() },
        GeometryParams { offset: [i64::MAX, i64::MIN], ..base.clone() },
        GeometryParams { offset: [-99_999_999, 99_999_999], ..base.clone() },
        GeometryParams { quarter_turns: 255, ..base.clone() },
        GeometryParams { elastic: elastic(1e300, 1e300), ..base.clone() },
        GeometryParams { elastic: elastic(f64::NAN, f64::NAN), ..base.clone() },
        GeometryParams { elastic: elastic(-5.0, 0.0), ..base },
    ];
    for (input, output) in [([1, 1], [1, 1]), ([1, 9], [3, 2]), ([7, 1], [1, 30]), ([20, 30], [30, 20])] {
        for options in all_options() {
            let case = Case::noise(options, ResampleShape { input, output, channels: 2, planes: 1 });
            for params in &extremes {
                let (image, mask) = case.apply(params);
                assert!(image.iter().all(|pixel| (-3.0..=3.0).contains(pixel)), "{params:?} {options:?}");
                assert!(mask.iter().all(|&pixel| pixel <= 1));
            }
        }
    }
}

#[test]
fn a_pixel_that_is_no_number_stays_where_it_is() {
    let params = GeometryParams { theta: 10.0, tx: 0.5, ..Default::default() };
    for options in all_options() {
        let mut case = Case::square(options, 64);
        let (clean, _) = case.apply(&params);
        case.image[30 * 64 + 30] = f32::NAN;
        let map = Affine::new(&params, [64, 64]);
        let reach = if options.interpolation == Interpolation::Cubic { 16.0 } else { 1.0 };
        for (number, (pixel, clean)) in case.apply(&params).0.into_iter().zip(clean).enumerate() {
            let [row, column] = map.at([(number / 64) as f64, (number % 64) as f64]);
            let near = (row - 30.0).abs() <= reach && (column - 30.0).abs() <= reach;
            assert!(near || pixel == clean, "{options:?}: {pixel} at {row} {column}");
        }
    }
}

#[test]
fn elastic_displacement_comes_before_the_map() {
    let params = ElasticParams { alpha: 2.5, sigma: 4.0, seed: 77 };
    let mut field = ElasticField::default();
    field.draw(&params, [20, 30]);
    let map = Affine::new(&GeometryParams { theta: 25.0, zx: 1.2, ..Default::default() }, [24, 26]);
    for options in all_options() {
        let shape = ResampleShape { input: [24, 26], output: [20, 30], channels: 1, planes: 1 };
        let case = Case::noise(options, shape);
        let (found, _) = case.resample(&map, Some(&params));
        for (row, found) in found.chunks_exact(30).enumerate() {
            for (column, (found, displacement)) in found.iter().zip(field.row(row)).enumerate() {
                let [down, right] = displacement.map(f64::from);
                let place = map.at([row as f64 + down, column as f64 + right]);
                let Some(expected) = (Reference { case: &case }).at(place) else { continue };
                assert!((f64::from(*found) - expected).abs() < 3e-6, "{found} instead of {expected}");
            }
        }
    }
}

#[test]
fn orders_are_numbers() {
    for order in [0, 1, 3] {
        assert_eq!(u8::from(Interpolation::try_from(order).unwrap()), order);
        assert_eq!(
            serde_json::to_string(&Interpolation::try_from(order).unwrap()).unwrap(),
            order.to_string()
        );
    }
    assert_eq!(Interpolation::try_from(2), Err(InterpolationError(2)));
}
