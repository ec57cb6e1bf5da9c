#!/bin/sh
# netCDF4 takes the white pixels of a 16-bit image in HDF5 for missing.
#
# Expectation: a dataset without _FillValue, missing_value or valid_range has no missing values.
# Behaviour: netCDF4 masks the default fill value of the type in files that netCDF never wrote: 65535 of uint16 and
# -32767 of int16. Means, maxima and normalization leave saturated pixels out, without a warning. 8-bit data are not
# masked. set_auto_mask(False) switches it off.
# Versions: numpy==2.4.6, h5py==3.16.0, netCDF4==1.7.5.1.post1.
# Source: documentation of netCDF4, Variable.set_auto_mask. Found by comparing readers.
# Output seen: h5py maximum 65535 mean 16533.75; netCDF4 maximum 400 mean 200.0
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 h5py==3.16.0 netCDF4==1.7.5.1.post1
cd "$folder"
PATH="$folder/venv/bin:$PATH" "$folder/venv/bin/python" - <<'EOF'
import subprocess
import sys

import h5py
import numpy as np

image = np.array([[0, 200, 400, 65535]], np.uint16)
with h5py.File("images.h5", "w") as file:
    file["images"] = image
    file["bytes"] = np.array([0, 255], np.uint8)
    file["signed"] = np.array([-32767, 5], np.int16)
reader = """
import netCDF4
with netCDF4.Dataset("images.h5") as file:
    image = file["images"][:]
    print(image.max(), image.mean(), file["bytes"][:].max(), file["signed"][:].min(), end="")
    file.set_auto_mask(False)
    print("", file["images"][:].max())
"""
seen = subprocess.run([sys.executable, "-c", reader], check=True, capture_output=True, text=True).stdout.split()
print("h5py maximum", image.max(), "mean", image.mean())
print("netCDF4 maximum", seen[0], "mean", seen[1], "of bytes", seen[2], "of int16", seen[3], "without masking", seen[4])
assert seen == ["400", "200.0", "255", "5", "65535"], "the behaviour has changed"
EOF
