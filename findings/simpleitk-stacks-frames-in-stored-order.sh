#!/bin/sh
# SimpleITK stacks the frames of a multi-frame image in stored order, as if their distances were equal.
#
# Expectation: the position of each frame stands in its functional group, so a reader sorts by it, or refuses what is
# not a regular volume.
# Behaviour: frames at 0, 2, 1, 3 mm come out in that order as slices at 0, 1, 2, 3 mm, and frames at 0, 1, 5, 6 mm as
# slices at 0, 1, 2, 3 mm, without a word. A gap closes up, and everything above it is moved.
# Versions: numpy==2.4.6, pydicom==3.0.2, simpleitk==2.5.7.
# Source: PS3.3 C.7.6.16.2.3 (Plane Position) and C.7.6.17 (Dimension Index: frames are in no particular order). Found
# by comparing with the definition.
# Output seen: positions [0, 2, 1, 3] frames [0 1 2 3] spacing 1.0; [0, 1, 5, 6] spacing 1.0
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
from pydicom.uid import EnhancedMRImageStorage, ExplicitVRLittleEndian


def item(**values):
    data = Dataset()
    for name, value in values.items():
        setattr(data, name, value)
    return Sequence([data])


def enhanced(path, positions):
    image = Dataset()
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.SOPClassUID = image.file_meta.MediaStorageSOPClassUID = EnhancedMRImageStorage
    image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = "1.2.3.1"
    image.StudyInstanceUID, image.SeriesInstanceUID, image.FrameOfReferenceUID = "1.2.3.2", "1.2.3.3", "1.2.3.4"
    image.Modality, image.NumberOfFrames = "MR", len(positions)
    image.Rows, image.Columns, image.SamplesPerPixel = 8, 8, 1
    image.PhotometricInterpretation, image.PixelRepresentation = "MONOCHROME2", 0
    image.BitsAllocated, image.BitsStored, image.HighBit = 16, 16, 15
    image.DimensionOrganizationSequence = item(DimensionOrganizationUID="1.2.3.5")
    image.DimensionIndexSequence = item(DimensionOrganizationUID="1.2.3.5", DimensionIndexPointer=0x00209057,
                                        FunctionalGroupPointer=0x00209111)
    image.SharedFunctionalGroupsSequence = item(
        PixelMeasuresSequence=item(PixelSpacing=[1, 1], SliceThickness=1),
        PlaneOrientationSequence=item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0]),
    )
    frames = []
    for position in positions:
        place = sorted(positions).index(position) + 1
        frames += item(
            FrameContentSequence=item(StackID="1", InStackPositionNumber=place, DimensionIndexValues=[place]),
            PlanePositionSequence=item(ImagePositionPatient=[0, 0, position]),
        )
    image.PerFrameFunctionalGroupsSequence = Sequence(frames)
    image.PixelData = np.repeat(np.arange(len(positions), dtype=np.uint16), 64).tobytes()
    image.save_as(path, enforce_file_format=True)


for positions in ([0, 2, 1, 3], [0, 1, 5, 6]):
    enhanced("frames.dcm", positions)
    read = SimpleITK.ReadImage("frames.dcm")
    frames = SimpleITK.GetArrayFromImage(read)[:, 0, 0]
    print(positions, "frames", frames, "spacing", read.GetSpacing()[2], "origin", read.GetOrigin()[2])
    assert frames.tolist() == [0, 1, 2, 3], "the behaviour has changed"
    assert read.GetSpacing()[2] == 1 and read.GetOrigin()[2] == 0, "the behaviour has changed"
EOF
