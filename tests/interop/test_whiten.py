"""Whitening, beside what Keras' ImageDataGenerator.fit and standardize compute, done here in NumPy."""

import h5py
import numpy as np
import pytest

from conftest import FIXTURES


@pytest.fixture(scope="module")
def packed(dicomprep, tmp_path_factory):
    path = tmp_path_factory.mktemp("whiten") / "final_data.h5"
    dicomprep.prep(FIXTURES, path, "--size", "16x16", "--fit", "resize", "--unlabelled", "include")
    return path


def whiten(dicomprep, path, output, *words, code=0):
    result = dicomprep("whiten", path, "-o", output, *words)
    assert result.returncode == code, result.stderr
    assert result.stdout == ""
    return result


def keras(x, rescale, epsilon, dtype):
    """The matrix and the whitened images, as keras/src/legacy/preprocessing/image.py has it."""
    x = np.asarray(x, dtype)
    x *= rescale
    x -= np.mean(x, axis=(0, 1, 2)).reshape(1, 1, -1)
    n = len(x)
    flat_x = np.reshape(x, (n, -1))
    u, s, _ = np.linalg.svd(flat_x.T, full_matrices=False)
    s_inv = np.sqrt(n) / (s + epsilon)
    matrix = (u * s_inv).dot(u.T)
    return flat_x, matrix, flat_x @ matrix, s


@pytest.mark.parametrize("side", [16, 4], ids=["fewer images than numbers", "more images than numbers"])
@pytest.mark.parametrize("rescale, epsilon", [(None, 1e-6), (1 / 255, 1e-6), (-0.01, 0.5)])
def test_keras_has_the_same_numbers(dicomprep, packed, tmp_path, rescale, epsilon, side):
    if side != 16:
        packed = tmp_path / "small.h5"
        dicomprep.prep(FIXTURES, packed, "--size", f"{side}x{side}", "--fit", "resize", "--unlabelled", "include")
    words = [] if rescale is None else ["--rescale", repr(rescale)]
    whiten(dicomprep, packed, tmp_path / "w.h5", *words, "--zca-epsilon", repr(epsilon))
    with h5py.File(packed) as file, h5py.File(tmp_path / "w.h5") as whitening:
        train = np.flatnonzero(file["samples/split"].asstr()[:] == "train")
        images = file["images"][train]
        found = whitening["matrix"][:]
        attributes = dict(whitening.attrs)
        for name in ("source_digest", "config"):
            assert attributes[name] == file.attrs[name]
        for name in ("train_mean", "train_std"):
            assert attributes[name] == file["images"].attrs[name]
    assert found.dtype == np.float32 and np.array_equal(found, found.T)
    assert list(attributes["shape"]) == [side, side, 1] and attributes["samples"] == len(images)
    assert attributes["format"] == "dicomprep zca" and attributes["format_version"] == "1.0"
    assert attributes["epsilon"] == epsilon and attributes["rescale"] == (rescale or 1)
    flat, matrix, whitened, s = keras(images, rescale or 1, epsilon, np.float64)
    assert attributes["rank"] == np.count_nonzero(s > 1e-6 * s[0])
    print(f"{len(images)} images, singular values {s[0]} to {s[-1]}")
    for expected, number in ((matrix, found), (whitened, flat @ found.astype(np.float64))):
        difference = np.abs(number - expected).max() / np.abs(expected).max()
        print(f"largest difference {difference:.1e}")
        assert difference < 1e-4
    # Keras itself works in float32.
    _, matrix, whitened, _ = keras(images, np.float32(rescale or 1), epsilon, np.float32)
    assert np.abs(found - matrix).max() < 1e-3 * np.abs(matrix).max()
    assert np.abs(flat @ found.astype(np.float64) - whitened).max() < 1e-3 * np.abs(whitened).max()


def test_keras_itself(dicomprep, packed, tmp_path):
    keras = pytest.importorskip("keras")
    image = pytest.importorskip("keras.src.legacy.preprocessing.image")
    del keras
    whiten(dicomprep, packed, tmp_path / "w.h5", "--rescale", "0.01")
    with h5py.File(packed) as file, h5py.File(tmp_path / "w.h5") as whitening:
        images = file["images"][:][file["samples/split"].asstr()[:] == "train"].astype(np.float32)
        found = whitening["matrix"][:]
        mean = whitening.attrs["mean"]
    generator = image.ImageDataGenerator(
        featurewise_center=True, zca_whitening=True, rescale=0.01, data_format="channels_last"
    )
    generator.fit(images)
    expected = generator.zca_whitening_matrix
    assert np.abs(found - expected).max() < 1e-3 * np.abs(expected).max()
    for x in images[:5]:
        expected = generator.standardize(x.copy()[None])[0]
        number = (found @ (x.ravel() * 0.01 - mean)).reshape(x.shape)
        assert np.abs(number - expected).max() < 1e-3 * np.abs(expected).max()


def test_equal_bytes_whatever_the_threads(dicomprep, packed, tmp_path):
    files = []
    for threads in ("1", "2", "7"):
        whiten(dicomprep, packed, tmp_path / threads, "--threads", threads)
        files.append((tmp_path / threads).read_bytes())
    assert files[0] == files[1] == files[2]


def test_no_splits_are_all_images(dicomprep, tmp_path):
    path = tmp_path / "all.h5"
    dicomprep.prep(FIXTURES, path, "--size", "8x8", "--fit", "resize", "--split", "none")
    result = dicomprep("whiten", "all.h5", "-q", cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    with h5py.File(path) as file, h5py.File(tmp_path / "all.zca.h5") as whitening:
        assert whitening.attrs["samples"] == len(file["images"])


def test_what_cannot_be_whitened_is_said(dicomprep, packed, tmp_path):
    large = tmp_path / "large.h5"
    dicomprep.prep(FIXTURES, large, "--size", "65x64", "--fit", "pad")
    result = whiten(dicomprep, large, tmp_path / "w.h5", code=1)
    for part in ("large.h5", "65 x 64", "4160 numbers", "0.1 GB", "4096", "--size 64x64 --fit resize"):
        assert part in result.stderr
    assert "it is a text file" in whiten(dicomprep, __file__, tmp_path / "w.h5", code=1).stderr
    for words in (["--zca-epsilon", "-1"], ["--zca-epsilon", "nan"], ["--rescale", "0"], ["--threads", "0"]):
        whiten(dicomprep, packed, tmp_path / "w.h5", *words, code=2)
    assert "names a file that is read" in whiten(dicomprep, packed, packed, "--force", code=2).stderr
    (tmp_path / "mine").write_text("mine")
    assert "--force" in whiten(dicomprep, packed, tmp_path / "mine", code=1).stderr
    assert (tmp_path / "mine").read_text() == "mine"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["large.h5", "mine"]
    whiten(dicomprep, packed, tmp_path / "mine", "--force")


def test_options_of_keras_that_whitening_overrides(dicomprep, packed, tmp_path):
    whiten(dicomprep, packed, tmp_path / "a")
    assert "note:" not in whiten(dicomprep, packed, tmp_path / "b", "--featurewise-center").stderr
    assert "as in Keras" in whiten(dicomprep, packed, tmp_path / "c", "--featurewise-std-normalization").stderr
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes() == (tmp_path / "c").read_bytes()
