//! Rows, bytes and memory that a plan will take.

use super::plan::PrepPlan;

/// Size of the work of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    /// Number of rows, if the pixels of no image or mask turn out to be bad.
    pub rows: usize,
    /// Bytes of pixels and masks before compression.
    pub raw_bytes: u64,
    /// Bytes the file will have, roughly: images compress to about two fifths, masks to almost nothing.
    pub file_bytes: u64,
    /// Peak memory in bytes, roughly.
    pub memory_bytes: u64,
}

/// Memory of the program and the HDF5 library with the file and its parts alone.
const BASE_BYTES: u64 = 24 << 20;
/// Memory of a thread beside its images: the encoders and the histograms.
const THREAD_BYTES: u64 = 5 << 20;
/// Memory that each row keeps: its plan, its digests, and the fingerprint of its image; and, while it is audited, what
/// is kept of its header and its contours.
const ROW_MEMORY_BYTES: u64 = 350 + 320;
/// Memory of what was found, each with its place and its text.
const FINDING_MEMORY_BYTES: u64 = 1 << 10;
/// Bytes of the columns and the chunk index that each row adds to the file.
const ROW_FILE_BYTES: u64 = 160;

impl PrepPlan {
    /// Roughly what the work will take.
    #[must_use]
    pub fn estimate(&self) -> Estimate {
        let rows = self.share().len();
        let structures = self.pairs.structures().len();
        let image = self.image_bytes() as u64;
        let mask = (self.shape.pixels() * structures) as u64;
        let raw_bytes = rows as u64 * (image + mask);
        let file_bytes = if self.options.compression.is_on() {
            rows as u64 * (image * 2 / 5 + mask / 250 + ROW_FILE_BYTES)
        } else {
            raw_bytes + rows as u64 * ROW_FILE_BYTES
        };
        let per_thread = THREAD_BYTES + 8 * (image + mask);
        let memory_bytes = BASE_BYTES
            + self.options.threads as u64 * per_thread
            + self.samples.len() as u64 * ROW_MEMORY_BYTES
            + self.findings.len() as u64 * FINDING_MEMORY_BYTES;
        Estimate { rows, raw_bytes, file_bytes, memory_bytes }
    }
}
