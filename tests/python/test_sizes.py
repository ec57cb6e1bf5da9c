"""Images of their own sizes, and colour: rows, batches, Keras' and torch's data sets, and the same over HTTP."""

import struct

import numpy as np
import pytest
from test_remote import serving

import dicomprep

SIZES = [(12, 20), (30, 9), (16, 16), (8, 31)]
LITTLE_ENDIAN = "1.2.840.10008.1.2.1"


def element(group, number, kind, value):
    data = value.encode() if isinstance(value, str) else value
    data += (b"\0" if kind == "UI" else b" ") * (len(data) % 2)
    length = struct.pack("<2xI", len(data)) if kind in ("OB", "OW") else struct.pack("<H", len(data))
    return struct.pack("<HH", group, number) + kind.encode() + length + data


def dicom(pixels, number):
    """An image object (PS3.10) with the pixels (row, column) or (row, column, red-green-blue), uint8."""
    samples = 1 if pixels.ndim == 2 else 3
    short = lambda value: struct.pack("<H", value)  # noqa: E731
    meta = element(2, 2, "UI", "1.2.840.10008.5.1.4.1.1.7") + element(2, 3, "UI", f"2.25.{number}")
    meta += element(2, 0x10, "UI", LITTLE_ENDIAN)
    body = [
        (8, 0x16, "UI", "1.2.840.10008.5.1.4.1.1.7"), (8, 0x18, "UI", f"2.25.{number}"), (0x10, 0x20, "LO", f"P{number}"),
        (0x20, 0xD, "UI", f"2.25.1{number}"), (0x20, 0xE, "UI", f"2.25.2{number}"), (0x28, 2, "US", short(samples)),
        (0x28, 4, "CS", "RGB" if samples == 3 else "MONOCHROME2"), *([(0x28, 6, "US", short(0))] if samples == 3 else []),
        (0x28, 0x10, "US", short(pixels.shape[0])), (0x28, 0x11, "US", short(pixels.shape[1])),
        (0x28, 0x100, "US", short(8)), (0x28, 0x101, "US", short(8)), (0x28, 0x102, "US", short(7)),
        (0x28, 0x103, "US", short(0)), (0x7FE0, 0x10, "OB", pixels.tobytes()),
    ]
    size = element(2, 0, "UL", struct.pack("<I", len(meta)))
    return bytes(128) + b"DICM" + size + meta + b"".join(element(*part) for part in body)


def packed(folder, images, **options):
    (folder / "data").mkdir()
    for number, image in enumerate(images, 1):
        (folder / "data" / f"{number}.dcm").write_bytes(dicom(image, number))
    dicomprep.prep(folder / "data", folder / "x.h5", layout="dicom", unlabelled="include", split="none", **options)
    return folder / "x.h5"


def in_order(data, images):
    """The images as the rows of the file have them."""
    return [images[int(name[1:]) - 1] for name in data.columns["patient_id"]]


@pytest.fixture(scope="module")
def varied(tmp_path_factory):
    numbers = np.random.default_rng(1)
    images = [numbers.integers(1, 255, size, np.uint8) for size in SIZES]
    return packed(tmp_path_factory.mktemp("varied"), images, size="varied"), images


@pytest.fixture(scope="module")
def colored(tmp_path_factory):
    numbers = np.random.default_rng(2)
    images = [numbers.integers(0, 256, (10, 12, 3), np.uint8) for _ in range(4)]
    return packed(tmp_path_factory.mktemp("colored"), images), images


def check_rows(data, images):
    for number, image in enumerate(in_order(data, images)):
        found, mask = data[number]
        assert found.shape == (*image.shape, 1) and mask.shape[:2] == image.shape
        np.testing.assert_array_equal(found[..., 0], image)


def test_rows_have_their_own_sizes_and_batches_one(varied):
    file, images = varied
    data = dicomprep.open(file)
    check_rows(data, images)
    assert data.image_shape == (30, 31, 1)
    assert sorted(zip(data.columns["image_rows"], data.columns["image_columns"], strict=True)) == sorted(SIZES)
    with pytest.raises(dicomprep.DataError, match="30x31"):
        data.batches()
    with pytest.raises(dicomprep.UsageError, match="crop"):
        data.batches(crop="random")
    options = {"batch_size": 4, "shuffle": False, "image_dtype": "stored"}
    batch = next(data.batches(size=(8, 9), **options))
    for part, image in zip(batch.images, in_order(data, images), strict=True):
        top, left = (image.shape[0] - 8) // 2, (image.shape[1] - 9) // 2
        np.testing.assert_array_equal(part[..., 0], image[top : top + 8, left : left + 9])
    np.testing.assert_array_equal(next(data.batches(size="8x9", **options)).images, batch.images)
    parts = [batch.images for batch in data.batches(size="4x4", crop="random", epochs=3, **options)]
    assert parts[0].shape == (4, 4, 4, 1) and any((part != parts[0]).any() for part in parts[1:])


def test_a_service_gives_the_same_rows_and_batches(varied):
    file, images = varied
    with serving(file) as service:
        remote = dicomprep.open(service.url)
        check_rows(remote, images)
        options = {"size": "8x9", "crop": "random", "seed": 3, "batch_size": 3, "augment": "cardiac"}
        pairs = zip(remote.batches(**options), dicomprep.open(file).batches(**options), strict=True)
        for got, expected in pairs:
            np.testing.assert_array_equal(got.images, expected.images)


def test_keras_takes_one_size(varied):
    pytest.importorskip("keras")
    from dicomprep.keras import Batches

    images, masks = Batches(dicomprep.open(varied[0]), size="8x9", batch_size=2)[0]
    assert tuple(images.shape) == (2, 8, 9, 1) and tuple(masks.shape[:3]) == (2, 8, 9)


def test_torch_takes_one_size(varied):
    pytest.importorskip("torch")
    from dicomprep.torch import Samples

    image, mask = Samples(dicomprep.open(varied[0]), size="8x9")[0]
    assert tuple(image.shape) == (1, 8, 9) and tuple(mask.shape[1:]) == (8, 9)


def test_colour_has_three_channels(colored):
    file, images = colored
    data = dicomprep.open(file)
    expected = np.stack(in_order(data, images))
    assert data.image_shape == (10, 12, 3)
    np.testing.assert_array_equal(np.stack([data[row][0] for row in range(4)]), expected)
    batch = next(data.batches(batch_size=4, shuffle=False, normalize="zscore"))
    mean, std = expected.mean(axis=(0, 1, 2)), expected.std(axis=(0, 1, 2))
    np.testing.assert_allclose(batch.images, (expected - mean) / std, rtol=1e-5, atol=1e-5)
    nchw = next(data.batches(batch_size=4, shuffle=False, layout="nchw", image_dtype="stored")).images
    np.testing.assert_array_equal(nchw, np.moveaxis(expected, 3, 1))
    with serving(file) as service:
        np.testing.assert_array_equal(dicomprep.open(service.url)[2][0], expected[2])
