//! The words every other module speaks: places, shapes, pixels, polygons, masks, samples and bins.
//!
//! Types only: nothing here reads a file or knows a format.

mod choice;
mod counted;
mod digest;
mod evidence;
mod geometry;
mod grid;
mod hint;
mod image_plane;
mod luma;
mod mask;
mod number_of;
mod padding;
mod part;
mod pixels;
mod place;
mod plain;
mod polygon;
mod relations;
mod sample;
mod structure;
mod tally;
mod voi_lut_function;

pub(crate) use choice::{choice, is_default};
pub use counted::CountedPixels;
pub use digest::first_bits;
pub use evidence::{Evidence, Ground};
pub use geometry::Geometry;
pub use grid::{GridError, GridShape};
pub use hint::{Advice, Hint};
pub use image_plane::{ImagePlane, PlanePoint};
pub use luma::{luma, repeat_channels};
pub use mask::Mask;
pub(crate) use number_of::number_of;
pub use padding::{Padding, PaddingRange};
pub use part::Part;
pub use pixels::{PixelType, Pixels};
pub use place::Place;
pub use plain::Plain;
pub use polygon::{MAX_COORDINATE, Polygon, PolygonError};
pub use relations::{Nesting, Relations};
pub use sample::{AnnotationRef, FileId, FrameRef, Sample};
pub use structure::{MAX_STRUCTURES, StructureError, StructureSet};
pub use tally::{Bin, Note, Reason, Skipped, Tally};
pub use voi_lut_function::VoiLutFunction;
