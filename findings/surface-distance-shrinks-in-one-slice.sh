#!/bin/sh
# MONAI and MedPy find smaller surface distances in an image when it is given as a volume of one slice.
#
# Expectation: the mean surface distance of 1 x rows x columns is that of rows x columns, as the Dice score and the
# Hausdorff distance are: nothing is known above and below a single slice.
# Behaviour: the surface is what an erosion takes off, and beyond the array is background, so in a volume of one slice
# every pixel of the mask is surface. Pixels inside of both masks add distances of 0 to the mean: for two squares of 40
# pixels, 3 apart, it falls from 1.5 to 0.15, and the share of the surface that lies within 1 pixel, the normalized
# surface Dice, rises from 0.5 to 0.95. The larger the structure, the better it looks. It is the same for structures of
# one slice in a larger volume. Nothing warns.
# Versions: numpy==2.4.6, torch==2.15.0, monai==1.6.1, scipy==1.17.1, medpy==0.5.2.
# Source: documentation of SurfaceDistanceMetric and of medpy.metric.binary.assd, which name no such thing. Found by
# giving one image both ways.
# Output seen: 40 pixels: mean distance in 2D 1.5, as 1xHxW 0.15, by MONAI and MedPy, surface Dice 0.5 and 0.95,
# Hausdorff 3 and 3; 7 pixels: 1.5 and 0.857
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 torch==2.15.0 monai==1.6.1 scipy==1.17.1 medpy==0.5.2
cd "$folder"
PATH="$folder/venv/bin:$PATH" "$folder/venv/bin/python" -W ignore - <<'EOF'
import medpy.metric.binary
import numpy as np
import torch
from monai.metrics import HausdorffDistanceMetric, SurfaceDiceMetric, SurfaceDistanceMetric


def square(size, column):
    mask = np.zeros((64, 64), bool)
    mask[8 : 8 + size, column : column + size] = True
    return mask


def by_monai(metric, prediction, mask):
    both = [torch.from_numpy(np.stack([~array, array])[None].astype(np.float32)) for array in (prediction, mask)]
    return round(metric(*both).item(), 3)


seen = {}
for size in (7, 40):
    for name, shape in (("2D", (64, 64)), ("1xHxW", (1, 64, 64))):
        pair = square(size, 11).reshape(shape), square(size, 8).reshape(shape)
        seen[size, name] = {
            "MONAI": by_monai(SurfaceDistanceMetric(symmetric=True), *pair),
            "MedPy": round(float(medpy.metric.binary.assd(*pair)), 3),
            "surface Dice": by_monai(SurfaceDiceMetric([1.0]), *pair),
            "Hausdorff": by_monai(HausdorffDistanceMetric(), *pair)}
        print(size, name, seen[size, name])
for size, distance in ((7, 0.857), (40, 0.15)):
    flat, volume = seen[size, "2D"], seen[size, "1xHxW"]
    assert flat == {"MONAI": 1.5, "MedPy": 1.5, "surface Dice": 0.5, "Hausdorff": 3} and volume["Hausdorff"] == 3
    assert volume["MONAI"] == volume["MedPy"] == distance, "the behaviour has changed"
    assert volume["surface Dice"] > 0.7, "the behaviour has changed"
deep = [np.zeros((5, 64, 64), bool) for _ in range(2)]
deep[0][2], deep[1][2] = square(40, 11), square(40, 8)
print("in 5 slices", round(float(medpy.metric.binary.assd(*deep)), 3))
assert round(float(medpy.metric.binary.assd(*deep)), 3) == 0.15, "the behaviour has changed"
EOF
