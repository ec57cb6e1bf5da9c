#!/bin/sh
# Lossless JPEG 2000 of 32-bit images by OpenJPEG returns other values, without an error.
#
# Expectation: the reversible transform is exact, or the encoder refuses a precision that it cannot do.
# Behaviour: jpeg2k_encode of imagecodecs with reversible=True takes uint32. Values below 2 to the 24 come back;
# larger ones (dose grids, identifiers of instances) come back wrong by up to the whole range, and neither the encoder
# nor the decoder complains. OpenJPH, by htj2k_encode, is exact.
# Versions: numpy==2.4.6, imagecodecs==2026.3.6.
# Source: ITU-T T.800 (precision up to 38 bits); uclouvain/openjpeg #781 (its code is for 31 at most); a TODO in the
# docstring of jpeg2k_encode asks whether 26 bits are the limit. Found by a round trip.
# Output seen: largest errors of OpenJPEG {16: 0, 24: 0, 28: 268420435, 32: 4292901660}, of OpenJPH 0
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 imagecodecs==2026.3.6
cd "$folder"
PATH="$folder/venv/bin:$PATH" "$folder/venv/bin/python" - <<'EOF'
import imagecodecs
import numpy as np

errors = {}
for bits in (16, 24, 28, 32):
    image = np.random.default_rng(0).integers(0, 1 << bits, (64, 64), dtype=np.uint64).astype(np.uint32)
    stream = imagecodecs.jpeg2k_encode(image, reversible=True, codecformat="j2k")
    read = imagecodecs.jpeg2k_decode(stream)
    errors[bits] = int(np.abs(read.astype(np.int64) - image).max())
    other = imagecodecs.htj2k_decode(imagecodecs.htj2k_encode(image, reversible=True))
    assert np.array_equal(other, image)
print("largest errors of OpenJPEG", errors, "of OpenJPH 0")
assert errors[16] == errors[24] == 0 and min(errors[28], errors[32]) > 1 << 24, "the behaviour has changed"
EOF
