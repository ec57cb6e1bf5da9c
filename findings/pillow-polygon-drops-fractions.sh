#!/bin/sh
# Pillow cuts the fractions off the points of a polygon, so masks of contours move up and to the left.
#
# Expectation: a contour with fractions of a pixel is filled by the centres of pixels inside, or its points are
# rounded to the nearest pixel.
# Behaviour: ImageDraw.polygon accepts real numbers and truncates them: a square from 2.99 to 6.99 is drawn from 2 to
# 6, the same as one from 2 to 6. Over contours at any place masks are half a pixel too far up and left on average,
# and a pixel too large; scikit-image has no such shift.
# Versions: numpy==2.4.6, pillow==13.0.0, scikit-image==0.26.0.
# Source: _draw_polygon in src/_imaging.c of Pillow; its documentation does not say it. Found by moving a contour.
# Output seen: mean shift and pixels: Pillow -0.5 and 441, scikit-image 0.0 and 400, of an area of 400
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 pillow==13.0.0 scikit-image==0.26.0
cd "$folder"
PATH="$folder/venv/bin:$PATH" "$folder/venv/bin/python" - <<'EOF'
import numpy as np
from PIL import Image, ImageDraw
from skimage.draw import polygon2mask


def by_pillow(points):
    image = Image.new("L", (40, 40))
    ImageDraw.Draw(image).polygon([tuple(point) for point in points], fill=1, outline=1)
    return np.asarray(image)


def by_scikit_image(points):
    return polygon2mask((40, 40), points[:, ::-1])


seen = {}
for name, fill in {"Pillow": by_pillow, "scikit-image": by_scikit_image}.items():
    shifts, counts = [], []
    for offset in np.arange(0.005, 1, 0.01):
        points = np.array([(10, 10), (30, 10), (30, 30), (10, 30)]) + offset
        mask = fill(points)
        shifts.append(np.nonzero(mask)[1].mean() - points[:, 0].mean())
        counts.append(mask.sum())
    seen[name] = round(float(np.mean(shifts)), 2) + 0.0, int(np.mean(counts))
print(seen)
assert seen == {"Pillow": (-0.5, 441), "scikit-image": (0.0, 400)}, "the behaviour has changed"
EOF
