#!/bin/sh
# albumentations' Downscale takes float32 images through 8 bits.
#
# Expectation: an image of float32 that is made smaller and larger again is resampled in float32, as by its Affine, and as
# batchgeneratorsv2 and MONAI do for the same augmentation. With a scale of nearly 1 it stays nearly as it was.
# Behaviour: values are taken as parts of 1 and rounded to 255ths before the resampling, and come back so. A smooth ramp has 256
# values afterwards, and an image that is normalized to a mean of 0 loses everything below 0 and above 1: it is cut off.
# Nothing warns; the documentation names float32 as a type that it takes.
# Versions: numpy==2.4.6, albumentations==2.0.8, albucore==0.0.24, opencv-python-headless==5.0.0.93.
# Source: downscale in albumentations/augmentations/pixel/functional.py, which is decorated with uint8_io; documentation of Downscale, "Image types".
# Found while timing it beside other libraries.
# Output seen: type float32, values of a ramp 256, by hand 7213, range of -2 to 2 afterwards 0.0 1.0
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 albumentations==2.0.8 albucore==0.0.24 opencv-python-headless==5.0.0.93
cd "$folder"
NO_ALBUMENTATIONS_UPDATE=1 "$folder/venv/bin/python" -W ignore - <<'EOF'
import albumentations
import cv2
import numpy as np

kinds = {"downscale": cv2.INTER_AREA, "upscale": cv2.INTER_LINEAR}
lower = albumentations.Compose([albumentations.Downscale((0.9, 0.9), interpolation_pair=kinds, p=1)])
ramp = np.tile(np.linspace(0, 1, 4096, dtype=np.float32), (64, 1))
parts = lower(image=ramp)["image"]
normalized = lower(image=ramp * 4 - 2)["image"]
by_hand = cv2.resize(cv2.resize(ramp, None, fx=0.9, fy=0.9, interpolation=cv2.INTER_AREA), ramp.shape[::-1])
print("type", parts.dtype, "values of a ramp", len(np.unique(parts)), "by hand", len(np.unique(by_hand)),
      "range of -2 to 2 afterwards", normalized.min(), normalized.max())
assert parts.dtype == np.float32 and len(np.unique(parts)) == 256, "the behaviour has changed"
assert len(np.unique(by_hand)) > 4096, "the behaviour has changed"
assert normalized.min() == 0 and normalized.max() == 1, "the behaviour has changed"
EOF
