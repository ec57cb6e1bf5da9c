#!/bin/sh
# dicompyler-core moves a dose grid whose frame offsets are absolute away from the patient.
#
# Expectation: Grid Frame Offset Vector has two forms. It begins with 0 and counts from Image Position (Patient), or it
# begins with the z of that position and holds coordinates; a reader of RTDOSE tells them apart by the first value.
# Behaviour: the position is added in both cases. A grid from 10 to 16 mm is found from 20 to 26 mm: the planes of
# the structures get no dose or the dose of other planes, and a dose volume histogram by it is empty or wrong. Nothing
# warns. SimpleITK puts both forms at 10 mm.
# Versions: numpy==1.26.4, pydicom==2.4.4, simpleitk==2.5.7, dicompyler-core==0.5.6.
# Source: PS3.3 C.8.8.3.2, Grid Frame Offset Vector. Found by comparing with the definition.
# Output seen: relative {10: 10.0, 16: 40.0, 20: None, 26: None}; absolute {10: None, 16: None, 20: 10.0, 26: 40.0}
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==1.26.4 pydicom==2.4.4 simpleitk==2.5.7 dicompyler-core==0.5.6
cd "$folder"
PATH="$folder/venv/bin:$PATH" "$folder/venv/bin/python" - <<'EOF'
import numpy as np
import SimpleITK
from dicompylercore.dicomparser import DicomParser

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, RTDoseStorage


def dose(path, offsets):
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.is_little_endian, data.is_implicit_VR = True, False
    data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = RTDoseStorage
    data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = "1.2.3.1"
    data.StudyInstanceUID, data.SeriesInstanceUID, data.FrameOfReferenceUID = "1.2.3.2", "1.2.3.3", "1.2.3.4"
    data.PatientID, data.Modality = "P", "RTDOSE"
    data.ImagePositionPatient, data.ImageOrientationPatient = [0, 0, 10], [1, 0, 0, 0, 1, 0]
    data.PixelSpacing, data.SliceThickness = [1, 1], 2
    data.NumberOfFrames, data.FrameIncrementPointer, data.GridFrameOffsetVector = 4, 0x3004000C, offsets
    data.DoseUnits, data.DoseType, data.DoseSummationType, data.DoseGridScaling = "GY", "PHYSICAL", "PLAN", 0.1
    data.Rows, data.Columns, data.SamplesPerPixel = 8, 8, 1
    data.PhotometricInterpretation, data.PixelRepresentation = "MONOCHROME2", 0
    data.BitsAllocated, data.BitsStored, data.HighBit = 16, 16, 15
    data.PixelData = np.repeat(np.array([10, 20, 30, 40], np.uint16), 64).tobytes()
    data.save_as(path, write_like_original=False)


seen = {}
for form, offsets in {"relative": [0, 2, 4, 6], "absolute": [10, 12, 14, 16]}.items():
    dose("dose.dcm", offsets)
    reader = DicomParser("dose.dcm")
    planes = {z: reader.GetDoseGrid(z) for z in (10, 16, 20, 26)}
    seen[form] = {z: float(plane[4][4]) if len(plane) else None for z, plane in planes.items()}
    image = SimpleITK.ReadImage("dose.dcm")
    print(form, seen[form], "SimpleITK", image.GetOrigin()[2], "in steps of", image.GetSpacing()[2])
    assert image.GetOrigin()[2] == 10 and image.GetSpacing()[2] == 2, "the behaviour has changed"
assert seen["relative"] == {10: 10, 16: 40, 20: None, 26: None}, "the behaviour has changed"
assert seen["absolute"] == {10: None, 16: None, 20: 10, 26: 40}, "the behaviour has changed"
EOF
