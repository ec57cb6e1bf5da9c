#!/bin/sh
# SciPy measures the distance to a pixel outside the image when a mask has no background.
#
# Expectation: where nothing is background, the distance is infinite, or the call fails.
# Behaviour: distance_transform_edt returns the distances to the pixel (-1, 0), without a warning: a patch that lies
# wholly inside an organ gets a distance map that falls towards its upper left corner, for boundary losses, weights
# and signed distances. OpenCV returns the largest number.
# Versions: numpy==2.4.6, scipy==1.17.1, opencv-python-headless==5.0.0.93.
# Source: SciPy issues 1616 and 15585. Found by comparing with OpenCV.
# Output seen: SciPy [[1, 1.41, 2.24], [2, 2.24, 2.83]], OpenCV 3.4028235e+38
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 scipy==1.17.1 opencv-python-headless==5.0.0.93
cd "$folder"
PATH="$folder/venv/bin:$PATH" "$folder/venv/bin/python" - <<'EOF'
import cv2
import numpy as np
from scipy import ndimage

mask = np.ones((2, 3), np.uint8)
distance = ndimage.distance_transform_edt(mask)
other = cv2.distanceTransform(mask, cv2.DIST_L2, 5)
rows, columns = np.indices(mask.shape)
print("SciPy", distance.round(2).tolist(), "OpenCV", other[0, 0])
assert np.allclose(distance, np.hypot(rows + 1, columns)), "the behaviour has changed"
assert (other > 1e38).all(), "the behaviour has changed"
EOF
