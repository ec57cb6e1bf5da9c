#!/bin/sh
# MONAI loads a PNG and its mask in NumPy's format with their axes exchanged.
#
# Expectation: one LoadImaged for an image in .png and a label in .npy of as many rows and columns returns both with the
# same axes.
# Behaviour: the reader of PNG returns columns x rows, as the readers of NIfTI and NRRD do; the one of .npy and .npz
# returns the array as it was saved, rows x columns. A mask made from the pixels of the PNG lies transposed on it. Where
# images are square, as patches and resized images are, no shape shows it, and flips, crops and turns keep it so.
# Versions: numpy==2.4.6, pillow==13.0.0, torch==2.15.0, monai==1.6.1.
# Source: documentation of LoadImaged, and of PILReader, reverse_indexing, and NumpyReader, which has no such option.
# Found by loading the same array both ways.
# Output seen: image (8, 6), label (6, 8); square: equal False, equal to the transposed True
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 pillow==13.0.0 torch==2.15.0 monai==1.6.1
cd "$folder"
PATH="$folder/venv/bin:$PATH" "$folder/venv/bin/python" -W ignore - <<'EOF'
import numpy as np
from monai.transforms import LoadImaged
from PIL import Image


def loaded(pixels):
    Image.fromarray(pixels).save("image.png")
    np.save("label.npy", pixels)
    sample = LoadImaged(keys=["image", "label"])({"image": "image.png", "label": "label.npy"})
    return np.asarray(sample["image"]), np.asarray(sample["label"])


image, label = loaded(np.arange(48, dtype=np.uint8).reshape(6, 8))
print("image", image.shape, "label", label.shape)
assert image.shape == (8, 6) and label.shape == (6, 8), "the behaviour has changed"
image, label = loaded(np.arange(64, dtype=np.uint8).reshape(8, 8))
print("square: equal", np.array_equal(image, label), "equal to the transposed", np.array_equal(image, label.T))
assert not np.array_equal(image, label) and np.array_equal(image, label.T), "the behaviour has changed"
EOF
