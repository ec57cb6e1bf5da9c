#!/bin/sh
# VTK gives an image in TIFF upside down to the same image in PNG.
#
# Expectation: VTK counts rows from the bottom, so its readers turn over files that begin at the top; the image and its
# mask come out alike, whatever formats they are in.
# Behaviour: the readers of PNG, BMP, PNM, JPEG and DICOM do. The one of TIFF begins with the top row: it keeps the
# order of a file whose Orientation is top left, or that has none, which means the same, and turns over one that begins
# at the bottom and would need no turning. A mask in PNG lies mirrored on its image in TIFF. The writer of TIFF turns
# over and says top left, so an image that goes through a TIFF of VTK's own comes back turned over. Nothing warns.
# Versions: numpy==2.4.6, pillow==13.0.0, tifffile==2026.3.3, vtk==9.7.2.
# Source: TIFF 6.0, Orientation; documentation of vtkImageReader2, FileLowerLeft; pyvista pull request 8084, which turns
# TIFF over by itself. Found by reading one array from each format.
# Output seen: turned over: PNG, BMP, PNM; TIFF without orientation and top left not, bottom left turned over; there and
# back: PNG unchanged, TIFF turned over
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 pillow==13.0.0 tifffile==2026.3.3 vtk==9.7.2
cd "$folder"
PATH="$folder/venv/bin:$PATH" "$folder/venv/bin/python" -W ignore - <<'EOF'
import numpy as np
import tifffile
import vtk

from PIL import Image
from vtk.util import numpy_support

pixels = np.arange(120, dtype=np.uint8).reshape(10, 12)


def read(reader, file):
    reader.SetFileName(file)
    reader.Update()
    return numpy_support.vtk_to_numpy(reader.GetOutput().GetPointData().GetScalars()).reshape(10, 12, -1)[..., 0]


def turned(array):
    """Whether the rows are the other way round; they are one of the two."""
    assert (array == pixels).all() or (array == pixels[::-1]).all(), "the behaviour has changed"
    return bool((array == pixels[::-1]).all())


seen = {}
for name, reader in (("png", vtk.vtkPNGReader()), ("bmp", vtk.vtkBMPReader()), ("pgm", vtk.vtkPNMReader())):
    Image.fromarray(pixels).save("image." + name)
    seen[name] = turned(read(reader, "image." + name))
tifffile.imwrite("image.tif", pixels)
seen["tiff"] = turned(read(vtk.vtkTIFFReader(), "image.tif"))
for orientation in (1, 4):
    tifffile.imwrite("image.tif", pixels, extratags=[(274, "H", 1, orientation, True)])
    stored = tifffile.TiffFile("image.tif").pages[0].tags[274].value
    assert stored == orientation
    seen["tiff", orientation] = turned(read(vtk.vtkTIFFReader(), "image.tif"))
image = vtk.vtkImageData()
image.SetDimensions(12, 10, 1)
image.GetPointData().SetScalars(numpy_support.numpy_to_vtk(pixels.ravel(), deep=1))
for name, writer, reader in (("png", vtk.vtkPNGWriter(), vtk.vtkPNGReader()),
                             ("tiff", vtk.vtkTIFFWriter(), vtk.vtkTIFFReader())):
    writer.SetFileName("own." + name)
    writer.SetInputData(image)
    writer.Write()
    seen["there and back", name] = turned(read(reader, "own." + name))
print("turned over:", seen)
assert seen["png"] and seen["bmp"] and seen["pgm"] and not seen["there and back", "png"]
assert not seen["tiff"] and not seen["tiff", 1] and seen["tiff", 4], "the behaviour has changed"
assert seen["there and back", "tiff"], "the behaviour has changed"
EOF
