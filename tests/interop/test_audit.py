"""Planted defects, one test for each check, with the real binary; and the real data, which have none."""

import json
import re
import shutil
from collections import Counter

import h5py
import numpy as np
import pydicom
import pytest

import defects
import expect
from conftest import FIXTURES, sunnybrook
from trees import Study, noise, ring as circle

needs_real = pytest.mark.skipif(sunnybrook() is None, reason="the Sunnybrook data is not here")
PATIENT, ORIGINAL = "SYN0000201", "SYN-HF-I-2"


# The checks whose defects are planted by the tests here; test_audit_heart.py has the rest.
COVERED = set()


def covers(*checks):
    """Says that a test plants what these checks find."""
    COVERED.update(checks)
    return lambda test: test


def contour(tree, number, letter="i", original=ORIGINAL):
    name = f"IM-0001-{number:04}-{letter}contour-manual.txt"
    return tree / "contourfiles" / original / f"{letter}-contours" / name


def image(tree, number, patient=PATIENT):
    return tree / "dicoms" / patient / f"{number}.dcm"


def both(tree):
    """A number of the patient with an inner and an outer contour."""
    numbers = [int(file.name.split("-")[2]) for file in contour(tree, 0, "o").parent.glob("*.txt")]
    return min(number for number in numbers if contour(tree, number).is_file())


def found(dicomprep, tree, *words):
    """The findings: {(check, file)}."""
    report = defects.audit(dicomprep.path, tree, *words)
    return {(finding["check"], finding["file"]) for finding in report["findings"]}


def name(tree, file):
    return file.relative_to(tree).as_posix()


# ---------------------------------------------------------------- what is good


@needs_real
def test_the_real_data_have_no_findings(dicomprep):
    report = defects.audit(dicomprep.path, sunnybrook() / "final_data")
    assert report["findings"] == [] and report["rejected"] == []
    assert (report["images"], report["annotations"], report["patients"]) == (56, 84, 3)


def test_the_fixtures_have_no_errors(dicomprep):
    report = defects.audit(dicomprep.path, FIXTURES)
    # Phases at equal distance from the middle of a synthetic cycle have the same contours.
    assert set(report["checks"]) <= {"repeated-contour", "missing-outer"}
    for other in ("--threads 1", "--threads 3"):
        again = defects.audit(dicomprep.path, FIXTURES, *other.split())
        assert {**again, "seconds": 0} == {**report, "seconds": 0}


# ---------------------------------------------------------------- one contour


SHAPES = {
    "few-points": [(10, 10), (20, 20), (10, 10)],
    "no-area": [(10, 10), (20, 10.01), (30, 10)],
    "mask-area": [(10, 10), (50, 50), (50, 10), (10, 50)],
    "outside-image": circle(2, 30, 10),
    "self-crossing": circle(30, 30, 10)[:20] + circle(30, 30, 10)[22:19:-1] + circle(30, 30, 10)[23:],
    "unclosed": circle(30, 30, 10)[:50],
    "spike": circle(30, 30, 10)[:20] + [(30, 48)] + circle(30, 30, 10)[20:],
    "touches-border": circle(10, 30, 10),
    "low-contrast": circle(12, 50, 8),
}


@covers(*SHAPES)
@pytest.mark.parametrize("check", SHAPES)
def test_a_contour_of_bad_shape_or_place(check, dicomprep, tree):
    file = contour(tree, 7)
    defects.write(file, SHAPES[check])
    assert (check, name(tree, file)) in found(dicomprep, tree)


@covers("fits-elsewhere")
def test_a_contour_that_fits_elsewhere(dicomprep, tree):
    file = contour(tree, 7)
    defects.shift(file, 6, 0)
    report = defects.audit(dicomprep.path, tree)
    texts = [f["text"] for f in report["findings"] if (f["check"], f["file"]) == ("fits-elsewhere", name(tree, file))]
    assert len(texts) == 1 and re.search(r"moved by -[468] px to the right", texts[0])


@covers("not-examined")
@pytest.mark.parametrize("points", [20_000, 60_000])
def test_endless_contours_end(points, dicomprep, tree):
    # Every side reaches from one edge of the image to the other.
    file = contour(tree, 7)
    file.write_text("".join(f"{60 * (k % 2)} {k * 60 / points:.4f}\n" for k in range(points)))
    assert ("not-examined", name(tree, file)) in found(dicomprep, tree)


# ---------------------------------------------------------------- two contours of an image


@covers("inner-outside-outer")
def test_an_inner_contour_outside_of_the_outer_one(dicomprep, tree):
    number = both(tree)
    inner, outer = contour(tree, number), contour(tree, number, "o")
    defects.shift(inner, 10, 1)
    report = defects.audit(dicomprep.path, tree)
    finding = next(f for f in report["findings"] if f["check"] == "inner-outside-outer")
    # The inner contour does not follow the image, so the outer one stays.
    assert finding["file"] == name(tree, inner) and finding["others"] == [name(tree, outer)]
    assert finding["values"]["outside_percent"] > 8
    spacing = pydicom.dcmread(image(tree, number)).PixelSpacing[0]
    assert finding["values"]["distance_mm"] == pytest.approx(finding["values"]["distance_px"] * spacing)


def test_an_outer_contour_in_the_wrong_place(dicomprep, tree):
    number = both(tree)
    outer = contour(tree, number, "o")
    defects.shift(outer, 10, 5)
    assert ("inner-outside-outer", name(tree, outer)) in found(dicomprep, tree)


@covers("inner-crosses-outer")
def test_an_inner_contour_that_crosses_the_outer_one(dicomprep, tree):
    number = both(tree)
    x, y = defects.centre(expect.points(contour(tree, number, "o")))
    radius = np.sqrt(expect.area(expect.points(contour(tree, number, "o"))) / np.pi)
    defects.write(contour(tree, number), circle(x + 0.14 * radius, y, 0.9 * radius))
    defects.write(contour(tree, number, "o"), circle(x, y, radius))
    assert ("inner-crosses-outer", name(tree, contour(tree, number))) in found(dicomprep, tree)


# ---------------------------------------------------------------- copies


@covers("copied-contour")
def test_a_contour_copied_to_another_patient(dicomprep, tree):
    number = both(tree)
    right = contour(tree, number)
    wrong = next(f for f in sorted(contour(tree, 0, original="SYN-HF-I-1").parent.iterdir()))
    # Written backwards and from another point: the same path.
    points = expect.points(right)
    defects.shift(right, 0, 0)
    defects.write(wrong, (points[5:] + points[:5])[::-1])
    report = defects.audit(dicomprep.path, tree)
    copies = [f for f in report["findings"] if f["check"] == "copied-contour"]
    assert {f["file"] for f in copies} >= {name(tree, wrong)}
    assert all("point for point" in f["text"] for f in copies)


@covers("equal-image")
def test_equal_images_of_two_patients_have_equal_contours(dicomprep, tree):
    for folder, source, target in (("dicoms", PATIENT, "SYN0000901"), ("contourfiles", ORIGINAL, "SYN-HF-I-9")):
        shutil.copytree(tree / folder / source, tree / folder / target)
    with open(tree / "link.csv", "a", encoding="utf-8") as table:
        table.write("SYN0000901,SYN-HF-I-9\n")
    checks = Counter(check for check, _ in found(dicomprep, tree))
    # One for each image with a contour, and one for all others.
    assert checks["equal-image"] == 6 and "copied-contour" not in checks


# ---------------------------------------------------------------- headers


def change(file, **values):
    header = pydicom.dcmread(file)
    for keyword, value in values.items():
        setattr(header, keyword, value)
    header.save_as(file)


@covers("instance-number", "other-spacing")
@pytest.mark.filterwarnings("ignore:Invalid value for VR UI")
@pytest.mark.parametrize("check, values", [
    ("instance-number", {"InstanceNumber": 3}),
    ("other-spacing", {"PixelSpacing": [2.0, 2.0]}),
])
def test_a_header_unlike_the_others(check, values, dicomprep, tree):
    change(image(tree, 7), **values)
    assert (check, name(tree, image(tree, 7))) in found(dicomprep, tree)


@covers("other-size")
def test_an_image_of_another_size(dicomprep, tmp_path):
    study = Study(tmp_path / "data")
    for number in range(1, 6):
        side = 40 if number == 3 else 32
        study.add("P", number, noise((side, side), 0, 900, number).astype(np.int16), circle(15, 15, 6))
    assert ("other-size", "dicoms/P/3.dcm") in found(dicomprep, study.root)


@covers("missing-image")
def test_a_missing_image(dicomprep, tree):
    unlabelled = next(n for n in range(2, 10) if not contour(tree, n).is_file())
    image(tree, unlabelled).rename(image(tree, 11))
    shutil.copyfile(image(tree, 11), image(tree, 12))
    assert ("missing-image", f"dicoms/{PATIENT}") in found(dicomprep, tree)


# ---------------------------------------------------------------- the real data, spoilt


@pytest.fixture
def real(tmp_path):
    """A copy of the real data, as far as it has contours, that a test may spoil."""
    root = tmp_path / "real"
    defects.copy_labelled(sunnybrook() / "final_data", root)
    return root


def spoil(kind, root):
    """All plants of one kind, each undone before the next."""
    for planted, files, plant in defects.plants(root):
        if planted == kind:
            before = [file.read_bytes() for file in files]
            plant()
            yield files
            for file, content in zip(files, before):
                file.write_bytes(content)


def rate(dicomprep, root, kind, every):
    """Shares found as errors and at all, of every so many plants, and errors about other contours."""
    counts = Counter()
    for number, files in enumerate(spoil(kind, root)):
        if number % every:
            continue
        mine, others = defects.about(defects.audit(dicomprep.path, root), root, files)
        counts["planted"] += 1
        counts["found"] += bool(mine)
        counts["errors"] += any(finding["severity"] == "error" for finding in mine)
        counts["false"] += sum(finding["severity"] == "error" for finding in others)
    return counts


# kind: (every so many is planted, share that is found, share that is found as an error), both at least
PLANTED = {
    "shifted by 10 px": (9, 1.0, 0.8),
    "swapped between patients": (3, 1.0, 0.8),
    "copied to another patient": (3, 1.0, 1.0),
    "scaled by 1.5": (3, 1.0, 0.2),
    "mirrored": (3, 1.0, 0.25),
    "mirrored up to down": (3, 1.0, 0.7),
    "mirrored, order reversed": (3, 0.6, 0.25),
    "mirrored up to down, order reversed": (3, 0.9, 0.7),
    "shifted by 5 px": (18, 0.6, 0.0),
    "shifted by 3 px": (18, 0.15, 0.0),
    "wrong slice": (4, 0.35, 0.0),
    "wrong phase": (3, 0.5, 0.0),
}


@needs_real
@pytest.mark.parametrize("kind", PLANTED)
def test_planted_defects_are_found_and_no_other_contour_is_called_wrong(kind, dicomprep, real):
    every, share, errors = PLANTED[kind]
    counts = rate(dicomprep, real, kind, every)
    assert counts["planted"] >= 9 and counts["false"] == 0
    assert counts["found"] >= share * counts["planted"], counts
    assert counts["errors"] >= errors * counts["planted"], counts


@needs_real
def test_contours_of_two_patients_exchanged_in_the_link_table(dicomprep, real):
    rows = (real / "link.csv").read_text().splitlines()
    (first, a), (second, b) = (row.split(",") for row in rows[2:4])
    (real / "link.csv").write_text("\n".join([*rows[:2], f"{first},{b}", f"{second},{a}"]) + "\n")
    report = defects.audit(dicomprep.path, real)
    suspect = {f["file"] for f in report["findings"] if f["check"] in ("low-contrast", "fits-elsewhere")}
    contours = [file for (original, letter), files in defects.contours(real).items() for file in files.values()
                if original in (a, b) and letter == "i"]
    readable = [file for file in contours if name(real, file) not in {entry["file"] for entry in report["rejected"]}]
    assert len(suspect) > 0.8 * len(readable), (len(suspect), len(readable))


@needs_real
def test_nine_outer_contours_of_another_patient(dicomprep, real, out):
    theirs = sorted((real / "contourfiles/SC-HF-I-1/o-contours").iterdir())
    mine = sorted((real / "contourfiles/SC-HF-I-2/o-contours").iterdir())
    for source, target in zip(theirs, mine):
        shutil.copyfile(source, target)
    result, report = dicomprep.report(real, out / "x.h5", "--structures", "inner,outer", code=3)
    wrong = {name(real, file) for file in mine}
    assert {e["file"] for e in report["rejected"] if e["reason"] == "audit-error"} == wrong
    assert report["reasons"]["audit-error"] == 9 and len(wrong) == 9
    assert sum(report["bins"].values()) == report["files"]
    for file in wrong:
        assert file in result.stderr
    with h5py.File(out / "x.h5") as file:
        patients = file["samples/patient_id"].asstr()[:]
        annotated = file["samples/annotated"][:]
        findings = file["samples/findings"].asstr()[:]
        assert annotated[patients == "SCD0000201"].sum(axis=0).tolist() == [18, 0]
        assert annotated[patients == "SCD0000101"].sum(axis=0).tolist() == [18, 9]
        told = [("copied-contour" in text) for text in findings]
        assert sum(told) == 9 and set(patients[told]) == {"SCD0000201"}


# ---------------------------------------------------------------- what prep does with it


def test_errors_are_left_out_or_kept(dicomprep, tree, out):
    file = contour(tree, 7)
    defects.write(file, SHAPES["mask-area"])
    result, report = dicomprep.report(tree, out / "reject.h5", code=3)
    entry = next(entry for entry in report["rejected"] if entry["file"] == name(tree, file))
    assert entry["reason"] == "audit-error" and entry["detail"].startswith("mask-area: ")
    assert report["samples"] == 19 and report["bins"]["unlabelled"] == 21
    assert sum(report["bins"].values()) == report["files"]
    assert name(tree, file) in result.stderr

    _, kept = dicomprep.report(tree, out / "keep.h5", "--on-finding", "keep")
    assert kept["samples"] == 20 and not kept["rejected"]
    assert [f["severity"] for f in kept["findings"] if f["check"] == "mask-area"] == ["error"]
    with h5py.File(out / "keep.h5") as packed:
        row = list(packed["samples/id"].asstr()[:]).index(f"{PATIENT}/7")
        names = packed["samples/findings"].asstr()[row].split(",")
        assert {"mask-area", "self-crossing"} <= set(names) and packed["samples/annotated"][row, 0] == 1
    result = dicomprep("batches", out / "keep.h5", "--where", "findings=", "--describe")
    with_findings = sum(1 for text in h5py.File(out / "keep.h5")["samples/findings"].asstr()[:] if text)
    assert json.loads(result.stdout)["samples_per_epoch"] == 20 - with_findings

    dicomprep.prep(tree, out / "strict.h5", "--strict", code=1)
    assert not (out / "strict.h5").exists()


def test_an_image_keeps_its_other_contour(dicomprep, tree, out):
    number = both(tree)
    defects.write(contour(tree, number, "o"), SHAPES["mask-area"])
    words = ["--structures", "inner,outer", "--split", "none"]
    dicomprep.prep(tree, out / "any.h5", *words, code=3)
    with h5py.File(out / "any.h5") as packed:
        row = list(packed["samples/id"].asstr()[:]).index(f"{PATIENT}/{number}")
        assert packed["samples/annotated"][row].tolist() == [1, 0] and not packed["masks"][row, ..., 1].any()
    _, report = dicomprep.report(tree, out / "all.h5", *words, "--require", "all", code=3)
    reasons = {entry["file"]: entry["reason"] for entry in report["rejected"] + report["ignored"]}
    assert reasons[name(tree, contour(tree, number))] == "structure-missing"
    assert sum(report["bins"].values()) == report["files"]
    _, report = dicomprep.report(tree, out / "bare.h5", "--unlabelled", "include", code=0)
    assert report["samples"] == 40


def test_a_dry_run_audits_contours(dicomprep, tree, out):
    defects.write(contour(tree, 7), SHAPES["mask-area"])
    result = dicomprep("prep", tree, "--dry-run", "--report", out / "report.json")
    assert result.returncode == 3 and f"{PATIENT}/7\t" not in result.stdout
    report = json.loads((out / "report.json").read_text())
    assert report["reasons"]["audit-error"] == 1
    planned = {f["check"] for f in report["findings"]}
    assert "mask-area" in planned and "low-contrast" not in planned


def test_a_dry_run_leaves_out_contours_that_cannot_be_read(dicomprep, tree, out):
    """As the run does: the same rows, bins and rejected files."""
    contour(tree, 7).write_text("x y\n1 2\n")
    contour(tree, 8).write_text("")
    told = {}
    for name, words, code in [("plan", ["--dry-run"], 3), ("run", ["-o", out / "run.h5"], 3)]:
        result = dicomprep("prep", tree, *words, "--report", out / f"{name}.json")
        assert result.returncode == code
        told[name] = json.loads((out / f"{name}.json").read_text())
    for part in ("samples", "patients", "bins", "reasons", "rejected", "splits", "structures"):
        assert told["plan"][part] == told["run"][part], part
    assert len(told["plan"]["rejected"]) == 2


def test_thresholds_are_options(dicomprep, tree):
    file = contour(tree, 7)
    assert ("no-area", name(tree, file)) in found(dicomprep, tree, "--min-area", "100000")
    result = dicomprep("prep", tree, "--dry-run", "--min-area", "100000")
    assert result.returncode == 1 and "no-area" in result.stderr


# ---------------------------------------------------------------- the command


def test_the_command_speaks_to_people_and_programs(dicomprep, tree, out):
    result = dicomprep("audit", FIXTURES)
    assert result.returncode == 0 and "0 errors" in result.stdout
    defects.write(contour(tree, 7), SHAPES["mask-area"])
    result = dicomprep("audit", tree, "--report", out / "audit.json")
    assert result.returncode == 3 and result.stdout.startswith("error: 1 mask-area: ")
    assert json.loads((out / "audit.json").read_text())["checks"]["mask-area"] == 1
    assert dicomprep("audit", tree, "--report", out / "audit.json").returncode == 1
    assert dicomprep("audit", tree, "--report", out / "audit.json", "--force").returncode == 3
    assert dicomprep("audit", tree, "--report", tree / "link.csv").returncode == 2
    assert dicomprep("audit", out / "nothing").returncode == 1
