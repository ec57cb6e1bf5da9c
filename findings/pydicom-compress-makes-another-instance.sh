#!/bin/sh
# pydicom gives a data set another SOP Instance UID when it compresses it, lossless too.
#
# Expectation: a lossless change of transfer syntax leaves the identity of the image as it is.
# Behaviour: Dataset.compress writes a new SOP Instance UID unless it is told not to, so the RTSTRUCT and SEG objects
# that reference the image no longer find it, and an archive holds the image twice.
# Versions: numpy==2.4.6, pydicom==3.0.2.
# Source: PS3.3 C.7.6.1.1.3 asks for a new UID after lossy compression of the image. Found by running.
# Output seen: True 1.2.3.1
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 pydicom==3.0.2
cd "$folder"
venv/bin/python - <<'EOF'
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, RLELossless

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


image, kept = ct(), ct()
image.compress(RLELossless)
kept.compress(RLELossless, generate_instance_uid=False)
print(image.SOPInstanceUID != "1.2.3.1", kept.SOPInstanceUID)
assert image.SOPInstanceUID != "1.2.3.1" and kept.SOPInstanceUID == "1.2.3.1", "the behaviour has changed"
EOF
