"""Writes frames.txt: small synthetic images, encoded by encoders that share no code with the decoders.

    pip install imagecodecs numpy
    python tests/golden/codecs/make.py > tests/golden/codecs/frames.txt

RLE, lossless JPEG and deflate frames are written here, from the standards; lossless JPEG is decoded once
more by imagecodecs, as a check of this encoder. JPEG comes from libjpeg-turbo, JPEG 2000 from OpenJPEG,
high-throughput JPEG 2000 from OpenJPH, JPEG-LS from CharLS, JPEG XL from libjxl, all through imagecodecs.

A line: name, transfer syntax, Bits Allocated, Bits Stored, Pixel Representation, tolerance, expected
values, frame. Expected is `formula` (the image below), `refused`, or the reference decoder's values in
hexadecimal, little endian, which ours may differ from by the tolerance.
"""

import struct
import zlib

import imagecodecs
import numpy as np

ROWS, COLUMNS = 13, 11
JPEG = "1.2.840.10008.1.2.4."


def image(dtype, bits):
    """`(row * row * 2654435761 + column * 40503 + row * column * 977) mod 2^bits`, in two's complement."""
    y, x = np.mgrid[:ROWS, :COLUMNS].astype(np.uint64)
    values = ((y * y * 2654435761 + x * 40503 + x * y * 977) % (1 << bits)).astype(np.int64)
    if np.dtype(dtype).kind == "i":
        values -= (values >> (bits - 1)) << bits
    return values.astype(dtype)


def smooth(bits):
    """A slope with a bend, for lossy codecs."""
    y, x = np.mgrid[:ROWS, :COLUMNS]
    values = (y * 9 + x * x) % 200 * ((1 << bits) - 1) // 200
    return values.astype(np.uint8 if bits == 8 else np.uint16)


def packbits(row):
    """PackBits: runs of equal bytes and stretches of others."""
    out, at = b"", 0
    while at < len(row):
        run = 1
        while at + run < len(row) and run < 128 and row[at + run] == row[at]:
            run += 1
        if run > 1:
            out += bytes([257 - run, row[at]])
            at += run
            continue
        end = at + 1
        while end < len(row) and end - at < 128 and (end + 1 >= len(row) or row[end] != row[end + 1]):
            end += 1
        out += bytes([end - at - 1]) + row[at:end]
        at = end
    return out


def rle(array):
    """PS3.5 annex G: byte planes, the most significant first."""
    size = array.dtype.itemsize
    planes = array.astype(array.dtype.newbyteorder(">")).view(np.uint8).reshape(ROWS, COLUMNS, size)
    segments = []
    for plane in range(size):
        segment = b"".join(packbits(row.tobytes()) for row in planes[..., plane])
        segments.append(segment + b"\0" * (len(segment) % 2))
    offsets = [64 + sum(map(len, segments[:plane])) for plane in range(size)]
    return struct.pack("<16I", size, *offsets, *[0] * (15 - size)) + b"".join(segments)


def deflate(array):
    """A raw deflate stream (RFC 1951)."""
    stream = zlib.compressobj(9, zlib.DEFLATED, -15)
    return stream.compress(array.tobytes()) + stream.flush()


class Entropy:
    """Entropy-coded bits of a JPEG, with a zero behind each byte 0xFF."""

    def __init__(self):
        self.bytes, self.held, self.count = bytearray(), 0, 0

    def put(self, value, bits):
        self.held, self.count = self.held << bits | value & ((1 << bits) - 1), self.count + bits
        while self.count >= 8:
            self.count -= 8
            byte = self.held >> self.count & 0xFF
            self.bytes += bytes([byte, 0] if byte == 0xFF else [byte])

    def fill(self):
        self.put((1 << -self.count % 8) - 1, -self.count % 8)


def predicted(a, y, x, selection, first_row, start):
    """ISO/IEC 10918-1 H.1.2.1; a first row is predicted from the left, a first column from above."""
    if first_row:
        return a[y][x - 1] if x else start
    if x == 0:
        return a[y - 1][0]
    left, above, corner = a[y][x - 1], a[y - 1][x], a[y - 1][x - 1]
    return [left, above, corner, left + above - corner, left + (above - corner >> 1),
            above + (left - corner >> 1), left + above >> 1][selection - 1]


def jpeg_lossless(array, precision, selection, transform=0, restart_rows=0):
    """JPEG process 14 with one Huffman table of 17 codes of 5 bits."""
    a = [[int(value) >> transform for value in row] for row in array]
    scan = Entropy()
    for y in range(ROWS):
        restart = restart_rows and y and y % restart_rows == 0
        if restart:
            scan.fill()
            scan.bytes += bytes([0xFF, 0xD0 + (y // restart_rows - 1) % 8])
        for x in range(COLUMNS):
            start = 1 << (precision - transform - 1)
            difference = a[y][x] - predicted(a, y, x, selection, restart or y == 0, start) & 0xFFFF
            difference -= (difference > 32768) << 16
            category = 16 if difference == 32768 else abs(difference).bit_length()
            scan.put(category, 5)
            if 0 < category < 16:
                scan.put(difference if difference > 0 else difference + (1 << category) - 1, category)
    scan.fill()

    def segment(marker, content):
        return bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content

    interval = segment(0xDD, struct.pack(">H", restart_rows * COLUMNS)) if restart_rows else b""
    return (
        b"\xff\xd8"
        + segment(0xC3, struct.pack(">BHHBBBB", precision, ROWS, COLUMNS, 1, 1, 0x11, 0))
        + segment(0xC4, bytes([0, 0, 0, 0, 0, 17] + [0] * 11) + bytes(range(17)))
        + interval
        + segment(0xDA, bytes([1, 1, 0, selection, 0, transform]))
        + bytes(scan.bytes)
        + b"\xff\xd9"
    )


def jpeg_2000(array, bits, **options):
    return imagecodecs.jpeg2k_encode(array, codecformat="j2k", bitspersample=bits, **options)


def high_throughput(array, bits, **options):
    """OpenJPH writes 8 and 16 bits. A smaller depth is declared afterwards, in SIZ: the image is encoded
    as the signed values that the level shift makes of it, so that the stream means the same image."""
    values = array.astype(np.int64) - (array.dtype.kind == "u") * (1 << (bits - 1))
    signed = values.astype(np.int8 if bits <= 8 else np.int16)
    stream = bytearray(imagecodecs.htj2k_encode(signed, reversible=True, **options))
    stream[stream.index(b"\xff\x51") + 40] = bits - 1 | (array.dtype.kind == "i") << 7
    return bytes(stream)


def line(name, syntax, array, bits, frame, expected="formula", tolerance=0):
    if not isinstance(expected, str):
        expected = expected.astype(array.dtype).tobytes().hex()
    signed = int(array.dtype.kind == "i")
    frame = frame + b"\0" * (len(frame) % 2)
    print(name, syntax, 8 * array.dtype.itemsize, bits, signed, tolerance, expected, frame.hex())


def lossless():
    for dtype in ["u1", "i1", "u2", "i2", "u4", "i4"]:
        bits = 8 * int(dtype[1])
        array = image(dtype, bits)
        line(f"rle-{dtype}", "1.2.840.10008.1.2.5", array, bits, rle(array))
    for dtype in ["u1", "i2"]:
        array = image(dtype, 8 * int(dtype[1]))
        bits = 8 * int(dtype[1])
        line(f"deflated-{dtype}", "1.2.840.10008.1.2.8.1", array, bits, deflate(array))
        line(f"uncompressed-{dtype}", "1.2.840.10008.1.2.1.98", array, bits, array.tobytes())
    for dtype, bits in [("u1", 8), ("u2", 12), ("u2", 16), ("i1", 8), ("i2", 12), ("i2", 16)]:
        array = image(dtype, bits)
        name = f"{dtype}-{bits}"
        line(f"jpeg2000-{name}", JPEG + "90", array, bits, jpeg_2000(array, bits, level=0, reversible=True))
        line(f"htj2k-{name}", JPEG + "201", array, bits, high_throughput(array, bits))
        if dtype[0] == "u":
            line(f"jpegxl-{name}", JPEG + "110", array, bits,
                 imagecodecs.jpegxl_encode(array, lossless=True, bitspersample=bits))
    array = image("u2", 12)
    line("jpeg2000-part2", JPEG + "92", array, 12, jpeg_2000(array, 12, level=0, reversible=True))
    line("htj2k-rpcl", JPEG + "202", array, 12, high_throughput(array, 12, tlm=True, resolutions=3))


def jpegs():
    for dtype, bits in [("u1", 8), ("u2", 12), ("u2", 16)]:
        array = image(dtype, bits)
        for selection in range(1, 8) if bits == 12 else [1]:
            frame = jpeg_lossless(array, bits, selection)
            assert (imagecodecs.jpegsof3_decode(frame) == array).all(), (bits, selection)
            syntax = JPEG + ("70" if selection == 1 else "57")
            line(f"jpeg-lossless-{selection}-{bits}", syntax, array, bits, frame)
    restarts = jpeg_lossless(image("u2", 12), 12, 1, restart_rows=4)
    line("jpeg-lossless-restarts", JPEG + "57", image("u2", 12), 12, restarts)
    shifted = jpeg_lossless(image("u2", 12), 12, 2, transform=2)
    line("jpeg-lossless-transform", JPEG + "57", image("u2", 12), 12, shifted, image("u2", 12) & ~np.uint16(3))


def jpeg_ls():
    for dtype, bits in [("u1", 8), ("u2", 12), ("u2", 16)]:
        array = image(dtype, bits)
        frame = imagecodecs.jpegls_encode(array)
        assert (imagecodecs.jpegls_decode(frame) == array).all(), bits
        line(f"jpegls-{dtype}-{bits}", JPEG + "80", array, bits, frame)
    array = smooth(8)
    frame = imagecodecs.jpegls_encode(array, level=2)
    line("jpegls-near", JPEG + "81", array, 8, frame, imagecodecs.jpegls_decode(frame))


def lossy():
    array = smooth(8)
    jpeg = imagecodecs.jpeg8_encode(array, level=85)
    line("jpeg-baseline", JPEG + "50", array, 8, jpeg, imagecodecs.jpeg8_decode(jpeg), 1)
    line("jpeg-extended", JPEG + "51", array, 8, jpeg, imagecodecs.jpeg8_decode(jpeg), 1)
    again = imagecodecs.jpegxl_encode_jpeg(jpeg, usecontainer=False)
    line("jpegxl-of-jpeg", JPEG + "111", array, 8, again, imagecodecs.jpegxl_decode(again), 1)
    array = smooth(12)
    wavelet = jpeg_2000(array, 12, level=45, reversible=False)
    line("jpeg2000-lossy", JPEG + "91", array, 12, wavelet, imagecodecs.jpeg2k_decode(wavelet), 1)
    blocks = imagecodecs.jpegxl_encode(array, distance=1.0, bitspersample=12)
    line("jpegxl-lossy", JPEG + "112", array, 12, blocks, imagecodecs.jpegxl_decode(blocks), 1)
    array = smooth(8)
    fast = imagecodecs.htj2k_encode(array, level=0.01, reversible=False)
    line("htj2k-lossy", JPEG + "203", array, 8, fast, imagecodecs.htj2k_decode(fast), 1)


lossless()
jpegs()
jpeg_ls()
lossy()
