//! The order of a stream: every row exactly once, whoever asks, in whatever pieces.

use std::num::NonZeroU64;

use dicomprep::order::{
    Arrangement, BatchOptions, BatchPlan, Cursor, EpochOrder, Permutation, PermutationKey, PlannedSample,
    Rank, RankShare, Uneven,
};
use proptest::prelude::*;

const EVERY_UNEVEN: [Uneven; 3] = [Uneven::Pad, Uneven::Drop, Uneven::Allow];

fn positive(number: u64) -> NonZeroU64 {
    NonZeroU64::new(number).unwrap()
}

fn rank(rank: u64, world_size: u64) -> Rank {
    Rank::new(rank, positive(world_size)).unwrap()
}

/// Whether `numbers` are the numbers below `len`, each once.
fn is_permutation(numbers: impl Iterator<Item = u64>, len: u64) -> bool {
    let mut seen = vec![false; len as usize];
    let fresh = numbers
        .map(|number| seen.get_mut(number as usize).is_some_and(|seen| !std::mem::replace(seen, true)));
    fresh.filter(|fresh| *fresh).count() as u64 == len
}

#[test]
fn every_length_up_to_2000_is_permuted() {
    for len in 0..=2000 {
        let permutation = Permutation::new(PermutationKey { seed: 1, epoch: len }, len);
        let numbers = (0..len).step_by(4).flat_map(|first| {
            permutation.at_each([first, first + 1, first + 2, first + 3]).into_iter().flatten()
        });
        assert!(is_permutation(numbers, len), "{len}");
    }
}

#[test]
fn every_length_up_to_200_has_its_inverse() {
    for len in 0..=200 {
        let permutation = Permutation::new(PermutationKey { seed: 2, epoch: 0 }, len);
        for position in 0..len {
            assert_eq!(permutation.position_of(permutation.at(position).unwrap()), Some(position));
        }
    }
}

/// The shares of all ranks, rank by rank.
fn shares(positions: u64, world_size: u64, uneven: Uneven) -> Vec<Vec<u64>> {
    let share = |number| RankShare::new(positions, rank(number, world_size), uneven);
    let items = |share: RankShare| (0..share.len()).map(|item| share.position(item).unwrap()).collect();
    (0..world_size).map(|number| items(share(number))).collect()
}

#[test]
fn shares_are_disjoint_and_together_the_epoch() {
    for positions in 0..=50 {
        for world_size in 1..=9 {
            let whole = positions / world_size * world_size;

            let allowed = shares(positions, world_size, Uneven::Allow);
            assert!(is_permutation(allowed.iter().flatten().copied(), positions));
            assert_eq!(allowed.concat().len() as u64, positions);
            assert!(allowed.iter().all(|share| share.len() as u64 - positions / world_size <= 1));

            let dropped = shares(positions, world_size, Uneven::Drop);
            assert!(is_permutation(dropped.iter().flatten().copied(), whole));
            assert_eq!(dropped.concat().len() as u64, whole);
            assert!(dropped.iter().all(|share| share.len() == dropped[0].len()));

            // Item by item the epoch and then its beginning again, as often as it takes.
            let padded = shares(positions, world_size, Uneven::Pad);
            assert!(padded.iter().all(|share| share.len() as u64 == positions.div_ceil(world_size)));
            let in_turn = (0..padded[0].len()).flat_map(|item| padded.iter().map(move |share| share[item]));
            assert!(in_turn.eq((0..positions).cycle().take(padded.concat().len())));
        }
    }
}

/// PyTorch's `DistributedSampler`, restated: pad or cut the list of positions, then take every w-th.
fn distributed_sampler(positions: u64, number: u64, world_size: u64, drop_last: bool) -> Vec<u64> {
    let mut indices: Vec<u64> = (0..positions).collect();
    if drop_last {
        indices.truncate((positions / world_size * world_size) as usize);
    } else {
        let total = positions.div_ceil(world_size) * world_size;
        indices = indices.iter().copied().cycle().take(total as usize).collect();
    }
    indices.into_iter().skip(number as usize).step_by(world_size as usize).collect()
}

#[test]
fn shares_are_those_of_distributed_sampler() {
    for positions in 0..=50 {
        for world_size in 1..=9 {
            let padded = shares(positions, world_size, Uneven::Pad);
            let dropped = shares(positions, world_size, Uneven::Drop);
            for number in 0..world_size {
                let expected = |drop_last| distributed_sampler(positions, number, world_size, drop_last);
                assert_eq!(padded[number as usize], expected(false));
                assert_eq!(dropped[number as usize], expected(true));
            }
        }
    }
}

/// All samples from `start` on, with the batches they come in.
fn stream(plan: &BatchPlan, start: Cursor) -> Vec<(Cursor, Vec<PlannedSample>)> {
    plan.batches_from(start).unwrap().map(|batch| (batch.cursor(), batch.samples().collect())).collect()
}

fn any_plan() -> impl Strategy<Value = BatchOptions> {
    let arrangement = prop_oneof![
        Just(Arrangement::FileOrder),
        any::<u64>().prop_map(|seed| Arrangement::Shuffled { seed })
    ];
    let world = (1..6_u64)
        .prop_flat_map(|world_size| (0..world_size).prop_map(move |number| rank(number, world_size)));
    let uneven = prop::sample::select(EVERY_UNEVEN.as_slice());
    (0..80_u64, arrangement, 1..4_u64, world, uneven, 1..20_u64, any::<bool>()).prop_map(
        |(rows, arrangement, epochs, rank, uneven, batch_size, drop_last)| BatchOptions {
            rows,
            arrangement,
            epochs: Some(positive(epochs)),
            rank,
            uneven,
            batch_size: positive(batch_size),
            drop_last,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_length_has_its_inverse(seed: u64, epoch: u64, len in 1..=u64::MAX, places: [u64; 4]) {
        let permutation = Permutation::new(PermutationKey { seed, epoch }, len);
        for position in places.map(|place| place % len) {
            let number = permutation.at(position).unwrap();
            prop_assert!(number < len);
            prop_assert_eq!(permutation.position_of(number), Some(position));
        }
    }

    #[test]
    fn a_start_gives_the_tail_of_the_stream(options in any_plan()) {
        let plan = BatchPlan::new(options);
        let whole = stream(&plan, Cursor::default());
        let epochs = options.epochs.unwrap().get();
        prop_assert_eq!(whole.len() as u64, plan.batches_per_epoch() * epochs);
        for (index, (cursor, samples)) in whole.iter().enumerate() {
            prop_assert_eq!(&stream(&plan, *cursor), &whole[index..]);
            let alone: Vec<_> = plan.batch(*cursor).unwrap().samples().collect();
            prop_assert_eq!(&alone, samples);
        }
        prop_assert!(stream(&plan, plan.end()).is_empty());
        // A cursor that names no batch starts nothing, the first of an empty epoch apart.
        for epoch in 0..epochs + 2 {
            for batch in 1..plan.batches_per_epoch() + 2 {
                let cursor = Cursor { epoch, batch };
                let exists = whole.iter().any(|(met, _)| *met == cursor);
                prop_assert_eq!(plan.batches_from(cursor).is_ok(), exists);
                prop_assert_eq!(plan.batch(cursor).is_some(), exists);
            }
        }
    }

    #[test]
    fn batches_are_full_and_one_by_one_the_same(options in any_plan()) {
        let plan = BatchPlan::new(options);
        for (cursor, samples) in stream(&plan, Cursor::default()) {
            let batch = plan.batch(cursor).unwrap();
            prop_assert_eq!(batch.len(), samples.len() as u64);
            let is_last = cursor.batch + 1 == plan.batches_per_epoch();
            let is_full = batch.len() == options.batch_size.get();
            prop_assert!(is_full || (is_last && !options.drop_last && batch.len() > 0));
            let one_by_one: Vec<_> = (0..batch.len()).map(|index| batch.sample(index).unwrap()).collect();
            prop_assert_eq!(one_by_one, samples);
        }
    }

    #[test]
    fn the_samples_do_not_depend_on_the_batch_size(options in any_plan(), other in 1..20_u64) {
        let samples = |batch_size| {
            let plan = BatchPlan::new(BatchOptions { batch_size, drop_last: false, ..options });
            stream(&plan, Cursor::default()).into_iter().flat_map(|(_, samples)| samples).collect::<Vec<_>>()
        };
        prop_assert_eq!(samples(options.batch_size), samples(positive(other)));
    }

    #[test]
    fn the_ranks_share_the_order_of_one_process(options in any_plan()) {
        let alone = BatchOptions { rank: Rank::ALONE, drop_last: false, ..options };
        let world_size = options.rank.world_size().get();
        let ranks = |uneven| {
            let mut samples = Vec::new();
            for number in 0..world_size {
                let plan = BatchPlan::new(BatchOptions { rank: rank(number, world_size), uneven, ..alone });
                for (cursor, batch) in stream(&plan, Cursor::default()) {
                    samples.extend(batch.into_iter().map(|s| (cursor.epoch, s.position, s.row)));
                }
            }
            samples.sort_unstable();
            samples
        };
        let mut whole: Vec<_> = stream(&BatchPlan::new(alone), Cursor::default())
            .into_iter()
            .flat_map(|(cursor, batch)| batch.into_iter().map(move |s| (cursor.epoch, s.position, s.row)))
            .collect();
        prop_assert_eq!(&ranks(Uneven::Allow), &whole);
        let mut padded = ranks(Uneven::Pad);
        padded.dedup();
        prop_assert_eq!(&padded, &whole);
        whole.retain(|(_, position, _)| *position < options.rows / world_size * world_size);
        prop_assert_eq!(&ranks(Uneven::Drop), &whole);
    }

    #[test]
    fn every_epoch_has_every_row(seed: u64, epoch: u64, rows in 0..300_u64) {
        let order = EpochOrder::new(Arrangement::Shuffled { seed }, epoch, rows);
        prop_assert!(is_permutation((0..rows).map(|position| order.row(position).unwrap()), rows));
    }
}
