#!/bin/sh
# A mask in HDF5 that xarray opens through kerchunk has NaN for its background.
#
# Expectation: a reference to the chunks of an HDF5 file gives the values in them, with their type.
# Behaviour: kerchunk writes the fill value of HDF5, 0 unless the writer chose one, as the fill value of Zarr 2, and
# xarray takes that for a missing value. All zeros become NaN and integers become float32: of a label map the
# background is gone, a mean over an image leaves the black pixels out, and values of 32 bits lose their last digits.
# A bool mask becomes an array of objects. h5netcdf and VirtualiZarr give the same file as it is; so does
# mask_and_scale=False.
# Versions: numpy==2.4.6, h5py==3.16.0, kerchunk==0.2.10, xarray==2026.9.0, zarr==3.1.6, fsspec==2026.9.0,
# h5netcdf==1.8.2.
# Source: Zarr specification version 2, fill_value (value of chunks that are not there); HDF5 documentation,
# H5Pset_fill_value. Found by comparing readers.
# Output seen: kerchunk float32 [nan, 1.0, 2.0, 0.6] of [0, 1, 2, 0, 0] with mean 1.5, bool as object; h5netcdf uint8
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 h5py==3.16.0 kerchunk==0.2.10 xarray==2026.9.0 zarr==3.1.6 fsspec==2026.9.0 h5netcdf==1.8.2
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'EOF'
import h5py
import numpy as np
import xarray
from kerchunk.hdf import SingleHdf5ToZarr

with h5py.File("masks.h5", "w") as file:
    file.create_dataset("labels", data=np.array([0, 1, 2, 0, 0], np.uint8), chunks=(5,))
    file.create_dataset("large", data=np.array([0, 16777217, 2, 0, 0], np.uint32), chunks=(5,))
    file.create_dataset("mask", data=np.array([0, 1, 1, 0, 0], bool), chunks=(5,))

references = SingleHdf5ToZarr("masks.h5").translate()


def through_kerchunk(**options):
    return xarray.open_dataset(
        "reference://", engine="zarr", backend_kwargs={"storage_options": {"fo": references}, "consolidated": False}, **options
    )


direct = xarray.open_dataset("masks.h5", engine="h5netcdf", phony_dims="sort")
assert (direct.labels.dtype, direct.labels.values.tolist()) == (np.uint8, [0, 1, 2, 0, 0])
assert through_kerchunk(mask_and_scale=False).labels.values.tolist() == [0, 1, 2, 0, 0]
seen = through_kerchunk()
print(seen.labels.dtype, seen.labels.values, "mean", float(seen.labels.mean()), "of", float(direct.labels.mean()))
print(seen.large.dtype, seen.large.values.tolist(), seen.mask.dtype, seen.mask.values.tolist())
assert seen.labels.dtype == np.float32, "the behaviour has changed"
assert np.isnan(seen.labels.values).tolist() == [True, False, False, True, True], "the behaviour has changed"
assert float(seen.labels.mean()) == 1.5 and float(direct.labels.mean()) == 0.6, "the behaviour has changed"
assert seen.mask.dtype == object, "the behaviour has changed"
EOF
