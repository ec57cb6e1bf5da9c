"""`diff`: which rows differ, by how much, and why."""

import json
import shutil

import h5py
import numpy as np
import pytest

import expect
from conftest import FIXTURES
from streams import Contents, copy
from trees import noise, small_study


def diff(dicomprep, a, b, *words, code=3):
    result = dicomprep("diff", a, b, "--json", *words, timeout=60)
    assert result.returncode == code, f"exit code {result.returncode}, expected {code}\n{result.stderr}"
    return json.loads(result.stdout)


def test_equal_files(final_data, dicomprep, tmp_path):
    found = diff(dicomprep, final_data, copy(final_data, tmp_path / "x.h5"), code=0)
    assert found["equal"] == 20 and found["options"] == {} and found["changed_rows"] == []
    result = dicomprep("diff", final_data, tmp_path / "x.h5")
    assert result.returncode == 0 and result.stdout == "20 rows equal, 0 changed, 0 added, 0 removed\n"


def test_another_encoding_changes_no_row(final_data, dicomprep, tmp_path):
    dicomprep.prep(FIXTURES, tmp_path / "x.h5", "--structures", "inner,outer", "--compression", 0)
    found = diff(dicomprep, final_data, tmp_path / "x.h5", code=0)
    assert found["equal"] == 20 and found["options"]["compression"] == [4, 0]


def test_another_rule(final_data, dicomprep, tmp_path):
    dicomprep.prep(FIXTURES, tmp_path / "x.h5", "--structures", "inner,outer", "--mask-rule", "pillow")
    found = diff(dicomprep, final_data, tmp_path / "x.h5")
    a, b = Contents(final_data), Contents(tmp_path / "x.h5")
    assert found["changed"] == 20 and found["options"] == {"mask_rule": ["center", "pillow"]}
    for row in found["changed_rows"]:
        number = row["rows"][0]
        assert row["causes"] == ["option mask_rule"] and row["image"] is None and row["id"] == a["id"][number]
        for mask in row["masks"]:
            plane = a.structures.index(mask["structure"])
            first, second = a.masks[number, ..., plane], b.masks[number, ..., plane]
            assert mask["pixels"] == [first.sum(), second.sum()]
            assert mask["dice"] == pytest.approx(2 * (first & second).sum() / (first.sum() + second.sum()), rel=1e-12)


@pytest.fixture
def study(tmp_path, dicomprep):
    study = small_study(tmp_path / "data", ["A", "B", "C"], images=4)
    dicomprep.prep(study.root, tmp_path / "a.h5", "--split", "none")
    return study


def after(dicomprep, study, tmp_path, *words, code=0):
    dicomprep.prep(study.root, tmp_path / "b.h5", "--force", *(words or ("--split", "none")), code=code)
    return diff(dicomprep, tmp_path / "a.h5", tmp_path / "b.h5")


def test_each_cause_is_told(study, dicomprep, tmp_path):
    pixels = noise((8, 8), -200, 900, "A", 1).astype(np.int16)
    pixels[3, 3] += 50
    pixels[3, 4] -= 7
    study.add("A", 1, pixels)
    study.contour("B", 2, [(1.5, 1.5), (6.0, 1.5), (6.0, 4.0), (1.5, 4.0)])
    study.image_path("C", 4).unlink()
    study.contour_path("C", 4).unlink()
    study.add("C", 9, noise((8, 8), 0, 9, "new").astype(np.int16))
    found = after(dicomprep, study, tmp_path)
    assert found["added_rows"] == ["C/9"] and found["removed_rows"] == ["C/4"] and found["equal"] == 9
    image, contour = found["changed_rows"]
    assert image["id"] == "A/1" and image["causes"] == ["image source"]
    assert image["image"] == {"pixels": 2, "largest_difference": 50.0} and image["masks"] == []
    assert contour["id"] == "B/2" and contour["causes"] == ["inner annotation"] and contour["image"] is None
    assert contour["masks"][0]["dice"] < 1


def test_splits(study, dicomprep, tmp_path):
    found = after(dicomprep, study, tmp_path, "--split", "train=0.5,val=0.5")
    assert {tuple(row["causes"]) for row in found["changed_rows"]} == {("split",)}
    assert all(row["split"][0] == "" for row in found["changed_rows"]) and "split" in found["options"]


def test_other_types_sizes_and_structures(study, dicomprep, tmp_path):
    found = after(dicomprep, study, tmp_path, "--split", "none", "--dtype", "float32")
    assert found["form"] == {"pixel type": ["int16", "float32"]} and found["changed"] == 0
    found = after(dicomprep, study, tmp_path, "--split", "none", "--size", "16x16")
    assert found["changed"] == 12 and found["form"]["image shape"] == [[8, 8, 1], [16, 16, 1]]
    row = found["changed_rows"][0]
    assert row["image"]["pixels"] is None and row["masks"][0]["dice"] is None and "option size" in row["causes"]
    for number in range(1, 5):
        study.contour("A", number, structure="outer")
    found = after(dicomprep, study, tmp_path, "--split", "none", "--structures", "outer,inner")
    assert found["form"] == {"structures": [["inner"], ["outer", "inner"]]} and found["changed"] == 0


def test_order(study, dicomprep, tmp_path):
    rows = "".join(f"{patient},ORIG-{patient}\n" for patient in "CBA")
    (study.root / "link.csv").write_text("patient_id,original_id\n" + rows)
    found = after(dicomprep, study, tmp_path)
    assert found["equal"] == 12 and not found["same_order"]


def test_a_change_without_a_cause_is_called_unknown(final_data, spoiled, dicomprep):
    with h5py.File(spoiled, "r+") as file:
        file["images"][3, 0, 0, 0] += 5
        file["samples/checksum"][3, 0] = expect.crc32c(file["images"][3].tobytes())
        column = file["samples/checksum"]
        column.attrs.modify("checksum", np.uint32(expect.crc32c(column[:].tobytes())))
    found = diff(dicomprep, final_data, spoiled)
    assert [row["causes"] for row in found["changed_rows"]] == [["unknown"]]
    assert found["changed_rows"][0]["image"] == {"pixels": 1, "largest_difference": 5.0}


def test_no_file(final_data, dicomprep, tmp_path):
    result = dicomprep("diff", final_data, tmp_path / "absent.h5")
    assert result.returncode == 1 and "absent.h5" in result.stderr and result.stdout == ""


@pytest.mark.parametrize("dataset, row", [("images", 3), ("masks", 0), ("images", 19)])
def test_damaged_data_is_not_equal(dataset, row, dicomprep, final_data, tmp_path):
    bad = tmp_path / "bad.h5"
    shutil.copyfile(final_data, bad)
    with h5py.File(bad) as file:
        chunk, identity = file[dataset].id.get_chunk_info(row), file["samples/id"].asstr()[row]
    data = bytearray(bad.read_bytes())
    data[chunk.byte_offset + chunk.size // 2] ^= 0x10
    bad.write_bytes(data)
    for files, number in (((final_data, bad), 1), ((bad, final_data), 0)):
        result = dicomprep("diff", *files)
        assert result.returncode == 1 and f"damaged: {identity}: " in result.stdout and dataset in result.stdout
        found = json.loads(dicomprep("diff", *files, "--json").stdout)
        [damaged] = found["damaged_rows"]
        assert (damaged["id"], damaged["file"], damaged["row"]) == (identity, number, row)
        assert (found["compared"], found["equal"], found["damaged"]) == ("data", 19, 1)
    quick = dicomprep("diff", "--quick", final_data, bad)
    assert quick.returncode == 0 and "the data was not read" in quick.stdout


@pytest.mark.parametrize("column", ["id", "window", "source_sha256"])
def test_a_damaged_column_is_named(column, dicomprep, final_data, tmp_path):
    bad = tmp_path / "bad.h5"
    shutil.copyfile(final_data, bad)
    with h5py.File(bad) as file:
        chunk = file[f"samples/{column}"].id.get_chunk_info(0)
    data = bytearray(bad.read_bytes())
    data[chunk.byte_offset + chunk.size // 2] ^= 0x10
    bad.write_bytes(data)
    result = dicomprep("diff", final_data, bad)
    assert result.returncode == 1 and f"samples/{column}" in result.stderr
