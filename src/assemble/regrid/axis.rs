//! One axis of a grid, resampled and then centred.

/// The way along one axis from the source's pixels to the data set's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct AxisMap {
    /// Pixels of the source.
    pub(super) from: usize,
    /// Pixels after resampling.
    pub(super) resampled: usize,
    /// Pixels of the data set.
    pub(super) to: usize,
    /// Source pixels for a step of one resampled pixel.
    pub(super) step: f64,
    /// Its inverse.
    gain: f64,
    /// The edge of the first resampled pixel, in source pixels from the edge of the first.
    shift: f64,
    /// True if the first resampled pixel is the data set's first, wherever the last is.
    leads: bool,
}

/// An axis whose pixels would move by less than this, in pixels, stays as it is.
const UNMOVED: f64 = 0.01;

impl AxisMap {
    /// All pixels as they are.
    pub(super) fn same(from: usize) -> Self {
        Self { from, resampled: from, to: from, step: 1.0, gain: 1.0, shift: 0.0, leads: false }
    }

    /// From edge to edge on `to` pixels.
    pub(super) fn stretched(from: usize, to: usize) -> Self {
        let (step, gain) = (from as f64 / to as f64, to as f64 / from as f64);
        Self { from, resampled: to, to, step, gain, shift: 0.0, leads: false }
    }

    /// `resampled` pixels of `step` source pixels each, around the same centre.
    pub(super) fn stepped(from: usize, resampled: usize, step: f64) -> Self {
        if resampled == from && (step - 1.0).abs() * from as f64 <= UNMOVED {
            return Self::same(from);
        }
        let shift = (from as f64 - resampled as f64 * step) / 2.0;
        Self { from, resampled, to: resampled, step, gain: 1.0 / step, shift, leads: false }
    }

    /// The same, in the middle of `to` pixels.
    pub(super) fn centred(self, to: usize) -> Self {
        Self { to, ..self }
    }

    /// The same, at the beginning of `to` pixels.
    pub(super) fn leading(self, to: usize) -> Self {
        Self { to, leads: true, ..self }
    }

    /// The same, with nothing cut off.
    pub(super) fn uncropped(self) -> Self {
        Self { to: self.to.max(self.resampled), ..self }
    }

    pub(super) fn is_identity(&self) -> bool {
        !self.resamples() && self.from == self.to
    }

    pub(super) fn resamples(&self) -> bool {
        self.step != 1.0 || self.resampled != self.from
    }

    /// The data set's pixel at which the first resampled one lies; negative where it is cut off.
    pub(super) fn offset(&self) -> isize {
        if self.leads { 0 } else { (self.to as isize - self.resampled as isize) / 2 }
    }

    /// A coordinate of the source in the data set.
    pub(super) fn map(&self, source: f64) -> f64 {
        (source + 0.5 - self.shift) * self.gain - 0.5 + self.offset() as f64
    }

    /// A coordinate of the data set in the source.
    pub(super) fn source(&self, target: f64) -> f64 {
        self.resampled_source(target - self.offset() as f64)
    }

    /// A coordinate of the resampled pixels in the source.
    pub(super) fn resampled_source(&self, resampled: f64) -> f64 {
        (resampled + 0.5) * self.step - 0.5 + self.shift
    }
}
