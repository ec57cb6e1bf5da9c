"""Data directories that are nearly right: nothing is lost in silence, and the command that is named works."""

import re
import shlex
import shutil

import h5py
import pytest

import dicom_objects
from trees import SQUARE, small_study

PATIENTS = ["SC-HF-I-1", "SC-HF-I-2"]
ROWS = 4


@pytest.fixture
def study(tmp_path):
    return small_study(tmp_path / "data", PATIENTS, ROWS // 2, 16)


def rename(folder, old, new):
    (folder / old).rename(folder / new)


def named_command(text):
    """The command that a message gives."""
    return shlex.split(re.search(r"This works: dicomprep (.*)", text)[1])


def rows(path):
    with h5py.File(path) as file:
        return len(file["images"])


@pytest.mark.parametrize("old, new", [
    ("link.csv", "links.csv"), ("link.csv", "LINK.CSV"), ("dicoms", "DICOM"), ("dicoms", "images"),
    ("contourfiles", "contours"), ("contourfiles", "Contour Files"),
])
def test_a_part_with_another_name_is_found(old, new, study, dicomprep, out):
    rename(study.root, old, new)
    result = dicomprep("prep", study.root, "-o", out / "x.h5")
    assert result.returncode == 1 and f"there is no {old}, but {new}" in result.stderr, result.stderr
    words = named_command(result.stderr)
    again = dicomprep(*words, "-o", out / "x.h5")
    assert again.returncode == 0, again.stderr
    assert rows(out / "x.h5") == ROWS


def test_all_parts_with_other_names_are_found(study, dicomprep, out):
    for old, new in (("link.csv", "table.csv"), ("dicoms", "Bilder"), ("contourfiles", "Konturen")):
        rename(study.root, old, new)
    result = dicomprep("prep", study.root, "-o", out / "x.h5")
    assert result.returncode == 1, result.stderr
    assert dicomprep(*named_command(result.stderr), "-o", out / "x.h5").returncode == 0
    assert rows(out / "x.h5") == ROWS


def test_one_more_level_of_folders_is_seen(study, dicomprep, tmp_path, out):
    (tmp_path / "outer").mkdir()
    shutil.move(study.root, tmp_path / "outer" / "final_data")
    result = dicomprep("prep", tmp_path / "outer", "-o", out / "x.h5")
    assert result.returncode == 1, result.stderr
    assert dicomprep(*named_command(result.stderr), "-o", out / "x.h5").returncode == 0
    assert rows(out / "x.h5") == ROWS


def suggested(option, text):
    """The values of an option that a message suggests."""
    return [word for value in re.findall(rf"{option} '([^']*)'", text) for word in (option, value)]


def left_out(dicomprep, study, out, *words):
    """A run in which something is left out; the same is refused under --strict."""
    result, report = dicomprep.report(study.root, out / "x.h5", *words, "--force", code=3)
    strict = dicomprep("prep", study.root, "-o", out / "strict.h5", *words, "--strict")
    assert strict.returncode == 1 and not (out / "strict.h5").exists()
    return result.stderr, report


@pytest.mark.parametrize("wrong", ["SC-HF-I-01", "sc-hf-i-1", "SC_HF_I_1"])
def test_an_id_without_folder_is_a_rejected_row(wrong, study, dicomprep, out):
    table = study.root / "link.csv"
    table.write_text(table.read_text().replace("SC-HF-I-1,", f"{wrong},"))
    text, report = left_out(dicomprep, study, out)
    assert "SC-HF-I-1 is there" in text and report["rejected_rows"][0]["line"] == 2
    assert [entry["file"] for entry in report["unmatched"]] == ["dicoms/SC-HF-I-1"]


def test_a_folder_without_row_is_unmatched(study, dicomprep, out):
    shutil.copytree(study.root / "dicoms" / "SC-HF-I-1", study.root / "dicoms" / "SC-HF-I-9")
    _, report = left_out(dicomprep, study, out)
    assert report["unmatched"] == [{
        "file": "dicoms/SC-HF-I-9", "files": 2,
        "text": "the folder has no row in link.csv; its 2 files are ignored; --allow-missing makes it a note"}]
    dicomprep.prep(study.root, out / "x.h5", "--allow-missing", "--force")


def test_exchanged_columns_are_seen(study, dicomprep, out):
    table = study.root / "link.csv"
    table.write_text(table.read_text().replace("patient_id,original_id", "original_id,patient_id"))
    result = dicomprep("prep", study.root, "-o", out / "x.h5")
    assert result.returncode == 1 and "--unlabelled" not in result.stderr
    columns = re.search(r"--columns (\S+)", result.stderr)[1]
    dicomprep.prep(study.root, out / "x.h5", "--columns", columns)
    assert rows(out / "x.h5") == ROWS


def test_columns_of_other_names(study, dicomprep, out):
    table = study.root / "link.csv"
    table.write_text(table.read_text().replace("patient_id,original_id", "Case,Drawn by"))
    result = dicomprep("prep", study.root, "-o", out / "x.h5")
    assert result.returncode == 1 and "patient_id" in result.stderr
    dicomprep.prep(study.root, out / "x.h5", "--columns", "patient=Case,original=Drawn by")
    assert rows(out / "x.h5") == ROWS


def test_images_of_another_name(study, dicomprep, out):
    for path in list((study.root / "dicoms").glob("*/*.dcm")):
        path.rename(path.with_name(f"IM-0007-{int(path.stem):04}.dcm"))
    result = dicomprep("prep", study.root, "-o", out / "x.h5")
    assert result.returncode == 1 and "--unlabelled include" not in result.stderr
    words = suggested("--image-name", result.stderr)
    dicomprep.prep(study.root, out / "x.h5", *words)
    assert words and rows(out / "x.h5") == ROWS
    assert dicomprep("verify", out / "x.h5", "--against", study.root, *words).returncode == 0


def test_images_a_folder_deeper(study, dicomprep, out):
    for folder in (study.root / "dicoms").iterdir():
        (folder / "series").mkdir()
        for path in list(folder.glob("*.dcm")):
            path.rename(folder / "series" / path.name)
    result = dicomprep("prep", study.root, "-o", out / "x.h5")
    assert result.returncode == 1, result.stderr
    words = suggested("--image-name", result.stderr)
    dicomprep.prep(study.root, out / "x.h5", *words)
    assert words and rows(out / "x.h5") == ROWS


@pytest.mark.parametrize("folder, name", [
    ("inner", "IM-0001-{:04}-icontour-manual.txt"), ("LV endo", "slice{:03}.txt"), ("", "{}_icontour.txt"),
])
def test_contours_in_folders_of_another_name(folder, name, study, dicomprep, out):
    for path in list((study.root / "contourfiles").glob("*/i-contours/*.txt")):
        target = path.parents[1] / folder / name.format(int(path.name.split("-")[2]))
        target.parent.mkdir(exist_ok=True)
        path.rename(target)
    result = dicomprep("prep", study.root, "-o", out / "x.h5")
    assert result.returncode == 1 and "--unlabelled" not in result.stderr, result.stderr
    report = dicomprep("prep", study.root, "-o", out / "x.h5", "--unlabelled", "include")
    assert report.returncode == 3 and "unmatched: " in report.stderr
    words = suggested("--contour-name", result.stderr + report.stderr)[:2]
    dicomprep.prep(study.root, out / "y.h5", *words)
    assert words and rows(out / "y.h5") == ROWS
    with h5py.File(out / "y.h5") as file:
        assert (file["samples/annotated"][:] == 1).all()


def test_a_number_that_no_column_holds_is_rejected(study, dicomprep, out):
    path = study.image_path("SC-HF-I-1", 1)
    path.rename(path.with_name("2147483648.dcm"))
    _, report = dicomprep.report(study.root, out / "x.h5", code=3)
    assert {entry["reason"] for entry in report["rejected"]} == {"number-too-large", "contour-without-image"}


def test_a_trace_is_no_failure(study, dicomprep, out):
    (study.root / "dicoms" / "SC-HF-I-1" / "1 copy.dcm").write_text("x")
    (study.root / "notes.txt").write_text("x")
    _, report = dicomprep.report(study.root, out / "x.h5")
    assert report["unmatched"] == []


def test_other_structures_are_named_rather_than_empty_masks_advised(study, dicomprep, out):
    for path in list((study.root / "contourfiles").glob("*/i-contours/*.txt")):
        target = path.parents[1] / "o-contours" / path.name.replace("icontour", "ocontour")
        target.parent.mkdir(exist_ok=True)
        path.rename(target)
    result = dicomprep("prep", study.root, "-o", out / "x.h5")
    assert result.returncode == 1 and "--structures inner,outer" in result.stderr + result.stdout
    assert "--unlabelled" not in result.stderr


@pytest.fixture
def images_alone(tmp_path):
    for number in (1, 2):
        dicom_objects.save(dicom_objects.image("P1", number, 3 * number), tmp_path / "scans" / f"{number}.dcm")
    return tmp_path / "scans"


def test_images_alone_become_a_file_where_they_are_asked_for(images_alone, dicomprep, out):
    refused = dicomprep("prep", images_alone, "-o", out / "x.h5")
    assert refused.returncode == 1 and "--unlabelled include makes a file of the images alone" in refused.stderr
    dicomprep.prep(images_alone, out / "x.h5", "--unlabelled", "include")
    with h5py.File(out / "x.h5") as file:
        assert file["images"].shape[0] == 2 and not file["masks"][:].any() and not file["samples/annotated"][:].any()
    assert dicomprep("verify", out / "x.h5", "--against", images_alone).returncode == 0


def test_label_volumes_beside_images_are_not_taken_for_nothing(images_alone, dicomprep, out):
    (images_alone / "labels.nii.gz").write_bytes(b"x")
    result = dicomprep("prep", images_alone, "-o", out / "x.h5", "--unlabelled", "include")
    assert result.returncode == 3 and "--table CSV" in result.stderr


def test_unusable_annotations_never_become_empty_masks(images_alone, dicomprep, out):
    absent = dicom_objects.image("P1", 9, 99)
    contours = [(absent, dicom_objects.square(5, 9))]
    dicom_objects.save(dicom_objects.structures("P1", [(1, "spot", contours)]), images_alone / "rt.dcm")
    result = dicomprep("prep", images_alone, "-o", out / "x.h5", "--unlabelled", "include")
    assert result.returncode == 1 and "none of the images that it is about is in the input" in result.stderr
    assert "--unlabelled" not in result.stderr


def test_structure_sets_among_numbered_images_are_told(study, dicomprep, out):
    one = dicom_objects.image("P1", 1, 0)
    for patient in PATIENTS:
        target = study.root / "dicoms" / patient / "RS.1.2.dcm"
        dicom_objects.save(dicom_objects.structures("P1", [(1, "spot", [(one, SQUARE)])]), target)
    text, _ = left_out(dicomprep, study, out)
    assert "--layout dicom reads" in text and "RT Structure Set" in text


def test_patterns_are_for_layouts_with_names(images_alone, dicomprep, out):
    result = dicomprep("prep", images_alone, "-o", out / "x.h5", "--layout", "dicom", "--image-name", "{n}.dcm")
    assert result.returncode == 1 and "the layout dicom has no names" in result.stderr
    result = dicomprep("prep", images_alone, "-o", out / "x.h5", "--image-name", "*.dcm")
    assert result.returncode == 2 and "{n}" in result.stderr


def test_the_pattern_for_contours_of_one_patient_keeps_those_of_others(study, dicomprep, out):
    """Their folder tells which structure they are."""
    for path in list((study.root / "contourfiles").glob(f"*{PATIENTS[1]}/i-contours/*.txt")):
        path.rename(path.with_name(f"slice{path.name.split('-')[2]}.txt"))
    result = dicomprep.prep(study.root, out / "x.h5", "--on-finding", "keep", code=3)
    pattern = re.search(r"--contour-name '([^']*)'", result.stderr)[1]
    assert pattern == "inner=i-contours/slice{n}.txt"
    dicomprep.prep(study.root, out / "y.h5", "--on-finding", "keep", "--contour-name", pattern)
    assert rows(out / "y.h5") == ROWS


@pytest.mark.parametrize("name, said", [
    ("link.xlsx", "link.xlsx, an Excel workbook: save it as CSV in UTF-8, and name that with --link"),
    ("Patients.ods", "Patients.ods, an OpenDocument spreadsheet: save it as CSV in UTF-8, and name that with --link"),
])
def test_a_workbook_in_place_of_the_link_table_is_named(name, said, study, dicomprep, out):
    (study.root / "link.csv").unlink()
    (study.root / name).write_bytes(b"PK\x03\x04")
    result = dicomprep.prep(study.root, out / "a.h5", code=1)
    assert f"link.csv: there is no such file, but {said}" in result.stderr


def test_a_table_that_is_named_wrongly(images_alone, dicomprep, out):
    (images_alone / "masks.xlsx").write_bytes(b"PK\x03\x04")
    result = dicomprep.prep(images_alone, out / "a.h5", "--table", images_alone / "masks.csv", code=1)
    assert "there is no such file, but masks.xlsx, an Excel workbook" in result.stderr


@pytest.mark.parametrize("name, said", [
    ("train-rle.csv", "--table reads masks and contours that a table like train-rle.csv names"),
    ("masks.xlsx", "masks.xlsx is an Excel workbook: --table reads masks and contours that a table names, saved as CSV"),
])
def test_a_table_among_images_alone_is_named(name, said, images_alone, dicomprep, out):
    (images_alone / name).write_text("image,code\n")
    result = dicomprep.prep(images_alone, out / "a.h5", "--layout", "dicom", code=1)
    assert said in result.stderr


def test_cells_of_challenges(images_alone, dicomprep, out):
    first = min(file.relative_to(images_alone) for file in images_alone.rglob("*.dcm"))
    table = images_alone / "t.csv"
    table.write_text(f"image,mask.a\n{first},1 3 10 5\n{first.stem},m.png\n")
    result = dicomprep.prep(images_alone, out / "a.h5", "--table", table, code=1)
    assert "t.csv:2, column mask.a: 1 3 10 5 is no file but a run-length code, which is not read" in result.stderr
    assert f"there is no file or folder {first.stem}; {first} is called so: write its whole path" in result.stderr
