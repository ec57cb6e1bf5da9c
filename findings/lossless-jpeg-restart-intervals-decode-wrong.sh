#!/bin/sh
# Two decoders of lossless JPEG give wrong pixels, without an error, for streams with restart intervals.
#
# Expectation: a decoder either starts anew at each restart marker (ITU-T T.81, H.1.2.1) or refuses the stream.
# Behaviour: jpeg-decoder (Rust) and ljpeg_decode of imagecodecs (liblj92) return an image whose pixels are right only up
# to the first marker; libjpeg-turbo 3, by jpeg_decode of imagecodecs, is right. Without restart intervals all agree.
# Versions: jpeg-decoder 0.3.2, imagecodecs==2026.3.6, numpy==2.4.6.
# Source: ITU-T T.81, annex H. Found by decoding a stream of known pixels.
# Output seen: liblj92 [True, False], libjpeg-turbo [True, True]; jpeg-decoder 128 and 32 of 128 bytes right
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 imagecodecs==2026.3.6
cd "$folder"
venv/bin/python - <<'EOF'
import struct

import imagecodecs
import numpy as np


def lossless(image, restart_rows=0):
    """A lossless JPEG (ITU-T T.81, H) of a 16-bit image: predictor 1, codes of five bits for all categories."""
    rows, columns = image.shape
    bits, out = [], bytearray()

    def flush():
        text = "".join(bits)
        text += "1" * (-len(text) % 8)
        for start in range(0, len(text), 8):
            byte = int(text[start:start + 8], 2)
            out.extend([byte, 0] if byte == 255 else [byte])
        bits.clear()

    for row in range(rows):
        first = row == 0 or restart_rows and row % restart_rows == 0
        if first and row:
            flush()
            out.extend([255, 0xD0 + (row // restart_rows - 1) % 8])
        for column in range(columns):
            if column:
                predicted = int(image[row, column - 1])
            else:
                predicted = 1 << 15 if first else int(image[row - 1, 0])
            step = (int(image[row, column]) - predicted + 32768) % 65536 - 32768
            category = abs(step).bit_length()
            bits.append(f"{category:05b}")
            if 0 < category < 16:
                bits.append(f"{step if step > 0 else step + (1 << category) - 1:0{category}b}")
    flush()

    def segment(marker, body):
        return struct.pack(">BBH", 255, marker, len(body) + 2) + body

    head = b"\xff\xd8" + segment(0xC3, struct.pack(">BHHB3B", 16, rows, columns, 1, 1, 0x11, 0))
    head += segment(0xC4, bytes([0, 0, 0, 0, 0, 17] + [0] * 11 + list(range(17))))
    if restart_rows:
        head += segment(0xDD, struct.pack(">H", restart_rows * columns))
    return head + segment(0xDA, bytes([1, 1, 0, 1, 0, 0])) + bytes(out) + b"\xff\xd9"


image = np.random.default_rng(1).integers(0, 4096, (8, 8)).astype(">u2")
for rows in (0, 2):
    open(f"restart{rows}.jpg", "wb").write(lossless(image, rows))
open("image.raw", "wb").write(image.astype("<u2").tobytes())

right = {
    name: [np.array_equal(decode(open(f"restart{rows}.jpg", "rb").read()), image) for rows in (0, 2)]
    for name, decode in {"liblj92": imagecodecs.ljpeg_decode, "libjpeg-turbo": imagecodecs.jpeg_decode}.items()
}
print(right)
assert right == {"liblj92": [True, False], "libjpeg-turbo": [True, True]}, "the behaviour has changed"
EOF
mkdir -p restart/src
cat > restart/Cargo.toml <<'EOF'
[package]
name = "restart"
version = "0.0.0"
edition = "2021"
[dependencies]
jpeg-decoder = { version = "=0.3.2", default-features = false }
EOF
cat > restart/src/main.rs <<'EOF'
fn main() {
    let image = std::fs::read("image.raw").unwrap();
    let right = [0, 2].map(|rows| {
        let stream = std::fs::read(format!("restart{rows}.jpg")).unwrap();
        let decoded = jpeg_decoder::Decoder::new(&stream[..]).decode().unwrap();
        decoded.iter().zip(&image).filter(|(left, right)| left == right).count()
    });
    println!("{right:?} of {} bytes right", image.len());
    assert_eq!(right, [128, 32], "the behaviour has changed");
}
EOF
cargo run --quiet --manifest-path restart/Cargo.toml
