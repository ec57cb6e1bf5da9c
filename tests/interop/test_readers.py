"""Readers other than h5py."""

import shutil
import subprocess

import h5py
import numpy as np
import pytest

from conftest import FIXTURES


@pytest.fixture(scope="module")
def path(dicomprep, tmp_path_factory):
    path = tmp_path_factory.mktemp("readers") / "final_data.h5"
    dicomprep.prep(FIXTURES, path)
    return path


def test_hugging_face_datasets(path, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip("datasets")
    table = datasets.load_dataset("hdf5", data_files=str(path), cache_dir=str(tmp_path), split="train")
    with h5py.File(path) as file:
        assert len(table) == len(file["images"])
        row = table[7]
        assert np.array_equal(row["images"], file["images"][7])
        assert np.array_equal(row["masks"], file["masks"][7])
        # The loader keeps a fixed-length string as it stands in the file.
        name = row["samples"]["id"]
        assert (name.decode() if isinstance(name, bytes) else name) == file["samples/id"].asstr()[7]


def test_h5dump(path):
    if shutil.which("h5dump") is None:
        pytest.skip("h5dump is not installed (Debian and Ubuntu: hdf5-tools)")
    run = lambda *words: subprocess.run(["h5dump", *words], capture_output=True, text=True, check=True).stdout
    print(run("--version").strip())
    header = run("-H", "-p", path)
    for name in ("images", "masks", "checksum"):
        assert f'DATASET "{name}"' in header
    assert "DEFLATE" in header and "SHUFFLE" in header
    with h5py.File(path) as file:
        # Padding of a fixed-length string is printed as a backslash and 000.
        ids = run("-d", "/samples/id", "-y", "-w", "0", path).replace("\\000", "")
        assert all(f'"{name}"' in ids for name in file["samples/id"].asstr()[:])
        # A whole image goes through the reader's own unshuffle and inflate.
        pixels = run("-d", "/images", "-s", "3,0,0,0", "-c", "1,64,64,1", "-A", "0", "-y", "-w", "0", path)
        numbers = pixels.partition("DATA {")[2].partition("}")[0].replace(",", " ").split()
        assert np.array_equal(np.array(numbers, np.int16), file["images"][3].ravel())


def test_tensorflow_reads_rows_through_h5py(path):
    tensorflow = pytest.importorskip("tensorflow")
    with h5py.File(path) as file:
        rows = tensorflow.data.Dataset.range(len(file["images"]))
        read = lambda row: (file["images"][int(row)], file["masks"][int(row)])
        pairs = rows.map(lambda row: tensorflow.numpy_function(read, [row], ["int16", "uint8"]))
        count = 0
        for row, (image, mask) in enumerate(pairs):
            assert np.array_equal(image, file["images"][row]) and np.array_equal(mask, file["masks"][row])
            count += 1
        assert count == len(file["images"])
