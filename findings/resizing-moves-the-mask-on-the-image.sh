#!/bin/sh
# MONAI, TorchIO and albumentations move a mask against its image when they make both smaller.
#
# Expectation: one transform of image and mask, with linear and nearest interpolation, leaves the structure at one
# place in both.
# Behaviour: at a factor of 4, where linear takes the middle of four voxels (1.5), nearest takes the first (0) in
# MONAI (Resized) and albumentations (Resize), and the third (2) in TorchIO (Resample). So the mask lies 1.5 voxels of
# the original further on than the image, or half a voxel back, in every sample to the same side, and the learned
# boundary with it. The test resizes the index of each voxel, as image and as label.
# Versions: numpy==2.4.6, torch==2.15.0, monai==1.6.1, torchio==1.2.1, albumentations==2.0.8,
# opencv-python-headless==5.0.0.93.
# Source: documentation of torch.nn.functional.interpolate (nearest and nearest-exact) and of OpenCV (INTER_NEAREST
# and INTER_NEAREST_EXACT). Found by the centre of a ball.
# Output seen: voxel taken at place 8 by image and mask: MONAI 33.5 32, TorchIO 33.5 34, albumentations 33.5 32
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 torch==2.15.0 monai==1.6.1 torchio==1.2.1 albumentations==2.0.8 opencv-python-headless==5.0.0.93
cd "$folder"
PATH="$folder/venv/bin:$PATH" "$folder/venv/bin/python" - <<'EOF'
import os

os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"

import albumentations
import numpy as np
import torch
import torchio
from monai.transforms import Resized

torch.set_num_threads(1)
index = np.broadcast_to(np.arange(64), (64, 64, 64))
image, mask = (torch.tensor(np.ascontiguousarray(index, kind))[None] for kind in (np.float32, np.uint8))

by_monai = Resized(["image", "mask"], (16, 16, 16), mode=("trilinear", "nearest"))({"image": image, "mask": mask})
subject = torchio.Subject(image=torchio.ScalarImage(tensor=image), mask=torchio.LabelMap(tensor=mask))
by_torchio = torchio.Resample(4)(subject)
by_albumentations = albumentations.Resize(16, 16)(image=image[0, 0].numpy(), mask=mask[0, 0].numpy())
seen = {
    "MONAI": [float(by_monai[name][0, 8, 8, 8]) for name in ("image", "mask")],
    "TorchIO": [float(by_torchio[name].data[0, 8, 8, 8]) for name in ("image", "mask")],
    "albumentations": [float(by_albumentations[name][8, 8]) for name in ("image", "mask")],
}
print(seen)
expected = {"MONAI": [33.5, 32], "TorchIO": [33.5, 34], "albumentations": [33.5, 32]}
assert all(np.allclose(seen[name], expected[name], atol=0.01) for name in expected), "the behaviour has changed"
EOF
