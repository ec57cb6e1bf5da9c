//! One planned sample becomes pixels and masks. The only module that knows both images and rasters.

mod assembler;
mod contour;
mod drawn;
mod facts;
mod file_mark;
mod files;
mod fit;
mod frame_file;
mod image_reader;
mod made_before;
mod mask_notes;
mod masks;
mod options;
mod read_ahead;
mod regrid;
mod remarks;
mod sample;
#[cfg(test)]
mod slow_disk;
mod taken;
#[cfg(test)]
mod test_pairs;

pub use assembler::Assembler;
pub use contour::{ContourReader, ReadContour, contour_digest};
pub use facts::{AnnotationFacts, Assembled, SampleFacts, StageTimes};
pub use file_mark::FileMark;
pub use files::{fetch_contours, fetch_header, fetch_image, header_of, read_header, read_image, read_mark};
pub use fit::Fit;
pub use frame_file::FrameFile;
pub use made_before::{MadeBefore, NothingBefore, RowKey};
pub use options::AssembleOptions;
pub use read_ahead::ReadAhead;
pub use regrid::{GridMap, GridMapError, Spacings};
pub use remarks::{Remarks, reject_image};
