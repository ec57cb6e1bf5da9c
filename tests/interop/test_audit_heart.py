"""Defects planted into a made-up heart with all its slices and phases: what only shows beside other images."""

import re
import shutil

import pydicom
import pytest

import defects
import expect
from test_audit import COVERED, covers
from trees import Heart, Study


@pytest.fixture
def study(tmp_path):
    return Study(tmp_path / "data")


@pytest.fixture
def heart(study):
    return Heart(study)


def found(dicomprep, study, *words):
    """The findings, by check and file."""
    report = defects.audit(dicomprep.path, study.root, *words)
    return {(f["check"], f["file"]): f for f in report["findings"]}


def name(study, file):
    return file.relative_to(study.root).as_posix()


def test_a_whole_heart_has_no_findings(dicomprep, study, heart):
    assert found(dicomprep, study) == {}


def shifted(pixels):
    return lambda heart, file: defects.shift(file, pixels, 2)


def scaled(factor):
    return lambda heart, file: defects.scale(file, factor)


def reverse(heart, file):
    defects.write(file, expect.points(file)[::-1])


def repeat(heart, file):
    shutil.copyfile(file, heart.contour(5, 4))


# check: where it is planted (slice, phase, structure), and how
HEART = {
    "displaced": ((4, 4, "inner"), shifted(12)),
    "position-jump": ((4, 4, "inner"), shifted(8)),
    "area-jump": ((3, 4, "inner"), scaled(1.3)),
    "wall-jump": ((2, 4, "outer"), scaled(1.4)),
    "repeated-contour": ((3, 4, "inner"), repeat),
    "direction": ((3, 1, "outer"), reverse),
}


@covers(*HEART)
@pytest.mark.parametrize("check", HEART)
def test_a_contour_unlike_its_neighbours(check, dicomprep, study, heart):
    place, plant = HEART[check]
    file = heart.contour(*place)
    plant(heart, file)
    findings = found(dicomprep, study)
    assert (check, name(study, file)) in findings
    # Warnings about others are no more than those that are the other half of this one.
    allowed = {name(study, file), *findings[check, name(study, file)]["others"], name(study, heart.contour(5, 4))}
    allowed |= {name(study, heart.contour(place[0], place[1], other)) for other in ("inner", "outer")}
    assert {other for _, other in findings} <= allowed


def test_the_first_slice_beside_its_other_phase(dicomprep, study, heart):
    file = heart.contour(0, 4)
    defects.scale(file, 1.6)
    finding = found(dicomprep, study, "--structures", "inner")["area-jump", name(study, heart.contour(0, 1))]
    assert finding["others"] == [name(study, file)] and "smaller than the patient's other slices tell" in finding["text"]


@covers("missing-outer")
def test_an_inner_contour_alone(dicomprep, study, heart):
    heart.contour(3, 4, "outer").unlink()
    assert ("missing-outer", name(study, heart.image(3, 4))) in found(dicomprep, study)


# ---------------------------------------------------------------- direction


def test_a_mirrored_contour_says_how_it_runs(dicomprep, study, heart):
    file = heart.contour(6, 4)
    defects.mirror(file, 64)
    finding = found(dicomprep, study)["direction", name(study, file)]
    assert finding["severity"] == "warning"
    assert finding["text"].startswith("its points run counterclockwise as seen on the screen, those of 15 of the 15 "
                                      "other inner contours of the patient run clockwise")


def test_a_patient_that_is_mirrored_is_one_finding(dicomprep, study):
    hearts = [Heart(study, patient, seed=k) for k, patient in enumerate("ABCDE")]
    for structure in ("inner", "outer"):
        for slice in range(Heart.SLICES):
            for phase in Heart.DRAWN:
                defects.mirror(hearts[2].contour(slice, phase, structure), 64)
    findings = [f for (check, _), f in found(dicomprep, study).items() if check == "direction"]
    assert len(findings) == 1 and "/ORIG-C/" in findings[0]["file"]
    assert "32 of the patient's 32 contours run counterclockwise" in findings[0]["text"]
    assert "4 of the 4 other patients" in findings[0]["text"]


def test_contours_drawn_both_ways_are_nothing(dicomprep, study):
    hearts = [Heart(study, patient, seed=k) for k, patient in enumerate("AB")]
    for heart in hearts:
        for slice in range(0, Heart.SLICES, 3):
            for phase in Heart.DRAWN:
                reverse(heart, heart.contour(slice, phase))
    assert not any(check == "direction" for check, _ in found(dicomprep, study))


# ---------------------------------------------------------------- all images of a patient


@pytest.mark.parametrize("lacking", [(5, 3), (2, 5)])
def test_a_slice_that_lacks_a_phase(lacking, dicomprep, study):
    Heart(study, lacking=[lacking])
    finding = found(dicomprep, study)["missing-image", "dicoms/P"]
    first = 6 * lacking[0] + 1
    assert f"images {first} to {first + 4} has 5 phases" in finding["text"] and "7 others" in finding["text"]
    assert ("near 300 ms" in finding["text"]) == (lacking[1] == 3)


def test_prep_tells_of_phases_where_it_reads_all_headers(dicomprep, study, out):
    Heart(study, lacking=[(5, 3)])
    for words, expected in (((), []), (("--unlabelled", "include"), ["missing-image"])):
        _, report = dicomprep.report(study.root, out / "x.h5", "--force", *words)
        assert [finding["check"] for finding in report["findings"]] == expected


def test_equal_images_without_a_contour(dicomprep, study):
    a, b = (Heart(study, patient, seed=k) for k, patient in enumerate("AB"))
    for at in ((1, 0), (4, 2)):
        copy = pydicom.dcmread(a.image(*at))
        # Other bytes, the same pixels.
        copy.PatientName, copy.InstanceNumber = "OTHER", str(b.numbers[at])
        copy.save_as(b.image(*at))
    findings = {key: f for key, f in found(dicomprep, study).items() if key[0] == "equal-image"}
    [(_, file)] = findings
    assert file == name(study, b.image(1, 0)) and "so does 1 more image" in findings["equal-image", file]["text"]


def test_blank_images_are_not_equal_images(dicomprep, study):
    a, b = (Heart(study, patient, seed=k) for k, patient in enumerate("AB"))
    for heart in (a, b):
        blank = pydicom.dcmread(heart.image(1, 0))
        blank.PixelData = bytes(len(blank.PixelData))
        blank.save_as(heart.image(1, 0))
    assert found(dicomprep, study) == {}


# ---------------------------------------------------------------- contrast


@pytest.mark.parametrize("rule", ["keep", "invert"])
def test_inverted_images_are_compared_the_right_way_round(rule, dicomprep, study, out):
    heart = Heart(study, photometric="MONOCHROME1")
    assert found(dicomprep, study) == {}
    _, report = dicomprep.report(study.root, out / "x.h5", "--monochrome1", rule)
    assert report["findings"] == []
    defects.shift(heart.contour(2, 4), 6, 2)
    _, report = dicomprep.report(study.root, out / "x.h5", "--monochrome1", rule, "--force")
    assert "fits-elsewhere" in {finding["check"] for finding in report["findings"]}


# ---------------------------------------------------------------- the table


def test_every_check_has_a_planted_defect(dicomprep):
    checks = dicomprep("audit", "--help").stdout.split("Checks of the audit:\n")[1].split("\n\n")[0]
    listed = re.findall(r"^  ([a-z-]+) +(?:error|warning|note) ", checks, re.MULTILINE)
    assert set(listed) == COVERED and len(listed) == len(COVERED)
