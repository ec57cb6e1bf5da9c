#!/usr/bin/env python3
"""Takes batches from standard input and prints when they came (see tally.py).

    reader.py npy|arrow|webdataset [--check] [--epoch SAMPLES] [--first]

--check adds the digests of the samples, --epoch says when each epoch ended, --first ends after one batch.
"""

import argparse
import ast
import sys

import numpy as np

from tally import Tally


def npy(pipe):
    """`images` and `masks` in turn, each .npy record read into the same memory again and again."""
    buffers = {}

    def exactly(buffer):
        done = 0
        while done < len(buffer):
            count = pipe.readinto(buffer[done:])
            if count == 0:
                break
            done += count
        return done

    def record(name):
        start = bytearray(10)
        if exactly(memoryview(start)) == 0:
            return None
        assert start[:8] == b"\x93NUMPY\x01\x00", f"not the start of a .npy record: {bytes(start)}"
        text = bytearray(int.from_bytes(start[8:], "little"))
        exactly(memoryview(text))
        key = name, bytes(text)
        if key not in buffers:
            facts = ast.literal_eval(text.decode("latin-1"))
            buffers[key] = np.empty(facts["shape"], facts["descr"])
        array = buffers[key]
        assert exactly(memoryview(array).cast("B")) == array.nbytes, "the stream ends within a record"
        return array

    while (images := record("images")) is not None:
        yield images, record("masks")


def arrow(pipe):
    import pyarrow

    for batch in pyarrow.ipc.open_stream(pipe):
        yield tuple(batch.column(name).to_numpy_ndarray() for name in ("image", "mask"))


def webdataset(_pipe):
    """The way its users read a tar stream, in batches of 32."""
    import webdataset

    pipeline = webdataset.WebDataset("/dev/stdin", shardshuffle=False).decode().to_tuple("image.npy", "mask.npy")
    return iter(pipeline.batched(32))


FORMATS = {"npy": npy, "arrow": arrow, "webdataset": webdataset}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("format", choices=FORMATS)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--epoch", type=int, default=0)
    parser.add_argument("--first", action="store_true")
    words = parser.parse_args()
    if words.format != "npy":
        __import__({"arrow": "pyarrow"}.get(words.format, words.format))
    pipe = open(0, "rb", buffering=0) if words.format == "npy" else sys.stdin.buffer
    tally = Tally(words.check, words.epoch)
    tally.start()
    for images, masks in FORMATS[words.format](pipe):
        tally.add(images, masks)
        if words.first:
            break
    tally.finish()


if __name__ == "__main__":
    main()
