"""Kinds of images that an audit supposes, and severities of its checks by choice."""

import json

import h5py
import pytest

import dicom_objects as objects
from trees import Heart, Study, ring, small_study


@pytest.fixture
def study(tmp_path):
    return Study(tmp_path / "data")


def audit(dicomprep, root, *words):
    """The findings, each as (check, severity), and the exit code."""
    result = dicomprep("audit", root, "--json", *words)
    assert result.returncode in (0, 3), result.stderr
    return [(f["check"], f["severity"]) for f in json.loads(result.stdout)["findings"]], result.returncode


def dark_heart(study):
    """A heart with an inner contour around muscle, and one without an outer contour beside it."""
    heart = Heart(study, photometric="MONOCHROME2")
    study.contour("P", heart.numbers[3, 4], ring(32, 32, 6))
    study.contour_path("P", heart.numbers[5, 4], "outer").unlink()
    return heart


def test_a_general_audit_supposes_nothing_of_the_heart(dicomprep, study):
    dark_heart(study)
    cardiac, _ = audit(dicomprep, study.root)
    assert {check for check, _ in cardiac} >= {"missing-outer", "wall-jump"}
    assert audit(dicomprep, study.root, "--profile", "cardiac")[0] == cardiac
    general, _ = audit(dicomprep, study.root, "--profile", "general")
    assert not {check for check, _ in general} & {
        "missing-outer", "wall-jump", "low-contrast", "fits-elsewhere", "inner-outside-outer", "inner-crosses-outer"}


def test_phases_are_counted_in_hearts_alone(dicomprep, study):
    Heart(study, lacking=[(5, 3)])
    assert ("missing-image", "note") in audit(dicomprep, study.root)[0]
    assert audit(dicomprep, study.root, "--profile", "general")[0] == []


def tree_of_inner(root):
    """A tree of DICOM objects in which `inner` is drawn around something dark."""
    root.mkdir()
    images = []
    for number in range(4):
        grid = objects.np.hypot(*(objects.np.indices((50, 50)) - 25))
        images.append(objects.image("P1", number + 1, 8 * number, objects.np.where(grid < 10, 100 + number, 800)))
    for number, one in enumerate(images):
        one.save_as(root / f"{number}.dcm", enforce_file_format=True)
    circle = [(25 + 10 * objects.np.cos(a), 25 + 10 * objects.np.sin(a)) for a in objects.np.linspace(0, 6.2, 40)]
    drawn = objects.structures("P1", [(1, "inner", [(one, circle) for one in images])])
    drawn.save_as(root / "rt.dcm", enforce_file_format=True)
    return root


def test_other_layouts_are_hearts_only_where_they_are_said_to_be(dicomprep, tmp_path):
    root = tree_of_inner(tmp_path / "data")
    assert "low-contrast" not in dict(audit(dicomprep, root)[0])
    assert "low-contrast" in dict(audit(dicomprep, root, "--profile", "cardiac")[0])


def test_severities_by_choice(dicomprep, study, tmp_path):
    dark_heart(study)
    found, code = audit(dicomprep, study.root)
    assert code == 0
    changed, code = audit(dicomprep, study.root, "--check", "wall-jump=error", "--check", "missing-outer=off")
    assert code == 3 and changed[0] == ("wall-jump", "error")
    assert sorted(check for check, _ in changed) == sorted(c for c, _ in found if c != "missing-outer")
    words = ["--structures", "inner,outer", "--split", "none"]
    _, before = dicomprep.report(study.root, tmp_path / "x.h5", *words)
    _, after = dicomprep.report(
        study.root, tmp_path / "y.h5", *words, "--check", "wall-jump=error", "--check", "missing-outer=off", code=3)
    assert after["reasons"]["audit-error"] >= 1 and "audit-error" not in before["reasons"]
    with h5py.File(tmp_path / "y.h5") as file:
        assert not any("missing-outer" in text for text in file["samples/findings"].asstr()[:])
        assert "missing-outer=off" in file.attrs["config"]


def test_equal_images_that_are_no_matter_are_not_told_of(dicomprep, tmp_path):
    import shutil

    study = small_study(tmp_path / "data", ["A", "B", "C", "D"], images=2)
    shutil.copyfile(study.image_path("A", 1), study.image_path("C", 1))
    for name, words in (("x", []), ("y", ["--check", "equal-image=off"])):
        _, report = dicomprep.report(study.root, tmp_path / f"{name}.h5", *words)
        with h5py.File(tmp_path / f"{name}.h5") as file:
            told = {f["check"] for f in report["findings"]} | set(file["samples/findings"].asstr()[:]) - {""}
            assert told == (set() if words else {"equal-image"})
            assert list(file.attrs["split_joined"]) == ["A,C"], "they stand in one split all the same"


@pytest.mark.parametrize("text, message", [
    ("spike", "NAME=LEVEL"), ("spikes=off", "no check `spikes`"), ("spike=loud", "no level")])
def test_what_is_no_choice_is_refused(text, message, dicomprep, study):
    result = dicomprep("audit", study.root, "--check", text)
    assert result.returncode == 2 and message in result.stderr


def test_a_sample_is_explained_by_its_id(dicomprep, final_data, tmp_path):
    with h5py.File(final_data) as file:
        ids = file["samples/id"].asstr()[:]
    for row in (0, len(ids) - 1):
        by_row = dicomprep("explain", final_data, "--at", f"0:0:{row}")
        for name in (ids[row], f"0:0:{ids[row]}"):
            result = dicomprep("explain", final_data, "--at", name)
            assert (result.returncode, result.stdout) == (0, by_row.stdout) and ids[row] in result.stdout
    absent = dicomprep("explain", final_data, "--at", "nobody/1")
    assert absent.returncode == 1 and "no sample nobody/1" in absent.stderr
