#!/bin/sh
# A boolean mask written by tifffile is read with structure and background exchanged.
#
# Expectation: a mask saved as a 1-bit TIFF comes back the same in every reader.
# Behaviour: tifffile writes bool arrays as WhiteIsZero (photometric 0) without inverting the bits. tifffile ignores
# the tag and reads the mask back; Pillow and OpenCV honour it and read the complement.
# Versions: numpy==2.4.6, tifffile==2026.3.3, pillow==13.0.0, opencv-python-headless==5.0.0.93.
# Source: TIFF 6.0, PhotometricInterpretation: 0 is WhiteIsZero. Found by comparing readers.
# Output seen: tifffile 18, Pillow 110, OpenCV 110 pixels of a mask of 18 in 128
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 tifffile==2026.3.3 pillow==13.0.0 opencv-python-headless==5.0.0.93
cd "$folder"
PATH="$folder/venv/bin:$PATH" "$folder/venv/bin/python" - <<'EOF'
import cv2
import numpy as np
import tifffile
from PIL import Image

mask = np.zeros((8, 16), bool)
mask[2:5, 3:9] = True
tifffile.imwrite("mask.tif", mask)
tag = tifffile.TiffFile("mask.tif").pages[0].photometric
counts = [int(tifffile.imread("mask.tif").sum()), int(np.asarray(Image.open("mask.tif")).sum()),
          int((cv2.imread("mask.tif", cv2.IMREAD_UNCHANGED) > 0).sum())]
print(f"photometric {int(tag)}; tifffile {counts[0]}, Pillow {counts[1]}, OpenCV {counts[2]} of {mask.size}")
assert tag == 0 and counts == [18, 110, 110], "the behaviour has changed"
EOF
