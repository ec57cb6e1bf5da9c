//! Rows of a plan file, with everything that their shard needs: a block can be read without the others.

use serde::{Deserialize, Serialize};

use crate::assemble::FileMark;
use crate::files::FileKind;
use crate::model::{Part, Place};
use crate::source::{FrameKey, SeriesExtent, SeriesImage};
use crate::split::{SplitDraw, SplitName};
use crate::store::StackPlace;

/// Consecutive rows of a plan. Numbers are places in the lists of the block.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct PlanBlock {
    pub(super) folders: Vec<BlockFolder>,
    pub(super) files: Vec<BlockFile>,
    pub(super) patients: Vec<BlockPatient>,
    pub(super) studies: Vec<BlockStudy>,
    pub(super) rows: Vec<BlockRow>,
    /// Keys by which annotation files of several structures or images refer to the images.
    pub(super) keys: Vec<BlockKey>,
    /// Annotation files of other kinds than contour texts.
    pub(super) annotations: Vec<BlockAnnotation>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct BlockFolder {
    /// Number of the folder of inputs that it lies in: the data directory is 0.
    pub(super) root: u32,
    /// Its path below that, `/` as separator.
    pub(super) path: String,
    /// Its name for people.
    pub(super) name: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct BlockFile {
    pub(super) folder: u32,
    pub(super) kind: FileKind,
    pub(super) name: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct BlockPatient {
    /// Its number in the whole plan.
    pub(super) number: u32,
    pub(super) id: String,
    pub(super) folder: String,
    pub(super) split: SplitName,
    pub(super) draw: SplitDraw,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct BlockStudy {
    pub(super) patient: u32,
    pub(super) original_id: String,
    pub(super) place: Place,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct BlockRow {
    pub(super) id: String,
    pub(super) patient: u32,
    pub(super) study: u32,
    pub(super) file: u32,
    pub(super) frame: u32,
    pub(super) mark: FileMark,
    pub(super) place: StackPlace,
    pub(super) number: Option<i32>,
    /// For each structure, files and their parts.
    pub(super) annotations: Vec<Vec<(u32, Part)>>,
    /// For each structure, the first 64 bits of the digest of its contour; 0 where none was read.
    pub(super) audited: Vec<u64>,
    /// Names of the checks that have found something.
    pub(super) findings: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct BlockKey {
    pub(super) file: u32,
    pub(super) frame: u32,
    pub(super) key: FrameKey,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct BlockAnnotation {
    pub(super) file: u32,
    pub(super) mark: FileMark,
    /// The images that a label volume is laid over.
    pub(super) series: Option<(Vec<SeriesImage>, SeriesExtent)>,
}
