#!/bin/sh
# The lossy HDF5 filters ZFP and SZ3 destroy floats that are stored big endian.
#
# Expectation: an error of 0.001 is kept for every array that the filter accepts, in both byte orders; the documentation
# of H5Z-ZFP says that a byte order other than the machine's is disallowed, so writing would fail.
# Behaviour: h5py creates a dataset with the byte order of the array, which is big endian for arrays from many NIfTI and
# FITS files, and HDF5 exchanges the bytes before it calls the filter. ZFP and SZ3 then compress the exchanged bytes as
# if they were the numbers: the file is written and read without an error, and values of up to 131 come back with errors
# of 1e29 and 1e36. The type of the dataset is right. Lossless filters are exact in both orders.
# Versions: numpy==2.4.6, h5py==3.16.0, hdf5plugin==7.1.0.
# Source: documentation of H5Z-ZFP, Endian Issues, and of hdf5plugin, Zfp and SZ3 (absolute error). Found by comparing
# both byte orders.
# Output seen: largest errors little and big endian: ZFP 0.0003 1.7e+29, SZ3 0.001 9.9e+36, Zstd 0 and 0
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 h5py==3.16.0 hdf5plugin==7.1.0
cd "$folder"
PATH="$folder/venv/bin:$PATH" "$folder/venv/bin/python" -W ignore - <<'EOF'
import h5py
import hdf5plugin
import numpy as np

image = np.cumsum(np.random.default_rng(0).normal(0, 10, (32, 32)), axis=1).astype(np.float32)


def largest_error(order, options):
    with h5py.File("image.h5", "w") as file:
        file.create_dataset("image", data=image.astype(order + "f4"), chunks=(16, 16), **options)
    with h5py.File("image.h5") as file:
        assert file["image"].dtype == np.dtype(order + "f4")
        return float(np.abs(file["image"][:].astype(np.float64) - image).max())


seen = {}
for name, options in {"ZFP": hdf5plugin.Zfp(accuracy=1e-3), "SZ3": hdf5plugin.SZ3(absolute=1e-3),
                      "Zstd": hdf5plugin.Zstd()}.items():
    seen[name] = largest_error("<", options), largest_error(">", options)
    print(name, "largest error little endian", seen[name][0], "big endian", seen[name][1], "of", np.abs(image).max())
assert seen["Zstd"] == (0, 0) and seen["ZFP"][0] < 1e-3 and seen["SZ3"][0] <= 1e-3
assert seen["ZFP"][1] > 1e6 and seen["SZ3"][1] > 1e6, "the behaviour has changed"
EOF
