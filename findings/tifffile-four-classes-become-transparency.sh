#!/bin/sh
# A mask of four classes written by tifffile loses three of them in SimpleITK and OpenCV.
#
# Expectation: an array of 4 x rows x columns is stored as four grey pages, or comes back with the same values from
# every reader.
# Behaviour: tifffile stores 3 or 4 planes of uint8 as one RGB page, the fourth as unassociated alpha. SimpleITK and
# OpenCV multiply the first three by it: in a one-hot mask classes 0 to 2 become 0, in an image the grey values
# change. Pillow and tifffile give them unchanged. photometric="minisblack" avoids it; the DeprecationWarning is
# hidden outside of __main__.
# Versions: numpy==2.4.6, tifffile==2026.3.3, simpleitk==2.5.7, opencv-python-headless==5.0.0.93, pillow==13.0.0.
# Source: documentation of tifffile, TiffWriter.write, photometric; TIFF 6.0, ExtraSamples. Found by comparing
# readers.
# Output seen: given 18 18 18 18; tifffile and Pillow 18 18 18 18; SimpleITK and OpenCV 0 0 0 18
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 tifffile==2026.3.3 simpleitk==2.5.7 opencv-python-headless==5.0.0.93 pillow==13.0.0
cd "$folder"
PATH="$folder/venv/bin:$PATH" "$folder/venv/bin/python" - <<'EOF'
import warnings

import cv2
import numpy as np
import SimpleITK
import tifffile
from PIL import Image

labels = np.arange(72).reshape(8, 9) % 4
mask = np.stack([labels == label for label in range(4)]).astype(np.uint8)


def counts(array):
    return np.asarray(array).reshape(-1, 4).astype(int).sum(0).tolist()


with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    tifffile.imwrite("mask.tif", mask)
seen = {
    "tifffile": tifffile.imread("mask.tif").reshape(4, -1).sum(1).tolist(),
    "Pillow": counts(Image.open("mask.tif")),
    "SimpleITK": counts(SimpleITK.GetArrayFromImage(SimpleITK.ReadImage("mask.tif"))),
    "OpenCV": counts(cv2.imread("mask.tif", cv2.IMREAD_UNCHANGED)),
}
print(seen)
whole, lost = [18, 18, 18, 18], [0, 0, 0, 18]
assert list(seen.values()) == [whole, whole, lost, lost], "the behaviour has changed"
tifffile.imwrite("mask.tif", mask, photometric="minisblack")
assert len(tifffile.TiffFile("mask.tif").pages) == 4
EOF
