#!/bin/sh
# MONAI's 95 % Hausdorff distance leaves out the images in which the structure was missed.
#
# Expectation: an empty prediction for a mask with a structure has the distance infinity, as the metric gives without a
# percentile, and as SurfaceDistanceMetric gives; or the call fails, as MedPy's does.
# Behaviour: with percentile=95 it is NaN. That is what this metric gives for images where both are empty, and the mean
# leaves NaN out: of one image with 3 and one that was missed the mean is 3, without a percentile infinity. The more a
# network misses, the better it scores; one that predicts nothing has 0. A structure found where there is none is left
# out alike. A warning says only that the prediction is all 0.
# Versions: numpy==2.4.6, torch==2.15.0, monai==1.6.1, scipy==1.17.1.
# Source: documentation of HausdorffDistanceMetric, percentile and reduction; MONAI issue 9095. Found by comparing
# metrics.
# Output seen: missed and found: HD95 [nan, 3.0] mean 3.0, HD [inf, 3.0] mean inf, average distance [inf, 1.5] mean inf;
# nothing predicted: HD95 mean 0.0, HD mean inf
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 torch==2.15.0 monai==1.6.1 scipy==1.17.1
cd "$folder"
PATH="$folder/venv/bin:$PATH" "$folder/venv/bin/python" -W ignore - <<'EOF'
import math

import torch
from monai.metrics import HausdorffDistanceMetric, SurfaceDistanceMetric

masks = torch.zeros(2, 2, 24, 24)
masks[:, 1, 5:12, 5:12] = 1
masks[:, 0] = 1 - masks[:, 1]
found = torch.roll(masks, 3, dims=3)
missed = torch.zeros(2, 2, 24, 24)
missed[:, 0] = 1
one_missed = torch.stack([missed[0], found[1]])


def scores(metric, predictions):
    values = metric(predictions, masks).flatten().tolist()
    return values, metric.aggregate().item()


seen = {}
for name, predictions in (("missed and found", one_missed), ("nothing predicted", missed)):
    seen[name] = [scores(HausdorffDistanceMetric(percentile=95), predictions),
                  scores(HausdorffDistanceMetric(), predictions),
                  scores(SurfaceDistanceMetric(symmetric=True), predictions)]
    print(name, "HD95", seen[name][0], "HD", seen[name][1], "average distance", seen[name][2])
percentile, largest, average = seen["missed and found"]
assert largest == ([math.inf, 3], math.inf) and average == ([math.inf, 1.5], math.inf)
assert math.isnan(percentile[0][0]) and percentile[0][1] == percentile[1] == 3, "the behaviour has changed"
assert seen["nothing predicted"][0][1] == 0, "the behaviour has changed"
EOF
