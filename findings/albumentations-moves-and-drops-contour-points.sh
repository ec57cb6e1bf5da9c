#!/bin/sh
# albumentations moves the points of a contour up by a pixel, and drops some, where it deforms an image.
#
# Expectation: keypoints take part in a deformation that moves nothing by staying where they are, and all come back.
# Behaviour: ElasticTransform, and GridDistortion and OpticalDistortion alike, draw each point as a cross of five pixels,
# deform that picture with nearest, and return the first pixel found of each number: the upper tip. So every point is
# a row too high, its fractions are gone, and where points are a pixel apart, as in a traced contour, those that later
# ones cover are left out: the list gets shorter, in spite of remove_invisible=False. Image and mask stay, so a
# contour and its mask no longer agree. The documentation speaks of less accuracy for large deformations only.
# Versions: numpy==2.4.6, albumentations==2.0.8, albucore==0.0.24, opencv-python-headless==5.0.0.93.
# Source: remap_keypoints_via_mask in albumentations/augmentations/geometric/functional.py; documentation of
# ElasticTransform, keypoint_remapping_method. Found by a deformation of nothing.
# Output seen: image unchanged; 12 points moved by (0, -1); of 125 points of a circle 121 come back
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 albumentations==2.0.8 albucore==0.0.24 opencv-python-headless==5.0.0.93
cd "$folder"
NO_ALBUMENTATIONS_UPDATE=1 "$folder/venv/bin/python" -W ignore - <<'EOF'
import albumentations
import numpy as np

image = np.zeros((128, 128), np.float32)
image[40:80, 30:90] = 1
transform = albumentations.Compose(
    [albumentations.ElasticTransform(alpha=0.001, sigma=50, p=1)],
    keypoint_params=albumentations.KeypointParams("xy", remove_invisible=False),
    seed=1,
)


def deform(points):
    result = transform(image=image, mask=(image > 0).astype(np.uint8), keypoints=points)
    assert np.abs(result["image"] - image).max() < 0.01 and (result["mask"] == image).all()
    return np.asarray(result["keypoints"])


apart = np.array([(x, y) for x in (20, 40, 60, 80) for y in (30, 50, 70)], float)
steps = np.unique(deform(apart) - apart, axis=0).tolist()
turn = np.linspace(0, 2 * np.pi, 125, endpoint=False)
circle = np.stack([64 + 20 * np.cos(turn), 64 + 20 * np.sin(turn)], axis=1)
left = len(deform(circle))
print("moved by", steps, "come back", left, "of", len(circle))
assert steps == [[0, -1]], "the behaviour has changed"
assert left == 121, "the behaviour has changed"
EOF
