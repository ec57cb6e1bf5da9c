#!/bin/sh
# The Dice loss of segmentation-models-pytorch is 0 for a batch without structure, whatever is predicted.
#
# Expectation: where the mask is empty and all of the image is predicted, the loss is about 1; smooth and eps are there
# so that it is defined, and the implementation of MONAI gives that.
# Behaviour: DiceLoss, JaccardLoss and TverskyLoss multiply the loss of a class by whether the batch has a pixel of it.
# Empty images are ignored: a prediction that covers all is as good as none, the gradient is 0, and smooth=1 changes
# nothing. In multiclass mode a class that is predicted where it is not costs what the others lose, and no more. On
# patches, of which most have no structure, nothing teaches the network to leave them empty; LovaszLoss does.
# Versions: numpy==2.4.6, torch==2.15.0, segmentation-models-pytorch==0.6.0, monai==1.6.1.
# Source: documentation of DiceLoss, smooth and eps; a comment in its forward says that it is so. Found by comparing
# with MONAI.
# Output seen: all predicted in an empty mask: Dice 0.0, with smooth 0.0, Jaccard 0.0, Tversky 0.0, gradient 0.0; MONAI
# 1.0, Lovasz 4.0
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 torch==2.15.0 segmentation-models-pytorch==0.6.0 monai==1.6.1
cd "$folder"
PATH="$folder/venv/bin:$PATH" "$folder/venv/bin/python" - <<'EOF'
import monai
import torch
from segmentation_models_pytorch.losses import DiceLoss, JaccardLoss, LovaszLoss, TverskyLoss

empty = torch.zeros(2, 1, 16, 16)
everywhere = torch.full((2, 1, 16, 16), 3.0, requires_grad=True)
losses = {
    "Dice": DiceLoss("binary"), "with smooth": DiceLoss("binary", smooth=1.0), "Jaccard": JaccardLoss("binary"),
    "Tversky": TverskyLoss("binary"), "MONAI": monai.losses.DiceLoss(sigmoid=True), "Lovasz": LovaszLoss("binary"),
}
seen = {name: round(float(loss(everywhere, empty)), 3) for name, loss in losses.items()}
losses["with smooth"](everywhere, empty).backward()
print("all predicted in an empty mask:", seen, "gradient", float(everywhere.grad.abs().max()))
expected = {"Dice": 0, "with smooth": 0, "Jaccard": 0, "Tversky": 0, "MONAI": 1, "Lovasz": 4}
assert seen == expected, "the behaviour has changed"
assert everywhere.grad.abs().max() == 0, "the behaviour has changed"

# A mask with structure is not ignored.
half = empty.clone()
half[:, :, :8] = 1
assert DiceLoss("binary")(everywhere, half) > 0.3, "the behaviour has changed"
EOF
