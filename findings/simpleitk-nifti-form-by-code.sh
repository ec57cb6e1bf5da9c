#!/bin/sh
# SimpleITK and nibabel take different geometries from a NIfTI file whose sform is not scanner space.
#
# Expectation: a file with both a qform and an sform is read with the sform by every reader.
# Behaviour: nibabel takes the sform whenever its code is not 0. SimpleITK takes it only if the code is 1 (scanner);
# with 2 (aligned), 3 (Talairach) or 4 (MNI) it takes the qform. A label written by one side and an image read by the
# other lie apart by the registration between the two, without a warning. nibabel writes code 2 for a new image.
# Versions: numpy==2.4.6, nibabel==5.4.2, simpleitk==2.5.7.
# Source: nifti1.h, methods 2 and 3; nibabel documentation, "Choosing the image affine"; ITK pull request 1868. Found
# by comparing readers.
# Output seen: x origin by nibabel and SimpleITK, turned to the same axes: code 1: 50 50; codes 2, 3 and 4: 50 7
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

image = nibabel.Nifti1Image(np.zeros((4, 5, 6), np.uint8), None)
scanner, template = np.eye(4), np.eye(4)
scanner[0, 3], template[0, 3] = 7, 50
seen = {}
for code in (1, 2, 3, 4):
    image.set_qform(scanner, 1)
    image.set_sform(template, code)
    nibabel.save(image, "image.nii")
    seen[code] = (float(nibabel.load("image.nii").affine[0, 3]), -SimpleITK.ReadImage("image.nii").GetOrigin()[0])
print(seen)
assert seen == {1: (50, 50), 2: (50, 7), 3: (50, 7), 4: (50, 7)}, "the behaviour has changed"
EOF
