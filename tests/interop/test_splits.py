"""Which patients train, validate and test; equal images; pseudonyms; and what never leaves the headers."""

import csv
import hashlib
import hmac
import json
import shutil
import subprocess
from fractions import Fraction

import h5py
import numpy as np
import pytest
from pydicom.uid import RLELossless

import expect
from conftest import FIXTURES
from trees import Study, dicom, noise, small_study

PATIENTS = [f"PAT{n:03}" for n in range(12)]
HALVES = (("train", "0.5"), ("val", "0.5"))


def column(path, name):
    with h5py.File(path) as file:
        return file[f"samples/{name}"].asstr()[:].tolist()


def splits(path):
    """The split of each patient; every patient has one."""
    found = {}
    for patient, split in zip(column(path, "patient_id"), column(path, "split")):
        assert found.setdefault(patient, split) == split
    return found


def planned(dicomprep, root, *words):
    """The split of each patient as a dry run tells it."""
    result = dicomprep("prep", root, "--dry-run", *words)
    assert result.returncode == 0, result.stderr
    rows = csv.DictReader(result.stdout.splitlines(), delimiter="\t")
    return {row["id"].split("/")[0]: row["split"] for row in rows}


def check_no_leak(path):
    """No image stands in two splits, and the statistics are those of the final train split."""
    with h5py.File(path) as file:
        expect.check_statistics(file)
        names = file["samples/split"].asstr()[:]
        pixels, files = {}, {}
        for row, split in enumerate(names):
            pixels.setdefault(file["images"][row].tobytes(), set()).add(split)
            files.setdefault(file["samples/source_sha256"][row].tobytes(), set()).add(split)
    assert all(len(found) == 1 for found in [*pixels.values(), *files.values()])


# ---------------------------------------------------------------- fractions


def test_the_default_splits_the_fixtures(dicomprep, out):
    _, report = dicomprep.report(FIXTURES, out / "x.h5")
    found = splits(out / "x.h5")
    assert found == expect.splits(["SYN0000101", "SYN0000201", "SYN0000301", "SYN0000401"])
    assert set(found.values()) == {"train", "val", "test"}
    names = column(out / "x.h5", "split")
    assert report["splits"] == {
        name: {"samples": names.count(name), "patients": list(found.values()).count(name)} for name in set(names)}
    with h5py.File(out / "x.h5") as file:
        assert "train=0.8,val=0.1,test=0.1" in file.attrs["split_rule"] and file.attrs["split_seed"] == 0
        assert "split_joined" not in file.attrs and "split_left_out" not in file.attrs
    check_no_leak(out / "x.h5")


def test_without_splits_all_rows_count(dicomprep, out):
    _, report = dicomprep.report(FIXTURES, out / "x.h5", "--split", "none")
    assert set(column(out / "x.h5", "split")) == {""}
    assert report["splits"] == {"": {"samples": 20, "patients": 4}}
    with h5py.File(out / "x.h5") as file:
        assert file.attrs["split_rule"] == "none"
        expect.check_statistics(file)


def test_the_rule_is_the_one_in_the_file(dicomprep, tmp_path):
    study = small_study(tmp_path / "data", PATIENTS)
    seen = set()
    for seed in range(6):
        for spec in (HALVES, (("train", "0.6"), ("val", "0.3"), ("test", "0.1")), (("test", "1"),)):
            text = ",".join(f"{name}={share}" for name, share in spec)
            found = planned(dicomprep, study.root, "--split", text, "--split-seed", seed)
            assert found == expect.splits(PATIENTS, seed, spec)
            if spec == HALVES:
                seen.add(tuple(found.values()))
    assert len(seen) == 6, "every seed makes other splits"


BAD_SPECS = {
    "train": "NAME=FRACTION", "train=0.5": "add up to 0.5", "train=0.5,dev=0.5": "`dev`", "train=x": "`x`",
    "train=0.5,train=0.5": "named twice", "train=1.5,val=-0.5": "1.5", "": "NAME=FRACTION", "train=NaN": "NaN",
    "train=0.8,val=0.1,test=0.2": "add up to 1.1",
}


@pytest.mark.parametrize("spec", BAD_SPECS)
def test_a_bad_spec_is_a_usage_error(spec, dicomprep, out):
    result = dicomprep.prep(FIXTURES, out / "x.h5", f"--split={spec}", code=2)
    assert "--split" in result.stderr and BAD_SPECS[spec] in result.stderr and not list(out.iterdir())


def by_hash(count):
    """The splits of so many patients by their hashes alone, the default fractions and seed 0."""
    def fall(u):
        return "train" if u < Fraction("0.8") else "val" if u < Fraction("0.9") else "test"

    return {f"P{number:03}": fall(expect.split_number(0, f"P{number:03}")) for number in range(count)}


def test_a_new_patient_moves_nobody(dicomprep, tmp_path):
    # As many patients as it takes until their hashes fill every split.
    known = next(n for n in range(3, 200) if set(by_hash(n).values()) == {"train", "val", "test"})
    study = small_study(tmp_path / "data", [f"P{number:03}" for number in range(known)])
    before = planned(dicomprep, study.root)
    assert before == by_hash(known)
    table = tmp_path / "data" / "link.csv"
    for number in range(20):
        patient = f"NEW{number:02}"
        study.add(patient, 1, noise((8, 8), 0, 900, patient).astype(np.int16))
        heading, *rows = table.read_text().splitlines()
        table.write_text("\n".join([heading, *(rows[-1:] + rows[:-1] if number % 2 else rows)]) + "\n")
        after = planned(dicomprep, study.root)
        assert {name: after[name] for name in before} == before and len(after) == len(before) + 1
        before = after
    dicomprep.prep(study.root, tmp_path / "x.h5")
    assert splits(tmp_path / "x.h5") == before and set(before.values()) == {"train", "val", "test"}
    check_no_leak(tmp_path / "x.h5")


# ---------------------------------------------------------------- equal images


def joined(patients, groups, seed, fractions):
    """The splits where the first patient of each group is drawn and the others follow."""
    leader = {patient: group[0] for group in groups for patient in group}
    drawn = expect.splits([p for p in patients if leader.get(p, p) == p], seed, fractions)
    return {patient: drawn[leader.get(patient, patient)] for patient in patients}


def seed_where(condition):
    return next(seed for seed in range(1000) if condition(seed))


KINDS = {
    "the same file": lambda study, first, second: shutil.copyfile(
        study.image_path(first, 1), study.image_path(second, 1)),
    "another header": lambda study, first, second: study.add(
        second, 1, dicom(noise((8, 8), -200, 900, first, 1).astype(np.int16), PatientName="Someone^Else",
                         window=(1, 2))),
    "another coding": lambda study, first, second: study.add(second, 1, run_length(first)),
}


def run_length(patient):
    image = dicom(noise((8, 8), -200, 900, patient, 1).astype(np.int16))
    image.compress(RLELossless)
    return image


MOVES = {"into train": ("val", "train"), "out of train": ("train", "val")}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("move", MOVES)
@pytest.mark.parametrize("dtype", ["int16", "float32"])
def test_patients_with_an_equal_image_stand_in_one_split(dtype, move, kind, dicomprep, tmp_path):
    study = small_study(tmp_path / "data", PATIENTS, images=2)
    first, second = PATIENTS[4], PATIENTS[9]
    alone, together = MOVES[move]

    def separates(seed):
        apart = expect.splits(PATIENTS, seed, HALVES)
        return (apart[second], apart[first]) == (alone, together)

    seed = seed_where(separates)
    words = ["--split", "train=0.5,val=0.5", "--split-seed", seed, "--dtype", dtype]
    dicomprep.prep(study.root, tmp_path / "apart.h5", *words)
    assert splits(tmp_path / "apart.h5")[second] == alone
    KINDS[kind](study, first, second)
    result, report = dicomprep.report(study.root, tmp_path / "x.h5", *words)
    found = splits(tmp_path / "x.h5")
    assert found[first] == found[second] == together
    assert found == joined(PATIENTS, [[first, second]], seed, HALVES)
    check_no_leak(tmp_path / "x.h5")
    with h5py.File(tmp_path / "x.h5") as file:
        assert list(file.attrs["split_joined"]) == [f"{first},{second}"]
        assert len(file["images"]) == 2 * len(PATIENTS), "no row is left out"
    noted = [note for note in report["notes"] if "one split" in note["text"]]
    assert len(noted) == 1 and noted[0]["places"] == [f"dicoms/{second}/1.dcm"]
    assert f"dicoms/{first}/1.dcm" in noted[0]["text"] and f"dicoms/{first}/1.dcm" in result.stderr


def test_the_one_that_filled_a_split_may_be_joined(dicomprep, tmp_path):
    # The joined patient was the first in its split: without it, another one fills that split.
    study = small_study(tmp_path / "data", PATIENTS, images=2)
    first, second = PATIENTS[0], PATIENTS[1]
    fractions = (("train", "0.8"), ("val", "0.1"), ("test", "0.1"))

    def others_move(seed):
        apart, after = expect.splits(PATIENTS, seed), joined(PATIENTS, [[first, second]], seed, fractions)
        moved = [patient for patient in PATIENTS[2:] if apart[patient] != after[patient]]
        return any(apart[patient] == "train" for patient in moved)

    seed = seed_where(others_move)
    shutil.copyfile(study.image_path(first, 1), study.image_path(second, 2))
    dicomprep.prep(study.root, tmp_path / "x.h5", "--split-seed", seed)
    assert splits(tmp_path / "x.h5") == joined(PATIENTS, [[first, second]], seed, fractions)
    check_no_leak(tmp_path / "x.h5")


def test_groups_grow_over_several_images(dicomprep, tmp_path):
    study = small_study(tmp_path / "data", PATIENTS, images=2)
    pairs = [(2, 8), (5, 8), (1, 7), (3, 11), (7, 11)]
    for number, (first, second) in enumerate(pairs, 3):
        image = noise((8, 8), 0, 9, "shared", number).astype(np.int16)
        for patient in (PATIENTS[first], PATIENTS[second]):
            study.add(patient, number, image)
    groups = [[PATIENTS[n] for n in group] for group in ((1, 3, 7, 11), (2, 5, 8))]
    for seed in range(8):
        path = tmp_path / f"{seed}.h5"
        dicomprep.prep(study.root, path, "--split", "train=0.5,val=0.5", "--split-seed", seed)
        assert splits(path) == joined(PATIENTS, groups, seed, HALVES)
        check_no_leak(path)
        with h5py.File(path) as file:
            assert list(file.attrs["split_joined"]) == [",".join(group) for group in groups]


def test_equal_images_of_one_patient_are_no_matter(dicomprep, tmp_path):
    study = small_study(tmp_path / "data", PATIENTS[:4], images=2)
    shutil.copyfile(study.image_path(PATIENTS[2], 1), study.image_path(PATIENTS[2], 2))
    _, report = dicomprep.report(study.root, tmp_path / "x.h5")
    assert splits(tmp_path / "x.h5") == expect.splits(PATIENTS[:4])
    assert not [note for note in report["notes"] if "equal" in note["text"]]


def test_without_splits_equal_images_are_no_matter(dicomprep, tmp_path):
    study = small_study(tmp_path / "data", PATIENTS[:4])
    shutil.copyfile(study.image_path(PATIENTS[1], 1), study.image_path(PATIENTS[2], 1))
    dicomprep.prep(study.root, tmp_path / "x.h5", "--split", "none")
    with h5py.File(tmp_path / "x.h5") as file:
        assert len(file["images"]) == 4 and "split_joined" not in file.attrs


def test_a_split_that_joining_empties_is_noted(dicomprep, tmp_path):
    study = small_study(tmp_path / "data", PATIENTS[:3], images=2)
    for patient in PATIENTS[1:3]:
        shutil.copyfile(study.image_path(PATIENTS[0], 1), study.image_path(patient, 1))
    result, report = dicomprep.report(study.root, tmp_path / "x.h5")
    assert set(splits(tmp_path / "x.h5").values()) == {"train"}
    assert {"val", "test"} == {note["text"].split()[1] for note in report["notes"] if "is empty" in note["text"]}
    assert "split val is empty" in result.stderr
    check_no_leak(tmp_path / "x.h5")


def test_a_patient_of_whom_nothing_is_left_takes_no_split(dicomprep, tmp_path):
    study = small_study(tmp_path / "data", PATIENTS[:6], images=2)
    study.contour_path(PATIENTS[0], 1).write_text("nonsense\n")
    path = study.image_path(PATIENTS[0], 2)
    path.write_bytes(path.read_bytes()[:-2])
    _, report = dicomprep.report(study.root, tmp_path / "x.h5", code=3)
    assert report["patients"] == 5
    assert splits(tmp_path / "x.h5") == expect.splits(PATIENTS[1:6]), "the first patient with a sample takes train"
    check_no_leak(tmp_path / "x.h5")


# ---------------------------------------------------------------- a table of splits


def table(path, rows):
    path.write_text("patient_id,split\n" + "".join(f"{patient},{split}\n" for patient, split in rows))
    return path


CHOSEN = dict(zip(PATIENTS, ["val", "test", "train", "train"] * 3))


def test_a_table_decides(dicomprep, tmp_path):
    study = small_study(tmp_path / "data", PATIENTS)
    file = table(tmp_path / "splits.csv", [*reversed(CHOSEN.items()), ("STRANGER", "val")])
    _, report = dicomprep.report(study.root, tmp_path / "x.h5", "--split-file", file)
    assert splits(tmp_path / "x.h5") == CHOSEN
    assert any("STRANGER" in note["text"] for note in report["notes"])
    check_no_leak(tmp_path / "x.h5")
    with h5py.File(tmp_path / "x.h5") as packed:
        assert "table" in packed.attrs["split_rule"]
        assert str(tmp_path) not in packed.attrs["config"]


def test_a_table_that_lacks_a_patient_is_refused(dicomprep, tmp_path, out):
    study = small_study(tmp_path / "data", PATIENTS)
    file = table(tmp_path / "splits.csv", [row for row in CHOSEN.items() if row[0] not in (PATIENTS[3], PATIENTS[6])])
    result = dicomprep.prep(study.root, out / "x.h5", "--split-file", file, code=1)
    assert PATIENTS[3] in result.stderr and PATIENTS[6] in result.stderr and "splits.csv" in result.stderr
    assert not list(out.iterdir())


@pytest.mark.parametrize("row, words", [
    ("PAT001,dev", ["splits.csv:3", "dev", "train, val and test"]), ("PAT001,", ["splits.csv:3"]),
    (",train", ["splits.csv:3"]), ("PAT000,train", ["splits.csv:3", "PAT000", "line 2"]),
])
def test_a_bad_row_of_a_table_is_named(row, words, dicomprep, tmp_path, out):
    study = small_study(tmp_path / "data", PATIENTS[:2])
    (tmp_path / "splits.csv").write_text(f"patient_id,split\nPAT000,val\n{row}\n")
    result = dicomprep.prep(study.root, out / "x.h5", "--split-file", tmp_path / "splits.csv", code=1)
    for word in words:
        assert word in result.stderr
    assert not list(out.iterdir())


def test_a_table_without_its_columns_or_its_file_is_refused(dicomprep, tmp_path, out):
    (tmp_path / "splits.csv").write_text("patient,part\nPAT000,val\n")
    result = dicomprep.prep(FIXTURES, out / "x.h5", "--split-file", tmp_path / "splits.csv", code=1)
    assert "patient_id" in result.stderr and "splits.csv" in result.stderr
    result = dicomprep.prep(FIXTURES, out / "x.h5", "--split-file", tmp_path / "none.csv", code=1)
    assert "none.csv" in result.stderr


@pytest.mark.parametrize("train_first", [True, False])
def test_a_table_that_separates_equal_images_loses_the_later_one(train_first, dicomprep, tmp_path):
    study = small_study(tmp_path / "data", PATIENTS, images=2)
    chosen = dict(CHOSEN)
    first, second, same = PATIENTS[4], PATIENTS[9], PATIENTS[10]
    chosen[first], chosen[second] = ("train", "val") if train_first else ("val", "train")
    chosen[same] = chosen[first]
    KINDS["another header"](study, first, second)
    KINDS["the same file"](study, first, same)
    file = table(tmp_path / "splits.csv", chosen.items())
    result, report = dicomprep.report(study.root, tmp_path / "x.h5", "--split-file", file, code=3)
    assert splits(tmp_path / "x.h5") == chosen
    check_no_leak(tmp_path / "x.h5")
    assert set(column(tmp_path / "x.h5", "id")) == {
        f"{patient}/{n}" for patient in PATIENTS for n in (1, 2)} - {f"{second}/1"}
    assert report["split_left_out"] == [f"{second}/1"]
    assert report["reasons"] == {"image-in-other-split": 1, "image-rejected": 1}
    assert sum(report["bins"].values()) == report["files"]
    assert f"dicoms/{second}/1.dcm" in result.stderr and f"dicoms/{first}/1.dcm" in result.stderr
    with h5py.File(tmp_path / "x.h5") as packed:
        assert list(packed.attrs["split_left_out"]) == [f"{second}/1"]
    strict = dicomprep.prep(study.root, tmp_path / "s.h5", "--split-file", file, "--strict", code=1)
    assert "--strict" in strict.stderr and not (tmp_path / "s.h5").exists()


# ---------------------------------------------------------------- pseudonyms

SECRET = ["Quetzalcoatl-77123", "Xylophonist-88451", "Ärztin-99Žižka", "Popocatepetl-00017", "Zwischenfall-31337"]
KEY = b"\x00correct horse\nbattery staple\xff"


@pytest.fixture
def named(tmp_path):
    """A study whose ids occur nowhere by chance, and the file with the key."""
    study = Study(tmp_path / "data")
    for patient in SECRET:
        study.patient(patient, f"original-of-{patient[::-1]}")
        for number in (1, 2):
            image = dicom(noise((8, 8), 0, 900, patient, number).astype(np.int16), PatientID=patient,
                          PatientName=patient)
            study.add(patient, number, image)
    (tmp_path / "key").write_bytes(KEY)
    return study


def pseudonym(text):
    return hmac.new(KEY, text.encode(), hashlib.sha256).hexdigest()


def keyed_digest(data):
    message = b"dicomprep source v1" + hashlib.sha256(data).digest()
    return hmac.new(KEY, message, hashlib.sha256).hexdigest()


def split_number(seed, patient):
    digest = hashlib.sha256(b"dicomprep split v1" + seed.to_bytes(8, "little") + patient.encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def everything(path):
    """Each text and each byte of a file: raw, in columns and in attributes."""
    texts = [path.read_bytes()]
    with h5py.File(path) as file:
        def visit(_, item):
            for value in item.attrs.values():
                texts.append(str(np.asarray(value).tolist()).encode())
            if isinstance(item, h5py.Dataset):
                texts.append(item[:].tobytes())
        visit("/", file)
        file.visititems(visit)
    return texts


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("compression", [0, 4])
def test_pseudonyms_replace_the_ids_everywhere(compression, named, dicomprep, tmp_path):
    words = ["--compression", compression, "--split", "train=0.5,val=0.5", "--split-seed", 3]
    shutil.copyfile(named.image_path(SECRET[1], 1), named.image_path(SECRET[3], 1))
    dicomprep.prep(named.root, tmp_path / "plain.h5", *words)
    result = dicomprep.prep(named.root, tmp_path / "x.h5", *words, "--pseudonym-key", tmp_path / "key")
    columns = ("id", "patient_id", "original_id", "source")
    plain = {name: column(tmp_path / "plain.h5", name) for name in columns}
    found = {name: column(tmp_path / "x.h5", name) for name in plain}
    # Patients are in the order of their pseudonyms, each with its rows in the order of the numbers.
    order = sorted(range(len(plain["id"])), key=lambda row: (pseudonym(plain["patient_id"][row]), row))
    assert order != list(range(len(order)))
    plain = {name: [texts[row] for row in order] for name, texts in plain.items()}
    assert found["patient_id"] == [pseudonym(text) for text in plain["patient_id"]]
    assert found["original_id"] == [pseudonym(text) for text in plain["original_id"]]
    assert found["id"] == [f"{pseudonym(text.split('/')[0])}/{text.split('/')[1]}" for text in plain["id"]]
    assert found["source"] == [
        f"dicoms/{pseudonym(text.split('/')[1])}/{text.split('/')[2]}" for text in plain["source"]]
    # The split is drawn by the pseudonym: nobody without the key can draw it for a name.
    drawn = {patient: split_number(3, patient) < 0.5 for patient in found["patient_id"]}
    drawn[pseudonym(SECRET[3])] = drawn[pseudonym(SECRET[1])] = drawn[min(pseudonym(SECRET[1]), pseudonym(SECRET[3]))]
    if len(set(drawn.values())) == 2:
        splits = column(tmp_path / "x.h5", "split")
        assert splits == ["train" if drawn[patient] else "val" for patient in found["patient_id"]]
    ids = [text for patient, original in named.originals.items() for text in (patient, original)]
    for content in everything(tmp_path / "x.h5"):
        for text in [*ids, *(text.split("-")[0] for text in SECRET)]:
            assert text.encode() not in content, text
    # The same search finds them where they are.
    assert all(any(text.encode() in content for content in everything(tmp_path / "plain.h5")) for text in ids)
    with h5py.File(tmp_path / "x.h5") as file:
        assert list(file.attrs["split_joined"]) == [",".join(sorted(pseudonym(SECRET[n]) for n in (1, 3)))]
        assert json.loads(file.attrs["config"])["pseudonyms"] is True
        lines = []
        for row, source in enumerate(found["source"]):
            patient, number = plain["id"][row].split("/")
            contour = named.contour_path(patient, int(number))
            digests = [file[f"samples/{name}"][row].tobytes().hex() for name in ("source_sha256", "annotation_sha256")]
            sources = [named.image_path(patient, int(number)), contour]
            assert digests == [keyed_digest(source.read_bytes()) for source in sources]
            lines += [f"{digests[0]}  {source}",
                      f"{digests[1]}  contourfiles/{found['original_id'][row]}/i-contours/{contour.name}"]
        lines.sort(key=str.encode)
        text = "".join(line + "\n" for line in lines)
        assert file.attrs["source_digest"] == hashlib.sha256(text.encode()).hexdigest()
    assert result.returncode == 0


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_what_a_table_leaves_out_has_pseudonyms_too(named, dicomprep, tmp_path):
    shutil.copyfile(named.image_path(SECRET[1], 1), named.image_path(SECRET[3], 1))
    file = table(tmp_path / "splits.csv", zip(SECRET, ["train", "train", "val", "val", "test"]))
    words = ["--split-file", file, "--pseudonym-key", tmp_path / "key", "--compression", "0"]
    dicomprep.prep(named.root, tmp_path / "x.h5", *words, code=3)
    with h5py.File(tmp_path / "x.h5") as packed:
        # Of two equal images, the one of the patient whose pseudonym comes later.
        assert list(packed.attrs["split_left_out"]) == [f"{max(pseudonym(SECRET[n]) for n in (1, 3))}/1"]
    for content in everything(tmp_path / "x.h5"):
        assert not any(text.encode() in content for text in SECRET)


def test_an_id_that_is_also_the_name_of_a_file_or_folder(dicomprep, tmp_path):
    study = Study(tmp_path / "data")
    for patient, original in (("1", "2"), ("dicoms", "contourfiles"), ("i-contours", "7")):
        study.patient(patient, original)
        study.add(patient, 1, noise((8, 8), 0, 900, patient).astype(np.int16))
    (tmp_path / "key").write_bytes(KEY)
    dicomprep.prep(study.root, tmp_path / "x.h5", "--pseudonym-key", tmp_path / "key")
    order = sorted(["1", "dicoms", "i-contours"], key=pseudonym)
    assert column(tmp_path / "x.h5", "id") == [f"{pseudonym(patient)}/1" for patient in order]
    assert column(tmp_path / "x.h5", "source") == [f"dicoms/{pseudonym(patient)}/1.dcm" for patient in order]


@pytest.mark.parametrize("content, words", [
    (b"", "empty"), (b"fifteen bytes..", "15 bytes"), (b"x", "head -c 32 /dev/urandom"), (None, "No such file")])
def test_a_key_that_is_none_is_refused(content, words, dicomprep, tmp_path, out):
    if content is not None:
        (tmp_path / "key").write_bytes(content)
    result = dicomprep.prep(FIXTURES, out / "x.h5", "--pseudonym-key", tmp_path / "key", code=1)
    assert "--pseudonym-key" in result.stderr and words in result.stderr and not list(out.iterdir())


def test_the_folders_of_a_keyed_file_have_their_usual_names(named, dicomprep, tmp_path):
    dicomprep.prep(named.root, tmp_path / "x.h5", "--pseudonym-key", tmp_path / "key")
    (named.root / "dicoms").rename(tmp_path / "Clinic of Doctor Caligari")
    (named.root / "contourfiles").rename(named.root / "Drawn by Doctor Mabuse")
    words = ["--dicoms", tmp_path / "Clinic of Doctor Caligari", "--contours", named.root / "Drawn by Doctor Mabuse",
             "--pseudonym-key", tmp_path / "key"]
    dicomprep.prep(named.root, tmp_path / "y.h5", *words)
    assert (tmp_path / "x.h5").read_bytes() == (tmp_path / "y.h5").read_bytes()
    dicomprep.prep(named.root, tmp_path / "s.h5", *words, "--shard", "0/2", "--compression", "0")
    for content in everything(tmp_path / "s.h5"):
        assert b"Doctor" not in content


def test_the_order_of_the_link_table_changes_nothing(named, dicomprep, tmp_path):
    words = ["--pseudonym-key", tmp_path / "key"]
    dicomprep.prep(named.root, tmp_path / "x.h5", *words)
    for index in range(2):
        dicomprep.prep(named.root, tmp_path / f"s{index}.h5", *words, "--shard", f"{index}/2")
    table = named.root / "link.csv"
    head, *rows = table.read_text(encoding="utf-8").splitlines()
    table.write_text("\n".join([head, *reversed(rows)]) + "\n", encoding="utf-8")
    dicomprep.prep(named.root, tmp_path / "y.h5", *words)
    assert (tmp_path / "x.h5").read_bytes() == (tmp_path / "y.h5").read_bytes()
    for index in range(2):
        dicomprep.prep(named.root, tmp_path / f"t{index}.h5", *words, "--shard", f"{index}/2")
        assert (tmp_path / f"s{index}.h5").read_bytes() == (tmp_path / f"t{index}.h5").read_bytes()
    dicomprep("merge", "-o", tmp_path / "m.h5", tmp_path / "s0.h5", tmp_path / "s1.h5")
    assert (tmp_path / "m.h5").read_bytes() == (tmp_path / "x.h5").read_bytes()
    assert dicomprep("verify", tmp_path / "x.h5", "--against", named.root, *words).returncode == 0


def test_a_key_comes_out_of_a_pipe(named, dicomprep, tmp_path):
    dicomprep.prep(named.root, tmp_path / "x.h5", "--pseudonym-key", tmp_path / "key")
    command = '"$0" prep "$1" -o "$2" --pseudonym-key <(cat "$3")'
    words = ["bash", "-c", command, dicomprep.path, named.root, tmp_path / "y.h5", tmp_path / "key"]
    result = subprocess.run(list(map(str, words)), capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "x.h5").read_bytes() == (tmp_path / "y.h5").read_bytes()


def test_a_key_that_others_may_use_is_remarked(named, dicomprep, tmp_path):
    for mode, remarked in ((0o644, True), (0o600, False), (0o640, True)):
        (tmp_path / "key").chmod(mode)
        result = dicomprep.prep(named.root, tmp_path / "x.h5", "--pseudonym-key", tmp_path / "key", "--force")
        assert ("chmod 600" in result.stderr) == remarked
        assert "true ids" in result.stderr


def test_a_report_may_travel_with_pseudonyms(named, dicomprep, tmp_path):
    # A folder that no row names, a broken contour, a row without a folder, and equal images.
    shutil.copytree(named.root / "dicoms" / SECRET[0], named.root / "dicoms" / "Rumpelstilz-5")
    named.contour_path(SECRET[2], 1).write_text("no number")
    shutil.copyfile(named.image_path(SECRET[1], 1), named.image_path(SECRET[3], 1))
    with open(named.root / "link.csv", "a", encoding="utf-8") as table:
        table.write(f"{SECRET[0]},Hieronymus-4\n")
    words = ["--pseudonym-key", tmp_path / "key", "--report", tmp_path / "r.json"]
    secret = [*SECRET, "Rumpelstilz-5", "Hieronymus-4", *(f"original-of-{patient[::-1]}" for patient in SECRET)]
    (tmp_path / "key").chmod(0o600)
    dicomprep.prep(named.root, tmp_path / "x.h5", *words, code=3)
    text = (tmp_path / "r.json").read_text(encoding="utf-8")
    assert sum(name in text for name in secret) > 3 and (tmp_path / "r.json").stat().st_mode & 0o777 == 0o600
    dicomprep.prep(named.root, tmp_path / "x.h5", *words, "--report-ids", "pseudonyms", "--force", code=3)
    text = (tmp_path / "r.json").read_text(encoding="utf-8")
    assert not [name for name in secret if name in text]
    assert pseudonym(f"original-of-{SECRET[2][::-1]}") in text and (tmp_path / "r.json").stat().st_mode & 0o777 == 0o600
    (tmp_path / "r.json").chmod(0o644)
    dicomprep.prep(named.root, tmp_path / "x.h5", *words, "--force", code=3)
    assert (tmp_path / "r.json").stat().st_mode & 0o777 == 0o600
    result = dicomprep.prep(named.root, tmp_path / "y.h5", "--report-ids", "pseudonyms", code=2)
    assert "--pseudonym-key" in result.stderr


# ---------------------------------------------------------------- what headers hold beside the image

PRIVATE = {
    "PatientName": "Wolpertinger^Xaverius", "PatientID": "MRN-9988776655", "PatientBirthDate": "19031127",
    "StudyDate": "20190817", "SeriesDate": "20190818", "AcquisitionDate": "20190819", "ContentDate": "20190820",
    "StudyTime": "171513.8765", "StudyInstanceUID": "2.25.8877665544", "SeriesInstanceUID": "2.25.1122334455",
    "FrameOfReferenceUID": "2.25.6677889900", "InstitutionName": "Kurhaus am Brocken",
    "InstitutionAddress": "Hexenstieg 13", "ReferringPhysicianName": "Mabuse^Doktor", "OperatorsName": "Frankenstein^V",
    "StationName": "QXZSTATION9", "DeviceSerialNumber": "SER-55443322", "StudyDescription": "Befund Lindwurm",
    "SeriesDescription": "Kine Basilisk", "ImageComments": "Kommentar Klabauter", "PatientAddress": "Rabenweg 66",
    "AccessionNumber": "ACC-13579", "ProtocolName": "Protokoll Nachtalb", "RequestingPhysician": "Caligari^Doktor",
    "PatientComments": "Anmerkung Irrlicht", "WindowCenterWidthExplanation": "Fenster Kobold",
}


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_nothing_else_of_a_header_is_in_the_file(dicomprep, tmp_path):
    study = Study(tmp_path / "data")
    for number in (1, 2):
        image = dicom(noise((8, 8), 0, 900, number).astype(np.int16), window=(40, 400), **PRIVATE)
        image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = f"2.25.424242424242{number}"
        image.private_block(0x0029, "CREATOR WICHTEL", create=True).add_new(1, "LO", "privat Wichtelmann")
        image.add_new(0x60003000, "OW", b"Overlay Gnom" * 2)
        image.preamble = b"preamble Rumpelstilzchen".ljust(128, b"!")
        study.add("P1", number, image)
    dicomprep.prep(study.root, tmp_path / "x.h5", "--compression", "0")
    secrets = [*PRIVATE.values(), "424242424242", "WICHTEL", "Wichtelmann", "Overlay Gnom", "Rumpelstilzchen",
               "Wolpertinger", "Xaverius"]
    source = study.image_path("P1", 1).read_bytes()
    for content in everything(tmp_path / "x.h5"):
        for secret in secrets:
            assert secret.encode() not in content, secret
    assert all(secret.encode() in source for secret in secrets), "the search would find them"
