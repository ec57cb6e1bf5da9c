#!/bin/sh
# ANTsPy turns the negative values of an integer array into numbers above four billion.
#
# Expectation: from_numpy of a CT in int16 gives an image of a type that holds its values, float if need be, as
# image_read does for the same CT in a file, or it refuses the type.
# Behaviour: every integer type but uint8 becomes unsigned int without a look at the values: -1000 HU is 4294966296, and
# a cast to float keeps that. The mean of an image with air is in the billions, and a mask by a threshold for bone has
# the air in it. int8, int32 and int64 alike, and new_image_like too. With float32 all is right. Nothing warns, and the
# documentation names no types.
# Versions: numpy==2.3.5, scipy==1.15.3, antspyx==0.6.3, simpleitk==2.5.7.
# Source: documentation of ants.from_numpy; ANTsPy pull request 665, which asks only whether to warn of the cast. Found
# by giving each type.
# Output seen: from_numpy int16, int32, int64 [4294966296, 0, 40] int8 [4294967196, 0, 40]; float32 [-1000.0, 0.0,
# 40.0]; read from a file [-1000.0, 0.0, 40.0]
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.3.5 scipy==1.15.3 antspyx==0.6.3 simpleitk==2.5.7
cd "$folder"
PATH="$folder/venv/bin:$PATH" "$folder/venv/bin/python" -W ignore - <<'EOF'
import ants
import numpy as np
import SimpleITK


def values(image):
    return image.numpy()[:, 0].tolist()


air_water_liver = np.array([[-1000, -1000], [0, 0], [40, 40]])
seen = {}
for kind in (np.int16, np.int32, np.int64, np.float32):
    seen[kind] = values(ants.from_numpy(air_water_liver.astype(kind)))
seen[np.int8] = values(ants.from_numpy((air_water_liver // 10 * [[1], [1], [10]]).astype(np.int8)))
for kind, numbers in seen.items():
    print("from_numpy", kind.__name__, numbers)
image = ants.from_numpy(air_water_liver.astype(np.int16))
bone = values(ants.threshold_image(image.clone("float"), 300, 1e10))
print("mean", image.mean(), "as float", values(image.clone("float")), "bone", bone)
like = values(ants.from_numpy(np.zeros((3, 2), np.float32)).new_image_like(air_water_liver.astype(np.int16)))
SimpleITK.WriteImage(SimpleITK.GetImageFromArray(air_water_liver.T.astype(np.int16)), "ct.nii.gz")
read = values(ants.image_read("ct.nii.gz"))
print("new_image_like", like, "read from a file", read)
assert seen[np.float32] == read == [-1000, 0, 40]
assert all(seen[kind] == [2**32 - 1000, 0, 40] for kind in (np.int16, np.int32, np.int64)), "the behaviour has changed"
assert seen[np.int8] == [2**32 - 100, 0, 40] and like == seen[np.int16], "the behaviour has changed"
assert image.mean() > 1e9 and bone == [1, 0, 0], "the behaviour has changed"
EOF
