//! The images of a series in the order in which they lie in the patient.
//!
//! A series is sorted by geometry alone: Image Position (Patient) along the normal of Image Orientation (Patient)
//! (PS3.3 C.7.6.2.1.1). File names and Instance Number say in which order images were sent, not where they lie.
//! Pure arithmetic on headers; nothing here reads a file.
//!
//! ```
//! use dicomprep::model::{Geometry, GridShape};
//! use dicomprep::series::{SeriesFrame, sort_series};
//!
//! let frame = |z: f64| SeriesFrame {
//!     shape: GridShape::new(256, 256).expect("both sides are positive"),
//!     geometry: Geometry {
//!         image_position: [0.0, 0.0, z],
//!         image_orientation: [1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
//!         pixel_spacing: [1.0, 1.0],
//!         ..Geometry::ABSENT
//!     },
//!     instance_number: None,
//!     frame: 0,
//!     trigger_time: None,
//! };
//! let sorted = sort_series(&[frame(8.0), frame(0.0), frame(4.0), frame(16.0)]);
//! let order: Vec<usize> = sorted.stacks[0].slices.iter().map(|slice| slice.frames[0]).collect();
//! assert_eq!(order, [1, 2, 0, 3]);
//! assert_eq!(sorted.findings[0].to_string(), "1 slice is missing between 8 and 16 mm: the slices are 4 mm apart");
//! ```

mod finding;
mod phases;
mod reach;
mod sort;
mod stack;

pub use finding::SeriesFinding;
pub use phases::{PhaseOrder, phase_order};
pub use reach::{Reach, reaches};
pub use sort::{SortedSeries, sort_series};
pub use stack::{SeriesFrame, Slice, Stack};
