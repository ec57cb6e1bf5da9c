"""Folders as people have them: what is left out is named, and everything else is packed unchanged."""

import shutil

import h5py
import numpy as np
import pytest

from conftest import FIXTURES
from trees import entries

# No split: the checks compare rows, and a patient more or less may move another one's split.
WORDS = ["--split", "none"]
PATIENT, ORIGINAL = "SYN0000201", "SYN-HF-I-2"
NUMBER = 7
IMAGE = f"dicoms/{PATIENT}/{NUMBER}.dcm"
CONTOUR = f"contourfiles/{ORIGINAL}/i-contours/IM-0001-{NUMBER:04}-icontour-manual.txt"
ROW = f"{PATIENT}/{NUMBER}"


@pytest.fixture(scope="module")
def clean(dicomprep, tmp_path_factory):
    """The file that the untouched fixtures give."""
    path = tmp_path_factory.mktemp("clean") / "x.h5"
    dicomprep.prep(FIXTURES, path, *WORDS)
    return path


def rows(path):
    """Every row of a packed file: {id: {dataset: value}}. A finding may be about two rows; findings are not among them."""
    with h5py.File(path) as file:
        names = file["samples/id"].asstr()[:]
        data = {"images": file["images"][:], "masks": file["masks"][:]}
        data.update({name: column[:] for name, column in file["samples"].items() if name != "findings"})
    return {name: {key: value[row] for key, value in data.items()} for row, name in enumerate(names)}


def check(dicomprep, tree, out, clean, *, code, missing=(), same_bytes=False):
    """Packs `tree`: the rows `missing` are gone, all others are as in `clean`, and the bins add up."""
    result, report = dicomprep.report(tree, out / "x.h5", *WORDS, code=code)
    expected = rows(clean)
    assert set(missing) <= set(expected)
    found = rows(out / "x.h5")
    assert set(found) == set(expected) - set(missing)
    for name, row in found.items():
        for key, value in row.items():
            np.testing.assert_array_equal(value, expected[name][key], err_msg=f"{name}: {key}")
    if same_bytes:
        assert (out / "x.h5").read_bytes() == clean.read_bytes()
    assert sum(report["bins"].values()) == report["files"] == entries(tree)
    assert report["bins"]["rejected"] == len(report["rejected"])
    assert report["bins"]["ignored"] == len(report["ignored"])
    assert report["samples"] == len(found)
    assert (code == 3) == bool(report["rejected"] or report["rejected_rows"] or report["unmatched"])
    return result, report


def reasons(report, place):
    """{file: reason} of the list `place` of a report."""
    return {entry["file"]: entry["reason"] for entry in report[place]}


def entry(report, file):
    """The entry of a rejected file."""
    found = [entry for entry in report["rejected"] if entry["file"] == file]
    assert len(found) == 1, f"{file} is rejected {len(found)} times"
    return found[0]


def test_the_clean_tree(dicomprep, tree, out, clean):
    _, report = check(dicomprep, tree, out, clean, code=0, same_bytes=True)
    # 20 images, 20 inner contours and link.csv; 12 outer contours were not asked for.
    assert report["bins"] == {"used": 41, "unlabelled": 20, "rejected": 0, "ignored": 12}
    assert set(reasons(report, "ignored").values()) == {"structure-not-asked-for"}
    assert report["patients"] == 4 and report["seconds"]


# ---------------------------------------------------------------- link.csv

LINKS = {
    "byte order mark": lambda lines: "\ufeff" + "\n".join(lines) + "\n",
    "Windows line ends": lambda lines: "\r\n".join(lines) + "\r\n",
    "quoted": lambda lines: "\n".join(",".join(f'"{cell}"' for cell in line.split(",")) for line in lines) + "\n",
    "other columns": lambda lines: "\n".join(",".join(line.split(",")[::-1]) for line in lines) + "\n",
    "one column more": lambda lines: "\n".join(f"note {row},{line}" for row, line in enumerate(lines)) + "\n",
    "no last line end": lambda lines: "\n".join(lines),
    "blank lines": lambda lines: "\n\n".join(lines) + "\n\n",
}


@pytest.mark.parametrize("form", LINKS)
def test_link_tables_of_any_form_give_the_same_bytes(form, dicomprep, tree, out, clean):
    lines = (tree / "link.csv").read_text().splitlines()
    (tree / "link.csv").write_bytes(LINKS[form](lines).encode())
    check(dicomprep, tree, out, clean, code=0, same_bytes=True)


def test_a_link_row_without_a_folder_is_rejected(dicomprep, tree, out, clean):
    with open(tree / "link.csv", "a") as table:
        table.write("SYN0009901,SYN-HF-I-99\n")
    _, report = check(dicomprep, tree, out, clean, code=3)
    assert [row["line"] for row in report["rejected_rows"]] == [6, 6]
    assert "SYN0009901" in report["rejected_rows"][0]["detail"]
    assert "--allow-missing" in report["rejected_rows"][0]["detail"]
    _, report = dicomprep.report(tree, out / "allowed.h5", "--allow-missing")
    assert any("SYN0009901" in note["text"] + str(note["places"]) for note in report["notes"])


def test_a_folder_without_a_link_row_is_ignored(dicomprep, tree, out, clean):
    shutil.copytree(tree / "dicoms" / PATIENT, tree / "dicoms" / "SYN0009901")
    _, report = check(dicomprep, tree, out, clean, code=3, same_bytes=True)
    assert reasons(report, "ignored")["dicoms/SYN0009901/1.dcm"] == "folder-without-link-row"


@pytest.mark.parametrize("name", ["../../etc", "/etc", "..", "SYN/0000201"])
def test_an_id_that_leaves_the_tree_is_rejected(name, dicomprep, tree, out, clean):
    with open(tree / "link.csv", "a") as table:
        table.write(f"{name},SYN-HF-I-99\n")
    result, report = check(dicomprep, tree, out, clean, code=3)
    assert "link.csv:6" in result.stderr
    assert len(report["rejected_rows"]) == 1
    row = report["rejected_rows"][0]
    assert row["file"] == "link.csv" and row["line"] == 6 and row["column"] == "patient_id"


# ---------------------------------------------------------------- what systems and editors leave behind


def test_leftovers_are_ignored(dicomprep, tree, out, clean):
    contours = f"contourfiles/{ORIGINAL}/i-contours"
    leftovers = {
        ".DS_Store": "hidden-file",
        f"dicoms/{PATIENT}/.DS_Store": "hidden-file",
        f"dicoms/{PATIENT}/._{NUMBER}.dcm": "hidden-file",
        f"dicoms/{PATIENT}/Thumbs.db": "system-file",
        f"{contours}/._IM-0001-{NUMBER:04}-icontour-manual.txt": "hidden-file",
        f"{contours}/.IM-0001-0048-icontour-manual.txt.swp": "hidden-file",
        f"{contours}/IM-0001-0048-icontour-manual.txt~": "name-does-not-fit",
        f"dicoms/{PATIENT}/notes.txt": "name-does-not-fit",
        "README.txt": "outside-layout",
    }
    for file in leftovers:
        (tree / file).write_bytes(b"\x00\x01 nothing of ours")
    _, report = check(dicomprep, tree, out, clean, code=0, same_bytes=True)
    found = reasons(report, "ignored")
    assert {file: found.get(file) for file in leftovers} == leftovers


def test_a_link_that_loops_is_not_followed(dicomprep, tree, out, clean):
    (tree / "dicoms" / PATIENT / "loop").symlink_to("..", target_is_directory=True)
    _, report = check(dicomprep, tree, out, clean, code=0, same_bytes=True)
    assert reasons(report, "ignored")[f"dicoms/{PATIENT}/loop"] == "symbolic-link-not-followed"


def test_a_link_out_of_the_tree_is_rejected(dicomprep, tree, out, clean, tmp_path):
    outside = tmp_path / "outside.dcm"
    shutil.copyfile(tree / IMAGE, outside)
    (tree / IMAGE).unlink()
    (tree / IMAGE).symlink_to(outside)
    _, report = check(dicomprep, tree, out, clean, code=3, missing=[ROW])
    assert entry(report, IMAGE)["reason"] == "symbolic-link-leads-out"


def test_a_link_to_nowhere_is_rejected(dicomprep, tree, out, clean):
    (tree / IMAGE).unlink()
    (tree / IMAGE).symlink_to("gone.dcm")
    _, report = check(dicomprep, tree, out, clean, code=3, missing=[ROW])
    assert entry(report, IMAGE)["reason"] == "symbolic-link-leads-out"


# ---------------------------------------------------------------- contours


def test_a_contour_without_an_image_is_rejected(dicomprep, tree, out, clean):
    (tree / IMAGE).unlink()
    result, report = check(dicomprep, tree, out, clean, code=3, missing=[ROW])
    assert entry(report, CONTOUR)["reason"] == "contour-without-image"
    assert CONTOUR in result.stderr


# name: (text, line that the message names, or None)
BAD_CONTOURS = {
    "words": ("10.00 10.00\n20.00 10.00\nnonsense\n20.00 20.00\n", 3),
    "one number": ("10.00 10.00\n20.00\n20.00 20.00\n10.00 20.00\n", 2),
    "decimal comma": ("10,00 10,00\n20,00 10,00\n20,00 20,00\n", 1),
    "not a number": ("10.00 10.00\n20.00 10.00\n20.00 20.00\nnan 20.00\n", 4),
    "infinite": ("10.00 10.00\ninf 10.00\n20.00 20.00\n", 2),
    "absurd": ("10.00 10.00\n1e300 10.00\n20.00 20.00\n", 2),
    "empty": ("", None),
    "blank": ("\n \n\n", None),
    "one point": ("10.00 10.00\n", None),
    "two points": ("10.00 10.00\n20.00 20.00\n10.00 10.00\n", None),
    "binary": ("\x00\x01\x02\x03", None),
}


@pytest.mark.parametrize("kind", BAD_CONTOURS)
def test_a_contour_that_is_no_polygon_is_rejected(kind, dicomprep, tree, out, clean):
    text, line = BAD_CONTOURS[kind]
    (tree / CONTOUR).write_text(text)
    result, report = check(dicomprep, tree, out, clean, code=3, missing=[ROW])
    found = entry(report, CONTOUR)
    assert found["reason"] == "contour-unreadable" and found["detail"]
    assert CONTOUR in result.stderr
    if line is not None:
        assert found["line"] == line and f"{CONTOUR}:{line}" in result.stderr
    # Its image is as good as before.
    assert report["bins"]["unlabelled"] == 21


def test_a_contour_outside_the_image_is_rejected(dicomprep, tree, out, clean):
    (tree / CONTOUR).write_text("100.00 100.00\n120.00 100.00\n110.00 120.00\n")
    _, report = check(dicomprep, tree, out, clean, code=3, missing=[ROW])
    assert entry(report, CONTOUR)["reason"] == "contour-outside-image"


@pytest.mark.parametrize("form", ["Windows line ends", "tabs", "no last line end", "blank last lines"])
def test_contour_text_of_other_forms_gives_the_same_mask(form, dicomprep, tree, out, clean):
    text = (tree / CONTOUR).read_text()
    other = {
        "Windows line ends": text.replace("\n", "\r\n"),
        "tabs": text.replace(" ", "\t"),
        "no last line end": text.rstrip("\n"),
        "blank last lines": text + "\n \n",
    }[form]
    (tree / CONTOUR).write_bytes(other.encode())
    dicomprep.prep(tree, out / "x.h5", *WORDS)
    found, expected = rows(out / "x.h5")[ROW], rows(clean)[ROW]
    assert (found.pop("annotation_sha256") != expected.pop("annotation_sha256")).any()
    for key, value in found.items():
        np.testing.assert_array_equal(value, expected[key], err_msg=key)


# ---------------------------------------------------------------- images


def test_two_images_for_one_number_are_both_rejected(dicomprep, tree, out, clean):
    twin = f"dicoms/{PATIENT}/00{NUMBER}.dcm"
    shutil.copyfile(tree / IMAGE, tree / twin)
    result, report = check(dicomprep, tree, out, clean, code=3, missing=[ROW])
    for file in (IMAGE, twin):
        assert entry(report, file)["reason"] == "ambiguous"
    assert entry(report, CONTOUR)
    assert twin in result.stderr


def cut(data):
    return data[:-1000]


def garbage(data):
    return b"\x89PNG\r\n\x1a\n" + data[8:100]


def headless(data):
    return data[:64]


@pytest.mark.parametrize("spoil", [cut, garbage, headless, lambda data: b""], ids=["cut", "garbage", "headless", "empty"])
def test_an_image_that_cannot_be_read_is_rejected_with_its_contour(spoil, dicomprep, tree, out, clean):
    (tree / IMAGE).write_bytes(spoil((tree / IMAGE).read_bytes()))
    result, report = check(dicomprep, tree, out, clean, code=3, missing=[ROW])
    assert entry(report, IMAGE)["reason"] == "image-unreadable"
    assert entry(report, CONTOUR)["reason"] == "image-rejected"
    assert IMAGE in result.stderr


def test_a_spoilt_image_that_is_not_labelled_is_noticed_when_it_is_wanted(dicomprep, tree, out):
    image = f"dicoms/{PATIENT}/1.dcm"
    (tree / image).write_bytes(cut((tree / image).read_bytes()))
    _, report = dicomprep.report(tree, out / "x.h5", *WORDS, "--unlabelled", "include", code=3)
    assert entry(report, image)["reason"] == "image-unreadable"
    assert report["samples"] == 39


def test_several_faults_in_one_tree(dicomprep, tree, out, clean):
    (tree / CONTOUR).write_text("")
    other = "dicoms/SYN0000301/10.dcm"
    (tree / other).write_bytes(cut((tree / other).read_bytes()))
    (tree / "dicoms" / ".DS_Store").write_text("")
    _, report = check(dicomprep, tree, out, clean, code=3, missing=[ROW, "SYN0000301/10"])
    assert report["bins"]["rejected"] == 3
