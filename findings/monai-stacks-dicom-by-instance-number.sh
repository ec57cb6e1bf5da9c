#!/bin/sh
# MONAI's PydicomReader stacks the slices of a series by Instance Number, at equal distances.
#
# Expectation: a folder with a series becomes a volume in the order of the slices' positions, as SimpleITK, dcm2niix
# and dicom2nifti make it; a series with a gap is refused or warned of.
# Behaviour: the slices are sorted by Instance Number and get the mean of the distances between neighbours in that
# order. Slices at 0, 2, 4 mm with the numbers 2, 1, 3 come out as 2, 0, 4, with an affine that says 1 mm and begins at
# 2 mm; slices at 0, 2, 8 mm come out as 0, 4, 8. Numbers in the order of acquisition are usual in MR. There is no
# warning.
# Versions: numpy==2.4.6, torch==2.15.0, monai==1.6.1, pydicom==3.0.2.
# Source: PS3.3 C.7.6.2.1.1 (position) and C.7.6.1 (Instance Number: a number that identifies the image). Found by
# exchanging numbers.
# Output seen: numbers 2, 1, 3: slices at [2, 0, 4], affine from 2.0 in steps of 1.0; at 0, 2, 8: in steps of 4.0
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 torch==2.15.0 monai==1.6.1 pydicom==3.0.2
cd "$folder"
PATH="$folder/venv/bin:$PATH" "$folder/venv/bin/python" -W ignore - <<'EOF'
import os
import shutil

import numpy as np
from monai.transforms import LoadImage

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage


def read(numbers, positions):
    shutil.rmtree("series", ignore_errors=True)
    os.mkdir("series")
    for index, (number, position) in enumerate(zip(numbers, positions)):
        image = Dataset()
        image.file_meta = FileMetaDataset()
        image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        image.SOPClassUID = image.file_meta.MediaStorageSOPClassUID = MRImageStorage
        image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = f"1.2.3.{number}"
        image.StudyInstanceUID, image.SeriesInstanceUID = "1.2.3.100", "1.2.3.101"
        image.FrameOfReferenceUID = "1.2.3.102"
        image.Modality, image.InstanceNumber = "MR", number
        image.ImagePositionPatient, image.ImageOrientationPatient = [0, 0, position], [1, 0, 0, 0, 1, 0]
        image.PixelSpacing, image.SliceThickness = [1, 1], 2
        image.Rows, image.Columns, image.SamplesPerPixel = 6, 8, 1
        image.PhotometricInterpretation, image.PixelRepresentation = "MONOCHROME2", 0
        image.BitsAllocated, image.BitsStored, image.HighBit = 16, 16, 15
        image.PixelData = np.full((6, 8), position, np.uint16).tobytes()
        image.save_as(f"series/{index}.dcm", enforce_file_format=True)
    volume = LoadImage(reader="PydicomReader")("series")
    affine = np.asarray(volume.affine)
    seen = np.asarray(volume)[0, 0].astype(int).tolist(), float(affine[2, 3]), float(affine[2, 2])
    print("numbers", numbers, "at", positions, ": slices at", seen[0], "affine from", seen[1], "in steps of", seen[2])
    return seen


assert read([1, 2, 3], [0, 2, 4]) == ([0, 2, 4], 0, 2), "the behaviour has changed"
assert read([2, 1, 3], [0, 2, 4]) == ([2, 0, 4], 2, 1), "the behaviour has changed"
assert read([1, 2, 3], [0, 2, 8]) == ([0, 2, 8], 0, 4), "the behaviour has changed"
EOF
