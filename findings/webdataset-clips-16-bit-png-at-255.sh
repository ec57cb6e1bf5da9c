#!/bin/sh
# WebDataset decodes a 16-bit PNG to an image in which all above 255 is white.
#
# Expectation: decode("l") gives 0 to 1 of the range of the type, so 65535 is 1 and 1000 is 0.015; decode("l8") the
# upper byte; decode("pill") the image with its 16 bits; or they refuse.
# Behaviour: every image decoder converts with Pillow to 8 bits without scaling, which cuts at 255. A CT or radiograph
# of 16 bits becomes black and white: 255, 256, 1000 and 40000 are all 1.0 or 255. A mask as a palette PNG comes out as
# the brightness of its colours: labels 1, 2, 3 are 76, 150, 29. Nothing warns.
# Versions: numpy==2.4.6, pillow==13.0.0, webdataset==1.0.2.
# Source: webdataset documentation of decode and imagehandler; its issue 7. Found by decoding each value.
# Output seen, for 100, 255, 256, 1000, 40000: l and rgb [0.39, 1.0, 1.0, 1.0, 1.0], l8, rgb8, pill and pil [100, 255,
# 255, 255, 255]
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 pillow==13.0.0 webdataset==1.0.2
cd "$folder"
PATH="$folder/venv/bin:$PATH" "$folder/venv/bin/python" - <<'EOF'
import io
import tarfile

import numpy as np
import webdataset
from PIL import Image

values = np.array([[100, 255, 256, 1000, 40000]], np.uint16)
labels = Image.new("P", (3, 1))
labels.putdata([1, 2, 3])
labels.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255])


def decoded(image, how):
    data = io.BytesIO()
    image.save(data, "PNG")
    with tarfile.open("shard.tar", "w") as shard:
        member = tarfile.TarInfo("image.png")
        member.size = len(data.getvalue())
        shard.addfile(member, io.BytesIO(data.getvalue()))
    sample = next(iter(webdataset.WebDataset("shard.tar", shardshuffle=False).decode(how)))
    pixels = np.asarray(sample["png"])
    return (pixels if pixels.ndim == 2 else pixels[..., 0])[0].astype(float).round(2).tolist()


for how in ("l", "rgb"):
    print(how, decoded(Image.fromarray(values), how))
    assert decoded(Image.fromarray(values), how) == [0.39, 1, 1, 1, 1], "the behaviour has changed"
for how in ("l8", "rgb8", "pill", "pil"):
    print(how, decoded(Image.fromarray(values), how))
    assert decoded(Image.fromarray(values), how) == [100, 255, 255, 255, 255], "the behaviour has changed"
print("labels 1, 2, 3:", decoded(labels, "l8"))
assert decoded(labels, "l8") == [76, 150, 29], "the behaviour has changed"
EOF
