#!/bin/sh
# tifffile reads the NaN of a TIFF in LERC compression as 0.
#
# Expectation: LERC with an error of 0 is lossless, and a reader gives NaN where NaN was written, as GDAL does and as
# tifffile does with deflate.
# Behaviour: in LERC a NaN is a pixel that a mask in the codestream marks as invalid, and the reader puts NaN back;
# tifffile asks only for the values and leaves the mask. An image that is NaN outside the body or the mask, in float32
# or float64, comes back with 0 there, the value of water in a CT: means over the image change, and isnan finds nothing.
# It does so with its own files and with GDAL's, as a Zarr store as well. There is no warning.
# Versions: numpy==2.4.6, tifffile==2026.3.3, imagecodecs==2026.3.6, rasterio==1.4.4, zarr==3.1.6.
# Source: LERC, description of lerc_decode (pValidBytes); libtiff's LERC codec, which restores NaN; imagecodecs has
# lerc_decode(masks=True) for it. Found by comparing readers.
# Output seen: written by tifffile: NaN read by tifffile 0, as Zarr 0, by GDAL 1280; by GDAL: 0, 0, 1280 of 1280;
# deflate 1280, 1280, 1280
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 tifffile==2026.3.3 imagecodecs==2026.3.6 rasterio==1.4.4 zarr==3.1.6
cd "$folder"
PATH="$folder/venv/bin:$PATH" "$folder/venv/bin/python" -W ignore - <<'EOF'
import numpy as np
import rasterio
import tifffile
import zarr

image = np.random.default_rng(0).normal(40, 100, (64, 64)).astype(np.float32)
image[:20] = np.nan


def read(file):
    """The image as tifffile, Zarr and GDAL read it."""
    with tifffile.TiffFile(file) as tiff:
        stored = np.asarray(zarr.open(tiff.aszarr(), mode="r"))
    with rasterio.open(file) as source:
        return tifffile.imread(file), stored, source.read(1)


def by_tifffile(file, compression):
    tifffile.imwrite(file, image, compression=compression.lower())


def by_gdal(file, compression):
    with rasterio.open(file, "w", driver="GTiff", width=64, height=64, count=1, dtype="float32",
                       compress=compression) as target:
        target.write(image, 1)


seen = {}
for writer, names in ((by_tifffile, ("LERC", "ADOBE_DEFLATE")), (by_gdal, ("LERC", "DEFLATE"))):
    for name in names:
        writer("image.tif", name)
        images = read("image.tif")
        assert all((values[20:] == image[20:]).all() for values in images)
        seen[writer, name] = [int(np.isnan(values).sum()) for values in images]
        print("written", writer.__name__, name, "NaN read by tifffile, Zarr and GDAL", seen[writer, name], "zeros",
              int((images[0] == 0).sum()))
assert seen[by_tifffile, "ADOBE_DEFLATE"] == seen[by_gdal, "DEFLATE"] == [1280, 1280, 1280]
assert seen[by_tifffile, "LERC"] == seen[by_gdal, "LERC"] == [0, 0, 1280], "the behaviour has changed"
EOF
