#!/bin/sh
# MONAI blends the labels of a mask, and forgets the padding value, when a pipeline runs lazily.
#
# Expectation: Compose(lazy=True) joins the spatial transforms to one resampling with the modes that they were given:
# labels that are resampled by nearest stay labels, and a CT that is padded with -1000 has -1000 around it.
# Behaviour: mode, padding_mode and value of each transform are recorded where the lazy execution does not look for
# them, so all is resampled linearly and padded with 0. Rotated, Spacingd, Zoomd, Resized and RandAffined with
# mode="nearest" turn a mask of 0, 1 and 3 into fractions, in which a label between two others appears along every edge
# of the larger one, and air becomes water. There is no warning. Without lazy, everything is as asked for.
# Versions: numpy==2.4.6, torch==2.15.0, monai==1.6.1.
# Source: documentation of MONAI, Lazy Resampling; kwargs_from_pending in monai/transforms/lazy/utils.py; MONAI issues
# 6850 and 7363. Found by comparing both ways of execution.
# Output seen: labels of Rotated 3 and lazily 69, Spacingd and crop 3 and 8, Resized 3 and 11; padding -1000.0 and
# lazily 0.0
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 torch==2.15.0 monai==1.6.1
cd "$folder"
PATH="$folder/venv/bin:$PATH" "$folder/venv/bin/python" -W ignore - <<'EOF'
import torch
from monai.data import MetaTensor
from monai.transforms import CenterSpatialCropd, Compose, Resized, Rotated, SpatialPadd, Spacingd

labels = torch.zeros(1, 24, 24)
labels[:, 4:10, 4:12] = 1
labels[:, 14:20, 8:20] = 3
keys, modes = ("image", "label"), ("bilinear", "nearest")
pipelines = {"Rotated": [Rotated(keys, 0.3, mode=modes)],
             "Spacingd and crop": [Spacingd(keys, (1.3, 1.3), mode=modes), CenterSpatialCropd(keys, (12, 12))],
             "Resized": [Resized(keys, (17, 17), mode=modes)]}


def run(transforms, lazy):
    return Compose(transforms, lazy=lazy)({"image": MetaTensor(labels * 100 + 5), "label": MetaTensor(labels)})


for name, transforms in pipelines.items():
    eager, lazily = (torch.unique(run(transforms, lazy)["label"]).tolist() for lazy in (False, True))
    print(name, "labels", eager, "lazily", len(lazily), [round(label, 3) for label in lazily[:5]])
    assert eager == [0, 1, 3]
    assert len(lazily) > 3 and any(label % 1 for label in lazily), "the behaviour has changed"
pad = [SpatialPadd("image", (30, 30), value=-1000)]
eager, lazily = (run(pad, lazy)["image"][0, 0, 0].item() for lazy in (False, True))
print("padding", eager, "lazily", lazily)
assert eager == -1000
assert lazily == 0, "the behaviour has changed"
EOF
