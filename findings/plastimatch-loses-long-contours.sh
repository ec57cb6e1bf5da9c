#!/bin/sh
# plastimatch leaves out a contour of more than 64 kB that pydicom has written.
#
# Expectation: a contour with many points is converted like the others.
# Behaviour: a value of more than 65,534 bytes has no place under its VR in Explicit VR, so pydicom writes Contour
# Data as UN, as the standard says. plastimatch takes it for empty: the slices with the longest contours are missing
# in the middle of the structure, the exit code is 0, and the one line of its output that says so names neither
# structure nor slice. Stored as Implicit VR Little Endian, the same structure is whole.
# Versions: numpy==2.4.6, pydicom==3.0.2, simpleitk==2.5.7, plastimatch==1.10.0.
# Source: PS3.5 6.2.2, note on UN (from CP-1066). Found by comparing the two transfer syntaxes.
# Output seen: pixels per slice: Explicit VR 0 1246 0 1246 0, Implicit VR 0 1246 1249 1246 0
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 pydicom==3.0.2 simpleitk==2.5.7 plastimatch==1.10.0
cd "$folder"
PATH="$folder/venv/bin:$PATH" "$folder/venv/bin/python" - <<'EOF'
import os
import subprocess

import numpy as np
import SimpleITK

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, ImplicitVRLittleEndian, RTStructureSetStorage

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


def item(**values):
    data = Dataset()
    for name, value in values.items():
        setattr(data, name, value)
    return Sequence([data])


def circle(points, position):
    angle = np.linspace(0, 2 * np.pi, points, endpoint=False)
    x, y = 30 + 20 * np.cos(angle), 30 + 20 * np.sin(angle)
    return np.stack([x, y, np.full(points, position)], 1)


os.mkdir("series")
for index in range(5):
    ct(rows=64, columns=64, position=float(index), number=index + 1).save_as(
        f"series/{index}.dcm", enforce_file_format=True)
data = Dataset()
data.file_meta = FileMetaDataset()
data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = RTStructureSetStorage
data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = "1.2.3.900"
data.StudyInstanceUID, data.SeriesInstanceUID, data.FrameOfReferenceUID = "1.2.3.100", "1.2.3.901", "1.2.3.102"
data.PatientID, data.PatientName, data.Modality, data.StructureSetLabel = "P", "P", "RTSTRUCT", "plan"
data.ReferencedFrameOfReferenceSequence = item(
    FrameOfReferenceUID="1.2.3.102",
    RTReferencedStudySequence=item(
        ReferencedSOPClassUID="1.2.840.10008.3.1.2.3.1", ReferencedSOPInstanceUID="1.2.3.100",
        RTReferencedSeriesSequence=item(
            SeriesInstanceUID="1.2.3.101",
            ContourImageSequence=Sequence(
                item(ReferencedSOPClassUID=CTImageStorage, ReferencedSOPInstanceUID=f"1.2.3.{number}")[0]
                for number in range(1, 6)))))
data.StructureSetROISequence = item(
    ROINumber=1, ReferencedFrameOfReferenceUID="1.2.3.102", ROIName="organ", ROIGenerationAlgorithm="MANUAL")
data.RTROIObservationsSequence = item(
    ObservationNumber=1, ReferencedROINumber=1, RTROIInterpretedType="ORGAN", ROIInterpreter="")
contours = Sequence()
for index, points in ((1, 60), (2, 8000), (3, 60)):
    contours += item(
        ContourGeometricType="CLOSED_PLANAR", NumberOfContourPoints=points,
        ContourImageSequence=item(ReferencedSOPClassUID=CTImageStorage, ReferencedSOPInstanceUID=f"1.2.3.{index + 1}"),
        ContourData=[f"{value:.3f}" for value in circle(points, index).ravel()])
data.ROIContourSequence = item(ReferencedROINumber=1, ROIDisplayColor=[255, 0, 0], ContourSequence=contours)

seen = {}
for name, syntax in (("explicit", ExplicitVRLittleEndian), ("implicit", ImplicitVRLittleEndian)):
    data.file_meta.TransferSyntaxUID = syntax
    data.save_as("structures.dcm", implicit_vr=syntax.is_implicit_VR, little_endian=True, enforce_file_format=True)
    subprocess.run(["plastimatch", "convert", "--input", "structures.dcm", "--referenced-ct", "series",
                    "--output-prefix", name, "--prefix-format", "nrrd"], check=True, capture_output=True)
    mask = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(f"{name}/organ.nrrd"))
    seen[name] = (mask > 0).sum((1, 2)).tolist()
print(seen)
assert [count > 0 for count in seen["explicit"]] == [False, True, False, True, False], "the behaviour has changed"
assert [count > 0 for count in seen["implicit"]] == [False, True, True, True, False], "the behaviour has changed"
EOF
