#!/bin/sh
# SimpleITK reads the bits of a float16 TIFF as whole numbers.
#
# Expectation: a pixel type that a reader does not know is refused, as SimpleITK refuses float64 and uint64 in TIFF.
# Behaviour: of the sample format only the signed integers and float32 are looked at; 16-bit samples in IEEE format are
# returned as uint16 with the bit pattern as value. 0.5, 1 and 2 become 14336, 15360 and 16384: the order of positive
# values stays, so an image still looks like one, while every number is wrong. Negative values become the largest.
# There is no warning. GDAL and tifffile read the values; OpenCV and Pillow refuse.
# Versions: numpy==2.4.6, tifffile==2026.3.3, simpleitk==2.5.7, rasterio==1.4.4.
# Source: TIFF 6.0, SampleFormat 3, and Adobe's TIFF Technical Note 3 (16-bit floating point). Found by comparing
# readers.
# Output seen: SimpleITK uint16 [14336 15360 16384 49664], GDAL [0.5 1. 2. -3.]; float64 and uint64 are refused
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 tifffile==2026.3.3 simpleitk==2.5.7 rasterio==1.4.4
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'EOF'
import numpy as np
import rasterio
import SimpleITK
import tifffile

values = [0.5, 1, 2, -3]
tifffile.imwrite("half.tif", np.array([values] * 4, np.float16), photometric="minisblack")
assert tifffile.imread("half.tif")[0].tolist() == values
gdal = rasterio.open("half.tif").read(1)[0]
seen = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage("half.tif"))[0]
refused = []
for kind in ("float64", "uint64"):
    tifffile.imwrite("other.tif", np.ones((4, 4), kind), photometric="minisblack")
    try:
        SimpleITK.ReadImage("other.tif")
    except RuntimeError:
        refused.append(kind)
print("SimpleITK", seen.dtype, seen, "GDAL", gdal, "refused", *refused)
assert gdal.tolist() == values
assert seen.dtype == np.uint16 and seen.tolist() == [14336, 15360, 16384, 49664], "the behaviour has changed"
assert refused == ["float64", "uint64"], "the behaviour has changed"
EOF
