//! Shuffles, right and wrong.

use dicomprep::order::{Arrangement, EpochOrder};

/// From seed, epoch and number of rows to the row at a position.
pub(crate) type Shuffle = fn(u64, u64, u64) -> Box<dyn Fn(u64) -> u64>;

pub(crate) fn ours(seed: u64, epoch: u64, rows: u64) -> Box<dyn Fn(u64) -> u64> {
    let order = EpochOrder::new(Arrangement::Shuffled { seed }, epoch, rows);
    Box::new(move |position| order.row(position).unwrap())
}

/// The outputs of SplitMix64.
pub(crate) fn random(seed: u64, epoch: u64) -> impl FnMut(u64) -> u64 {
    let mut state = seed.wrapping_mul(0xd134_2543_de82_ef95) ^ epoch.wrapping_mul(0xa24b_aed4_963e_e407);
    move |bound| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = state;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^= bits >> 31;
        ((u128::from(bits) * u128::from(bound)) >> 64) as u64
    }
}

fn listed(list: Vec<u64>) -> Box<dyn Fn(u64) -> u64> {
    Box::new(move |position| list[position as usize])
}

pub(crate) fn fisher_yates(seed: u64, epoch: u64, rows: u64) -> Box<dyn Fn(u64) -> u64> {
    let (mut random, mut list) = (random(seed, epoch), (0..rows).collect::<Vec<_>>());
    for last in (1..rows).rev() {
        list.swap(last as usize, random(last + 1) as usize);
    }
    listed(list)
}

/// Wrong: swaps each row with any other, of all rows. Some permutations come more often.
pub(crate) fn swap_with_any(seed: u64, epoch: u64, rows: u64) -> Box<dyn Fn(u64) -> u64> {
    let (mut random, mut list) = (random(seed, epoch), (0..rows).collect::<Vec<_>>());
    for row in 0..rows {
        list.swap(row as usize, random(rows) as usize);
    }
    listed(list)
}

/// Wrong: a random line through the rows. Each position is uniform, but neighbours keep their distance.
pub(crate) fn line(seed: u64, epoch: u64, rows: u64) -> Box<dyn Fn(u64) -> u64> {
    let mut random = random(seed, epoch);
    let (offset, step) = (random(rows), if random(2) == 0 { 1 } else { rows - 1 });
    Box::new(move |position| (offset + step * position) % rows)
}

/// Wrong: each epoch is the one before, turned by one position.
pub(crate) fn turned(seed: u64, epoch: u64, rows: u64) -> Box<dyn Fn(u64) -> u64> {
    let order = fisher_yates(seed, 0, rows);
    Box::new(move |position| order((position + epoch) % rows))
}
