#!/usr/bin/env python3
"""What people write by hand for the job of `dicomprep prep`: pydicom, Pillow and h5py.

    usual_script.py TREE OUTPUT [--processes N]   packs the inner contours and their images
    usual_script.py TREE OUTPUT --plugin NAME     decodes with this plugin of pydicom
    usual_script.py TREE OUTPUT --floor FILE      only reads those files, and writes the bytes of FILE

Prints one JSON line. The clock starts after the imports and stops when the file is closed; nothing is
synced to disk.
"""

import argparse
import csv
import json
import multiprocessing
import re
import sys
import time
from functools import partial
from pathlib import Path

import h5py
import numpy as np
import PIL
import pydicom
from PIL import Image, ImageDraw
from tally import cpu

CONTOUR = re.compile(r"IM-\d+-(\d+)-icontour-manual\.txt")


def pairs(tree):
    """(image, contour) of every inner contour, by link row and number: dicomprep's order."""
    found = []
    with open(tree / "link.csv", newline="") as table:
        for position, row in enumerate(csv.DictReader(table)):
            for contour in (tree / "contourfiles" / row["original_id"] / "i-contours").iterdir():
                match = CONTOUR.fullmatch(contour.name)
                if match:
                    number = int(match[1])
                    image = tree / "dicoms" / row["patient_id"] / f"{number}.dcm"
                    found.append((position, number, image, contour))
    return [pair[2:] for pair in sorted(found)]


def load(pair, plugin=""):
    """The image and the mask of a pair."""
    image = pydicom.dcmread(pair[0])
    if plugin:
        image.pixel_array_options(decoding_plugin=plugin)
    image = image.pixel_array
    with open(pair[1]) as text:
        polygon = [tuple(map(float, line.split())) for line in text]
    canvas = Image.new("L", image.shape[::-1], 0)
    ImageDraw.Draw(canvas).polygon(polygon, outline=0, fill=1)
    return image, np.array(canvas, np.uint8)


def write(loaded, count, output):
    """One chunk a sample, shuffle for the images, gzip level 4."""
    with h5py.File(output, "w") as file:
        images = masks = None
        for row, (image, mask) in enumerate(loaded):
            if images is None:
                shape, gzip = image.shape, {"compression": "gzip", "compression_opts": 4}
                whole, chunk = (count, *shape, 1), (1, *shape, 1)
                images = file.create_dataset("images", whole, image.dtype, chunks=chunk, shuffle=True, **gzip)
                masks = file.create_dataset("masks", whole, np.uint8, chunks=chunk, **gzip)
            images[row, ..., 0] = image
            masks[row, ..., 0] = mask


def pack(tree, output, processes, plugin):
    found = pairs(tree)
    if processes == 1:
        write((load(pair, plugin) for pair in found), len(found), output)
        return len(found)
    with multiprocessing.Pool(processes) as pool:
        write(pool.imap(partial(load, plugin=plugin), found, chunksize=8), len(found), output)
        pool.close()
        pool.join()  # so that the time of the workers is counted
    return len(found)


def floor(tree, output, content):
    found = pairs(tree)
    for pair in found:
        for path in pair:
            with open(path, "rb", buffering=0) as file:
                file.read()
    with open(output, "wb", buffering=0) as file:
        for start in range(0, len(content), 1 << 20):
            file.write(content[start : start + (1 << 20)])
    return len(found)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tree", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--plugin", default="")
    parser.add_argument("--floor", type=Path)
    words = parser.parse_args()
    content = words.floor.read_bytes() if words.floor else b""
    wall, busy = time.perf_counter(), cpu()
    if words.floor:
        images = floor(words.tree, words.output, memoryview(content))
    else:
        images = pack(words.tree, words.output, words.processes, words.plugin)
    wall, busy = time.perf_counter() - wall, cpu() - busy
    versions = {
        "python": sys.version.split()[0],
        "pydicom": pydicom.__version__,
        "pillow": PIL.__version__,
        "numpy": np.__version__,
        "h5py": h5py.__version__,
        "hdf5": h5py.version.hdf5_version,
    }
    print(json.dumps({"images": images, "wall": wall, "cpu": busy, "versions": versions}))


if __name__ == "__main__":
    main()
