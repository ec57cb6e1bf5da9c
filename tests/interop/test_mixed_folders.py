"""Folders as clinics have them: annotations of other kinds beside DICOM images, copies, failed transfers, archives."""

import csv
import json
import shutil

import h5py
import numpy as np
import pytest
import tifffile
from PIL import Image

from dicom_objects import image, save, square, structures
from test_near_misses import named_command
from trees import SQUARE


@pytest.fixture
def images(tmp_path):
    """Three images without annotations."""
    for number in (1, 2, 3):
        save(image("P1", number, number), tmp_path / "data" / f"{number}.dcm")
    return tmp_path / "data"


def drawn(data):
    """Adds an RT Structure Set."""
    rois = [(1, "lv", [(image("P1", number, number), square(5, 20)) for number in (1, 2, 3)])]
    save(structures("P1", rois), data / "rt.dcm")
    return data


@pytest.mark.parametrize("name, said", [
    ("seg.nii.gz", "mask.<name>"), ("P1/label.nrrd", "mask.<name>"), ("masks/1.png", "mask.<name>"),
    ("drawings/1.tif", "mask.<name>"), ("contours/1.txt", "contour.<name>"), ("seg.mha", "MetaImage"),
])
def test_annotations_of_other_kinds_are_named(name, said, dicomprep, images, out):
    (images / name).parent.mkdir(exist_ok=True)
    (images / name).write_bytes(b"x")
    result = dicomprep("prep", images, "-o", out / "x.h5", "--layout", "dicom")
    assert result.returncode == 1 and name in result.stderr and said in result.stderr, result.stderr
    assert "--unlabelled" not in result.stderr
    listed = dicomprep("structures", images, "--layout", "dicom")
    # A picture is a mask for sure only where its path says so.
    is_sure = not name.startswith("drawings")
    assert listed.returncode == (3 if is_sure else 0) and (name in listed.stderr) == is_sure, listed.stderr


def test_images_alone_are_offered_where_there_is_nothing_else(dicomprep, images, out):
    result = dicomprep("prep", images, "-o", out / "x.h5", "--layout", "dicom")
    assert result.returncode == 1 and "--unlabelled include" in result.stderr


@pytest.mark.parametrize("content", [b"", b"\x17" * 700], ids=["empty", "rubbish"])
def test_a_failed_transfer_is_rejected(content, dicomprep, images, out):
    (drawn(images) / "4.dcm").write_bytes(content)
    (images / "notes.txt").write_bytes(content)
    _, report = dicomprep.report(images, out / "x.h5", "--layout", "dicom", code=3)
    assert [(file["file"], file["reason"]) for file in report["rejected"]] == [("4.dcm", "image-unreadable")]


def test_an_object_that_was_exported_twice_counts_once(dicomprep, images, out):
    shutil.copy(drawn(images) / "rt.dcm", images / "rt copy.dcm")
    _, report = dicomprep.report(images, out / "x.h5", "--layout", "dicom", "--on-finding", "keep")
    assert report["samples"] == 3
    assert any("byte for byte" in note["text"] for note in report["notes"])


def test_all_files_of_a_dispute_are_named(dicomprep, images, out):
    drawn(images)
    for number, high in ((2, 21), (3, 22)):
        other = structures("P1", [(1, "lv", [(image("P1", 1, 1), square(5, high))])])
        other.SOPInstanceUID = other.file_meta.MediaStorageSOPInstanceUID = f"2.25.77{number}"
        save(other, images / f"rt{number}.dcm")
    options = ["--layout", "dicom", "--on-finding", "keep"]
    result, report = dicomprep.report(images, out / "x.h5", *options, code=3)
    assert report["samples"] == 2
    assert "it and rt2.dcm, rt3.dcm all have lv on 1 image, 1.dcm among them" in result.stderr, result.stderr
    rejected = {file["file"]: file["reason"] for file in report["rejected"]}
    assert rejected == {"rt2.dcm": "ambiguous", "rt3.dcm": "ambiguous"}


def test_points_alone_are_no_absent_images(dicomprep, images, out):
    marker = structures("P1", [(1, "marker", [(image("P1", 1, 1), [(5, 5)])])])
    marker.ROIContourSequence[0].ContourSequence[0].ContourGeometricType = "POINT"
    save(marker, images / "rt.dcm")
    result = dicomprep("prep", images, "-o", out / "x.h5", "--layout", "dicom")
    assert result.returncode == 1 and "no closed contour" in result.stderr, result.stderr
    assert "is in the input" not in result.stderr


def write_table(data, *rows):
    with open(data / "t.csv", "w", newline="") as file:
        csv.writer(file).writerows(rows)
    return ["--table", data / "t.csv", "--on-finding", "keep"]


def white_is_zero(data, name, mask):
    """The mask of a TIFF that says WhiteIsZero, and the notes on it."""
    tifffile.imwrite(data / name, mask, photometric="miniswhite")
    return write_table(data, ["image", "mask.m"], ["1.dcm", name])


def test_what_white_is_zero_means_is_said(dicomprep, images, out):
    """tifffile stores true as 1 under that tag; a deeper image has the tag where somebody has asked for it."""
    wanted = np.zeros((50, 50), bool)
    wanted[5:20, 9:31] = True
    for name, stored, said in [
        ("bool.tif", wanted, "taken as they are"),
        ("deep.tif", np.where(wanted, 0, 255).astype(np.uint8), "stored zeros are white"),
    ]:
        _, report = dicomprep.report(images, out / "x.h5", *white_is_zero(images, name, stored), "--force")
        with h5py.File(out / "x.h5") as file:
            np.testing.assert_array_equal(file["masks"][0, ..., 0], wanted, name)
        assert [note["places"] for note in report["notes"] if said in note["text"]] == [[name]], report["notes"]


def test_a_note_on_an_image_of_several_structures_stands_once(dicomprep, images, out):
    stored = np.zeros((50, 50), np.uint8)
    stored[:20], stored[20:40] = 255, 254
    tifffile.imwrite(images / "m.tif", stored, photometric="miniswhite")
    options = write_table(images, ["image", "mask.a", "mask.b"], ["1.dcm", "m.tif#255", "m.tif#254"])
    _, report = dicomprep.report(images, out / "x.h5", *options)
    assert [note["places"] for note in report["notes"] if "white" in note["text"]] == [["m.tif"]], report["notes"]


@pytest.mark.parametrize("name, content, said", [
    ("m.jpg", b"\xff\xd8\xff\xe0", "JPEG"), ("m.bmp", b"BM\0\0", "picture"), ("m.npy", b"\x93NUMPY\1\0", "NumPy"),
    ("m.mha", b"ObjectType = Image\n", "MetaImage"), ("m.json", b'{"shapes": []}', "JSON"), ("m.png", b"", "empty"),
])
def test_files_that_are_no_masks_are_named(name, content, said, dicomprep, images, out):
    (images / name).write_bytes(content)
    options = write_table(images, ["image", "mask.m"], ["1.dcm", name])
    result = dicomprep("prep", images, "-o", out / "x.h5", *options)
    assert result.returncode == 1 and f"t.csv:2, column mask.m: {name}: " in result.stderr, result.stderr
    assert said in result.stderr and "contour.<name>" not in result.stderr, result.stderr


@pytest.mark.parametrize("path, said", [
    ("C:\\scans\\1.dcm", "is not below the data directory"), ("/elsewhere/1.dcm", "is not below the data directory"),
    ("../1.dcm", "leads out of the data directory"), ("none.dcm", "there is no file or folder none.dcm"),
])
def test_paths_that_lead_elsewhere_are_said_to(path, said, dicomprep, images, out):
    Image.new("L", (50, 50), 255).save(images / "m.png")
    result = dicomprep("prep", images, "-o", out / "x.h5", *write_table(images, ["image", "mask.m"], [path, "m.png"]))
    assert result.returncode == 1 and f"t.csv:2, column image: {path if 'no file' not in said else ''}" in result.stderr
    assert said in result.stderr, result.stderr


def test_odd_names_and_paths_are_read(dicomprep, images, out):
    (images / "masks").mkdir()
    Image.new("L", (50, 50), 255).save(images / "masks" / "a#1.png")
    options = write_table(images, ["image", "mask.m"], ["masks/../1.dcm", "masks/a#1.png"])
    dicomprep.prep(images, out / "x.h5", *options)
    with h5py.File(out / "x.h5") as file:
        assert file["masks"][:].all()


@pytest.mark.parametrize("content, said", [(b"PK\3\4\0\0", "Excel"), (b'[{"image": 1}]', "JSON")])
def test_a_table_of_another_kind_is_named(content, said, dicomprep, images, out):
    (images / "t.csv").write_bytes(content)
    result = dicomprep("prep", images, "-o", out / "x.h5", "--table", images / "t.csv")
    assert result.returncode == 1 and said in result.stderr and "CSV" in result.stderr


def test_patients_without_a_split_are_a_note(dicomprep, images, out):
    Image.new("L", (50, 50), 255).save(images / "m.png")
    rows = [(1, "A", "train"), (2, "B", ""), (3, "C", "test")]
    options = write_table(images, ["image", "patient_id", "split", "mask.m"],
                          *[(f"{number}.dcm", patient, split, "m.png") for number, patient, split in rows])
    result = dicomprep.prep(images, out / "x.h5", *options, "--on-shared", "ignore")
    assert "patient B has no split in the table" in result.stderr


def test_verify_asks_for_the_table(dicomprep, images, out):
    Image.new("L", (50, 50), 255).save(images / "m.png")
    options = write_table(drawn(images), ["image", "mask.m"], ["1.dcm", "m.png"])
    dicomprep.prep(images, out / "x.h5", *options)
    result = dicomprep("verify", out / "x.h5", "--against", images)
    assert result.returncode == 1 and "--table" in result.stderr, result.stderr


def archive(root):
    """The cases of 2009 as an archive gives them out: images by other ids, in folders of series, and a table."""
    with open(root / "patientdata.csv", "w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["PatientID", "OriginalID", "Age"])
        for place, case in enumerate(["SC-HF-I-01", "SC-N-02"]):
            patient = f"SCD000{place}101"
            rows.writerow([patient, case, 50])
            for number in (1, 2):
                for series, folder in ((0, "CINESAX_300"), (100, "CINELAX_301")):
                    one = image(f"P{place + 1}", series + number, number)
                    save(one, root / "Images" / patient / folder / f"IM-0003-{number:04}.dcm")
                contour = root / "Contours" / case / "contours-manual" / "IRCCI-expert" / f"IM-0001-{number:04}-icontour-manual.txt"
                contour.parent.mkdir(parents=True, exist_ok=True)
                contour.write_text("".join(f"{x + number + 3 * place} {y}\n" for x, y in SQUARE))


def test_an_archive_with_a_table_gets_its_command(dicomprep, tmp_path, out):
    root = tmp_path / "my data"
    root.mkdir()
    archive(root)
    result = dicomprep("prep", root, "-o", out / "x.h5")
    assert result.returncode == 1, result.stderr
    again = dicomprep(*named_command(result.stderr), "-o", out / "x.h5", "--report", out / "x.json", "--on-finding", "keep")
    # The long axes are left out, and named.
    assert again.returncode == 3, again.stderr
    report = json.loads((out / "x.json").read_text())
    assert (report["samples"], report["patients"], len(report["unmatched"])) == (4, 2, 1)


def test_series_below_a_case_are_of_that_case(dicomprep, tmp_path, out):
    for place, case in enumerate(["SC-HF-I-1", "SC-N-2"]):
        for number in (1, 2):
            save(image(f"P{place + 1}", number, number), tmp_path / f"d/images/{case}/series 3/IM-0003-{number:04}.dcm")
            contour = tmp_path / f"d/drawn/{case}/contours-manual/IRCCI-expert/IM-0001-{number:04}-icontour-manual.txt"
            contour.parent.mkdir(parents=True, exist_ok=True)
            contour.write_text("".join(f"{x + number + 3 * place} {y}\n" for x, y in SQUARE))
    _, report = dicomprep.report(tmp_path / "d", out / "x.h5", "--on-finding", "keep")
    assert (report["samples"], report["patients"]) == (4, 2)


def test_images_without_an_ending_get_their_option(dicomprep, tmp_path, out):
    for number in (1, 2):
        save(image("P1", number, number), tmp_path / f"d/SC-N-2/IM-0003-{number:04}")
        contour = tmp_path / f"d/SC-N-2/contours-manual/IRCCI-expert/IM-0001-{number:04}-icontour-manual.txt"
        contour.parent.mkdir(parents=True, exist_ok=True)
        contour.write_text("".join(f"{x + number} {y}\n" for x, y in SQUARE))
    result = dicomprep("prep", tmp_path / "d", "-o", out / "x.h5")
    assert result.returncode == 1 and "--image-name 'IM-*-{n}'" in result.stderr, result.stderr
    dicomprep.prep(tmp_path / "d", out / "x.h5", "--image-name", "IM-*-{n}", "--on-finding", "keep")


def test_many_other_files_before_the_images(dicomprep, images, out):
    """Names tell what is looked into: the layout is found behind many files of other kinds."""
    (images / "0").mkdir()
    for number in range(200):
        (images / "0" / f"{number}.png").write_bytes(b"x")
    for path in sorted(drawn(images).glob("*.dcm")):
        path.rename(path.with_suffix(""))
    dicomprep.prep(images, out / "x.h5", "--on-finding", "keep")


def test_images_of_other_kinds_are_named(dicomprep, tmp_path, out):
    for name in ("imagesTr/case_000_0000.nii.gz", "labelsTr/case_000.nii.gz", "dataset.json"):
        (tmp_path / "d" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "d" / name).write_bytes(b"x")
    result = dicomprep("prep", tmp_path / "d", "-o", out / "x.h5")
    assert result.returncode == 1 and "2 label volumes or pictures, as imagesTr/case_000_0000.nii.gz" in result.stderr
    assert "images are read from DICOM alone" in result.stderr


def test_archives_are_named(dicomprep, images, tmp_path, out):
    """They may hold what is missed, beside what is read and alone."""
    (drawn(images) / "patient 2.ZIP").write_bytes(b"PK\3\4")
    result = dicomprep("prep", images, "-o", out / "x.h5", "--on-finding", "keep")
    assert result.returncode == 0 and "patient 2.ZIP: archives are not looked into; unpack it" in result.stderr
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "all.tar.gz").write_bytes(b"x")
    result = dicomprep("prep", tmp_path / "d", "-o", out / "y.h5")
    assert result.returncode == 1 and "it has 1 file" in result.stderr and "all.tar.gz is an archive" in result.stderr
