#!/bin/sh
# MONAI mirrors an NRRD volume whose space is written as LPS.
#
# Expectation: the NRRD format has two names for each space, such as left-posterior-superior and LPS; a reader that
# returns an affine in RAS turns the axes over for both.
# Behaviour: NrrdReader, the reader for .nrrd and .seg.nrrd, turns them over for left-posterior-superior only and takes
# all other spaces for RAS. LPS comes out with left and right, front and back exchanged, left-anterior-superior with
# left and right. Orientation and Spacing then work on the wrong axes, and a label map in NRRD lies mirrored on an
# image in NIfTI. There is no error and no warning. SimpleITK reads all of them.
# Versions: numpy==2.4.6, torch==2.15.0, monai==1.6.1, pynrrd==1.1.3, simpleitk==2.5.7.
# Source: definition of the NRRD file format, field space; NrrdReader in monai/data/image_reader.py. Found by comparing
# with SimpleITK.
# Output seen: left-posterior-superior [-1, -1, 1] in both; LPS MONAI [1, 1, 1], SimpleITK [-1, -1, 1]
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 torch==2.15.0 monai==1.6.1 pynrrd==1.1.3 simpleitk==2.5.7
cd "$folder"
PATH="$folder/venv/bin:$PATH" "$folder/venv/bin/python" -W ignore - <<'EOF'
import numpy as np
import SimpleITK
from monai.transforms import LoadImage


def axes(space):
    header = ["NRRD0004", "type: uint8", "dimension: 3", f"space: {space}", "sizes: 4 5 6",
              "space directions: (1,0,0) (0,1,0) (0,0,1)", "kinds: domain domain domain", "encoding: raw",
              "space origin: (10,20,30)"]
    with open("volume.nrrd", "wb") as file:
        file.write("\n".join(header).encode() + b"\n\n" + bytes(4 * 5 * 6))
    direction = SimpleITK.ReadImage("volume.nrrd").GetDirection()  # in LPS
    by_monai = np.diag(np.asarray(LoadImage()("volume.nrrd").affine))[:3].astype(int).tolist()
    by_simpleitk = [-int(direction[0]), -int(direction[4]), int(direction[8])]
    print(space, "MONAI", by_monai, "SimpleITK", by_simpleitk)
    return by_monai, by_simpleitk


assert axes("left-posterior-superior") == ([-1, -1, 1], [-1, -1, 1]), "the behaviour has changed"
assert axes("right-anterior-superior") == ([1, 1, 1], [1, 1, 1]), "the behaviour has changed"
assert axes("LPS") == ([1, 1, 1], [-1, -1, 1]), "the behaviour has changed"
assert axes("left-anterior-superior") == ([1, 1, 1], [-1, 1, 1]), "the behaviour has changed"
EOF
