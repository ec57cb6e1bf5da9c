#!/bin/sh
# rt-utils cuts off part of the mask of an image that is not square.
#
# Expectation: a mask of 40 rows and 60 columns that is written and read again comes back with that shape and its
# pixels.
# Behaviour: the mask that is read has 60 rows and 40 columns, but the contour is drawn into it without exchanging
# them: what lies beyond column 40 is lost, silently. The contour in the file is right. Images of MR and ultrasound
# are often not square.
# Versions: numpy==2.4.6, pydicom==3.0.2, rt-utils==1.2.7.
# Source: rt_utils/image_helper.py, create_empty_slice_mask and create_empty_series_mask. Found by a round trip.
# Output seen: given (40, 60) 200 pixels, columns 30 to 49; read (60, 40) 100 pixels, columns 30 to 39
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
    ct(rows=40, columns=60, position=float(index), number=index + 1).save_as(
        f"series/{index}.dcm", enforce_file_format=True)
mask = np.zeros((40, 60, 3), bool)
mask[10:20, 30:50, 1] = True
structures = RTStructBuilder.create_new(dicom_series_path="series")
structures.add_roi(mask=mask, name="box")
structures.save("structures.dcm")
read = RTStructBuilder.create_from("series", "structures.dcm").get_roi_mask_by_name("box")
columns = np.flatnonzero(read.any(axis=(0, 2)))
print("given", mask.shape, mask.sum(), "read", read.shape, read.sum(), "columns", columns.min(), "to", columns.max())
assert read.shape == (60, 40, 3) and read.sum() == 100 and columns.max() == 39, "the behaviour has changed"
EOF
