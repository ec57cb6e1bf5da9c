"""Rows taken out of earlier files: what counts is content, and the result is that of a run that makes every row."""

import hmac
import json
import os
import random
import shutil
import signal

import h5py
import numpy as np
import pytest

from conftest import FIXTURES
from faults import LONG, Faults, build
from journal import journals
from trees import SQUARE, Study, noise, small_study

PATIENTS, IMAGES = 5, 6


@pytest.fixture
def study(tmp_path):
    return small_study(tmp_path / "data", [f"P{i}" for i in range(PATIENTS)], IMAGES, 24)


def fresh_and_reused(dicomprep, study, folder, old, *words, code=0):
    """The rows of a report of a run with --reuse, whose file is that of a run without."""
    for name in ("fresh.h5", "reused.h5", "reused.json"):
        (folder / name).unlink(missing_ok=True)
    dicomprep.prep(study.root, folder / "fresh.h5", *words, code=code)
    olds = [word for path in old for word in ("--reuse", path)]
    _, report = dicomprep.report(study.root, folder / "reused.h5", *words, *olds, code=code)
    assert (folder / "fresh.h5").read_bytes() == (folder / "reused.h5").read_bytes()
    return report["rows"], report


def test_all_rows_are_reused_where_nothing_has_changed(study, dicomprep, out):
    dicomprep.prep(study.root, out / "old.h5")
    rows, _ = fresh_and_reused(dicomprep, study, out, [out / "old.h5"])
    assert rows == {"reused": PATIENTS * IMAGES, "made": 0, "rebuilt": {}}
    # In place of the old file.
    before = (out / "old.h5").read_bytes()
    dicomprep.prep(study.root, out / "old.h5", "--force", "--reuse", out / "old.h5")
    assert (out / "old.h5").read_bytes() == before


def test_an_edited_contour_costs_one_row(study, dicomprep, out):
    dicomprep.prep(study.root, out / "old.h5")
    study.contour("P3", 4, [(2.0, 2.0), (9.0, 3.0), (7.0, 8.0)])
    rows, _ = fresh_and_reused(dicomprep, study, out, [out / "old.h5"])
    assert rows == {"reused": PATIENTS * IMAGES - 1, "made": 1, "rebuilt": {"annotation changed": 1}}
    # What is in neither of two files is made.
    (out / "reused.h5").rename(out / "second.h5")
    study.contour("P3", 4)
    study.contour("P1", 1, [(2.0, 2.0), (9.0, 3.0), (7.0, 8.0)])
    rows, _ = fresh_and_reused(dicomprep, study, out, [out / "second.h5", out / "old.h5"])
    assert rows == {"reused": PATIENTS * IMAGES - 1, "made": 1, "rebuilt": {"annotation changed": 1}}


def test_every_reason_is_told(study, dicomprep, out):
    dicomprep.prep(study.root, out / "old.h5")
    study.add("P0", 1, noise((24, 24), 0, 99, "changed").astype(np.int16))
    study.contour("P1", 2, [(2.0, 2.0), (9.0, 3.0), (7.0, 8.0)])
    study.add("P2", 40, noise((24, 24), 0, 99, "new").astype(np.int16))
    with h5py.File(out / "old.h5", "r") as file:
        row = file["samples/id"].asstr()[:].tolist().index("P3/3")
        place = file["images"].id.get_chunk_info(row)
    with open(out / "old.h5", "r+b") as file:
        file.seek(place.byte_offset + place.size // 2)
        byte = file.read(1)[0]
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte ^ 4]))
    rows, _ = fresh_and_reused(dicomprep, study, out, [out / "old.h5"])
    reasons = {"image changed": 1, "annotation changed": 1, "not there before": 1, "damaged": 1}
    assert rows == {"reused": PATIENTS * IMAGES - 3, "made": 4, "rebuilt": reasons}


OTHER_OPTIONS = {
    "mask_rule": ["--mask-rule", "pillow"],
    "contour_offset": ["--contour-offset", "0.5,0"],
    "dtype": ["--dtype", "float32"],
    "size": ["--size", "32x32"],
    "fit": ["--size", "24x24"],
    "structures": ["--structures", "inner,outer"],
    "monochrome1": ["--monochrome1", "keep"],
    "compression": ["--compression", "1"],
}


@pytest.mark.parametrize("option", OTHER_OPTIONS)
def test_another_option_is_named(option, study, dicomprep, out):
    dicomprep.prep(study.root, out / "old.h5")
    rows, report = fresh_and_reused(dicomprep, study, out, [out / "old.h5"], *OTHER_OPTIONS[option])
    assert rows == {"reused": 0, "made": PATIENTS * IMAGES, "rebuilt": {f"option {option} differs": PATIENTS * IMAGES}}
    assert any(option in note["text"] and "old.h5" in note["places"][0] for note in report["notes"]), report["notes"]


def test_options_that_do_not_change_a_row_do_not_matter(study, dicomprep, out, tmp_path):
    (tmp_path / "key").write_bytes(b"sixteen secret bytes")
    dicomprep.prep(study.root, out / "old.h5", "--split", "none")
    rows, _ = fresh_and_reused(dicomprep, study, out, [out / "old.h5"], "--pseudonym-key", tmp_path / "key", "--split", "train=0.5,val=0.5",
                               "--split-seed", "3", "--on-finding", "keep", "--max-wall-jump", "9", "--require", "all")
    assert rows["made"] == 0


def test_a_file_written_anew_by_another_program_is_not_reused(study, dicomprep, out):
    """Its pixels are the same, and its chunks are not ours."""
    dicomprep.prep(study.root, out / "old.h5")
    with h5py.File(out / "old.h5", "r+") as file:
        images = file["images"][:]
        attributes = dict(file["images"].attrs)
        del file["images"]
        again = file.create_dataset("images", data=images, chunks=(1, *images.shape[1:]), shuffle=True, compression=1)
        again.attrs.update({name: value for name, value in attributes.items() if name != "DIMENSION_LABELS"})
        again.dims[0].label = "sample"
    rows, _ = fresh_and_reused(dicomprep, study, out, [out / "old.h5"])
    assert rows["rebuilt"] == {"option encoding differs": PATIENTS * IMAGES}


def test_what_is_no_data_set_is_refused(study, dicomprep, out):
    (out / "text.h5").write_text("text")
    for path in (out / "text.h5", out / "missing.h5", out):
        result = dicomprep.prep(study.root, out / "x.h5", "--reuse", path, code=1)
        assert path.name in result.stderr and "panicked" not in result.stderr
    assert os.listdir(out) == ["text.h5"]


# ---------------------------------------------------------------- interrupted runs


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    return build(tmp_path_factory.mktemp("faults"))


@pytest.fixture
def interrupted(dicomprep, library):
    """Runs that are killed when their file is complete, just before it gets its name: all rows are kept."""
    def run(study, output, *words):
        words = ["prep", study.root, "-o", output, "--segment-rows", "3", *words]
        # What the run before has left is moved first.
        renames = 1 + output.with_name(f".{output.name}.partial").exists()
        result = Faults(library, dicomprep, output.parent).run(words, "rename", renames, "kill-before")
        assert result.returncode == -signal.SIGKILL and not output.exists(), result.stderr
        assert output.with_name(f".{output.name}.partial").exists() and journals(output)
    return run


def test_damage_in_what_is_kept_costs_the_rows_that_it_hits(study, interrupted, dicomprep, out):
    dicomprep.prep(study.root, out / "fresh.h5")
    whole, rows = (out / "fresh.h5").read_bytes(), PATIENTS * IMAGES
    (out / "fresh.h5").unlink()

    def goes_on():
        result, report = dicomprep.report(study.root, out / "x.h5", "--segment-rows", "4", "--force")
        assert (out / "x.h5").read_bytes() == whole and sorted(os.listdir(out)) == ["x.h5", "x.json"]
        (out / "x.h5").unlink()
        return result.stderr, report["rows"]

    # A bit of a chunk: one row of the partial file.
    for row, at in [(7, 0), (11, -1)]:
        interrupted(study, out / "x.h5")
        (journal,) = journals(out / "x.h5")
        address, length, *_ = journal.chunks()[row]
        data = bytearray(journal.partial.read_bytes())
        data[address + (at if at == 0 else length - 1)] ^= 4
        journal.partial.write_bytes(data)
        _, found = goes_on()
        assert found == {"reused": rows - 1, "made": 1, "rebuilt": {"damaged": 1}}
    # The partial file is cut, or has nothing in it.
    for part in (0.5, 0):
        interrupted(study, out / "x.h5")
        (journal,) = journals(out / "x.h5")
        os.truncate(journal.partial, int(journal.partial.stat().st_size * part))
        _, found = goes_on()
        assert (found["reused"] > 0) == (part > 0) and found["rebuilt"] == {"damaged": rows - found["reused"]}
    # The journal: within its rows, at the start of a run of rows, in its header, cut.
    for place, reused, said in [(-5, rows - 3, "what it says about the 3 rows"), (-12 - 3 * 137, rows - 3, "and after that"),
                                (30, 0, "its rows are rebuilt")]:
        interrupted(study, out / "x.h5")
        (journal,) = journals(out / "x.h5")
        assert journal.row_bytes == 137
        data = bytearray(journal.path.read_bytes())
        data[place] ^= 4
        journal.path.write_bytes(data)
        text, found = goes_on()
        assert found["reused"] == reused and said in text and "rows-000001.journal" in text, (place, text, found)
    interrupted(study, out / "x.h5")
    (journal,) = journals(out / "x.h5")
    os.truncate(journal.path, journal.path.stat().st_size - 1)
    text, found = goes_on()
    assert found["reused"] == rows - 3 and "journal" not in text, "what was not completely written was never there"


def test_runs_that_are_stopped_leave_no_more_than_one_says(study, interrupted, dicomprep, out):
    """What a later run has kept too is removed; what another option made stays as long as the file is not complete."""
    for words, kept in [([], 1), ([], 1), (["--mask-rule", "pillow"], 2), ([], 2)]:
        interrupted(study, out / "x.h5", *words)
        assert len(journals(out / "x.h5")) in (kept, kept + 1)
    _, report = dicomprep.report(study.root, out / "x.h5", "--segment-rows", "4")
    assert report["rows"]["made"] == 0 and sorted(os.listdir(out)) == ["x.h5", "x.json"]


def test_parts_of_earlier_versions_are_removed_and_told(study, dicomprep, out):
    dicomprep.prep(study.root, out / "whole.h5", "--split", "none")
    (out / "x.h5.parts").mkdir()
    part = out / "x.h5.parts" / "part-000007.h5"
    shutil.move(out / "whole.h5", part)
    for name, content in [("part-000002.h5", b""), ("part-000009.h5", part.read_bytes()[:5000]),
                          (".part-000010.h5.partial", b"x"), ("part-000001.damaged", b"x")]:
        part.with_name(name).write_bytes(content)
    result, report = dicomprep.report(study.root, out / "x.h5", "--segment-rows", "4")
    assert report["rows"]["reused"] == 0 and sorted(os.listdir(out)) == ["x.h5", "x.json"]
    assert "x.h5.parts: the parts of an earlier version were removed (5)" in result.stderr


def test_fresh_takes_nothing_and_removes_what_is_kept(study, interrupted, dicomprep, out):
    interrupted(study, out / "x.h5")
    _, report = dicomprep.report(study.root, out / "x.h5", "--fresh")
    assert report["rows"] == {"reused": 0, "made": PATIENTS * IMAGES, "rebuilt": {}}
    assert sorted(os.listdir(out)) == ["x.h5", "x.json"]


def test_rows_of_other_options_do_no_harm(study, interrupted, dicomprep, out):
    interrupted(study, out / "x.h5", "--mask-rule", "pillow", "--split", "none")
    dicomprep.prep(study.root, out / "fresh.h5")
    result, report = dicomprep.report(study.root, out / "x.h5", "--segment-rows", "7")
    assert report["rows"]["rebuilt"] == {"option mask_rule differs": PATIENTS * IMAGES}
    assert (out / "x.h5").read_bytes() == (out / "fresh.h5").read_bytes()
    assert "x.h5.parts: its rows are not used, because another mask_rule made them" in result.stderr


# ---------------------------------------------------------------- any change


def contents(path):
    """What each row was made of: the digests of its image and annotations."""
    with h5py.File(path) as file:
        samples = file["samples"]
        columns = [samples[name][:] for name in ("source_sha256", "annotated", "annotation_sha256")]
    return [tuple(column[row].tobytes() for column in columns) for row in range(len(columns[0]))]


def outline(chance):
    """A contour somewhere in an image of 24 x 24, sometimes outside of it."""
    x, y = chance.uniform(-4, 20), chance.uniform(-4, 20)
    return [(x, y), (x + chance.uniform(1, 9), y), (x + 3, y + chance.uniform(1, 9))]


def change(study, chance, number):
    """Changes something, as people do."""
    patients = sorted(path.name for path in (study.root / "dicoms").iterdir())
    patient, image = chance.choice(patients), chance.randint(1, IMAGES)
    path = study.image_path(patient, image)
    match chance.randrange(9):
        case 0:
            study.add(patient, image, noise((24, 24), -50, 900, "changed", number).astype(np.int16))
        case 1:
            study.contour(patient, image, outline(chance))
        case 2:
            study.contour(patient, image, outline(chance), "outer")
        case 3:
            study.contour_path(patient, image).unlink(missing_ok=True)
        case 4:
            path.unlink(missing_ok=True)
        case 5:
            study.add(f"A{number}", chance.randint(1, 3), noise((24, 24), -50, 900, number).astype(np.int16))
        case 6 if path.exists():
            # The same image and contour under other names.
            study.add(f"R{number}", image + 60, path.read_bytes(), SQUARE)
        case 7:
            study.contour_path(patient, image).write_text("no contour\n")
        case 8:
            # Another patient id for all images of one.
            study.originals = {f"N{number}" if name == patient else name: original
                               for name, original in study.originals.items()}
            (study.root / "dicoms" / patient).rename(study.root / "dicoms" / f"N{number}")
            rows = [f"{name},{original}\n" for name, original in study.originals.items()]
            (study.root / "link.csv").write_text("patient_id,original_id\n" + "".join(rows))


CHOICES = [["--structures", "inner,outer"], ["--require", "all"], ["--unlabelled", "include"], ["--split", "none"],
           ["--on-finding", "keep"], ["--threads", "1"]]


@pytest.mark.parametrize("seed", range(60 if LONG else 8))
def test_after_any_change_the_file_is_that_of_a_run_that_makes_every_row(seed, study, interrupted, dicomprep, out, tmp_path):
    chance = random.Random(seed)
    words = [word for choice in chance.sample(CHOICES, 3) for word in choice]
    (tmp_path / "key").write_bytes(b"sixteen secret bytes")
    for patient in ("P1", "P2"):
        for number in range(1, IMAGES + 1):
            side = 12 + chance.uniform(0, 3)
            study.contour(patient, number, [(0.5, 0.5), (side, 0.5), (side, side), (0.5, side)], "outer")
    for number in range(chance.randint(0, 6)):
        change(study, chance, 100 * seed + number)
    old = [*words, *(["--pseudonym-key", tmp_path / "key"] if chance.random() < 0.3 else [])]
    run(dicomprep, study, out / "old.h5", *old)
    (tmp_path / "kept").mkdir()
    interrupted(study, tmp_path / "kept" / "x.h5", *old)
    for number in range(chance.randint(1, 8)):
        change(study, chance, 100 * seed + 50 + number)
    new = [*words, "--split-seed", "5"] if "none" not in words else words
    new += ["--pseudonym-key", tmp_path / "key"] if chance.random() < 0.3 else []
    run(dicomprep, study, out / "fresh.h5", *new)
    known = set(contents(out / "old.h5"))
    if "--pseudonym-key" in new and "--pseudonym-key" not in old:
        # A file with a key stores keyed digests.
        known = {(keyed(image), annotated, keyed(annotations)) for image, annotated, annotations in known}
    expected = sum(content in known for content in contents(out / "fresh.h5"))
    for way in ("reuse", "kept"):
        more = ["--reuse", out / "old.h5"]
        if way == "kept":
            shutil.copytree(tmp_path / "kept", out, dirs_exist_ok=True)
            more = ["--segment-rows", "3"]
        run(dicomprep, study, out / "x.h5", *new, *more, "--report", out / "x.json", "--force")
        rows = json.loads((out / "x.json").read_text())["rows"]
        assert (out / "x.h5").read_bytes() == (out / "fresh.h5").read_bytes()
        assert rows["reused"] == expected and rows["made"] == sum(rows["rebuilt"].values()), (rows, expected)
        assert not (out / "x.h5.parts").exists()


def run(dicomprep, study, output, *words):
    result = dicomprep("prep", study.root, "-o", output, *words)
    assert result.returncode in (0, 3), result.stderr


def test_the_fixtures_are_reused(dicomprep, out):
    both = ["--structures", "inner,outer", "--unlabelled", "include"]
    dicomprep.prep(FIXTURES, out / "old.h5", *both)
    study = Study.__new__(Study)
    study.root = FIXTURES
    rows, _ = fresh_and_reused(dicomprep, study, out, [out / "old.h5"], *both)
    assert rows["made"] == 0 and rows["reused"] > 0


def keyed(digests):
    """Digests of 32 bytes as a file with the key of these tests stores them; zeros stand for none."""
    parts = [digests[at:at + 32] for at in range(0, len(digests), 32)]
    key = b"sixteen secret bytes"
    return b"".join(hmac.digest(key, b"dicomprep source v1" + part, "sha256") if any(part) else part for part in parts)
