"""Columns of the user's table in splits, strata, and folds of cross-validation."""

import csv
import hashlib
import hmac
import json
import shutil
from collections import Counter

import h5py
import numpy as np
import pytest

from test_splits import check_no_leak, column, splits
from trees import Study, dicom, noise

COUNT = 40
PATIENTS = [f"PAT{n:03}" for n in range(COUNT)]
SITE = {patient: f"site-{n // 4}" for n, patient in enumerate(PATIENTS)}
DIAGNOSIS = {patient: "dcm" if n % 4 else "hcm" for n, patient in enumerate(PATIENTS)}
COLUMNS = {"site": SITE, "Diagnosis": DIAGNOSIS}


def image(patient, number):
    return dicom(noise((8, 8), 0, 99, patient, number).astype(np.int16), StudyInstanceUID=f"2.25.1{patient[3:]}")


def link(root, patients=PATIENTS, columns=COLUMNS):
    with open(root / "link.csv", "w", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["patient_id", "original_id", *columns])
        for patient in patients:
            table.writerow([patient, f"ORIG-{patient}", *(values[patient] for values in columns.values())])


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    root = tmp_path_factory.mktemp("folds") / "data"
    study = Study(root)
    for patient in PATIENTS:
        for number in (1, 2):
            study.add(patient, number, image(patient, number))
    link(root)
    return root


def folds(path):
    """The fold of each patient; every patient has one."""
    with h5py.File(path) as file:
        numbers, ids = file["samples/fold"][:].tolist(), file["samples/patient_id"].asstr()[:]
    found = {}
    for patient, fold in zip(ids, numbers):
        assert found.setdefault(patient, fold) == fold
    return found


def together(found, labels):
    """True if patients with one label are in one part."""
    parts = {}
    for patient, part in found.items():
        parts.setdefault(labels[patient], set()).add(part)
    return all(len(part) == 1 for part in parts.values())


def shares(found, labels):
    """How many patients with each label each part has."""
    return Counter((part, labels[patient]) for patient, part in found.items())


def batches(dicomprep, path, *words):
    """The ids of the rows of a stream, and the answer to --describe."""
    result = dicomprep("batches", path, "--describe", *words)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_groups_are_never_torn(dicomprep, data, tmp_path):
    seen = set()
    for seed in range(6):
        path = tmp_path / f"{seed}.h5"
        dicomprep.prep(data, path, "--group", "site", "--split", "train=0.6,val=0.2,test=0.2", "--split-seed", seed)
        found = splits(path)
        assert together(found, SITE) and set(found.values()) == {"train", "val", "test"}
        seen.add(tuple(found.values()))
        with h5py.File(path) as file:
            assert "column \"site\"" in file.attrs["split_rule"] and '"group":"site"' in file.attrs["config"]
            assert "site-3" not in str(dict(file.attrs))
        check_no_leak(path)
    assert len(seen) == 6
    plain = tmp_path / "plain.h5"
    dicomprep.prep(data, plain, "--split", "train=0.6,val=0.2,test=0.2")
    assert not together(splits(plain), SITE)
    with h5py.File(plain) as file:
        assert set(file["samples/fold"][:]) == {-1}


def test_the_draw_of_a_group_is_that_of_its_value(dicomprep, data, tmp_path):
    """Patients before or after it, or in another order, move no group."""
    words = ["--group", "site", "--split", "train=0.5,val=0.5"]
    dicomprep.prep(data, tmp_path / "a.h5", *words)
    other = tmp_path / "data"
    shutil.copytree(data, other)
    link(other, PATIENTS[::-1])
    dicomprep.prep(other, tmp_path / "b.h5", *words)
    assert splits(tmp_path / "a.h5") == splits(tmp_path / "b.h5")
    site = SITE[PATIENTS[0]]
    digest = hashlib.sha256(b"dicomprep split v1" + bytes(8) + site.encode()).digest()
    half = "train" if int.from_bytes(digest[:8], "big") < 1 << 63 else "val"
    assert splits(tmp_path / "a.h5")[PATIENTS[0]] == half


def test_strata_have_equal_shares(dicomprep, data, tmp_path):
    for seed in range(3):
        path = tmp_path / f"{seed}.h5"
        dicomprep.prep(data, path, "--stratify", "diagnosis", "--split", "train=0.6,val=0.2,test=0.2", "--split-seed", seed)
        found = shares(splits(path), DIAGNOSIS)
        assert [found[part, "hcm"] for part in ("train", "val", "test")] == [6, 2, 2]
        assert [found[part, "dcm"] for part in ("train", "val", "test")] == [18, 6, 6]
        check_no_leak(path)


def test_both_columns_go_together(dicomprep, data, tmp_path):
    path = tmp_path / "x.h5"
    dicomprep.prep(data, path, "--group", "site", "--stratify", "Diagnosis", "--folds", 5)
    found = folds(path)
    assert together(found, SITE)
    # Each site has one patient of four with hcm.
    assert set(shares(found, DIAGNOSIS).values()) == {2, 6}


def test_folds_are_of_all_patients_or_of_train(dicomprep, data, tmp_path):
    path = tmp_path / "all.h5"
    result, report = dicomprep.report(data, path, "--folds", 5)
    found = folds(path)
    assert Counter(found.values()) == dict.fromkeys(range(5), 8) and set(column(path, "split")) == {""}
    assert report["folds"] == [{"samples": 16, "patients": 8}] * 5 and "folds" in result.stderr
    with h5py.File(path) as file:
        assert file.attrs["split_rule"].startswith("5 folds of all patients")
        assert list(file.attrs["split_disjoint"]) == ["patient_id", "image"]
    info = dicomprep("info", path)
    assert "folds" in info.stdout and "4: 16 (8 patients)" in info.stdout
    assert json.loads(dicomprep("info", path, "--json").stdout)["folds"] == report["folds"]
    assert dicomprep("verify", path).returncode == 0
    for seed in range(3):
        dicomprep.prep(data, path, "--force", "--folds", 5, "--split-seed", seed)
        assert (folds(path) == found) == (seed == 0)
    dicomprep.prep(data, path, "--force", "--folds", 4, "--split", "train=0.8,test=0.2", "--stratify", "diagnosis")
    found, names = folds(path), splits(path)
    assert all((fold == -1) == (names[patient] == "test") for patient, fold in found.items())
    assert Counter(fold for fold in found.values() if fold >= 0) == dict.fromkeys(range(4), 8)
    assert [shares(found, DIAGNOSIS)[fold, "hcm"] for fold in range(4)] == [2] * 4
    check_no_leak(path)
    rows = csv.DictReader(dicomprep("prep", data, "--dry-run", "--folds", 5).stdout.splitlines(), delimiter="\t")
    assert Counter(row["fold"] for row in rows) == {str(fold): 16 for fold in range(5)}


def test_batches_of_folds(dicomprep, data, tmp_path):
    path = tmp_path / "x.h5"
    dicomprep.prep(data, path, "--folds", 4, "--split", "train=0.8,test=0.2")
    found = folds(path)
    for fold in range(4):
        own = 2 * sum(number == fold for number in found.values())
        others = 2 * sum(number not in (fold, -1) for number in found.values())
        rest, held = batches(dicomprep, path, "--fold", fold), batches(dicomprep, path, "--fold", fold, "--held-out")
        assert (rest["samples_per_epoch"], held["samples_per_epoch"]) == (others, own)
        assert (rest["fold"], rest["held_out"], held["held_out"]) == (fold, False, True)
        assert rest["splits"] == ["train"]
    held = dicomprep("batches", path, "--fold", 1, "--held-out", "-o", tmp_path / "held.tar", "--no-shuffle")
    assert held.returncode == 0, held.stderr
    for words, code, text in [
        (["--fold", 4], 1, "has no fold `4`; it has 0, 1, 2, 3"),
        (["--held-out"], 2, "--fold"),
        (["--fold", -1], 2, "--fold"),
    ]:
        result = dicomprep("batches", path, "--describe", *words)
        assert result.returncode == code and text in result.stderr, result.stderr
    augmented = dicomprep("batches", path, "--fold", 1, "--held-out", "--augment", "cardiac", "-o", tmp_path / "a.tar")
    assert "fold 1: not augmented" in augmented.stderr
    plain = tmp_path / "plain.h5"
    dicomprep.prep(data, plain)
    assert "has no folds; `dicomprep prep --folds N` makes them" in dicomprep("batches", plain, "--fold", 0).stderr


def test_a_fold_that_leaks_is_refused(dicomprep, data, tmp_path):
    path = tmp_path / "x.h5"
    dicomprep.prep(data, path, "--folds", 4, "--compression", 0)
    with h5py.File(path, "r+") as file:
        numbers = file["samples/fold"][:]
        numbers[0] = (numbers[0] + 1) % 4
        file["samples/fold"][:] = numbers
    verified = dicomprep("verify", path)
    assert verified.returncode == 1 and "/samples/fold" in verified.stderr
    result = dicomprep("batches", path, "--fold", int(numbers[0]), "--describe")
    assert result.returncode == 1 and "another fold or split" in result.stderr and PATIENTS[0] in result.stderr


def test_equal_images_stand_in_one_fold(dicomprep, data, tmp_path):
    root = tmp_path / "data"
    shutil.copytree(data, root)
    first, second = PATIENTS[3], PATIENTS[30]
    shutil.copy(root / f"dicoms/{first}/1.dcm", root / f"dicoms/{second}/1.dcm")
    for words in (["--on-shared", "ignore"], ["--split", "train=0.5,val=0.5", "--on-shared", "ignore"]):
        for seed in range(4):
            path = tmp_path / "x.h5"
            dicomprep.prep(root, path, "--force", "--folds", 6, "--split-seed", seed, *words)
            found = folds(path)
            assert found[first] == found[second]
            check_no_leak(path)
    table = tmp_path / "splits.csv"
    table.write_text("patient_id,split\n" + "".join(f"{patient},train\n" for patient in PATIENTS))
    dicomprep.prep(root, path, "--force", "--folds", 6, "--split-file", table, "--on-shared", "ignore")
    assert folds(path)[first] == folds(path)[second]


@pytest.mark.parametrize("words", [
    ["--folds", 5],
    ["--folds", 3, "--group", "site", "--stratify", "Diagnosis"],
    ["--stratify", "Diagnosis", "--split", "train=0.5,val=0.25,test=0.25"],
    ["--folds", 4, "--group", "site", "--split", "train=0.7,test=0.3"],
])
@pytest.mark.parametrize("equal", [False, True])
def test_shards_have_the_folds_of_the_whole(words, equal, dicomprep, data, tmp_path):
    root = tmp_path / "data"
    shutil.copytree(data, root)
    if equal:
        shutil.copy(root / f"dicoms/{PATIENTS[3]}/1.dcm", root / f"dicoms/{PATIENTS[30]}/1.dcm")
        shutil.copy(root / f"dicoms/{PATIENTS[7]}/1.dcm", root / f"dicoms/{PATIENTS[6]}/1.dcm")
        (root / f"dicoms/{PATIENTS[9]}/1.dcm").write_bytes(b"no image")
        words = [*words, "--on-shared", "ignore"]
    code = 3 if equal else 0
    whole = tmp_path / "whole.h5"
    dicomprep.prep(root, whole, *words, code=code)
    shards = [tmp_path / f"{index}.h5" for index in range(3)]
    for index, shard in enumerate(shards):
        dicomprep.prep(root, shard, *words, "--shard", f"{index}/3", code=code)
    merged = tmp_path / "merged.h5"
    result = dicomprep("merge", *shards, "-o", merged)
    assert result.returncode == 0, result.stderr
    assert merged.read_bytes() == whole.read_bytes()
    if "--folds" in words:
        asked = ["--fold", 1, "--held-out"]
        together_read = dicomprep("batches", *shards, "--describe", *asked)
        assert json.loads(together_read.stdout)["samples_per_epoch"] == batches(
            dicomprep, whole, *asked)["samples_per_epoch"]


def test_the_key_draws(dicomprep, data, tmp_path):
    """The folds of pseudonyms, and the order of strata, cannot be made without the key."""
    key = tmp_path / "key"
    key.write_bytes(b"0123456789abcdef")
    words = ["--folds", 4, "--group", "site", "--stratify", "Diagnosis"]
    dicomprep.prep(data, tmp_path / "plain.h5", *words)
    dicomprep.prep(data, tmp_path / "keyed.h5", *words, "--pseudonym-key", key)
    keyed = folds(tmp_path / "keyed.h5")
    names = {hmac.new(key.read_bytes(), patient.encode(), "sha256").hexdigest(): patient for patient in PATIENTS}
    found = {names[pseudonym]: fold for pseudonym, fold in keyed.items()}
    assert together(found, SITE) and found != folds(tmp_path / "plain.h5")
    assert b"site-3" not in (tmp_path / "keyed.h5").read_bytes()


def test_folds_are_kept(dicomprep, data, tmp_path):
    root = tmp_path / "data"
    shutil.copytree(data, root)
    link(root, PATIENTS[:24])
    for folder in [*(root / "dicoms" / patient for patient in PATIENTS[24:]),
                   *(root / "contourfiles" / f"ORIG-{patient}" for patient in PATIENTS[24:])]:
        shutil.rmtree(folder)
    old, new = tmp_path / "old.h5", tmp_path / "new.h5"
    dicomprep.prep(root, old, "--folds", 4, "--split-seed", 5)
    dicomprep.prep(data, new, "--folds", 4, "--split-from", old)
    before, after = folds(old), folds(new)
    assert {patient: after[patient] for patient in before} == before
    assert Counter(after.values()) == dict.fromkeys(range(4), 10)
    result = dicomprep.prep(data, new, "--force", "--folds", 5, "--split-from", old)
    assert "the earlier file has 4 folds, not 5: all patients are drawn anew" in result.stderr
    assert "--folds" in dicomprep.prep(data, new, "--force", "--split-from", old, code=1).stderr
    words = ["--stratify", "Diagnosis", "--split", "train=0.5,val=0.5"]
    dicomprep.prep(root, old, "--force", *words)
    dicomprep.prep(data, new, "--force", "--split-from", old, "--stratify", "Diagnosis")
    assert {patient: splits(new)[patient] for patient in splits(old)} == splits(old)
    found = shares(splits(new), DIAGNOSIS)
    assert found["train", "hcm"] == found["val", "hcm"] == 5


def test_rows_are_reused_whatever_the_folds(dicomprep, data, tmp_path):
    dicomprep.prep(data, tmp_path / "old.h5")
    _, report = dicomprep.report(data, tmp_path / "new.h5", "--folds", 5, "--reuse", tmp_path / "old.h5")
    assert report["rows"]["reused"] == 2 * COUNT
    dicomprep.prep(data, tmp_path / "fresh.h5", "--folds", 5)
    assert (tmp_path / "fresh.h5").read_bytes() == (tmp_path / "new.h5").read_bytes()
    assert dicomprep("verify", tmp_path / "new.h5", "--against", data).returncode == 0


def test_a_configuration_has_them(dicomprep, data, tmp_path):
    options = tmp_path / "x.toml"
    options.write_text('folds = 5\ngroup = "site"\n')
    dicomprep.prep(data, tmp_path / "a.h5", "--config", options)
    dicomprep.prep(data, tmp_path / "b.h5", "--folds", 5, "--group", "site")
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()
    assert "folds = 5" in dicomprep("prep", data, "--config", options, "--print-config").stdout


@pytest.mark.parametrize("words, code, text", [
    (["--group", "clinic"], 2, 'there is no column "clinic" for --group; the table has "patient_id", "original_id", '
                               '"site", "Diagnosis"'),
    (["--folds", 41], 2, "--folds 41: there are only 40 groups of patients that no fold tears apart, and each fold needs "
                         "one; --folds 40 is the most"),
    (["--folds", 11, "--group", "site"], 2, "only 10 groups of patients"),
    (["--folds", 3, "--max-image-pixels", 10], 1, "no sample is left"),
    (["--folds", 30, "--split", "train=0.5,test=0.5"], 2, "in the train split"),
    (["--folds", 1], 2, "--folds"),
    (["--stratify", "site", "--split", "none"], 2, "--folds"),
])
def test_near_misses(words, code, text, dicomprep, data, tmp_path):
    result = dicomprep.prep(data, tmp_path / "x.h5", *words, code=code)
    assert text in result.stderr and not (tmp_path / "x.h5").exists()


def test_a_small_stratum_is_a_note(dicomprep, data, tmp_path):
    root = tmp_path / "data"
    shutil.copytree(data, root)
    rare = {patient: "arvc" if n < 2 else "" if n == 9 else "dcm" for n, patient in enumerate(PATIENTS)}
    link(root, columns={"diagnosis": rare})
    _, report = dicomprep.report(root, tmp_path / "x.h5", "--stratify", "diagnosis")
    notes = [note["text"] for note in report["notes"] if note["places"] == ["--stratify"]]
    assert any(text.startswith('2 patients with "arvc" cannot have a share in each part: none in ') for text in notes)
    assert any(text.startswith("1 patient without a value") for text in notes)
    found = Counter(splits(tmp_path / "x.h5").values())
    assert found == {"train": 32, "val": 4, "test": 4}


def test_layouts_without_a_table_have_no_columns(dicomprep, tmp_path):
    from pydicom.dataset import Dataset  # noqa: F401  (the tree is written by trees)
    for number in (1, 2):
        path = tmp_path / "tree" / f"{number}.dcm"
        path.parent.mkdir(exist_ok=True)
        picture = image("PAT001", number)
        picture.SOPInstanceUID = f"2.25.77{number}"
        picture.save_as(path, enforce_file_format=True)
    words = ["--layout", "dicom", "--unlabelled", "include", "--group", "site"]
    result = dicomprep.prep(tmp_path / "tree", tmp_path / "x.h5", *words, code=2)
    assert "the layout dicom has none; a CSV with --table" in result.stderr


def test_a_table_of_images_has_columns(dicomprep, data, tmp_path):
    table = tmp_path / "images.csv"
    with open(table, "w", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["patient_id", "image", "contour.lv", "site", "Diagnosis"])
        for patient in PATIENTS:
            for number in (1, 2):
                contour = f"contourfiles/ORIG-{patient}/i-contours/IM-0001-{number:04}-icontour-manual.txt"
                rows.writerow([patient, f"dicoms/{patient}/{number}.dcm", contour, SITE[patient], DIAGNOSIS[patient]])
    words = ["--table", table, "--group", "site", "--stratify", "Diagnosis", "--folds", 5]
    path = tmp_path / "x.h5"
    dicomprep.prep(data, path, *words)
    assert together(folds(path), SITE) and set(shares(folds(path), DIAGNOSIS).values()) == {2, 6}
    result = dicomprep.prep(data, path, "--force", "--table", table, "--group", "sites", code=2)
    assert '"site"' in result.stderr


def test_a_listed_split_of_shards_stays(dicomprep, data, tmp_path):
    """A split column in the table of images holds in shards too, though images are rejected."""
    root = tmp_path / "data"
    shutil.copytree(data, root)
    for number in (1, 2):
        (root / f"dicoms/{PATIENTS[0]}/{number}.dcm").write_bytes(b"no image")
    table = tmp_path / "images.csv"
    with open(table, "w", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["patient_id", "image", "contour.lv", "split"])
        for n, patient in enumerate(PATIENTS):
            contour = f"contourfiles/ORIG-{patient}/i-contours/IM-0001-0001-icontour-manual.txt"
            rows.writerow([patient, f"dicoms/{patient}/1.dcm", contour, ["train", "test"][n % 2]])
    dicomprep.prep(root, tmp_path / "whole.h5", "--table", table, code=3)
    shards = [tmp_path / f"{index}.h5" for index in range(2)]
    for index, shard in enumerate(shards):
        dicomprep.prep(root, shard, "--table", table, "--shard", f"{index}/2", code=3)
    assert dicomprep("merge", *shards, "-o", tmp_path / "merged.h5").returncode == 0
    assert (tmp_path / "merged.h5").read_bytes() == (tmp_path / "whole.h5").read_bytes()
    assert Counter(splits(tmp_path / "merged.h5").values()) == {"train": COUNT // 2 - 1, "test": COUNT // 2}


def figures(pixels):
    """Mean, deviation, extremes and percentiles of `pixels`, by numpy alone."""
    wide = pixels.astype(np.float64)
    percentiles = np.percentile(wide, [0.5, 2, 50, 98, 99.5], method="inverted_cdf")
    return [wide.mean(), wide.std(), wide.min(), wide.max(), *percentiles]


@pytest.mark.parametrize("count, words", [(4, []), (3, ["--split", "train=0.7,val=0.3"]), (4, ["--dtype", "float32"])])
def test_statistics_are_those_of_the_other_folds(count, words, dicomprep, data, tmp_path):
    """Neither stream is normalized by pixels of the fold that is held out; verify and merge agree."""
    out, merged, words = tmp_path / "x.h5", tmp_path / "merged.h5", ["--folds", count, *words]
    dicomprep.prep(data, out, *words)
    shards = [tmp_path / f"{index}.h5" for index in range(2)]
    for index, shard in enumerate(shards):
        dicomprep.prep(data, shard, "--shard", f"{index}/2", *words)
    assert dicomprep("merge", *shards, "-o", merged).returncode == 0
    assert merged.read_bytes() == out.read_bytes()
    assert dicomprep("verify", out).returncode == 0
    with h5py.File(out) as file:
        number, images = file["samples/fold"][:], file["images"][:]
        there = [dict(file[f"folds/{fold}"].attrs) for fold in range(count)]
        assert len(file["folds"]) == count
    for fold, attributes in enumerate(there):
        expected = figures(images[(number >= 0) & (number != fold)])
        found = [attributes[f"train_{name}"] for name in ("mean", "std", "min", "max")]
        assert np.allclose([*found, *attributes["train_percentiles"]], expected, rtol=1e-12, atol=0)
        for held_out, rows in ([], (number >= 0) & (number != fold)), (["--held-out"], number == fold):
            stream = tmp_path / "x.npy"
            result = dicomprep("batches", out, "--fold", fold, "--normalize", "zscore", "--no-shuffle", "--batch-size",
                               len(images), "-o", stream, "--force", *held_out)
            assert result.returncode == 0, result.stderr
            wanted = (images[rows].astype(np.float64) - expected[0]) / expected[1]
            assert np.allclose(np.load(stream), wanted, rtol=0, atol=1e-6)
    with h5py.File(merged, "r+") as file:
        file["folds/1"].attrs["train_mean"] += 1
    assert "/folds/1@train_mean" in dicomprep("verify", merged).stderr
    with h5py.File(merged, "r+") as file:
        del file["folds"]
    assert f"has 0 of {count} folds" in dicomprep("verify", merged).stderr
