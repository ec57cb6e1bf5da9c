#!/bin/sh
# The Delta filter of numcodecs fills a bool mask from its first pixel to the end.
#
# Expectation: Delta is lossless for integers and bool; a difference of bool is whether two neighbours differ, and
# decoding undoes it.
# Behaviour: encoding writes where the mask changes, as expected, but decoding sums these up as bool, so after the first
# pixel of the structure all is structure. A Zarr array of bool with this filter is written and read without an error,
# in format 2 and 3; a mask of 16 pixels in a chunk of 256 comes back with 188. As uint8 it is exact.
# Versions: numpy==2.4.6, zarr==3.1.6, numcodecs==0.16.6.
# Source: documentation of numcodecs, Delta; its pull request 595 and issue 43, which say that bool works. Found by a
# round trip of each type.
# Output seen: [0 1 1 0 0 1 0 0] encoded [0 1 0 1 0 1 1 0], decoded [0 1 1 1 1 1 1 1]; Zarr: bool 188, uint8 16 of 16
# pixels
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 zarr==3.1.6 numcodecs==0.16.6
cd "$folder"
PATH="$folder/venv/bin:$PATH" "$folder/venv/bin/python" -W ignore - <<'EOF'
import numcodecs
import numpy as np
import zarr
import zarr.codecs.numcodecs

row = np.array([0, 1, 1, 0, 0, 1, 0, 0], bool)
delta = numcodecs.Delta(dtype="bool")
encoded = delta.encode(row)
decoded = delta.decode(encoded)
print("row", row.astype(int), "encoded", encoded.astype(int), "decoded", decoded.astype(int))
mask = np.zeros((16, 16), bool)
mask[4:8, 4:8] = True
seen = {}
for version, codec in ((2, numcodecs.Delta), (3, zarr.codecs.numcodecs.Delta)):
    for kind in ("bool", "uint8"):
        store = f"{kind}{version}.zarr"
        zarr.create_array(store, data=mask.astype(kind), chunks=(16, 16), zarr_format=version,
                          filters=[codec(dtype=kind)])
        seen[version, kind] = int(zarr.open(store)[:].sum())
print("Zarr:", seen, "of", mask.sum(), "pixels")
assert seen[2, "uint8"] == seen[3, "uint8"] == mask.sum()
assert (encoded == [0, 1, 0, 1, 0, 1, 1, 0]).all()
assert (decoded == [0, 1, 1, 1, 1, 1, 1, 1]).all(), "the behaviour has changed"
assert seen[2, "bool"] == seen[3, "bool"] == 188, "the behaviour has changed"
EOF
