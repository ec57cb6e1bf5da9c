"""Frames of RLE (PS3.5 annex G) out of arrays."""

import imagecodecs
import numpy as np


def rle_encode(array):
    """A frame of an array (row, column): a segment for each byte of a pixel, the most significant first."""
    planes = array.astype(array.dtype.newbyteorder(">")).view("u1").reshape(-1, array.itemsize).T
    segments = [imagecodecs.packbits_encode(plane.tobytes()) for plane in planes]
    segments = [segment + bytes(len(segment) % 2) for segment in segments]
    starts = np.cumsum([64, *map(len, segments)])[:-1]
    header = np.array([len(segments), *starts, *[0] * (15 - len(segments))], "<u4")
    return header.tobytes() + b"".join(segments)
