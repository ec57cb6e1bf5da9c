#!/bin/sh
# dcm2niix writes other values for images of 8 bits with sign, 32 bits without, and 8 bits in big endian words.
#
# Expectation: the values in the NIfTI file are the stored values, or the converter refuses the type, as it does for
# others.
# Behaviour: signed 8-bit pixels are written as uint8 (-5 becomes 251), unsigned 32-bit pixels as int32 (3000000000
# becomes -1294967296), and 8-bit pixels with the VR OW in Explicit VR Big Endian come out with each pair exchanged.
# The exit code is 0, and no warning names it. pydicom and SimpleITK read all three right.
# Versions: numpy==2.4.6, pydicom==3.0.2, simpleitk==2.5.7, nibabel==5.4.2, dcm2niix==1.0.20260724.
# Source: PS3.3 C.7.6.3.1.1 (Pixel Representation), PS3.5 8.1.1 and 8.2 (Pixel Data of VR OW: words in the byte order
# of the transfer syntax). Found by comparing readers.
# Output seen: dcm2niix 251, -1294967296 and [1 0 3 2]; pydicom and SimpleITK -5, 3000000000 and [0 1 2 3]
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 pydicom==3.0.2 simpleitk==2.5.7 nibabel==5.4.2 dcm2niix==1.0.20260724
cd "$folder"
PATH="$folder/venv/bin:$PATH" "$folder/venv/bin/python" - <<'EOF'
import glob
import os
import shutil
import subprocess

import nibabel
import numpy as np
import SimpleITK

from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    CTImageStorage, ExplicitVRBigEndian, ExplicitVRLittleEndian, NuclearMedicineImageStorage, RTDoseStorage)

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


def row(pixels, **values):
    """The first four pixels as dcm2niix, pydicom and SimpleITK read them."""
    for folder in ("series", "out"):
        shutil.rmtree(folder, ignore_errors=True)
        os.mkdir(folder)
    image = ct()
    image.Modality = "NM" if values["BitsAllocated"] == 8 else "RTDOSE"
    storage = NuclearMedicineImageStorage if image.Modality == "NM" else RTDoseStorage
    image.SOPClassUID = image.file_meta.MediaStorageSOPClassUID = storage
    for name, value in values.items():
        setattr(image, name, value)
    image.BitsStored, image.HighBit = image.BitsAllocated, image.BitsAllocated - 1
    image.file_meta.TransferSyntaxUID = ExplicitVRBigEndian if pixels.dtype.byteorder == ">" else ExplicitVRLittleEndian
    image.PixelData = pixels.tobytes()
    image["PixelData"].VR = "OW"
    image.save_as("series/image.dcm", enforce_file_format=True)
    subprocess.run(["dcm2niix", "-f", "x", "-o", "out", "series"], check=True, capture_output=True)
    converted = np.asarray(nibabel.load(glob.glob("out/*.nii")[0]).dataobj)
    return [
        converted[:4, -1, 0].tolist(),
        dcmread("series/image.dcm").pixel_array[0, :4].tolist(),
        SimpleITK.GetArrayFromImage(SimpleITK.ReadImage("series/image.dcm"))[0, 0, :4].tolist(),
    ]


signed = row(np.full((8, 8), -5, np.int8), BitsAllocated=8, PixelRepresentation=1)
large = row(np.full((8, 8), 3000000000, np.uint32), BitsAllocated=32)
even, odd = np.arange(0, 64, 2), np.arange(1, 64, 2)
words = row((odd * 256 + even).astype(">u2"), BitsAllocated=8)
print("signed", *signed, "large", *large, "words", *words)
assert signed == [[251] * 4, [-5] * 4, [-5] * 4], "the behaviour has changed"
assert large == [[-1294967296] * 4, [3000000000] * 4, [3000000000] * 4], "the behaviour has changed"
assert words == [[1, 0, 3, 2], [0, 1, 2, 3], [0, 1, 2, 3]], "the behaviour has changed"
EOF
