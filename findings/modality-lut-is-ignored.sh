#!/bin/sh
# SimpleITK and dcm2niix apply a rescale but not a Modality LUT, which takes its place.
#
# Expectation: the transform to the values that mean something is applied in both of its forms, or the image is
# refused.
# Behaviour: an image whose Modality LUT maps 0, 1, 2, 3 to 0, 100, 200, 300 is read as 0, 1, 2, 3, with no warning;
# in a mixed set (film digitizers, CR, XA) some images then have physical values and others stored ones. pydicom has
# apply_modality_lut for both.
# Versions: numpy==2.4.6, pydicom==3.0.2, simpleitk==2.5.7, nibabel==5.4.2, dcm2niix==1.0.20260724.
# Source: PS3.3 C.11.1, Modality LUT: either the sequence or slope and intercept. Found by comparing with the
# definition.
# Output seen: pydicom [0 100 200 300], SimpleITK and dcm2niix [0 1 2 3]
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 pydicom==3.0.2 simpleitk==2.5.7 nibabel==5.4.2 dcm2niix==1.0.20260724
cd "$folder"
PATH="$folder/venv/bin:$PATH" "$folder/venv/bin/python" - <<'EOF'
import glob
import os
import subprocess

import nibabel
import numpy as np
import SimpleITK
from pydicom.pixels import apply_modality_lut

from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ComputedRadiographyImageStorage, CTImageStorage, ExplicitVRLittleEndian

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
image, table = ct(), Dataset()
image.SOPClassUID = image.file_meta.MediaStorageSOPClassUID = ComputedRadiographyImageStorage
image.Modality = "CR"
table.add_new("LUTDescriptor", "US", [64, 0, 16])
table.add_new("LUTData", "US", [100 * value for value in range(64)])
table.ModalityLUTType = "OD"
image.ModalityLUTSequence = Sequence([table])
image.PixelData = np.arange(64, dtype=np.uint16).tobytes()
image.save_as("series/image.dcm", enforce_file_format=True)
stored = dcmread("series/image.dcm")
right = apply_modality_lut(stored.pixel_array, stored)[0, :4].tolist()
by_simpleitk = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage("series/image.dcm"))[0, 0, :4].tolist()
subprocess.run(["dcm2niix", "-f", "x", "-o", ".", "series"], check=True, capture_output=True)
by_dcm2niix = nibabel.load(glob.glob("*.nii")[0]).get_fdata()[:4, -1, 0].astype(int).tolist()
print("pydicom", right, "SimpleITK", by_simpleitk, "dcm2niix", by_dcm2niix)
assert right == [0, 100, 200, 300], "pydicom has changed"
assert by_simpleitk == by_dcm2niix == [0, 1, 2, 3], "the behaviour has changed"
EOF
