//! Turns a folder of DICOM images and physicians' contours into one chunked HDF5 file of images and
//! exact masks, and streams batches out of it.
//!
//! ```text
//! files -> layout --SampleSet--> source --image + contour--> raster --Mask-->
//!     assemble --Sample--> store --> dataset.h5
//!
//! dataset.h5 -> store --decoded rows--> stream (order says which) --Batch--> sink --> pipe or file
//! ```
//!
//! ```no_run
//! use dicomprep::raster::{MaskRule, Rasterizer};
//! use dicomprep::{model, source, store};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let contour = source::parse_contour("contour.txt", &std::fs::read("contour.txt")?)?;
//! let mut mask = model::Mask::zeros(model::GridShape::new(256, 256)?);
//! Rasterizer::new(MaskRule::Center).rasterize(contour.points(), &mut mask);
//! println!("{} pixels", mask.count_ones());
//!
//! let info = store::read_info("final_data.h5".as_ref())?;
//! println!("{} samples of {} patients", info.samples, info.patients);
//! # Ok(())
//! # }
//! ```
//!
//! Each module uses only the ones before it:
//! [`model`] < [`series`] < [`files`] < [`split`] < [`source`] < [`layout`] < [`raster`] < [`assemble`] < [`audit`] < [`store`] < [`prep`] < [`check`] <
//! [`order`] < [`augment`] < [`stream`] < [`whiten`] < [`sink`] <
//! [`augment`] < [`stream`] < [`whiten`] < [`sink`] <
//! [`report`]

pub mod assemble;
pub mod audit;
pub mod augment;
pub mod check;
pub mod files;
pub mod layout;
pub mod model;
pub mod order;
pub mod prep;
pub mod raster;
pub mod report;
pub mod series;
#[cfg(feature = "serve")]
pub mod serve;
pub mod sink;
pub mod source;
pub mod split;
pub mod store;
pub mod stream;
pub mod whiten;
