"""Statistics of the train split, held against numpy."""

import h5py
import numpy as np
import pytest

import expect
from trees import Study, dicom

LEVELS = (0.5, 2, 50, 98, 99.5)


def narrow_study(root, patients=6):
    """Images of values from 95.5 to 96.5, in steps of a thousandth: float32."""
    study = Study(root)
    for patient in range(patients):
        stored = np.random.default_rng(patient).integers(0, 1000, (48, 48)).astype(np.uint16)
        study.add(f"P{patient}", 1, dicom(stored, slope="0.001", intercept="95.5"))
    return study


def train_values(file):
    splits = file["samples/split"].asstr()[:]
    return file["images"][:][splits == "train" if set(splits) - {""} else slice(None)]


@pytest.mark.parametrize("words", [(), ("--split", "none"), ("--split", "train=0.34,val=0.66", "--split-seed", "3")],
                         ids=" ".join)
def test_percentiles_of_floats_are_exact(words, dicomprep, tmp_path):
    study = narrow_study(tmp_path / "data")
    dicomprep.prep(study.root, tmp_path / "x.h5", *words)
    with h5py.File(tmp_path / "x.h5") as file:
        values = train_values(file)
        assert values.dtype == np.float32
        exact = np.percentile(values, LEVELS, method="inverted_cdf").astype(np.float64)
        assert file["images"].attrs["train_percentiles"].tolist() == exact.tolist()
        expect.check_statistics(file)
        # At most half a per cent is clipped at either end.
        low, high = exact[0], exact[-1]
        assert (values < low).mean() < 0.005 and (values > high).mean() <= 0.005
    assert dicomprep("verify", tmp_path / "x.h5").returncode == 0


def test_shards_and_one_run_have_the_same_percentiles(dicomprep, tmp_path):
    study = narrow_study(tmp_path / "data")
    dicomprep.prep(study.root, tmp_path / "whole.h5")
    shards = [tmp_path / f"{n}.h5" for n in range(3)]
    for n, shard in enumerate(shards):
        dicomprep.prep(study.root, shard, "--shard", f"{n}/3")
        assert dicomprep("verify", shard).returncode == 0
    assert dicomprep("merge", *shards, "-o", tmp_path / "merged.h5").returncode == 0
    assert (tmp_path / "merged.h5").read_bytes() == (tmp_path / "whole.h5").read_bytes()
    assert dicomprep("merge", "--virtual", *shards, "-o", tmp_path / "virtual.h5").returncode == 0
    with h5py.File(tmp_path / "virtual.h5") as file:
        expect.check_statistics(file)


def test_verify_sees_a_percentile_that_is_off_by_one_value(dicomprep, tmp_path):
    study = narrow_study(tmp_path / "data")
    dicomprep.prep(study.root, tmp_path / "x.h5")
    with h5py.File(tmp_path / "x.h5", "r+") as file:
        percentiles = file["images"].attrs["train_percentiles"]
        percentiles[2] += 0.001
        file["images"].attrs.modify("train_percentiles", percentiles)
    result = dicomprep("verify", tmp_path / "x.h5")
    assert result.returncode == 1 and "train_percentiles" in result.stderr
