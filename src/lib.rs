//! Turns a folder of DICOM images and physicians' contours into one chunked HDF5 file of images and
//! exact masks.
//!
//! ```text
//! link.csv, folders -> wrangle --PairPlan--> source --image + contour--> raster --Mask-->
//!     assemble --Sample--> store --> dataset.h5
//! ```
//!
//! Each module uses only the ones before it:
//! [`model`] < [`wrangle`] < [`source`] < [`raster`] < [`assemble`] < [`store`] < [`prep`] < [`order`]

pub mod assemble;
pub mod model;
pub mod order;
pub mod prep;
pub mod raster;
pub mod source;
pub mod store;
pub mod wrangle;
