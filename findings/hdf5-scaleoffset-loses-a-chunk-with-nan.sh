#!/bin/sh
# A chunk of floats with NaN that HDF5 writes with its scale-offset filter cannot be read again.
#
# Expectation: lossy compression of floats by scaleoffset=2 keeps two decimals; of NaN h5py's documentation says that
# it is not preserved, so a few pixels may come back as numbers. What is written can be read.
# Behaviour: when the first value of a chunk is NaN, or NaN stands among equal values, writing succeeds and reading
# fails for the whole chunk, after the file is closed. Images that are NaN outside the patient or the mask begin with
# NaN in nearly every chunk. With NaN elsewhere it comes back as the smallest value of the chunk. An infinity or a
# range that is too large turns the filter off for the chunk, which then is exact.
# Versions: numpy==2.4.6, h5py==3.16.0.
# Source: h5py documentation, scale-offset filter; h5py issues 783 and 1009. Found by moving the NaN.
# Output seen: NaN first: filter returned failure during read; zeros and NaN: filter returned failure during read; NaN
# later: -3106.34, the smallest
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 h5py==3.16.0
cd "$folder"
PATH="$folder/venv/bin:$PATH" "$folder/venv/bin/python" - <<'EOF'
import h5py
import numpy as np


def stored(image):
    with h5py.File("image.h5", "w") as file:
        file.create_dataset("image", data=image, chunks=image.shape, scaleoffset=2)
    with h5py.File("image.h5") as file:
        try:
            return file["image"][:]
        except OSError as error:
            return str(error)


def with_nan(image, row, column):
    image = image.copy()
    image[row, column] = np.nan
    return image


image = (np.random.default_rng(0).normal(size=(16, 16)) * 1000).astype(np.float32)
first = stored(with_nan(image, 0, 0))
flat = stored(with_nan(np.zeros((16, 16), np.float32), 3, 3))
later = stored(with_nan(image, 3, 3))
endless = image.copy()
endless[3, 3] = np.inf
print("NaN first:", first, "; zeros and NaN:", flat, "; NaN later:", later[3, 3], "smallest", image.min())
assert "filter returned failure" in first and "filter returned failure" in flat, "the behaviour has changed"
assert abs(later[3, 3] - image.min()) < 0.01, "the behaviour has changed"
assert abs(stored(image) - image).max() < 0.01, "the behaviour has changed"
assert (stored(endless) == endless).all(), "the behaviour has changed"
EOF
