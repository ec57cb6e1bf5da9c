#!/bin/sh
# SimpleITK inverts the stored values of MONOCHROME1 images before it rescales them.
#
# Expectation: Photometric Interpretation is about display; a reader that applies the rescale gives (stored value *
# slope + intercept).
# Behaviour: the stored value 7 of 12 bits becomes 4088 and then, with intercept -1024, 3064 instead of -1017, while
# the metadata still say MONOCHROME1: code that inverts such images itself inverts them twice. pydicom, dcm2niix and
# imageio give the values as defined.
# Versions: numpy==2.4.6, pydicom==3.0.2, simpleitk==2.5.7, dcm2niix==1.0.20260724, nibabel==5.4.2.
# Source: PS3.3 C.7.6.3.1.2 (minimum is shown white after the grey scale transformations). Found by comparing with the
# definition.
# Output seen: SimpleITK 3064, metadata MONOCHROME1; pydicom -1017, dcm2niix -1017
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 pydicom==3.0.2 simpleitk==2.5.7 dcm2niix==1.0.20260724 nibabel==5.4.2
cd "$folder"
PATH="$folder/venv/bin:$PATH" "$folder/venv/bin/python" - <<'EOF'
import glob
import os
import subprocess

import nibabel
import numpy as np
import SimpleITK
from pydicom.pixels import apply_rescale

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
image = ct()
image.PhotometricInterpretation, image.BitsStored, image.HighBit = "MONOCHROME1", 12, 11
image.RescaleSlope, image.RescaleIntercept = 1, -1024
image.PixelData = np.full((8, 8), 7, np.uint16).tobytes()
image.save_as("series/image.dcm", enforce_file_format=True)
read = SimpleITK.ReadImage("series/image.dcm")
value, tag = int(SimpleITK.GetArrayFromImage(read)[0, 0, 0]), read.GetMetaData("0028|0004").strip()
stored = dcmread("series/image.dcm")
by_pydicom = int(apply_rescale(stored.pixel_array, stored)[0, 0])
subprocess.run(["dcm2niix", "-o", ".", "-f", "image", "series"], check=True, capture_output=True)
by_dcm2niix = int(nibabel.load(glob.glob("image*.nii")[0]).get_fdata()[0, 0, 0])
print("SimpleITK", value, tag, "pydicom", by_pydicom, "dcm2niix", by_dcm2niix)
assert (value, tag, by_pydicom, by_dcm2niix) == (3064, "MONOCHROME1", -1017, -1017), "the behaviour has changed"
EOF
