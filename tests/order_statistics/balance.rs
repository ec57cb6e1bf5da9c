//! Balanced draws against the exact distribution of independent uniform ones.
//!
//! There are 36 p-values for each way to draw, held to the same levels as those of the shuffles.

use dicomprep::order::{Arrangement, Balance, EpochOrder};

use super::p_values::p_of_equal_counts;
use super::shuffles::random;
use super::{Findings, RELATED, TwoKeys, assert_hopeless, assert_sound, keys};

/// From seed, epoch and the sizes of the groups to the row in its group that a draw is. Every epoch begins with
/// the first group: the number of groups divides that of the rows.
type Draws = fn(u64, u64, &[u64]) -> Box<dyn Fn(u64) -> u64>;

fn ours(seed: u64, epoch: u64, sizes: &[u64]) -> Box<dyn Fn(u64) -> u64> {
    let sizes = sizes.to_vec();
    let groups = (0..).zip(&sizes).flat_map(|(group, size)| (0..*size).map(move |row| (row, group)));
    let balance = Balance::new(seed, groups);
    Box::new(move |draw| balance.row(epoch, draw).unwrap())
}

fn independent(seed: u64, epoch: u64, sizes: &[u64]) -> Box<dyn Fn(u64) -> u64> {
    let mut random = random(seed, epoch);
    let draws: u64 = sizes.iter().sum();
    let rows: Vec<u64> = (0..draws).map(|draw| random(sizes[draw as usize % sizes.len()])).collect();
    Box::new(move |draw| rows[draw as usize])
}

/// Wrong: each group goes through its rows, from a random one on.
fn in_turn(seed: u64, epoch: u64, sizes: &[u64]) -> Box<dyn Fn(u64) -> u64> {
    let sizes = sizes.to_vec();
    let first = random(seed, epoch)(1 << 32);
    Box::new(move |draw| (first + draw / sizes.len() as u64) % sizes[draw as usize % sizes.len()])
}

/// Wrong: the remainder of one byte.
fn remainder_of_a_byte(seed: u64, epoch: u64, sizes: &[u64]) -> Box<dyn Fn(u64) -> u64> {
    let wider = independent(seed, epoch, &vec![256; sizes.len()]);
    let sizes = sizes.to_vec();
    Box::new(move |draw| wider(draw) % sizes[draw as usize % sizes.len()])
}

/// Wrong: the same in every epoch, and in groups of the same size.
fn forgetful(seed: u64, _: u64, sizes: &[u64]) -> Box<dyn Fn(u64) -> u64> {
    let draws = independent(seed, 0, sizes);
    let groups = sizes.len() as u64;
    Box::new(move |draw| draws(draw / groups * groups))
}

/// Every row of a group comes equally often, whatever the sizes of the other groups.
fn rows(draws: Draws) -> Findings {
    // An epoch has as many draws for each group.
    let sizes = [2, 3, 7, 8, 96, 388];
    let mut counts = sizes.map(|size| vec![0_u64; size as usize]);
    for (seed, epoch) in keys(2_000) {
        let draw = draws(seed, epoch, &sizes);
        for number in 0..sizes.iter().sum() {
            counts[number as usize % 6][draw(number) as usize] += 1;
        }
    }
    counts.iter().map(|counts| (format!("rows of {}", counts.len()), p_of_equal_counts(counts))).collect()
}

/// Counts pairs of numbers below 8.
struct Pairs([u64; 64]);

impl Pairs {
    fn new() -> Self {
        Self([0; 64])
    }

    fn add(&mut self, one: u64, other: u64) {
        self.0[(one * 8 + other) as usize] += 1;
    }
}

/// Draws of one epoch have nothing to do with each other, wherever both stand.
fn distances(draws: Draws) -> Findings {
    const SIZES: [u64; 4] = [256; 4];
    let mut findings = Findings::new();
    // Between other groups, and from 4 on within the same.
    for distance in [1, 2, 3, 4, 5, 8, 12, 16, 64, 128, 256, 500] {
        // The coarse place of a row in its group, and the fine one.
        let (mut coarse, mut fine) = (Pairs::new(), Pairs::new());
        for (seed, epoch) in keys(200) {
            let draw = draws(seed, epoch, &SIZES);
            // No draw is in two pairs.
            for one in (0..1024 - distance).filter(|draw| draw / distance % 2 == 0) {
                let (one, other) = (draw(one), draw(one + distance));
                coarse.add(one / 32, other / 32);
                fine.add(one % 8, other % 8);
            }
        }
        findings.push((format!("{distance} draws apart"), p_of_equal_counts(&coarse.0)));
        findings.push((format!("{distance} draws apart, fine"), p_of_equal_counts(&fine.0)));
    }
    findings
}

/// The same draw under related keys.
fn relations(draws: Draws) -> Findings {
    let relation = |(name, two_keys): (&str, TwoKeys)| {
        let mut pairs = Pairs::new();
        for number in 0..1_000 {
            let [one, other] = two_keys(number).map(|(seed, epoch)| draws(seed, epoch, &[8; 12]));
            (0..96).for_each(|draw| pairs.add(one(draw), other(draw)));
        }
        (name.to_owned(), p_of_equal_counts(&pairs.0))
    };
    RELATED.map(relation).into()
}

/// The position at which the shuffle of the same key puts a draw says nothing about its row.
fn shuffled(draws: Draws) -> Findings {
    let find = |groups: usize| {
        let sizes = vec![96 / groups as u64; groups];
        let mut pairs = Pairs::new();
        for (seed, epoch) in keys(2_000) {
            let draw = draws(seed, epoch, &sizes);
            let order = EpochOrder::new(Arrangement::Shuffled { seed }, epoch, 96);
            (0..96).for_each(|position| pairs.add(position / 12, draw(order.row(position).unwrap()) % 8));
        }
        (format!("positions, {groups} groups"), p_of_equal_counts(&pairs.0))
    };
    [1, 12].map(find).into()
}

#[test]
fn every_row_of_a_group_is_drawn_equally_often() {
    assert_sound("ours", &rows(ours));
    assert_sound("independent", &rows(independent));
    assert_hopeless("the remainder of a byte", &rows(remainder_of_a_byte));
}

#[test]
fn draws_of_an_epoch_are_independent() {
    assert_sound("ours", &distances(ours));
    assert_sound("independent", &distances(independent));
    assert_hopeless("in turn", &distances(in_turn));
    assert_hopeless("forgetful", &distances(forgetful));
}

#[test]
fn related_keys_give_unrelated_draws() {
    assert_sound("ours", &relations(ours));
    assert_sound("independent", &relations(independent));
    assert_hopeless("forgetful", &relations(forgetful));
}

#[test]
fn draws_have_nothing_to_do_with_their_positions() {
    assert_sound("ours", &shuffled(ours));
    assert_sound("independent", &shuffled(independent));
}
