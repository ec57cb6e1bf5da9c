#!/bin/sh
# scikit-image returns a TIFF of three or four slices with its axes moved.
#
# Expectation: a stack of N grey pages is N x rows x columns, whatever N is.
# Behaviour: skimage.io.imread takes a first axis of 3 or 4 for colours and moves it to the end, also where every page
# says BlackIsZero with one sample. In a set of volumes of any length those of 3 and 4 slices come out as rows x
# columns x slices, with the same type and no warning. tifffile and imageio keep the order.
# Versions: numpy==2.4.6, scikit-image==0.26.0, tifffile==2026.3.3, imageio==2.38.1.
# Source: TIFF 6.0, SamplesPerPixel and PhotometricInterpretation; scikit-image #5242. Found by comparing readers.
# Output seen: scikit-image 2: (2, 16, 18), 3: (16, 18, 3), 4: (16, 18, 4), 5: (5, 16, 18); the others N first
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 scikit-image==0.26.0 tifffile==2026.3.3 imageio==2.38.1
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
import imageio.v3
import numpy as np
import skimage.io
import tifffile

shapes = {}
for slices in (2, 3, 4, 5):
    volume = np.arange(slices * 16 * 18, dtype=np.uint16).reshape(slices, 16, 18)
    tifffile.imwrite("volume.tif", volume, photometric="minisblack")
    with tifffile.TiffFile("volume.tif") as file:
        assert [page.samplesperpixel for page in file.pages] == [1] * slices
    assert tifffile.imread("volume.tif").shape == imageio.v3.imread("volume.tif").shape == volume.shape
    shapes[slices] = skimage.io.imread("volume.tif").shape
print(shapes)
assert shapes == {2: (2, 16, 18), 3: (16, 18, 3), 4: (16, 18, 4), 5: (5, 16, 18)}, "the behaviour has changed"
EOF
