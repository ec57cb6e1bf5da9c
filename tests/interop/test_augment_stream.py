"""What `batches` and `explain` do with augmentation, whatever Keras would say."""

import json
import re
import struct
import zlib

import numpy as np
import pytest

from conftest import REPOSITORY
from streams import Contents, arrow, column, describe, joined, npy, npy_ends, run, stream, tar, tensor

FLAGS = ["--rotation-range", "20", "--width-shift-range", "0.1", "--zoom-range", "0.15", "--horizontal-flip"]
SPECS = [FLAGS, ["--augment", "cardiac"], ["--augment", "nnunet"], ["--augment", "keras-default"]]
EVERYTHING = """
rotation_range = 15
width_shift_range = [1, 2]
height_shift_range = 0.1
shear_range = 5.0
zoom_range = 0.1
channel_shift_range = 10.0
brightness_range = [0.8, 1.2]
vertical_flip = true
interpolation_order = 3
fill_mode = "reflect"
elastic = { probability = 0.5, alpha = [0.0, 6.0], sigma = [8.0, 10.0] }
mirror = { horizontal = 0.3 }
quarter_turns = { probability = 0.5 }
bias_field = { probability = 0.5, coefficients = [-0.3, 0.3] }
noise = { probability = 0.5, std = [0.0, 0.1] }
blur = { probability = 0.5, sigma = [0.5, 1.0] }
gain = { probability = 0.5, factor = [0.75, 1.25] }
contrast = { probability = 0.5, factor = [0.75, 1.25] }
low_resolution = { probability = 0.5, scale = [0.5, 1.0] }
inverted_gamma = { probability = 0.5, gamma = [0.7, 1.5] }
gamma = { probability = 0.5, gamma = [0.7, 1.5] }
"""


@pytest.fixture
def toml(tmp_path):
    """Writes a specification, and returns the words that name it."""

    def write(text, name="augment.toml"):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return ["--augment", tmp_path / name]

    return write


def samples(dicomprep, file, *words):
    """{(epoch, row): (image bytes, mask bytes, parameters)} of a stream."""
    _, batches = arrow(stream(dicomprep, file, "--format", "arrow", *words))
    keys = zip(column(batches, "epoch"), column(batches, "row"))
    arrays = ([item.tobytes() for batch in batches for item in tensor(batch, name)] for name in ("image", "mask"))
    return dict(zip(keys, zip(*arrays, column(batches, "augmentation"), strict=True)))


# ---------------------------------------------------------------- what it depends on


@pytest.mark.parametrize("words", [*SPECS, None], ids=lambda words: "everything" if words is None else words[1])
def test_bytes_depend_on_nothing_but_the_order(words, final_data, dicomprep, toml):
    words = [*(words or toml(EVERYTHING)), "--epochs", 3, "--seed", 5, "-b", 7]
    whole = stream(dicomprep, final_data, *words, "--threads", 1)
    for other in (["--threads", 3], ["--threads", 2, "--prefetch", 1, "--cache", 0], ["--no-verify"]):
        assert stream(dicomprep, final_data, *words, *other) == whole
    ends = npy_ends(whole)
    for batch in (1, 3, 8):
        tail = stream(dicomprep, final_data, *words, "--start", f"{batch // 3}:{batch % 3}")
        assert tail == whole[ends[batch]:]


@pytest.mark.parametrize("words", [*SPECS, None], ids=lambda words: "everything" if words is None else words[1])
def test_a_sample_depends_on_seed_epoch_and_row_alone(words, final_data, dicomprep, toml):
    words = words or toml(EVERYTHING)
    whole = samples(dicomprep, final_data, *words, "--epochs", 2)
    assert len(whole) == 40
    for other in (["-b", 1], ["-b", 3, "--threads", 2], ["--split", "train"], ["--where", "mask_pixels.inner>50"],
                  ["--rank", 1, "--world-size", 3], ["--start", "1:0"], ["--no-shuffle"], ["--balance", "inner"]):
        some = samples(dicomprep, final_data, *words, "--epochs", 2, *other)
        assert some and some.items() <= whole.items(), other
    other = samples(dicomprep, final_data, *words, "--epochs", 2, "--seed", 1)
    # But for flips, everything that is drawn has a fraction.
    assert all(other[key][2] != whole[key][2] for key in whole if "." in whole[key][2])
    assert any(whole[0, row][2] != whole[1, row][2] for row in range(20))


def test_formats_and_layouts_hold_the_same(final_data, dicomprep, toml):
    words = [*toml(EVERYTHING), "-b", 6, "--seed", 3]
    images, masks = joined(stream(dicomprep, final_data, *words))
    _, batches = arrow(stream(dicomprep, final_data, *words, "--format", "arrow"))
    assert np.array_equal(np.concatenate([tensor(batch, "image") for batch in batches]), images)
    assert np.array_equal(np.concatenate([tensor(batch, "mask") for batch in batches]), masks)
    parameters = [json.loads(text) for text in column(batches, "augmentation")]
    archive = tar(stream(dicomprep, final_data, *words, "--format", "webdataset"))
    for (_, sample), image, mask, numbers in zip(archive, images, masks, parameters, strict=True):
        assert np.array_equal(sample["image.npy"], image) and np.array_equal(sample["mask.npy"], mask)
        assert sample["json"]["augmentation"] == numbers
    assert set().union(*parameters) > {"theta", "tx", "ty", "shear", "zx", "zy", "elastic", "noise", "bias_field"}
    planes = joined(stream(dicomprep, final_data, *words, "--layout", "nchw", "--mask-dtype", "float32"))
    assert np.array_equal(planes[0], images.transpose(0, 3, 1, 2)) and planes[1].dtype == np.float32
    assert np.array_equal(planes[1], masks.transpose(0, 3, 1, 2))
    half, _ = joined(stream(dicomprep, final_data, *words, "--image-dtype", "float16"))
    assert np.array_equal(half, images.astype(np.float16))


@pytest.mark.parametrize("words", [*SPECS, None], ids=lambda words: "everything" if words is None else words[1])
def test_masks_stay_0_and_1_and_images_finite(words, any_data, dicomprep, toml):
    images, masks = joined(stream(dicomprep, any_data, *(words or toml(EVERYTHING))))
    assert images.dtype == np.float32 and np.isfinite(images).all()
    assert masks.dtype == np.uint8 and set(np.unique(masks)) == {0, 1}
    stored = Contents(any_data).masks
    assert masks.shape == stored.shape and 0.7 < masks.sum() / stored.sum() < 1.4


def test_planes_of_some_structures_are_those_of_all(final_data, dicomprep):
    images, masks = joined(stream(dicomprep, final_data, *FLAGS))
    some, outer = joined(stream(dicomprep, final_data, *FLAGS, "--structures", "outer"))
    assert np.array_equal(some, images) and np.array_equal(outer, masks[..., 1:])


def test_intensities_leave_masks_alone(final_data, dicomprep, toml):
    text = "\n".join(line for line in EVERYTHING.splitlines() if line.partition(" ")[0] in (
        "channel_shift_range", "brightness_range", "bias_field", "noise", "blur", "gain", "contrast",
        "low_resolution", "inverted_gamma", "gamma"))
    plain, augmented = (joined(stream(dicomprep, final_data, *words)) for words in ([], toml(text)))
    assert np.array_equal(plain[1], augmented[1])
    assert (np.abs(plain[0] - augmented[0]).max(axis=(1, 2, 3)) > 0).all()


# ---------------------------------------------------------------- nothing to do


@pytest.mark.parametrize("form", ["npy", "webdataset", "arrow"])
@pytest.mark.parametrize("words", [
    ["--rotation-range", 0],
    ["--width-shift-range", 0, "--height-shift-range", "0,0", "--zoom-range", "1,1", "--shear-range", 0],
    ["--fill-mode", "wrap", "--interpolation-order", 3],
    ["--brightness-range", "1,1", "--channel-shift-range", 0],
    ["--augment-eval"],
], ids=lambda words: words[0])
def test_nothing_is_free(words, form, final_data, dicomprep):
    base = ["--format", form, "--epochs", 2]
    assert stream(dicomprep, final_data, *base, *words) == stream(dicomprep, final_data, *base)


def test_nothing_leaves_stored_types_possible(final_data, dicomprep):
    words = ["--image-dtype", "stored"]
    assert stream(dicomprep, final_data, *words, "--rotation-range", 0) == stream(dicomprep, final_data, *words)


@pytest.mark.parametrize("form", ["npy", "webdataset", "arrow"])
def test_only_train_is_augmented_where_a_split_is_named(form, final_data, dicomprep):
    for split in ("val", "test"):
        words = ["--split", split, "--format", form]
        plain = stream(dicomprep, final_data, *words)
        assert stream(dicomprep, final_data, *words, *FLAGS) == plain
        assert stream(dicomprep, final_data, *words, *FLAGS, "--augment-eval") != plain
    for words in (["--split", "train"], []):
        plain = stream(dicomprep, final_data, *words, "--format", form)
        assert stream(dicomprep, final_data, *words, *FLAGS, "--format", form) != plain


@pytest.mark.parametrize("condition", ["split=val", "split!=train"])
def test_a_condition_names_a_split_too(condition, final_data, dicomprep):
    words = ["--where", condition]
    plain = stream(dicomprep, final_data, *words)
    assert stream(dicomprep, final_data, *words, *FLAGS) == plain
    assert stream(dicomprep, final_data, *words, *FLAGS, "--augment-eval") != plain


def test_what_happens_to_other_splits_is_said(final_data, dicomprep):
    val = ["--split", "val"]
    unchanged, changed = "not augmented, only train is", "are augmented too"
    for words, said in ((val, unchanged), ([*val, "--quiet"], None), ([*val, "--augment-eval"], None),
                        (["--split", "train"], None), (["--where", "split=test"], unchanged),
                        ([], changed), (["--where", "split!=test"], changed), (["--augment-eval"], None)):
        stderr = run(dicomprep, final_data, *FLAGS, *words).stderr
        assert [text for text in (unchanged, changed) if text in stderr] == [said] * (said is not None), words
    assert changed not in run(dicomprep, final_data, "--rotation-range", 0).stderr


def test_other_splits_have_the_size_too(final_data, dicomprep, toml):
    contents = Contents(final_data)
    words = [*toml("rotation_range = 20\nsize = [48, 80]\nfill_mode = 'constant'\n"), "--no-shuffle", "--split", "val"]
    images, masks = joined(stream(dicomprep, final_data, *words))
    for found, stored in ((images, contents.images), (masks, contents.masks)):
        expected = np.pad(stored[contents["split"] == "val"][:, 8:56], ((0, 0), (0, 0), (8, 8), (0, 0)))
        assert np.array_equal(found, expected)
    assert describe(dicomprep, final_data, *words)["images"]["shape"] == list(images.shape)
    assert not np.array_equal(images, joined(stream(dicomprep, final_data, *words, "--augment-eval"))[0])


# ---------------------------------------------------------------- where it is written


def drawn(dicomprep, file, *words):
    """The parameters of all samples, by epoch and row."""
    return {key: json.loads(sample[2]) for key, sample in samples(dicomprep, file, *words).items()}


def test_a_file_says_the_same_as_flags(final_data, dicomprep, toml):
    text = "rotation_range = 20\nwidth_shift_range = 0.1\nzoom_range = 0.15\nhorizontal_flip = true\n"
    assert stream(dicomprep, final_data, *toml(text)) == stream(dicomprep, final_data, *FLAGS)
    for preset in ("keras-default", "cardiac", "nnunet"):
        assert stream(dicomprep, final_data, *toml(f"preset = '{preset}'")) == stream(
            dicomprep, final_data, "--augment", preset)


def test_flags_replace_what_a_file_or_a_preset_says(final_data, dicomprep, toml):
    text = "rotation_range = 20\nzoom_range = 0.15\n[noise]\nprobability = 1\nstd = 0.1\n"
    found = drawn(dicomprep, final_data, *toml(text), "--rotation-range", 0, "--vertical-flip")
    assert set().union(*found.values()) == {"zx", "zy", "noise", "flip_vertical"}
    before = drawn(dicomprep, final_data, *toml(text))
    assert all(before[key]["zx"] == found[key]["zx"] and before[key]["noise"] == found[key]["noise"] for key in found)
    found = drawn(dicomprep, final_data, "--augment", "keras-default", "--rotation-range", 1, "--zoom-range", "1,1")
    assert set().union(*found.values()) == {"theta", "tx", "ty"}
    assert all(abs(parameters["theta"]) <= 1 for parameters in found.values())


def test_a_file_begins_with_a_preset(final_data, dicomprep, toml):
    found = drawn(dicomprep, final_data, *toml("preset = 'keras-default'\nrotation_range = 1\n"))
    base = drawn(dicomprep, final_data, "--augment", "keras-default")
    for key, parameters in found.items():
        assert abs(parameters.pop("theta")) <= 1
        base[key].pop("theta")
        assert parameters == base[key]


def test_the_example_of_the_page(final_data, dicomprep, toml):
    text = (REPOSITORY / "docs" / "augmentation.md").read_text(encoding="utf-8")
    example, = re.findall(r"^```toml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert describe(dicomprep, final_data, *toml(example))["images"]["shape"] == [20, 224, 224, 1]
    seen = set().union(*drawn(dicomprep, final_data, *toml(example), "--epochs", 3).values())
    assert seen >= {"theta", "tx", "ty", "zx", "zy", "flip_horizontal", "offset", "elastic", "gamma"}


def test_a_size_gives_shapes_that_describe_states(final_data, dicomprep, toml):
    for text, words in [("size = [48, 80]\n", []), ("size = [48, 80]\ncrop = 'center'\nrotation_range = 9\n", []),
                        ("size = [96, 32]\n[quarter_turns]\nprobability = 1\n", ["--layout", "nchw"])]:
        words = [*toml(text), *words, "--split", "train", "-b", 4]
        stated = describe(dicomprep, final_data, *words)
        data = stream(dicomprep, final_data, *words)
        images, masks = npy(data)[0]
        assert list(images.shape) == stated["images"]["shape"] and list(masks.shape) == stated["masks"]["shape"]
        assert stated["bytes_per_sample"] == (images.nbytes + masks.nbytes) // 4
        _, batches = arrow(stream(dicomprep, final_data, *words, "--format", "arrow"))
        assert np.array_equal(tensor(batches[0], "image"), images)


def test_describe_shows_what_can_happen(final_data, dicomprep):
    found = describe(dicomprep, final_data, "--augment", "cardiac", "--rotation-range", 7)["augmentation"]
    assert found["preset"] == "cardiac" and found["rotation_range"] == 7 and found["zoom_range"] == [0.8, 1.25]
    assert describe(dicomprep, final_data)["augmentation"] is None


def test_a_crop_takes_what_it_says(final_data, dicomprep, toml):
    contents = Contents(final_data)
    _, batches = arrow(stream(dicomprep, final_data, *toml("size = [48, 80]\nfill_mode = 'constant'\ncval = -7\n"),
                              "--format", "arrow"))
    offsets = set()
    for batch in batches:
        for row, image, mask, text in zip(batch["row"].to_pylist(), tensor(batch, "image"), tensor(batch, "mask"),
                                          batch["augmentation"].to_pylist()):
            top, left = json.loads(text).get("offset", [0, 0])
            assert 0 <= top <= 16 and -16 <= left <= 0
            offsets.add((top, left))
            for found, stored, outside in ((image, contents.images[row], -7), (mask, contents.masks[row], 0)):
                expected = np.full(found.shape, outside, found.dtype)
                expected[:, -left:64 - left] = stored[top:top + 48]
                assert np.array_equal(found, expected)
    assert len(offsets) > 10


def test_normalization_comes_after(final_data, dicomprep):
    images, _ = joined(stream(dicomprep, final_data, *FLAGS))
    found, _ = joined(stream(dicomprep, final_data, *FLAGS, "--normalize", "sample-zscore"))
    x = images.astype(np.float64)
    axes = dict(axis=(1, 2, 3), keepdims=True)
    np.testing.assert_allclose(found, (x - x.mean(**axes)) / x.std(**axes), rtol=1e-5, atol=1e-5)


# ---------------------------------------------------------------- what cannot be done


@pytest.mark.parametrize("text, parts", [
    ("rotation_range = 10\nzoom_range = [0.9,\n", ["line 2", "zoom_range = [0.9,"]),
    ("rotation_range = 10\n\nrotatoin = 3\n", ["line 3", "unknown field `rotatoin`", "`rotation_range`"]),
    ("[noise]\nprobability = 0.1\nstd = 0.1\nmean = 2\n", ["line 4", "`mean`"]),
    ("preset = 'heart'\n", ["line 1", "`heart`", "`cardiac`"]),
    ("\nrotation_range = 'a'\n", ["line 2", "rotation_range"]),
    ("[noise]\nprobability = 2\nstd = 0.1\n", ["`noise.probability` is 2", "0 to 1"]),
    ("rotation_range = -1\n", ["`rotation_range` is -1"]),
    ("zoom_range = [1.1, 0.9]\n", ["`zoom_range` is [1.1, 0.9]"]),
    ("zoom_range = [0.9, 1.0, 1.1]\n", ["line 1", "zoom_range"]),
    ("zoom_range = [1, 'x']\n", ["line 1", "expected a number"]),
    ("brightness_range = 0.2\n", ["line 1", "two numbers"]),
    ("size = [224, 224, 3]\n", ["line 1", "height and width"]),
    ("size = 224\n", ["line 1", "expected a list"]),
    ("noise = 3\n", ["line 1", "expected a table"]),
    ("fill_mode = 3\n", ["line 1", "expected a text"]),
    ("[gain]\nprobability = 1\nfactor = 3e38\n", ["`gain.factor`", "1000"]),
    ("[elastic]\nprobability = 1\nalpha = 1e5\nsigma = 3\n", ["`elastic.alpha`", "65535"]),
    ("rotation_range = nan\n", ["rotation_range"]),
    ("size = [0, 5]\n", ["size"]),
    ("interpolation_order = 2\n", ["line 1", "interpolation_order"]),
    ("fill_mode = 'mirror'\n", ["line 1", "fill_mode"]),
])
def test_what_is_wrong_in_a_file_is_named(text, parts, final_data, dicomprep, toml):
    result = run(dicomprep, final_data, *toml(text), code=1)
    assert result.stdout == b"" and "augment.toml" in result.stderr
    for part in parts:
        assert part in result.stderr


@pytest.mark.parametrize("words", [
    ["--rotation-range", "x"],
    ["--rotation-range=-3"],
    ["--rotation-range", "nan"],
    ["--rotation-range", ""],
    ["--zoom-range", "1,2,3"],
    ["--zoom-range", "0,1"],
    ["--width-shift-range", "1,x"],
    ["--height-shift-range=-0.5"],
    ["--brightness-range", "2,1"],
    ["--brightness-range", "0.2"],
    ["--horizontal-flip=maybe"],
    ["--rescale", "1e300"],
    ["--fill-mode", "mirror"],
    ["--interpolation-order", "2"],
    ["--rescale", "0"],
    ["--rescale", "nan"],
], ids=" ".join)
def test_wrong_numbers_are_named(words, final_data, dicomprep):
    result = dicomprep("batches", final_data, *words)
    assert result.returncode == 2 and result.stdout == "" and "panicked" not in result.stderr
    option = words[0].partition("=")[0].lstrip("-")
    assert option in result.stderr or option.replace("-", "_") in result.stderr


@pytest.mark.parametrize("words", [
    ["--width-shift-range", ".1"],
    ["--zoom-range", ".9,1.1"],
    ["--width-shift-range", "-0.1,0.2"],
    ["--rotation-range", "5."],
    ["--cval", "-1024", "--rotation-range", "1e1", "--fill-mode", "constant"],
], ids=" ".join)
def test_numbers_as_people_write_them(words, final_data, dicomprep):
    assert stream(dicomprep, final_data, *words) != stream(dicomprep, final_data)


def test_no_such_preset_or_file(final_data, dicomprep, tmp_path):
    for name in ("heart", tmp_path / "absent.toml", tmp_path):
        result = run(dicomprep, final_data, "--augment", name, code=1)
        assert str(name) in result.stderr and "cardiac" in result.stderr


@pytest.mark.parametrize("words", [FLAGS, ["--augment", "nnunet"], ["--rescale", "2"]], ids=" ".join)
def test_stored_types_hold_no_fractions(words, final_data, dicomprep):
    result = dicomprep("batches", final_data, *words, "--image-dtype", "stored")
    assert (result.returncode, result.stdout) == (2, "")
    assert "float32" in result.stderr and "--image-dtype" in result.stderr


@pytest.mark.parametrize("words", [["--rescale", "2"], ["--samplewise-center"], ["--samplewise-std-normalization"],
                                   ["--featurewise-center"], ["--featurewise-std-normalization"]], ids=" ".join)
def test_one_way_to_normalize(words, final_data, dicomprep):
    result = dicomprep("batches", final_data, *words, "--normalize", "zscore")
    assert (result.returncode, result.stdout) == (2, "")
    assert words[0] in result.stderr and "--normalize" in result.stderr


# ---------------------------------------------------------------- explain


def png_pixels(data):
    """Width and height of a PNG whose checksums are right."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    place, names = 8, []
    while place < len(data):
        size, name = struct.unpack(">I4s", data[place:place + 8])
        content = data[place + 8:place + 8 + size]
        assert struct.unpack(">I", data[place + 8 + size:place + 12 + size])[0] == zlib.crc32(name + content)
        names.append(name)
        place += 12 + size
    assert names[0] == b"IHDR" and names[-1] == b"IEND"
    return struct.unpack(">II", data[16:24])


def explain(dicomprep, file, at, *words, code=0):
    result = dicomprep("explain", file, "--at", at, *words)
    assert result.returncode == code, result.stderr
    return result


@pytest.mark.parametrize("words", [*SPECS, None], ids=lambda words: "everything" if words is None else words[1])
def test_explain_shows_what_the_stream_has(words, final_data, dicomprep, toml):
    words = words or toml(EVERYTHING)
    streamed = drawn(dicomprep, final_data, *words, "--seed", 6, "--epochs", 3)
    contents = Contents(final_data)
    for epoch, row in ((0, 0), (2, 7), (1, 19)):
        result = json.loads(explain(dicomprep, final_data, f"6:{epoch}:{row}", *words, "--json").stdout)
        assert result["augmentation"] == streamed[epoch, row]
        assert (result["seed"], result["epoch"], result["sample"]["row"]) == (6, epoch, row)
        for name in ("id", "patient_id", "original_id", "source", "split"):
            assert result["sample"][name] == contents[name][row]
        assert result["sample"]["source_sha256"] == contents["source_sha256"][row].tobytes().hex()


def test_the_seed_goes_out_without_shuffling(final_data, dicomprep):
    words = [*FLAGS, "--no-shuffle", "--seed", 9]
    schema, batches = arrow(stream(dicomprep, final_data, *words, "--format", "arrow"))
    assert schema.metadata[b"seed"] == b"9"
    for _, sample in tar(stream(dicomprep, final_data, *words, "--format", "webdataset"))[:3]:
        facts = sample["json"]
        at = f"{facts['seed']}:{facts['epoch']}:{facts['row']}"
        result = json.loads(explain(dicomprep, final_data, at, *FLAGS, "--json").stdout)
        assert result["augmentation"] == facts["augmentation"]


def test_explain_as_text(final_data, dicomprep):
    contents = Contents(final_data)
    text = explain(dicomprep, final_data, "4:1:3", *FLAGS).stdout
    for part in (contents["id"][3], contents["patient_id"][3], contents["source"][3], "row 3", "seed 4", "epoch 1",
                 contents["source_sha256"][3].tobytes().hex(), "icontour", "theta"):
        assert part in text, text
    parameters = json.loads(text[text.index("{"):])
    assert parameters == drawn(dicomprep, final_data, *FLAGS, "--seed", 4, "--epochs", 2)[1, 3]
    assert "theta" not in explain(dicomprep, final_data, "4:1:3").stdout


def test_explain_draws(final_data, dicomprep, tmp_path, toml):
    picture = tmp_path / "seen.png"
    explain(dicomprep, final_data, "0:0:3", *FLAGS, "-o", picture)
    first = picture.read_bytes()
    width, height = png_pixels(first)
    # Two pictures under a line of 16 pixels with their names.
    assert width >= 2 * (height - 16) and height >= 64
    refused = explain(dicomprep, final_data, "0:1:3", *FLAGS, "-o", picture, code=1)
    assert "--force" in refused.stderr and picture.read_bytes() == first
    explain(dicomprep, final_data, "0:1:3", *FLAGS, "-o", picture, "--force")
    assert picture.read_bytes() != first
    explain(dicomprep, final_data, "0:0:3", *FLAGS, "-o", picture, "--force")
    assert picture.read_bytes() == first
    for text in ("size = [20, 90]", "size = [200, 10]"):
        explain(dicomprep, final_data, "0:0:3", *toml(text), "-o", picture, "--force")
        png_pixels(picture.read_bytes())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["augment.toml", "seen.png"]


def test_explain_of_other_splits(final_data, dicomprep, toml, tmp_path):
    contents = Contents(final_data)
    row = int(np.flatnonzero(contents["split"] == "val")[0])
    words = [*toml("rotation_range = 20\nsize = [48, 80]\n"), "--split", "val"]
    for more in ([], ["--augment-eval"]):
        streamed = drawn(dicomprep, final_data, *words, *more)[0, row]
        found = json.loads(explain(dicomprep, final_data, f"0:0:{row}", *words, *more, "--json").stdout)
        assert found["augmentation"] == streamed and found["evaluation"] == (not more)
        assert ("theta" in streamed) == bool(more)
    assert "--split val" in explain(dicomprep, final_data, f"0:0:{row}", *FLAGS).stdout
    refused = explain(dicomprep, final_data, f"0:0:{row}", "--split", "train", code=1)
    assert "val" in refused.stderr and "--split train" in refused.stderr


@pytest.mark.parametrize("command", ["explain", "batches"])
def test_what_is_read_is_not_replaced(command, final_data, dicomprep, toml, tmp_path):
    copy = tmp_path / "copy.h5"
    copy.write_bytes(final_data.read_bytes())
    words = toml("rotation_range = 20\n")
    for output in (copy, words[1]):
        before = output.read_bytes()
        more = ["--at", "0:0:0"] if command == "explain" else []
        result = dicomprep(command, copy, *words, *more, "-o", output, "--force")
        assert (result.returncode, result.stdout) == (2, "") and "file that is read" in result.stderr
        assert output.read_bytes() == before


def test_a_preset_can_be_switched_off(final_data, dicomprep):
    words = ["--augment", "cardiac", "--zoom-isotropic=false", "--zoom-range", "0.5,2"]
    zooms = [(p["zx"], p["zy"]) for p in drawn(dicomprep, final_data, *words).values()]
    assert all(x != y for x, y in zooms)
    plain = stream(dicomprep, final_data)
    assert stream(dicomprep, final_data, "--horizontal-flip=false") == plain
    assert stream(dicomprep, final_data, "--horizontal-flip=true") == stream(dicomprep, final_data, "--horizontal-flip")


def test_arrow_says_how_samples_were_changed(final_data, dicomprep):
    schema, _ = arrow(stream(dicomprep, final_data, "--augment", "cardiac", "--format", "arrow"))
    spec = json.loads(schema.metadata[b"augmentation"])
    assert (spec["preset"], spec["fill_mode"], spec["cval"], spec["rotation_range"]) == ("cardiac", "constant", 0, 30)
    schema, _ = arrow(stream(dicomprep, final_data, "--format", "arrow"))
    assert b"augmentation" not in schema.metadata


def test_explain_of_what_is_not_there(final_data, dicomprep, tmp_path):
    result = explain(dicomprep, final_data, "0:0:20", *FLAGS, "-o", tmp_path / "x.png", code=1)
    assert "20" in result.stderr and result.stdout == "" and not list(tmp_path.iterdir())
    for at in ("0:0", "0:0:0:0", "a:0:0", "0:-1:0", "0:0:1.5", ""):
        explain(dicomprep, final_data, at, code=2)
    assert "it is a text file" in explain(dicomprep, __file__, "0:0:0", code=1).stderr
