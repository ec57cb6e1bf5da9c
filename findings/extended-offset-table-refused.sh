#!/bin/sh
# SimpleITK cannot open a valid file that has an Extended Offset Table.
#
# Expectation: the table is optional help for finding frames, so a reader that does not use it ignores it.
# Behaviour: ReadImage raises a logic error from GDCM; pydicom reads both frames.
# Versions: numpy==2.4.6, pydicom==3.0.2, pylibjpeg==2.1.0, pylibjpeg-openjpeg==2.6.0, imagecodecs==2026.3.6,
# simpleitk==2.5.7.
# Source: PS3.3 C.7.6.3.1.8, Extended Offset Table. Found by running.
# Output seen: pydicom 7 9; SimpleITK raises "An invalid logic behavior occurred"
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 pydicom==3.0.2 pylibjpeg==2.1.0 pylibjpeg-openjpeg==2.6.0 imagecodecs==2026.3.6 simpleitk==2.5.7
cd "$folder"
PATH="$folder/venv/bin:$PATH" "$folder/venv/bin/python" - <<'EOF'
import imagecodecs
import numpy as np
import SimpleITK

from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate_extended
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, JPEG2000Lossless, MultiFrameGrayscaleWordSecondaryCaptureImageStorage

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


image = ct()
image.SOPClassUID = image.file_meta.MediaStorageSOPClassUID = MultiFrameGrayscaleWordSecondaryCaptureImageStorage
image.file_meta.TransferSyntaxUID = JPEG2000Lossless
image.NumberOfFrames = 2
frames = [imagecodecs.jpeg2k_encode(np.full((8, 8), value, np.uint16), reversible=True, codecformat="j2k")
          for value in (7, 9)]
image.PixelData, image.ExtendedOffsetTable, image.ExtendedOffsetTableLengths = encapsulate_extended(frames)
image["PixelData"].VR = "OB"
image.save_as("table.dcm", enforce_file_format=True)
print("pydicom", dcmread("table.dcm").pixel_array[:, 0, 0])
try:
    SimpleITK.ReadImage("table.dcm")
except RuntimeError as error:
    print("SimpleITK raises", str(error).strip().splitlines()[-1])
else:
    raise SystemExit("the behaviour has changed")
EOF
