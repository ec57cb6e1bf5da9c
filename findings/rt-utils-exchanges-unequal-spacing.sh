#!/bin/sh
# rt-utils writes contours with row and column spacing exchanged.
#
# Expectation: x of a contour point is column times column spacing, the second value of Pixel Spacing.
# Behaviour: x is column times row spacing and y is row times column spacing. Reading the file back with rt-utils
# undoes it, so a round trip does not show it; every other reader puts the contour elsewhere.
# Versions: numpy==2.4.6, pydicom==3.0.2, rt-utils==1.2.7.
# Source: PS3.3 10.7.1.3, Pixel Spacing: row spacing first. Found by comparing with the definition.
# Output seen: x 15.0 to 24.5 where 60 to 98 is right
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 pydicom==3.0.2 rt-utils==1.2.7
cd "$folder"
PATH="$folder/venv/bin:$PATH" "$folder/venv/bin/python" - <<'EOF'
import os

import numpy as np
from rt_utils import RTStructBuilder

from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

def ct(rows=8, columns=8, position=0.0, number=1):
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = CTImageStorage
    data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = f"1.2.3.{number}"
    data.StudyInstanceUID, data.SeriesInstanceUID, data.FrameOfReferenceUID = "1.2.3.100", "1.2.3.101", "1.2.3.102"
    data.PatientID, data.Modality, data.InstanceNumber = "P", "CT", number
    data.ImagePositionPatient, data.ImageOrientationPatient = [0, 0, position], [1, 0, 0, 0, 1, 0]
    data.PixelSpacing, data.SliceThickness, data.SliceLocation = [1, 1], 1, position
    data.Rows, data.Columns, data.SamplesPerPixel = rows, columns, 1
    data.PhotometricInterpretation, data.PixelRepresentation = "MONOCHROME2", 0
    data.BitsAllocated, data.BitsStored, data.HighBit = 16, 16, 15
    for name in ("PatientName", "PatientBirthDate", "PatientSex", "PatientAge", "PatientSize", "PatientWeight", "StudyDate",
                 "StudyTime", "AccessionNumber", "ReferringPhysicianName", "StudyID", "StudyDescription",
                 "SeriesDescription", "StationName", "Manufacturer"):
        setattr(data, name, "")
    data.PixelData = bytes(2 * rows * columns)
    return data


os.mkdir("series")
for index in range(3):
    image = ct(rows=40, columns=60, position=float(index), number=index + 1)
    image.PixelSpacing = [0.5, 2.0]
    image.save_as(f"series/{index}.dcm", enforce_file_format=True)
mask = np.zeros((40, 60, 3), bool)
mask[10:20, 30:50, 1] = True
structures = RTStructBuilder.create_new(dicom_series_path="series")
structures.add_roi(mask=mask, name="box")
structures.save("structures.dcm")
contour = dcmread("structures.dcm").ROIContourSequence[0].ContourSequence[0].ContourData
x, y, _ = np.array(contour, float).reshape(-1, 3).T
print("x", x.min(), x.max(), "right 60.0 98.0; y", y.min(), y.max(), "right 5.0 9.5")
assert (x.min(), x.max(), y.min(), y.max()) == (15, 24.5, 20, 38), "the behaviour has changed"
EOF
