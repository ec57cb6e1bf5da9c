"""Layouts: the same images and contours in other folders, and described by a table, give the same masks."""

import csv
import json
import re
import shutil

import h5py
import numpy as np
import pytest

from conftest import FIXTURES

CONTOUR = re.compile(r"IM-\d+-(\d+)-([io])contour-manual\.txt")


def studies():
    """For each row of the fixtures' link table: patient, original, the numbers of images, and contours by letter and number."""
    with open(FIXTURES / "link.csv", encoding="utf-8") as table:
        for row in csv.DictReader(table):
            images = {int(path.stem): path for path in (FIXTURES / "dicoms" / row["patient_id"]).glob("[0-9]*.dcm")}
            folder = FIXTURES / "contourfiles" / row["original_id"]
            contours = {}
            for path in folder.glob("?-contours/IM-*.txt"):
                if found := CONTOUR.fullmatch(path.name):
                    contours[found[2], int(found[1])] = path
            yield row["patient_id"], row["original_id"], images, contours


def copy(source, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, target)


def scd2009(root):
    for place, (_, _, images, contours) in enumerate(studies()):
        for number, path in images.items():
            copy(path, root / f"images/training/SC-HF-I-{place + 1}/IM-{100 + place:04}-{number:04}.dcm")
        for (letter, number), path in contours.items():
            case = root / f"Contours Part3/SC-HF-I-{place + 1:02}/contours-manual/IRCCI-expert"
            copy(path, case / f"IM-0001-{number:04}-{letter}contour-manual.txt")


def rvsc2012(root):
    for place, (_, _, images, contours) in enumerate(studies()):
        name = f"P{place + 1:02}"
        patient = root / f"TrainingSet/patient{place + 1:02}"
        for number, path in images.items():
            copy(path, patient / f"{name}dicom/{name}-{number:04}.dcm")
        for (letter, number), path in contours.items():
            copy(path, patient / f"{name}contours-manual/{name}-{number:04}-{letter}contour-manual.txt")


def table(root):
    root.mkdir()
    with open(root / "images.csv", "w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["image", "Patient ID", "contour.inner", "contour.outer"])
        for patient, original, images, contours in studies():
            for number, path in sorted(images.items()):
                copy(path, root / f"pictures/{patient}/x{number}.dcm")
                cells = []
                for letter in "io":
                    source = contours.get((letter, number))
                    cells.append(f"drawn/{original}-{letter}{number}.txt" if source else "")
                    if source:
                        copy(source, root / cells[-1])
                rows.writerow([f"pictures/{patient}/x{number}.dcm", patient, *cells])


LAYOUTS = {
    "scd2009": (scd2009, ()),
    "rvsc2012": (rvsc2012, ()),
    "table": (table, ("--table", "images.csv")),
}


@pytest.fixture(params=LAYOUTS)
def arranged(request, tmp_path):
    """A folder in another layout, and the options that it needs."""
    arrange, options = LAYOUTS[request.param]
    root = tmp_path / "data"
    arrange(root)
    return root, [root / word if word.endswith(".csv") else word for word in options]


def masks(path):
    """The masks by the digests of image and annotations."""
    with h5py.File(path) as file:
        images, annotations = file["samples/source_sha256"][:], file["samples/annotation_sha256"][:]
        return {(image.tobytes(), drawn.tobytes()): mask
                for image, drawn, mask in zip(images, annotations, file["masks"][:])}


def test_a_layout_gives_the_masks_of_linked_folders(dicomprep, arranged, tmp_path):
    root, options = arranged
    common = ("--structures", "inner,outer", "--unlabelled", "include", "--on-finding", "keep")
    dicomprep.prep(FIXTURES, tmp_path / "link.h5", *common)
    _, report = dicomprep.report(root, tmp_path / "x.h5", *options, *common)
    expected, found = masks(tmp_path / "link.h5"), masks(tmp_path / "x.h5")
    assert found.keys() == expected.keys() and len(found) > 10
    assert all(np.array_equal(found[key], expected[key]) for key in found)
    bins = report["bins"]
    assert report["files"] == bins["used"] + bins["unlabelled"] + bins["rejected"] + bins["ignored"]


def test_every_command_knows_the_layout(dicomprep, arranged, tmp_path):
    root, options = arranged
    output = tmp_path / "x.h5"
    dicomprep.prep(root, output, *options)
    result = dicomprep("verify", output, "--against", root, *options)
    assert result.returncode == 0, result.stderr
    _, report = dicomprep.report(root, tmp_path / "again.h5", *options, "--reuse", output)
    assert report["rows"]["reused"] == report["samples"] and report["rows"]["made"] == 0
    assert (tmp_path / "again.h5").read_bytes() == output.read_bytes()
    audit = json.loads(dicomprep("audit", root, *options, "--json").stdout)
    assert audit["images"] >= report["samples"]
    for index in (0, 1):
        dicomprep.prep(root, tmp_path / f"{index}.h5", *options, "--shard", f"{index}/2")
    merged = dicomprep("merge", tmp_path / "0.h5", tmp_path / "1.h5", "-o", tmp_path / "merged.h5")
    assert merged.returncode == 0, merged.stderr
    assert (tmp_path / "merged.h5").read_bytes() == output.read_bytes()


def test_planes_have_names_of_their_own(dicomprep, tmp_path):
    output = tmp_path / "x.h5"
    dicomprep.prep(FIXTURES, output, "--structures", "blood pool=inner,heart=inner+re:out.*")
    with h5py.File(output) as file:
        assert [str(name) for name in file.attrs["structures"]] == ["blood pool", "heart"]
        assert json.loads(file.attrs["config"])["structure_patterns"] == "blood pool=inner,heart=inner+re:out.*"
        blood, heart = np.moveaxis(file["masks"][:], -1, 0)
    assert (heart >= blood).all() and heart.sum() > blood.sum() > 0
    result = dicomprep("verify", output, "--against", FIXTURES)
    assert result.returncode == 0, result.stderr


def test_a_structure_that_is_not_there_is_named(dicomprep, tmp_path):
    result = dicomprep("prep", FIXTURES, "-o", tmp_path / "x.h5", "--structures", "left atrium")
    assert result.returncode == 2 and "left atrium; there are inner, outer" in result.stderr


def test_rows_of_one_patient_stay_together(dicomprep, tmp_path):
    root = tmp_path / "data"
    shutil.copytree(FIXTURES, root)
    originals = sorted(path.name for path in (root / "contourfiles").iterdir() if path.is_dir())[:2]
    patient = next(studies())[0]
    # The contours of the second one get the numbers that the first leaves free.
    first, second = (root / "contourfiles" / original / "i-contours" for original in originals)
    kept = sorted(first.glob("IM-*.txt"))
    shutil.rmtree(second.parent)
    second.mkdir(parents=True)
    for path in kept[len(kept) // 2:]:
        path.rename(second / path.name)
    (root / "link.csv").write_text(
        f"patient_id,original_id\n{patient},{originals[0]}\n{patient},{originals[1]}\n", encoding="utf-8")
    _, report = dicomprep.report(root, tmp_path / "x.h5", code=3)
    assert report["link_rows"] == {"used": 2, "rejected": 0} and report["patients"] == 1
    with h5py.File(tmp_path / "x.h5") as file:
        assert set(file["samples/original_id"].asstr()[:]) == set(originals)


def test_a_folder_of_no_layout_says_what_layouts_need(dicomprep, tmp_path):
    root = tmp_path / "data"
    root.mkdir()
    (root / "notes.txt").write_text("nothing", encoding="utf-8")
    result = dicomprep("prep", root, "-o", tmp_path / "x.h5")
    assert result.returncode == 1
    assert "no layout is recognized" in result.stderr and "scd2009 needs" in result.stderr
    result = dicomprep("prep", root, "-o", tmp_path / "x.h5", "--layout", "nifti")
    assert result.returncode == 2 and "nifti" in result.stderr
