#!/bin/sh
# GDAL reads the same HDF5 image upright with one driver and upside down with the other.
#
# Expectation: two drivers of one library return the same rows in the same order.
# Behaviour: the HDF5 driver returns the rows as they are stored. The netCDF driver, which opens the same file (and
# any image in a netCDF file), takes a dataset without coordinates for one whose rows run from the bottom to the top,
# and returns them the other way round. A mask that is read by h5py or by the other driver then lies mirrored on the
# image.
# Versions: numpy==2.4.6, h5py==3.16.0, rasterio==1.4.4.
# Source: documentation of the GDAL netCDF driver, GDAL_NETCDF_BOTTOMUP. Found by comparing drivers.
# Output seen: first column HDF5 [0 1 2 3], netCDF [3 2 1 0]
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 h5py==3.16.0 rasterio==1.4.4
cd "$folder"
PATH="$folder/venv/bin:$PATH" "$folder/venv/bin/python" - <<'EOF'
import subprocess
import sys

import h5py
import numpy as np

with h5py.File("images.h5", "w") as file:
    file["images"] = np.repeat(np.arange(4, dtype=np.uint16), 5).reshape(1, 4, 5)
reader = """
import sys
import warnings
import rasterio
warnings.filterwarnings("ignore", category=rasterio.errors.NotGeoreferencedWarning)
with rasterio.open(sys.argv[1]) as image:
    print(*image.read()[0, :, 0])
"""
seen = []
for name in ("HDF5:images.h5://images", "netcdf:images.h5:images"):
    seen.append(subprocess.run([sys.executable, "-c", reader, name], check=True, capture_output=True, text=True).stdout.strip())
print("HDF5", seen[0], "netCDF", seen[1])
assert seen == ["0 1 2 3", "3 2 1 0"], "the behaviour has changed"
EOF
