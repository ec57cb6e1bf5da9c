//! Loops with the widest vectors and the newest bit operations of the machine.

#![forbid(unsafe_code)]

use pulp::NullaryFnOnce;

/// Runs `work`, compiled for AVX2, BMI2 and what comes with them where the machine has them all. Only what is inlined into it
/// is compiled so: closure and functions are `#[inline(always)]`.
///
/// [`pulp::Arch::dispatch`] alone takes a closure by value. One that could be called again is then called through a function
/// of its own, which stays as it was compiled.
#[inline(always)]
pub fn with_widest<T>(work: impl FnMut() -> T) -> T {
    #[cfg(target_arch = "x86_64")]
    return match pulp::x86::V3::try_new() {
        Some(machine) => machine.vectorize(Work(work)),
        None => Work(work).call(),
    };
    #[cfg(not(target_arch = "x86_64"))]
    pulp::Arch::new().dispatch(Work(work))
}

/// As [`with_widest`], and for AVX-512 where the machine has it. It is for loops that do much with each of many numbers: others
/// gain nothing, and are compiled once more.
#[inline(always)]
pub fn with_512_bits<T>(work: impl FnMut() -> T) -> T {
    pulp::Arch::new().dispatch(Work(work))
}

struct Work<F>(F);

impl<T, F: FnMut() -> T> NullaryFnOnce for Work<F> {
    type Output = T;

    #[inline(always)]
    fn call(mut self) -> T {
        (self.0)()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_done_once() {
        let mut calls = 0;
        let mut call = || {
            calls += 1;
            calls
        };
        assert_eq!([with_widest(&mut call), with_512_bits(&mut call)], [1, 2]);
        assert_eq!(calls, 2);
    }
}
