"""Compressed images: the values in the file are those that were encoded, and those that other decoders give."""

import io
import json
import os
import random
import resource
import subprocess

import h5py
import numpy as np
import pytest
from PIL import Image
from pydicom._uid_dict import UID_dictionary
from pydicom.encaps import encapsulate
from pydicom.pixels import get_decoder
from pydicom.uid import UID

from trees import Study, dicom, noise, write

imagecodecs = pytest.importorskip("imagecodecs")

JPEG = "1.2.840.10008.1.2.4."
SHAPES = [(13, 11), (64, 40), (9, 8)]

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def picture(shape, bits, signed=False):
    """A smooth image with flat areas and some noise, of all values that `bits` hold."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    high = (1 << bits) - 1
    values = (np.sin(x / 5) + np.cos(y / 7) + 2) * high / 4 + noise(shape, 0, max(1, high // 64), shape, bits)
    values[: shape[0] // 3, : shape[1] // 2] = high
    values[-shape[0] // 4 :, shape[1] // 2 :] = 0
    values = np.clip(values, 0, high).astype(np.int64) - (1 << bits - 1 if signed else 0)
    return values.astype(("i" if signed else "u") + ("1" if bits <= 8 else "2"))


def compressed(array, bits, syntax, frame, fragments=1):
    """An image object whose pixels are `frame`, in that many fragments."""
    image = dicom(array, bits=bits)
    image.file_meta.TransferSyntaxUID = UID(syntax)
    image.PixelData = encapsulate([frame], fragments_per_frame=fragments)
    image["PixelData"].VR = "OB"
    image["PixelData"].is_undefined_length = True
    return image


def packed(dicomprep, tmp_path, images):
    """The images of the file, in the order of `images`, which are of one size."""
    study = Study(tmp_path / "data")
    for number, image in enumerate(images):
        study.add(f"P{number:03}", number + 1, image)
    _, report = dicomprep.report(study.root, tmp_path / "x.h5", "--split", "none")
    assert report["samples"] == len(images), report
    with h5py.File(tmp_path / "x.h5") as file:
        found = dict(zip(file["samples/patient_id"].asstr()[:], file["images"][..., 0]))
    return [found[f"P{number:03}"] for number in range(len(images))]


def lossless_jpeg(array, bits, predictor):
    # Lossless JPEG has no sign: two's complement of as many bits as the array's type has.
    return imagecodecs.jpeg8_encode(
        array.view(f"u{array.itemsize}"), lossless=True, predictor=predictor, bitspersample=bits
    )


@pytest.mark.parametrize("shape", SHAPES)
def test_lossless_jpeg_of_every_depth_and_predictor(dicomprep, tmp_path, shape):
    arrays, images = [], []
    for bits in range(2, 17):
        for predictor in range(1, 8):
            array = picture(shape, bits)
            frame = lossless_jpeg(array, bits, predictor)
            np.testing.assert_array_equal(imagecodecs.jpeg8_decode(frame), array)
            syntax = JPEG + ("70" if predictor == 1 else "57")
            arrays.append(array)
            images.append(compressed(array, bits, syntax, frame, fragments=1 + predictor % 3))
    for found, array in zip(packed(dicomprep, tmp_path, images), arrays):
        np.testing.assert_array_equal(found, array)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("syntax, encode", [
    (JPEG + "70", lambda array: lossless_jpeg(array, 16, 1)),
    (JPEG + "80", lambda array: imagecodecs.jpegls_encode(array.view("u2"))),
    (JPEG + "90", lambda array: imagecodecs.jpeg2k_encode(array, level=0, reversible=True, codecformat="j2k")),
    (JPEG + "90", lambda array: imagecodecs.jpeg2k_encode(array, level=0, reversible=True, codecformat="jp2")),
    (JPEG + "201", lambda array: imagecodecs.htj2k_encode(array, reversible=True)),
], ids=["lossless JPEG", "JPEG-LS", "JPEG 2000", "JP2", "HTJ2K"])
def test_signed_and_unsigned_of_16_bits(dicomprep, tmp_path, shape, syntax, encode):
    for signed in (False, True):
        array = picture(shape, 16, signed)
        (found,) = packed(dicomprep, tmp_path / str(signed), [compressed(array, 16, syntax, encode(array), 2)])
        np.testing.assert_array_equal(found, array)


@pytest.mark.parametrize("near", [0, 1, 3, 10])
def test_jpeg_ls_is_exact_with_and_without_loss(dicomprep, tmp_path, near):
    for bits in (8, 16):
        array = picture((64, 40), bits)
        frame = imagecodecs.jpegls_encode(array, level=near)
        expected = imagecodecs.jpegls_decode(frame)
        assert np.abs(expected.astype(int) - array).max() <= near
        image = compressed(array, bits, JPEG + ("81" if near else "80"), frame)
        (found,) = packed(dicomprep, tmp_path / str(bits), [image])
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("bits, syntax", [(8, "50"), (8, "51"), (12, "51")])
@pytest.mark.parametrize("quality", [5, 50, 95])
def test_lossy_jpeg_equals_libjpeg_turbo(dicomprep, tmp_path, bits, syntax, quality):
    array = picture((61, 43), bits)
    frame = imagecodecs.jpeg8_encode(array, level=quality, bitspersample=bits)
    (found,) = packed(dicomprep, tmp_path, [compressed(array, bits, JPEG + syntax, frame)])
    np.testing.assert_array_equal(found, imagecodecs.jpeg8_decode(frame))


@pytest.mark.parametrize("plugin", ["gdcm", "pylibjpeg"])
def test_other_decoders_agree(dicomprep, tmp_path, plugin):
    array = picture((64, 40), 16)
    frames = {
        "70": lossless_jpeg(array, 16, 1),
        "57": lossless_jpeg(array, 16, 6),
        "80": imagecodecs.jpegls_encode(array),
        "90": imagecodecs.jpeg2k_encode(array, level=0, reversible=True, codecformat="j2k"),
    }
    images = [compressed(array, 16, JPEG + syntax, frame) for syntax, frame in frames.items()]
    for image, found in zip(images, packed(dicomprep, tmp_path, images)):
        decoder = get_decoder(image.file_meta.TransferSyntaxUID)
        if plugin not in decoder.available_plugins:
            pytest.skip(f"pydicom has no plugin {plugin} here")
        expected, _ = decoder.as_array(image, decoding_plugin=plugin)
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("padding", [b"", b"\0", b"  "])
def test_a_jpeg_without_end_marker_is_read_and_told(dicomprep, tmp_path, padding):
    array = picture((64, 40), 12)
    frame = lossless_jpeg(array, 12, 4).removesuffix(b"\xff\xd9") + padding
    study = Study(tmp_path / "data")
    study.add("P1", 1, compressed(array, 12, JPEG + "57", frame))
    result, report = dicomprep.report(study.root, tmp_path / "x.h5", "--split", "none")
    assert "no end marker" in result.stdout + result.stderr
    with h5py.File(tmp_path / "x.h5") as file:
        np.testing.assert_array_equal(file["images"][0, ..., 0], array)


def test_data_that_is_missing_or_left_over_is_refused(dicomprep, tmp_path):
    array = picture((64, 40), 12)
    whole = lossless_jpeg(array, 12, 1).removesuffix(b"\xff\xd9")
    for name, frame in {"missing": whole[:-20], "left over": whole + b"\x12\x34\x56"}.items():
        study = Study(tmp_path / name)
        study.add("P1", 1, compressed(array, 12, JPEG + "70", frame + b"\xff\xd9"))
        _, report = dicomprep.report(study.root, tmp_path / f"{name}.h5", "--split", "none", code=1)
        assert report["samples"] == 0


def damaged(frame, number, chance):
    """A frame with some bits that are others, or cut, or with bytes between."""
    frame = bytearray(frame)
    # Near the start are the headers, on which most depends.
    place = lambda: chance.randrange(len(frame) if number % 2 else min(len(frame), 200))  # noqa: E731
    match number % 4:
        case 3:
            del frame[place() :]
        case 2:
            at = place()
            frame[at:at] = chance.randbytes(chance.randint(1, 40))
        case _:
            for _ in range(chance.choice([1, 1, 3, 20])):
                frame[place()] ^= 1 << chance.randrange(8)
    return bytes(frame)


def rle(array):
    """A frame of RLE (PS3.5 annex G)."""
    planes = [array.view("u1").reshape(-1)[part :: array.itemsize] for part in range(array.itemsize)][::-1]
    segments = [imagecodecs.packbits_encode(plane.tobytes()) for plane in planes]
    segments = [segment + bytes(len(segment) % 2) for segment in segments]
    starts = np.cumsum([64, *map(len, segments)])[:-1]
    return np.array([len(segments), *starts, *[0] * (15 - len(segments))], "<u4").tobytes() + b"".join(segments)


SLOW = {
    "lossless JPEG": (JPEG + "70", lambda array: lossless_jpeg(array, 12, 1)),
    "12-bit JPEG": (JPEG + "51", lambda array: imagecodecs.jpeg8_encode(array, level=90, bitspersample=12)),
    "JPEG-LS": (JPEG + "80", imagecodecs.jpegls_encode),
    "JPEG 2000": (JPEG + "90", lambda array: imagecodecs.jpeg2k_encode(array, level=0, codecformat="j2k")),
    "HTJ2K": (JPEG + "201", lambda array: imagecodecs.htj2k_encode(array, reversible=True)),
    "JPEG XL": (JPEG + "110", lambda array: imagecodecs.jpegxl_encode(array, lossless=True)),
    "RLE": ("1.2.840.10008.1.2.5", rle),
    "Deflated Image Frame": ("1.2.840.10008.1.2.8.1", lambda array: imagecodecs.deflate_encode(array.tobytes(), raw=True)),
}


@pytest.mark.parametrize("codec", SLOW)
def test_damaged_streams_end_within_2_seconds_of_cpu(dicomprep, tmp_path, codec):
    syntax, encode = SLOW[codec]
    array = picture((256, 256), 12)
    frame, chance = encode(array), random.Random(codec)
    study = Study(tmp_path / "data")
    # Some syntaxes are new to pydicom.
    written = JPEG + ("201" if len(syntax) > 22 else "70")
    file = study.add("P1", 1, compressed(array, 12, written, frame))
    words = [str(dicomprep.path), "prep", str(study.root), "--split", "none", "--force", "-q", "-o", str(tmp_path / "x.h5")]
    # The system ends a process that has used so much time of processors, however long it waits for them.
    limit = lambda: resource.setrlimit(resource.RLIMIT_CPU, (2, 2))  # noqa: E731
    codes = []
    for number in range(25 if "DICOMPREP_LONG_TESTS" not in os.environ else 1000):
        write(file, compressed(array, 12, written, damaged(frame, number, chance) if number else frame))
        file.write_bytes(file.read_bytes().replace(written.encode(), syntax.encode().ljust(len(written), b"\0"), 1))
        done = subprocess.run(words, preexec_fn=limit, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        assert done.returncode in (0, 1) and "panicked" not in done.stderr, (number, done)
        codes.append(done.returncode)
    # The undamaged stream is read, and there are some that are not.
    assert codes[0] == 0 and 1 in codes[1:]


# Ends of the UIDs of transfer syntaxes that are read.
READ = ["", ".1", ".1.98", ".1.99", ".2", ".5", ".8.1", *(f".4.{number}" for number in (
    50, 51, 53, 55, 57, 70, 80, 81, 90, 91, 92, 93, 110, 111, 112, 201, 202, 203))]


def test_every_other_transfer_syntax_of_the_standard_is_refused_by_name(dicomprep, tmp_path):
    syntaxes = {uid: entry[0] for uid, entry in UID_dictionary.items() if entry[1] == "Transfer Syntax"}
    refused = {uid: name for uid, name in syntaxes.items() if uid.removeprefix("1.2.840.10008.1.2") not in READ}
    assert len(refused) > 30
    study = Study(tmp_path / "data")
    array = picture((8, 8), 8)
    for number, uid in enumerate(refused):
        image = compressed(array, 8, JPEG + "70", bytes(100))
        image.file_meta.TransferSyntaxUID = UID(uid)
        study.add(f"P{number:03}", number + 1, image)
    result, _ = dicomprep.report(study.root, tmp_path / "x.h5", "--split", "none", "-v", code=1)
    for uid, name in refused.items():
        words = name.split(" (Process")[0]
        assert f"({uid})" in result.stdout + result.stderr and words in result.stdout + result.stderr, (uid, name)


def tiled(array, tile, **options):
    """A JPEG 2000 stream of several tiles, from OpenJPEG."""
    stream = io.BytesIO()
    Image.fromarray(array).save(stream, "JPEG2000", no_jp2=True, tile_size=tile[::-1], **options)
    return stream.getvalue()


def colored(array, syntax, frame):
    image = compressed(array[..., 0], 8, syntax, frame)
    image.SamplesPerPixel, image.PlanarConfiguration, image.PhotometricInterpretation = 3, 0, "YBR_RCT"
    return image


@pytest.mark.parametrize("threads", [1, 3])
def test_tiles_are_those_of_the_whole_image_on_any_number_of_threads(dicomprep, tmp_path, threads):
    shape = (157, 211)
    color = np.stack([picture(shape, 8), picture(shape, 8)[::-1], picture(shape, 8)[:, ::-1]], axis=-1)
    deep = picture(shape, 16, signed=True)
    images = [
        (deep, compressed(deep, 16, JPEG + "201", imagecodecs.htj2k_encode(deep, reversible=True, tile=(64, 48)))),
        (color[..., 0], compressed(color[..., 0], 8, JPEG + "90", tiled(color[..., 0], (50, 60)))),
        # Pillow 13 writes tiles of 16 bits wrongly beyond the first column.
        (deep.view("u2"), compressed(deep.view("u2"), 16, JPEG + "90", tiled(deep.view("u2"), (40, 211)))),
    ]
    for number, (array, image) in enumerate(images):
        study = Study(tmp_path / str(number))
        study.add("P1", 1, image)
        dicomprep.prep(study.root, tmp_path / "x.h5", "--split", "none", "--force", "--threads", threads)
        with h5py.File(tmp_path / "x.h5") as file:
            np.testing.assert_array_equal(file["images"][0, ..., 0], array)
    study = Study(tmp_path / "color")
    study.add("P1", 1, colored(color, JPEG + "90", tiled(color, (64, 33), mct=1)))
    study.add("P2", 2, colored(color, JPEG + "203", imagecodecs.htj2k_encode(color, reversible=True, tile=(31, 64))))
    dicomprep.prep(study.root, tmp_path / "x.h5", "--split", "none", "--force", "--threads", threads)
    with h5py.File(tmp_path / "x.h5") as file:
        for number in range(2):
            np.testing.assert_array_equal(file["images"][number], color)


def test_the_sign_is_that_of_the_header_in_jpeg_2000(dicomprep, tmp_path):
    """As pydicom, GDCM and SimpleITK read the streams of 16 bits, and pydicom that of 12."""
    array = picture((64, 40), 12, signed=True)
    encode = lambda values, bits: imagecodecs.jpeg2k_encode(  # noqa: E731
        values, level=0, reversible=True, codecformat="j2k", bitspersample=bits)
    for number, (meant, frame, kind) in enumerate([
        (array, encode(array.view("u2"), 16), "int16"),
        (array, encode(array.view("u2") & 0xFFF, 12), "int16"),
        (array.view("u2"), encode(array, 16), "uint16"),
    ]):
        image = compressed(meant, 16, JPEG + "90", frame)
        expected, _ = get_decoder(UID(JPEG + "90")).as_array(image, decoding_plugin="pylibjpeg")
        np.testing.assert_array_equal(expected, meant)
        study = Study(tmp_path / str(number))
        study.add("P1", 1, image)
        result = dicomprep.prep(study.root, tmp_path / "x.h5", "--split", "none", "--force")
        assert ("another sign" in result.stdout + result.stderr) == (number > 0), result.stderr
        with h5py.File(tmp_path / "x.h5") as file:
            assert file["images"].dtype == kind
            np.testing.assert_array_equal(file["images"][0, ..., 0], meant)


@pytest.mark.parametrize("transform", [0, 1, 2, 3])
def test_color_transforms_of_jpeg_ls_are_undone(dicomprep, tmp_path, transform):
    """HP1 to HP3, which CharLS undoes too."""
    color = np.stack([picture((20, 24), 8), picture((20, 24), 8)[::-1], picture((20, 24), 8)[:, ::-1]], axis=-1)
    red, green, blue = np.moveaxis(color.astype(int), -1, 0)
    planes = [
        [red, green, blue],
        [red - green + 128, green, blue - green + 128],
        [red - green + 128, green, blue - (red + green >> 1) - 128],
        [green + ((blue - green + 128 & 255) + (red - green + 128 & 255) >> 2) - 64, blue - green + 128, red - green + 128],
    ][transform]
    stream = imagecodecs.jpegls_encode((np.stack(planes, axis=-1) & 255).astype(np.uint8))
    stream = stream[:2] + b"\xff\xe8\x00\x07mrfx" + bytes([transform]) + stream[2:]
    np.testing.assert_array_equal(imagecodecs.jpegls_decode(stream), color)
    image = colored(color, JPEG + "80", stream)
    image.PhotometricInterpretation = "RGB"
    study = Study(tmp_path / "data")
    study.add("P1", 1, image)
    dicomprep.prep(study.root, tmp_path / "x.h5", "--split", "none")
    with h5py.File(tmp_path / "x.h5") as file:
        np.testing.assert_array_equal(file["images"][0], color)


@pytest.mark.parametrize("syntax", ["201", "202", "203"])
@pytest.mark.parametrize("tlm", [False, True])
def test_the_syntaxes_of_htj2k_are_one(dicomprep, tmp_path, syntax, tlm):
    array = picture((64, 40), 16, signed=True)
    frame = imagecodecs.htj2k_encode(array, reversible=True, tlm=tlm, resolutions=4)
    (found,) = packed(dicomprep, tmp_path, [compressed(array, 16, JPEG + syntax, frame)])
    np.testing.assert_array_equal(found, array)
