//! Pixels and weights that make each resampled pixel along one axis.

use super::axis::AxisMap;

/// Weights of source pixels for each resampled pixel of an axis.
#[derive(Debug, Default)]
pub(super) struct Weights {
    axis: Option<AxisMap>,
    /// For each resampled pixel, the first source pixel it draws from, and where its weights begin.
    starts: Vec<(usize, usize)>,
    weights: Vec<f64>,
}

impl Weights {
    /// Linear interpolation, over more pixels where they shrink; unless these weights are at hand already. Those of one
    /// pixel sum to 1.
    pub(super) fn linear(&mut self, axis: AxisMap) {
        let support = axis.step.max(1.0);
        self.prepare(axis, |target| {
            let centre = axis.resampled_source(target);
            let start = (centre - support).floor().max(0.0) as usize;
            let end = ((centre + support).ceil().max(0.0) as usize).min(axis.from - 1);
            let start = start.min(end);
            let weight = move |source: usize| (1.0 - (source as f64 - centre).abs() / support).max(0.0);
            (start, end, weight)
        });
        self.divide_by_sums();
    }

    /// The share of each resampled pixel that each source pixel covers. What lies outside of the source is covered by
    /// none.
    pub(super) fn by_area(&mut self, axis: AxisMap) {
        self.prepare(axis, |target| {
            // Edges in source pixels from the edge of the first.
            let low = axis.resampled_source(target - 0.5) + 0.5;
            let high = low + axis.step;
            let start = (low.floor().max(0.0) as usize).min(axis.from - 1);
            let end = (high.ceil().max(1.0) as usize - 1).clamp(start, axis.from - 1);
            let weight = move |source: usize| {
                let source = source as f64;
                (high.min(source + 1.0) - low.max(source)).max(0.0) / axis.step
            };
            (start, end, weight)
        });
    }

    fn prepare<W: Fn(usize) -> f64>(&mut self, axis: AxisMap, of: impl Fn(f64) -> (usize, usize, W)) {
        self.axis = Some(axis);
        self.starts.clear();
        self.weights.clear();
        for target in 0..axis.resampled {
            let (start, end, weight) = of(target as f64);
            self.starts.push((start, self.weights.len()));
            self.weights.extend((start..=end).map(weight));
        }
    }

    fn divide_by_sums(&mut self) {
        for index in 0..self.starts.len() {
            let first = self.starts[index].1;
            let end = self.starts.get(index + 1).map_or(self.weights.len(), |&(_, first)| first);
            let sum: f64 = self.weights[first..end].iter().sum();
            self.weights[first..end].iter_mut().for_each(|weight| *weight /= sum);
        }
    }

    /// True if these are the weights of `axis`.
    pub(super) fn are_of(&self, axis: AxisMap) -> bool {
        // Where the resampled pixels are put in the end does not matter.
        self.axis.is_some_and(|own| own.centred(axis.to) == axis)
    }

    /// For each resampled pixel, the first source pixel it draws from, and the weight of each from there on.
    pub(super) fn each(&self) -> impl Iterator<Item = (usize, &[f64])> {
        let ends = self.starts.iter().skip(1).map(|&(_, first)| first).chain([self.weights.len()]);
        self.starts.iter().zip(ends).map(|(&(start, first), end)| (start, &self.weights[first..end]))
    }
}
