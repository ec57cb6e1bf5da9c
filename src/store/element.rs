//! The types of elements that files of ours have.

use std::path::Path;

use hdf5::datatype::ByteOrder;
use hdf5::types::{FloatSize, IntSize, TypeDescriptor};

use super::StoreError;
use super::error::hdf5_error;
use crate::model::PixelType;

/// True if numbers in this order are not as the format has them: little endian.
pub(super) fn is_swapped(order: ByteOrder) -> bool {
    !matches!(order, ByteOrder::LittleEndian | ByteOrder::None)
}

/// The element type of `dataset`.
pub(super) fn read_element(dataset: &hdf5::Dataset, path: &Path) -> Result<PixelType, StoreError> {
    let layout = |why: String| StoreError::Layout { path: path.to_owned(), dataset: dataset.name(), why };
    element_of(dataset).map_err(hdf5_error("read", path))?.map_err(layout)
}

/// The pixel type of `dataset`, or what it is instead.
fn element_of(dataset: &hdf5::Dataset) -> hdf5::Result<Result<PixelType, String>> {
    let element = dataset.dtype()?;
    let order = element.byte_order();
    // Not all types of HDF5 have a description.
    let descriptor = match element.to_descriptor() {
        Ok(descriptor) => descriptor,
        Err(error) => return Ok(Err(format!("its elements have another type: {error}"))),
    };
    let known = match descriptor {
        TypeDescriptor::Unsigned(IntSize::U1) => Some(PixelType::UInt8),
        TypeDescriptor::Integer(IntSize::U2) => Some(PixelType::Int16),
        TypeDescriptor::Unsigned(IntSize::U2) => Some(PixelType::UInt16),
        TypeDescriptor::Float(FloatSize::U4) => Some(PixelType::Float32),
        _ => None,
    };
    let known = known.filter(|_| !is_swapped(order));
    Ok(known.ok_or_else(|| format!("its elements are {order:?} {descriptor}")))
}
