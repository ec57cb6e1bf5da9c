//! Draws against the exact distributions they should have, each for itself and in pairs.
//!
//! As in the statistics of shuffles, every test computes p-values over many fixed keys and demands that all
//! are above [`LEVEL`]. There are less than 200 of them, so perfect draws fail with a probability below 0.02
//! over the choice of the keys; draws that are known to be wrong are found out.

use crate::p_values::{p_of_counts, p_of_equal_counts, p_of_normal};
use dicomprep::augment::{AugmentParams, AugmentSpec, DrawKey, draw};

const LEVEL: f64 = 1e-4;
const SHAPE: [usize; 2] = [200, 300];

/// Everything happens always, so that every number can be looked at.
const ALL: &str = "
rotation_range = 30
width_shift_range = 0.1
height_shift_range = 0.2
shear_range = 10
zoom_range = [0.8, 1.3]
horizontal_flip = true
vertical_flip = true
channel_shift_range = 50
brightness_range = [0.5, 1.5]
size = [100, 200]
elastic = { probability = 1, alpha = [1, 5], sigma = [5, 15] }
quarter_turns = { probability = 0.75 }
bias_field = { probability = 1, coefficients = [-0.5, 0.5] }
noise = { probability = 1, std = [0, 0.1] }
blur = { probability = 1, sigma = [0.5, 1] }
gain = { probability = 1, factor = [0.5, 1.0] }
contrast = { probability = 1, factor = [1.0, 1.25] }
low_resolution = { probability = 1, scale = [0.5, 1] }
inverted_gamma = { probability = 1, gamma = [0.7, 0.9] }
gamma = { probability = 1, gamma = [1.5, 2.0] }
";

fn spec(text: &str) -> AugmentSpec {
    AugmentSpec::from_toml(text).unwrap()
}

fn keys(count: u64) -> impl Iterator<Item = DrawKey> {
    (0..count).map(|number| DrawKey { seed: number % 3, epoch: number / 3 % 50, row: number / 150 })
}

fn drawn(text: &str, count: u64) -> Vec<AugmentParams> {
    let spec = spec(text);
    keys(count).map(|key| draw(&spec, key, SHAPE)).collect()
}

/// The numbers of one sample, each brought to 0 to 1 by the distribution that it should have.
fn places(params: &AugmentParams) -> Vec<(&'static str, f64)> {
    let geometry = &params.geometry;
    let elastic = geometry.elastic.as_ref().unwrap();
    let noise = params.noise.as_ref().unwrap();
    let between = |value: f64, low: f64, high: f64| (value - low) / (high - low);
    let mut places = vec![
        ("theta", between(geometry.theta, -30.0, 30.0)),
        ("ty", between(geometry.ty, -40.0, 40.0)),
        ("tx", between(geometry.tx, -30.0, 30.0)),
        ("shear", between(geometry.shear, -10.0, 10.0)),
        ("zx", between(geometry.zx, 0.8, 1.3)),
        ("zy", between(geometry.zy, 0.8, 1.3)),
        ("channel shift", between(params.channel_shift.unwrap(), -50.0, 50.0)),
        ("brightness", between(params.brightness.unwrap(), 0.5, 1.5)),
        ("alpha", between(elastic.alpha, 1.0, 5.0)),
        ("sigma", between(elastic.sigma, 5.0, 15.0)),
        ("elastic seed", between(elastic.seed as f64, 0.0, 2_f64.powi(53))),
        ("noise std", between(noise.std, 0.0, 0.1)),
        ("noise seed", between(noise.seed as f64, 0.0, 2_f64.powi(53))),
        ("blur rows", between(params.blur.unwrap()[0], 0.5, 1.0)),
        ("blur columns", between(params.blur.unwrap()[1], 0.5, 1.0)),
        ("gain", between(params.gain.unwrap(), 0.5, 1.0)),
        ("contrast", between(params.contrast.unwrap(), 1.0, 1.25)),
        ("low resolution", between(params.low_resolution.unwrap(), 0.5, 1.0)),
        ("inverted gamma", between(params.inverted_gamma.unwrap(), 0.7, 0.9)),
        ("gamma", between(params.gamma.unwrap(), 1.5, 2.0)),
    ];
    let coefficients = params.bias_field.as_ref().unwrap().coefficients;
    places.extend(coefficients.map(|coefficient| ("bias", between(coefficient, -0.5, 0.5))));
    places
}

/// Kolmogorov and Smirnov's p-value of numbers that should be uniform from 0 to 1.
fn p_of_uniform(numbers: &[f64]) -> f64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len() as f64;
    let distance = (0..).zip(&sorted).fold(0.0_f64, |distance, (index, x)| {
        let below = f64::from(index) / n;
        distance.max(x - below).max(below + 1.0 / n - x)
    });
    // M. A. Stephens, 1970.
    let root = n.sqrt();
    let lambda = (root + 0.12 + 0.11 / root) * distance;
    let term = |k: i32| 2.0 * (-1_f64).powi(k - 1) * (-2.0 * f64::from(k * k) * lambda * lambda).exp();
    if lambda < 0.2 { 1.0 } else { (1..=100).map(term).sum::<f64>().clamp(0.0, 1.0) }
}

/// The p-value of the correlation of two lists of independent uniform numbers.
fn p_of_correlation(one: &[f64], other: &[f64]) -> f64 {
    let products: f64 = one.iter().zip(other).map(|(x, y)| (x - 0.5) * (y - 0.5)).sum();
    p_of_normal(products * 12.0 / (one.len() as f64).sqrt())
}

/// The p-value of how often pairs are in each of 8 x 8 squares.
fn p_of_squares(one: &[f64], other: &[f64]) -> f64 {
    let mut counts = [0; 64];
    let part = |x: f64| (x * 8.0) as usize;
    one.iter().zip(other).for_each(|(x, y)| counts[part(*x) * 8 + part(*y)] += 1);
    p_of_equal_counts(&counts)
}

fn assert_sound(name: &str, p: f64) {
    eprintln!("{name}: p = {p:.4}");
    assert!(p > LEVEL, "{name}: p = {p:e}");
}

/// Each number over all samples.
fn columns(text: &str, count: u64) -> (Vec<&'static str>, Vec<Vec<f64>>) {
    let rows: Vec<_> = drawn(text, count).iter().map(places).collect();
    let names = rows[0].iter().map(|(name, _)| *name).collect();
    let columns = (0..rows[0].len()).map(|index| rows.iter().map(|row| row[index].1).collect()).collect();
    (names, columns)
}

#[test]
fn numbers_are_uniform_over_their_ranges() {
    let (names, columns) = columns(ALL, 30_000);
    for (name, numbers) in names.iter().zip(&columns) {
        assert!(numbers.iter().all(|x| (0.0..1.0).contains(x)), "{name}");
        assert_sound(name, p_of_uniform(numbers));
    }
}

#[test]
fn numbers_of_different_operations_are_independent() {
    let (names, columns) = columns(ALL, 30_000);
    let mut worst = (1.0, String::new());
    let mut pairs = 0;
    for (index, one) in columns.iter().enumerate() {
        for (other_index, other) in columns.iter().enumerate().skip(index + 1) {
            let p = p_of_correlation(one, other).min(p_of_squares(one, other));
            let name = format!("{} and {}", names[index], names[other_index]);
            worst = if p < worst.0 { (p, name) } else { worst };
            pairs += 2;
        }
    }
    assert_sound(&format!("the worst of {pairs}, {}", worst.1), (worst.0 * f64::from(pairs)).min(1.0));
}

/// A key that has something to do with another.
type Relation = fn(DrawKey) -> DrawKey;

/// Whether an operation was drawn.
type Happens = fn(&AugmentParams) -> bool;

#[test]
fn numbers_of_related_keys_are_independent() {
    let spec = spec(ALL);
    let related: [(&str, Relation); 6] = [
        ("next row", |key| DrawKey { row: key.row + 1, ..key }),
        ("next epoch", |key| DrawKey { epoch: key.epoch + 1, ..key }),
        ("next seed", |key| DrawKey { seed: key.seed + 1, ..key }),
        ("row and epoch exchanged", |key| DrawKey { row: key.epoch, epoch: key.row, ..key }),
        ("row far away", |key| DrawKey { row: key.row + (1 << 32), ..key }),
        ("seed far away", |key| DrawKey { seed: key.seed ^ (1 << 63), ..key }),
    ];
    for (name, other_key) in related {
        for operation in ["theta", "zx", "noise seed", "gamma"] {
            let keys =
                (0..20_000).map(|number| DrawKey { seed: 4 * (number % 5), epoch: 2, row: 2 * number + 9 });
            let number = |key| places(&draw(&spec, key, SHAPE)).iter().find(|x| x.0 == operation).unwrap().1;
            let (one, other): (Vec<_>, Vec<_>) =
                keys.map(|key| (number(key), number(other_key(key)))).unzip();
            assert_sound(&format!("{operation}, {name}, correlation"), p_of_correlation(&one, &other));
            assert_sound(&format!("{operation}, {name}, squares"), p_of_squares(&one, &other));
        }
    }
}

#[test]
fn draws_that_are_wrong_are_found_out() {
    let lattice: Vec<f64> = (0..20_000).map(|index| f64::from(index) * 0.618_033_988 % 1.0).collect();
    let shifted: Vec<f64> = lattice.iter().skip(1).chain(&lattice[..1]).copied().collect();
    assert!(p_of_squares(&lattice, &shifted) < 1e-12);
    let narrow: Vec<f64> = lattice.iter().map(|x| x * 0.95).collect();
    assert!(p_of_uniform(&narrow) < 1e-12);
    let mixed: Vec<f64> =
        (0..20_000).map(|i| if i % 10 == 0 { lattice[i] } else { lattice[i * 7 % 20_000] }).collect();
    assert!(p_of_correlation(&lattice, &mixed) < 1e-12);
}

/// Counts of values that are few.
fn counts(values: impl Iterator<Item = f64>, expected: &[f64]) -> Vec<u64> {
    let mut counts = vec![0; expected.len()];
    for value in values {
        let index = expected.iter().position(|known| *known == value);
        counts[index.unwrap_or_else(|| panic!("{value} should never come"))] += 1;
    }
    counts
}

#[test]
fn shifts_are_those_of_keras() {
    let width = |text: &str| {
        drawn(&format!("width_shift_range = {text}"), 30_000).into_iter().map(|drawn| drawn.geometry.tx)
    };
    // A whole number: one of 0, 1, 2, to either side.
    let chances = [2.0, 1.0, 1.0, 1.0, 1.0];
    let whole = counts(width("3"), &[0.0, -1.0, 1.0, -2.0, 2.0]);
    assert_sound("whole", p_of_counts(&whole, |index| chances[index] / 6.0));
    // A list in pixels, with a number twice; and of the width, 300.
    let pixels = counts(width("[1, 4, 4]"), &[-1.0, 1.0, -4.0, 4.0]);
    assert_sound("pixels", p_of_counts(&pixels, |index| [1.0, 1.0, 2.0, 2.0][index] / 6.0));
    assert_sound("parts", p_of_equal_counts(&counts(width("[0.5, -0.25]"), &[-150.0, 150.0, -75.0, 75.0])));
    // One number of at least 1 makes all of them pixels.
    assert_sound("both", p_of_equal_counts(&counts(width("[0.5, 1.0]"), &[-0.5, 0.5, -1.0, 1.0])));
    for (text, limit) in [("0.1", 30.0), ("5.0", 5.0), ("1.0", 1.0), ("0.999", 299.7)] {
        let places: Vec<f64> = width(text).map(|shift| (shift + limit) / 2.0 / limit).collect();
        assert_sound(text, p_of_uniform(&places));
    }
    let height = drawn("height_shift_range = 0.5", 100);
    assert!(height.iter().all(|drawn| drawn.geometry.ty.abs() <= 100.0 && drawn.geometry.tx == 0.0));
}

#[test]
fn probabilities_are_those_that_were_given() {
    let text = "
        rotation_range = 5
        rotation_probability = 0.2
        width_shift_range = 3.0
        height_shift_range = 3.0
        shift_probability = 0.4
        shear_range = 3.0
        shear_probability = 0.9
        zoom_range = [0.5, 0.9]
        zoom_isotropic = true
        zoom_probability = 0.3
        horizontal_flip = true
        mirror = { vertical = 0.3 }
        elastic = { probability = 0.1, alpha = [1, 5], sigma = [5, 15] }
        quarter_turns = { probability = 0.6 }
        bias_field = { probability = 0.15, coefficients = [-0.5, 0.5] }
        noise = { probability = 0.25, std = [0, 0.1] }
        blur = { probability = 0.35, sigma = [0.5, 1] }
        gain = { probability = 0.45, factor = [0.75, 1.25] }
        contrast = { probability = 0.55, factor = [0.75, 1.25] }
        low_resolution = { probability = 0.65, scale = [0.5, 1] }
        inverted_gamma = { probability = 0.85, gamma = [0.7, 1.5] }
        gamma = { probability = 0.95, gamma = [0.7, 1.5] }";
    let happens: [(f64, Happens); 18] = [
        (0.2, |drawn| drawn.geometry.theta != 0.0),
        (0.4, |drawn| drawn.geometry.tx != 0.0),
        (0.4, |drawn| drawn.geometry.ty != 0.0),
        (0.9, |drawn| drawn.geometry.shear != 0.0),
        (0.3, |drawn| drawn.geometry.zx != 1.0),
        (0.3, |drawn| drawn.geometry.zy != 1.0),
        (0.5, |drawn| drawn.geometry.flip_horizontal),
        (0.3, |drawn| drawn.geometry.flip_vertical),
        (0.1, |drawn| drawn.geometry.elastic.is_some()),
        (0.6, |drawn| drawn.geometry.quarter_turns != 0),
        (0.15, |drawn| drawn.bias_field.is_some()),
        (0.25, |drawn| drawn.noise.is_some()),
        (0.35, |drawn| drawn.blur.is_some()),
        (0.45, |drawn| drawn.gain.is_some()),
        (0.55, |drawn| drawn.contrast.is_some()),
        (0.65, |drawn| drawn.low_resolution.is_some()),
        (0.85, |drawn| drawn.inverted_gamma.is_some()),
        (0.95, |drawn| drawn.gamma.is_some()),
    ];
    let drawn = drawn(text, 20_000);
    for (index, (probability, happens)) in happens.into_iter().enumerate() {
        let often = drawn.iter().filter(|drawn| happens(drawn)).count() as u64;
        let p = p_of_counts(&[often, 20_000 - often], |no| [probability, 1.0 - probability][no]);
        assert_sound(&format!("probability {index}, {probability}"), p);
    }
    assert!(drawn.iter().all(|drawn| drawn.geometry.zx == drawn.geometry.zy));
    let turns: Vec<u64> = (0..4)
        .map(|turns| drawn.iter().filter(|drawn| drawn.geometry.quarter_turns == turns).count() as u64)
        .collect();
    assert_sound("turns", p_of_counts(&turns, |turns| [0.4, 0.2, 0.2, 0.2][turns]));
    // A factor is below 1 as often as above.
    let factors: Vec<f64> = drawn.iter().filter_map(|drawn| drawn.gamma).collect();
    let places = factors.iter().map(|x| if *x < 1.0 { (x - 0.7) / 0.6 } else { 0.5 + (x - 1.0) });
    assert_sound("factors", p_of_uniform(&places.collect::<Vec<_>>()));
}

#[test]
fn every_place_of_a_crop_is_as_likely() {
    let drawn = drawn("size = [195, 304]", 20_000);
    let mut counts = [[0; 5]; 6];
    for params in &drawn {
        let [row, column] = params.geometry.offset;
        counts[row as usize][-column as usize] += 1;
    }
    assert_sound("crop and pad", p_of_equal_counts(counts.as_flattened()));
    let turned = spec("quarter_turns = { probability = 1 }");
    for key in keys(20) {
        let geometry = draw(&turned, key, [7, 4]).geometry;
        let expected = if geometry.quarter_turns == 2 { [0, 0] } else { [-1, 1] };
        assert_eq!(geometry.offset, expected, "{geometry:?}");
    }
}

#[test]
fn an_operation_draws_the_same_whatever_else_happens() {
    let all = spec(ALL);
    let one = spec("rotation_range = 30");
    for key in keys(50) {
        assert_eq!(draw(&one, key, SHAPE).geometry.theta, draw(&all, key, [9, 9]).geometry.theta);
    }
}
