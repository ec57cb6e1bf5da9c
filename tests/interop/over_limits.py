"""DICOM files that claim or hold a little more than the limits that the tests set low: written byte by byte, as no
library would."""

import struct
import zlib

from conftest import REPOSITORY

EXPLICIT, DEFLATED, RLE = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.5"
JPEG, JPEG_2000, HTJ2K = "1.2.840.10008.1.2.4.70", "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.201"
JPEG_XL, DEFLATED_FRAME = "1.2.840.10008.1.2.4.110", "1.2.840.10008.1.2.8.1"
MIB = 1 << 20


def element(tag, vr, value):
    value += b"\0" * (len(value) % 2)
    length = struct.pack("<HI", 0, len(value)) if vr in (b"OW", b"OB", b"SQ") else struct.pack("<H", len(value))
    return struct.pack("<HH", tag >> 16, tag & 0xFFFF) + vr + length + value


def header(rows, columns, bits=16):
    """The attributes of an image, without its pixels."""
    numbers = {0x10: rows, 0x11: columns, 0x100: bits, 0x101: bits, 0x102: bits - 1, 0x103: 0}
    numbers = b"".join(element(0x00280000 + tag, b"US", struct.pack("<H", n)) for tag, n in numbers.items())
    return element(0x00280002, b"US", b"\1\0") + element(0x00280004, b"CS", b"MONOCHROME2 ") + numbers


def file(syntax, data_set):
    return bytes(128) + b"DICM" + element(0x00020010, b"UI", syntax.encode()) + data_set


def framed(syntax, rows, columns, frame, bits=16):
    """An image of one fragment."""
    frame += b"\0" * (len(frame) % 2)
    item = struct.pack("<HHI", 0xFFFE, 0xE000, len(frame)) + frame
    pixels = struct.pack("<HH2sHI", 0x7FE0, 0x10, b"OB", 0, 0xFFFFFFFF)
    end = struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
    empty = struct.pack("<HHI", 0xFFFE, 0xE000, 0)
    return file(syntax, header(rows, columns, bits) + pixels + empty + item + end)


def claimed(rows, columns):
    """An image with eight bytes of pixels."""
    return file(EXPLICIT, header(rows, columns) + element(0x7FE00010, b"OW", bytes(8)))


def claimed_length(length):
    """A text that says it is `length` bytes long and has one."""
    return file(EXPLICIT, header(8, 8) + struct.pack("<HH2sHI", 0x28, 0x4000, b"UT", 0, length) + b"x")


def deflate(data, level=9):
    packer = zlib.compressobj(level, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


def deflated(mebibytes):
    """A deflated data set that holds a text of this size."""
    text = struct.pack("<HH2sHI", 0x28, 0x4000, b"UT", 0, mebibytes * MIB) + bytes(mebibytes * MIB)
    return file(DEFLATED, deflate(header(8, 8) + text))


def nested(depth, width=1):
    """Sequences in sequences, each item of undefined length holding `width` empty ones."""
    sequence = struct.pack("<HH2sHI", 0x28, 0x3000, b"SQ", 0, 0xFFFFFFFF)
    item, item_end = struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF), struct.pack("<HHI", 0xFFFE, 0xE00D, 0)
    end = struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
    opened = (sequence + (item + item_end) * (width - 1) + item) * depth
    return file(EXPLICIT, header(8, 8) + opened + (item_end + end) * depth)


def rle_runs(rows, columns):
    """A whole image out of runs: 128 pixels for two bytes."""
    plane = b"\x81\x07" * (rows * columns // 128)
    offsets = struct.pack("<16I", 2, 64, 64 + len(plane), *[0] * 13)
    return framed(RLE, rows, columns, offsets + plane * 2)


def jpeg_2000(rows, columns, tile=None, precincts=False, syntax=JPEG_2000, body=b"\0" * 16):
    """A codestream with a valid header, a part for each tile, and empty packets."""
    tile = tile or (rows, columns)
    siz = struct.pack(">HHIIIIIIIIHBBB", 41, 0, columns, rows, 0, 0, tile[1], tile[0], 0, 0, 1, 15, 1, 1)
    # No levels; code-blocks of 64 x 64, or precincts of one pixel.
    style = struct.pack(">HBBHBBBBBB", 13 if precincts else 12, int(precincts), 0, 1, 0, 0, 4, 4, 0, 1)
    style += b"\0" * precincts
    tiles = -(-rows // tile[0]) * -(-columns // tile[1])
    start = lambda number: b"\xff\x90" + struct.pack(">HHIBB", 10, number, 14 + len(body), 0, 1) + b"\xff\x93"
    parts = b"".join(start(number) + body for number in range(tiles))
    main = b"\xff\x4f\xff\x51" + siz + b"\xff\x52" + style + b"\xff\x5c" + struct.pack(">HBB", 4, 0x40, 0x80)
    return framed(syntax, rows, columns, main + parts + b"\xff\xd9")


def jpeg(rows, columns):
    """A lossless JPEG whose scan is over before it has begun."""
    frame = b"\xff\xc3" + struct.pack(">HBHHBBBB", 11, 16, rows, columns, 1, 1, 0x11, 0)
    table = b"\xff\xc4" + struct.pack(">HB", 20, 0) + bytes([1] + [0] * 15) + b"\0"
    scan = b"\xff\xda" + struct.pack(">HBBBBBB", 8, 1, 1, 0, 1, 0, 0)
    return framed(JPEG, rows, columns, b"\xff\xd8" + frame + table + scan + bytes(64) + b"\xff\xd9")


def jpeg_xl(side):
    """The frame of a small image, in a file that says another size."""
    lines = (REPOSITORY / "tests/golden/codecs/frames.txt").read_text().splitlines()
    frame = next(line.split(" ")[7] for line in lines if line.startswith("jpegxl-u2-16 "))
    return framed(JPEG_XL, side, side, bytes.fromhex(frame))
