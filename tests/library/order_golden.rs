//! Orders that are known row by row.

use dicomprep::order::{Arrangement, Balance, EpochOrder};

#[test]
fn shuffles_are_the_ones_they_always_were() {
    let (_, list) = include_str!("../golden/order.txt").split_once("\n\n").unwrap();
    assert_eq!(list.lines().count(), 17);
    for line in list.lines() {
        let (key, _) = line.split_once(" |").unwrap();
        let numbers: Vec<u64> = key.split(' ').map(|number| number.parse().unwrap()).collect();
        let [seed, epoch, rows] = numbers[..] else {
            panic!("{key} is not a seed, an epoch and a number of rows")
        };
        let order = EpochOrder::new(Arrangement::Shuffled { seed }, epoch, rows);
        let first = (0..rows.min(10)).map(|position| format!(" {}", order.row(position).unwrap()));
        assert_eq!(format!("{key} |{}", first.collect::<String>()), line);
    }
}

#[test]
fn draws_are_the_ones_they_always_were() {
    let (_, list) = include_str!("../golden/balance.txt").split_once("\n\n").unwrap();
    assert_eq!(list.lines().count(), 12);
    for line in list.lines() {
        let (key, _) = line.split_once(" |").unwrap();
        let mut numbers = key.split(' ').map(|number| number.parse::<u64>().unwrap());
        let (seed, epoch) = (numbers.next().unwrap(), numbers.next().unwrap());
        let groups = (0..).zip(numbers).flat_map(|(group, size)| (0..size).map(move |_| group));
        let balance = Balance::new(seed, (0..).zip(groups));
        let first = (0..balance.len().min(10)).map(|draw| format!(" {}", balance.row(epoch, draw).unwrap()));
        assert_eq!(format!("{key} |{}", first.collect::<String>()), line);
    }
}
