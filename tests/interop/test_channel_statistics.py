"""Statistics of each channel of colour images, held against numpy."""

import shutil

import h5py
import numpy as np
import pytest

import expect
from test_color import color
from trees import Study

LEVELS = (0.5, 2, 50, 98, 99.5)
SHAPE = (20, 16)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Colour images of nine patients, whose channels have values of their own."""
    study = Study(tmp_path_factory.mktemp("channels") / "data")
    for patient in range(9):
        draw = np.random.default_rng(patient).integers
        channels = [draw(0, 200, SHAPE), draw(150 + patient, 256, SHAPE), draw(0, 3 + patient, SHAPE)]
        image = color(np.stack(channels, axis=-1).astype(np.uint8))
        image.PixelSpacing = [1, 1]
        study.add(f"P{patient}", 1, image)
    return study


def percentiles(images):
    """Those of each channel, by numpy alone."""
    return np.percentile(images, LEVELS, axis=(0, 1, 2), method="inverted_cdf").T.astype(np.float64)


def earlier(path):
    """Makes a file of format 1.4 of one of today."""
    with h5py.File(path, "r+") as file:
        del file["images"].attrs["train_channel_percentiles"]
        file.attrs["format_version"] = "1.4"
        file.attrs["text_checksum"] = expect.text_checksum(file)


@pytest.mark.parametrize("words", [
    (),
    ("--folds", "3"),
    ("--dtype", "float32", "--folds", "3", "--split", "train=0.7,val=0.3"),
    ("--dtype", "float32", "--spacing", "0.7x0.7", "--split", "none"),
], ids=" ".join)
def test_percentiles_are_numpys_however_the_file_is_made(words, dicomprep, study, tmp_path):
    whole, anew, merged = (tmp_path / f"{name}.h5" for name in ("whole", "anew", "merged"))
    dicomprep.prep(study.root, whole, *words)
    with h5py.File(whole) as file:
        images, splits, folds = file["images"][:], file["samples/split"].asstr()[:], file["samples/fold"][:]
        counted = splits == "train" if set(splits) - {""} else np.full(len(splits), True)
        found = file["images"].attrs["train_channel_percentiles"]
        assert found.shape == (3, 5) and found.tolist() == percentiles(images[counted]).tolist()
        expect.check_statistics(file)
        assert ("--spacing" in words) == bool((images % 1).any())
        for fold in range(folds.max() + 1):
            found = file[f"folds/{fold}"].attrs["train_channel_percentiles"]
            assert found.tolist() == percentiles(images[(folds >= 0) & (folds != fold)]).tolist()
    assert dicomprep("verify", whole).returncode == 0
    dicomprep.prep(study.root, anew, *words, "--reuse", whole, "--threads", "1")
    assert anew.read_bytes() == whole.read_bytes()
    shards = [tmp_path / f"{index}.h5" for index in range(3)]
    for index, shard in enumerate(shards):
        dicomprep.prep(study.root, shard, *words, "--shard", f"{index}/3")
        assert dicomprep("verify", shard).returncode == 0
    assert dicomprep("merge", *shards, "-o", merged).returncode == 0
    assert merged.read_bytes() == whole.read_bytes()


def test_equal_images_in_two_splits_are_counted_where_they_end_up(dicomprep, study, tmp_path):
    """Patients who change sides, because an image of theirs is that of another, are read back by channel."""
    copied = tmp_path / "data"
    shutil.copytree(study.root, copied)
    for patient in (0, 1):
        shutil.copyfile(copied / f"dicoms/P{patient}/1.dcm", copied / f"dicoms/P{patient + 7}/1.dcm")
    for seed in range(4):
        file = tmp_path / f"{seed}.h5"
        dicomprep.prep(copied, file, "--split", "train=0.5,val=0.5", "--split-seed", seed, "--on-finding", "keep")
        with h5py.File(file) as opened:
            train = opened["images"][:][opened["samples/split"].asstr()[:] == "train"]
            assert opened["images"].attrs["train_channel_percentiles"].tolist() == percentiles(train).tolist()
        assert dicomprep("verify", file).returncode == 0


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
@pytest.mark.parametrize("place", ["images", "folds/1"])
def test_verify_sees_a_percentile_of_one_channel(dtype, place, dicomprep, study, tmp_path):
    path = tmp_path / "x.h5"
    dicomprep.prep(study.root, path, "--dtype", dtype, "--folds", "3")
    with h5py.File(path, "r+") as file:
        figures = file[place].attrs["train_channel_percentiles"]
        figures[1, 2] += 1
        file[place].attrs.modify("train_channel_percentiles", figures)
    result = dicomprep("verify", path)
    assert result.returncode == 1 and f"/{place}@train_channel_percentiles" in result.stderr
    with h5py.File(path, "r+") as file:
        del file[place].attrs["train_channel_percentiles"]
    result = dicomprep("verify", path)
    assert result.returncode == 1 and f"/{place}@train_channel_percentiles" in result.stderr


def test_streams_of_a_held_out_fold_take_its_percentiles(dicomprep, study, tmp_path):
    path, out = tmp_path / "x.h5", tmp_path / "x.npy"
    dicomprep.prep(study.root, path, "--folds", "3")
    with h5py.File(path) as file:
        images, folds = file["images"][:].astype(np.float64), file["samples/fold"][:]
    low, high = percentiles(images[folds != 1])[:, [0, -1]].T
    result = dicomprep("batches", path, "--fold", "1", "--held-out", "--normalize", "percentile", "--no-shuffle",
                       "--batch-size", len(images), "-o", out)
    assert result.returncode == 0, result.stderr
    expected = ((images[folds == 1] - low) / (high - low)).clip(0, 1)
    assert np.allclose(np.load(out), expected, rtol=0, atol=1e-6)


def test_an_earlier_file_is_read_as_before(dicomprep, study, tmp_path):
    path, out = tmp_path / "x.h5", tmp_path / "x.npy"
    dicomprep.prep(study.root, path, "--split", "none")
    earlier(path)
    assert dicomprep("verify", path).returncode == 0
    with h5py.File(path) as file:
        images = file["images"][:].astype(np.float64)
        low, high = file["images"].attrs["train_percentiles"][[0, -1]]
    result = dicomprep("batches", path, "--normalize", "percentile", "--no-shuffle", "--batch-size", len(images), "-o", out)
    assert result.returncode == 0, result.stderr
    assert np.allclose(np.load(out), ((images - low) / (high - low)).clip(0, 1), rtol=0, atol=1e-6)


def test_colour_shards_of_an_earlier_format_are_not_merged(dicomprep, study, tmp_path):
    shards = [tmp_path / f"{index}.h5" for index in range(2)]
    for index, shard in enumerate(shards):
        dicomprep.prep(study.root, shard, "--shard", f"{index}/2")
        earlier(shard)
        assert dicomprep("verify", shard).returncode == 0
    result = dicomprep("merge", *shards, "-o", tmp_path / "merged.h5")
    assert result.returncode == 1 and "format 1.4" in result.stderr and "make it again" in result.stderr
    assert not (tmp_path / "merged.h5").exists()
