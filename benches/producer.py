#!/usr/bin/env python3
"""Writes batches to standard output as `dicomprep batches --image-dtype stored` does, the way a script would.

    producer.py kept|naive FILE    shuffled rows, read by h5py with and without keeping the datasets
    producer.py copy FILE          the same batch over and over: the pipe alone

Prints on standard error when it began and what CPU time it took, imports apart (see tally.py).
"""

import argparse
import io
import json
import sys
import time

import h5py
import numpy as np

from tally import cpu

BATCH = 32
BLOCK = 256 << 10


def kept(file):
    images, masks = file["images"], file["masks"]
    return lambda row: (images[row], masks[row])


def naive(file):
    return lambda row: (file["images"][row], file["masks"][row])


def header(array):
    text = io.BytesIO()
    np.lib.format.write_array_header_1_0(text, np.lib.format.header_data_from_array_1_0(array))
    return text.getvalue()


def batches(file, read):
    """Shuffled batches, read into the same memory again and again."""
    buffers = [np.empty((BATCH, *file[name].shape[1:]), file[name].dtype) for name in ("images", "masks")]
    rows = np.random.default_rng().permutation(len(file["images"]))
    for start in range(0, len(rows), BATCH):
        batch = rows[start : start + BATCH]
        for place, row in enumerate(batch):
            for buffer, values in zip(buffers, read(row)):
                buffer[place] = values
        yield [buffer[: len(batch)] for buffer in buffers]


def write(pipe, content):
    content = memoryview(content).cast("B")
    for start in range(0, len(content), BLOCK):
        block = content[start : start + BLOCK]
        while block:
            block = block[pipe.write(block) :]


def copies(file):
    """What the first batch's bytes cost in the pipe, as often as there are batches in the file."""
    batch = [file[name][:BATCH] for name in ("images", "masks")]
    for start in range(0, len(file["images"]), BATCH):
        count = min(BATCH, len(file["images"]) - start)
        yield [array[:count] for array in batch]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("how", choices=["kept", "naive", "copy"])
    parser.add_argument("file")
    words = parser.parse_args()
    pipe = open(1, "wb", buffering=0)
    start, before = time.monotonic(), cpu()
    with h5py.File(words.file) as file:
        source = copies(file) if words.how == "copy" else batches(file, {"kept": kept, "naive": naive}[words.how](file))
        try:
            for batch in source:
                for array in batch:
                    write(pipe, header(array))
                    write(pipe, array)
        except BrokenPipeError:
            pass
    print(json.dumps({"at": start, "cpu": cpu() - before}), file=sys.stderr)


if __name__ == "__main__":
    main()
