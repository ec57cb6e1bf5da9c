"""Decoding times of the codecs beside the libraries in C and C++: `make bench-codecs`.

Each image of the fixtures, or of the folder that is given, is encoded by libjpeg-turbo (lossless JPEG, predictor 1) and CharLS, decoded by ours and by
each library, and compared. A time is the shortest of many; the figure is the median over the images. Ratios hold on any
machine, times do not.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import imagecodecs
import numpy as np
import pydicom

ROOT = Path(__file__).resolve().parent.parent
IMAGES = 40


def shortest(decode):
    """Nanoseconds of the fastest call within a tenth of a second."""
    start, best = time.perf_counter_ns(), 1 << 62
    while time.perf_counter_ns() - start < 100_000_000:
        before = time.perf_counter_ns()
        decode()
        best = min(best, time.perf_counter_ns() - before)
    return best


def images():
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "fixtures" / "final_data"
    files = sorted(folder.rglob("*.dcm"))
    for file in files[:: max(1, len(files) // IMAGES)][:IMAGES]:
        yield pydicom.dcmread(file).pixel_array.astype(np.uint16)


def measure(name, example, package, encode, peers):
    subprocess.run(
        ["cargo", "build", "--quiet", "--release", "-p", package, "--example", example], cwd=ROOT, check=True
    )
    with tempfile.TemporaryDirectory() as folder:
        files, times = [], {peer: [] for peer in peers}
        for number, array in enumerate(images()):
            frame = encode(array)
            files.append(Path(folder) / f"{number}.bin")
            files[-1].write_bytes(frame)
            for peer, decode in peers.items():
                assert np.array_equal(decode(frame), array), (name, peer, number)
                times[peer].append(shortest(lambda decode=decode, frame=frame: decode(frame)))
            raw = Path(folder) / "raw"
            program = ROOT / "target" / "release" / "examples" / example
            subprocess.run([program, files[-1], raw], check=True, capture_output=True)
            assert np.array_equal(np.fromfile(raw, "<u2").reshape(array.shape), array), (name, number)
        output = subprocess.run([program, "--time", *files], check=True, capture_output=True, text=True).stdout
    ours = [int(line) for line in output.split()]
    print(f"{name:15} {'dicomprep':18} {statistics.median(ours) / 1e6:7.3f} ms  1.00")
    for peer, values in times.items():
        ratio = statistics.median(theirs / own for theirs, own in zip(values, ours))
        print(f"{name:15} {peer:18} {statistics.median(values) / 1e6:7.3f} ms  {ratio:4.2f}")


def main():
    measure(
        "lossless JPEG",
        "decode",
        "dicomprep-jpeg",
        lambda array: imagecodecs.jpeg8_encode(array, lossless=True, predictor=1, bitspersample=16),
        {"libjpeg-turbo": imagecodecs.jpeg8_decode, "jpegsof3": imagecodecs.jpegsof3_decode},
    )
    measure(
        "JPEG-LS",
        "decode_ls",
        "dicomprep-jpeg-ls",
        imagecodecs.jpegls_encode,
        {"CharLS": imagecodecs.jpegls_decode},
    )


if __name__ == "__main__":
    sys.exit(main())
