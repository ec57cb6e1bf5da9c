"""Colour images: red, green and blue in the file are those that pydicom gives, and go through every command."""

import io
import json
import tarfile

import h5py
import numpy as np
import pyarrow
import pytest
from pydicom.encaps import encapsulate
from pydicom.pixels import apply_color_lut, pixel_array
from pydicom.uid import UID, ExplicitVRLittleEndian, RLELossless

from streams import joined, stream
from test_serve import serving
from trees import Study, dicom

imagecodecs = pytest.importorskip("imagecodecs")

JPEG = "1.2.840.10008.1.2.4."
SHAPE = (22, 18)

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def picture(bits=8, key=0):
    """A smooth colour image."""
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    parts = [np.sin((x + key) / 5), np.cos((y - key) / 7), np.sin((x - y) / 9 + key)]
    values = (np.stack(parts, axis=-1) + 1) / 2 * ((1 << bits) - 1)
    return values.round().astype(np.uint8 if bits <= 8 else np.uint16)


def color(pixels, photometric="RGB", planar=0, data=None, syntax=ExplicitVRLittleEndian, bits=None):
    """An image object with these pixels (row, column, sample), or with `data` in their place."""
    image = dicom(pixels[..., 0], bits=bits, photometric=photometric)
    image.SamplesPerPixel, image.PlanarConfiguration = 3, planar
    image.file_meta.TransferSyntaxUID = UID(syntax)
    if data is None:
        data = (np.moveaxis(pixels, 2, 0) if planar else pixels).tobytes()
    if UID(syntax).is_encapsulated:
        data = encapsulate([data])
    image.PixelData = data + bytes(len(data) % 2)
    image["PixelData"].VR = "OB"
    image["PixelData"].is_undefined_length = UID(syntax).is_encapsulated
    return image


def palette(indices, tables, first=0, bits=16, entries=None, data=None):
    """A PALETTE COLOR image; `tables` are red, green and blue."""
    image = dicom(indices, photometric="PALETTE COLOR")
    for name, table in zip(("Red", "Green", "Blue"), tables):
        count = len(table) if entries is None else entries
        descriptor = f"{name}PaletteColorLookupTableDescriptor"
        setattr(image, descriptor, [count % 65536, first, bits])
        image[descriptor].VR = "US"
        stored = np.asarray(table, np.uint8 if bits == 8 else "<u2").tobytes()
        key = f"{name}PaletteColorLookupTableData" if data is None else f"Segmented{name}PaletteColorLookupTableData"
        setattr(image, key, (stored + bytes(len(stored) % 2)) if data is None else data)
    return image


def packed(dicomprep, tmp_path, images, *words, code=0):
    """The images of the file, in their order, and its attributes."""
    study = Study(tmp_path / "data")
    for number, image in enumerate(images):
        study.add(f"P{number:03}", number + 1, image)
    result, report = dicomprep.report(study.root, tmp_path / "x.h5", "--split", "none", *words, code=code)
    assert report["samples"] == len(images), report
    with h5py.File(tmp_path / "x.h5") as file:
        found = dict(zip(file["samples/patient_id"].asstr()[:], file["images"][:]))
        attributes = {name: file["images"].attrs[name] for name in file["images"].attrs}
    return [found[f"P{number:03}"] for number in range(len(images))], attributes, report


def by_formula(ybr):
    """PS3.3 C.7.6.3.1.2 undone, of 8 bits."""
    y, cb, cr = np.moveaxis(ybr.astype(float), 2, 0)
    cb, cr = cb - 128, cr - 128
    rgb = [y + 1.402 * cr, y - 0.114 * 1.772 / 0.587 * cb - 0.299 * 1.402 / 0.587 * cr, y + 1.772 * cb]
    return np.clip(np.floor(np.stack(rgb, axis=-1) + 0.5), 0, 255)


def test_colours_are_those_of_pydicom(dicomprep, tmp_path):
    ybr = picture(key=3)
    halved = ybr.reshape(SHAPE[0], -1, 2, 3)
    pairs = np.stack([halved[:, :, 0, 0], halved[:, :, 1, 0], halved[:, :, 0, 1], halved[:, :, 0, 2]], axis=-1)
    planes = [bytes(imagecodecs.packbits_encode(ybr[..., part].tobytes())) for part in range(3)]
    planes = [plane + bytes(len(plane) % 2) for plane in planes]
    starts = np.cumsum([64] + [len(plane) for plane in planes])[:3]
    rle = np.array([3, *starts, *[0] * 12], "<u4").tobytes() + b"".join(planes)
    images = [
        color(picture(), planar=0),
        color(picture(), planar=1),
        color(ybr, "YBR_FULL"),
        color(ybr, "YBR_FULL", planar=1),
        color(ybr, "YBR_FULL_422", data=pairs.tobytes()),
        color(picture(), data=rle, syntax=RLELossless),
        color(picture(), data=imagecodecs.jpegls_encode(picture()), syntax=JPEG + "80"),
        color(picture(), data=imagecodecs.jpeg2k_encode(picture(), level=0, codecformat="j2k"), syntax=JPEG + "90"),
        color(ybr, "YBR_FULL", data=imagecodecs.jpeg2k_encode(ybr, level=0, mct=False, codecformat="j2k"),
              syntax=JPEG + "90"),
        color(picture(), "YBR_RCT", data=imagecodecs.jpeg2k_encode(picture(), level=0, codecformat="j2k"),
              syntax=JPEG + "90"),
        color(picture(), data=imagecodecs.jpeg8_encode(picture(), lossless=True, predictor=1,
              colorspace="RGB", outcolorspace="RGB"), syntax=JPEG + "70"),
    ]
    found, attributes, report = packed(dicomprep, tmp_path, images)
    for number, (image, pixels) in enumerate(zip(images, found)):
        expected = pixel_array(image)
        assert pixels.dtype == np.uint8 and pixels.shape == expected.shape
        difference = np.abs(pixels.astype(int) - expected).max()
        assert difference <= (0 if image.PhotometricInterpretation in ("RGB", "YBR_RCT") else 1), number
    np.testing.assert_array_equal(found[2], by_formula(ybr))
    assert report["channels"] == 3
    for name, function in {"mean": np.mean, "std": np.std, "min": np.min, "max": np.max}.items():
        expected = function(np.stack(found).astype(float), axis=(0, 1, 2))
        np.testing.assert_allclose(attributes[f"train_channel_{name}"], expected, rtol=1e-12)
    assert attributes["train_mean"] == pytest.approx(np.stack(found).mean())


def test_the_header_decides_the_colour_of_jpeg_unless_the_stream_says_more(dicomprep, tmp_path):
    def lossy(marker=True, **options):
        stream = bytes(imagecodecs.jpeg8_encode(picture(), level=95, **options))
        if marker:
            return stream
        # Without its JFIF and Adobe markers, a stream says nothing of its colours.
        at, kept = 2, stream[:2]
        while stream[at + 1] != 0xDA:
            length = 2 + int.from_bytes(stream[at + 2:at + 4], "big")
            kept += b"" if stream[at + 1] in (0xE0, 0xEE) else stream[at:at + length]
            at += length
        return kept + stream[at:]

    as_stored = {"colorspace": "RGB", "outcolorspace": "RGB"}
    images = [
        color(picture(), "RGB", data=lossy(False, **as_stored), syntax=JPEG + "50"),
        color(picture(), "YBR_FULL", data=lossy(False, subsampling="444"), syntax=JPEG + "50"),
        color(picture(), "YBR_FULL_422", data=lossy(subsampling="422"), syntax=JPEG + "50"),
        # A JFIF marker under RGB means YCbCr, an Adobe marker with transform 0 under YBR_FULL means RGB.
        color(picture(), "RGB", data=lossy(subsampling="444"), syntax=JPEG + "50"),
        color(picture(), "YBR_FULL_422", data=lossy(**as_stored), syntax=JPEG + "50"),
    ]
    found, _, report = packed(dicomprep, tmp_path, images)
    for number, pixels in enumerate(found):
        assert np.abs(pixels.astype(int) - picture().astype(int)).max() <= 40, number
        assert np.abs(pixels.astype(int) - picture().astype(int)).mean() <= 5, number
    notes = " ".join(note["text"] for note in report["notes"])
    assert "the JPEG stream says YCbCr" in notes and "the JPEG stream says RGB" in notes


def test_palettes_are_those_of_pydicom(dicomprep, tmp_path):
    indices = (np.arange(SHAPE[0] * SHAPE[1]) % 256).astype(np.uint8).reshape(SHAPE)
    tables = [np.arange(256) * 257 % 65536, np.arange(256)[::-1] * 250, np.arange(256) ** 2 % 65536]
    short = [table[20:200] for table in tables]
    segments = np.array([0, 2, 100, 60000, 1, 252, 700, 0, 2, 9, 8], "<u2").tobytes()
    images = [
        palette(indices, tables),
        palette(indices, short, first=7),
        palette((indices.astype(np.int16) - 128), short, first=-90 & 0xFFFF),
        palette(indices.astype(np.uint16) * 256, [np.arange(65536)[::-1]] * 3),
        palette(indices, tables, entries=256, data=segments),
    ]
    found, _, _ = packed(dicomprep, tmp_path, images, "--dtype", "uint16")
    for number, (image, pixels) in enumerate(zip(images, found)):
        if number == 2:
            for name in ("Red", "Green", "Blue"):
                image[f"{name}PaletteColorLookupTableDescriptor"].value = [180, -90, 16]
        np.testing.assert_array_equal(pixels, apply_color_lut(image.pixel_array, image), str(number))


def test_palettes_of_16_bits_are_given_by_their_upper_half_in_8(dicomprep, tmp_path):
    indices = (np.arange(SHAPE[0] * SHAPE[1]) % 256).astype(np.uint8).reshape(SHAPE)
    tables = [np.arange(256) * 257, np.arange(256)[::-1] * 250, np.arange(256) ** 2 % 65536]
    images = [palette(indices, tables), palette(indices, [np.arange(256)] * 3, bits=8), palette(indices, [range(256)] * 3)]
    found, _, report = packed(dicomprep, tmp_path, images)
    np.testing.assert_array_equal(found[0], np.stack([table[indices] >> 8 for table in tables], axis=-1))
    np.testing.assert_array_equal(found[1], np.stack([indices] * 3, axis=-1))
    assert found[2].max() == 0
    assert any("--dtype uint16" in note["text"] for note in report["notes"])


def test_a_mix_is_refused_kept_or_made_grey(dicomprep, tmp_path):
    grey = dicom(picture()[..., 1])
    study = Study(tmp_path / "data")
    for number, image in enumerate([color(picture()), color(picture(key=2)), grey]):
        study.add(f"P{number}", number + 1, image)
    refused = dicomprep("prep", study.root, "-o", tmp_path / "no.h5")
    assert refused.returncode == 1 and not (tmp_path / "no.h5").exists()
    for part in ["2 images are in colour", "1 monochrome", "dicoms/P0/1.dcm", "dicoms/P2/3.dcm", "--color gray", "--color keep"]:
        assert part in refused.stderr
    images = {}
    for choice in ["keep", "gray"]:
        dicomprep.prep(study.root, tmp_path / f"{choice}.h5", "--color", choice, "--split", "none")
        with h5py.File(tmp_path / f"{choice}.h5") as file:
            images[choice] = file["images"][:]
            assert json.loads(file.attrs["config"])["color"] == choice
        assert dicomprep("verify", tmp_path / f"{choice}.h5", "--against", study.root).returncode == 0
    np.testing.assert_array_equal(images["keep"][0], picture())
    np.testing.assert_array_equal(images["keep"][2], np.stack([picture()[..., 1]] * 3, axis=-1))
    luma = picture().astype(np.int64) @ [299, 587, 114]
    expected = luma // 1000 + ((luma % 1000 > 500) | ((luma % 1000 == 500) & (luma // 1000 % 2 == 1)))
    assert images["gray"].shape[-1] == 1
    np.testing.assert_array_equal(images["gray"][0, ..., 0], expected)
    np.testing.assert_array_equal(images["gray"][2, ..., 0], picture()[..., 1])


def test_what_cannot_be_read_is_refused_by_name(dicomprep, tmp_path):
    odd = picture()[:, :17]
    data = bytes(2 * odd[..., 0].size)
    images = [
        color(odd, "YBR_FULL_422", data=data),
        color(picture(), "YBR_RCT"),
        color(picture(), "CMYK"),
        color(picture(), "YBR_FULL", data=picture().tobytes()[:-40]),
    ]
    study = Study(tmp_path / "data")
    for number, image in enumerate(images):
        study.add(f"P{number}", number + 1, image)
    _, report = dicomprep.report(study.root, tmp_path / "x.h5", "--split", "none", code=1)
    detail = {entry["file"]: entry["detail"] for entry in report["rejected"] if entry["file"].endswith(".dcm")}
    expected = ["YBR_FULL_422 with 17 columns", "YBR_RCT", "CMYK", "are there"]
    for number, part in enumerate(expected):
        assert part in detail[f"dicoms/P{number}/{number + 1}.dcm"], detail


@pytest.fixture(scope="module")
def colored(dicomprep, tmp_path_factory):
    """A file of 12 colour images of 12 patients, its data directory, and its pixels."""
    folder = tmp_path_factory.mktemp("colored")
    study = Study(folder / "data")
    for number in range(12):
        study.add(f"P{number:02}", number + 1, color(picture(key=number)))
    dicomprep.prep(study.root, folder / "x.h5", "--split", "train=0.7,val=0.3")
    with h5py.File(folder / "x.h5") as file:
        return folder, file["images"][:], file["samples/split"].asstr()[:]


def batches(dicomprep, folder, *words):
    """All images of a stream in one array, in the order of the file."""
    out = folder / "out.tar"
    result = dicomprep("batches", folder / "x.h5", "--no-shuffle", "--format", "webdataset", "-o", out, "--force", *words)
    assert result.returncode == 0, result.stderr
    with tarfile.open(out) as tar:
        members = [member for member in tar if member.name.endswith("image.npy")]
        return np.stack([np.load(io.BytesIO(tar.extractfile(member).read())) for member in members])


def test_streams_have_three_channels_normalized_each_by_its_own_numbers(dicomprep, colored):
    folder, images, splits = colored
    np.testing.assert_array_equal(batches(dicomprep, folder), images.astype(np.float32))
    train = images[splits == "train"].astype(float)
    mean, std = train.mean(axis=(0, 1, 2)), train.std(axis=(0, 1, 2))
    low, high = train.min(axis=(0, 1, 2)), train.max(axis=(0, 1, 2))
    floor, ceiling = np.percentile(train, [0.5, 99.5], axis=(0, 1, 2), method="inverted_cdf")
    assert len(set(floor)) > 1
    for words, expected in [
        (["--normalize", "zscore"], (images - mean) / std),
        (["--normalize", "minmax"], (images - low) / (high - low)),
        (["--normalize", "percentile"], ((images - floor) / (ceiling - floor)).clip(0, 1)),
        (["--featurewise-center"], images - mean),
        (["--featurewise-std-normalization"], (images - mean) / (std + 1e-6)),
        (["--normalize", "sample-zscore"],
         (images - images.mean(axis=(1, 2, 3), keepdims=True)) / images.std(axis=(1, 2, 3), keepdims=True)),
    ]:
        np.testing.assert_allclose(batches(dicomprep, folder, *words), expected, rtol=1e-5, atol=1e-5)
        moved = np.moveaxis(batches(dicomprep, folder, *words, "--layout", "nchw"), 1, 3)
        np.testing.assert_allclose(moved, expected, rtol=1e-5, atol=1e-5)


def test_every_format_has_three_channels(dicomprep, colored, tmp_path):
    folder, images, _ = colored
    words = ("--no-shuffle", "--image-dtype", "stored", "-b", len(images))
    expected = {"nhwc": images, "nchw": np.moveaxis(images, 3, 1)}
    for layout, wanted in expected.items():
        found, masks = joined(stream(dicomprep, folder / "x.h5", *words, "--layout", layout))
        np.testing.assert_array_equal(found, wanted)
        assert masks.ndim == 4
        arrow = stream(dicomprep, folder / "x.h5", *words, "--layout", layout, "--format", "arrow")
        column = pyarrow.ipc.open_stream(arrow).read_all().column("image").combine_chunks()
        np.testing.assert_array_equal(column.to_numpy_ndarray().reshape(wanted.shape), wanted)
    np.testing.assert_array_equal(batches(dicomprep, folder, "--image-dtype", "stored"), images)
    with serving(dicomprep, folder / "x.h5") as service:
        served = joined(service.read(f"datasets/x/batches?shuffle=false&image_dtype=stored&batch_size={len(images)}"))
        np.testing.assert_array_equal(served[0], images)
        row = np.lib.format.read_array(io.BytesIO(service.read("datasets/x/samples/2.npy?image_dtype=stored")))
        np.testing.assert_array_equal(row[0], images[2])
        drawn = imagecodecs.png_decode(service.read("datasets/x/samples/2.png?mask=none"))
        zoom = drawn.shape[0] // SHAPE[0]
        np.testing.assert_array_equal(drawn[::zoom, ::zoom][: SHAPE[0], : SHAPE[1], :3], images[2])


def test_channels_are_moved_together_by_augmentation(dicomprep, colored):
    folder, images, _ = colored
    flipped = batches(dicomprep, folder, "--horizontal-flip", "--seed", "5")
    for image, found in zip(images.astype(np.float32), flipped):
        assert np.array_equal(found, image) or np.array_equal(found, image[:, ::-1])
    turned = batches(dicomprep, folder, "--rotation-range", "30", "--seed", "5")
    assert turned.shape == images.shape and not np.array_equal(turned, images)


def test_every_command_takes_colour(dicomprep, colored, tmp_path):
    folder, images, _ = colored
    file = folder / "x.h5"
    for words in [["verify", file], ["verify", file, "--against", folder / "data"], ["diff", file, file],
                  ["audit", folder / "data"]]:
        result = dicomprep(*words)
        assert result.returncode == 0, (words, result.stderr, result.stdout)
    info = dicomprep("info", file)
    assert "x 3" in info.stdout or ", 3" in info.stdout
    assert "green" in info.stdout
    assert len(json.loads(dicomprep("info", file, "--json").stdout)["train_channel_mean"]) == 3
    # Shards of the plan make the same file.
    for index in range(2):
        dicomprep.prep(folder / "data", tmp_path / f"{index}.h5", "--split", "train=0.7,val=0.3", "--shard", f"{index}/2")
    merged = dicomprep("merge", tmp_path / "0.h5", tmp_path / "1.h5", "-o", tmp_path / "merged.h5")
    assert merged.returncode == 0, merged.stderr
    assert (tmp_path / "merged.h5").read_bytes() == file.read_bytes()
    # A damaged row comes back.
    damaged = bytearray(file.read_bytes())
    with h5py.File(file) as opened:
        place = opened["images"].id.get_chunk_info(4)
    damaged[place.byte_offset + place.size // 2] ^= 0xFF
    (tmp_path / "damaged.h5").write_bytes(damaged)
    repaired = dicomprep("repair", tmp_path / "damaged.h5", "--against", folder / "data", "-o", tmp_path / "again.h5")
    assert repaired.returncode == 0, repaired.stderr
    with h5py.File(tmp_path / "again.h5") as opened:
        np.testing.assert_array_equal(opened["images"][:], images)


def test_pictures_are_in_colour(dicomprep, colored, tmp_path):
    folder, images, _ = colored
    result = dicomprep("explain", folder / "x.h5", "--at", "0:0:0", "-o", tmp_path / "row.png")
    assert result.returncode == 0, result.stderr
    drawn = imagecodecs.png_decode((tmp_path / "row.png").read_bytes())[..., :3]
    zoom = drawn.shape[0] // SHAPE[0]
    shown = drawn[zoom // 2:: zoom, zoom // 2:: zoom][:SHAPE[0], :SHAPE[1]]
    same = (shown == images[0]).all(axis=-1)
    assert same[8:].all()
    page = tmp_path / "page.html"
    assert dicomprep("preview", folder / "x.h5", "-o", page).returncode == 0
    assert "all values of a colour" in page.read_text()
