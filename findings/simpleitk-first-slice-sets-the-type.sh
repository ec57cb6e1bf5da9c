#!/bin/sh
# SimpleITK drops the fractions of a series whose first slice has a whole Rescale Slope.
#
# Expectation: each slice is rescaled with its own slope (in PET and many MR series it differs from slice to slice),
# and the volume is real if any slice is.
# Behaviour: ReadImage of a list takes the pixel type from the first file. Slope 1 there makes the volume uint16, and
# 3.5, 1.75 and 5.25 of the other slices become 3, 1 and 5, without a warning. The same files in the other order give
# float64 and the right values.
# Versions: numpy==2.4.6, pydicom==3.0.2, simpleitk==2.5.7.
# Source: PS3.3 C.11.1 (the Modality LUT module belongs to the image); sitkImageSeriesReader.cxx asks only the first
# file for its type. Found by comparing with the definition.
# Output seen: uint16 [7 3 1 5]; reversed float64 [5.25 1.75 3.5 7.]
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


names = []
for index, slope in enumerate([1, 0.5, 0.25, 0.75]):
    image = ct(position=float(index), number=index + 1)
    image.RescaleSlope, image.RescaleIntercept = slope, 0
    image.PixelData = np.full((8, 8), 7, np.uint16).tobytes()
    names.append(f"{index}.dcm")
    image.save_as(names[-1], enforce_file_format=True)
forward = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(names))
backward = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(names[::-1]))
print(forward.dtype, forward[:, 0, 0], "reversed", backward.dtype, backward[:, 0, 0])
assert forward.dtype == np.uint16 and forward[:, 0, 0].tolist() == [7, 3, 1, 5], "the behaviour has changed"
assert backward[:, 0, 0].tolist() == [5.25, 1.75, 3.5, 7], "the behaviour has changed"
EOF
