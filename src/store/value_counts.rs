//! Counts of pixel values.

/// Counts of values that add up over images.
pub trait ValueCounts: Clone + Send + Sync {
    /// Counts values that stand as [`Pixels::le_bytes`](crate::model::Pixels::le_bytes) gives them; NaN and
    /// infinite ones are left out.
    fn add_le_bytes(&mut self, bytes: &[u8]);

    /// Adds the counts of `other`, which counts the same values.
    fn merge(&mut self, other: &Self);
}
