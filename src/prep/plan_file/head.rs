//! Facts about the whole plan in a plan file.

use serde::{Deserialize, Serialize};

use crate::model::{GridShape, PixelType, Relations};
use crate::store::{ShardBond, TextWidths};

/// The whole plan but its rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Head {
    /// The program that made it.
    pub(super) generator: String,
    /// Name of the layout.
    pub(super) layout: String,
    /// The options that decide the content of the file, as its attribute `config` has them.
    pub(super) config: String,
    pub(super) shape: GridShape,
    pub(super) channels: u32,
    pub(super) pixel_type: PixelType,
    pub(super) units: String,
    pub(super) split_rule: String,
    /// True if splits are drawn or kept, and patients may be joined; otherwise they are listed, or there are none.
    pub(super) joins_patients: bool,
    /// Patients that no split tears apart, by their numbers in the whole plan.
    pub(super) bonds: Vec<ShardBond>,
    pub(super) relations: Relations,
    pub(super) rows: u64,
    pub(super) patients: u64,
    pub(super) planned_patients: u64,
    pub(super) widths: TextWidths,
    /// Digest over all that the plan decides: that of its shards.
    pub(super) digest: [u8; 32],
    /// The pseudonym of a fixed text, where there is a key.
    pub(super) key_check: Option<String>,
    /// Number of folders that inputs are read from.
    pub(super) roots: u32,
    pub(super) made_of: MadeOf,
    /// The blocks of rows, in their order, each directly after the other.
    pub(super) blocks: Vec<BlockEntry>,
}

/// Digests of what the plan was made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct MadeOf {
    /// Name and SHA-256 of each table.
    pub(super) tables: Vec<(String, [u8; 32])>,
    /// SHA-256 over the headers of all images.
    pub(super) headers: [u8; 32],
    /// SHA-256 over the digests of all contours.
    pub(super) contours: [u8; 32],
}

/// A block of rows in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct BlockEntry {
    pub(super) bytes: u32,
    pub(super) rows: u32,
    pub(super) sha256: [u8; 32],
}

#[cfg(test)]
impl Head {
    /// The head of a plan of so many rows, for tests.
    pub(super) fn sample(rows: u64) -> Self {
        Self {
            generator: "a test".to_owned(),
            layout: "linked".to_owned(),
            config: "{}".to_owned(),
            shape: GridShape::new(3, 4).expect("3 and 4 are sides"),
            channels: 1,
            pixel_type: PixelType::Int16,
            units: String::new(),
            split_rule: String::new(),
            joins_patients: false,
            bonds: Vec::new(),
            relations: Relations::default(),
            rows,
            patients: 1,
            planned_patients: 1,
            widths: Default::default(),
            digest: [7; 32],
            key_check: None,
            roots: 2,
            made_of: MadeOf { tables: Vec::new(), headers: [1; 32], contours: [2; 32] },
            blocks: Vec::new(),
        }
    }
}
