#!/bin/sh
# Pillow blends bytes, not values, when it pastes a float32, 32-bit or 16-bit image through a soft mask.
#
# Expectation: paste with a mask, and composite, give a value between the two where the mask is between 0 and 255, in
# every mode that they accept; Image.blend refuses the modes that it cannot do.
# Behaviour: of mode F, I and I;16 each byte of the number is blended by itself, without carry. Half of the way from 0
# to 1 is 1.6e-19, from 1 to -1 infinity, from 0 to 256 it is 256. Of 16-bit images only the left half of the pixels is
# pasted at all, with a mask of 255 too, since the row is taken for as many bytes as it has columns: a lesion that is
# pasted into the right half does not appear. There is no error. In 8 bits the pasting is right.
# Versions: numpy==2.4.6, pillow==13.0.0.
# Source: documentation of Image.paste: values in between mix the two images together; Pillow pull request 8112, which
# mends 16 bits for masks of mode 1. Found by comparing with NumPy.
# Output seen: mask of 128: float32 1.6263032587282567e-19 and inf, int32 256; mask of 255, 16 bits: [3000, 3000, 3000,
# 1000, 1000, 1000]
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 pillow==13.0.0
cd "$folder"
PATH="$folder/venv/bin:$PATH" "$folder/venv/bin/python" - <<'EOF'
import numpy as np
from PIL import Image


def image(kind, value):
    return Image.fromarray(np.full((4, 6), value, kind))


def pasted(kind, below, above, mask):
    result = image(kind, below)
    result.paste(image(kind, above), (0, 0), image(np.uint8, mask))
    composite = Image.composite(image(kind, above), image(kind, below), image(np.uint8, mask))
    assert np.array_equal(result, composite), "the behaviour has changed"
    return np.asarray(result)[0].tolist()


up, down = pasted(np.float32, 0, 1, 128), pasted(np.float32, 1, -1, 128)
whole, short = pasted(np.int32, 0, 256, 128), pasted(np.uint16, 1000, 3000, 255)
print("mask of 128: float32", up[0], "and", down[0], ", int32", whole[0], "; mask of 255, 16 bits:", short)
assert 0 < up[0] < 1e-18 and down[0] == np.inf and whole[0] == 256, "the behaviour has changed"
assert short == [3000] * 3 + [1000] * 3, "the behaviour has changed"
assert pasted(np.uint8, 100, 200, 128) == [150] * 6, "the behaviour has changed"
EOF
