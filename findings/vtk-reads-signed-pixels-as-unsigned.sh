#!/bin/sh
# VTK reads signed DICOM pixels as unsigned when the rescale has a fraction.
#
# Expectation: vtkDICOMImageReader gives stored value * slope + intercept; it knows the Pixel Representation, and signed
# images with whole slopes come out right.
# Behaviour: if slope or intercept is no whole number, as in many PET and MR series, the pixels are taken for unsigned
# before they are rescaled: -1000 * 0.5 becomes 32268 instead of -500, so the darkest pixels are the brightest. Signed
# images of 8 bits are unsigned always. The other way round, an unsigned 16-bit image with a negative intercept is taken
# for signed, so that stored values from 32768 up become negative. There is no error and no warning.
# Versions: numpy==2.4.6, pydicom==3.0.2, simpleitk==2.5.7, vtk==9.7.2.
# Source: PS3.3 C.7.6.3.1 (Pixel Representation) and C.11.1; PixelDataCallback in DICOMAppHelper.cxx of VTK. Found by
# comparing with the definition.
# Output seen: -1000 with slope 2: VTK -2000, SimpleITK -2000; slope 0.5: VTK 32268.0, SimpleITK -500.0; unsigned 40000
# - 1024: VTK -26560, SimpleITK 38976
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 pydicom==3.0.2 simpleitk==2.5.7 vtk==9.7.2
cd "$folder"
PATH="$folder/venv/bin:$PATH" "$folder/venv/bin/python" -W ignore - <<'EOF'
import numpy as np
import SimpleITK
import vtk

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian
from vtk.util import numpy_support


def smallest_and_largest(pixels, slope, intercept):
    image = Dataset()
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.SOPClassUID = image.file_meta.MediaStorageSOPClassUID = CTImageStorage
    image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = "1.2.3.1"
    image.StudyInstanceUID, image.SeriesInstanceUID, image.Modality = "1.2.3", "1.2.3.0", "CT"
    image.Rows, image.Columns = pixels.shape
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
    image.BitsAllocated = image.BitsStored = 8 * pixels.itemsize
    image.HighBit, image.PixelRepresentation = image.BitsStored - 1, int(pixels.dtype.kind == "i")
    image.ImagePositionPatient, image.ImageOrientationPatient = [0, 0, 0], [1, 0, 0, 0, 1, 0]
    image.PixelSpacing, image.SliceThickness, image.InstanceNumber = [1, 1], 1, 1
    image.RescaleSlope, image.RescaleIntercept = slope, intercept
    image.PixelData = pixels.tobytes()
    image.save_as("image.dcm", enforce_file_format=True)
    reader = vtk.vtkDICOMImageReader()
    reader.SetFileName("image.dcm")
    reader.Update()
    by_vtk = numpy_support.vtk_to_numpy(reader.GetOutput().GetPointData().GetScalars()).reshape(pixels.shape)[::-1]
    by_itk = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage("image.dcm"))[0]
    assert (by_itk == pixels * float(slope) + intercept).all()
    print(pixels.dtype, "slope", slope, "intercept", intercept, "VTK", by_vtk[0, :2], "SimpleITK", by_itk[0, :2])
    return by_vtk[0, 0].item(), by_vtk[0, 1].item()


signed = np.full((4, 6), -1000, np.int16)
signed[:, 1] = 100
assert smallest_and_largest(signed, 2, 0) == (-2000, 200)
assert smallest_and_largest(signed, 1, -1024) == (-2024, -924)
assert smallest_and_largest(signed, 0.5, 0) == (32268, 50), "the behaviour has changed"
assert smallest_and_largest(np.full((4, 6), -5, np.int8), 1, 0) == (251, 251), "the behaviour has changed"
unsigned = np.full((4, 6), 40000, np.uint16)
unsigned[:, 1] = 100
assert smallest_and_largest(unsigned, 1, 0) == (40000, 100)
assert smallest_and_largest(unsigned, 1, -1024) == (38976 - 65536, -924), "the behaviour has changed"
EOF
