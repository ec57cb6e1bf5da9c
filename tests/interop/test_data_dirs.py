"""Several data directories in one run: names, equal ids, splits, shards, reuse, and the checks against them."""

import json
import shutil

import h5py
import numpy as np
import pytest

from trees import Study, dicom, noise, small_study

KEY = bytes(range(32))


@pytest.fixture
def two(tmp_path):
    """`a` and `b`, both with a patient P1 and each with another one."""
    small_study(tmp_path / "a", ["P1", "P2"], images=2)
    study = Study(tmp_path / "b")
    for patient in ("P1", "P3"):
        for number in (1, 2):
            study.add(patient, number, noise((8, 8), -200, 900, "b", patient, number).astype(np.int16))
    return tmp_path / "a", tmp_path / "b"


def column(path, name):
    with h5py.File(path) as file:
        return [value.decode() if isinstance(value, bytes) else value for value in file[f"samples/{name}"][()]]


def test_an_id_of_two_directories_is_told_apart_and_stands_in_one_split(dicomprep, two, tmp_path):
    a, b = two
    output = tmp_path / "both.h5"
    for seed in range(4):
        words = ["--split-seed", seed, "--split", "train=0.5,val=0.5", "--force"]
        _, report = dicomprep.report(a, output, b, *words)
        ids, patients, splits = (column(output, name) for name in ("id", "patient_id", "split"))
        assert ids == [f"{patient}/{number}" for patient in ("P1@a", "P2", "P1@b", "P3") for number in (1, 2)]
        assert patients == ["P1@a"] * 2 + ["P2"] * 2 + ["P1@b"] * 2 + ["P3"] * 2
        assert len({split for patient, split in zip(patients, splits) if patient.startswith("P1@")}) == 1
        assert column(output, "source")[4] == "b/dicoms/P1/1.dcm"
        assert report["files"] == 18 and report["bins"]["used"] == 18
        assert [f["check"] for f in report["findings"]] == ["shared-person"]
        assert any("<id>@<directory>" in ground["text"] for ground in report["assumed"])
    apart = tmp_path / "apart.h5"
    seen = set()
    for seed in range(8):
        dicomprep.prep(a, apart, b, "--on-shared", "ignore", "--split-seed", seed, "--split", "train=0.5,val=0.5", "--force")
        seen.add(len(set(column(apart, "split")[0:1] + column(apart, "split")[4:5])))
    assert seen == {1, 2}


def test_rows_are_those_of_each_directory_alone(dicomprep, two, tmp_path):
    a, b = two
    both = tmp_path / "both.h5"
    dicomprep.prep(a, both, b)
    for data, rows in ((a, slice(0, 4)), (b, slice(4, 8))):
        alone = tmp_path / f"{data.name}.h5"
        dicomprep.prep(data, alone)
        with h5py.File(both) as file, h5py.File(alone) as other:
            for name in ("images", "masks", "samples/source_sha256"):
                assert np.array_equal(file[name][rows], other[name][()]), name


def test_verify_repair_reuse_and_shards_take_them_too(dicomprep, two, tmp_path):
    a, b = two
    both = tmp_path / "both.h5"
    dicomprep.prep(a, both, b)
    same = dicomprep("verify", both, "--against", a, "--against", b)
    assert same.returncode == 0, same.stderr
    less = dicomprep("verify", both, "--against", a)
    assert less.returncode == 1 and "P1@a/1" in less.stderr
    study_file = next((b / "contourfiles").rglob("*icontour*"))
    study_file.write_text("1.0 1.0\n5.0 1.0\n5.0 5.0\n")
    changed = dicomprep("verify", both, "--against", a, "--against", b, "--json")
    assert changed.returncode == 1
    again = tmp_path / "again.h5"
    _, report = dicomprep.report(a, again, b, "--reuse", both)
    assert report["rows"]["reused"] == 7
    fresh = tmp_path / "fresh.h5"
    dicomprep.prep(a, fresh, b)
    assert fresh.read_bytes() == again.read_bytes()
    for index in (0, 1):
        dicomprep.prep(a, tmp_path / f"{index}.h5", b, "--shard", f"{index}/2")
    merged = dicomprep("merge", tmp_path / "0.h5", tmp_path / "1.h5", "-o", tmp_path / "merged.h5")
    assert merged.returncode == 0, merged.stderr
    assert (tmp_path / "merged.h5").read_bytes() == fresh.read_bytes()
    repaired = dicomprep("repair", fresh, "--against", a, "--against", b, "-o", tmp_path / "repaired.h5")
    assert repaired.returncode == 0, repaired.stderr


def test_nothing_of_a_keyed_file_names_a_directory(dicomprep, two, tmp_path):
    key = tmp_path / "key"
    key.write_bytes(KEY)
    key.chmod(0o600)
    folders = [tmp_path / "Wolpertinger" / "north", tmp_path / "Wolpertinger" / "south"]
    folders[0].parent.mkdir()
    for data, folder in zip(two, folders):
        shutil.copytree(data, folder)
    output, report = tmp_path / "keyed.h5", tmp_path / "report.json"
    words = ["--pseudonym-key", key, "--report", report, "--report-ids", "pseudonyms"]
    dicomprep.prep(folders[0], output, folders[1], *words)
    for word in (b"north", b"south", b"Wolpertinger", b"P1@", b"ORIG"):
        assert word not in output.read_bytes(), word
    assert len(set(column(output, "patient_id"))) == 4
    assert b"P1@" not in report.read_bytes()
    words = [word for folder in folders for word in ("--against", folder)]
    same = dicomprep("verify", output, *words, "--pseudonym-key", key)
    assert same.returncode == 0, same.stderr


def test_splits_may_be_given_by_either_name(dicomprep, two, tmp_path):
    a, b = two
    table, output = tmp_path / "splits.csv", tmp_path / "x.h5"
    table.write_text("patient_id,split\nP1,val\nP2,train\nP3,test\n")
    dicomprep.prep(a, output, b, "--split-file", table)
    assert column(output, "split") == ["val"] * 2 + ["train"] * 2 + ["val"] * 2 + ["test"] * 2
    first = tmp_path / "first.h5"
    dicomprep.prep(a, first, "--split-file", table)
    kept = tmp_path / "kept.h5"
    dicomprep.prep(a, kept, b, "--split-from", first)
    assert column(kept, "split")[:6] == ["val"] * 2 + ["train"] * 2 + ["val"] * 2


def test_layouts_and_structures_may_differ(dicomprep, two, tmp_path):
    case = tmp_path / "c" / "SC-HF-I-01"
    image = dicom(noise((8, 8), -200, 900, "c").astype(np.int16))
    path = case / "IM-0001-0007.dcm"
    path.parent.mkdir(parents=True)
    image.save_as(path, enforce_file_format=True)
    contours = case / "contours-manual" / "IRCCI-expert"
    contours.mkdir(parents=True)
    (contours / "IM-0001-0007-icontour-manual.txt").write_text("1.5 1.5\n6 1.5\n6 6\n1.5 6\n")
    output = tmp_path / "x.h5"
    _, report = dicomprep.report(two[0], output, tmp_path / "c")
    assert report["layout"] == "several" and report["samples"] == 5
    assert {ground["text"].split(":")[0] for ground in report["decided"] if ground["about"] == "layout"} == {"a", "c"}
    listed = dicomprep("structures", two[0], tmp_path / "c", "--json")
    assert listed.returncode == 0, listed.stderr
    assert [entry["name"] for entry in json.loads(listed.stdout)["structures"]][0] == "inner"
    audited = dicomprep("audit", *two, "--json")
    assert audited.returncode == 0 and json.loads(audited.stdout)["patients"] == 4


def test_a_dry_run_of_several_needs_no_output(dicomprep, two):
    result = dicomprep("prep", *two, "--dry-run", "--on-shared", "ignore")
    assert result.returncode == 0 and "would write 8 samples of 4 patients" in result.stderr


def test_what_cannot_be_read_as_one_is_refused(dicomprep, two, tmp_path):
    a, b = two
    for words, said in (
        ([a, b], "say with -o"),
        ([a, a, "-o", tmp_path / "x.h5"], "it lies in"),
        ([a, a / "dicoms", "-o", tmp_path / "x.h5"], "it lies in"),
        ([a, b, "-o", tmp_path / "x.h5", "--link", a / "link.csv"], "one data directory"),
        ([a, tmp_path / "none", "-o", tmp_path / "x.h5"], "none"),
        ([a, b, "-o", b / "dicoms" / "P1" / "1.dcm", "--force"], "inputs"),
    ):
        result = dicomprep("prep", *words)
        assert result.returncode in (1, 2) and said in result.stderr, (words, result.stderr)
        assert not (tmp_path / "x.h5").exists()


def test_what_is_left_out_is_named_with_its_directory(dicomprep, two, tmp_path):
    a, b = two
    with (b / "link.csv").open("a") as table:
        table.write("P9,ORIG-P9\n")
    (a / "dicoms" / "P2" / "1.dcm").write_bytes(b"no image")
    _, report = dicomprep.report(a, tmp_path / "x.h5", b, code=3)
    assert report["rejected_rows"][0]["file"] == "b/link.csv"
    assert "a/dicoms/P2/1.dcm" in [entry["file"] for entry in report["rejected"]]


def test_a_structure_need_not_be_in_every_directory(dicomprep, two, tmp_path):
    a, b = two
    study = Study(tmp_path / "c")
    study.add("P9", 1, noise((8, 8), -200, 900, "c").astype(np.int16))
    study.contour("P9", 1, [(0.5, 0.5), (7, 0.5), (7, 7), (0.5, 7)], "outer")
    output = tmp_path / "x.h5"
    dicomprep.prep(a, output, tmp_path / "c", "--structures", "outer,inner")
    with h5py.File(output) as file:
        assert list(file.attrs["structures"]) == ["outer", "inner"]
        assert file["samples/annotated"][:].tolist() == [[0, 1]] * 4 + [[1, 1]]
    unknown = dicomprep("prep", a, b, "-o", tmp_path / "y.h5", "--structures", "inner,heart")
    assert unknown.returncode == 2 and "no annotation is called heart" in unknown.stderr and "a: " in unknown.stderr


def test_groups_come_from_the_table_of_each_directory(dicomprep, two, tmp_path):
    for data, groups in zip(two, (["x", "y"], ["y", "z"])):
        rows = (data / "link.csv").read_text().splitlines()
        rows = [f"{rows[0]},site", *(f"{row},{group}" for row, group in zip(rows[1:], groups))]
        (data / "link.csv").write_text("\n".join(rows) + "\n")
    for seed in range(6):
        output = tmp_path / "x.h5"
        words = ["--group", "site", "--on-shared", "ignore", "--split-seed", seed, "--split", "train=0.5,val=0.5"]
        dicomprep.prep(two[0], output, two[1], *words, "--force")
        found = dict(zip(column(output, "patient_id"), column(output, "split")))
        assert found["P2"] == found["P1@b"]
