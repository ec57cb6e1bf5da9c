#!/bin/sh
# Keras mixes an image with another one, but its mask with single pixels.
#
# Expectation: MixUp blends image and mask of a sample with those of one and the same other sample, by one weight.
# Behaviour: images are taken along the axis of the batch, masks without an axis, that is as a row of all their pixels.
# Each mask is blended with the first pixels of the batch, which become channels by broadcasting: (4, 8, 8, 1) comes
# out as (4, 8, 8, 4), and the structure of the other sample is in the image but in no channel of the mask. With as
# many classes as samples the shape stays, and nothing shows it. There is no warning.
# Versions: numpy==2.4.6, keras==3.15.1, jax==0.10.2.
# Source: keras/src/layers/preprocessing/image_preprocessing/mix_up.py, transform_segmentation_masks. Found by giving one
# array as image and as mask.
# Output seen: images (4, 8, 8, 1), masks (4, 8, 8, 4); of 4 classes (4, 8, 8, 4), largest difference to the image 0.78
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 keras==3.15.1 jax==0.10.2
cd "$folder"
KERAS_BACKEND=jax "$folder/venv/bin/python" -W ignore - <<'EOF'
import keras
import numpy as np


def mixed(samples):
    """The same array as images and as masks: both should come back equal."""
    layer = keras.layers.MixUp(alpha=1.0, seed=1)
    result = layer(
        {"images": samples, "segmentation_masks": samples, "labels": np.eye(4, dtype=np.float32)}, training=True
    )
    return np.asarray(result["images"]), np.asarray(result["segmentation_masks"])


samples = np.zeros((4, 8, 8, 1), np.float32)
for index in range(4):
    samples[index, 2 * index:2 * index + 2, 2:6] = 1
images, masks = mixed(samples)
classes = np.concatenate([samples, 1 - samples, 0 * samples, 0 * samples], axis=-1)
images_of_classes, masks_of_classes = mixed(classes)
difference = np.abs(images_of_classes - masks_of_classes).max()
print("images", images.shape, "masks", masks.shape, "of 4 classes", masks_of_classes.shape, f"{difference:.2f}")
assert images.shape == samples.shape
assert masks.shape == (4, 8, 8, 4), "the behaviour has changed"
assert masks_of_classes.shape == classes.shape and difference > 0.1, "the behaviour has changed"
EOF
