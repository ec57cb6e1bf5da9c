#!/bin/sh
# MosaicML Streaming exchanges the bytes of arrays that are big endian.
#
# Expectation: an array of NumPy that is written as ndarray comes back with its values, in any byte order, as from .npy,
# or it is refused, as LitData refuses it.
# Behaviour: MDSWriter stores the type by its name, which is uint16 for both byte orders, and the bytes as they are, so
# 1, 2 and 1000 come back as 256, 512 and 59395, as native uint16. Arrays from NIfTI and Analyze files of old scanners
# and from FITS are big endian and print like any other. When the column names its type, as ndarray:uint16, writing
# fails, and says that it expected uint16 and got uint16. There is no warning.
# Versions: numpy==2.1.3, mosaicml-streaming==0.13.0, nibabel==5.4.2, torch==2.15.0.
# Source: documentation of Streaming, supported encodings (ndarray); its pull request 82 describes what is stored. Found
# by a round trip of each type.
# Output seen: big endian given [1 2 1000], read uint16 [256 512 59395]; native [1 2 1000]; from NIfTI >i2 [-1000 40 0],
# read int16 [6396 10240 0]
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.1.3 mosaicml-streaming==0.13.0 nibabel==5.4.2 torch==2.15.0
cd "$folder"
PATH="$folder/venv/bin:$PATH" "$folder/venv/bin/python" -W ignore - <<'EOF'
import json

import nibabel
import numpy as np

from streaming import MDSWriter
from streaming.base.format import reader_from_json


def there_and_back(name, array, column="ndarray"):
    with MDSWriter(out=name, columns={"image": column}) as writer:
        writer.write({"image": array})
    with open(name + "/index.json") as index:
        shard = reader_from_json(".", name, json.load(index)["shards"][0])
    return shard[0]["image"]


native = there_and_back("native", np.array([1, 2, 1000], np.uint16))
big = there_and_back("big", np.array([1, 2, 1000], ">u2"))
header = nibabel.Nifti1Header(endianness=">")
header.set_data_dtype(np.int16)
nibabel.Nifti1Image(np.array([[[-1000, 40, 0]]], np.int16), np.eye(4), header).to_filename("ct.nii")
ct = np.asarray(nibabel.load("ct.nii").dataobj)
from_nifti = there_and_back("nifti", ct)
try:
    there_and_back("named", np.array([1, 2, 1000], ">u2"), "ndarray:uint16")
    message = None
except ValueError as error:
    message = str(error)
print("native", native, "big endian", big.dtype, big, "from NIfTI", ct.dtype, ct.ravel(), "read", from_nifti.dtype,
      from_nifti.ravel(), "named:", message)
assert native.tolist() == [1, 2, 1000] and ct.dtype == np.dtype(">i2")
assert big.tolist() == [256, 512, 59395] and big.dtype == np.uint16, "the behaviour has changed"
assert (from_nifti.ravel() == ct.ravel().view("<i2")).all(), "the behaviour has changed"
EOF
