"""`structures`: what there is to choose from, for people and as JSON."""

import json

import pytest

from conftest import FIXTURES
from dicom_objects import image, save, square, structures


@pytest.fixture
def clinic(tmp_path):
    """Two patients whose planners write one name in two ways, and one name twice."""
    folder = tmp_path / "clinic"
    for patient, name in (("P1", "LV_endo"), ("P2", "lv endo")):
        images = [image(patient, number, 3 * number) for number in (1, 2, 3)]
        for one in images:
            save(one, folder / patient / f"{one.InstanceNumber}.dcm")
        rois = [(1, name, [(one, square(5, 20)) for one in images[:2]]), (2, "box", [(images[2], square(5, 9))]),
                (3, "box", [(images[2], square(9, 12))]), (4, "empty", [])]
        save(structures(patient, rois), folder / patient / "rt.dcm")
    return folder


def test_names_variants_numbers_and_images(dicomprep, clinic):
    result = dicomprep("structures", clinic, "--json")
    assert result.returncode == 0, result.stderr
    listed = json.loads(result.stdout)
    assert (listed["command"], listed["layout"], listed["images"], listed["patients"]) == ("structures", "dicom", 6, 2)
    assert listed["decided"][0]["about"] == "layout"
    found = {entry["name"]: entry for entry in listed["structures"]}
    assert [entry["name"] for entry in listed["structures"]] == ["LV_endo", "lv endo", "box", "empty"]
    assert found["LV_endo"] == {
        "name": "LV_endo", "numbers": [1], "kinds": {"RTSTRUCT CLOSED_PLANAR": 2}, "files": 1, "images": 2,
        "patients": 1, "instances": "1-2", "selection": "LV_endo"}
    assert (found["box"]["numbers"], found["box"]["patients"], found["box"]["images"]) == ([2, 3], 2, 2)
    assert (found["empty"]["images"], found["empty"]["instances"]) == (0, "")
    assert listed["variants"] == [{"names": ["LV_endo", "lv endo"], "selection": "LV_endo=LV_endo+lv endo"}]


def test_every_selection_is_what_prep_takes(dicomprep, clinic, out):
    listed = json.loads(dicomprep("structures", clinic, "--json").stdout)
    selections = [entry["selection"] for entry in listed["structures"] if entry["images"]]
    selections += [variant["selection"] for variant in listed["variants"]]
    for number, selection in enumerate(selections):
        result = dicomprep("prep", clinic, "-o", out / f"{number}.h5", "--structures", selection,
                           "--on-finding", "keep")
        assert result.returncode in (0, 3) and (out / f"{number}.h5").exists(), (selection, result.stderr)


def test_text_for_people(dicomprep, clinic):
    result = dicomprep("structures", clinic)
    assert result.returncode == 0
    assert "spelling variants: LV_endo, lv endo: --structures 'LV_endo=LV_endo+lv endo'" in result.stdout
    assert any(line.split()[:3] == ["LV_endo", "2", "1"] for line in result.stdout.splitlines())


def test_contours_of_linked_folders(dicomprep):
    listed = json.loads(dicomprep("structures", FIXTURES, "--json").stdout)
    assert [entry["name"] for entry in listed["structures"]] == ["inner", "outer"]
    assert all(entry["kinds"].keys() == {"contour text"} for entry in listed["structures"])
