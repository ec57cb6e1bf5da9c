#!/bin/sh
# The generalized Dice score of torchmetrics gives a perfect prediction less than 1 when images have no structure.
#
# Expectation: prediction and mask that are equal score 1, or images without any structure are left out, as by
# DiceScore and MeanIoU of the same package.
# Behaviour: an image in which neither has the class scores 0 and goes into the mean. Two images, one of them empty and
# both predicted without an error, give 0.5; a data set of which a tenth has the structure cannot score more than 0.1.
# Per class the score of a class that occurs nowhere is 0, with the background included or not. Nothing warns.
# Versions: numpy==2.4.6, torch==2.15.0, torchmetrics==1.9.0.
# Source: documentation of GeneralizedDiceScore, which does not mention empty images, and of DiceScore. Found by
# comparing them.
# Output seen: equal masks, one of two empty: GeneralizedDiceScore 0.5, per class [0.5, 0.0], DiceScore 1.0, MeanIoU 1.0
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 torch==2.15.0 torchmetrics==1.9.0
cd "$folder"
PATH="$folder/venv/bin:$PATH" "$folder/venv/bin/python" - <<'EOF'
import torch
from torchmetrics.segmentation import DiceScore, GeneralizedDiceScore, MeanIoU

masks = torch.zeros(2, 8, 8, dtype=torch.long)
masks[0, :4] = 1  # the second image has no structure, and class 2 occurs in neither


def score(kind, masks, **options):
    metric = kind(num_classes=3, include_background=False, input_format="index", **options)
    metric.update(masks, masks)
    return metric.compute().tolist()


generalized, by_class = score(GeneralizedDiceScore, masks), score(GeneralizedDiceScore, masks, per_class=True)
dice, overlap = score(DiceScore, masks, average="macro"), score(MeanIoU, masks)
print("GeneralizedDiceScore", generalized, "per class", by_class, "DiceScore", dice, "MeanIoU", overlap)
assert generalized == 0.5 and by_class == [0.5, 0.0], "the behaviour has changed"
assert dice == 1 and overlap == 1, "the behaviour has changed"
assert score(GeneralizedDiceScore, masks[:1]) == 1, "the behaviour has changed"
EOF
