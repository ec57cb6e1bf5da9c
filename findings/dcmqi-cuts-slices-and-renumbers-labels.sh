#!/bin/sh
# dcmqi gives a label volume back with fewer slices and with other labels.
#
# Expectation: NIfTI to DICOM SEG and back gives the volume of the source images, with empty slices, and its labels.
# Behaviour: segimage2itkimage makes the volume from the first to the last frame that is stored, and empty slices are
# not: 8 slices become 4, and slice 0 of the result is slice 2 of the images. A SEG numbers its segments from 1
# without gaps, so label 3 comes back as 2. There is no warning. A script that pairs image and mask by index is off by
# two slices; the origin is right, so code that goes by position is not.
# Versions: numpy==2.4.6, pydicom==3.0.2, simpleitk==2.5.7, dcmqi==1.5.7.
# Source: PS3.3 C.8.20.4 (Segment Number rises from 1 by 1) and C.8.20.2. Found by a round trip.
# Output seen: given 8 slices, labels 1 and 3 in slices 2, 5 and 3; read 4 slices, labels 1 and 2 in slices 0, 3 and 1
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 pydicom==3.0.2 simpleitk==2.5.7 dcmqi==1.5.7
cd "$folder"
PATH="$folder/venv/bin:$PATH" "$folder/venv/bin/python" - <<'EOF'
import glob
import json
import os
import subprocess

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


labels = np.zeros((8, 20, 24), np.uint8)
labels[2, 5:9, 6:10] = labels[5, 5:9, 6:10] = 1
labels[3, 10:12, 1:4] = 3
os.makedirs("ct")
os.makedirs("back")
for number in range(8):
    ct(rows=20, columns=24, position=2.5 * number, number=number + 1).save_as(f"ct/{number}.dcm", enforce_file_format=True)
volume = SimpleITK.GetImageFromArray(labels)
volume.SetSpacing([1, 1, 2.5])
SimpleITK.WriteImage(volume, "labels.nii.gz")
tissue = {"CodeValue": "85756007", "CodingSchemeDesignator": "SCT", "CodeMeaning": "Tissue"}
segments = [{
    "labelID": label, "SegmentLabel": f"structure {label}", "SegmentDescription": f"structure {label}",
    "SegmentAlgorithmType": "MANUAL", "SegmentedPropertyCategoryCodeSequence": tissue,
    "SegmentedPropertyTypeCodeSequence": tissue,
} for label in (1, 3)]
with open("segments.json", "w") as file:
    json.dump({
        "ContentCreatorName": "reader", "SeriesDescription": "labels", "SeriesNumber": "300", "InstanceNumber": "1",
        "BodyPartExamined": "", "ClinicalTrialSeriesID": "1", "ClinicalTrialTimePointID": "1",
        "segmentAttributes": [segments],
    }, file)
subprocess.run([
    "itkimage2segimage", "--inputImageList", "labels.nii.gz", "--inputMetadata", "segments.json", "--inputDICOMDirectory",
    "ct", "--outputDICOM", "seg.dcm",
], check=True, capture_output=True)
subprocess.run([
    "segimage2itkimage", "--inputDICOM", "seg.dcm", "--outputDirectory", "back", "--outputType", "nii", "--mergeSegments",
], check=True, capture_output=True)
(path,) = glob.glob("back/*.nii*")
read = SimpleITK.ReadImage(path)
back = SimpleITK.GetArrayFromImage(read)
places = {int(label): np.flatnonzero((back == label).any((1, 2))).tolist() for label in np.unique(back) if label}
print("given", labels.shape, "read", back.shape, "slices of labels", places, "origin", read.GetOrigin()[2])
assert back.shape == (4, 20, 24) and places == {1: [0, 3], 2: [1]}, "the behaviour has changed"
assert read.GetOrigin()[2] == 5
EOF
