#!/bin/sh
# A NIfTI file without sform and qform gets another geometry from each reader.
#
# Expectation: two readers agree on the identity with the voxel sizes, or say that there is no geometry.
# Behaviour: nibabel makes up an affine with x mirrored and the origin in the middle; SimpleITK takes the identity
# direction and origin 0. Neither warns, so label and image laid over each other by affine differ by a flip.
# Versions: numpy==2.4.6, nibabel==5.4.2, simpleitk==2.5.7.
# Source: NIfTI-1 standard, method 1 (both codes 0) is for old ANALYZE files. Found by comparing readers.
# Output seen: nibabel diagonal -2 3 4, origin 3 -6 -10; SimpleITK direction identity, origin 0 0 0
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
image.header.set_zooms((2, 3, 4))
image.set_sform(None, 0)
image.set_qform(None, 0)
nibabel.save(image, "image.nii")
affine = nibabel.load("image.nii").affine
other = SimpleITK.ReadImage("image.nii")
print("nibabel diagonal", np.diag(affine)[:3], "origin", affine[:3, 3])
print("SimpleITK direction", other.GetDirection(), "origin", other.GetOrigin())
assert affine[0, 0] == -2 and affine[1, 1] == 3 and list(affine[:3, 3]) == [3, -6, -10], "nibabel has changed"
assert other.GetDirection() == (1, 0, 0, 0, 1, 0, 0, 0, 1) and other.GetOrigin() == (0, 0, 0), "SimpleITK has changed"
EOF
