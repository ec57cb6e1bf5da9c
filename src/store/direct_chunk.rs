//! Writes encoded chunks past HDF5's filter pipeline. The only unsafe code of the crate.
#![allow(unsafe_code)]

use hdf5::Dataset;
use hdf5_sys::h5d::H5Dwrite_chunk;
use hdf5_sys::h5i::hid_t;
use hdf5_sys::h5p::H5P_DEFAULT;

use super::EncodedChunk;

/// Stores `chunk` as the chunk of `dataset` that begins at element `offset` (one number per axis).
///
/// # Errors
/// HDF5's own error where the chunk cannot be written.
pub(super) fn write_chunk(dataset: &Dataset, offset: &[u64], chunk: &EncodedChunk) -> hdf5::Result<()> {
    assert_eq!(offset.len(), dataset.ndim(), "one offset per axis");
    let bytes = chunk.bytes();
    let id: hid_t = dataset.id();
    hdf5::sync::sync(|| {
        // SAFETY: `id` is open as long as `dataset` is borrowed; `offset` has as many entries as the
        // dataset has axes (asserted above), `bytes` is readable for the length that is passed; the
        // library's lock is held by `sync`.
        let status = unsafe {
            H5Dwrite_chunk(id, H5P_DEFAULT, 0, offset.as_ptr(), bytes.len(), bytes.as_ptr().cast())
        };
        hdf5::h5check(status).map(|_| ())
    })
}
