#!/bin/sh
# nibabel stores a label map as scaled integers when the array is float and the file is asked to be uint8.
#
# Expectation: labels 0, 1, 2, 3 fit uint8 and are stored as they are.
# Behaviour: they are spread over the whole range (0, 85, 170, 255) with a slope of 0.0117647061, and read back by
# nibabel as 1.00000002, 2.00000004, 3.00000006: a comparison with 2 finds no voxel. SimpleITK gives whole numbers again;
# a reader that takes the stored integers sees labels 85, 170, 255.
# Versions: numpy==2.4.6, nibabel==5.4.2, simpleitk==2.5.7.
# Source: documentation of nibabel, scaling of NIfTI images (scl_slope). Found by comparing readers.
# Output seen: stored [0 85 170 255]; nibabel 0 voxels of label 2, SimpleITK 16
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 nibabel==5.4.2 simpleitk==2.5.7
cd "$folder"
venv/bin/python - <<'EOF'
import nibabel
import numpy as np
import SimpleITK

labels = np.repeat(np.arange(4.0), 16).reshape(4, 4, 4)
image = nibabel.Nifti1Image(labels, np.eye(4))
image.set_data_dtype(np.uint8)
image.to_filename("labels.nii")
read = nibabel.load("labels.nii")
stored = np.unique(read.dataobj.get_unscaled()).tolist()
by_nibabel = int((read.get_fdata() == 2).sum())
by_simpleitk = int((SimpleITK.GetArrayFromImage(SimpleITK.ReadImage("labels.nii")) == 2).sum())
print(stored, by_nibabel, by_simpleitk)
assert (stored, by_nibabel, by_simpleitk) == ([0, 85, 170, 255], 0, 16), "the behaviour has changed"
EOF
