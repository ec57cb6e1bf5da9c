//! Decodes lines: regular mode and run mode (T.87 A.3 to A.7).

use crate::bits::BitReader;
use crate::context::{Context, RunContext};
use crate::error::JpegLsError;
use crate::golomb;
use crate::parameters::Parameters;

/// Exponents of the run lengths (T.87 A.7.1.1).
const RUN_EXPONENTS: [u32; 32] =
    [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 9, 10, 11, 12, 13, 14, 15];

/// A line of one component between its edges: at index 0 the sample to the left of the first one, at the end one more
/// than there are samples.
pub(crate) type Line = Vec<i32>;

/// The state of a scan.
pub(crate) struct Coder {
    p: Parameters,
    contexts: Box<[Context; 512]>,
    runs: [RunContext; 2],
    /// Gradients from `-t3` to `t3` quantized to -4 to 4 (T.87 A.3.3).
    quantized: Vec<i8>,
    /// The quantized gradients of the line above, from its left edge on.
    levels: Vec<i32>,
    /// For each sample of a line, what they add to its context.
    above: Vec<i32>,
}

impl Coder {
    pub(crate) fn new(p: Parameters, columns: usize) -> Self {
        let [t1, t2, t3] = p.thresholds;
        let level = |gradient: i32| {
            let size = gradient.abs();
            let level =
                i8::from(size > p.near) + i8::from(size >= t1) + i8::from(size >= t2) + i8::from(size >= t3);
            if gradient < 0 { -level } else { level }
        };
        Self {
            p,
            contexts: Box::new([Context::new(p.first_a); 512]),
            runs: [RunContext::new(p.first_a, 0), RunContext::new(p.first_a, 1)],
            quantized: (-t3..=t3).map(level).collect(),
            levels: vec![0; columns + 1],
            above: vec![0; columns + 2],
        }
    }

    #[inline(always)]
    fn quantize(&self, gradient: i32) -> i32 {
        let t3 = self.p.thresholds[2];
        self.quantized[(gradient.clamp(-t3, t3) + t3) as usize].into()
    }

    /// Sets the edges of a line and quantizes the gradients of the line above it.
    #[inline(always)]
    fn begin_line(&mut self, previous: &mut Line, current: &mut Line) {
        let width = previous.len() - 2;
        previous[width + 1] = previous[width];
        current[0] = previous[1];
        // By comparisons, of which the compiler makes vector code: a table is read sample by sample.
        let ([t1, t2, t3], near) = (self.p.thresholds, self.p.near);
        let level = |gradient: i32| {
            let (size, sign) = (gradient.abs(), gradient >> 31);
            let level = i32::from(size > near)
                + i32::from(size >= t1)
                + i32::from(size >= t2)
                + i32::from(size >= t3);
            (level ^ sign) - sign
        };
        for (level_at, pair) in self.levels.iter_mut().zip(previous.windows(2)) {
            *level_at = level(pair[1] - pair[0]);
        }
        for (above, levels) in self.above[1..].iter_mut().zip(self.levels.windows(2)) {
            *above = 81 * levels[1] + 9 * levels[0];
        }
    }

    /// Decodes a line of one component. `PLAIN` is [`Parameters::is_plain`].
    #[inline(always)]
    pub(crate) fn line<const PLAIN: bool>(
        &mut self,
        bits: &mut BitReader<'_>,
        previous: &mut Line,
        current: &mut Line,
        run_index: &mut usize,
    ) -> Result<(), JpegLsError> {
        self.begin_line(previous, current);
        let width = previous.len() - 2;
        let (above, line) = (&previous[..width + 2], &mut current[..width + 2]);
        let (mut x, mut left, mut above_left) = (1, line[0], above[0]);
        // A copy stays in registers.
        let mut here = *bits;
        while x <= width {
            let up = above[x];
            let context = self.above[x] + self.quantize(above_left - left);
            if context != 0 {
                left = self.regular::<PLAIN>(&mut here, context, [left, up, above_left])?;
            } else {
                let mut behind = here;
                let length = run_length(&mut behind, width + 1 - x, run_index)?;
                line[x..x + length].fill(left);
                x += length;
                if x > width {
                    here = behind;
                    break;
                }
                left = self.run_end::<PLAIN>(&mut behind, left, above[x], *run_index)?;
                here = behind;
                *run_index = run_index.saturating_sub(1);
            }
            line[x] = left;
            above_left = above[x];
            x += 1;
        }
        *bits = here;
        bits.check()
    }

    /// Decodes a line of `N` components whose samples alternate: a run is one of all components.
    #[inline(always)]
    pub(crate) fn pixels<const PLAIN: bool, const N: usize>(
        &mut self,
        bits: &mut BitReader<'_>,
        previous: &mut [Line; N],
        current: &mut [Line; N],
        run_index: &mut usize,
    ) -> Result<(), JpegLsError> {
        let width = previous[0].len() - 2;
        for (previous, current) in previous.iter_mut().zip(current.iter_mut()) {
            previous[width + 1] = previous[width];
            current[0] = previous[1];
        }
        let mut x = 1;
        while x <= width {
            let mut contexts = [0; N];
            for c in 0..N {
                let (above, left) = (&previous[c], current[c][x - 1]);
                contexts[c] = 81 * self.quantize(above[x + 1] - above[x])
                    + 9 * self.quantize(above[x] - above[x - 1])
                    + self.quantize(above[x - 1] - left);
            }
            if contexts == [0; N] {
                let length = run_length(bits, width + 1 - x, run_index)?;
                for line in current.iter_mut() {
                    let left = line[x - 1];
                    line[x..x + length].fill(left);
                }
                x += length;
                if x > width {
                    break;
                }
                for c in 0..N {
                    let (left, up) = (current[c][x - 1], previous[c][x]);
                    current[c][x] = self.run_end_apart::<PLAIN>(bits, left, up, *run_index)?;
                }
                *run_index = run_index.saturating_sub(1);
            } else {
                for c in 0..N {
                    let neighbours = [current[c][x - 1], previous[c][x], previous[c][x - 1]];
                    current[c][x] = self.regular::<PLAIN>(bits, contexts[c], neighbours)?;
                }
            }
            x += 1;
        }
        bits.check()
    }

    /// A sample in regular mode, with its neighbours to the left, above and above left.
    #[inline(always)]
    fn regular<const PLAIN: bool>(
        &mut self,
        bits: &mut BitReader<'_>,
        context: i32,
        [a, b, c]: [i32; 3],
    ) -> Result<i32, JpegLsError> {
        let p = &self.p;
        let sign = context >> 31;
        let context = &mut self.contexts[((context ^ sign) - sign) as usize & 511];
        let prediction = (a + b - c).clamp(a.min(b), a.max(b));
        let prediction = (prediction + ((i32::from(context.c) ^ sign) - sign)).clamp(0, p.maxval);
        let k = context.k()?;
        let code = golomb::read(bits, k, p.limit, p.error_bits)? as i32;
        if code > 2 * p.range {
            return Err(JpegLsError::Code);
        }
        let mut error = (code >> 1) ^ -(code & 1);
        if PLAIN || p.near == 0 {
            error ^= context.mirror();
        }
        context.update(error, if PLAIN { 1 } else { 2 * p.near + 1 }, p.reset);
        Ok(reconstruct::<PLAIN>(p, prediction, (error ^ sign) - sign))
    }

    /// The sample behind a run, with its neighbours to the left and above.
    #[inline(always)]
    fn run_end<const PLAIN: bool>(
        &mut self,
        bits: &mut BitReader<'_>,
        left: i32,
        up: i32,
        run_index: usize,
    ) -> Result<i32, JpegLsError> {
        if (left - up).abs() > self.p.near {
            return self.run_end_apart::<PLAIN>(bits, left, up, run_index);
        }
        let error = self.run_error(bits, 1, run_index)?;
        Ok(reconstruct::<PLAIN>(&self.p, left, error))
    }

    /// The sample behind a run in the context of neighbours that differ.
    fn run_end_apart<const PLAIN: bool>(
        &mut self,
        bits: &mut BitReader<'_>,
        left: i32,
        up: i32,
        run_index: usize,
    ) -> Result<i32, JpegLsError> {
        let error = self.run_error(bits, 0, run_index)?;
        Ok(reconstruct::<PLAIN>(&self.p, up, if up < left { -error } else { error }))
    }

    fn run_error(
        &mut self,
        bits: &mut BitReader<'_>,
        which: usize,
        run_index: usize,
    ) -> Result<i32, JpegLsError> {
        let run = &mut self.runs[which];
        let k = run.k()?;
        let limit = self.p.limit - RUN_EXPONENTS[run_index] - 1;
        let code = golomb::read(bits, k, limit, self.p.error_bits)?;
        if code > 2 * self.p.range as u32 {
            return Err(JpegLsError::Code);
        }
        Ok(run.error(code, k, self.p.reset))
    }
}

/// The sample from its prediction and the quantized error (T.87 A.4.4, A.4.5).
#[inline(always)]
fn reconstruct<const PLAIN: bool>(p: &Parameters, prediction: i32, error: i32) -> i32 {
    if PLAIN {
        return (prediction + error) & p.maxval;
    }
    let step = 2 * p.near + 1;
    let value = prediction + error * step;
    let value = if value < -p.near {
        value + p.range * step
    } else if value > p.maxval + p.near {
        value - p.range * step
    } else {
        value
    };
    value.clamp(0, p.maxval)
}

/// The length of a run, at most `left` samples (T.87 A.7.1.2).
fn run_length(bits: &mut BitReader<'_>, left: usize, run_index: &mut usize) -> Result<usize, JpegLsError> {
    let mut length = 0;
    loop {
        bits.hold(32);
        let exponent = RUN_EXPONENTS[*run_index];
        if bits.take(1) == 0 {
            length += bits.take(exponent) as usize;
            return if length < left { Ok(length) } else { Err(JpegLsError::Code) };
        }
        let whole = 1 << exponent;
        length += whole;
        if length > left {
            return Ok(left);
        }
        *run_index = (*run_index + 1).min(31);
        if length == left {
            return Ok(left);
        }
    }
}
