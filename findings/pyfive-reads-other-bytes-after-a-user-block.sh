#!/bin/sh
# pyfive returns wrong values from an HDF5 file with a user block, as MATLAB writes them.
#
# Expectation: addresses in HDF5 count from the base address, which the superblock gives, so a user block of 512 bytes
# changes nothing.
# Behaviour: names, shapes and types are right, but the values of a dataset in one piece are other bytes of the file,
# without an error; a compressed dataset raises an assertion. Every MATLAB file of version 7.3 has a user block of 512
# bytes.
# Versions: numpy==2.4.6, h5py==3.16.0, pyfive==1.3.0.
# Source: HDF5 File Format Specification, superblock, Base Address. Found by comparing readers.
# Output seen: pyfive without a block [0 1 2 3], with a block of 512 bytes [0 0 0 0]
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 h5py==3.16.0 pyfive==1.3.0
cd "$folder"
PATH="$folder/venv/bin:$PATH" "$folder/venv/bin/python" - <<'EOF'
import h5py
import numpy as np
import pyfive

mask = np.arange(60, dtype=np.uint16).reshape(3, 4, 5)
right = []
for block in (0, 512):
    with h5py.File("mask.mat", "w", userblock_size=block) as file:
        file["mask"] = mask
    with h5py.File("mask.mat") as file:
        assert np.array_equal(file["mask"][()], mask)
    with pyfive.File("mask.mat") as file:
        read = file["mask"][()]
    print("user block", block, "pyfive", read.shape, read.dtype, read.ravel()[:4])
    assert read.shape == mask.shape and read.dtype == mask.dtype
    right.append(np.array_equal(read, mask))
assert right == [True, False], "the behaviour has changed"
EOF
