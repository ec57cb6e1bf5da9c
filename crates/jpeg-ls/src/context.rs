//! The statistics by which the coder adapts (T.87 A.4, A.6 and A.7).

use crate::error::JpegLsError;

/// The largest parameter of a Golomb code: beyond it, the stream is damaged.
const MOST_K: u32 = 24;

/// The statistics of prediction errors in one context, and what the next sample needs of them, which is known long before
/// it: the next sample waits for the one before.
#[derive(Clone, Copy)]
#[repr(align(16))]
pub(crate) struct Context {
    /// Sum of the absolute errors.
    a: u32,
    /// Sum of the errors, kept in the range of -n to 0.
    b: i32,
    /// Number of errors.
    n: i32,
    /// Correction of the prediction.
    pub(crate) c: i16,
    /// The parameter of the Golomb code.
    k: u8,
    /// -1 if the two signs of an error are exchanged in its code, which is so without loss alone (T.87 A.5.2).
    mirror: i8,
}

/// The least `k` for which n times 2 to the power of k reaches `a`.
#[inline(always)]
fn golomb_parameter(n: u32, a: u32) -> u32 {
    let k = n.leading_zeros().saturating_sub(a.leading_zeros());
    k + u32::from(n << k < a)
}

/// Refuses a parameter that no image has.
#[inline(always)]
fn sound(k: u32) -> Result<u32, JpegLsError> {
    if k > MOST_K { Err(JpegLsError::Code) } else { Ok(k) }
}

impl Context {
    pub(crate) fn new(first_a: u32) -> Self {
        Self { a: first_a, b: 0, n: 1, c: 0, k: golomb_parameter(1, first_a) as u8, mirror: 0 }
    }

    #[inline(always)]
    pub(crate) fn k(&self) -> Result<u32, JpegLsError> {
        sound(self.k.into())
    }

    /// What the bits of an error are combined with where nothing is lost.
    #[inline(always)]
    pub(crate) fn mirror(&self) -> i32 {
        self.mirror.into()
    }

    /// Takes in a quantized error (T.87 A.6). `step` is 2 NEAR + 1.
    #[inline(always)]
    pub(crate) fn update(&mut self, error: i32, step: i32, reset: i32) {
        let mut a = self.a + error.unsigned_abs();
        let mut b = self.b + error * step;
        let mut n = self.n;
        if n == reset {
            a >>= 1;
            b >>= 1;
            n >>= 1;
        }
        n += 1;
        // By masks: a processor would guess wrong too often which of the two it is, if any.
        let (below, above) = (-i32::from(b <= -n), -i32::from(b > 0));
        b = (b + (n & below) - (n & above)).clamp(1 - n, 0);
        self.c = (self.c + (below - above) as i16).clamp(-128, 127);
        let k = golomb_parameter(n as u32, a);
        (self.a, self.b, self.n) = (a, b, n);
        (self.k, self.mirror) = (k as u8, -i8::from(k == 0 && 2 * b <= -n));
    }
}

/// The statistics of the samples that end runs (T.87 A.7.2).
#[derive(Clone, Copy)]
pub(crate) struct RunContext {
    a: u32,
    n: i32,
    /// Number of negative errors.
    negative: i32,
    /// 1 where the samples to the left and above are alike.
    alike: i32,
}

impl RunContext {
    pub(crate) fn new(first_a: u32, alike: i32) -> Self {
        Self { a: first_a, n: 1, negative: 0, alike }
    }

    #[inline(always)]
    pub(crate) fn k(&self) -> Result<u32, JpegLsError> {
        sound(golomb_parameter(self.n as u32, self.a + ((self.n >> 1) * self.alike) as u32))
    }

    /// The error of this code, which is taken in.
    #[inline(always)]
    pub(crate) fn error(&mut self, code: u32, k: u32, reset: i32) -> i32 {
        let code = code as i32;
        let value = code + self.alike;
        let map = value & 1;
        let magnitude = (value + map) >> 1;
        let is_positive = i32::from(k != 0 || 2 * self.negative >= self.n) != map;
        let error = if is_positive { magnitude } else { -magnitude };
        self.negative += i32::from(error < 0);
        self.a += ((code + 1 - self.alike) >> 1) as u32;
        if self.n == reset {
            self.a >>= 1;
            self.n >>= 1;
            self.negative >>= 1;
        }
        self.n += 1;
        error
    }
}
