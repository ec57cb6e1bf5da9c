#!/bin/sh
# nibabel and SimpleITK differ by 1000 for a NIfTI file in micrometres or metres.
#
# Expectation: a spacing of 20 with the unit micrometre is 0.02 mm in every reader.
# Behaviour: SimpleITK turns spacing and origin into mm. The affine and the zooms of nibabel are the numbers of the
# header, whatever the unit, and so are those of all that build on it. A volume, a distance or a resampling to 1 mm is
# then wrong by a factor of 1000 per axis, without a warning.
# Versions: numpy==2.4.6, nibabel==5.4.2, simpleitk==2.5.7.
# Source: nifti1.h, xyzt_units. Found by comparing readers.
# Output seen: nibabel 20.0 20.0 20.0, SimpleITK 0.02 20.0 20000.0 for micron, mm, meter
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 nibabel==5.4.2 simpleitk==2.5.7
cd "$folder"
PATH="$folder/venv/bin:$PATH" "$folder/venv/bin/python" - <<'EOF'
import nibabel
import numpy as np
import SimpleITK

image = nibabel.Nifti1Image(np.zeros((4, 5, 6), np.uint8), np.diag([20, 20, 20, 1.0]))
by_nibabel, by_simpleitk = [], []
for unit in ("micron", "mm", "meter"):
    image.header.set_xyzt_units(unit)
    nibabel.save(image, "image.nii")
    read = nibabel.load("image.nii")
    assert read.header.get_xyzt_units()[0] == unit
    by_nibabel.append(float(read.affine[0, 0]))
    by_simpleitk.append(round(SimpleITK.ReadImage("image.nii").GetSpacing()[0], 6))
print("nibabel", *by_nibabel, "SimpleITK", *by_simpleitk)
assert by_nibabel == [20, 20, 20] and by_simpleitk == [0.02, 20, 20000], "the behaviour has changed"
EOF
