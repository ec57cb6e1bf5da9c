//! Masks that are rasters already: mask images (PNG, TIFF) and label volumes (NIfTI, NRRD).
//!
//! A mask is taken as it is, never traced and filled again. Values are those that the file stores: indices of a palette
//! and not its colours, labels before any display.

mod affine;
mod bounds;
mod error;
mod gzip;
mod join;
mod label_series;
mod mask_file;
mod mask_image;
mod nifti;
mod nifti_header;
mod nrrd;
mod nrrd_header;
mod number;
mod plane;
mod png;
mod resampled;
mod tiff;
mod tiff_photometric;
mod values;
mod volume;

pub use affine::VoxelToPatient;
pub use error::{LabelError, LabelFault};
pub use join::{JoinBy, JoinError, JoinedVolume, SeriesExtent, join_volume};
pub use label_series::{LabelJoin, LabelSeries, SeriesImage};
pub use mask_file::MaskFile;
pub use mask_image::MaskImage;
pub use nifti::parse_nifti;
pub use nrrd::parse_nrrd;
pub use plane::VolumePlane;
pub use png::parse_png;
pub use tiff::parse_tiff;
pub use values::LabelSelection;
pub use volume::{LabelVolume, NrrdSegment, VolumePart, VolumeSize};
