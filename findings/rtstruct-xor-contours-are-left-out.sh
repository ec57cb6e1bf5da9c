#!/bin/sh
# plastimatch and dcmrtstruct2nii leave out contours of type CLOSEDPLANAR_XOR.
#
# Expectation: the type says that contours of one slice are combined by exclusive or, so an outer and an inner one make
# a ring; a converter that does not know it takes them for CLOSED_PLANAR, or fails.
# Behaviour: both skip contours of this type. plastimatch then writes no mask of the structure, dcmrtstruct2nii an empty
# one: a sample that says there is nothing. Both exit with 0, and mention a skipped type among their messages, without
# the structure. As CLOSED_PLANAR the same contours give a ring of 300 pixels with dcmrtstruct2nii, and 400 with
# plastimatch, which fills the hole.
# Versions: numpy==1.26.4, pydicom==2.4.4, simpleitk==2.5.7, plastimatch==1.10.0, dcmrtstruct2nii==5.
# Source: PS3.3 C.8.8.6.1 (Contour Geometric Type) and C.8.8.6.3 (inner and outer contours). Found by comparing with
# the definition.
# Output seen: CLOSED_PLANAR plastimatch 400, dcmrtstruct2nii 300; CLOSEDPLANAR_XOR plastimatch None, dcmrtstruct2nii 0
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==1.26.4 pydicom==2.4.4 simpleitk==2.5.7 plastimatch==1.10.0 dcmrtstruct2nii==5
cd "$folder"
PATH="$folder/venv/bin:$PATH" "$folder/venv/bin/python" - <<'EOF'
import os
import subprocess

import numpy as np
import SimpleITK

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, RTStructureSetStorage


def item(**values):
    data = Dataset()
    for name, value in values.items():
        setattr(data, name, value)
    return Sequence([data])


def instance(kind, uid, series, modality):
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = kind
    data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = uid
    data.StudyInstanceUID, data.SeriesInstanceUID, data.FrameOfReferenceUID = "1.2.3.100", series, "1.2.3.102"
    data.PatientID, data.PatientName, data.Modality = "P", "P", modality
    data.is_little_endian, data.is_implicit_VR = True, False
    return data


os.mkdir("series")
for index in range(3):
    image = instance(CTImageStorage, f"1.2.3.{index + 1}", "1.2.3.101", "CT")
    image.InstanceNumber, image.PatientPosition = index + 1, "HFS"
    image.ImagePositionPatient, image.ImageOrientationPatient = [0, 0, index], [1, 0, 0, 0, 1, 0]
    image.PixelSpacing, image.SliceThickness = [1, 1], 1
    image.Rows, image.Columns, image.SamplesPerPixel = 40, 40, 1
    image.PhotometricInterpretation, image.PixelRepresentation = "MONOCHROME2", 1
    image.BitsAllocated, image.BitsStored, image.HighBit = 16, 16, 15
    image.RescaleSlope, image.RescaleIntercept = 1, 0
    image.PixelData = bytes(2 * 40 * 40)
    image.save_as(f"series/{index}.dcm", write_like_original=False)


def square(first, last):
    corners = [(first, first), (last, first), (last, last), (first, last)]
    return [value for x, y in corners for value in (x, y, 1.0)]


def pixels_of(path):
    if os.path.exists(path):
        return np.count_nonzero(SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(path)))


def converted(kind):
    structures = instance(RTStructureSetStorage, "1.2.3.50", "1.2.3.105", "RTSTRUCT")
    structures.StructureSetLabel = "ring"
    images = Sequence()
    for index in range(3):
        images += item(ReferencedSOPClassUID=CTImageStorage, ReferencedSOPInstanceUID=f"1.2.3.{index + 1}")
    series = item(SeriesInstanceUID="1.2.3.101", ContourImageSequence=images)
    study = item(ReferencedSOPClassUID="1.2.840.10008.3.1.2.3.1", ReferencedSOPInstanceUID="1.2.3.100",
                 RTReferencedSeriesSequence=series)
    structures.ReferencedFrameOfReferenceSequence = item(FrameOfReferenceUID="1.2.3.102",
                                                         RTReferencedStudySequence=study)
    structures.StructureSetROISequence = item(ROINumber=1, ReferencedFrameOfReferenceUID="1.2.3.102", ROIName="ring",
                                              ROIGenerationAlgorithm="")
    structures.RTROIObservationsSequence = item(ObservationNumber=1, ReferencedROINumber=1,
                                                RTROIInterpretedType="ORGAN", ROIInterpreter="")
    contours = Sequence()
    for points in (square(9.5, 29.5), square(14.5, 24.5)):
        contours += item(ContourImageSequence=item(ReferencedSOPClassUID=CTImageStorage,
                                                   ReferencedSOPInstanceUID="1.2.3.2"),
                         ContourGeometricType=kind, NumberOfContourPoints=4, ContourData=points)
    structures.ROIContourSequence = item(ReferencedROINumber=1, ContourSequence=contours)
    structures.save_as("structures.dcm", write_like_original=False)
    subprocess.run(["plastimatch", "convert", "--input", "structures.dcm", "--referenced-ct", "series",
                    "--output-prefix", f"plastimatch-{kind}", "--prefix-format", "nii.gz"], check=True,
                   capture_output=True)
    subprocess.run(["dcmrtstruct2nii", "convert", "-r", "structures.dcm", "-d", "series", "-o", f"other-{kind}"],
                   check=True, capture_output=True)
    pixels = [pixels_of(mask) for mask in (f"plastimatch-{kind}/ring.nii.gz", f"other-{kind}/mask_ring.nii.gz")]
    print(kind, "plastimatch", pixels[0], ", dcmrtstruct2nii", pixels[1])
    return pixels


assert converted("CLOSED_PLANAR") == [400, 300], "the behaviour has changed"
assert converted("CLOSEDPLANAR_XOR") == [None, 0], "the behaviour has changed"
EOF
