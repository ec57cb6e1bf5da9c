"""The numbers that `batches` makes of the stored ones."""

import h5py
import numpy as np
import pytest

from conftest import FIXTURES
from streams import (Contents, before_cut, copy, describe, joined, npy, npy_ends, one_row_chunks, replace, retyped, run,
                     seal, stream)

CLOSE = dict(rtol=2**-23, atol=1e-12)


def images(dicomprep, file, *words):
    return joined(stream(dicomprep, file, "--no-shuffle", *words))[0]


def scale(x, offset, divisor):
    return (x - offset) / (divisor if divisor else 1)


def window(x, center, width):
    """PS3.3 C.11.2.1.2.1 with output from 0 to 1."""
    y = ((x - (center - 0.5)) / (width - 1) + 0.5) if width > 1 else np.zeros_like(x)
    y = np.where(x <= center - 0.5 - (width - 1) / 2, 0, y)
    return np.where(x > center - 0.5 + (width - 1) / 2, 1, y)


def normalized(contents, name):
    """The images in float64 by the formulas of the manual, from what h5py reads."""
    x, train = contents.images.astype(np.float64), contents.statistics
    if name == "zscore":
        return scale(x, train["train_mean"], train["train_std"])
    if name == "minmax":
        return scale(x, train["train_min"], train["train_max"] - train["train_min"])
    if name == "percentile":
        low, high = (float(train["train_percentiles"][end]) for end in (0, -1))
        return np.clip(scale(x, low, high - low), 0, 1)
    if name == "sample-zscore":
        return np.stack([scale(image, image.mean(), image.std()) for image in x])
    if name == "window":
        rows = contents["window"].astype(np.float64)
        return np.stack([window(image, *row) for image, row in zip(x, rows)])
    return x


NAMES = ["none", "zscore", "sample-zscore", "minmax", "window", "percentile"]


@pytest.mark.parametrize("layout", ["nhwc", "nchw"])
@pytest.mark.parametrize("name", NAMES)
def test_normalizations_are_their_formulas(name, layout, any_data, dicomprep):
    contents = Contents(any_data)
    expected = normalized(contents, name)
    if layout == "nchw":
        expected = expected.transpose(0, 3, 1, 2)
    words = ["--normalize", name, "--layout", layout]
    found = images(dicomprep, any_data, *words)
    assert found.dtype == np.float32 and found.shape == expected.shape
    np.testing.assert_allclose(found, expected.astype(np.float32), **CLOSE)
    if name in ("window", "percentile"):
        assert found.min() >= 0 and found.max() <= 1
    half = images(dicomprep, any_data, *words, "--image-dtype", "float16")
    assert half.dtype == np.float16
    # float16 is float32, rounded again.
    assert np.array_equal(half, found.astype(np.float16))


def test_stored_images_are_those_of_the_file(any_data, dicomprep):
    contents = Contents(any_data)
    for layout, expected in (("nhwc", contents.images), ("nchw", contents.images.transpose(0, 3, 1, 2))):
        found = images(dicomprep, any_data, "--image-dtype", "stored", "--layout", layout)
        assert found.dtype == contents.images.dtype and np.array_equal(found, expected)


@pytest.mark.parametrize("center, width", [(300, 600), (100.5, 1), (-20.25, 2), (0, 1e6), (80.1, 33.3)])
def test_one_window_for_all(center, width, final_data, dicomprep):
    expected = window(Contents(final_data).images.astype(np.float64), center, width)
    found = images(dicomprep, final_data, "--normalize", "window", "--window", f"{center},{width}")
    np.testing.assert_allclose(found, expected.astype(np.float32), **CLOSE)


def test_a_split_is_normalized_by_the_train_statistics(final_data, dicomprep):
    contents = Contents(final_data)
    assert contents.statistics["train_mean"] == pytest.approx(contents.images[contents["split"] == "train"].mean())
    for split in ("val", "test"):
        found = images(dicomprep, final_data, "--split", split, "--normalize", "zscore")
        expected = normalized(contents, "zscore")[contents["split"] == split]
        np.testing.assert_allclose(found, expected.astype(np.float32), **CLOSE)


# ---------------------------------------------------------------- other stored types


def all_values(dtype):
    """20 images that hold every value of a type of up to 16 bits, and values of all sizes of a larger one."""
    if np.dtype(dtype).kind == "f":
        chance = np.random.default_rng(5)
        return (chance.standard_normal((20, 64, 64, 1)) * 10.0 ** chance.integers(-3, 4, (20, 64, 64, 1))).astype(dtype)
    limits = np.iinfo(dtype)
    return np.resize(np.arange(limits.min, limits.max + 1, dtype=dtype), (20, 64, 64, 1))


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "float32"])
def test_every_stored_type_is_converted_exactly(dtype, final_data, dicomprep, tmp_path):
    file = retyped(final_data, tmp_path / "x.h5", all_values(dtype))
    contents = Contents(file)
    for wanted in ("stored", "float32", "float16"):
        if (dtype, wanted) == ("uint16", "float16"):
            continue
        expected = contents.images.astype(dtype if wanted == "stored" else wanted)
        for layout in ("nhwc", "nchw"):
            found = images(dicomprep, file, "--image-dtype", wanted, "--layout", layout)
            assert found.dtype == expected.dtype
            assert np.array_equal(found, expected if layout == "nhwc" else expected.transpose(0, 3, 1, 2))
    for name in NAMES:
        found = images(dicomprep, file, "--normalize", name)
        np.testing.assert_allclose(found, normalized(contents, name).astype(np.float32), **CLOSE)


def test_several_channels_change_places(final_data, dicomprep, tmp_path):
    pixels = np.random.default_rng(1).integers(-500, 500, (20, 64, 64, 3)).astype(np.int16)
    file = retyped(final_data, tmp_path / "x.h5", pixels)
    for name in ("none", "sample-zscore"):
        expected = normalized(Contents(file), name).astype(np.float32)
        np.testing.assert_allclose(images(dicomprep, file, "--normalize", name), expected, **CLOSE)
        planes = images(dicomprep, file, "--normalize", name, "--layout", "nchw")
        np.testing.assert_allclose(planes, expected.transpose(0, 3, 1, 2), **CLOSE)
    assert describe(dicomprep, file, "--layout", "nchw")["images"]["shape"] == [20, 3, 64, 64]


def test_a_flat_image_has_no_deviation(final_data, dicomprep, tmp_path):
    pixels = Contents(final_data).images
    pixels[4] = -3
    file = retyped(final_data, tmp_path / "x.h5", pixels)
    found = images(dicomprep, file, "--normalize", "sample-zscore")
    assert (found[4] == 0).all() and np.isfinite(found).all()


@pytest.mark.parametrize("name, figures, expected", [
    ("zscore", {"train_std": 0.0}, lambda x, train: x - train["train_mean"]),
    ("minmax", {"train_min": 5.0, "train_max": 5.0}, lambda x, train: np.zeros_like(x)),
    ("percentile", {"train_percentiles": np.full(5, 7.0)}, lambda x, train: np.zeros_like(x)),
])
def test_a_train_split_without_range(name, figures, expected, spoiled, dicomprep):
    with h5py.File(spoiled, "r+") as file:
        for figure, value in figures.items():
            file["images"].attrs[figure] = value
    contents = Contents(spoiled)
    wanted = expected(contents.images.astype(np.float64), contents.statistics).astype(np.float32)
    np.testing.assert_allclose(images(dicomprep, spoiled, "--normalize", name), wanted, **CLOSE)


def test_nan_and_infinity_stay(final_data, dicomprep, tmp_path):
    pixels = Contents(final_data).images.astype(np.float32)
    pixels[2, :3, 0, 0] = np.nan, np.inf, -np.inf
    file = retyped(final_data, tmp_path / "x.h5", pixels)
    for dtype in ("stored", "float32", "float16"):
        found = images(dicomprep, file, "--image-dtype", dtype)
        assert np.array_equal(found, pixels.astype(found.dtype), equal_nan=True)
    finite = pixels[2][np.isfinite(pixels[2])].astype(np.float64)
    found = images(dicomprep, file, "--normalize", "sample-zscore")[2]
    expected = (pixels[2].astype(np.float64) - finite.mean()) / finite.std()
    np.testing.assert_allclose(found, expected.astype(np.float32), **CLOSE)


# ---------------------------------------------------------------- what cannot be done


@pytest.mark.parametrize("name", NAMES[1:])
def test_stored_numbers_cannot_be_normalized(name, final_data, dicomprep):
    result = run(dicomprep, final_data, "--image-dtype", "stored", "--normalize", name, code=2)
    assert result.stdout == b"" and "float32" in result.stderr and "--image-dtype" in result.stderr


def test_a_row_without_a_window_is_named(spoiled, dicomprep):
    with h5py.File(spoiled, "r+") as file:
        file["samples/window"][9] = np.nan
        name = file["samples/id"].asstr()[9]
    words = ["--normalize", "window", "--no-shuffle", "-b", 2]
    result = run(dicomprep, spoiled, *words, code=1)
    assert "row 9" in result.stderr and name in result.stderr and "--window" in result.stderr
    assert len(npy(before_cut(result.stdout))) == 4
    assert len(npy(stream(dicomprep, spoiled, *words, "--window", "100,200"))) == 10


@pytest.mark.parametrize("width", [0.5, 0, -3, np.inf])
def test_a_window_that_is_none_is_named(width, spoiled, dicomprep):
    with h5py.File(spoiled, "r+") as file:
        file["samples/window"][9, 1] = width
    result = run(dicomprep, spoiled, "--normalize", "window", code=1)
    assert "row 9" in result.stderr and "--window" in result.stderr


def test_a_value_too_large_for_float16_is_named(final_data, dicomprep, tmp_path):
    pixels = Contents(final_data).images.astype(np.float32)
    pixels[7, 30, 30, 0] = 65519.996  # the largest that is rounded down to 65504
    file = retyped(final_data, tmp_path / "x.h5", pixels)
    assert images(dicomprep, file, "--image-dtype", "float16").max() == 65504
    for value in (65520, -65520, 1e30):
        with h5py.File(file, "r+") as opened:
            opened["images"][7, 30, 30, 0] = value
            seal(opened, 7)
            name = opened["samples/id"].asstr()[7]
        words = ["--image-dtype", "float16", "-b", 3]
        result = run(dicomprep, file, *words, "--no-shuffle", code=1)
        assert "row 7" in result.stderr and name in result.stderr and "float32" in result.stderr
        whole = stream(dicomprep, final_data, *words, "--no-shuffle")
        assert before_cut(result.stdout) == whole[: npy_ends(whole)[2]]
        assert images(dicomprep, file).min() <= value
    run(dicomprep, file, "--image-dtype", "float16", "--normalize", "percentile")


@pytest.mark.parametrize("how", ["nan", "absent", "from prep"])
@pytest.mark.parametrize("name", ["zscore", "minmax", "percentile"])
def test_no_train_statistics(name, how, final_data, dicomprep, tmp_path):
    file = tmp_path / "x.h5"
    if how == "from prep":
        table = "patient_id,split\n" + "".join(
            f"{patient},{split}\n" for patient, split in zip(sorted(set(Contents(final_data)["patient_id"])),
                                                             ("val", "test", "val", "test")))
        (tmp_path / "splits.csv").write_text(table)
        dicomprep.prep(FIXTURES, file, "--split-file", tmp_path / "splits.csv")
    else:
        copy(final_data, file)
        with h5py.File(file, "r+") as opened:
            attributes = opened["images"].attrs
            for figure in ("train_mean", "train_std", "train_min", "train_max", "train_percentiles"):
                if how == "nan":
                    attributes[figure] = np.full_like(np.asarray(attributes[figure], np.float64), np.nan)
                else:
                    del attributes[figure]
    result = run(dicomprep, file, "--normalize", name, code=1)
    assert result.stdout == b"" and name in result.stderr and "train" in result.stderr
    for other in ("none", "sample-zscore"):
        run(dicomprep, file, "--normalize", other)


def test_one_absent_figure_spares_the_normalizations_without_it(spoiled, dicomprep):
    with h5py.File(spoiled, "r+") as file:
        del file["images"].attrs["train_percentiles"]
    for name in ("zscore", "minmax"):
        run(dicomprep, spoiled, "--normalize", name)
    run(dicomprep, spoiled, "--normalize", "percentile", code=1)


def test_images_may_be_stored_without_filters(final_data, dicomprep, tmp_path):
    contents = Contents(final_data)
    file = replace(final_data, tmp_path / "x.h5", "images", **one_row_chunks(contents.images))
    assert stream(dicomprep, file) == stream(dicomprep, final_data)
    dicomprep.prep(FIXTURES, tmp_path / "zero.h5", "--structures", "inner,outer", "--compression", 0)
    assert stream(dicomprep, tmp_path / "zero.h5") == stream(dicomprep, final_data)
