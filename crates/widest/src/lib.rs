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
        let found = with_widest(
            #[inline(always)]
            || {
                calls += 1;
                calls
            },
        );
        assert_eq!((found, calls), (1, 1));
    }
}
