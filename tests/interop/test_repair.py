"""`repair`: damaged rows come back byte for byte, everything else stays as it was, and nothing is done in place."""

import json
import shutil
import subprocess

import h5py
import numpy as np
import pytest

from conftest import FIXTURES
from streams import Contents, chunk_place, copy, damage, flip, seal

def repair(dicomprep, file, data, new, *words, code=0):
    result = dicomprep("repair", file, "--against", data, "-o", new, *words, timeout=60)
    assert result.returncode == code, f"exit code {result.returncode}, expected {code}\n{result.stderr}"
    return result


@pytest.fixture(scope="module", params=[0, 4, 9], ids=lambda level: f"level {level}")
def original(request, dicomprep, tmp_path_factory):
    path = tmp_path_factory.mktemp("original") / "x.h5"
    dicomprep.prep(FIXTURES, path, "--structures", "inner,outer", "--compression", request.param)
    return path


def test_a_repaired_file_is_the_original(original, dicomprep, tmp_path):
    damaged = copy(original, tmp_path / "damaged.h5")
    for row, dataset, share in [(0, "images", 0.5), (3, "masks", 0), (7, "images", 0.1), (7, "masks", 0),
                                (19, "images", 0.99)]:
        damage(damaged, dataset, row, share)
    before = damaged.read_bytes()
    result = repair(dicomprep, damaged, FIXTURES, tmp_path / "new.h5", "--json")
    found = json.loads(result.stdout)
    assert sorted(found["repaired"]) == sorted(Contents(original)["id"][[0, 3, 7, 19]])
    assert found["unrepaired"] == [] and found["bytes_untouched"]
    assert (tmp_path / "new.h5").read_bytes() == original.read_bytes()
    assert damaged.read_bytes() == before


def test_chunks_that_were_wiped_out(original, dicomprep, tmp_path):
    damaged = bytearray(original.read_bytes())
    for row in range(20):
        offset, size = chunk_place(original, "images", row)
        damaged[offset:offset + size] = bytes(size)
    (tmp_path / "damaged.h5").write_bytes(damaged)
    repair(dicomprep, tmp_path / "damaged.h5", FIXTURES, tmp_path / "new.h5")
    assert (tmp_path / "new.h5").read_bytes() == original.read_bytes()


def test_a_sound_file_is_copied(original, dicomprep, tmp_path):
    repair(dicomprep, original, FIXTURES, tmp_path / "new.h5")
    assert (tmp_path / "new.h5").read_bytes() == original.read_bytes()


def test_what_the_format_does_not_know_stays(spoiled, dicomprep, tmp_path):
    with h5py.File(spoiled, "r+") as file:
        file["samples"].create_dataset("remarks", data=["é"] * 20)
        file.attrs["my own"] = "text"
    whole = spoiled.read_bytes()
    damage(spoiled, "images", 4)
    repair(dicomprep, spoiled, FIXTURES, tmp_path / "new.h5")
    assert (tmp_path / "new.h5").read_bytes() == whole


def test_a_changed_source_repairs_nothing(tree, dicomprep, tmp_path):
    dicomprep.prep(tree, tmp_path / "x.h5")
    whole, contents = (tmp_path / "x.h5").read_bytes(), Contents(tmp_path / "x.h5")
    for row in (2, 5):
        damage(tmp_path / "x.h5", "images", row)
    image = tree / contents["source"][2]
    image.write_bytes(image.read_bytes() + b"\0")
    result = repair(dicomprep, tmp_path / "x.h5", tree, tmp_path / "new.h5", code=3)
    assert f"not repaired: {contents['id'][2]} (row 2)" in result.stderr and "SHA-256" in result.stderr
    # Everything but the row that cannot be made is right.
    new = bytearray((tmp_path / "new.h5").read_bytes())
    offset, size = chunk_place(tmp_path / "x.h5", "images", 2)
    assert new[offset:offset + size] != whole[offset:offset + size]
    new[offset:offset + size] = whole[offset:offset + size]
    assert new == whole
    found = json.loads(dicomprep("verify", tmp_path / "new.h5", "--json").stdout)
    assert [entry["row"] for entry in found["problems"]["list"]] == [2]
    (tree / contents["source"][5]).unlink()
    repair(dicomprep, tmp_path / "x.h5", tree, tmp_path / "other.h5", code=1)
    assert not (tmp_path / "other.h5").exists()


def test_a_chunk_of_another_length(spoiled, final_data, dicomprep, tmp_path):
    """What another encoder wrote comes back with ours: the pixels are the same, the layout is not."""
    import zlib

    from streams import filtered

    image = Contents(final_data).images[6]
    with h5py.File(spoiled, "r+") as file:
        file["images"].id.write_direct_chunk((6, 0, 0, 0), filtered(image, 0, level=1), 0)
    assert dicomprep("verify", spoiled).returncode == 0
    damage(spoiled, "images", 6)
    result = repair(dicomprep, spoiled, FIXTURES, tmp_path / "new.h5", "--json")
    assert not json.loads(result.stdout)["bytes_untouched"]
    assert dicomprep("verify", tmp_path / "new.h5", "--against", FIXTURES).returncode == 0
    assert np.array_equal(Contents(tmp_path / "new.h5").images, Contents(final_data).images)


def column(path):
    offset, size = chunk_place(path, "samples/id", 0)
    return offset + size // 2


@pytest.mark.parametrize("place", [column, lambda path: path.read_bytes().index(b"GCOL") + 60,
                                   lambda path: path.read_bytes().index(b"FADB") + 20],
                         ids=["a column", "texts", "a chunk index"])
def test_more_than_rows_is_beyond_repair(place, spoiled, dicomprep, tmp_path):
    flip(spoiled, place(spoiled))
    result = repair(dicomprep, spoiled, FIXTURES, tmp_path / "new.h5", code=1)
    assert list(tmp_path.glob("*new*")) == [] and "error" in result.stderr


def test_a_changed_pixel_with_a_new_checksum_is_not_damage(spoiled, dicomprep, tmp_path):
    with h5py.File(spoiled, "r+") as file:
        file["images"][5, 0, 0, 0] ^= 1
        seal(file, 5)
    repair(dicomprep, spoiled, FIXTURES, tmp_path / "new.h5", code=1)


def test_manners(spoiled, dicomprep, tree, tmp_path):
    damage(spoiled, "images", 3)
    new = tmp_path / "new.h5"
    assert repair(dicomprep, spoiled, FIXTURES, spoiled, code=2).stdout == ""
    repair(dicomprep, spoiled, tree, tree / "link.csv", "--force", code=2)
    new.write_text("mine")
    repair(dicomprep, spoiled, FIXTURES, new, code=1)
    assert new.read_text() == "mine"
    repair(dicomprep, spoiled, FIXTURES, new, "--force", "-q")
    assert dicomprep("verify", new).returncode == 0
    assert not list(tmp_path.glob(".*partial"))
