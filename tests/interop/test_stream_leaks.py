"""A split that shares patients or images with another is not streamed."""

import h5py
import numpy as np
import pytest

from conftest import FIXTURES
from streams import Contents, rows, run, seal


@pytest.fixture
def contents(final_data):
    return Contents(final_data)


def row_of(contents, split):
    return int(np.flatnonzero(contents["split"] == split)[0])


def test_no_split_of_a_clean_file_leaks(any_data, dicomprep):
    for split in ("train", "val", "test"):
        assert rows(dicomprep, any_data, "--split", split)


@pytest.mark.parametrize("split", ["train", "val"])
def test_a_patient_in_two_splits_is_named(split, spoiled, contents, dicomprep):
    moved = row_of(contents, "train")
    patient = contents["patient_id"][moved]
    with h5py.File(spoiled, "r+") as file:
        file["samples/split"][moved] = b"val"
    result = run(dicomprep, spoiled, "--split", split, code=1)
    assert result.stdout == b""
    assert patient in result.stderr and split in result.stderr and "--allow-leak" in result.stderr
    # Nobody else is.
    assert not any(other in result.stderr for other in set(contents["patient_id"]) - {patient})
    run(dicomprep, spoiled, "--split", split, "--describe", code=1)
    # The third split has no part in it, and who asks for no split asks for no proof.
    assert rows(dicomprep, spoiled, "--split", "test")
    assert len(rows(dicomprep, spoiled)) == 20


def test_allow_leak_goes_on(spoiled, contents, dicomprep):
    moved = row_of(contents, "train")
    with h5py.File(spoiled, "r+") as file:
        file["samples/split"][moved] = b"val"
    found = rows(dicomprep, spoiled, "--split", "val", "--allow-leak", "--no-shuffle")
    assert found == sorted([moved, *np.flatnonzero(contents["split"] == "val").tolist()])


def test_all_patients_that_leak_are_named(spoiled, contents, dicomprep):
    train = np.flatnonzero(contents["split"] == "train")
    patients = sorted(set(contents["patient_id"][train]))
    assert len(patients) == 2
    with h5py.File(spoiled, "r+") as file:
        for patient in patients:
            file["samples/split"][np.flatnonzero(contents["patient_id"] == patient)[-1]] = b"test"
    said = run(dicomprep, spoiled, "--split", "test", code=1).stderr
    assert all(patient in said for patient in patients)


def test_a_row_without_a_split_leaks_nothing(spoiled, contents, dicomprep):
    moved = row_of(contents, "train")
    with h5py.File(spoiled, "r+") as file:
        file["samples/split"][moved] = b""
    assert moved not in rows(dicomprep, spoiled, "--split", "train")


def copy_image(path, target, source):
    with h5py.File(path, "r+") as file:
        file["images"][target] = file["images"][source]
        seal(file, target)


@pytest.mark.parametrize("split", ["train", "val"])
def test_an_equal_image_in_another_split_names_its_patient(split, spoiled, contents, dicomprep):
    train, val = row_of(contents, "train"), row_of(contents, "val")
    copy_image(spoiled, train, val)
    result = run(dicomprep, spoiled, "--split", split, code=1)
    assert result.stdout == b"" and "equal image" in result.stderr and "--allow-leak" in result.stderr
    assert contents["patient_id"][{"train": train, "val": val}[split]] in result.stderr
    assert rows(dicomprep, spoiled, "--split", split, "--allow-leak")
    assert rows(dicomprep, spoiled, "--split", "test")


def test_an_equal_image_in_the_same_split_is_no_leak(spoiled, contents, dicomprep):
    first, *_, last = np.flatnonzero(contents["split"] == "train").tolist()
    assert contents["patient_id"][first] != contents["patient_id"][last]
    copy_image(spoiled, first, last)
    assert len(rows(dicomprep, spoiled, "--split", "train")) == 10


def test_equal_checksums_of_different_images_are_no_leak(spoiled, contents, dicomprep):
    """Images are compared, not their checksums: 2^20 images have some 100 equal pairs of 32 bits."""
    train, val = row_of(contents, "train"), row_of(contents, "val")
    with h5py.File(spoiled, "r+") as file:
        file["samples/checksum"][train, 0] = file["samples/checksum"][val, 0]
    assert len(rows(dicomprep, spoiled, "--split", "train", "--no-verify")) == 10
    # Whoever verifies finds the row whose checksum is wrong.
    assert f"row {train} " in run(dicomprep, spoiled, "--split", "train", code=1).stderr


@pytest.mark.parametrize("kind", ["patient", "image"])
def test_a_selection_without_the_leak_goes_on(kind, spoiled, contents, dicomprep):
    train, val = row_of(contents, "train"), row_of(contents, "val")
    if kind == "patient":
        with h5py.File(spoiled, "r+") as file:
            file["samples/split"][train] = b"val"
    else:
        copy_image(spoiled, train, val)
    patient = contents["patient_id"][train]
    run(dicomprep, spoiled, "--split", "train", code=1)
    found = rows(dicomprep, spoiled, "--split", "train", "--where", f"patient_id!={patient}", "--no-shuffle")
    expected = (contents["split"] == "train") & (contents["patient_id"] != patient)
    assert found == np.flatnonzero(expected).tolist()


def test_a_split_that_the_file_does_not_have(final_data, dicomprep, tmp_path):
    said = run(dicomprep, final_data, "--split", "holdout", code=1).stderr
    assert "holdout" in said and all(name in said for name in ("train", "val", "test"))
    dicomprep.prep(FIXTURES, tmp_path / "x.h5", "--split", "none")
    assert "train" in run(dicomprep, tmp_path / "x.h5", "--split", "train", code=1).stderr
    assert len(rows(dicomprep, tmp_path / "x.h5")) == 20
