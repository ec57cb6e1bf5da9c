"""Padding, windows, spacing and types: what the values of images are, and what statistics count."""

import h5py
import numpy as np
import pytest

import expect
from streams import npy, run, stream
from trees import SQUARE, Study, dicom, lut, noise

WORDS = ["--on-finding", "keep", "--split", "none"]


def pack(dicomprep, tmp_path, images, *words, **kwargs):
    """Packs a study of `images`, one patient each."""
    study = Study(tmp_path / "data")
    for number, image in enumerate(images, 1):
        study.add(f"P{number}", number, image)
    path = tmp_path / "x.h5"
    result, report = dicomprep.report(study.root, path, *WORDS, *words, **kwargs)
    return path, result, report


# ---------------------------------------------------------------- padding


def padded(value, *key, kind=np.int16, **more):
    """A round image in `value`, as a scanner of computed tomography gives it, and where it is padding."""
    y, x = np.mgrid[:32, :32]
    outside = (y - 16) ** 2 + (x - 16) ** 2 > 15 ** 2
    stored = noise((32, 32), 0, 900, *key).astype(kind)
    stored[outside] = value
    return dicom(stored, **more), stored, outside


CASES = {
    "signed": lambda n: padded(-2000, n, PixelPaddingValue=-2000, slope="1", intercept="-1024"),
    "above all values": lambda n: padded(4000, n, kind=np.uint16, PixelPaddingValue=4000),
    "inverted": lambda n: padded(0, n, kind=np.uint16, bits=12, photometric="MONOCHROME1", PixelPaddingValue=0),
    "a range": lambda n: padded(3000, n, kind=np.uint16, PixelPaddingValue=4095, PixelPaddingRangeLimit=2500),
    "fractions": lambda n: padded(-2000, n, PixelPaddingValue=-2000, slope="0.1", intercept="-3"),
    "8 bits": lambda n: padded(255, n, kind=np.uint8, PixelPaddingValue=255),
}


@pytest.mark.parametrize("name", CASES)
def test_padding_is_no_part_of_statistics(name, dicomprep, tmp_path):
    cases = [CASES[name](number) for number in range(1, 4)]
    path, _, _ = pack(dicomprep, tmp_path, [case[0] for case in cases])
    with h5py.File(path) as file:
        images, ranges = file["images"][..., 0], file["samples/padding_range"][:]
        assert file["samples/padding_pixels"][:].tolist() == [
            int(((image >= low) & (image <= high)).sum()) for image, (low, high) in zip(images, ranges)]
        for (_, stored, outside), image, (low, high) in zip(cases, images, ranges):
            # Noise of 8 bits has the value of the padding too.
            assert ((image >= low) & (image <= high))[outside].all()
            assert name == "8 bits" or ((image >= low) & (image <= high)).sum() == outside.sum()
        kept = np.concatenate([image[~((image >= low) & (image <= high))] for image, (low, high) in zip(images, ranges)])
        found = file["images"].attrs
        np.testing.assert_allclose([found["train_mean"], found["train_std"]],
                                   [kept.mean(dtype=float), kept.std(dtype=float)], rtol=1e-6)
        assert (found["train_min"], found["train_max"]) == (kept.min(), kept.max())
        exact = [expect.percentile(kept, level) for level in (5, 20, 500, 980, 995)]
        assert found["train_percentiles"].tolist() == exact
        assert file["samples/value_range"][0].tolist() == [
            images[0][~((images[0] >= ranges[0][0]) & (images[0] <= ranges[0][1]))].min(),
            images[0][~((images[0] >= ranges[0][0]) & (images[0] <= ranges[0][1]))].max()]
    assert dicomprep("verify", path, "--against", tmp_path / "data").returncode == 0


def floats(double, limit, number):
    """A round image of floats, rescaled, in padding that a scanner never measures."""
    image, stored, outside = padded(-2000, number, slope="2", intercept="-1")
    values = stored / 7
    values[outside] = -1e6 if limit is None else -1e6 - np.arange(outside.sum())
    for attribute in ("PixelData", "BitsStored", "HighBit", "PixelRepresentation"):
        delattr(image, attribute)
    kind, vr, tags = (("<f8", "FD", (0x00280123, 0x00280125)), ("<f4", "FL", (0x00280122, 0x00280124)))[not double]
    image.BitsAllocated = 64 if double else 32
    setattr(image, "DoubleFloatPixelData" if double else "FloatPixelData", values.astype(kind).tobytes())
    image.add_new(tags[0], vr, -1e6)
    if limit is not None:
        image.add_new(tags[1], vr, limit)
    return image, values.astype(kind), outside


@pytest.mark.parametrize("limit", [None, -2e6])
@pytest.mark.parametrize("double", [False, True])
def test_padding_of_floats_is_no_part_of_statistics(double, limit, dicomprep, tmp_path):
    cases = [floats(double, limit, number) for number in range(1, 4)]
    path, _, _ = pack(dicomprep, tmp_path, [case[0] for case in cases])
    with h5py.File(path) as file:
        assert file["samples/padding_pixels"][:].tolist() == [int(outside.sum()) for _, _, outside in cases]
        assert file["samples/padding_range"][0].tolist() == [-2000001 if limit is None else -4000001, -2000001]
        kept = np.concatenate([image[~outside] for image, (_, _, outside) in zip(file["images"][..., 0], cases)])
        found = file["images"].attrs
        assert (found["train_min"], found["train_max"]) == (kept.min(), kept.max()) and kept.min() >= -1
        np.testing.assert_allclose(found["train_mean"], kept.mean(dtype=float), rtol=1e-6)
    assert dicomprep("verify", path, "--against", tmp_path / "data").returncode == 0


def test_padding_that_is_written_as_unsigned(dicomprep, tmp_path):
    """Pixel Representation decides, whatever VR was written (PS3.5 6.2: US or SS)."""
    image, _, outside = padded(-2000, 1, PixelPaddingValue=-2000, slope="1", intercept="-1024")
    image.add_new("PixelPaddingValue", "US", 63536)
    path, _, _ = pack(dicomprep, tmp_path, [image])
    with h5py.File(path) as file:
        assert file["samples/padding_pixels"][0] == outside.sum() and file["images"].attrs["train_min"] >= -1024


def test_padding_may_be_kept(dicomprep, tmp_path):
    cases = [CASES["signed"](number) for number in range(1, 4)]
    path, _, _ = pack(dicomprep, tmp_path, [case[0] for case in cases], "--padding", "keep")
    with h5py.File(path) as file:
        expect.check_statistics(file)
        assert file["images"].attrs["train_min"] == -3024
        assert np.isnan(file["samples/padding_range"][:]).all() and not file["samples/padding_pixels"][:].any()
    assert dicomprep("verify", path, "--against", tmp_path / "data").returncode == 0


def test_padding_that_goes_through_a_table(dicomprep, tmp_path):
    table = [7 * x + 5 for x in range(256)]
    image, stored, outside = padded(200, 1, kind=np.uint8, PixelPaddingValue=200, ModalityLUTSequence=lut(table))
    path, _, _ = pack(dicomprep, tmp_path, [image])
    with h5py.File(path) as file:
        assert file["samples/padding_range"][0].tolist() == [1405, 1405]
        assert file["samples/padding_pixels"][0] == (stored == 200).sum()


def test_verify_holds_padding_against_the_pixels(dicomprep, tmp_path):
    path, _, _ = pack(dicomprep, tmp_path, [CASES["signed"](1)[0]])
    with h5py.File(path, "r+") as file:
        file["samples/padding_pixels"][0] = 5
        crc = expect.crc32c(file["samples/padding_pixels"][:].tobytes())
        file["samples/padding_pixels"].attrs.modify("checksum", np.uint32(crc))
    result = dicomprep("verify", path)
    assert result.returncode == 1 and "padding_pixels is 5" in result.stderr


def test_shards_leave_padding_out_too(dicomprep, tmp_path):
    study = Study(tmp_path / "data")
    for number in range(1, 7):
        study.add(f"P{number}", number, CASES["fractions"](number)[0])
    dicomprep.prep(study.root, tmp_path / "whole.h5", *WORDS[:2])
    shards = [tmp_path / f"{n}.h5" for n in range(2)]
    for n, shard in enumerate(shards):
        dicomprep.prep(study.root, shard, *WORDS[:2], "--shard", f"{n}/2")
    assert dicomprep("merge", *shards, "-o", tmp_path / "merged.h5").returncode == 0
    assert (tmp_path / "merged.h5").read_bytes() == (tmp_path / "whole.h5").read_bytes()


# ---------------------------------------------------------------- windows


def sigmoid(x, c, w):
    return 1 / (1 + np.exp(-4 * (x - c) / w))


def linear(x, c, w):
    return np.clip((x - (c - 0.5)) / (w - 1) + 0.5, 0, 1)


def exact(x, c, w):
    return np.clip((x - c) / w + 0.5, 0, 1)


def test_each_window_maps_by_its_own_function(dicomprep, tmp_path):
    functions = {"SIGMOID": sigmoid, "LINEAR_EXACT": exact, "LINEAR": linear, None: linear}
    images = []
    for number, name in enumerate(functions):
        more = {} if name is None else {"VOILUTFunction": name}
        images.append(dicom(noise((8, 8), 0, 1000, number).astype(np.uint16), window=(500, 400), **more))
    path, _, _ = pack(dicomprep, tmp_path, images)
    with h5py.File(path) as file:
        stored = file["images"][:].astype(float)
        assert file["samples/window_function"].asstr()[:].tolist() == ["SIGMOID", "LINEAR_EXACT", "LINEAR", "LINEAR"]
    for words in ([], ["--layout", "nchw"]):
        batch = npy(stream(dicomprep, path, "--normalize", "window", "--no-shuffle", "-q", *words))[0][0]
        batch = batch.reshape(stored.shape)
        for row, function in enumerate(functions.values()):
            np.testing.assert_allclose(batch[row], function(stored[row], 500, 400), atol=1e-7)
    # A window for all images is the linear one.
    batch = npy(stream(dicomprep, path, "--normalize", "window", "--window", "300,100", "--no-shuffle", "-q"))[0][0]
    np.testing.assert_allclose(batch, linear(stored, 300, 100), atol=1e-7)


def test_an_unknown_function_and_a_lut_are_noted(dicomprep, tmp_path):
    image = dicom(noise((8, 8), 0, 1000).astype(np.uint16), window=(500, 400), VOILUTFunction="CUBIC")
    image.VOILUTSequence = lut(range(256))
    del image.VOILUTSequence[0].ModalityLUTType
    _, _, report = pack(dicomprep, tmp_path, [image])
    notes = {note["text"]: note["places"] for note in report["notes"]}
    assert any("LINEAR is taken" in text and "VOI LUT Function" in places[0] for text, places in notes.items()), notes
    assert any("VOI LUT" in text and "VOI LUT Sequence" in places[0] for text, places in notes.items()), notes


def test_a_window_of_no_width_is_refused_by_its_function(dicomprep, tmp_path):
    images = [dicom(noise((8, 8), 0, 9, n).astype(np.uint16), window=(5, 0), VOILUTFunction="SIGMOID") for n in (1, 2)]
    path, _, _ = pack(dicomprep, tmp_path, images)
    result = run(dicomprep, path, "--normalize", "window", code=1)
    assert "above 0" in result.stderr and "--window" in result.stderr


# ---------------------------------------------------------------- types and units

CT = {"Modality": "CT"}


@pytest.mark.parametrize("low, kind", [(-1024, "int16"), (-31744, "int16"), (-31745, "float32")])
def test_ct_of_signed_16_bits_is_int16_while_its_values_fit(low, kind, dicomprep, tmp_path):
    images = [dicom(noise((8, 8), low, 3071, n).astype(np.int16), slope="1", intercept="-1024", **CT) for n in (1, 2)]
    path, _, report = pack(dicomprep, tmp_path, images)
    assert report["pixel_type"] == kind
    with h5py.File(path) as file:
        assert file["images"].attrs["units"] == "HU" and file["images"][:].min() == low - 1024
        expect.check_statistics(file)


@pytest.mark.parametrize("more, unit", [
    ({"RescaleType": "HU", "slope": "1", "intercept": "-1024"}, "HU"),
    ({"Modality": "CT", "slope": "1", "intercept": "-1024"}, "HU"),
    ({"Modality": "CT", "slope": "1", "intercept": "0"}, "HU"),
    ({"Modality": "CT", "slope": "1", "intercept": "0", "RescaleType": "US"}, "US"),
    ({"Modality": "CT"}, "stored value"),
    ({"Modality": "MR", "slope": "2", "intercept": "0"}, "unspecified"),
], ids=str)
def test_units_of_ct_are_hounsfield_where_it_is_rescaled(more, unit, dicomprep, tmp_path):
    path, _, _ = pack(dicomprep, tmp_path, [dicom(noise((8, 8), 0, 900).astype(np.uint16), bits=12, **more)])
    with h5py.File(path) as file:
        assert file["images"].attrs["units"] == unit


# ---------------------------------------------------------------- spacing and geometry

HEART = [(8.25, 7.0), (20.5, 8.5), (19.0, 18.75), (10.0, 20.5)]
PLACED = {"ImagePositionPatient": [10, 20, 30], "ImageOrientationPatient": [1, 0, 0, 0, 0, -1]}


def placed(shape, spacing, *key):
    y, x = np.mgrid[:shape[0], :shape[1]]
    smooth = 400 + 200 * np.sin(x * spacing[1] / 9) + 150 * np.cos(y * spacing[0] / 7)
    return dicom(smooth.astype(np.uint16), PixelSpacing=list(spacing), **PLACED)


def of_study(dicomprep, tmp_path, images, *words, code=0):
    study = Study(tmp_path / "data")
    for number, (shape, spacing) in enumerate(images, 1):
        study.add(f"P{number}", number, placed(shape, spacing, number), HEART)
    path = tmp_path / "x.h5"
    result = dicomprep.prep(study.root, path, *WORDS, *words, code=code)
    return path, result


def test_all_images_come_to_one_spacing(dicomprep, tmp_path):
    images = [((32, 40), (1.0, 1.0)), ((64, 40), (0.5, 1.0)), ((16, 20), (2.0, 2.0))]
    path, _ = of_study(dicomprep, tmp_path, images, "--spacing", "1x1")
    with h5py.File(path) as file:
        assert file["images"].shape == (3, 32, 40, 1)
        assert file["samples/spacing"][:].tolist() == [[1, 1]] * 3
        assert file["samples/pixel_spacing"][:].tolist() == [list(spacing) for _, spacing in images]
        assert file["samples/rows"][:].tolist() == [32, 64, 16]
        # All show the same field of view, so that they are nearly the same image.
        for other in file["images"][1:, 4:-4, 4:-4, 0].astype(float):
            assert np.abs(other - file["images"][0, 4:-4, 4:-4, 0]).max() < 40
        for row, (shape, (down, right)) in enumerate(images):
            # Edges of images are where they were: the first pixel is half of its new size from it.
            expected = [10 + (1 - right) / 2, 20, 30 - (1 - down) / 2]
            np.testing.assert_allclose(file["samples/position"][row], expected, atol=1e-9)
            points = [((x + 0.5) * right - 0.5, (y + 0.5) * down - 0.5) for x, y in HEART]
            np.testing.assert_array_equal(file["masks"][row, ..., 0], expect.center_mask(points, 32, 40))
        expect.check_statistics(file)
    assert dicomprep("verify", path, "--against", tmp_path / "data").returncode == 0


def test_a_size_beside_the_spacing_pads_and_crops(dicomprep, tmp_path):
    images = [((32, 40), (1.0, 1.0)), ((64, 40), (1.0, 1.0))]
    path, result = of_study(dicomprep, tmp_path / "pad", images, "--spacing", "2x2", "--size", "24x24", code=3)
    assert "the image has 32x20 pixels, more than 24x24" in result.stderr
    path, _ = of_study(dicomprep, tmp_path / "crop", images, "--spacing", "2x2", "--size", "24x24", "--fit", "crop")
    with h5py.File(path) as file:
        assert file["images"].shape == (2, 24, 24, 1) and (file["samples/spacing"][:] == 2).all()


def test_sizes_that_differ_at_the_spacing_need_a_decision(dicomprep, tmp_path):
    _, result = of_study(dicomprep, tmp_path, [((32, 40), (1.0, 1.0)), ((32, 40), (2.0, 2.0))], "--spacing", "1x1", code=1)
    assert "32x40" in result.stderr and "64x80" in result.stderr and "--size" in result.stderr


def test_an_image_without_a_spacing_is_rejected_by_name(dicomprep, tmp_path):
    study = Study(tmp_path / "data")
    study.add("P1", 1, placed((32, 40), (1.0, 1.0)))
    study.add("P2", 2, noise((32, 40), 0, 900).astype(np.uint16))
    result = dicomprep.prep(study.root, tmp_path / "x.h5", *WORDS, "--spacing", "1x1", code=3)
    assert "dicoms/P2/2.dcm" in result.stderr and "no Pixel Spacing" in result.stderr


@pytest.mark.parametrize("words, said", [
    (["--spacing", "1"], "rows x columns"), (["--spacing", "0x1"], "rows x columns"),
    (["--spacing", "1x1", "--fit", "resize", "--size", "8x8"], "--fit resize"),
])
def test_wrong_spacings(words, said, dicomprep, tmp_path):
    _, result = of_study(dicomprep, tmp_path, [((32, 40), (1.0, 1.0))], *words, code=2)
    assert said in result.stderr


def test_an_image_that_grows_beyond_the_limit_is_rejected(dicomprep, tmp_path):
    words = ["--spacing", "0.5x0.5", "--max-image-pixels", "5000"]
    _, result = of_study(dicomprep, tmp_path, [((32, 40), (1.0, 1.0))], *words, code=1)
    assert "64x80" in result.stderr and "--max-image-pixels" in result.stderr


def test_geometry_goes_with_the_image_that_is_padded_or_resized(dicomprep, tmp_path):
    path, _ = of_study(dicomprep, tmp_path, [((32, 40), (1.0, 1.0))], "--size", "36x50")
    with h5py.File(path) as file:
        assert file["samples/spacing"][0].tolist() == [1, 1]
        assert file["samples/position"][0].tolist() == [5, 20, 32]
    path, _ = of_study(dicomprep, tmp_path / "b", [((32, 40), (1.0, 1.0))], "--size", "16x40", "--fit", "resize")
    with h5py.File(path) as file:
        assert file["samples/spacing"][0].tolist() == [2, 2]
        assert file["samples/pixel_spacing"][0].tolist() == [1, 1]


# ---------------------------------------------------------------- names and small values


def test_numbers_in_names_beyond_32_bits_are_rejected_by_name(dicomprep, tmp_path):
    study = Study(tmp_path / "data")
    study.add("P1", 1, noise((8, 8), 0, 900).astype(np.uint16))
    study.add("P1", 2 ** 31, noise((8, 8), 0, 900, 2).astype(np.uint16))
    result = dicomprep.prep(study.root, tmp_path / "x.h5", *WORDS, code=3)
    assert f"dicoms/P1/{2 ** 31}.dcm" in result.stderr


def test_small_values_are_no_zeros_of_float16(dicomprep, tmp_path):
    images = [dicom(noise((8, 8), 1, 900, n).astype(np.uint16), slope="2e-11", intercept="0") for n in (1, 2)]
    path, _, _ = pack(dicomprep, tmp_path, images)
    result = run(dicomprep, path, "--image-dtype", "float16", code=1)
    assert "float16" in result.stderr and "--rescale" in result.stderr and "float32" in result.stderr
    run(dicomprep, path, "--image-dtype", "float32")


def test_doubled_pixels_are_no_frame(dicomprep, tmp_path):
    image = dicom(noise((8, 8), 0, 900).astype(np.uint16))
    image.PixelData = image.PixelData * 2
    _, result, _ = pack(dicomprep, tmp_path, [image], code=1)
    assert "2 frames would fill" in result.stderr
