//! Properties of a file that must be known before its first row is written.

use super::{Compression, Encoder, ShardSpec, TextWidth, TextWidths};
use crate::model::{GridShape, PixelType, StructureSet};

/// Properties that must be known before the first row is written.
#[derive(Debug, Clone)]
pub struct DatasetSpec {
    /// Size of every image and mask.
    pub shape: GridShape,
    /// Channels of every image.
    pub channels: usize,
    /// Type of the pixels.
    pub pixel_type: PixelType,
    /// The mask planes.
    pub structures: StructureSet,
    /// Compression of all chunks.
    pub compression: Compression,
    /// The encoder of the image chunks.
    pub encoder: Encoder,
    /// The most rows there can be.
    pub capacity: usize,
    /// Widths of the text columns.
    pub text_widths: TextWidths,
    /// The share of a plan that the file holds, and the room of the names of annotation files; `None` for a file
    /// that is no shard.
    pub shard: Option<(ShardSpec, TextWidth)>,
}
