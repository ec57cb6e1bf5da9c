#!/usr/bin/env python3
"""What no loader of this file can do without; prints when it was done (see tally.py).

    floors.py read FILE       every chunk read and inflated by libdeflate, in the order of a shuffle, on one core
    floors.py inflate FILE    every chunk inflated by libdeflate, on all cores, from memory to memory
    floors.py memcpy FILE     decoded samples copied into batches by one core, from memory to memory
"""

import argparse
import ctypes
import os
import random
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
    decompress.argtypes = [address, address, number, address, number, address, address]
    state, used, written = library.libdeflate_alloc_decompressor(), number(), number()
    results = ctypes.byref(used), ctypes.byref(written)

    def inflate_into(out, chunk, length):
        status = decompress(state, chunk, length, ctypes.addressof(out), len(out), *results)
        if status or written.value != len(out):
            raise ValueError("a chunk could not be inflated")

    return inflate_into


def places(data):
    """Address and size in the file of the chunk of each row, and the size of a chunk when decoded."""
    found = {}
    data.id.chunk_iter(lambda chunk: found.update({chunk.chunk_offset[0]: (chunk.byte_offset, chunk.size)}))
    return [found[row] for row in range(len(data))], int(np.prod(data.chunks)) * data.dtype.itemsize


def read(file, tally):
    """What `dicomprep batches` cannot do without on one core, and nothing else: image after mask after image."""
    inflate_into, kinds = inflater(), []
    for data in (file["images"], file["masks"]):
        where, size = places(data)
        encoded = bytearray(max(length for _, length in where) + PADDING)
        kinds.append((where, encoded, ctypes.c_char.from_buffer(encoded), ctypes.create_string_buffer(size)))
    rows = list(range(len(file["images"])))
    random.Random(0).shuffle(rows)
    descriptor = os.open(file.filename, os.O_RDONLY)
    tally.start()
    for row in rows:
        for where, encoded, start, out in kinds:
            address, length = where[row]
            if os.preadv(descriptor, [memoryview(encoded)[:length]], address) != length:
                raise ValueError("a chunk could not be read")
            inflate_into(out, ctypes.addressof(start), length)
    os.close(descriptor)
    tally.samples, tally.bytes = len(rows), len(rows) * sum(len(out) for *_, out in kinds)


def inflate(file, tally):
    def share(part):
        inflate_into, buffers = inflater(), {}
        for chunk, size in part:
            inflate_into(buffers.setdefault(size, ctypes.create_string_buffer(size)), chunk, len(chunk))

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
    parser.add_argument("what", choices=["read", "inflate", "memcpy"])
    parser.add_argument("file")
    words = parser.parse_args()
    tally = Tally()
    with h5py.File(words.file) as file:
        {"read": read, "inflate": inflate, "memcpy": memcpy}[words.what](file, tally)
    tally.first = None  # nobody waits for a batch here
    tally.finish()


if __name__ == "__main__":
    main()
