//! Numbers taken by places that are known only when the program runs, eight at a time.

/// Numbers taken at a time.
pub(super) const PICKED: usize = 8;

/// Takes numbers by their places.
pub(super) trait Pick: Copy {
    /// The numbers at `places`, each below [`PICKED`]; of others, anything.
    fn pick(self, numbers: &[f32; PICKED], places: &[u32; PICKED]) -> [f32; PICKED];
}

/// Work that takes numbers by their places. It is `#[inline(always)]`, as all that it calls, to be compiled for the machine.
pub(super) trait PickingWork {
    fn run(&mut self, picker: impl Pick);
}

/// Runs `work` by a permutation of the machine where it has one, and otherwise number by number: the result is the same.
#[inline(always)]
pub(super) fn with_picks(work: &mut impl PickingWork) {
    #[cfg(target_arch = "x86_64")]
    if let Some(machine) = pulp::x86::V3::try_new() {
        return machine.vectorize(x86::Permuted { machine, work });
    }
    work.run(OneByOne);
}

/// For every machine.
#[derive(Clone, Copy)]
pub(super) struct OneByOne;

impl Pick for OneByOne {
    #[inline(always)]
    fn pick(self, numbers: &[f32; PICKED], places: &[u32; PICKED]) -> [f32; PICKED] {
        places.map(
            #[inline(always)]
            |place| numbers[place as usize % PICKED],
        )
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use pulp::NullaryFnOnce;
    use pulp::x86::V3;

    use super::{PICKED, Pick, PickingWork};

    impl Pick for V3 {
        #[inline(always)]
        fn pick(self, numbers: &[f32; PICKED], places: &[u32; PICKED]) -> [f32; PICKED] {
            pulp::cast(self.avx2._mm256_permutevar8x32_ps(pulp::cast(*numbers), pulp::cast(*places)))
        }
    }

    pub(super) struct Permuted<'w, W> {
        pub(super) machine: V3,
        pub(super) work: &'w mut W,
    }

    impl<W: PickingWork> NullaryFnOnce for Permuted<'_, W> {
        type Output = ();

        #[inline(always)]
        fn call(self) {
            self.work.run(self.machine);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Check([f32; PICKED], [u32; PICKED], [f32; PICKED]);

    impl PickingWork for Check {
        fn run(&mut self, picker: impl Pick) {
            self.2 = picker.pick(&self.0, &self.1);
        }
    }

    #[test]
    fn each_machine_takes_the_same() {
        let numbers = [0.5, -0.0, f32::INFINITY, 3.0, 4.0, 5.0, 6.0, 7.0];
        for seed in 0..100_u32 {
            let places = std::array::from_fn(|number| (seed.wrapping_mul(2_654_435_761) >> (number * 3)) % 8);
            let mut check = Check(numbers, places, [f32::NAN; PICKED]);
            with_picks(&mut check);
            assert_eq!(check.2, places.map(|place| numbers[place as usize]));
            check.run(OneByOne);
            assert_eq!(check.2, places.map(|place| numbers[place as usize]));
        }
    }
}
