"""Decoding times of all codecs beside other decoders: `make bench-codecs`.

Each image of the fixtures, or of the folder that is given, is encoded by the library that the table of `CODECS` names, decoded
by dicomprep and by each other decoder, and compared. A time is the shortest of many on one core; the figure is the median
over the images. Then the images, a few hundred times over, are packed by `dicomprep prep` and by the usual script with
each codec's fastest plugin of pydicom, both on one thread; the figure is CPU time an image; and by `prep` on all cores. Ratios
hold on any machine, times do not.
"""

import argparse
import importlib.metadata
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import gdcm
import imagecodecs
import numpy as np
import pydicom
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import UID

import common
from rle_frame import rle_encode

HERE = Path(__file__).resolve().parent
JPEG = "1.2.840.10008.1.2.4."
IMAGES = 40
COPIES = 250
ROUNDS = 7

# Name, transfer syntax, encoder, decoders of the stream by name, and the plugin of pydicom for the script.
CODECS = [
    ("lossless JPEG", JPEG + "70",
     lambda array: imagecodecs.jpeg8_encode(array, lossless=True, predictor=1, bitspersample=16),
     {"libjpeg-turbo": imagecodecs.jpeg8_decode, "jpegsof3": imagecodecs.jpegsof3_decode}, "gdcm"),
    ("JPEG-LS", JPEG + "80", imagecodecs.jpegls_encode, {"CharLS": imagecodecs.jpegls_decode}, "pyjpegls"),
    ("JPEG 2000", JPEG + "90",
     lambda array: imagecodecs.jpeg2k_encode(array, level=0, reversible=True, codecformat="j2k"),
     {"OpenJPEG": imagecodecs.jpeg2k_decode}, "pylibjpeg"),
    ("HTJ2K", JPEG + "201", lambda array: imagecodecs.htj2k_encode(array, reversible=True),
     {"OpenJPH": imagecodecs.htj2k_decode, "OpenJPEG": imagecodecs.jpeg2k_decode}, "pylibjpeg"),
    ("RLE", "1.2.840.10008.1.2.5", rle_encode, {}, "pylibjpeg"),
]  # fmt: skip


def shortest(decode):
    """Nanoseconds of the fastest call within a tenth of a second."""
    start, best = time.perf_counter_ns(), 1 << 62
    while time.perf_counter_ns() - start < 100_000_000:
        before = time.perf_counter_ns()
        decode()
        best = min(best, time.perf_counter_ns() - before)
    return best


def images(folder):
    files = sorted(folder.rglob("*.dcm"))
    for file in files[:: max(1, len(files) // IMAGES)][:IMAGES]:
        yield pydicom.dcmread(file).pixel_array.astype(np.uint16)


def image_object(array, syntax, frame):
    """The bytes of an image object with this frame."""
    image = pydicom.Dataset()
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = UID(syntax)
    image.file_meta.MediaStorageSOPClassUID = image.SOPClassUID = "1.2.840.10008.5.1.4.1.1.4"
    image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID = "2.25.1"
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
    image.Rows, image.Columns = array.shape
    image.BitsAllocated = image.BitsStored = 16
    image.HighBit, image.PixelRepresentation = 15, 0
    image.PixelData = encapsulate([frame])
    image["PixelData"].VR = "OB"
    return image


def by_gdcm(file):
    """GDCM's own reader, with the pixels as bytes; it reads the file each time."""
    reader = gdcm.ImageReader()
    reader.SetFileName(str(file))
    assert reader.Read()
    return reader.GetImage().GetBuffer()


def decoding(program, arrays):
    """Prints the times of the decoders alone."""
    print(f"{'codec':14} {'decoder':14} ms an image  times dicomprep's")
    for name, syntax, encode, peers, _ in CODECS:
        with tempfile.TemporaryDirectory() as folder:
            files, times = [], {peer: [] for peer in [*peers, "GDCM"]}
            for number, array in enumerate(arrays):
                files.append(Path(folder) / f"{number}.dcm")
                image_object(array, syntax, encode(array)).save_as(files[-1], enforce_file_format=True)
                frame = next(generate_frames(pydicom.dcmread(files[-1]).PixelData, number_of_frames=1))
                for peer, decode in peers.items():
                    assert np.array_equal(decode(frame), array), (name, peer, number)
                    times[peer].append(shortest(lambda decode=decode, frame=frame: decode(frame)))
                try:
                    times["GDCM"].append(shortest(lambda file=files[-1]: by_gdcm(file)))
                except AssertionError:
                    times.pop("GDCM", None)
            output = common.run([program, *files])[0]
        ours = [int(line) for line in output.split()]
        print(f"{name:14} {'dicomprep':14} {statistics.median(ours) / 1e6:11.3f}  1.00")
        for peer, values in times.items():
            ratio = statistics.median(theirs / own for theirs, own in zip(values, ours))
            print(f"{name:14} {peer:14} {statistics.median(values) / 1e6:11.3f}  {ratio:4.2f}", flush=True)


def tree(folder, arrays, syntax, encode):
    """A directory of the usual layout: a patient with all images, `COPIES` in all, and a contour for each."""
    (folder / "dicoms" / "P").mkdir(parents=True)
    contours = folder / "contourfiles" / "C" / "i-contours"
    contours.mkdir(parents=True)
    (folder / "link.csv").write_text("patient_id,original_id\nP,C\n")
    objects = [image_object(array, syntax, encode(array)) for array in arrays]
    for number in range(1, COPIES + 1):
        image = objects[number % len(objects)]
        # Equal images are remarked: each has a value of its own that no decoder reads.
        image.InstanceNumber = number
        image.save_as(folder / "dicoms" / "P" / f"{number}.dcm", enforce_file_format=True)
        rows, columns = arrays[0].shape
        corners = [(columns * x // 4, rows * y // 4) for x, y in ((1, 1), (3, 1), (3, 3), (1, 3))]
        text = "".join(f"{x}.00 {y}.00\n" for x, y in corners)
        (contours / f"IM-0001-{number:04}-icontour-manual.txt").write_text(text)


def packing(program, arrays):
    """Prints the CPU time of packing on one thread beside the usual script, whose imports are counted apart, and how many times
    as long the script takes as packing on all cores: medians of rounds in turns."""
    cores = common.cores()
    print(f"\n{'codec':14} {'plugin':10} prep, ms an image  script  times prep's  on {cores} cores")
    for name, syntax, encode, _, plugin in CODECS:
        rounds = []
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder) / "data"
            tree(root, arrays, syntax, encode)
            output = Path(folder) / "x.h5"
            prep = [program, "prep", root, "-o", output, "--force", "-q", "--split", "none", "--threads"]
            script = [sys.executable, HERE / "usual_script.py", root, output, "--plugin", plugin]
            for _ in range(ROUNDS):
                theirs = json.loads(common.run(script)[0].splitlines()[-1])
                alone, together = (common.run([*prep, threads])[1] for threads in (1, cores))
                rounds.append((alone["cpu"], theirs["cpu"], together["wall"], theirs["wall"]))
        ours, theirs = (statistics.median(times) * 1e3 / COPIES for times in list(zip(*rounds))[:2])
        ratio = statistics.median(theirs / ours for ours, theirs, *_ in rounds)
        together = statistics.median(theirs / ours for *_, ours, theirs in rounds)
        print(f"{name:14} {plugin:10} {ours:17.2f}  {theirs:6.2f}  {ratio:12.2f}  {together:10.2f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", default=HERE.parent / "fixtures" / "final_data")
    parser.add_argument("--target", type=Path, required=True, help="the folder of the release build")
    words = parser.parse_args()
    arrays = list(images(words.folder))
    rows, columns = arrays[0].shape
    packages = ("imagecodecs", "pydicom", "python-gdcm", "pyjpegls", "pylibjpeg-openjpeg", "pylibjpeg-rle")
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages)
    print(f"{len(arrays)} images of {rows} x {columns}; {versions}")
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})  # GDCM decodes JPEG 2000 on all it has
    decoding(words.target / "examples" / "decode_images", arrays)
    os.sched_setaffinity(0, cores)
    packing(words.target / "dicomprep", arrays)


if __name__ == "__main__":
    sys.exit(main())
