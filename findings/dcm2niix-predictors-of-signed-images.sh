#!/bin/sh
# dcm2niix decodes signed images in lossless JPEG wrongly for three of the seven predictors.
#
# Expectation: a lossless image is the same from every decoder, whatever predictor the encoder chose.
# Behaviour: with predictors 5, 6 and 7, which add or halve differences of neighbours, most pixels of a 16-bit image come
# out wrong, by up to 32768, when its values cross zero: in two's complement -5 is 65531, and its difference to 5 needs
# 17 bits. The exit code is 0. Predictors 1 to 4 are right, and so are images of 12 bits. GDCM,
# libjpeg by pydicom, libjpeg-turbo and liblj92 decode all seven. 6 is what DCMTK's dcmcjpeg takes for process 14,
# and its files are converted with the same errors.
# Versions: numpy==2.4.6, pydicom==3.0.2, imagecodecs==2026.3.6, pylibjpeg==2.1.0, pylibjpeg-libjpeg==2.5.0,
# simpleitk==2.5.7, nibabel==5.4.2, dcm2niix==1.0.20260724.
# Source: ITU-T T.81, H.1.2.1 (predictions in full precision, differences modulo 65536). Found by comparing decoders.
# Output seen: right pixels of 1024 for predictors 1 to 7: dcm2niix 1024 1024 1024 1024 156 222 119, the others 1024
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 pydicom==3.0.2 imagecodecs==2026.3.6 pylibjpeg==2.1.0 pylibjpeg-libjpeg==2.5.0 simpleitk==2.5.7 nibabel==5.4.2 dcm2niix==1.0.20260724
cd "$folder"
PATH="$folder/venv/bin:$PATH" "$folder/venv/bin/python" -W ignore - <<'EOF'
import glob
import os
import shutil
import struct
import subprocess

import imagecodecs
import nibabel
import numpy as np
import SimpleITK

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.pixels import pixel_array
from pydicom.uid import CTImageStorage, JPEGLossless


def lossless(image, predictor):
    """A lossless JPEG (ITU-T T.81, H) of a 16-bit image, with codes of five bits for all categories."""
    rows, columns = image.shape
    values, bits = image.astype(int), []
    for row in range(rows):
        for column in range(columns):
            left = values[row, column - 1] if column else 0
            above = values[row - 1, column] if row else 0
            corner = values[row - 1, column - 1] if row and column else 0
            if row == 0:
                predicted = left if column else 1 << 15
            elif column == 0:
                predicted = above
            else:
                predicted = (
                    left, above, corner, left + above - corner, left + (above - corner >> 1), above + (left - corner >> 1),
                    left + above >> 1,
                )[predictor - 1]
            step = int(values[row, column] - predicted + 32767) % 65536 - 32767
            category = abs(step).bit_length() if step != 32768 else 16
            bits.append(f"{category:05b}")
            if 0 < category < 16:
                bits.append(f"{step if step > 0 else step + (1 << category) - 1:0{category}b}")
    text = "".join(bits)
    text += "1" * (-len(text) % 8)
    scan = bytes(int(text[start:start + 8], 2) for start in range(0, len(text), 8)).replace(b"\xff", b"\xff\x00")

    def segment(marker, body):
        return struct.pack(">BBH", 255, marker, len(body) + 2) + body

    head = b"\xff\xd8" + segment(0xC3, struct.pack(">BHHB3B", 16, rows, columns, 1, 1, 0x11, 0))
    head += segment(0xC4, bytes([0, 0, 0, 0, 0, 17] + [0] * 11 + list(range(17))))
    return head + segment(0xDA, bytes([1, 1, 0, predictor, 0, 0])) + scan + b"\xff\xd9"


def instance(stream):
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = JPEGLossless
    data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = CTImageStorage
    data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = "1.2.3.1"
    data.StudyInstanceUID, data.SeriesInstanceUID, data.FrameOfReferenceUID = "1.2.3.100", "1.2.3.101", "1.2.3.102"
    data.PatientID, data.Modality, data.InstanceNumber = "P", "CT", 1
    data.ImagePositionPatient, data.ImageOrientationPatient = [0, 0, 0], [1, 0, 0, 0, 1, 0]
    data.PixelSpacing, data.SliceThickness = [1, 1], 1
    data.Rows, data.Columns, data.SamplesPerPixel = 32, 32, 1
    data.PhotometricInterpretation, data.PixelRepresentation = "MONOCHROME2", 1
    data.BitsAllocated, data.BitsStored, data.HighBit = 16, 16, 15
    data.PixelData = encapsulate([stream])
    data["PixelData"].VR = "OB"
    return data


y, x = np.mgrid[:32, :32]
noise = np.random.default_rng(1).normal(0, 15, (32, 32))
image = (20 * np.sin(x / 5) + 20 * np.cos(y / 4) + noise).astype(np.int16)
seen, others = [], set()
for predictor in range(1, 8):
    stream = lossless(image.view(np.uint16), predictor)
    shutil.rmtree("study", ignore_errors=True)
    os.makedirs("study/out")
    instance(stream).save_as("study/image.dcm", enforce_file_format=True)
    subprocess.run(["dcm2niix", "-f", "x", "-o", "study/out", "study"], check=True, capture_output=True)
    converted = np.asarray(nibabel.load(glob.glob("study/out/*.nii")[0]).dataobj)[:, ::-1, 0].T
    seen.append(int((converted == image).sum()))
    for decoded in (
        SimpleITK.GetArrayFromImage(SimpleITK.ReadImage("study/image.dcm"))[0], imagecodecs.ljpeg_decode(stream).view(np.int16),
        pixel_array("study/image.dcm", decoding_plugin="pylibjpeg"), imagecodecs.jpeg_decode(stream).view(np.int16),
    ):
        others.add(int((decoded == image).sum()))
print("dcm2niix", *seen, "others", *others, "of", image.size)
assert others == {1024}
assert seen[:4] == [1024] * 4 and max(seen[4:]) < 512, "the behaviour has changed"
EOF
