//! One file for each kind of compressed pixel data, and what they have in common.

pub(super) mod codestream;
pub(super) mod deflated;
pub(super) mod jpeg;
pub(super) mod jpeg_2000;
mod jpeg_2000_tiles;
pub(super) mod jpeg_color;
pub(super) mod jpeg_ls;
pub(super) mod jpeg_xl;
mod openjpeg;
mod part_counts;
pub(super) mod rle;
