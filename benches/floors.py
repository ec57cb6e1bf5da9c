#!/usr/bin/env python3
"""What no loader of this file can do without; prints when it was done (see tally.py).

    floors.py inflate FILE    every chunk inflated by libdeflate, on all cores, from memory to memory
    floors.py memcpy FILE     decoded samples copied into batches by one core, from memory to memory
"""

import argparse
import ctypes
from concurrent.futures import ThreadPoolExecutor

import h5py
import numpy as np

import common
from tally import Tally

BATCH = 32
COPIED = 64 * BATCH
PADDING = 64


def chunks(data):
    """The bytes of every chunk as they are in the file, and the size of each when decoded."""
    assert data.chunks == (1, *data.shape[1:]), f"the chunks of {data.name} are not one sample each"
    size = int(np.prod(data.chunks)) * data.dtype.itemsize
    return [(data.id.read_direct_chunk((row, 0, 0, 0))[1], size) for row in range(len(data))]


def inflater():
    """What inflates a chunk into memory that is used again: libdeflate itself, inside the package `deflate`.
    It takes its fast path to the end of a chunk where more bytes may be read after it."""
    from deflate import _deflate

    library = ctypes.CDLL(_deflate.__file__)
    library.libdeflate_alloc_decompressor.restype = ctypes.c_void_p
    decompress, number, address = library.libdeflate_zlib_decompress_ex, ctypes.c_size_t, ctypes.c_void_p
    decompress.argtypes = [address, ctypes.c_char_p, number, address, number, address, address]
    state, used, written = library.libdeflate_alloc_decompressor(), number(), number()
    results = ctypes.byref(used), ctypes.byref(written)

    def inflate_into(out, chunk):
        status = decompress(state, chunk, len(chunk), ctypes.addressof(out), len(out), *results)
        if status or written.value != len(out):
            raise ValueError("a chunk could not be inflated")

    return inflate_into


def inflate(file, tally):
    def share(part):
        inflate_into, buffers = inflater(), {}
        for chunk, size in part:
            inflate_into(buffers.setdefault(size, ctypes.create_string_buffer(size)), chunk)

    held, count = chunks(file["images"]) + chunks(file["masks"]), common.cores()
    held = [(chunk + bytes(PADDING), size) for chunk, size in held]
    tally.start()
    # Threads are enough: a call into a library lets the others run.
    with ThreadPoolExecutor(count) as pool:
        list(pool.map(share, [held[first::count] for first in range(count)]))
    tally.samples, tally.bytes = len(file["images"]), sum(size for _, size in held)


def memcpy(file, tally):
    count = len(file["images"])
    held = [file[name][:COPIED] for name in ("images", "masks")]
    batch = [np.zeros((BATCH, *array.shape[1:]), array.dtype) for array in held]
    tally.start()
    for start in range(0, count, BATCH):
        rows, place = min(BATCH, count - start), start % COPIED
        for target, array in zip(batch, held):
            np.copyto(target[:rows], array[place : place + rows])
        tally.add(*(target[:rows] for target in batch))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["inflate", "memcpy"])
    parser.add_argument("file")
    words = parser.parse_args()
    tally = Tally()
    with h5py.File(words.file) as file:
        {"inflate": inflate, "memcpy": memcpy}[words.what](file, tally)
    tally.first = None  # nobody waits for a batch here
    tally.finish()


if __name__ == "__main__":
    main()
