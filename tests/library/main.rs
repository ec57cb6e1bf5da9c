//! Tests of the library by its public interface. They are one program, since each program of tests links all of it again;
//! those that count allocations, or end processes, stand beside this folder, in programs of their own.

#![allow(clippy::unwrap_used, reason = "in a test the panic is the message")]

#[path = "../common/mod.rs"]
mod common;
#[allow(dead_code, reason = "the example's functions that only others use")]
#[path = "../../examples/make_annotations.rs"]
mod make_annotations;
#[allow(dead_code, reason = "the example's functions that only others use")]
#[path = "../../examples/make_fixtures.rs"]
mod make_fixtures;
#[allow(dead_code, reason = "shared with other tests")]
#[path = "../order_statistics/p_values.rs"]
mod p_values;

mod annotations;
mod augment_golden;
mod augment_samples;
mod augment_spec;
mod augment_statistics;
mod codec_real_images;
mod dicom_codecs;
mod dicom_differential;
mod dicom_frames;
mod dicom_hostile;
mod dicom_identity;
mod dicom_leniency;
mod dicom_seg;
mod dicom_variety;
mod encoded_rows;
mod fixtures;
mod label_volumes;
mod link_plan;
#[cfg(unix)]
mod link_symlinks;
mod order_golden;
mod order_properties;
mod order_rows;
mod raster_golden;
mod raster_properties;
mod rtstruct;
mod stream;
mod whiten;
