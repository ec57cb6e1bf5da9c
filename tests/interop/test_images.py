"""Pixels of every kind: their type and values in the file, their size, and what cannot be used."""

import io
import subprocess

import h5py
import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    RLELossless,
)

import expect
from trees import SQUARE, Study, dicom, lut, noise

SHAPE = (12, 10)
WORDS = ["--split", "none"]

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def unsigned(bits, *key):
    return noise(SHAPE, 0, (1 << bits) - 1, bits, *key).astype(np.uint8 if bits == 8 else np.uint16)


def signed(bits, *key):
    return noise(SHAPE, -(1 << bits - 1), (1 << bits - 1) - 1, bits, *key).astype(np.int8 if bits == 8 else np.int16)


def pack(dicomprep, tmp_path, images, *words, code=0):
    """Packs a study of `images`, one patient each; returns the report, and the file's images by patient."""
    study = Study(tmp_path / "data")
    for number, image in enumerate(images, 1):
        study.add(f"P{number}", number, image)
    result, report = dicomprep.report(study.root, tmp_path / "x.h5", *WORDS, *words, code=code)
    assert sum(report["bins"].values()) == report["files"]
    if code == 1:
        return result, report, None
    with h5py.File(tmp_path / "x.h5") as file:
        expect.check_statistics(file)
        found = dict(zip(file["samples/patient_id"].asstr()[:], file["images"][..., 0]))
        ranges = file["samples/value_range"][:]
        assert ranges.tolist() == [[image.min(), image.max()] for image in file["images"][:]]
        crcs = [expect.crc32c(image.tobytes()) for image in file["images"][:]]
        assert file["samples/checksum"][:, 0].tolist() == crcs
    return result, report, found


def check(found, expected, kind):
    assert len(found) == len(expected)
    for number, values in enumerate(expected, 1):
        assert found[f"P{number}"].dtype == kind
        np.testing.assert_array_equal(found[f"P{number}"], values)


# ---------------------------------------------------------------- --dtype auto

# name: (images, expected values, type, unit)
A8, A12, A16, S16 = unsigned(8, 1), unsigned(12, 1), unsigned(16, 1), signed(16, 1)
AUTO = {
    "8 bit": ([dicom(A8, bits=8)], [A8], "uint8", "stored value"),
    "12 bit": ([dicom(A12, bits=12)], [A12], "uint16", "stored value"),
    "16 bit": ([dicom(A16)], [A16], "uint16", "stored value"),
    "signed": ([dicom(S16)], [S16], "int16", "stored value"),
    "signed 12 bit": ([dicom(signed(12), bits=12)], [signed(12)], "int16", "stored value"),
    "signed 8 bit": ([dicom(signed(8))], [signed(8)], "int16", "stored value"),
    "8 bit in 16": ([dicom(A8.astype(np.uint16), bits=8)], [A8], "uint16", "stored value"),
    "8 and 16 bit": ([dicom(A8), dicom(A16)], [A8, A16], "uint16", "stored value"),
    "signed and 12 bit": ([dicom(S16), dicom(A12, bits=12)], [S16, A12], "int16", "stored value"),
    "signed and 16 bit": ([dicom(S16), dicom(A16)], [S16, A16], "float32", "stored value"),
    "signed 12 bit and 8 bit": ([dicom(signed(12), bits=12), dicom(A8)], [signed(12), A8], "int16", "stored value"),
    "slope 1": ([dicom(A12, bits=12, slope="1", intercept="0")], [A12], "uint16", "stored value"),
    "slope 1.000000": ([dicom(A12, bits=12, slope="1.000000", intercept="-0.0")], [A12], "uint16", "stored value"),
    "CT": (
        [dicom(A12, bits=12, slope="1", intercept="-1024", RescaleType="HU")],
        [A12.astype(int) - 1024], "int16", "HU"),
    "CT without a type": (
        [dicom(A12, bits=12, slope="1", intercept="-1024")], [A12.astype(int) - 1024], "int16", "unspecified"),
    "CT and plain": (
        [dicom(A12, bits=12, slope="1", intercept="-1024"), dicom(A12, bits=12)],
        [A12.astype(int) - 1024, A12], "int16", "mixed"),
    "8 bit, slope -1": ([dicom(A8, slope="-1", intercept="255")], [255 - A8.astype(int)], "uint8", "unspecified"),
    "8 bit, slope 257": ([dicom(A8, slope="257", intercept="0")], [A8.astype(int) * 257], "uint16", "unspecified"),
    "signed 16 bit, intercept -1024": (
        [dicom(S16, slope="1", intercept="-1024")], [S16.astype(int) - 1024], "float32", "unspecified"),
    "slope 0.5": ([dicom(A12, bits=12, slope="0.5", intercept="-3")], [A12 * 0.5 - 3], "float32", "unspecified"),
    "table": (
        [dicom(A8, ModalityLUTSequence=lut([3 * x + 7 for x in range(256)]))], [3 * A8.astype(int) + 7],
        "int16", "unspecified"),
    "short table": (
        [dicom(A8, ModalityLUTSequence=lut(range(1000, 1100), first=50))],
        [np.clip(A8.astype(int) - 50, 0, 99) + 1000], "int16", "unspecified"),
}


@pytest.mark.parametrize("name", AUTO)
def test_the_type_is_chosen_from_the_headers(name, dicomprep, tmp_path):
    images, expected, kind, unit = AUTO[name]
    _, report, found = pack(dicomprep, tmp_path, images)
    check(found, expected, kind)
    assert report["pixel_type"] == kind and not any("rounded" in note["text"] for note in report["notes"])
    with h5py.File(tmp_path / "x.h5") as file:
        assert file["images"].attrs["units"] == unit
    for number, image in enumerate(images, 1):
        read = pydicom.dcmread(tmp_path / "data" / "dicoms" / f"P{number}" / f"{number}.dcm")
        np.testing.assert_array_equal(found[f"P{number}"], pydicom.pixels.apply_modality_lut(read.pixel_array, read))


def test_values_that_float32_has_not_are_rounded_and_noted(dicomprep, tmp_path):
    result, report, found = pack(dicomprep, tmp_path, [dicom(A12, bits=12, slope="0.1", intercept="0")])
    check(found, [(A12 * 0.1).astype(np.float32)], "float32")
    noted = [note for note in report["notes"] if "rounded" in note["text"]]
    assert len(noted) == 1 and noted[0]["places"] == ["dicoms/P1/1.dcm"]
    assert "rounded" in result.stderr


def test_a_large_mean_does_not_spoil_the_deviation(dicomprep, tmp_path):
    stored = [noise(SHAPE, 0, 3, number).astype(np.uint16) for number in range(4)]
    images = [dicom(values, bits=12, slope="0.25", intercept="1000000") for values in stored]
    _, _, found = pack(dicomprep, tmp_path, images)
    check(found, [values * 0.25 + 1e6 for values in stored], "float32")


@pytest.mark.parametrize("kind", ["int16", "uint16", "float32"])
def test_a_type_that_is_asked_for_is_taken(kind, dicomprep, tmp_path):
    _, _, found = pack(dicomprep, tmp_path, [dicom(A8), dicom(A12, bits=12)], "--dtype", kind)
    check(found, [A8, A12], kind)


# name: (image, type, value that the message names)
UNFIT = {
    "one pixel": (dicom(np.where(np.arange(120).reshape(SHAPE) == 77, 256, 255).astype(np.uint16)), "uint8", "256"),
    "negative": (dicom(np.full(SHAPE, -7, np.int16)), "uint16", "-7"),
    "40000": (dicom(np.full(SHAPE, 40000, np.uint16)), "int16", "40000"),
    "300": (dicom(np.full(SHAPE, 300, np.uint16), bits=12), "uint8", "300"),
    "half": (dicom(np.full(SHAPE, 3, np.uint16), bits=12, slope="0.5", intercept="0"), "int16", "1.5"),
}


@pytest.mark.parametrize("name", UNFIT)
def test_a_value_that_does_not_fit_is_never_clipped(name, dicomprep, tmp_path):
    image, kind, value = UNFIT[name]
    good = dicom(unsigned(8, "good") // 2)
    result, report, found = pack(dicomprep, tmp_path, [good, image], "--dtype", kind, code=3)
    assert set(found) == {"P1"} and found["P1"].dtype == kind
    reasons = {entry["file"]: entry for entry in report["rejected"]}
    assert len(reasons) == 2, "the image and its contour"
    assert "--dtype" in reasons["dicoms/P2/2.dcm"]["detail"]
    assert value in reasons["dicoms/P2/2.dcm"]["detail"]
    if name == "one pixel":
        assert "row 7" in reasons["dicoms/P2/2.dcm"]["detail"] and "column 7" in reasons["dicoms/P2/2.dcm"]["detail"]
    assert "dicoms/P2/2.dcm" in result.stderr and "--dtype" in result.stderr


def test_where_no_image_fits_no_file_is_made(dicomprep, tmp_path):
    result, report, _ = pack(dicomprep, tmp_path, [dicom(np.full(SHAPE, 300, np.uint16))], "--dtype", "uint8", code=1)
    assert report["output"] is None and report["samples"] == 0
    assert not (tmp_path / "x.h5").exists() and "no sample is left" in result.stderr


# ---------------------------------------------------------------- MONOCHROME1

MONOCHROME1 = {
    "12 bit": (dict(bits=12), A12, 4095),
    "8 bit": (dict(), A8, 255),
    "signed": (dict(), S16, -1),
    "CT": (dict(bits=12, slope="1", intercept="-1024"), A12, 4095 - 2 * 1024),
    "half": (dict(bits=12, slope="0.5", intercept="1"), A12, 4095 / 2 + 2),
}


@pytest.mark.parametrize("name", MONOCHROME1)
def test_monochrome1_is_mirrored_with_its_window(name, dicomprep, tmp_path):
    """LINEAR maps c - 0.5 to the middle, so that its center goes to total - (c - 0.5) + 0.5."""
    words, stored, total = MONOCHROME1[name]
    values = stored * float(words.get("slope", 1)) + float(words.get("intercept", 0))
    image = dicom(stored, photometric="MONOCHROME1", window=(40, 400), **words)
    study = Study(tmp_path / "data")
    study.add("P1", 1, image)
    for what, wanted, centre in (("invert", total - values, total - 40 + 1), ("keep", values, 40)):
        dicomprep.prep(study.root, tmp_path / f"{what}.h5", *WORDS, "--monochrome1", what)
        with h5py.File(tmp_path / f"{what}.h5") as file:
            np.testing.assert_array_equal(file["images"][0, ..., 0], wanted)
            assert file["samples/window"][0].tolist() == [centre, 400]
            expect.check_statistics(file)
    shown = []
    for what in ("invert", "keep"):
        command = [dicomprep.path, "batches", tmp_path / f"{what}.h5", "--normalize", "window", "-q"]
        shown.append(np.load(io.BytesIO(subprocess.run(command, capture_output=True, check=True).stdout)))
    np.testing.assert_allclose(shown[0], 1 - shown[1], atol=1e-6)


# ---------------------------------------------------------------- headers


def patched(image, old, new):
    """The bytes of `image` with one part replaced by another of the same length."""
    buffer = io.BytesIO()
    image.save_as(buffer, enforce_file_format=True)
    data = buffer.getvalue()
    assert data.count(old) == 1 and len(old) == len(new)
    return data.replace(old, new)


@pytest.mark.parametrize("words, value, tag", [
    (dict(slope="7777"), b"abc ", "(0028,1053)"),
    (dict(slope="7777"), b"0.00", "(0028,1053)"),
    (dict(slope="7777"), b"1,50", "(0028,1053)"),
    (dict(slope="7777"), b"inf ", "(0028,1053)"),
    (dict(slope="1", intercept="7777"), b"none", "(0028,1052)"),
])
def test_a_rescale_that_cannot_be_read_is_not_guessed(words, value, tag, dicomprep, tmp_path):
    bad = patched(dicom(A12, **words), b"7777", value)
    result, report, found = pack(dicomprep, tmp_path, [dicom(A12), bad], code=3)
    assert set(found) == {"P1"}
    entry = next(entry for entry in report["rejected"] if entry["file"] == "dicoms/P2/2.dcm")
    assert tag in entry["attribute"] and "dicoms/P2/2.dcm" in result.stderr and tag in result.stderr


def test_a_window_that_cannot_be_read_is_nan_and_noted(dicomprep, tmp_path):
    image = patched(dicom(A12, window=("7777", "400")), b"7777", b"dark")
    _, report, found = pack(dicomprep, tmp_path, [image])
    check(found, [A12], "uint16")
    [note] = [note for note in report["notes"] if "unreadable" in note["text"]]
    assert note["count"] == 1 and "dicoms/P1/1.dcm" in note["places"][0] and "(0028,1050)" in note["places"][0]
    with h5py.File(tmp_path / "x.h5") as file:
        window = file["samples/window"][0]
        assert np.isnan(window[0]) and window[1] == 400
        for name in ("pixel_spacing", "image_position", "image_orientation"):
            assert np.isnan(file[f"samples/{name}"][0]).all()


def test_geometry_of_several_windows_and_padded_numbers(dicomprep, tmp_path):
    image = dicom(A12, WindowCenter=[40, 300], WindowWidth=[400, 1500], PixelSpacing=[" 0.75", "1.25 "],
                  ImagePositionPatient=[-1.5, 2e2, 1 / 3], ImageOrientationPatient=[1, 0, 0, 0, 0.6, -0.8])
    pack(dicomprep, tmp_path, [image])
    with h5py.File(tmp_path / "x.h5") as file:
        header = pydicom.dcmread(tmp_path / "data/dicoms/P1/1.dcm")
        assert file["samples/window"][0].tolist() == [40, 400]
        assert file["samples/pixel_spacing"][0].tolist() == [0.75, 1.25]
        assert file["samples/image_position"][0].tolist() == [float(v) for v in header.ImagePositionPatient]
        assert file["samples/image_orientation"][0].tolist() == [1, 0, 0, 0, 0.6, -0.8]


@pytest.mark.parametrize("change, tag", [
    (dict(photometric="RGB"), "(0028,0002)"),
    (dict(SamplesPerPixel=3), "(0028,0002)"),
    (dict(NumberOfFrames=2), "(7FE0,0010)"),
    (dict(Rows=13), "(7FE0,0010)"),
    (dict(Rows=0), None),
    (dict(BitsStored=17), "(0028,0101)"),
])
def test_an_image_of_another_kind_is_rejected_with_the_tag(change, tag, dicomprep, tmp_path):
    _, report, found = pack(dicomprep, tmp_path, [dicom(A12), dicom(A12, **change)], "--size", "12x10", code=3)
    assert set(found) == {"P1"}
    entry = next(entry for entry in report["rejected"] if entry["file"] == "dicoms/P2/2.dcm")
    assert tag is None or tag in str(entry).upper()


# ---------------------------------------------------------------- how pixels are stored


def compressed(stored, syntax, **words):
    image = dicom(stored, **words)
    if syntax == RLELossless:
        image.compress(RLELossless)
        return image
    coded = io.BytesIO()
    Image.fromarray(stored).save(coded, "JPEG2000", irreversible=False, no_jp2=True)
    image.PixelData = encapsulate([coded.getvalue()])
    image["PixelData"].is_undefined_length = True
    image.file_meta.TransferSyntaxUID = syntax
    return image


HIGH = (A12 | (unsigned(16, "overlay") & 0xF000)).astype(np.uint16)
STORED = {
    "implicit": (dicom(A12, bits=12, syntax=ImplicitVRLittleEndian), A12),
    "deflated": (dicom(A12, bits=12, syntax=DeflatedExplicitVRLittleEndian), A12),
    "big endian": (dicom(A12, bits=12, syntax=ExplicitVRBigEndian), A12),
    "big endian, signed": (dicom(S16, syntax=ExplicitVRBigEndian), S16),
    "run length, 8 bit": (compressed(A8, RLELossless), A8),
    "run length, 16 bit": (compressed(A16, RLELossless), A16),
    "run length, signed": (compressed(S16, RLELossless), S16),
    "JPEG 2000, 8 bit": (compressed(A8, JPEG2000Lossless), A8),
    "JPEG 2000, 16 bit": (compressed(A16, JPEG2000Lossless), A16),
    "bits above High Bit": (dicom(HIGH, bits=12), A12),
    "signed, bits above High Bit": (dicom((signed(12) & 0x0FFF).astype(np.int16), bits=12), signed(12)),
    "bits below": (dicom((A12 << 4 | 0x9).astype(np.uint16), bits=12, high_bit=15), A12),
    "odd length": (dicom(A8[:11, :9].copy()), A8[:11, :9]),
}


@pytest.mark.parametrize("name", STORED)
def test_pixels_come_out_as_they_were_meant(name, dicomprep, tmp_path):
    image, expected = STORED[name]
    _, _, found = pack(dicomprep, tmp_path, [image])
    check(found, [expected], expected.dtype)
    if name not in ("bits above High Bit", "signed, bits above High Bit", "bits below"):
        read = pydicom.dcmread(tmp_path / "data/dicoms/P1/1.dcm")
        np.testing.assert_array_equal(read.pixel_array, expected)


def test_a_file_without_a_preamble_is_read(dicomprep, tmp_path):
    buffer = io.BytesIO()
    dicom(A12, bits=12).save_as(buffer, enforce_file_format=True)
    data = buffer.getvalue()
    assert data[128:132] == b"DICM"
    _, _, found = pack(dicomprep, tmp_path, [data[132:], data])
    check(found, [A12, A12], "uint16")


@pytest.mark.parametrize("padding", [b"\0\0", b"\xfc\xff\xfc\xff\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00"])
def test_what_follows_the_pixels_is_not_read(padding, dicomprep, tmp_path):
    image = dicom(A8)
    buffer = io.BytesIO()
    image.save_as(buffer, enforce_file_format=True)
    _, _, found = pack(dicomprep, tmp_path, [buffer.getvalue() + padding])
    check(found, [A8], "uint8")


def test_every_syntax_in_one_study(dicomprep, tmp_path):
    images = [compressed(A16, RLELossless), dicom(A16, syntax=ExplicitVRBigEndian), compressed(A16, JPEG2000Lossless),
              dicom(A16, syntax=ImplicitVRLittleEndian), dicom(A16)]
    _, _, found = pack(dicomprep, tmp_path, images)
    check(found, [A16] * 5, "uint16")


# ---------------------------------------------------------------- size

LARGE, SMALL, WIDE = (60, 50), (31, 40), (20, 90)
HEART = [(12.25, 8.0), (30.5, 9.5), (28.0, 24.75), (15.0, 26.5)]


def sized(shape, *key):
    """A smooth image with noise of signed 16-bit values."""
    y, x = np.mgrid[:shape[0], :shape[1]]
    return (500 * np.sin(x / 7) + 300 * np.cos(y / 5) + noise(shape, -40, 40, shape, *key)).astype(np.int16)


@pytest.fixture
def sizes(tmp_path):
    """One patient with images of three sizes."""
    study = Study(tmp_path / "data")
    for number, shape in enumerate((LARGE, SMALL, WIDE), 1):
        points = HEART if shape != WIDE else [(x + 20, y - 6) for x, y in HEART]
        study.add("P1", number, sized(shape), points)
    return study


def test_several_sizes_need_a_decision(sizes, dicomprep, out):
    result = dicomprep.prep(sizes.root, out / "x.h5", code=1)
    for part in ("60x50", "31x40", "20x90", "--size", "--fit"):
        assert part in result.stderr
    assert not list(out.iterdir())


def centred(image, shape):
    """`image` in the middle of `shape`, its smallest value around it, cut where it is larger."""
    fitted = np.full(shape, image.min(), image.dtype)
    (top, left) = (int((to - have) / 2) for to, have in zip(shape, image.shape))
    for row in range(shape[0]):
        for column in range(shape[1]):
            if 0 <= row - top < image.shape[0] and 0 <= column - left < image.shape[1]:
                fitted[row, column] = image[row - top, column - left]
    return fitted, (left, top)


def by_number(path):
    with h5py.File(path) as file:
        expect.check_statistics(file)
        numbers = file["samples/instance"][:].tolist()
        rows = zip(file["images"][..., 0], file["masks"][..., 0], file["samples/contour_area"][:, 0],
                   file["samples/rows"][:], file["samples/columns"][:], file["samples/mask_pixels"][:, 0])
        return dict(zip(numbers, rows))


def mask_of(study, number, shape, move):
    points = [move(*point) for point in expect.points(study.contour_path("P1", number))]
    return expect.center_mask(points, *shape)


@pytest.mark.parametrize("fit, shape", [("pad", (80, 95)), ("pad", (60, 91)), ("crop", (30, 44)), ("crop", (25, 25)),
                                        ("crop", (64, 30))])
def test_images_are_centred_and_contours_follow(fit, shape, sizes, dicomprep, out):
    dicomprep.prep(sizes.root, out / "x.h5", *WORDS, "--size", f"{shape[0]}x{shape[1]}", "--fit", fit)
    found = by_number(out / "x.h5")
    assert set(found) == {1, 2, 3}
    for number, source in enumerate((LARGE, SMALL, WIDE), 1):
        image, mask, area, rows, columns, ones = found[number]
        fitted, (left, top) = centred(sized(source), shape)
        np.testing.assert_array_equal(image, fitted)
        expected = mask_of(sizes, number, shape, lambda x, y: (x + left, y + top))
        np.testing.assert_array_equal(mask, expected)
        assert (rows, columns) == source and ones == expected.sum()
        assert area == pytest.approx(expect.area(HEART), rel=1e-6), "in pixels of the source image"


def test_pad_does_not_cut(sizes, dicomprep, out):
    result, report = dicomprep.report(sizes.root, out / "x.h5", *WORDS, "--size", "80x72", code=3)
    assert report["reasons"] == {"image-size": 1, "image-rejected": 1}
    entry = next(entry for entry in report["rejected"] if entry["reason"] == "image-size")
    assert entry["file"] == "dicoms/P1/3.dcm" and "20x90" in entry["detail"] and "80x72" in entry["detail"]
    assert "--fit crop" in result.stderr and "--fit resize" in result.stderr
    assert set(by_number(out / "x.h5")) == {1, 2}
    dry = dicomprep("prep", sizes.root, "--dry-run", *WORDS, "--size", "80x72")
    assert dry.returncode == 3 and "20x90" in dry.stderr and len(dry.stdout.splitlines()) == 1 + 2


def in_proportion(source, shape):
    """For rows and columns: the pixels of an image in `shape`, how many of the source one of them is wide, where the first
    begins in the source, and where it stands in `shape`."""
    if shape[0] * source[1] == shape[1] * source[0]:
        return [(to, have / to, 0, 0) for to, have in zip(shape, source)]
    step = max(have / to for to, have in zip(shape, source))
    sizes = [min(max(round(have / step), 1), to) for to, have in zip(shape, source)]
    return [(size, step, (have - size * step) / 2, int((to - size) / 2))
            for size, to, have in zip(sizes, shape, source)]


def triangles(size, step, begin, have):
    """Weights of the `have` pixels of an axis for each of `size`: linear, over more of them where they shrink."""
    centres = (np.arange(size)[:, None] + 0.5) * step - 0.5 + begin
    weights = np.maximum(1 - np.abs(np.arange(have) - centres) / max(step, 1), 0)
    return weights / weights.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("shape", [(40, 44), (90, 120), (13, 17), (60, 50), (30, 25)])
@pytest.mark.parametrize("kind", ["float32", "int16"])
def test_resize_keeps_the_proportions(shape, kind, sizes, dicomprep, out):
    words = ["--size", f"{shape[0]}x{shape[1]}", "--fit", "resize", "--dtype", kind]
    dicomprep.prep(sizes.root, out / "x.h5", *WORDS, *words)
    found = by_number(out / "x.h5")
    assert set(found) == {1, 2, 3}
    near = 1e-3 if kind == "float32" else 0.5 + 1e-3
    for number, source in enumerate((LARGE, SMALL, WIDE), 1):
        image, mask, area, *_ = found[number]
        (rows, down, top, above), (columns, right, left, before) = in_proportion(source, shape)
        weights = [triangles(rows, down, top, source[0]), triangles(columns, right, left, source[1])]
        resized = weights[0] @ sized(source).astype(float) @ weights[1].T
        inside = (slice(above, above + rows), slice(before, before + columns))
        assert np.abs(image[inside] - resized).max() <= near
        outside = np.ones(shape, bool)
        outside[inside] = False
        assert (image[outside] == image[inside].min()).all()
        if (rows, columns) == shape:
            pillow = Image.fromarray(sized(source).astype(np.float32)).resize(shape[::-1], Image.BILINEAR)
            assert np.abs(image - np.asarray(pillow)).max() <= near or top or left
        move = lambda x, y: ((x + 0.5 - left) / right - 0.5 + before, (y + 0.5 - top) / down - 0.5 + above)
        np.testing.assert_array_equal(mask, mask_of(sizes, number, shape, move))
        assert area == pytest.approx(expect.area(HEART), rel=1e-6)


@pytest.mark.parametrize("shape", [(24, 22), (25, 25)])
def test_what_cropping_cuts_off_a_mask_is_told_with_a_count(shape, sizes, dicomprep, out):
    words = ["--size", f"{shape[0]}x{shape[1]}", "--fit", "crop"]
    result, report = dicomprep.report(sizes.root, out / "x.h5", *WORDS, *words)
    found = by_number(out / "x.h5")
    told = {note["places"][0]: note["text"] for note in report["notes"] if "--fit crop" in note["text"]}
    for number, source in enumerate((LARGE, SMALL, WIDE), 1):
        # Of a contour that reaches beyond its image, the pixels around it count, too.
        grid = [max(sides) for sides in zip(source, shape)]
        top, left = (int((to - have) / 2) for to, have in zip(grid, source))
        whole = int(mask_of(sizes, number, grid, lambda x, y: (x + left, y + top)).sum())
        cut = whole - int(found[number][1].sum())
        place = str(sizes.contour_path("P1", number).relative_to(sizes.root))
        assert (told.get(place) == f"--fit crop cuts off {cut} of {whole} pixels of the mask") == (cut > 0), (place, told)
    assert told and "--fit crop cuts off" in result.stderr


def test_a_size_beyond_the_limit_is_refused_before_memory_is_taken(sizes, dicomprep, out):
    words = ["--size", "65535x65535", "--fit", "resize"]
    result = dicomprep.prep(sizes.root, out / "x.h5", *WORDS, *words, code=1)
    for part in ("--size 65535x65535", "8589672450", "--max-image-bytes"):
        assert part in result.stderr
    assert not list(out.iterdir())


def test_an_image_beyond_the_limit_is_rejected_with_the_option(sizes, dicomprep, out):
    limit = sizes.image_path("P1", 1).stat().st_size
    words = ["--size", "20x20", "--fit", "crop", "--max-image-bytes"]
    _, report = dicomprep.report(sizes.root, out / "all.h5", *WORDS, *words, limit)
    assert report["samples"] == 3
    result, report = dicomprep.report(sizes.root, out / "x.h5", *WORDS, *words, limit - 1, code=3)
    assert report["samples"] == 2 and report["rejected"][-1]["file"] == "dicoms/P1/1.dcm"
    assert "--max-image-bytes" in report["rejected"][-1]["detail"] and str(limit - 1) in result.stderr


def test_the_cause_is_named_where_nothing_is_left(dicomprep, tmp_path, out):
    study = Study(tmp_path / "data")
    study.add("P1", 1, sized(SMALL))
    result = dicomprep.prep(study.root, out / "x.h5", "--max-image-bytes", "600", code=1)
    error = result.stderr.splitlines()[-1]
    assert "dicoms/P1/1.dcm" in error and "--max-image-bytes" in error and "was rejected" not in error


def test_a_contour_outside_its_own_image_is_rejected_whatever_the_size(dicomprep, tmp_path):
    study = Study(tmp_path / "data")
    study.add("P1", 1, sized(SMALL), [(x + 41, y) for x, y in SQUARE])
    study.add("P1", 2, sized(SMALL), SQUARE)
    _, report = dicomprep.report(study.root, tmp_path / "x.h5", *WORDS, "--size", "100x100", code=3)
    assert report["reasons"] == {"contour-outside-image": 1}
