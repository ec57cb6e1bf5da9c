#!/bin/sh
# dcm2niix reads two of the three HTJ2K transfer syntaxes.
#
# Expectation: the three syntaxes hold the same kind of codestream, so a converter reads all or none.
# Behaviour: lossless (.201) and general (.203) are converted; lossless RPCL (.202) is refused as unsupported, exit
# code 2 and no file.
# Versions: numpy==2.4.6, pydicom==3.0.2, imagecodecs==2026.3.6, nibabel==5.4.2, dcm2niix==1.0.20260724.
# Source: PS3.5 A.4.4 and supplement 235. Found by running.
# Output seen: 201 (64, 64, 1), 202 refused, 203 (64, 64, 1)
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 pydicom==3.0.2 imagecodecs==2026.3.6 nibabel==5.4.2 dcm2niix==1.0.20260724
cd "$folder"
PATH="$folder/venv/bin:$PATH" "$folder/venv/bin/python" - <<'EOF'
import glob
import os
import subprocess

import imagecodecs
import nibabel
import numpy as np

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, HTJ2KLossless, HTJ2KLosslessRPCL, HTJ2K

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


image = ct(rows=64, columns=64)
stream = imagecodecs.htj2k_encode((np.arange(4096) % 1000).astype(np.uint16).reshape(64, 64))
image.PixelData = encapsulate([stream])
image["PixelData"].VR = "OB"
shapes = {}
for syntax in (HTJ2KLossless, HTJ2KLosslessRPCL, HTJ2K):
    folder = syntax[-3:]
    os.makedirs(f"{folder}/out")
    image.file_meta.TransferSyntaxUID = syntax
    image.save_as(f"{folder}/image.dcm", enforce_file_format=True)
    subprocess.run(["dcm2niix", "-f", "x", "-o", f"{folder}/out", folder], capture_output=True)
    shapes[folder] = [nibabel.load(path).shape for path in glob.glob(f"{folder}/out/*.nii*")]
print(shapes)
assert shapes == {"201": [(64, 64, 1)], "202": [], "203": [(64, 64, 1)]}, "the behaviour has changed"
EOF
