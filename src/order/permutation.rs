//! A keyed permutation of the numbers below n, one number at a time.

use std::hint::select_unpredictable;

use super::hash::{digest, mix};

/// Rounds of every permutation.
const ROUNDS: usize = 128;

const SALT: &[u8] = b"dicomprep order v1";

/// Key of a permutation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PermutationKey {
    /// The seed of the stream.
    pub seed: u64,
    /// The epoch.
    pub epoch: u64,
}

/// A permutation of the numbers below n, a pure function of its key and n.
///
/// It takes 2 KiB, whatever n, and the same time for every number.
///
/// # Construction
/// The swap-or-not shuffle of V. T. Hoang, B. Morris and P. Rogaway, "An Enciphering Scheme Based on a Card
/// Shuffle", CRYPTO 2012, with 128 rounds. Round i has a number `K` below n and a function `F` from numbers
/// to bits. It pairs every x with `K - x` mod n and swaps the two where `F` of the larger of them is 1. As
/// both members of a pair compute the same bit, a round permutes the numbers below n, whatever n is: there is
/// no larger domain to walk out of, and small n need no other method. A round is its own inverse, so the
/// rounds in reverse order undo the permutation.
///
/// The keys of round i, counted from 0, are the SHA-256 of "dicomprep order v1", then seed, epoch, n and i,
/// each as 8 bytes. Its first 16 bytes mod n are `K`, the next 8 bytes are a secret s, and `F(x)` is the
/// highest bit of mix(x xor s), where mix is the finalizer of SplitMix64 (D. Stafford's variant 13 of the
/// finalizer of MurmurHash3). All bytes are little endian.
///
/// # How uniform it is
/// With ideal `K` and `F`, the places of any q numbers are as those of a permutation drawn uniformly, but for
/// a total variation distance of at most the sum over l < q of `sqrt(n) / 2 * ((n + l) / 2n)^64`: each round
/// multiplies the expected squared deviation of one place, given l others, by (n + l) / 2n. For two
/// numbers that is 2^-54 at n = 2^20 and 2^-32 at n = 2^63. For n up to 6 a test follows the distribution
/// over all n! permutations exactly: its distance is below 2^-50. `mix` is no cipher: this is for shuffling,
/// not for secrecy.
#[derive(Debug, Clone)]
pub struct Permutation {
    len: u64,
    rounds: Box<[Round]>,
}

#[derive(Debug, Clone, Copy)]
struct Round {
    /// `K`, below the length.
    pivot: u64,
    /// `s`, which makes `F`.
    secret: u64,
}

impl Permutation {
    /// The permutation of the numbers below `len` that belongs to `key`. Any `len` will do, 0 included.
    #[must_use]
    pub fn new(key: PermutationKey, len: u64) -> Self {
        // Fewer than 2 numbers have one order.
        let count = if len < 2 { 0 } else { ROUNDS as u64 };
        Self { len, rounds: (0..count).map(|number| Round::new(key, len, number)).collect() }
    }

    /// Number of permuted numbers: n.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// True if there is nothing to permute.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The number that stands at `position`; `None` where `position` is not below the length.
    #[must_use]
    pub fn at(&self, position: u64) -> Option<u64> {
        let [number] = self.at_each([position]);
        number
    }

    /// [`Permutation::at`] for several positions. Four at once take little longer than one alone: the
    /// rounds of one number wait for each other, those of different numbers do not.
    #[must_use]
    pub fn at_each<const COUNT: usize>(&self, positions: [u64; COUNT]) -> [Option<u64>; COUNT] {
        self.moved(positions, self.rounds.iter())
    }

    /// Position of `number`: the inverse of [`Permutation::at`]. `None` if `number` is not below the
    /// length.
    #[must_use]
    pub fn position_of(&self, number: u64) -> Option<u64> {
        let [position] = self.moved([number], self.rounds.iter().rev());
        position
    }

    /// Numbers that are not below the length go through the rounds too, to no avail.
    fn moved<'a, const COUNT: usize>(
        &self,
        numbers: [u64; COUNT],
        rounds: impl Iterator<Item = &'a Round>,
    ) -> [Option<u64>; COUNT] {
        let mut moved = numbers;
        for round in rounds {
            for number in &mut moved {
                *number = round.apply(*number, self.len);
            }
        }
        let mut result = [None; COUNT];
        for ((result, number), moved) in result.iter_mut().zip(numbers).zip(moved) {
            *result = (number < self.len).then_some(moved);
        }
        result
    }
}

impl Round {
    /// `len` is at least 1.
    fn new(key: PermutationKey, len: u64, number: u64) -> Self {
        let [low, high, secret, _] = digest(SALT, &[key.seed, key.epoch, len, number]);
        // 128 bits, so that the remainder is uniform to within 2^-64 for every length.
        let wide = u128::from(high) << 64 | u128::from(low);
        Self { pivot: (wide % u128::from(len)) as u64, secret }
    }

    /// If `number` is below `len`, so is the result.
    fn apply(self, number: u64, len: u64) -> u64 {
        // Each of these three is a coin toss: a branch would be mispredicted every other time.
        let difference = self.pivot.wrapping_sub(number);
        let partner = select_unpredictable(self.pivot < number, difference.wrapping_add(len), difference);
        let larger = select_unpredictable(partner < number, number, partner);
        let swap = mix(larger ^ self.secret) >> 63 == 1;
        select_unpredictable(swap, partner, number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Any key will do for these tests.
    fn permutation(len: u64) -> Permutation {
        Permutation::new(PermutationKey { seed: 5, epoch: 11 }, len)
    }

    #[test]
    fn no_number_and_one_number() {
        assert!(permutation(0).is_empty());
        assert_eq!(permutation(0).at(0), None);
        assert_eq!(permutation(0).position_of(0), None);
        assert_eq!(permutation(1).at(0), Some(0));
        assert_eq!(permutation(1).position_of(0), Some(0));
        assert_eq!(permutation(1).at(1), None);
    }

    #[test]
    fn the_ends_of_any_length_have_a_place() {
        for len in [2, 3, 1 << 20, (1 << 63) - 1, 1 << 63, (1 << 63) + 1, u64::MAX] {
            let permutation = permutation(len);
            assert_eq!(permutation.len(), len);
            for position in [0, 1, len / 2, len - 1] {
                let number = permutation.at(position).unwrap();
                assert!(number < len);
                assert_eq!(permutation.position_of(number), Some(position));
            }
            assert_eq!((permutation.at(len), permutation.position_of(len)), (None, None));
            assert_eq!((permutation.at(u64::MAX), permutation.position_of(u64::MAX)), (None, None));
        }
    }

    #[test]
    fn several_at_once_are_the_same_as_one_by_one() {
        let permutation = permutation(1000);
        let positions = [7, 999, 1000, 0, 7, u64::MAX];
        assert_eq!(permutation.at_each(positions), positions.map(|position| permutation.at(position)));
    }

    #[test]
    fn every_part_of_the_key_counts() {
        let first = |seed, epoch, len| {
            let permutation = Permutation::new(PermutationKey { seed, epoch }, len);
            [0, 1, 2, 3].map(|position| permutation.at(position).unwrap())
        };
        let base = first(1, 2, 1_000_000);
        assert_eq!(base, first(1, 2, 1_000_000));
        assert_ne!(base, first(2, 1, 1_000_000));
        assert_ne!(base, first(2, 2, 1_000_000));
        assert_ne!(base, first(1, 3, 1_000_000));
        assert_ne!(base, first(1, 2, 1_000_001));
    }

    /// The total variation distance from uniform over all permutations of `len` numbers, after `rounds`
    /// rounds with ideal pivots and functions: the distribution itself, followed round by round.
    fn distance_from_uniform(len: usize, rounds: usize) -> f64 {
        let mut states = vec![vec![0; 0]];
        for number in 0..len {
            states = states
                .iter()
                .flat_map(|state: &Vec<usize>| {
                    (0..=number).map(move |place| {
                        let mut longer = state.clone();
                        longer.insert(place, number);
                        longer
                    })
                })
                .collect();
        }
        states.sort_unstable();
        let index = |state: &Vec<usize>| states.binary_search(state).unwrap();
        // A pivot averages a permutation with the one in which a pair is swapped, pair after pair.
        let swapped = |state: &Vec<usize>, one: usize, other: usize| {
            let swap = |number| {
                if number == one {
                    other
                } else if number == other {
                    one
                } else {
                    number
                }
            };
            index(&state.iter().map(|&number| swap(number)).collect())
        };
        let pairs: Vec<Vec<Vec<usize>>> = (0..len)
            .map(|pivot| {
                (0..len)
                    .map(|one| (one, (pivot + len - one) % len))
                    .filter(|(one, other)| one < other)
                    .map(|(one, other)| states.iter().map(|state| swapped(state, one, other)).collect())
                    .collect()
            })
            .collect();
        let mut chances = vec![0.0; states.len()];
        chances[0] = 1.0;
        for _ in 0..rounds {
            let mut after = vec![0.0; states.len()];
            for tables in &pairs {
                let mut with_pivot = chances.clone();
                for table in tables {
                    with_pivot = table
                        .iter()
                        .zip(&with_pivot)
                        .map(|(&i, chance)| (chance + with_pivot[i]) / 2.0)
                        .collect();
                }
                for (sum, chance) in after.iter_mut().zip(with_pivot) {
                    *sum += chance / len as f64;
                }
            }
            chances = after;
        }
        let even = 1.0 / states.len() as f64;
        chances.iter().map(|chance| (chance - even).abs()).sum::<f64>() / 2.0
    }

    #[test]
    fn the_rounds_suffice_for_the_smallest_lengths() {
        for len in 2..=6 {
            let distance = distance_from_uniform(len, ROUNDS);
            assert!(distance < (-50_f64).exp2(), "{len} numbers: 2^{}", distance.log2());
        }
        // That few rounds do not is what the computation is for.
        assert!(distance_from_uniform(5, 8) > 1e-3);
    }
}
