//! The formats of a stream.

use std::fmt;

/// How batches become bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Format {
    /// For each batch a numpy array of its images and one of its masks, one `.npy` record after the other.
    #[default]
    Npy,
    /// A tar archive of the samples, for WebDataset: `<key>.image.npy`, `<key>.mask.npy`, `<key>.json`. The key
    /// is the epoch and the position in it, as in `000000-0000000042`.
    WebDataset,
    /// An Arrow IPC stream of one record batch for each batch, its columns `image`, `mask`, `id`, `patient_id`,
    /// `row`, `epoch` and `position`.
    Arrow,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 3] = [Self::Npy, Self::WebDataset, Self::Arrow];

    /// The name used in options.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Npy => "npy",
            Self::WebDataset => "webdataset",
            Self::Arrow => "arrow",
        }
    }

    /// Whether the batches must have the texts of their samples.
    #[must_use]
    pub fn needs_texts(self) -> bool {
        self != Self::Npy
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
