//! Shuffles, and draws (in `balance`), against the exact distribution of those drawn uniformly.
//!
//! Each test computes statistics over many keys, all fixed, and from each a p-value (two-sided, where a
//! statistic can be too small as well as too large) under the hypothesis that every permutation is equally
//! likely and that keys have nothing to do with each other. It demands that every p-value is above
//! [`LEVEL`]. The shuffle of `order` and a Fisher-Yates shuffle are held to the same; shuffles that are
//! known to be wrong must fall below [`HOPELESS`], which shows that a test sees what it looks for.
//!
//! There are 68 p-values for each shuffle, so a perfect one fails with a probability below 0.007 over the
//! choice of the keys.

#![allow(clippy::unwrap_used, reason = "in a test the panic is the message")]

mod balance;
mod p_values;
mod shuffles;

use p_values::{incomplete_gamma, p_of_chi_square, p_of_counts, p_of_equal_counts, p_of_sum};
use shuffles::{Shuffle, fisher_yates, line, ours, swap_with_any, turned};

const LEVEL: f64 = 1e-4;
const HOPELESS: f64 = 1e-12;

/// A size that is no power of two and needs more than 20 bits.
const LARGE: u64 = (1 << 20) + 7;

/// A statistic of a shuffle: what was measured, and its p-value.
type Findings = Vec<(String, f64)>;

/// Keys as people use them: the first epochs of one seed, then the first epoch of the first seeds.
fn keys(count: u64) -> impl Iterator<Item = (u64, u64)> {
    let half = count / 2;
    (0..count).map(move |number| if number < half { (2026, number) } else { (number - half, 0) })
}

/// Which row stands where. Over all positions of an epoch: the rows and columns of the table of counts have
/// fixed sums, so n - 1 over the number of keys, times the sum of squared deviations, has (n - 1)^2 degrees
/// of freedom.
fn positions(shuffle: Shuffle) -> Findings {
    let mut findings = Findings::new();
    for (rows, count) in [(2, 20_000), (3, 20_000), (5, 20_000), (8, 20_000), (96, 5_000)] {
        let mut table = vec![0_u64; (rows * rows) as usize];
        for (seed, epoch) in keys(count) {
            let order = shuffle(seed, epoch, rows);
            (0..rows).for_each(|position| table[(position * rows + order(position)) as usize] += 1);
        }
        let expected = count as f64 / rows as f64;
        let squares: f64 = table.iter().map(|count| (*count as f64 - expected).powi(2)).sum();
        let last = (rows - 1) as f64;
        findings.push((
            format!("positions, {rows}"),
            p_of_chi_square(squares * last / count as f64, last * last),
        ));
    }
    let places = [0, 1, 499, 998, 999];
    let mut counts = vec![[0_u64; 1000]; places.len()];
    for (seed, epoch) in keys(20_000) {
        let order = shuffle(seed, epoch, 1000);
        places.iter().zip(&mut counts).for_each(|(place, counts)| counts[order(*place) as usize] += 1);
    }
    findings.extend(
        places
            .iter()
            .zip(&counts)
            .map(|(place, counts)| (format!("position {place}, 1000"), p_of_equal_counts(counts))),
    );
    findings
}

/// The number of the permutation among all those of its length.
fn rank(order: &dyn Fn(u64) -> u64, rows: u64) -> usize {
    (0..rows).fold(0, |number, position| {
        let smaller = (position + 1..rows).filter(|later| order(*later) < order(position)).count();
        number * (rows - position) as usize + smaller
    })
}

fn factorial(n: u64) -> usize {
    (1..=n as usize).product()
}

/// All permutations of few rows come equally often.
fn permutations(shuffle: Shuffle) -> Findings {
    let of = |rows| {
        let mut counts = vec![0; factorial(rows)];
        keys(30_000).for_each(|(seed, epoch)| counts[rank(&shuffle(seed, epoch, rows), rows)] += 1);
        (format!("permutations, {rows}"), p_of_equal_counts(&counts))
    };
    [2, 3, 4, 5].map(of).into()
}

/// All ordered pairs of rows at two positions come equally often.
fn pairs(shuffle: Shuffle) -> Findings {
    const ROWS: usize = 96;
    let places = [(0, 1), (47, 48), (94, 95), (95, 0), (31, 63)];
    let mut counts = vec![vec![0; ROWS * (ROWS - 1)]; places.len()];
    for (seed, epoch) in keys(50_000) {
        let order = shuffle(seed, epoch, ROWS as u64);
        for ((one, other), counts) in places.iter().zip(&mut counts) {
            let (one, other) = (order(*one) as usize, order(*other) as usize);
            counts[one * (ROWS - 1) + other - usize::from(other > one)] += 1;
        }
    }
    let name = |(one, other)| format!("rows at {one} and {other}, 96");
    places.iter().zip(&counts).map(|(place, counts)| (name(*place), p_of_equal_counts(counts))).collect()
}

/// Sums of the second and fourth powers of the rows, less their mean.
fn moments(rows: u64) -> (f64, f64) {
    let n = rows as f64;
    let squares = n * (n * n - 1.0) / 12.0;
    (squares, squares * (3.0 * n * n - 7.0) / 20.0)
}

/// Statistics of one permutation, whose means and variances are known exactly.
struct Shape {
    fixed_points: usize,
    descents: f64,
    turning_points: f64,
    displacement: f64,
    serial: f64,
}

impl Shape {
    fn of(order: &[u64]) -> Self {
        let mean = (order.len() - 1) as f64 / 2.0;
        let neighbours = || order.iter().zip(order.iter().cycle().skip(1));
        let turns = |three: &&[u64]| (three[0] < three[1]) != (three[1] < three[2]);
        Self {
            fixed_points: (0..).zip(order).filter(|(position, row)| position == *row).count(),
            descents: order.windows(2).filter(|two| two[0] > two[1]).count() as f64,
            turning_points: order.windows(3).filter(turns).count() as f64,
            displacement: (0..).zip(order).map(|(position, row)| row.abs_diff(position) as f64).sum(),
            serial: neighbours().map(|(one, next)| (*one as f64 - mean) * (*next as f64 - mean)).sum(),
        }
    }
}

/// Fixed points, descents (an ascending run ends at each), turning points, displacement and the correlation
/// of neighbours, the last and the first among them.
fn shapes(shuffle: Shuffle) -> Findings {
    let mut findings = Findings::new();
    for (rows, count) in [(96, 4_000), (1000, 400), (LARGE, 2)] {
        let shapes: Vec<Shape> = keys(count)
            .map(|(seed, epoch)| Shape::of(&(0..rows).map(shuffle(seed, epoch, rows)).collect::<Vec<_>>()))
            .collect();
        let mut find = |name: &str, p: f64| findings.push((format!("{name}, {rows}"), p));
        let each = |value: fn(&Shape) -> f64| shapes.iter().map(value).collect::<Vec<_>>();
        let n = rows as f64;

        // Their number is distributed as Poisson(1), but for terms smaller than 1 / n!; mean and variance
        // are 1.
        if count > 100 {
            let mut counts = [0; 5];
            shapes.iter().for_each(|shape| counts[shape.fixed_points.min(4)] += 1);
            let chance = |k: usize| (-1_f64).exp() / factorial(k as u64) as f64;
            let rest = 1.0 - (0..4).map(chance).sum::<f64>();
            find("fixed points", p_of_counts(&counts, |k| if k < 4 { chance(k) } else { rest }));
        } else {
            let total = shapes.iter().map(|shape| shape.fixed_points).sum::<usize>() as f64;
            // The chance of so many or more of Poisson(count).
            find("fixed points", if total > 0.0 { incomplete_gamma(total, count as f64).0 } else { 1.0 });
        }

        // Eulerian numbers.
        let (mean, variance) = ((n - 1.0) / 2.0, (n + 1.0) / 12.0);
        let descents = each(|shape| shape.descents);
        find("descents", p_of_sum(&descents, mean, variance));
        if count > 100 {
            let squares: f64 = descents.iter().map(|descents| (descents - mean).powi(2)).sum();
            find("spread of descents", p_of_chi_square(squares / variance, count as f64));
        }
        let turning_points = each(|shape| shape.turning_points);
        find("turning points", p_of_sum(&turning_points, 2.0 * (n - 2.0) / 3.0, (16.0 * n - 29.0) / 90.0));
        // Spearman's footrule: P. Diaconis and R. L. Graham, 1977.
        let variance = (n + 1.0) * (2.0 * n * n + 7.0) / 45.0;
        find("displacement", p_of_sum(&each(|shape| shape.displacement), (n * n - 1.0) / 3.0, variance));
        // A. Wald and J. Wolfowitz, 1943, for values of mean 0.
        let (s2, s4) = moments(rows);
        let variance = (s2 * s2 - s4) / (n - 1.0) + (s2 * s2 - 2.0 * s4) / ((n - 1.0) * (n - 2.0))
            - (s2 / (n - 1.0)).powi(2);
        find("serial correlation", p_of_sum(&each(|shape| shape.serial), -s2 / (n - 1.0), variance));
    }
    findings
}

/// Two keys, from a number.
type TwoKeys = fn(u64) -> [(u64, u64); 2];

const RELATED: [(&str, TwoKeys); 4] = [
    ("epochs e and e + 1", |number| [(9, 2 * number), (9, 2 * number + 1)]),
    ("seeds s and s + 1", |number| [(2 * number, 0), (2 * number + 1, 0)]),
    ("seed and epoch exchanged", |number| [(number, number + 1), (number + 1, number)]),
    ("seeds that differ by 2^32", |number| [(number, 3), (number + (1 << 32), 3)]),
];

/// Orders of related keys have nothing to do with each other.
fn relations(shuffle: Shuffle) -> Findings {
    let mut findings = Findings::new();
    for (name, two_keys) in RELATED {
        let of = |number, rows| two_keys(number).map(|(seed, epoch)| shuffle(seed, epoch, rows));
        // All pairs of permutations come equally often.
        for rows in [3, 4] {
            let all = factorial(rows);
            let mut counts = vec![0; all * all];
            (0..8_000).for_each(|number| {
                let [one, other] = of(number, rows);
                counts[rank(&one, rows) * all + rank(&other, rows)] += 1;
            });
            findings.push((format!("{name}, pairs of permutations, {rows}"), p_of_equal_counts(&counts)));
        }
        // Rows at the same position: the number of equal ones has mean and variance 1, and the correlation,
        // as that with the position before, is that of independent permutations (H. Hotelling and M. Pabst,
        // 1936).
        for (rows, count) in [(96, 1_000), (1000, 60)] {
            let (mut equal, mut same, mut before) = (Vec::new(), Vec::new(), Vec::new());
            for number in 0..count {
                let [one, other] = of(number, rows).map(|order| (0..rows).map(order).collect::<Vec<_>>());
                equal.push(one.iter().zip(&other).filter(|(one, other)| one == other).count() as f64);
                let mean = (rows - 1) as f64 / 2.0;
                let product = |(one, other): (&u64, &u64)| (*one as f64 - mean) * (*other as f64 - mean);
                same.push(one.iter().zip(&other).map(product).sum());
                before.push(one.iter().cycle().skip(1).zip(&other).map(product).sum());
            }
            let variance = moments(rows).0.powi(2) / (rows - 1) as f64;
            findings.push((format!("{name}, equal rows, {rows}"), p_of_sum(&equal, 1.0, 1.0)));
            findings.push((format!("{name}, correlation, {rows}"), p_of_sum(&same, 0.0, variance)));
            findings.push((
                format!("{name}, correlation with one before, {rows}"),
                p_of_sum(&before, 0.0, variance),
            ));
        }
    }
    findings
}

fn assert_sound(name: &str, findings: &Findings) {
    for (what, p) in findings {
        eprintln!("{name}: {what}: p = {p:.4}");
        assert!(*p > LEVEL, "{name}: {what}: p = {p:e}");
    }
}

fn assert_hopeless(name: &str, findings: &Findings) {
    let least = findings.iter().map(|(_, p)| *p).fold(1.0, f64::min);
    assert!(least < HOPELESS, "{name} is not found out: {least:e}");
}

#[test]
fn every_row_comes_equally_often_at_every_position() {
    assert_sound("ours", &positions(ours));
    assert_sound("Fisher-Yates", &positions(fisher_yates));
    assert_hopeless("swapping with any", &positions(swap_with_any));
}

#[test]
fn every_permutation_of_few_rows_comes_equally_often() {
    assert_sound("ours", &permutations(ours));
    assert_sound("Fisher-Yates", &permutations(fisher_yates));
    assert_hopeless("swapping with any", &permutations(swap_with_any));
    assert_hopeless("lines", &permutations(line));
}

#[test]
fn every_pair_of_rows_comes_equally_often_at_two_positions() {
    assert_sound("ours", &pairs(ours));
    assert_sound("Fisher-Yates", &pairs(fisher_yates));
    assert_hopeless("lines", &pairs(line));
}

#[test]
fn permutations_have_the_shapes_of_random_ones() {
    assert_sound("ours", &shapes(ours));
    assert_sound("Fisher-Yates", &shapes(fisher_yates));
    assert_hopeless("lines", &shapes(line));
}

#[test]
fn related_keys_give_unrelated_orders() {
    assert_sound("ours", &relations(ours));
    assert_sound("Fisher-Yates", &relations(fisher_yates));
    assert_hopeless("turned epochs", &relations(turned));
}
