#!/bin/sh
# imageio makes bright pixels of a DICOM image negative, and wraps slices of a volume.
#
# Expectation: with Rescale Slope 1 and Intercept 0 the values are the stored ones, in every slice.
# Behaviour: when a slope is present, the plugin chooses the type by the values of the slice, and takes int8 for 0 to
# 255 and int16 for 0 to 65535: 200 is read as -56, 40000 as -25536. A volume gets the type of its first slice, so
# 300, 1000 and 2000 after a dark slice become 44, -24 and -48. Without the two attributes all values are right.
# Versions: numpy==2.4.6, pydicom==3.0.2, imageio==2.38.1.
# Source: imageio/plugins/_dicom.py, _apply_slope_and_offset and get_numpy_array; PS3.3 C.11.1. Found by comparing
# with the definition.
# Output seen: single images int8 -56, int16 -25536; volume int8 [7 44 -24 -48]
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 pydicom==3.0.2 imageio==2.38.1
cd "$folder"
PATH="$folder/venv/bin:$PATH" "$folder/venv/bin/python" - <<'EOF'
import os

import imageio.v2
import numpy as np

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


def store(path, value, number=1):
    image = ct(position=float(number), number=number)
    image.RescaleSlope, image.RescaleIntercept = 1, 0
    image.PixelData = np.full((8, 8), value, np.uint16).tobytes()
    image.save_as(path, enforce_file_format=True)


os.mkdir("series")
store("200.dcm", 200)
store("40000.dcm", 40000)
for number, value in enumerate([7, 300, 1000, 2000], 1):
    store(f"series/{number}.dcm", value, number)
seen = [int(imageio.v2.imread(f"{value}.dcm")[0, 0]) for value in (200, 40000)]
volume = np.asarray(imageio.v2.volread("series", "DICOM"))
print("200 and 40000 read as", *seen)
print("7 300 1000 2000 read as", volume.dtype, volume[:, 0, 0])
assert seen == [-56, -25536], "the behaviour has changed"
assert volume.dtype == np.int8 and volume[:, 0, 0].tolist() == [7, 44, -24, -48], "the behaviour has changed"
EOF
