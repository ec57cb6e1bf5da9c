"""`verify`: a sound file is called sound, whatever made it; whatever is changed is found, or h5py sees no difference."""

import json
import shutil
import subprocess
import zlib

import h5py
import numpy as np
import pytest

from conftest import FIXTURES, sunnybrook
from streams import Contents, chunk_place, copy, damage, flip
from trees import Study, noise, small_study

LIMIT = 30


def verify(dicomprep, *words, code=0, timeout=LIMIT):
    """Runs `verify --json`; returns its result, and what it says to people."""
    result = dicomprep("verify", *words, "--json", timeout=timeout)
    assert result.returncode == code, f"exit code {result.returncode}, expected {code}\n{result.stderr}"
    assert "internal error" not in result.stderr and "HDF5-DIAG" not in result.stderr
    return json.loads(result.stdout) if result.stdout else None, result.stderr


def kinds(found):
    return sorted(found["problems"]["counts"])


def details(found):
    return "\n".join(f"{problem['place']}: {problem['detail']}" for problem in found["problems"]["list"])


def everything(path):
    """All that h5py reads from a file: every dataset, every attribute."""
    found = {}

    def add(name, item):
        found.update({(name, key): np.asarray(value).tolist() for key, value in item.attrs.items()})
        if isinstance(item, h5py.Dataset):
            found[name] = item[()].tobytes(), item.shape, str(item.dtype), item.chunks

    with h5py.File(path) as file:
        found.update({("/", key): np.asarray(value).tolist() for key, value in file.attrs.items()})
        file.visititems(add)
    return found


# ---------------------------------------------------------------- sound files


@pytest.mark.parametrize("words", [
    [], ["--compression", "0"], ["--structures", "outer,inner", "--require", "all"], ["--split", "none"],
    ["--unlabelled", "include", "--dtype", "float32"], ["--size", "50x70", "--fit", "resize", "--mask-rule", "pillow"],
    ["--split", "val=1"], ["--contour-offset", "-0.5,0.25", "--mask-rule", "center-inclusive", "--size", "100x40",
                           "--fit", "crop"]], ids=" ".join)
def test_what_prep_writes_is_sound_and_comes_out_again(words, dicomprep, out):
    dicomprep.prep(FIXTURES, out / "x.h5", *words)
    found, said = verify(dicomprep, out / "x.h5", "--against", FIXTURES)
    assert found["problems"]["list"] == [] and found["notes"] == [] and "nothing is wrong" in said


def test_real_data(any_data, dicomprep):
    found, _ = verify(dicomprep, any_data)
    assert found["problems"]["counts"] == {} and found["rows"] == len(Contents(any_data))


def test_threads_do_not_matter(final_data, spoiled, dicomprep):
    for row in (2, 9, 17):
        damage(spoiled, "images", row)
    results = []
    for threads in (1, 2, 7):
        found, _ = verify(dicomprep, spoiled, "--threads", threads, code=1)
        results.append(found["problems"])
    assert results[0] == results[1] == results[2] and results[0]["rows"] == 3


def test_one_row_and_float_statistics(dicomprep, tmp_path, out):
    study = Study(tmp_path / "data")
    for number in range(1, 41):
        study.add("A", number, noise((8, 8), -9, 900, number).astype(np.int16))
    dicomprep.prep(study.root, out / "x.h5", "--dtype", "float32", "--split", "none")
    verify(dicomprep, out / "x.h5", "--against", study.root)


# ---------------------------------------------------------------- damage


@pytest.mark.parametrize("dataset, kind", [("images", "image_damaged"), ("masks", "mask_damaged")])
def test_damaged_rows_are_listed_by_id(dataset, kind, spoiled, final_data, dicomprep):
    ids = Contents(final_data)["id"]
    for row in (0, 7, 19):
        damage(spoiled, dataset, row)
    found, said = verify(dicomprep, spoiled, code=1)
    listed = found["problems"]["list"]
    assert [(entry["row"], entry["place"], entry["kind"]) for entry in listed] == [
        (row, ids[row], kind) for row in (0, 7, 19)]
    assert f"wrong: {ids[7]} (row 7)" in said and "3 problems in 3 rows" in said


def changed(path, change):
    with h5py.File(path, "r+") as file:
        change(file)
    return path


@pytest.mark.parametrize("name, change, where", [
    ("pixel", lambda file: file["images"].__setitem__((4, 1, 1, 0), 99), "/images: its CRC-32C"),
    ("mask", lambda file: file["masks"].__setitem__((4, 1, 1, 0), 1), "/masks: its CRC-32C"),
    ("column", lambda file: file["samples/instance"].__setitem__(4, 99), "/samples/instance: its CRC-32C"),
    ("text", lambda file: file["samples/id"].__setitem__(4, b"X"), "/samples/id: its CRC-32C"),
    ("config", lambda file: file.attrs.__setitem__("config", "{}"), "/@text_checksum"),
    ("units", lambda file: file["images"].attrs.__setitem__("units", "HU"), "/@text_checksum"),
    ("samples", lambda file: file.attrs.modify("samples", np.uint64(21)), "/@samples: is 21"),
    ("patients", lambda file: file.attrs.modify("patients", np.uint64(9)), "/@patients: is Some(9)"),
    ("mean", lambda file: file["images"].attrs.modify("train_mean", 1.5), "train_mean: is Some(1.5)"),
    ("no mean", lambda file: file["images"].attrs.__delitem__("train_mean"), "/images@train_mean: is missing"),
    ("no column", lambda file: file["samples"].__delitem__("window"), "/samples/window: is missing"),
    ("no checksum", lambda file: file.attrs.__delitem__("text_checksum"), "/@text_checksum: is missing"),
    ("short", lambda file: file.create_dataset("extra", data=np.zeros(3)), "/extra: its shape is [3]"),
], ids=lambda value: value if isinstance(value, str) and " :" not in value else "")
def test_whatever_is_not_as_promised_is_named(name, change, where, spoiled, dicomprep):
    found, _ = verify(dicomprep, changed(spoiled, change), code=1)
    assert where in details(found), details(found)


def sealed(file, name, row, value):
    """Changes a column and makes its checksum right, as a program would that writes files of this format."""
    import expect

    file[f"samples/{name}"][row] = value
    file[f"samples/{name}"].attrs.modify("checksum", np.uint32(expect.crc32c(file[f"samples/{name}"][:].tobytes())))


@pytest.mark.parametrize("name, value, kind, what", [
    ("mask_pixels", [1, 1], "columns", "mask_pixels is 1"),
    ("annotated", [0, 0], "columns", "not annotated, and its mask is not empty"),
    ("contour_area", [np.nan, np.nan], "columns", "annotated, and contour_area is NaN"),
    ("annotation_sha256", np.zeros((2, 32), np.uint8), "columns", "annotation_sha256 is zero"),
    ("value_range", [0, 1], "columns", "value_range is"),
    ("split", b"tes", "columns", "its split is"),
    ("checksum", [0, 0], "image_damaged", "CRC-32C"),
], ids=lambda value: value if isinstance(value, str) else "")
def test_columns_that_contradict_their_row(name, value, kind, what, spoiled, dicomprep):
    changed(spoiled, lambda file: sealed(file, name, 4, value))
    found, _ = verify(dicomprep, spoiled, code=1)
    assert kind in kinds(found) and what in details(found)
    assert found["problems"]["list"][0]["row"] == 4


def test_ids_are_unique_and_splits_share_nothing(spoiled, dicomprep):
    contents = Contents(spoiled)
    other = next(row for row in range(20) if contents["split"][row] != contents["split"][0])

    def leak(file):
        sealed(file, "id", 1, contents["id"][0].encode())
        sealed(file, "split", 0, contents["split"][other].encode())

    found, _ = verify(dicomprep, changed(spoiled, leak), code=1)
    assert {"duplicate_id", "split_leak"} <= set(kinds(found))


def test_an_equal_image_in_two_splits(spoiled, dicomprep):
    contents = Contents(spoiled)
    other = next(row for row in range(20) if contents["split"][row] != contents["split"][0])

    def leak(file):
        file["images"][other] = contents.images[0]
        checksum = contents["checksum"][other]
        sealed(file, "checksum", other, [contents["checksum"][0][0], checksum[1]])
        sealed(file, "value_range", other, contents["value_range"][0])

    found, _ = verify(dicomprep, changed(spoiled, leak), code=1)
    assert "split_leak" in kinds(found) and "its image is that of row" in details(found)


def test_what_the_format_does_not_know_is_noted(spoiled, dicomprep):
    def add(file):
        file["samples"].create_dataset("remarks", data=np.array([b"x"] * 20), chunks=(20,), compression="gzip")
        file["samples"].create_dataset("words", data=["é"] * 20)
        file.attrs["my own"] = "text"
        file["images"].attrs["number"] = 4

    found, said = verify(dicomprep, changed(spoiled, add))
    assert [note["place"] for note in found["notes"]] == [
        "/@my own", "/images@number", "/samples/remarks", "/samples/words"]
    assert "nothing is wrong" in said


# ---------------------------------------------------------------- flips


def outside_of_chunks(path):
    is_free = np.ones(path.stat().st_size, bool)
    for dataset in ("images", "masks"):
        for row in range(20):
            offset, size = chunk_place(path, dataset, row)
            is_free[offset:offset + size] = False
    return np.flatnonzero(is_free)


def test_a_flip_is_found_or_h5py_sees_no_difference(spoiled, final_data, dicomprep):
    whole, expected = spoiled.read_bytes(), everything(final_data)
    heap = whole.index(b"GCOL")
    chance, found = np.random.default_rng(11), 0
    places = [*range(8, 48, 5), *range(heap, heap + 60, 3), *chance.choice(outside_of_chunks(final_data), 90),
              *chance.integers(0, len(whole), 40)]
    for place in places:
        spoiled.write_bytes(whole)
        flip(spoiled, int(place), 1 << int(chance.integers(8)))
        result = dicomprep("verify", spoiled, "-q", timeout=LIMIT)
        assert result.returncode in (0, 1) and "internal error" not in result.stderr, place
        if result.returncode == 0:
            assert everything(spoiled) == expected, place
        else:
            found += 1
    assert found > 80


def test_the_heap_that_the_library_never_leaves(spoiled, dicomprep):
    """An entry of the heap of texts that becomes free space of length 0: h5py and h5dump go round in it."""
    whole = bytearray(spoiled.read_bytes())
    heap = whole.index(b"GCOL")
    whole[heap + 16:heap + 18] = b"\0\0"
    whole[heap + 24:heap + 32] = bytes(8)
    spoiled.write_bytes(whole)
    for words in (["verify", spoiled], ["diff", spoiled, spoiled],
                  ["repair", spoiled, "--against", FIXTURES, "-o", spoiled.with_name("new.h5")]):
        result = dicomprep(*words, timeout=10)
        assert result.returncode == 1 and "texts of the attributes" in result.stderr
    assert not spoiled.with_name("new.h5").exists()


def test_truncated_files_and_other_files(spoiled, dicomprep):
    whole = spoiled.read_bytes()
    for length in [0, 7, 48, 96, *(len(whole) * part // 8 for part in range(1, 8)), len(whole) - 1]:
        spoiled.write_bytes(whole[:length])
        result = dicomprep("verify", spoiled, timeout=10)
        assert result.returncode == 1 and "spoiled.h5" in result.stderr and result.stdout == "", length
    for name in (spoiled.parent, spoiled.parent / "absent.h5", "/dev/null"):
        assert dicomprep("verify", name, timeout=10).returncode == 1


# ---------------------------------------------------------------- against


@pytest.fixture
def packed(tree, dicomprep, out):
    """A file of a tree that a test may spoil."""
    dicomprep.prep(tree, out / "x.h5")
    return out / "x.h5"


def an_image(tree):
    return sorted(tree.glob("dicoms/*/*.dcm"))


def contour_of(tree, row, contents):
    original, number = contents["original_id"][row], contents["instance"][row]
    return next(tree.glob(f"contourfiles/{original}/i-contours/IM-*-{number:04}-*"))


def test_changed_and_missing_sources(tree, packed, dicomprep):
    contents = Contents(packed)
    image = tree / contents["source"][2]
    image.write_bytes(image.read_bytes() + b"\0")
    contour = contour_of(tree, 5, contents)
    contour.write_text(contour.read_text() + "\n")
    (tree / contents["source"][7]).unlink()
    contour_of(tree, 9, contents).unlink()
    found, _ = verify(dicomprep, packed, "--against", tree, code=1)
    listed = {entry["row"]: entry["kind"] for entry in found["problems"]["list"]}
    assert listed == {2: "source_changed", 5: "source_changed", 7: "source_missing", 9: "source_missing"}


def test_a_row_that_the_sources_add(tree, packed, dicomprep):
    contents = Contents(packed)
    patient, original = contents["patient_id"][0], contents["original_id"][0]
    shutil.copy(tree / contents["source"][0], tree / "dicoms" / patient / "199.dcm")
    contour = contour_of(tree, 0, contents)
    shutil.copy(contour, tree / "contourfiles" / original / "i-contours" / "IM-0001-0199-icontour-manual.txt")
    found, _ = verify(dicomprep, packed, "--against", tree, code=1)
    assert [(entry["kind"], entry["place"]) for entry in found["problems"]["list"]] == [("row_added", f"{patient}/199")]


def test_pixels_that_differ_though_the_sources_agree(tree, packed, dicomprep):
    import expect

    contents = Contents(packed)
    image = contents.images[3].copy()
    image[5, 5, 0] += 1

    def change(file):
        file["images"][3] = image
        sealed(file, "checksum", 3, [expect.crc32c(image.tobytes()), contents["checksum"][3][1]])

    found, _ = verify(dicomprep, changed(packed, change), "--against", tree, code=1)
    assert any(entry["kind"] == "differs" and entry["row"] == 3 for entry in found["problems"]["list"])


def test_places_and_pseudonyms(tree, dicomprep, out, tmp_path):
    key = tmp_path / "key"
    key.write_bytes(b"sixteen secret bytes")
    (tree / "dicoms").rename(tmp_path / "images")
    words = ["--dicoms", tmp_path / "images"]
    dicomprep.prep(tree, out / "x.h5", *words, "--pseudonym-key", key)
    verify(dicomprep, out / "x.h5", "--against", tree, *words, "--pseudonym-key", key)
    _, said = verify(dicomprep, out / "x.h5", "--against", tree, *words, code=1)
    assert "--pseudonym-key" in said
    key.write_bytes(b"another sixteen bytes")
    result = dicomprep("verify", out / "x.h5", "--against", tree, *words, "--pseudonym-key", key)
    assert result.returncode == 1 and "another key" in result.stderr and result.stdout == ""
    result = dicomprep("repair", out / "x.h5", "--against", tree, *words, "--pseudonym-key", key, "-o", out / "y.h5")
    assert result.returncode == 1 and "another key" in result.stderr and not (out / "y.h5").exists()
    assert dicomprep("verify", out / "x.h5", *words).returncode == 2


def test_left_out_by_a_table_of_splits_is_no_new_row(dicomprep, tmp_path, out):
    study = small_study(tmp_path / "data", ["A", "B"], images=3)
    shutil.copy(study.image_path("A", 1), study.image_path("B", 1))
    (tmp_path / "splits.csv").write_text("patient_id,split\nA,train\nB,val\n")
    dicomprep.prep(study.root, out / "x.h5", "--split-file", tmp_path / "splits.csv", code=3)
    verify(dicomprep, out / "x.h5", "--against", study.root)


# ---------------------------------------------------------------- manners


def test_report_and_output(spoiled, dicomprep, out):
    damage(spoiled, "images", 3)
    result = dicomprep("verify", spoiled, "--report", out / "r.json", "-q")
    assert result.returncode == 1 and result.stdout == result.stderr == ""
    assert json.loads((out / "r.json").read_text())["problems"]["rows"] == 1
    assert dicomprep("verify", spoiled, "--report", out / "r.json").returncode == 1
    assert "exists already" in dicomprep("verify", spoiled, "--report", out / "r.json").stderr
    result = dicomprep("verify", spoiled, "--report", "-")
    assert json.loads(result.stdout)["problems"]["rows"] == 1
    assert dicomprep("verify", spoiled).stdout == ""
    assert dicomprep("verify", spoiled, "--report", spoiled, "--force").returncode == 2


def test_names_are_never_printed_raw(spoiled, dicomprep):
    changed(spoiled, lambda file: sealed(file, "id", 3, b"\x1b[2J\nx"))
    damage(spoiled, "images", 3)
    _, said = verify(dicomprep, spoiled, code=1)
    assert "\x1b" not in said and "\\u{1b}[2J\\nx" in said


def test_long_lists_are_cut(spoiled, dicomprep):
    for row in range(20):
        damage(spoiled, "images", row, 0)
        damage(spoiled, "masks", row, 0)
    _, said = verify(dicomprep, spoiled, code=1)
    assert said.count("wrong: ") == 21 and "20 more" in said
    _, said = verify(dicomprep, spoiled, "-v", code=1)
    assert said.count("wrong: ") == 40


def test_help_has_examples(dicomprep):
    for command in ("verify", "repair", "diff"):
        text = subprocess.run([dicomprep.path, command, "--help"], capture_output=True, text=True).stdout
        assert f"dicomprep {command} " in text and "Exit codes" in text


def test_a_stream_that_zlib_alone_refuses_is_damaged(dicomprep, out):
    """libdeflate lets a code pass that no byte needs: the bytes are right, and h5py cannot read them."""
    path = out / "x.h5"
    dicomprep.prep(FIXTURES, path, "--encoder", "planes")
    with h5py.File(path) as file:
        place = file["images"].id.get_chunk_info(2)
    whole = path.read_bytes()
    stream = whole[place.byte_offset : place.byte_offset + place.size]
    refused = []
    for bit in range(0, 8 * len(stream)):
        flipped = bytearray(stream)
        flipped[bit // 8] ^= 1 << bit % 8
        try:
            zlib.decompress(flipped)
        except zlib.error as error:
            if "invalid distance code" in str(error):
                refused.append(bytes(flipped))
    assert len(refused) > 10
    for flipped in refused[:: len(refused) // 10]:
        path.write_bytes(whole[: place.byte_offset] + flipped + whole[place.byte_offset + place.size :])
        found, _ = verify(dicomprep, path, code=1)
        assert kinds(found) == ["image_damaged"], details(found)
        dicomprep("repair", path, "--against", FIXTURES, "-o", out / "again.h5", "--force")
        assert (out / "again.h5").read_bytes() == whole
