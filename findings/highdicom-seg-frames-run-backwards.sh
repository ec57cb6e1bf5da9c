#!/bin/sh
# highdicom stores the frames of a DICOM SEG in falling order of position, not in the order of the images given.
#
# Expectation: frame i of the segmentation belongs to source image i.
# Behaviour: frames are sorted by falling position along the normal, so frame 1 is the last image given. Only the
# derivation or the plane position tells; a script that pairs by index gets every mask on another slice.
# Versions: numpy==2.4.6, pydicom==3.0.2, highdicom==0.28.2.
# Source: PS3.3 C.8.20.2 leaves the order free. Found by running.
# Output seen: pixels of the frames 4 3 2 1 for masks of 1 2 3 4 pixels
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 pydicom==3.0.2 highdicom==0.28.2
cd "$folder"
PATH="$folder/venv/bin:$PATH" "$folder/venv/bin/python" - <<'EOF'
import highdicom
import numpy as np
from pydicom.sr.codedict import codes

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


images = [ct(position=float(index), number=index + 1) for index in range(4)]
masks = np.zeros((4, 8, 8), np.uint8)
for index in range(4):
    masks[index, : index + 1, 0] = 1
segment = highdicom.seg.SegmentDescription(
    1, "organ", codes.SCT.Organ, codes.SCT.Liver, highdicom.seg.SegmentAlgorithmTypeValues.MANUAL)
segmentation = highdicom.seg.Segmentation(
    images, masks, "BINARY", [segment], "1.2.3.9", 1, "1.2.3.10", 1, "maker", "model", "1", "1")
pixels = segmentation.pixel_array.reshape(4, -1).sum(1).tolist()
print("given 1 2 3 4, stored", *pixels)
assert pixels == [4, 3, 2, 1], "the behaviour has changed"
EOF
