"""Augmentation beside Keras itself: the code of Keras 3's ImageDataGenerator gives our images from our numbers, and
draws numbers as we do."""

import json
import os
import warnings

import h5py
import numpy as np
import pytest

from conftest import FIXTURES
from streams import Contents, arrow, column, joined, retyped, stream, tensor

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("JAX_PLATFORMS", "cpu")
import scipy.ndimage
import scipy.stats
from keras.src.legacy.preprocessing import image as legacy

pytestmark = pytest.mark.filterwarnings("ignore:Please import `affine_transform`:DeprecationWarning")

MODES = ["nearest", "constant", "reflect", "wrap"]
ORDERS = [0, 1, 3]
# For each of the 12 pairs of mode and order: 504 parameter sets in all.
SETS = 42

# The same as flags would say, but that each of it is absent from some sets.
GEOMETRY = """
rotation_range = 60.0
rotation_probability = 0.8
width_shift_range = 0.2
height_shift_range = 0.15
shift_probability = 0.8
shear_range = 25.0
shear_probability = 0.7
zoom_range = [0.6, 1.5]
zoom_probability = 0.8
horizontal_flip = true
vertical_flip = true
"""


def generator(**options):
    return legacy.ImageDataGenerator(data_format="channels_last", **options)


def augmented(dicomprep, file, count, *words):
    """[(row, image, mask, parameters)] of the first samples of a stream."""
    _, batches = arrow(stream(dicomprep, file, "--format", "arrow", "--epochs", -(-count // rows_of(file)), *words))
    parts = [np.concatenate([tensor(batch, name) for batch in batches]) for name in ("image", "mask")]
    texts = column(batches, "augmentation")
    return list(zip(column(batches, "row"), *parts, map(json.loads, texts)))[:count]


def rows_of(file):
    with h5py.File(file) as opened:
        return len(opened["images"])


def toml(tmp_path, text):
    path = tmp_path / "augment.toml"
    path.write_text(text)
    return path


def input_places(parameters, shape):
    """(row, column) in the input of each pixel of the output: where Keras samples."""
    place = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij")).astype(np.float64)
    for axis, name in ((0, "flip_vertical"), (1, "flip_horizontal")):
        if parameters.get(name):
            place[axis] = shape[axis] - 1 - place[axis]
    theta, shear = (np.deg2rad(parameters.get(name, 0)) for name in ("theta", "shear"))
    matrix = (
        np.array([[np.cos(theta), -np.sin(theta), 0], [np.sin(theta), np.cos(theta), 0], [0, 0, 1]])
        @ np.array([[1, 0, parameters.get("tx", 0)], [0, 1, parameters.get("ty", 0)], [0, 0, 1]])
        @ np.array([[1, -np.sin(shear), 0], [0, np.cos(shear), 0], [0, 0, 1]])
        @ np.diag([parameters.get("zx", 1), parameters.get("zy", 1), 1])
    )
    center = np.array(shape)[::-1, None, None] / 2 - 0.5
    x = np.tensordot(matrix[:2, :2], place[::-1] - center, 1) + matrix[:2, 2, None, None] + center
    return x[::-1]


def undecided(place, shape):
    """Pixels where the last bit decides which pixel of the input is taken: they come from the first or the last row
    or column, or a repetition of it, beyond which the fill mode begins, or from the middle between two."""
    found = (np.abs(place % 1 - 0.5) < 1e-9).any(axis=0)
    for axis, side in enumerate(shape):
        distance = place[axis] % (side - 1)
        found |= np.minimum(distance, side - 1 - distance) < 1e-6
    return found


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("mode", MODES)
def test_keras_makes_the_same_of_the_same_numbers(mode, order, any_data, dicomprep, tmp_path):
    spec = GEOMETRY + f"fill_mode = '{mode}'\ninterpolation_order = {order}\ncval = -77.0\n"
    spec += "channel_shift_range = 40.0\n" if order == 1 else ""
    contents = Contents(any_data)
    keras = generator(fill_mode=mode, cval=-77.0, interpolation_order=order)
    masks = generator(fill_mode="constant", cval=0.0, interpolation_order=0)
    words = ["--augment", toml(tmp_path, spec), "--seed", 10 * order + MODES.index(mode)]
    found = augmented(dicomprep, any_data, SETS, *words)
    worst, left_out, mask_pixels = 0.0, 0.0, 0
    for row, image, mask, parameters in found:
        stored = contents.images[row].astype(np.float32)
        ignored = undecided(input_places(parameters, stored.shape[:2]), stored.shape[:2])
        left_out += ignored.mean() / SETS
        expected = keras.apply_transform(stored, parameters)
        assert image.dtype == np.float32 and image.shape == expected.shape
        difference = np.abs(image - expected).max(axis=2)[~ignored].max() / np.ptp(stored)
        worst = max(worst, difference)
        assert difference < 1e-3, parameters
        expected = by_plane(masks, contents.masks[row], {**parameters, "channel_shift_intensity": None})
        assert mask.dtype == np.uint8 and set(np.unique(mask)) <= {0, 1}
        assert np.array_equal(mask[~ignored], expected[~ignored]), parameters
        mask_pixels += int(mask.sum())
    print(f"{mode}, order {order}: worst {worst:.1e} of the range of values; left out {left_out:.3%} of the pixels")
    assert len(found) == SETS and mask_pixels > 0 and left_out < 0.01


def by_plane(keras, mask, parameters):
    """What Keras makes of each plane of a mask."""
    planes = np.moveaxis(mask, 2, 0).astype(np.float32)[..., None]
    return np.concatenate([keras.apply_transform(plane, parameters) for plane in planes], axis=2)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("mode", MODES)
def test_images_that_are_not_square_turn_about_their_center(mode, order, oblong, dicomprep, tmp_path):
    """Keras takes half of the rows for the center of the columns; this is SciPy at the places as they should be."""
    spec = toml(tmp_path, GEOMETRY + f"fill_mode = '{mode}'\ninterpolation_order = {order}\ncval = -77.0\n")
    contents = Contents(oblong)
    for row, image, mask, parameters in augmented(dicomprep, oblong, 60, "--augment", spec):
        stored = contents.images[row, ..., 0].astype(np.float32)
        assert image.shape == (24, 16, 1) and mask.shape == (24, 16, 1)
        place = input_places(parameters, stored.shape)
        ignored = undecided(place, stored.shape)
        expected = scipy.ndimage.map_coordinates(stored, place, order=order, mode=mode, cval=-77.0)
        assert np.abs(image[..., 0] - expected)[~ignored].max(initial=0) < 1e-3 * np.ptp(stored), parameters
        expected = scipy.ndimage.map_coordinates(contents.masks[row, ..., 0], place, order=0, mode="constant")
        assert np.array_equal(mask[~ignored, 0], expected[~ignored]), parameters


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("mode", MODES)
def test_flips_and_whole_pixels_are_exact(mode, order, any_data, dicomprep):
    contents = Contents(any_data)
    keras = generator(fill_mode=mode, cval=-77.0, interpolation_order=order)
    masks = generator(fill_mode="constant", interpolation_order=0)
    words = ["--width-shift-range", 9, "--height-shift-range", "1,2,30", "--horizontal-flip", "--vertical-flip",
             "--fill-mode", mode, "--cval=-77", "--interpolation-order", order]
    seen = set()
    for row, image, mask, parameters in augmented(dicomprep, any_data, 20, *words):
        seen |= set(parameters)
        stored = contents.images[row].astype(np.float32)
        expected = keras.apply_transform(stored, parameters)
        if order == 3:
            # Keras computes splines here too, which pass through the pixels but for the rounding.
            assert np.abs(image - expected).max() < 0.01 and np.array_equal(image, np.rint(expected))
        else:
            assert np.array_equal(image, expected)
        assert np.array_equal(mask, by_plane(masks, contents.masks[row], parameters))
    assert seen == {"tx", "ty", "flip_horizontal", "flip_vertical"}


@pytest.mark.parametrize("dtype", ["int16", "uint8"])
def test_brightness_is_that_of_keras_without_its_8_bits(dtype, final_data, dicomprep, tmp_path):
    limits = (-500, 1000) if dtype == "int16" else (20, 200)
    file = retyped(final_data, tmp_path / "x.h5", Contents(final_data).images.clip(*limits).astype(dtype))
    images = Contents(file).images
    keras = generator(fill_mode="nearest", interpolation_order=1)
    words = ["--brightness-range", "0.3,1.8", "--rotation-range", 20, "--horizontal-flip"]
    for row, image, _, parameters in augmented(dicomprep, file, 40, *words):
        stored = images[row].astype(np.float32)
        expected = keras.apply_transform(stored, parameters)
        before = keras.apply_transform(stored, {**parameters, "brightness": None})
        # Keras takes 0 and 255 for black and white where all is between them. It rounds down before and after.
        unit = 1 if before.min() >= 0 and before.max() <= 255 else np.ptp(before) / 255
        difference = image - expected
        assert -0.001 * unit < difference.min() and difference.max() < unit * (1.001 + parameters["brightness"])


# ---------------------------------------------------------------- what is drawn

DEFAULTS = {"theta": 0, "tx": 0, "ty": 0, "shear": 0, "zx": 1, "zy": 1, "flip_horizontal": False,
            "flip_vertical": False, "channel_shift_intensity": None, "brightness": None}
DRAWS = 4000
# What Keras' get_random_transform calls what `batches` calls tx and ty. Keras draws tx from height_shift_range and ty
# from width_shift_range, but its apply_transform moves tx along the width and ty along the height, against its
# documentation. Here --width-shift-range moves along the width, as Keras documents it, so that tx is of the width.
KERAS_NAMES = {"tx": "ty", "ty": "tx"}


@pytest.fixture(scope="module")
def oblong(dicomprep, tmp_path_factory):
    """Images of 24 rows and 16 columns."""
    path = tmp_path_factory.mktemp("keras") / "oblong.h5"
    dicomprep.prep(FIXTURES, path, "--size", "24x16", "--fit", "resize")
    return path


@pytest.mark.parametrize("words, options, names", [
    (["--rotation-range", "30"], {"rotation_range": 30}, ["theta"]),
    (["--width-shift-range", "0.2"], {"width_shift_range": 0.2}, ["tx"]),
    (["--width-shift-range", "3.5"], {"width_shift_range": 3.5}, ["tx"]),
    (["--width-shift-range", "5"], {"width_shift_range": 5}, ["tx"]),
    (["--width-shift-range", "1,2,7"], {"width_shift_range": [1, 2, 7]}, ["tx"]),
    (["--width-shift-range", "0.1,0.25"], {"width_shift_range": [0.1, 0.25]}, ["tx"]),
    (["--height-shift-range", "0.2"], {"height_shift_range": 0.2}, ["ty"]),
    (["--height-shift-range", "3.5"], {"height_shift_range": 3.5}, ["ty"]),
    (["--height-shift-range", "5"], {"height_shift_range": 5}, ["ty"]),
    (["--height-shift-range", "1,2,7"], {"height_shift_range": [1, 2, 7]}, ["ty"]),
    (["--height-shift-range", "0.1,0.25"], {"height_shift_range": [0.1, 0.25]}, ["ty"]),
    (["--shear-range", "12"], {"shear_range": 12}, ["shear"]),
    (["--zoom-range", "0.3"], {"zoom_range": 0.3}, ["zx", "zy"]),
    (["--zoom-range", "0.7,1.4"], {"zoom_range": [0.7, 1.4]}, ["zx", "zy"]),
    (["--channel-shift-range", "50"], {"channel_shift_range": 50}, ["channel_shift_intensity"]),
    (["--brightness-range", "0.5,1.6"], {"brightness_range": [0.5, 1.6]}, ["brightness"]),
    (["--horizontal-flip"], {"horizontal_flip": True}, ["flip_horizontal"]),
    (["--vertical-flip"], {"vertical_flip": True}, ["flip_vertical"]),
], ids=lambda value: " ".join(value) if isinstance(value, list) and value[0].startswith("--") else "")
def test_numbers_are_distributed_as_those_of_keras(words, options, names, oblong, dicomprep):
    ours = [{**DEFAULTS, **parameters} for *_, parameters in augmented(dicomprep, oblong, DRAWS, *words)]
    keras = generator(**options)
    np.random.seed(3)
    theirs = [keras.get_random_transform((24, 16, 1)) for _ in range(DRAWS)]
    for name in names:
        mine = np.array([parameters[name] for parameters in ours], np.float64)
        other = np.array([parameters[KERAS_NAMES.get(name, name)] for parameters in theirs], np.float64)
        test = scipy.stats.ks_2samp(mine, other)
        print(f"{name}: from {mine.min():.4g} to {mine.max():.4g}, Keras {other.min():.4g} to {other.max():.4g}; "
              f"distance {test.statistic:.4f}, p = {test.pvalue:.2f}")
        assert test.pvalue > 0.01
        if len(np.unique(other)) < 30:
            # A list, a whole number or a flip: the same values, as often.
            values, counts = np.unique(other, return_counts=True)
            assert np.allclose(np.unique(mine), values)
            found = np.array([np.isclose(mine, value).sum() for value in values])
            assert scipy.stats.chi2_contingency([found, counts]).pvalue > 0.01
    for name in set(DEFAULTS) - set(names):
        assert all(parameters[name] == DEFAULTS[name] for parameters in ours)
    if "zx" in names:
        zooms = np.array([[parameters["zx"], parameters["zy"]] for parameters in ours]).T
        assert abs(np.corrcoef(*zooms)[0, 1]) < 0.05


def test_isotropic_zoom_is_one_number(oblong, dicomprep):
    words = ["--zoom-range", 0.3, "--zoom-isotropic"]
    drawn = [parameters for *_, parameters in augmented(dicomprep, oblong, 100, *words)]
    assert all(parameters["zx"] == parameters["zy"] for parameters in drawn)
    assert len({parameters["zx"] for parameters in drawn}) == 100


# ---------------------------------------------------------------- standardization


@pytest.mark.parametrize("augment", [[], ["--rotation-range", 20, "--width-shift-range", 0.1]],
                         ids=["plain", "augmented"])
@pytest.mark.parametrize("steps", [
    {"rescale": 1 / 255},
    {"samplewise_center": True},
    {"samplewise_std_normalization": True},
    {"featurewise_center": True},
    {"featurewise_std_normalization": True},
    {"rescale": 0.01, "featurewise_std_normalization": True},
    {"rescale": -2.5, "featurewise_center": True},
    {"rescale": 0.5, "samplewise_std_normalization": True},
    {"samplewise_std_normalization": True, "featurewise_std_normalization": True},
    {"rescale": 0.02, "samplewise_center": True, "featurewise_center": True, "featurewise_std_normalization": True},
], ids=lambda steps: "+".join(steps))
def test_standardization_is_that_of_keras(steps, augment, final_data, dicomprep):
    contents = Contents(final_data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it centers what it divides
        keras = generator(**steps)
        keras.fit(contents.images[contents["split"] == "train"].astype(np.float64))
    words = [f"--{name.replace('_', '-')}" + ("" if value is True else f"={value!r}") for name, value in steps.items()]
    base = ["--no-shuffle", *augment]
    before, _ = joined(stream(dicomprep, final_data, *base))
    found, _ = joined(stream(dicomprep, final_data, *base, *words))
    assert found.dtype == np.float32
    for image, number in zip(before, found, strict=True):
        expected = keras.standardize(image.copy())
        assert np.abs(number - expected).max() < 1e-5 * max(1, np.abs(expected).max())


@pytest.mark.parametrize("augment", [[], ["--rotation-range", 20]], ids=["plain", "augmented"])
def test_whitened_images_are_those_of_keras(augment, dicomprep, tmp_path):
    file, whitening = tmp_path / "small.h5", tmp_path / "small.zca.h5"
    dicomprep.prep(FIXTURES, file, "--size", "16x16", "--fit", "resize")
    assert dicomprep("whiten", file, "-o", whitening, "--rescale", 0.01, "--zca-epsilon", 0.1).returncode == 0
    contents = Contents(file)
    keras = generator(featurewise_center=True, zca_whitening=True, zca_epsilon=0.1, rescale=0.01)
    keras.fit(contents.images[contents["split"] == "train"].astype(np.float64))
    base = ["--no-shuffle", *augment]
    before, _ = joined(stream(dicomprep, file, *base))
    found, _ = joined(stream(dicomprep, file, *base, "--zca-whitening", whitening))
    for image, number in zip(before, found, strict=True):
        expected = keras.standardize(image.copy())
        assert np.abs(number - expected).max() < 1e-3 * np.abs(expected).max()
