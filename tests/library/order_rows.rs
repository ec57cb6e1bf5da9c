//! Which rows of the file an epoch is made of: those selected, each once or balanced over groups.

use std::collections::BTreeMap;
use std::num::NonZeroU64;

use dicomprep::order::{
    Arrangement, Balance, BatchOptions, BatchPlan, Cursor, EpochOrder, Rank, Rows, Selection, Uneven,
};
use proptest::prelude::*;

/// Whether each row of a file is selected: at random, all or none in long runs, and hardly any.
fn any_flags() -> impl Strategy<Value = Vec<bool>> {
    let runs = prop::collection::vec((any::<bool>(), 0..3000_usize), 0..6).prop_map(|runs| {
        runs.into_iter().flat_map(|(flag, len)| std::iter::repeat_n(flag, len)).collect::<Vec<_>>()
    });
    let few = (prop::collection::vec(0..9000_usize, 0..4), 0..9000_usize)
        .prop_map(|(rows, len)| (0..len).map(|row| rows.contains(&row)).collect::<Vec<_>>());
    prop_oneof![prop::collection::vec(any::<bool>(), 0..9000), runs, few]
}

fn selection(flags: &[bool]) -> Selection {
    Selection::all(flags.len() as u64).keep_where(|row| flags[row as usize])
}

/// The same as a list.
fn list(flags: &[bool]) -> Vec<u64> {
    (0..).zip(flags).filter(|(_, flag)| **flag).map(|(row, _)| row).collect()
}

/// The group of each row, and so which rows there are.
fn any_groups() -> impl Strategy<Value = Vec<u32>> {
    (1..12_u32).prop_flat_map(|groups| prop::collection::vec(0..groups, 0..150))
}

/// Rows with some numbers left out.
fn balance(seed: u64, groups: &[u32]) -> Balance {
    Balance::new(seed, (0..).step_by(3).zip(groups.iter().copied()))
}

fn group_of(groups: &[u32], row: u64) -> u32 {
    assert_eq!(row % 3, 0, "row {row} was not given");
    groups[(row / 3) as usize]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_selection_is_the_list_of_its_rows(flags in any_flags()) {
        let (selection, list) = (selection(&flags), list(&flags));
        prop_assert_eq!(selection.len(), list.len() as u64);
        prop_assert_eq!(selection.is_empty(), list.is_empty());
        prop_assert!(selection.iter().eq(list.iter().copied()));
        for (number, row) in (0..).zip(&list) {
            prop_assert_eq!(selection.row(number), Some(*row));
        }
        for number in [list.len() as u64, flags.len() as u64, u64::MAX] {
            prop_assert_eq!(selection.row(number), None);
        }
        for (row, flag) in (0..).zip(&flags) {
            prop_assert_eq!(selection.contains(row), *flag);
        }
        for row in [flags.len() as u64, flags.len() as u64 + 64, u64::MAX] {
            prop_assert!(!selection.contains(row));
        }
    }

    #[test]
    fn conditions_are_joined_by_and(flags in any_flags(), modulus in 1..200_u64) {
        let both: Vec<bool> =
            (0..).zip(&flags).map(|(row, flag): (u64, _)| *flag && row % modulus == 0).collect();
        let mut asked = Vec::new();
        let narrowed = selection(&flags).keep_where(|row| {
            asked.push(row);
            row % modulus == 0
        });
        prop_assert_eq!(asked, list(&flags));
        prop_assert_eq!(&narrowed, &selection(&both));
        let other_way = Selection::all(flags.len() as u64)
            .keep_where(|row| row % modulus == 0)
            .keep_where(|row| flags[row as usize]);
        prop_assert_eq!(&other_way, &narrowed);
    }

    #[test]
    fn groups_come_equally_often(seed: u64, epoch: u64, groups in any_groups()) {
        let balance = balance(seed, &groups);
        prop_assert_eq!(balance.len(), groups.len() as u64);
        let none: BTreeMap<u32, u64> = groups.iter().map(|group| (*group, 0)).collect();
        prop_assert_eq!(balance.groups(), none.len() as u64);
        let count = |counts: &mut BTreeMap<u32, u64>, epoch| {
            for draw in 0..balance.len() {
                let row = balance.row(epoch, draw).unwrap();
                *counts.get_mut(&group_of(&groups, row)).unwrap() += 1;
            }
            let (least, most) = (counts.values().min(), counts.values().max());
            most.zip(least).is_none_or(|(most, least)| most - least <= 1)
        };
        prop_assert!(count(&mut none.clone(), epoch));
        let mut together = none;
        prop_assert!((0..20).all(|epoch| count(&mut together, epoch)));
        prop_assert_eq!(balance.row(epoch, balance.len()), None);
    }

    #[test]
    fn draws_depend_on_nothing_else(seed: u64, epoch: u64, groups in any_groups(), names: [u32; 12]) {
        let once = balance(seed, &groups);
        let backwards: Vec<_> = (0..once.len()).rev().map(|draw| once.row(epoch, draw)).collect();
        // Other numbers for the groups, in the same order.
        let mut sorted = names.map(|name| name % 1000);
        sorted.sort_unstable();
        let renamed: Vec<u32> =
            groups.iter().map(|group| sorted[*group as usize] * 12 + *group).collect();
        let again = balance(seed, &renamed);
        prop_assert!((0..once.len()).map(|draw| again.row(epoch, draw)).eq(backwards.into_iter().rev()));
    }

    #[test]
    fn ranks_share_a_balanced_epoch(seed: u64, shuffled: bool, groups in any_groups(), world_size in 1..5_u64) {
        let rows = Rows::Balanced(balance(seed, &groups));
        let arrangement = if shuffled { Arrangement::Shuffled { seed } } else { Arrangement::FileOrder };
        let plan = |rank, world_size| {
            let rank = Rank::new(rank, NonZeroU64::new(world_size).unwrap()).unwrap();
            BatchPlan::new(BatchOptions {
                rows: rows.len(),
                arrangement,
                epochs: NonZeroU64::new(2),
                rank,
                uneven: Uneven::Allow,
                batch_size: NonZeroU64::new(7).unwrap(),
                drop_last: false,
            })
        };
        let samples = |plan: BatchPlan, start| {
            let mut samples = Vec::new();
            for batch in plan.batches_from(start).unwrap() {
                let epoch = batch.cursor().epoch;
                samples.extend(batch.samples().map(|s| (epoch, s.position, rows.row(epoch, s.row).unwrap())));
            }
            samples
        };
        let whole = samples(plan(0, 1), Cursor::default());
        for epoch in 0..2 {
            let order = EpochOrder::new(arrangement, epoch, rows.len());
            let expected = (0..rows.len())
                .map(|position| (epoch, position, rows.row(epoch, order.row(position).unwrap()).unwrap()));
            prop_assert!(whole.iter().copied().filter(|(of, ..)| *of == epoch).eq(expected));
        }
        let mut shares: Vec<_> =
            (0..world_size).flat_map(|rank| samples(plan(rank, world_size), Cursor::default())).collect();
        shares.sort_unstable();
        prop_assert_eq!(&shares, &whole);
        if !rows.is_empty() {
            let tail = samples(plan(0, 1), Cursor { epoch: 1, batch: 0 });
            prop_assert_eq!(&tail, &whole[rows.len() as usize..]);
        }
    }
}

#[test]
fn selected_rows_come_once_in_every_epoch() {
    let rows = Rows::Selected(Selection::all(10).keep_where(|row| row % 3 == 0));
    assert_eq!((rows.len(), rows.is_empty()), (4, false));
    for epoch in [0, 7] {
        assert!((0..5).map(|number| rows.row(epoch, number)).eq([Some(0), Some(3), Some(6), Some(9), None]));
    }
}
