#!/bin/sh
# SimpleITK takes the spacing at the detector for radiographs that have a calibrated one.
#
# Expectation: where Pixel Spacing is there, it is the spacing; Imager Pixel Spacing, which does not account for the
# magnification, stands in for it only where it is not.
# Behaviour: for CR, DX, mammography and XA images SimpleITK never looks at Pixel Spacing, calibrated or not; the same
# attributes in a secondary capture are read the other way. Lengths, areas and a resampling to 1 mm are wrong by the
# magnification, and a contour in mm lands elsewhere. dcm2niix takes Pixel Spacing. There is no warning.
# Versions: numpy==2.4.6, pydicom==3.0.2, simpleitk==2.5.7, nibabel==5.4.2, dcm2niix==1.0.20260724.
# Source: PS3.3 10.7.1.3 and the Basic Pixel Spacing Calibration Macro (10.7); GDCM, GetSpacingTagFromMediaStorage in
# gdcmImageHelper.cxx. Found by comparing readers.
# Output seen: row spacing of CR, DX, MG, XA: SimpleITK 0.15, dcm2niix 0.1 (calibrated); secondary capture 0.1 and 0.1
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
import SimpleITK

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    ComputedRadiographyImageStorage, DigitalMammographyXRayImageStorageForPresentation,
    DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian, SecondaryCaptureImageStorage,
    XRayAngiographicImageStorage)


def radiograph(storage, modality):
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = storage
    data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = "1.2.3.1"
    data.StudyInstanceUID, data.SeriesInstanceUID = "1.2.3.100", "1.2.3.101"
    data.PatientID, data.Modality, data.InstanceNumber = "P", modality, 1
    data.PixelSpacing, data.ImagerPixelSpacing = [0.1, 0.1], [0.15, 0.15]
    data.PixelSpacingCalibrationType = "FIDUCIAL"
    data.PixelSpacingCalibrationDescription = "a ruler in the plane of the patient"
    data.EstimatedRadiographicMagnificationFactor = 1.5
    data.Rows, data.Columns, data.SamplesPerPixel = 8, 8, 1
    data.PhotometricInterpretation, data.PixelRepresentation = "MONOCHROME2", 0
    data.BitsAllocated, data.BitsStored, data.HighBit = 16, 16, 15
    data.PixelData = bytes(128)
    return data


seen = {}
for storage, modality in (
    (ComputedRadiographyImageStorage, "CR"), (DigitalXRayImageStorageForPresentation, "DX"),
    (DigitalMammographyXRayImageStorageForPresentation, "MG"), (XRayAngiographicImageStorage, "XA"),
    (SecondaryCaptureImageStorage, "OT"),
):
    os.makedirs(f"{modality}/out")
    radiograph(storage, modality).save_as(f"{modality}/image.dcm", enforce_file_format=True)
    subprocess.run(["dcm2niix", "-f", "x", "-o", f"{modality}/out", modality], check=True, capture_output=True)
    converted = nibabel.load(glob.glob(f"{modality}/out/*.nii")[0])
    read = SimpleITK.ReadImage(f"{modality}/image.dcm")
    seen[modality] = [round(read.GetSpacing()[1], 3), round(float(converted.header.get_zooms()[1]), 3)]
print(seen)
assert seen == {**dict.fromkeys(("CR", "DX", "MG", "XA"), [0.15, 0.1]), "OT": [0.1, 0.1]}, "the behaviour has changed"
EOF
