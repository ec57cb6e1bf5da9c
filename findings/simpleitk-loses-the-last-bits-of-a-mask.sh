#!/bin/sh
# SimpleITK does not read the last pixels of a 1-bit image whose number of pixels is no multiple of 8.
#
# Expectation: Bits Allocated 1 packs the pixels of all frames one after another; 3 frames of 5 x 5 are 75 pixels in
# 10 bytes, and all are read.
# Behaviour: the number of bytes is rounded down, so the last one to seven pixels of the last frame are not decoded.
# Pixels that are set are 255, not 1.
# Versions: numpy==2.4.6, pydicom==3.0.2, simpleitk==2.5.7.
# Source: PS3.5 8.1.1 and annex D (bits of frames follow without padding). Found by reading masks of ones of 16 sizes.
# Output seen: pixels that are read right: 72 of 75 (5 x 5 x 3), 296 of 300 (10 x 10 x 3), 192 of 192 (8 x 8 x 3)
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
from pydicom.pixels import pack_bits
from pydicom.uid import ExplicitVRLittleEndian, MultiFrameSingleBitSecondaryCaptureImageStorage

lost = []
for rows, columns, frames in [(5, 5, 3), (10, 10, 3), (8, 8, 3)] + [(side, side, 3) for side in range(9, 35, 2)]:
    image = Dataset()
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.SOPClassUID = image.file_meta.MediaStorageSOPClassUID = MultiFrameSingleBitSecondaryCaptureImageStorage
    image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = "1.2.3.1"
    image.StudyInstanceUID, image.SeriesInstanceUID, image.Modality = "1.2.3.2", "1.2.3.3", "OT"
    image.Rows, image.Columns, image.NumberOfFrames, image.SamplesPerPixel = rows, columns, frames, 1
    image.PhotometricInterpretation, image.PixelRepresentation = "MONOCHROME2", 0
    image.BitsAllocated, image.BitsStored, image.HighBit = 1, 1, 0
    image.PixelData = pack_bits(np.ones((frames, rows, columns), np.uint8))
    image["PixelData"].VR = "OB"
    image.save_as("mask.dcm", enforce_file_format=True)
    assert dcmread("mask.dcm").pixel_array.all()
    read = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage("mask.dcm")).ravel()
    whole = read.size // 8 * 8
    assert (read[:whole] == 255).all(), "the behaviour has changed"
    lost.append((read[whole:] != 255).sum())
    if len(lost) <= 3:
        print(f"{rows} x {columns} x {frames}: {read.size} pixels, right for certain {whole}")
print("pixels lost in", len(lost), "masks of ones:", *lost)
assert lost[2] == 0 and sum(lost) > 0, "the behaviour has changed"
EOF
