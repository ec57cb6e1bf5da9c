"""One person under several ids, several studies of one, and splits that an earlier file has."""

import csv
import shutil

import h5py
import numpy as np
import pytest

import expect
from conftest import sunnybrook
from test_audit import covers
from test_splits import column, joined, planned, splits
from trees import SQUARE, Study, dicom, noise

PATIENTS = [f"PAT{n:03}" for n in range(14)]
HALVES = (("train", "0.5"), ("val", "0.5"))
WORDS = ["--split", "train=0.5,val=0.5"]


def person(number, born="19500101"):
    return {"PatientID": f"person {number}", "PatientBirthDate": born}


def image(patient, number, **header):
    return dicom(noise((8, 8), 0, 99, patient, number).astype(np.int16), **header)


def tree(root, headers=None, patients=PATIENTS):
    """Two images of each patient, in a study and of a person of its own but where `headers` says otherwise."""
    study = Study(root)
    for index, patient in enumerate(patients):
        own = {"StudyInstanceUID": f"2.25.7.{index + 1}", **person(index)}
        for number in (1, 2):
            study.add(patient, number, image(patient, number, **{**own, **(headers or {}).get(patient, {})}))
    return study


SHARED = {
    "shared-study": {"StudyInstanceUID": "2.25.7.2"},
    "shared-person": person(1),
}


@covers("shared-study", "shared-person")
@pytest.mark.parametrize("check", SHARED)
def test_one_person_under_two_ids_stands_in_one_split(check, dicomprep, tmp_path):
    first, second = PATIENTS[1], PATIENTS[9]
    study = tree(tmp_path / "data", {second: SHARED[check]})
    for seed in range(8):
        words = [*WORDS, "--split-seed", seed]
        path = tmp_path / f"{seed}.h5"
        result, report = dicomprep.report(study.root, path, *words)
        assert splits(path) == joined(PATIENTS, [[first, second]], seed, HALVES)
        assert planned(dicomprep, study.root, *words) == splits(path)
        assert [(f["check"], f["severity"]) for f in report["findings"]] == [(check, "warning")]
        assert report["findings"][0]["file"] == f"dicoms/{second}/1.dcm"
        assert report["findings"][0]["others"] == [f"dicoms/{first}/1.dcm"]
        with h5py.File(path) as file:
            assert list(file.attrs["split_joined"]) == [f"{first},{second}"]
            found = dict(zip(file["samples/id"].asstr()[:], file["samples/findings"].asstr()[:]))
        assert {name.split("/")[0] for name, text in found.items() if text == check} == {first, second}
        for text in (result.stderr, path.with_suffix(".json").read_text(), path.read_bytes().decode("latin-1")):
            assert not any(secret in text for secret in ("2.25.7", "19500101", "person 1")), "nothing of it is stored"
    audit = dicomprep("audit", study.root, "--json")
    assert audit.returncode == 0 and f'"{check}"' in audit.stdout and "2.25.7" not in audit.stdout


def test_what_is_absent_or_different_is_not_shared(dicomprep, tmp_path):
    headers = {
        PATIENTS[2]: {"StudyInstanceUID": "", **person(1, "")}, PATIENTS[3]: {"StudyInstanceUID": "", **person(1, "")},
        PATIENTS[4]: person(1, "19500102"), PATIENTS[5]: {"PatientID": "", "PatientBirthDate": "19500101"},
        PATIENTS[6]: {"PatientID": "", "PatientBirthDate": "19500101"},
    }
    study = tree(tmp_path / "data", headers)
    _, report = dicomprep.report(study.root, tmp_path / "x.h5")
    assert report["findings"] == [] and splits(tmp_path / "x.h5") == expect.splits(PATIENTS)


def test_reject_and_ignore(dicomprep, tmp_path):
    chain = {PATIENTS[5]: person(1), PATIENTS[7]: {"StudyInstanceUID": "2.25.7.6"}}
    study = tree(tmp_path / "data", chain)
    result, report = dicomprep.report(study.root, tmp_path / "r.h5", *WORDS, "--on-shared", "reject", code=3)
    left = [p for p in PATIENTS if p not in (PATIENTS[5], PATIENTS[7])]
    assert splits(tmp_path / "r.h5") == expect.splits(left, 0, HALVES)
    assert report["reasons"]["shared-patient"] == 4
    assert any(PATIENTS[1] in entry["detail"] for entry in report["rejected"])
    _, report = dicomprep.report(study.root, tmp_path / "i.h5", *WORDS, "--on-shared", "ignore")
    assert splits(tmp_path / "i.h5") == expect.splits(PATIENTS, 0, HALVES)
    assert len(report["findings"]) == 2
    with h5py.File(tmp_path / "i.h5") as file:
        assert "split_joined" not in file.attrs and '"on_shared":"ignore"' in file.attrs["config"]


def test_a_table_that_tears_a_person_apart(dicomprep, tmp_path):
    study = tree(tmp_path / "data", {PATIENTS[9]: person(1)})
    rows = [f"{p},{'val' if p == PATIENTS[9] else 'train'}\n" for p in PATIENTS]
    (tmp_path / "s.csv").write_text("patient_id,split\n" + "".join(rows))
    words = ["--split-file", tmp_path / "s.csv"]
    _, report = dicomprep.report(study.root, tmp_path / "x.h5", *words, code=3)
    assert report["reasons"]["patient-in-other-split"] == 2 and set(splits(tmp_path / "x.h5").values()) == {"train"}
    assert any("--on-shared ignore" in entry["detail"] for entry in report["rejected"])
    dicomprep.prep(study.root, tmp_path / "y.h5", *words, "--on-shared", "ignore")
    assert splits(tmp_path / "y.h5")[PATIENTS[9]] == "val"


def test_order_threads_and_shards_change_nothing(dicomprep, tmp_path):
    headers = {PATIENTS[9]: person(1), PATIENTS[4]: {"StudyInstanceUID": "2.25.7.13"}}
    study = tree(tmp_path / "data", headers)
    dicomprep.prep(study.root, tmp_path / "x.h5", *WORDS, "--threads", 1)
    dicomprep.prep(study.root, tmp_path / "y.h5", *WORDS, "--threads", 3)
    assert (tmp_path / "x.h5").read_bytes() == (tmp_path / "y.h5").read_bytes()
    other = Study(tmp_path / "other")
    other.originals = study.originals
    for patient in reversed(PATIENTS):
        for number in (2, 1):
            for path in (study.image_path(patient, number), study.contour_path(patient, number)):
                copy = other.root / path.relative_to(study.root)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, copy)
    shutil.copyfile(study.root / "link.csv", other.root / "link.csv")
    dicomprep.prep(other.root, tmp_path / "z.h5", *WORDS)
    assert (tmp_path / "x.h5").read_bytes() == (tmp_path / "z.h5").read_bytes()
    for index in range(3):
        dicomprep.prep(study.root, tmp_path / f"s{index}.h5", *WORDS, "--shard", f"{index}/3")
    merged = dicomprep("merge", *(tmp_path / f"s{index}.h5" for index in range(3)), "-o", tmp_path / "m.h5")
    assert merged.returncode == 0, merged.stderr
    assert (tmp_path / "x.h5").read_bytes() == (tmp_path / "m.h5").read_bytes()


def test_two_studies_of_a_patient_are_both_used_and_never_torn_apart(dicomprep, tmp_path):
    study = tree(tmp_path / "data", patients=PATIENTS[:6])
    table = (study.root / "link.csv").read_text()
    (study.root / "link.csv").write_text(table + f"{PATIENTS[0]},second\n")
    header = {"StudyInstanceUID": "2.25.7.99", **person(0)}
    study.add(PATIENTS[0], 3, image(PATIENTS[0], 3, **header), points=None)
    folder = study.root / "contourfiles/second/i-contours"
    folder.mkdir(parents=True)
    (folder / "IM-0001-0003-icontour-manual.txt").write_text("".join(f"{x} {y}\n" for x, y in SQUARE))
    (study.root / "link.csv").write_text(table + f"{PATIENTS[0]},second\n")
    for seed in range(4):
        _, report = dicomprep.report(study.root, tmp_path / f"{seed}.h5", *WORDS, "--split-seed", seed)
        assert splits(tmp_path / f"{seed}.h5") == expect.splits(PATIENTS[:6], seed, HALVES)
        assert column(tmp_path / f"{seed}.h5", "original_id")[:3] == ["ORIG-PAT000", "ORIG-PAT000", "second"]
        assert report["link_rows"] == {"used": 7, "rejected": 0} and report["findings"] == []


# ---------------------------------------------------------------- splits of an earlier file


def grown(root, more):
    """A tree with `more` patients before, between and behind those of PATIENTS."""
    return tree(root, patients=sorted([*PATIENTS, *more]))


MORE = ["AAA", "PAT0035", "ZZZ1", "ZZZ2", "ZZZ3"]


def test_every_patient_stays_where_an_earlier_file_has_it(dicomprep, tmp_path):
    dicomprep.prep(tree(tmp_path / "old").root, tmp_path / "old.h5", "--split", "train=0.5,val=0.2,test=0.3",
                   "--split-seed", 5)
    before = splits(tmp_path / "old.h5")
    study = grown(tmp_path / "new", MORE)
    # Whatever is asked for: it is for new patients alone.
    for words in ([], ["--split", "test=1"], ["--split-seed", "9"]):
        result, report = dicomprep.report(
            study.root, tmp_path / "new.h5", "--force", "--split-from", tmp_path / "old.h5", *words)
        after = splits(tmp_path / "new.h5")
        assert {p: after[p] for p in PATIENTS} == before and len(after) == 19
        if words == ["--split", "test=1"]:
            assert {after[p] for p in MORE} == {"test"}
        assert planned(dicomprep, study.root, "--split-from", tmp_path / "old.h5", *words) == after
        note = next(note["text"] for note in report["notes"] if note["places"] == ["--split-from"])
        assert "14" in note and "5" in note
    # By default they are drawn as the earlier file's were: by their numbers.
    dicomprep.prep(study.root, tmp_path / "new.h5", "--force", "--split-from", tmp_path / "old.h5")
    alone = expect.splits(sorted([*PATIENTS, *MORE]), 5, (("train", "0.5"), ("val", "0.2"), ("test", "0.3")))
    assert splits(tmp_path / "new.h5") == {**alone, **before}
    # And again, from the file that was made so.
    dicomprep.prep(study.root, tmp_path / "again.h5", "--split-from", tmp_path / "new.h5")
    assert splits(tmp_path / "again.h5") == splits(tmp_path / "new.h5")


def test_a_new_id_of_a_person_follows_the_one_that_stays(dicomprep, tmp_path):
    dicomprep.prep(tree(tmp_path / "old").root, tmp_path / "old.h5", *WORDS)
    before = splits(tmp_path / "old.h5")
    for one in PATIENTS[:6]:
        headers = {"AAA": person(PATIENTS.index(one) + 1)}
        study = tree(tmp_path / f"new-{one}", headers, ["AAA", *PATIENTS])
        path = tmp_path / f"{one}.h5"
        dicomprep.prep(study.root, path, "--split-from", tmp_path / "old.h5")
        assert splits(path) == {**before, "AAA": before[one]}
        # So does one with an equal image.
        study = tree(tmp_path / f"equal-{one}", {}, ["AAA", *PATIENTS])
        shutil.copyfile(study.image_path(one, 1), study.image_path("AAA", 1))
        write_identity(study, "AAA")
        dicomprep.prep(study.root, path, "--force", "--split-from", tmp_path / "old.h5")
        assert splits(path) == {**before, "AAA": before[one]}
        words = ["--split-from", tmp_path / "old.h5"]
        for index in range(2):
            dicomprep.prep(study.root, tmp_path / f"s{index}.h5", "--force", *words, "--shard", f"{index}/2")
        merged = dicomprep("merge", tmp_path / "s0.h5", tmp_path / "s1.h5", "-o", tmp_path / "m.h5", "--force")
        assert merged.returncode == 0, merged.stderr
        assert path.read_bytes() == (tmp_path / "m.h5").read_bytes()


def write_identity(study, patient):
    import pydicom

    path = study.image_path(patient, 1)
    one = pydicom.dcmread(path)
    one.PatientID, one.StudyInstanceUID = "nobody else", "2.25.7.77"
    one.save_as(path)


def test_two_that_stay_and_are_one_person(dicomprep, tmp_path):
    dicomprep.prep(tree(tmp_path / "old").root, tmp_path / "old.h5", *WORDS)
    before = splits(tmp_path / "old.h5")
    one = next(p for p in PATIENTS if before[p] == "train")
    other = next(p for p in PATIENTS if before[p] == "val" and p > one)
    study = tree(tmp_path / "new", {other: person(PATIENTS.index(one))})
    words = ["--split-from", tmp_path / "old.h5"]
    _, report = dicomprep.report(study.root, tmp_path / "x.h5", *words, code=3)
    assert splits(tmp_path / "x.h5") == {p: split for p, split in before.items() if p != other}
    assert report["reasons"]["patient-in-other-split"] == 2
    dicomprep.prep(study.root, tmp_path / "y.h5", *words, "--on-shared", "ignore")
    assert splits(tmp_path / "y.h5") == before


def test_keyed_files_need_their_key(dicomprep, tmp_path):
    keys = [tmp_path / "one.key", tmp_path / "other.key"]
    for number, key in enumerate(keys):
        key.write_bytes(bytes([number]) * 32)
        key.chmod(0o600)
    dicomprep.prep(tree(tmp_path / "old").root, tmp_path / "old.h5", *WORDS, "--pseudonym-key", keys[0])
    before = splits(tmp_path / "old.h5")
    study = grown(tmp_path / "new", MORE)
    words = ["--split-from", tmp_path / "old.h5"]
    dicomprep.prep(study.root, tmp_path / "x.h5", *words, "--pseudonym-key", keys[0])
    after = splits(tmp_path / "x.h5")
    assert len(after) == 19 and {p: after[p] for p in before} == before
    for more, text in (([], "--pseudonym-key"), (["--pseudonym-key", keys[1]], "under this key")):
        result = dicomprep.prep(study.root, tmp_path / "y.h5", *words, *more, code=1)
        assert text in result.stderr and not (tmp_path / "y.h5").exists()


def test_what_has_no_splits_is_refused(dicomprep, tmp_path):
    study = tree(tmp_path / "old")
    dicomprep.prep(study.root, tmp_path / "old.h5", "--split", "none")
    for path, text in ((tmp_path / "old.h5", "no splits to keep"), (tmp_path / "absent.h5", "absent.h5")):
        assert text in dicomprep.prep(study.root, tmp_path / "x.h5", "--split-from", path, code=1).stderr


@pytest.mark.skipif(sunnybrook() is None, reason="the Sunnybrook data is not here")
def test_real_data_under_another_id(dicomprep, tmp_path):
    """A patient of the real data once more, with another id, other contours and one pixel changed."""
    root = tmp_path / "data"
    root.mkdir()
    for name in ("dicoms", "contourfiles"):
        shutil.copytree(sunnybrook() / "final_data" / name, root / name, symlinks=True)
    with open(sunnybrook() / "final_data/link.csv") as file:
        rows = list(csv.reader(file))
    patient, original = rows[1]
    for old, new in ((root / "dicoms" / patient, "COPY"), (root / "contourfiles" / original, "SC-COPY")):
        shutil.copytree(old, old.parent / new)
    for path in (root / "dicoms/COPY").glob("*.dcm"):
        data = bytearray(path.read_bytes())
        data[-1] ^= 1
        path.write_bytes(data)
    (root / "link.csv").write_text("".join(f"{a},{b}\n" for a, b in [*rows, ["COPY", "SC-COPY"]]))
    _, report = dicomprep.report(root, tmp_path / "x.h5", *WORDS, "--on-finding", "keep")
    found = splits(tmp_path / "x.h5")
    assert found["COPY"] == found[patient]
    assert {f["check"] for f in report["findings"]} >= {"shared-study", "shared-person"}
