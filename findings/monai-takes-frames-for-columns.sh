#!/bin/sh
# MONAI's PydicomReader moves the axes of a multi-frame image, and leaves out its rescale, spacing and position.
#
# Expectation: an Enhanced CT comes out as columns x rows x frames in HU, with the affine of its frames, as ITKReader
# gives it, and as PydicomReader does for the same slices in single files.
# Behaviour: the first two axes are exchanged, which are frames and rows here, so the result is rows x frames x columns.
# The rescale is looked for beside the pixels only, where an enhanced image has none, and stored values are returned:
# air is 24 instead of -1000. The affine is the identity with two axes exchanged. PydicomReader is what LoadImage takes
# for DICOM where ITK is not installed. A warning names the affine, none the values or the axes.
# Versions: numpy==2.4.6, torch==2.15.0, monai==1.6.1, pydicom==3.0.2, itk==5.4.7.
# Source: PS3.3 C.7.6.16 (multi-frame functional groups); MONAI issues 8265 (axes) and 8468 (affine). Found by comparing
# readers.
# Output seen: ITKReader (6, 5, 4) -1000.0 to -881.0 affine diagonal [-1, -2, 3]; PydicomReader (5, 4, 6) 24.0 to 143.0
# affine [[0, 1, 0], [1, 0, 0], [0, 0, 1]]
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 torch==2.15.0 monai==1.6.1 pydicom==3.0.2 itk==5.4.7
cd "$folder"
PATH="$folder/venv/bin:$PATH" "$folder/venv/bin/python" - <<'EOF'
import warnings

import numpy as np
from monai.data import ITKReader, PydicomReader
from monai.transforms import LoadImage
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import EnhancedCTImageStorage, ExplicitVRLittleEndian


def group(**attributes):
    item = Dataset()
    for name, value in attributes.items():
        setattr(item, name, value)
    return Sequence([item])


pixels = 24 + np.arange(4 * 5 * 6, dtype=np.int16).reshape(4, 5, 6)
image = Dataset()
image.file_meta = FileMetaDataset()
image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
image.SOPClassUID = image.file_meta.MediaStorageSOPClassUID = EnhancedCTImageStorage
image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = "1.2.3.1"
image.StudyInstanceUID, image.SeriesInstanceUID, image.Modality = "1.2.3", "1.2.3.0", "CT"
image.NumberOfFrames, image.Rows, image.Columns = pixels.shape
image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
image.BitsAllocated = image.BitsStored = 16
image.HighBit, image.PixelRepresentation = 15, 1
shared = group(PixelMeasuresSequence=group(PixelSpacing=[2, 1], SliceThickness=3, SpacingBetweenSlices=3),
               PlaneOrientationSequence=group(ImageOrientationPatient=[1, 0, 0, 0, 1, 0]),
               PixelValueTransformationSequence=group(RescaleSlope=1, RescaleIntercept=-1024, RescaleType="HU"))
image.SharedFunctionalGroupsSequence = shared
image.PerFrameFunctionalGroupsSequence = Sequence(
    [group(PlanePositionSequence=group(ImagePositionPatient=[10, 20, 3 * frame]))[0] for frame in range(4)])
image.PixelData = pixels.tobytes()
image.save_as("image.dcm", enforce_file_format=True)

seen = {}
for reader in (ITKReader(), PydicomReader()):
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        loaded = LoadImage(reader=reader, image_only=True)("image.dcm")
    name = type(reader).__name__
    seen[name] = np.asarray(loaded), np.asarray(loaded.affine)[:3, :3].round(3).tolist()
    print(name, seen[name][0].shape, seen[name][0].min(), "to", seen[name][0].max(), "affine", seen[name][1],
          "warned of", [str(warning.message)[:80] for warning in said if str(warning.message).startswith(name)])
values, affine = seen["ITKReader"]
assert (values == pixels.T - 1024).all() and affine == [[-1, 0, 0], [0, -2, 0], [0, 0, 3]]
values, affine = seen["PydicomReader"]
assert values.shape == (5, 4, 6) and (values == pixels.swapaxes(0, 1)).all(), "the behaviour has changed"
assert affine == [[0, 1, 0], [1, 0, 0], [0, 0, 1]], "the behaviour has changed"
EOF
