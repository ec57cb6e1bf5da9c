#!/bin/sh
# SimpleITK applies the rescale of the first frame of an Enhanced CT to all frames.
#
# Expectation: each frame is rescaled with its own Rescale Slope and Intercept, which stand in its functional group.
# Behaviour: the second frame, whose slope is 10 and intercept 5, comes out with slope 2 and intercept 1 of the first.
# Versions: numpy==2.4.6, pydicom==3.0.2, simpleitk==2.5.7.
# Source: PS3.3 C.7.6.16.2.9, Pixel Value Transformation Macro: may be per frame. Found by comparing with the
# definition.
# Output seen: frames 201 and 201; right are 201 and 1005
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 pydicom==3.0.2 simpleitk==2.5.7
cd "$folder"
PATH="$folder/venv/bin:$PATH" "$folder/venv/bin/python" - <<'EOF'
import numpy as np
import SimpleITK

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import CTImageStorage, EnhancedCTImageStorage, ExplicitVRLittleEndian

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


image = ct()
image.SOPClassUID = image.file_meta.MediaStorageSOPClassUID = EnhancedCTImageStorage
image.NumberOfFrames = 2
image.SharedFunctionalGroupsSequence = item(
    PixelMeasuresSequence=item(PixelSpacing=[1, 1], SliceThickness=1),
    PlaneOrientationSequence=item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0]),
)
frames = []
for number, (slope, intercept) in enumerate([(2, 1), (10, 5)]):
    frames += item(
        PlanePositionSequence=item(ImagePositionPatient=[0, 0, number]),
        PixelValueTransformationSequence=item(RescaleSlope=slope, RescaleIntercept=intercept, RescaleType="HU"),
    )
image.PerFrameFunctionalGroupsSequence = Sequence(frames)
image.PixelData = np.full((2, 8, 8), 100, np.uint16).tobytes()
image.save_as("enhanced.dcm", enforce_file_format=True)
first, second = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage("enhanced.dcm"))[:, 0, 0]
print("SimpleITK", first, second, "right", 201, 1005)
assert (first, second) == (201, 201), "the behaviour has changed"
EOF
