//! Decodes a scan into the samples of the image.

use std::mem::swap;

use dicomprep_widest::with_widest;

use crate::bits::BitReader;
use crate::error::JpegLsError;
use crate::header::Header;
use crate::line::{Coder, Line};
use crate::parameters::Parameters;
use crate::segments::Definitions;

/// How the components of a scan alternate (T.87 C.2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interleave {
    /// One component.
    None,
    /// Line by line.
    Line,
    /// Sample by sample.
    Sample,
}

/// What a scan holds.
#[derive(Debug, Clone)]
pub(crate) struct ScanHeader {
    /// The components' indices in the frame, rising.
    pub(crate) components: Vec<usize>,
    /// Largest difference of a sample; 0 without loss.
    pub(crate) near: u8,
    pub(crate) interleave: Interleave,
}

impl ScanHeader {
    /// Decodes the data that `bits` begins with. Returns where it ends.
    pub(crate) fn decode(
        &self,
        definitions: &Definitions,
        frame: &Header,
        mut bits: BitReader<'_>,
        samples: &mut [u16],
    ) -> Result<usize, JpegLsError> {
        let p = Parameters::new(definitions.preset, frame.precision, self.near)?;
        let plan = Plan { p, frame, components: &self.components, restart: definitions.restart as usize };
        // Newer processors count zeros and shift by any amount in one step.
        with_widest(
            #[inline(always)]
            || match (self.interleave, self.components.len()) {
                (Interleave::Sample, 2) => plan.by_sample::<2>(&mut bits, samples),
                (Interleave::Sample, 3) => plan.by_sample::<3>(&mut bits, samples),
                (Interleave::Sample, 4) => plan.by_sample::<4>(&mut bits, samples),
                _ => plan.by_line(&mut bits, samples),
            },
        )?;
        bits.finish()
    }
}

struct Plan<'a> {
    p: Parameters,
    frame: &'a Header,
    components: &'a [usize],
    /// Restart interval in lines; 0 for none.
    restart: usize,
}

impl Plan<'_> {
    fn line(&self) -> Line {
        vec![0; usize::from(self.frame.columns) + 2]
    }

    fn coder(&self) -> Coder {
        Coder::new(self.p, self.frame.columns.into())
    }

    /// True if a restart marker stands before this row. Passes over it.
    fn restarts(&self, y: usize, bits: &mut BitReader<'_>) -> Result<bool, JpegLsError> {
        let restarts = self.restart > 0 && y > 0 && y.is_multiple_of(self.restart);
        if restarts {
            bits.restart(((y / self.restart - 1) % 8) as u8)?;
        }
        Ok(restarts)
    }

    /// Puts a line of a component into its row of the image.
    #[inline(always)]
    fn store(&self, component: usize, line: &[i32], row: &mut [u16]) {
        let values = &line[1..=usize::from(self.frame.columns)];
        let count = self.frame.components.len();
        if count == 1 {
            row.iter_mut().zip(values).for_each(|(sample, &value)| *sample = value as u16);
        } else {
            let to = row.iter_mut().skip(component).step_by(count);
            to.zip(values).for_each(|(sample, &value)| *sample = value as u16);
        }
    }

    /// Components that alternate line by line, or one.
    #[inline(always)]
    fn by_line(&self, bits: &mut BitReader<'_>, samples: &mut [u16]) -> Result<(), JpegLsError> {
        let fresh = || self.components.iter().map(|_| (self.line(), self.line(), 0)).collect();
        let mut lines: Vec<(Line, Line, usize)> = fresh();
        let mut coder = self.coder();
        let width = usize::from(self.frame.columns) * self.frame.components.len();
        for (y, row) in samples.chunks_exact_mut(width).enumerate() {
            if self.restarts(y, bits)? {
                (lines, coder) = (fresh(), self.coder());
            }
            for (&component, (previous, current, run_index)) in self.components.iter().zip(&mut lines) {
                if self.p.is_plain() {
                    coder.line::<true>(bits, previous, current, run_index)?;
                } else {
                    coder.line::<false>(bits, previous, current, run_index)?;
                }
                self.store(component, current, row);
                swap(previous, current);
            }
        }
        Ok(())
    }

    /// `N` components that alternate sample by sample.
    #[inline(always)]
    fn by_sample<const N: usize>(
        &self,
        bits: &mut BitReader<'_>,
        samples: &mut [u16],
    ) -> Result<(), JpegLsError> {
        let fresh = || std::array::from_fn(|_| self.line());
        let mut previous: [Line; N] = fresh();
        let mut current: [Line; N] = fresh();
        let (mut coder, mut run_index) = (self.coder(), 0);
        let width = usize::from(self.frame.columns) * self.frame.components.len();
        for (y, row) in samples.chunks_exact_mut(width).enumerate() {
            if self.restarts(y, bits)? {
                (previous, current, coder, run_index) = (fresh(), fresh(), self.coder(), 0);
            }
            if self.p.is_plain() {
                coder.pixels::<true, N>(bits, &mut previous, &mut current, &mut run_index)?;
            } else {
                coder.pixels::<false, N>(bits, &mut previous, &mut current, &mut run_index)?;
            }
            for (&component, line) in self.components.iter().zip(&current) {
                self.store(component, line, row);
            }
            swap(&mut previous, &mut current);
        }
        Ok(())
    }
}
