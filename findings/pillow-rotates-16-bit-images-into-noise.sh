#!/bin/sh
# Pillow turns a 16-bit image into noise when it rotates it with bilinear or bicubic interpolation.
#
# Expectation: rotate and transform of a 16-bit grey image give what the same image gives in float32, to rounding, as
# resize does; or the call fails, as filters and ImageChops do for this mode.
# Behaviour: both interpolate bytes where pixels are meant, so the result has other values at other places: a ramp in
# steps of 1000, moved by half a pixel, comes out as 0, 116, 117, 105. Nearest, and turns by right angles, are right.
# There is no error and no warning, and an augmentation of CT or radiographs that are stored as 16-bit PNG or TIFF
# goes through these calls.
# Versions: numpy==2.4.6, pillow==13.0.0.
# Source: documentation of Image.rotate and Image.transform, which name no exception; Pillow issue 1127. Found by
# comparing with float32.
# Output seen: bilinear, float32 [500, 1500, 2500, 3500], 16 bits [0, 116, 117, 105]; a flat 1000 becomes 771 to 1000
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 pillow==13.0.0
cd "$folder"
PATH="$folder/venv/bin:$PATH" "$folder/venv/bin/python" - <<'EOF'
import numpy as np
from PIL import Image
from PIL.Image import Resampling, Transform

ramp = np.tile(np.arange(8, dtype=np.uint16) * 1000, (8, 1))
half_a_pixel = (1, 0, 0.5, 0, 1, 0)


def moved(array, how):
    return np.asarray(Image.fromarray(array).transform((8, 8), Transform.AFFINE, half_a_pixel, how))[3, :4].tolist()


def turned(array, how):
    return np.asarray(Image.fromarray(array).rotate(10, how, fillcolor=1000))


real = moved(ramp.astype(np.float32), Resampling.BILINEAR)
whole = moved(ramp, Resampling.BILINEAR)
flat = np.full((8, 8), 1000, np.uint16)
flattened = turned(flat, Resampling.BILINEAR)
print("bilinear, float32", real, "16 bits", whole, "; a flat 1000 becomes", flattened.min(), "to", flattened.max())
assert real == [500, 1500, 2500, 3500], "the behaviour has changed"
assert whole == [0, 116, 117, 105], "the behaviour has changed"
assert turned(flat, Resampling.BILINEAR).min() == 771, "the behaviour has changed"
assert turned(flat, Resampling.BICUBIC).min() == 768, "the behaviour has changed"
assert (turned(flat.astype(np.float32), Resampling.BILINEAR) == 1000).all(), "the behaviour has changed"
assert (turned(flat, Resampling.NEAREST) == 1000).all(), "the behaviour has changed"
EOF
