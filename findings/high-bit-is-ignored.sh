#!/bin/sh
# Readers ignore High Bit, so 12-bit pixels stored in the upper bits come out 16 times too large.
#
# Expectation: with Bits Stored 12 and High Bit 15 a reader shifts the values down by 4, or refuses.
# Behaviour: pydicom, SimpleITK and GDCM return the 16-bit words as they are, without an error.
# Versions: numpy==2.4.6, pydicom==3.0.2, simpleitk==2.5.7.
# Source: PS3.5 8.1.1 (until 2014 High Bit was free; many older objects have it). Found by comparing with the
# definition.
# Output seen: stored value 60 is read as 960 by pydicom and SimpleITK
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 pydicom==3.0.2 simpleitk==2.5.7
cd "$folder"
PATH="$folder/venv/bin:$PATH" "$folder/venv/bin/python" - <<'EOF'
import numpy as np
import SimpleITK

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


values = (np.arange(64, dtype=np.uint16) * 60).reshape(8, 8)
image = ct()
image.BitsStored, image.HighBit = 12, 15
image.PixelData = (values << 4).tobytes()
image.save_as("high.dcm", enforce_file_format=True)
seen = [int(dcmread("high.dcm").pixel_array[0, 1]),
        int(SimpleITK.GetArrayFromImage(SimpleITK.ReadImage("high.dcm"))[0, 0, 1])]
print("right", values[0, 1], "pydicom", seen[0], "SimpleITK", seen[1])
assert seen == [960, 960], "the behaviour has changed"
EOF
