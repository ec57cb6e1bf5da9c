//! Turns a folder of DICOM images and physicians' contours into one chunked HDF5 file of images and
//! exact masks.
//!
//! ```text
//! link.csv, folders -> wrangle --PairPlan--> source --image + contour--> raster --Mask-->
//!     assemble --Sample--> store --> dataset.h5
//! ```
//!
//! Each module uses only the ones before it:
//! [`model`] < [`wrangle`] < [`source`] < [`raster`]

pub mod model;
pub mod raster;
pub mod source;
pub mod wrangle;
