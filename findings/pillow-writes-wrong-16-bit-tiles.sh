#!/bin/sh
# Pillow writes tiled JPEG 2000 images of 16 bits with wrong pixels in every tile beyond the first column.
#
# Expectation: Image.save("x.j2k", tile_size=...) of a 16-bit image without loss gives the image back, as it does without
# tiles and in 8 bits.
# Behaviour: tiles that do not begin at the left edge hold other parts of the image. No error, in any reader: the
# codestream is sound. Tiles as wide as the image, images of 8 bits and RGB are right.
# Versions: imagecodecs==2026.3.6, numpy==2.4.6, pillow==13.0.0.
# Source: j2k_pack_i16 in src/libImaging/Jpeg2KEncode.c of Pillow. Found by decoding tiles one by one.
# Output seen: {('16 bits', 'tiles'): False, ('16 bits', 'strips'): True, ('8 bits', 'tiles'): True}
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check imagecodecs==2026.3.6 numpy==2.4.6 pillow==13.0.0
cd "$folder"
PATH="$folder/venv/bin:$PATH" "$folder/venv/bin/python" - <<'EOF'
import io

import imagecodecs
import numpy as np
from PIL import Image

deep = (np.arange(64 * 96).reshape(64, 96) * 10).astype(np.uint16)
cases = {
    ("16 bits", "tiles"): (deep, (32, 32)),
    ("16 bits", "strips"): (deep, (96, 32)),
    ("8 bits", "tiles"): ((deep >> 8).astype(np.uint8), (32, 32)),
}
seen = {}
for case, (image, tile) in cases.items():
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "JPEG2000", no_jp2=True, tile_size=tile)
    by_openjpeg = imagecodecs.jpeg2k_decode(stream.getvalue())
    by_pillow = np.asarray(Image.open(stream))
    assert np.array_equal(by_openjpeg, by_pillow)
    seen[case] = bool(np.array_equal(by_openjpeg, image))
print(seen)
expected = {("16 bits", "tiles"): False, ("16 bits", "strips"): True, ("8 bits", "tiles"): True}
assert seen == expected, "the behaviour has changed"
EOF
