#!/bin/sh
# TorchIO pads a label map with the value that is meant for the image.
#
# Expectation: Pad and CropOrPad with padding_mode=-1000 put air around a CT and background around its label map, as
# RandomAffine does, which has a fill value for images (default_pad_value) and another for labels.
# Behaviour: both use padding_mode for label maps too. With labels of float32 the border gets the label -1000; with
# labels of uint8 it wraps to 24, a class like any other. "mean" pads a float32 label map with the mean of its labels,
# such as 0.046875. Label maps are exempt from interpolation and intensity transforms, so the border of a label map
# looks safe; no warning.
# Versions: numpy==2.4.6, torch==2.15.0, torchio==1.2.1.
# Source: documentation of Pad, CropOrPad and LabelMap, which name no such thing for labels, and of RandomAffine. Found
# by padding both.
# Output seen: labels 0 and 3 in float32 become [-1000.0, 0.0, 3.0], in uint8 [0, 3, 24], by mean [0.0, 0.046875, 3.0]
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 torch==2.15.0 torchio==1.2.1
cd "$folder"
PATH="$folder/venv/bin:$PATH" "$folder/venv/bin/python" -W ignore - <<'EOF'
import torch
import torchio

labels = torch.zeros(1, 8, 8, 8)
labels[0, 2:4, 2:4, 2:4] = 3


def padded(transform, kind):
    image = torchio.ScalarImage(tensor=torch.full((1, 8, 8, 8), -900.0))
    subject = torchio.Subject(image=image, label=torchio.LabelMap(tensor=labels.to(kind)))
    return torch.unique(transform(subject).label.data).tolist()


seen = {}
for name, transform in {"Pad": torchio.Pad(2, padding_mode=-1000),
                        "CropOrPad": torchio.CropOrPad((12, 12, 12), padding_mode=-1000),
                        "mean": torchio.CropOrPad((12, 12, 12), padding_mode="mean")}.items():
    seen[name] = padded(transform, torch.float32), padded(transform, torch.uint8)
    print(name, "float32", seen[name][0], "uint8", seen[name][1])
assert seen["Pad"] == seen["CropOrPad"] == ([-1000, 0, 3], [0, 3, 24]), "the behaviour has changed"
assert seen["mean"][0] == [0, 0.046875, 3], "the behaviour has changed"
assert padded(torchio.RandomAffine(translation=(4, 4), default_pad_value=-1000), torch.uint8) in ([0], [0, 3])
EOF
