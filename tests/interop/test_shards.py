"""`prep --shard` and `merge`: many machines make the bytes that one makes, or nothing."""

import itertools
import json
import os
import shutil
import signal
import subprocess
import zlib

import h5py
import numpy as np
import pytest

import expect
from conftest import FIXTURES
from trees import SQUARE, Study, dicom, noise, small_study


def make_shards(dicomprep, tree, folder, count, *words, codes=(0,), indices=None):
    """The shards of a tree, in the order of their numbers."""
    folder.mkdir(exist_ok=True)
    paths = []
    for index in range(count) if indices is None else indices:
        path = folder / f"shard-{index}.h5"
        result = dicomprep("prep", tree, "--shard", f"{index}/{count}", "-o", path, *words)
        assert result.returncode in codes and result.stdout == "", result.stderr
        paths.append(path)
    return paths


def merge(dicomprep, output, shards, *words, code=0):
    result = dicomprep("merge", "-o", output, *words, *shards)
    assert result.returncode == code, result.stderr
    assert output.exists() == (code in (0, 3))
    return result


def compare(dicomprep, tree, folder, counts=(1, 2, 3, 7), *words, code=0, merge_code=0, verify=True):
    """Shards merge to the bytes of one machine, in any order; each is sound, and so is the virtual file."""
    folder.mkdir()
    whole = folder / "whole.h5"
    dicomprep.prep(tree, whole, *words, code=code)
    for count in counts:
        shards = make_shards(dicomprep, tree, folder / f"of-{count}", count, *words, codes={0, code})
        merged = folder / f"merged-{count}.h5"
        merge(dicomprep, merged, shards[::-1], code=merge_code)
        assert merged.read_bytes() == whole.read_bytes(), f"{count} shards"
        over = folder / f"virtual-{count}.h5"
        merge(dicomprep, over, shards, "--virtual", code=merge_code)
        same_content(whole, over)
        for path in [*shards, over] if verify else []:
            result = dicomprep("verify", path)
            assert result.returncode == 0, (path, result.stderr)
    return whole


def contents(at):
    """Every dataset and attribute below `at`."""
    found = {}

    def visit(name, item):
        found.update({f"{name}@{key}": np.asarray(value) for key, value in item.attrs.items()})
        if isinstance(item, h5py.Dataset):
            found[name] = item[()]

    visit("", at)
    at.visititems(visit)
    return found


def same_content(a, b):
    """`b`, a virtual file, shows h5py all that `a` does."""
    with h5py.File(a) as a, h5py.File(b) as b:
        assert b["images"].is_virtual and b["masks"].is_virtual
        first, second = contents(a), contents(b)
    own = {"@virtual_files", "@virtual_identities", "@virtual_runs"}
    assert set(second) - set(first) == own and not set(first) - set(second)
    for name in set(first) - {"@text_checksum"}:
        equal = np.array_equal(first[name], second[name], equal_nan=first[name].dtype.kind == "f")
        assert equal and first[name].dtype == second[name].dtype, name


# ---------------------------------------------------------------- the same bytes


@pytest.mark.parametrize("dtype, low, high", [("int16", -300, 900), ("uint8", 0, 255), ("float32", -300, 900)])
def test_shards_merge_to_the_bytes_of_one_machine(dtype, low, high, dicomprep, tmp_path):
    study = Study(tmp_path / "tree")
    for patient in range(5):
        for number in range(1, 2 + patient % 3):
            pixels = noise((12, 10), low, high, patient, number).astype(np.uint8 if dtype == "uint8" else np.int16)
            scale = {"slope": 0.37, "intercept": -1.25} if dtype == "float32" else {}
            study.add(f"P{patient}", number, dicom(pixels, **scale))
    whole = compare(dicomprep, study.root, tmp_path / "out", (1, 2, 3, 7, 13), "--dtype", dtype)
    with h5py.File(whole) as file:
        assert file["images"].dtype == dtype and len(file["images"]) == 9
        expect.check_statistics(file)


@pytest.mark.parametrize("words", [
    ("--structures", "inner,outer", "--unlabelled", "include"),
    ("--structures", "outer,inner", "--require", "all", "--compression", "0"),
    ("--split", "none", "--compression", "9"),
    ("--split", "train=0.5,val=0.5", "--split-seed", "7", "--size", "48x56", "--fit", "crop"),
], ids=lambda words: " ".join(words)[:40])
def test_whatever_the_options(words, dicomprep, tmp_path):
    compare(dicomprep, FIXTURES, tmp_path / "out", (2, 3, 25), *words)


def test_rejected_images_change_the_splits(dicomprep, tmp_path):
    """Patients that vanish are not drawn; what they leave empty is filled by others."""
    study = small_study(tmp_path / "tree", [f"P{n}" for n in range(4)], images=2)
    for split_seed in range(3):
        for patient in ("P0", "P2"):
            for number in (1, 2):
                study.add(patient, number, dicom(noise((8, 8), 0, 99, patient).astype(np.int16)))
                data = bytearray(study.image_path(patient, number).read_bytes())
                study.image_path(patient, number).write_bytes(data[:-20])
        words = ["--split-seed", split_seed, "--split", "train=0.4,val=0.3,test=0.3"]
        whole = compare(dicomprep, study.root, tmp_path / f"out-{split_seed}", (2, 3), *words, code=3)
        with h5py.File(whole) as file:
            assert file.attrs["patients"] == 2


def equal_study(root, pairs, patients=8):
    """A study in which image 2 of some patients equals image 2 of others."""
    study = small_study(root, [f"P{n}" for n in range(patients)], images=2)
    for first, second in pairs:
        shutil.copyfile(study.image_path(f"P{first}", 2), study.image_path(f"P{second}", 2))
    return study


@pytest.mark.parametrize("pairs", [[(0, 7)], [(0, 1), (1, 6)], [(2, 5), (5, 7), (0, 6)]], ids=str)
def test_equal_images_join_patients_of_different_shards(pairs, dicomprep, tmp_path):
    study = equal_study(tmp_path / "tree", pairs)
    for seed in range(4):
        words = ["--split-seed", seed, "--split", "train=0.5,val=0.3,test=0.2"]
        whole = compare(dicomprep, study.root, tmp_path / f"out-{seed}", (2, 3, 8), *words)
        with h5py.File(whole) as file:
            assert len(file.attrs["split_joined"]) > 0
            assert "equal-image" in ",".join(file["samples/findings"].asstr()[:])
            expect.check_statistics(file)


@pytest.mark.parametrize("pairs", [[(0, 7)], [(0, 1), (1, 6), (6, 7)], [(1, 2), (2, 3), (4, 7)]], ids=str)
def test_a_table_that_separates_equal_images(pairs, dicomprep, tmp_path):
    """The first in the order of the whole plan stays, wherever the others stand."""
    study = equal_study(tmp_path / "tree", pairs)
    for shift in range(2):
        table = tmp_path / f"splits-{shift}.csv"
        names = itertools.cycle(["train", "test", "val"][shift:] + ["train", "test", "val"][:shift])
        table.write_text("patient_id,split\n" + "".join(f"P{n},{name}\n" for n, name in zip(range(8), names)))
        whole = compare(dicomprep, study.root, tmp_path / f"out-{shift}", (1, 2, 3, 8),
                        "--split-file", table, code=3, merge_code=3)
        with h5py.File(whole) as file:
            assert len(file.attrs["split_left_out"]) > 0
            expect.check_statistics(file)


def test_pseudonyms_stay_pseudonyms(dicomprep, tmp_path):
    study = equal_study(tmp_path / "tree", [(0, 7), (3, 5)])
    key = tmp_path / "key"
    key.write_bytes(b"sixteen secret bytes")
    compare(dicomprep, study.root, tmp_path / "out", (2, 5), "--pseudonym-key", key)
    for shard in (tmp_path / "out" / "of-5").iterdir():
        data = shard.read_bytes()
        with h5py.File(shard) as file:
            texts = str(contents(file)).encode()
        for patient in range(8):
            assert f"ORIG-P{patient}".encode() not in data + texts
            assert f"dicoms/P{patient}/".encode() not in data + texts


def test_findings_of_the_audit(dicomprep, tmp_path):
    """Findings about single contours, about neighbours and about pixels end in the same column."""
    study = small_study(tmp_path / "tree", [f"P{n}" for n in range(4)], images=3, size=24)
    study.contour("P1", 2, [(0, 0), (24, 0), (24, 24), (0, 24)])
    study.contour("P2", 1, [(2, 2), (20, 20), (20, 2), (2, 20)])
    study.contour("P3", 3, [(x + 9, y + 9) for x, y in SQUARE])
    whole = compare(dicomprep, study.root, tmp_path / "out", (2, 5), "--on-finding", "keep")
    with h5py.File(whole) as file:
        assert any(file["samples/findings"].asstr()[:])


def test_threads_do_not_matter(dicomprep, tmp_path):
    one = make_shards(dicomprep, FIXTURES, tmp_path / "one", 2, "--threads", "1")
    many = make_shards(dicomprep, FIXTURES, tmp_path / "many", 2, "--threads", "5")
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in many]


# ---------------------------------------------------------------- a shard by itself


def test_a_shard_is_a_file_of_the_format(dicomprep, tmp_path):
    shards = make_shards(dicomprep, FIXTURES, tmp_path / "of-3", 3)
    dicomprep.prep(FIXTURES, tmp_path / "whole.h5")
    ids = []
    for index, shard in enumerate(shards):
        for words in (["info", "--json"], ["verify"], ["verify", "--against", FIXTURES], ["batches", "--describe"]):
            result = dicomprep(words[0], shard, *words[1:])
            assert result.returncode == 0, (words, result.stderr)
        with h5py.File(shard) as file:
            assert (file["shard"].attrs["index"], file["shard"].attrs["count"]) == (index, 3)
            assert all(len(item) == len(file["images"]) for item in [*file["samples"].values(), *file["shard"].values()])
            ids += file["samples/id"].asstr()[:].tolist()
            statistics = file["shard/statistics"][:]
            for image, row in zip(file["images"][:].astype(object), statistics):
                total, squares = (int.from_bytes(row[at:at + 16].tobytes(), "little", signed=True) for at in (24, 40))
                assert (image.sum(), (image * image).sum()) == (total, squares)
    with h5py.File(tmp_path / "whole.h5") as file:
        assert file["samples/id"].asstr()[:].tolist() == ids and "shard" not in file


def test_the_bins_of_a_shard_add_up(dicomprep, tmp_path):
    total = 0
    for index in range(3):
        path = tmp_path / f"{index}.h5"
        _, report = dicomprep.report(FIXTURES, path, "--shard", f"{index}/3")
        assert sum(report["bins"].values()) == report["files"]
        assert report["shard"]["index"] == index and report["shard"]["plan_rows"] == 20
        first, end = report["shard"]["rows"]
        assert report["samples"] == end - first
        total += report["samples"]
        plan = dicomprep("prep", FIXTURES, "--shard", f"{index}/3", "--dry-run")
        assert len(plan.stdout.splitlines()) == 1 + report["samples"]
    assert total == 20


def test_an_empty_shard(dicomprep, tmp_path):
    shards = make_shards(dicomprep, FIXTURES, tmp_path / "of-25", 25, indices=[0])
    with h5py.File(shards[0]) as file:
        assert file["images"].shape[0] == 0 and file["samples/id"].shape == (0,)
    assert dicomprep("verify", shards[0]).returncode == 0
    merge(dicomprep, tmp_path / "x.h5", shards, code=1)


def test_a_plan_without_rows_makes_no_shard(dicomprep, tmp_path):
    study = small_study(tmp_path / "tree", ["P0"])
    study.contour_path("P0", 1).unlink()
    result = dicomprep("prep", study.root, "--shard", "0/2", "-o", tmp_path / "x.h5")
    assert result.returncode == 1 and not (tmp_path / "x.h5").exists()


def test_the_default_name_tells_the_share(dicomprep, tmp_path):
    result = dicomprep("prep", FIXTURES, "--shard", "1/2", cwd=tmp_path)
    assert result.returncode == 0 and (tmp_path / "final_data.shard-1-of-2.h5").is_file()


@pytest.mark.parametrize("share", ["2/2", "1", "-1/2", "a/b", "0/0", "1/4294967296", ""])
def test_a_share_that_is_none(share, dicomprep, tmp_path):
    result = dicomprep("prep", FIXTURES, f"--shard={share}", "-o", tmp_path / "x.h5")
    assert result.returncode == 2 and "--shard" in result.stderr


# ---------------------------------------------------------------- refused


@pytest.fixture(scope="module")
def three(dicomprep, tmp_path_factory):
    """Three shards of the fixtures: to be read only."""
    return make_shards(dicomprep, FIXTURES, tmp_path_factory.mktemp("shards"), 3, "--structures", "inner,outer")


def refused(dicomprep, folder, shards, *texts):
    for words in ([], ["--virtual"]):
        result = merge(dicomprep, folder / "x.h5", shards, *words, code=1)
        for text in texts:
            assert text in result.stderr
    if len(shards) > 1:
        result = dicomprep("batches", *shards, "-o", folder / "x.npy")
        assert result.returncode == 1 and texts[0] in result.stderr
    assert not list(folder.glob("*.partial")) and not list(folder.glob("x.*"))


def test_missing_and_double_shards_are_named(three, dicomprep, tmp_path):
    refused(dicomprep, tmp_path, [three[0], three[2]], "shard 1 of 3 is missing")
    refused(dicomprep, tmp_path, [three[1]], "shards 0, 2 of 3 are missing")
    refused(dicomprep, tmp_path, [*three, three[2]], "shard 2 of 3 is there twice")


def test_shards_of_other_options_are_refused(three, dicomprep, tmp_path):
    other = make_shards(dicomprep, FIXTURES, tmp_path / "other", 3, "--structures", "inner,outer", "--mask-rule", "pillow")
    refused(dicomprep, tmp_path, [three[0], other[1], three[2]], str(other[1]), 'option mask_rule is "pillow", not "center"')
    other = make_shards(dicomprep, FIXTURES, tmp_path / "four", 4, "--structures", "inner,outer")
    refused(dicomprep, tmp_path, [*three[:2], other[2]], "its number of shards is 4, not 3")


def test_shards_of_a_tree_that_has_changed_are_refused(three, tree, dicomprep, tmp_path):
    folder = tmp_path / "changed"
    changes = [
        lambda: (tree / "dicoms" / "SYN0000101" / "1.dcm").unlink(missing_ok=True),
        lambda: next(iter(sorted((tree / "contourfiles").glob("*/i-contours/*.txt")))).unlink(),
    ]
    for change in changes:
        change()
        other = make_shards(dicomprep, tree, folder, 3, "--structures", "inner,outer", "--force", codes={0, 3})
        refused(dicomprep, tmp_path, [*three[:2], other[2]], str(other[2]))


def test_a_header_that_has_changed_is_noticed(dicomprep, tmp_path):
    study = small_study(tmp_path / "tree", ["P0", "P1"])
    first = make_shards(dicomprep, study.root, tmp_path / "first", 2)
    study.add("P0", 1, dicom(noise((8, 8), -200, 900, "P0", 1).astype(np.int16), PixelSpacing=[2, 2]))
    second = make_shards(dicomprep, study.root, tmp_path / "second", 2)
    refused(dicomprep, tmp_path, [first[0], second[1]], "their plans differ")


def test_a_contour_that_has_changed_is_noticed(dicomprep, tmp_path):
    """Though it is in the share of neither of the shards that are made then."""
    study = small_study(tmp_path / "tree", ["P0", "P1", "P2"])
    first = make_shards(dicomprep, study.root, tmp_path / "out", 3, indices=[0])
    study.contour("P2", 1, [(x + 0.25, y) for x, y in SQUARE])
    later = make_shards(dicomprep, study.root, tmp_path / "out", 3, indices=[1, 2])
    refused(dicomprep, tmp_path, [*first, *later], "their plans differ")


def test_other_pseudonyms_are_refused(dicomprep, tmp_path):
    shards = []
    for index in range(2):
        key = tmp_path / f"key-{index}"
        key.write_bytes(bytes([index]) * 16)
        shards += make_shards(dicomprep, FIXTURES, tmp_path / "out", 2, "--pseudonym-key", key, indices=[index])
    refused(dicomprep, tmp_path, shards, "their plans differ")


def test_what_is_no_shard_is_refused(three, final_data, dicomprep, tmp_path):
    refused(dicomprep, tmp_path, [*three, final_data], "is no shard")
    text = tmp_path / "text"
    text.write_text("no HDF5")
    refused(dicomprep, tmp_path, [*three, text], str(text))
    refused(dicomprep, tmp_path, [*three, tmp_path / "absent"], str(tmp_path / "absent"))


@pytest.mark.parametrize("place", ["samples/checksum", "samples/id", "shard/statistics", "shard/number",
                                   "shard/annotation_source", "shard/split", "shard/patient",
                                   "shard/chunk_checksum"])
def test_a_damaged_column_is_named(place, three, dicomprep, tmp_path):
    bad = tmp_path / "bad.h5"
    shutil.copyfile(three[1], bad)
    with h5py.File(bad) as file:
        chunk = file[place].id.get_chunk_info(0)
    data = bytearray(bad.read_bytes())
    data[chunk.byte_offset + chunk.size // 2] ^= 0x10
    bad.write_bytes(data)
    refused(dicomprep, tmp_path, [three[0], bad, three[2]], str(bad), place)
    assert dicomprep("verify", bad).returncode == 1


def test_a_damaged_histogram_is_named(three, dicomprep, tmp_path):
    bad = tmp_path / "bad.h5"
    shutil.copyfile(three[0], bad)
    with h5py.File(bad, "r+") as file:
        counts = file["shard"].attrs["histogram_counts"]
        counts[0] += 1
        file["shard"].attrs.modify("histogram_counts", counts)
    refused(dicomprep, tmp_path, [bad, *three[1:]], str(bad), "histogram")
    assert dicomprep("verify", bad).returncode == 1


def test_a_flipped_pixel_is_found(three, dicomprep, tmp_path):
    """What is copied is read against its checksum; what a virtual file refers to is not copied."""
    bad = tmp_path / "bad.h5"
    shutil.copyfile(three[1], bad)
    with h5py.File(bad) as file:
        chunk = file["images"].id.get_chunk_info(0)
    data = bytearray(bad.read_bytes())
    data[chunk.byte_offset + chunk.size // 2] ^= 0x10
    bad.write_bytes(data)
    result = merge(dicomprep, tmp_path / "y.h5", [three[0], bad, three[2]], code=1)
    assert str(bad) in result.stderr and "images" in result.stderr and "row 0" in result.stderr
    merge(dicomprep, tmp_path / "x.h5", [three[0], bad, three[2]], "--virtual")
    result = dicomprep("verify", tmp_path / "x.h5", "--json")
    assert result.returncode == 1 and json.loads(result.stdout)["problems"]["rows"] == 1


def test_a_chunk_of_another_encoder_is_known_by_its_pixels(three, dicomprep, tmp_path):
    """A chunk that is not as prep wrote it is decoded, and goes into the file where its pixels have their checksum."""
    other = tmp_path / "other.h5"
    shutil.copyfile(three[1], other)
    with h5py.File(other, "r+") as file:
        images = file["images"]
        assert file["shard/chunk_checksum"][0, 0] == expect.crc32c(images.id.read_direct_chunk((0, 0, 0, 0))[1])
        again = zlib.compress(zlib.decompress(images.id.read_direct_chunk((0, 0, 0, 0))[1]), 9)
        images.id.write_direct_chunk((0, 0, 0, 0), again)
    merge(dicomprep, tmp_path / "x.h5", [three[0], other, three[2]])
    merge(dicomprep, tmp_path / "y.h5", three)
    with h5py.File(tmp_path / "x.h5") as one, h5py.File(tmp_path / "y.h5") as two:
        assert (one["images"][:] == two["images"][:]).all() and (one["masks"][:] == two["masks"][:]).all()
    assert dicomprep("verify", tmp_path / "x.h5").returncode == 0


def test_a_cut_shard_is_refused(three, dicomprep, tmp_path):
    bad = tmp_path / "bad.h5"
    bad.write_bytes(three[1].read_bytes()[:-5000])
    refused(dicomprep, tmp_path, [three[0], bad, three[2]], str(bad))


# ---------------------------------------------------------------- manners


def test_the_output_is_not_replaced_unasked(three, dicomprep, tmp_path):
    target = tmp_path / "x.h5"
    target.write_text("mine")
    result = dicomprep("merge", "-o", target, *three)
    assert result.returncode == 1 and target.read_text() == "mine" and "--force" in result.stderr
    merge(dicomprep, target, three, "--force")
    assert h5py.is_hdf5(target)
    copy = tmp_path / "shard-0.h5"
    shutil.copyfile(three[0], copy)
    result = dicomprep("merge", "--force", "-o", copy, copy, *three[1:])
    assert result.returncode == 2 and copy.read_bytes() == three[0].read_bytes()


def test_json_and_quiet(three, dicomprep, tmp_path):
    result = merge(dicomprep, tmp_path / "x.h5", three, "--json", "-q")
    summary = json.loads(result.stdout)
    assert result.stderr == "" and not summary["virtual"]
    assert (summary["shards"], summary["samples"], summary["patients"]) == (3, 20, 4)
    assert summary["output"]["bytes"] == (tmp_path / "x.h5").stat().st_size
    result = merge(dicomprep, tmp_path / "y.h5", three, "--progress", "none")
    assert result.stdout == "" and "20 samples of 4 patients from 3 shards" in result.stderr


def test_a_merge_that_is_stopped_leaves_nothing(dicomprep, tmp_path):
    study = Study(tmp_path / "tree")
    first = study.add("P0", 1, dicom(noise((1024, 1024), 0, 4095, 0).astype(np.uint16)))
    for number in range(2, 151):
        os.link(first, study.image_path("P0", number))
        study.contour("P0", number)
    words = ["--compression", "0", "--split", "none"]
    shards = make_shards(dicomprep, study.root, tmp_path / "of-2", 2, *words)
    folder = tmp_path / "out"
    folder.mkdir()
    for stop in (signal.SIGINT, signal.SIGTERM):
        for attempt in range(10):
            process = subprocess.Popen([dicomprep.path, "merge", "-o", folder / "x.h5", "--force", *shards],
                                       stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            while process.poll() is None and not any(
                    file.stat().st_size > 10**7 for file in folder.glob("*.partial") if file.exists()):
                pass
            process.send_signal(stop)
            _, errors = process.communicate()
            if process.returncode:
                break
            (folder / "x.h5").unlink()
        assert process.returncode == 1 and "interrupted" in errors, errors
        assert not list(folder.iterdir())
    merge(dicomprep, folder / "x.h5", shards)


# ---------------------------------------------------------------- virtual files


def stream(dicomprep, files, *words):
    result = subprocess.run([dicomprep.path, "batches", *map(str, files), "-q", *map(str, words)],
                            capture_output=True, timeout=120, stdin=subprocess.DEVNULL)
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.mark.parametrize("words", [
    ("--epochs", 2, "--seed", 3),
    ("--no-shuffle", "--split", "train", "--normalize", "zscore"),
    ("--format", "arrow", "--split", "val", "--augment", "cardiac", "--augment-eval"),
    ("--format", "webdataset", "--where", "mask_pixels.inner>0", "--normalize", "percentile"),
    ("--start", "1:2", "--epochs", 3, "--rank", 1, "--world-size", 2, "-b", 3),
], ids=lambda words: " ".join(map(str, words))[:40])
def test_batches_are_the_same_over_all(words, three, dicomprep, tmp_path):
    merged, over = tmp_path / "merged.h5", tmp_path / "virtual.h5"
    merge(dicomprep, merged, three)
    merge(dicomprep, over, three, "--virtual")
    wanted = stream(dicomprep, [merged], *words)
    assert wanted and stream(dicomprep, [over], *words) == wanted
    assert stream(dicomprep, three[::-1], *words) == wanted


def test_batches_over_shards_with_rows_left_out(dicomprep, tmp_path):
    study = equal_study(tmp_path / "tree", [(0, 1), (1, 6), (6, 7)])
    table = tmp_path / "splits.csv"
    table.write_text("patient_id,split\n" + "".join(f"P{n},{['train', 'test', 'val'][n % 3]}\n" for n in range(8)))
    shards = make_shards(dicomprep, study.root, tmp_path / "of-3", 3, "--split-file", table)
    merge(dicomprep, tmp_path / "merged.h5", shards, code=3)
    for words in (["--epochs", 2], ["--split", "train", "--normalize", "zscore"]):
        assert stream(dicomprep, shards, *words) == stream(dicomprep, [tmp_path / "merged.h5"], *words)


def test_a_virtual_file_moves_with_its_shards(three, dicomprep, tmp_path):
    place = tmp_path / "100% here"
    (place / "parts").mkdir(parents=True)
    shards = [shutil.copy(shard, place / "parts") for shard in three]
    merge(dicomprep, place / "all.h5", shards, "--virtual")
    before = stream(dicomprep, [place / "all.h5"])
    moved = place.rename(tmp_path / "there")
    with h5py.File(moved / "all.h5") as file, h5py.File(three[0]) as first:
        assert np.array_equal(file["images"][: len(first["images"])], first["images"][:])
        assert file["images"][:].any(axis=(1, 2, 3)).all()
    assert stream(dicomprep, [moved / "all.h5"]) == before
    assert dicomprep("verify", moved / "all.h5").returncode == 0
    for command in ("info", "verify"):
        assert dicomprep(command, moved / "all.h5").returncode == 0
    assert dicomprep("explain", moved / "all.h5", "--at", "0:0:7").returncode == 0
    assert dicomprep("preview", moved / "all.h5", "-o", tmp_path / "x.html").returncode == 0
    assert dicomprep("diff", moved / "all.h5", moved / "all.h5").returncode == 0


def test_a_per_cent_sign_in_the_name_of_a_shard(three, dicomprep, tmp_path):
    shards = [shutil.copy(shard, tmp_path / f"%b {number} %%.h5") for number, shard in enumerate(three)]
    merge(dicomprep, tmp_path / "all.h5", shards, "--virtual")
    with h5py.File(tmp_path / "all.h5") as file:
        assert file["images"][:].any(axis=(1, 2, 3)).all()


def test_a_missing_or_replaced_shard_is_an_error(three, dicomprep, tmp_path):
    shards = [shutil.copy(shard, tmp_path) for shard in three]
    merge(dicomprep, tmp_path / "all.h5", shards, "--virtual")
    replaced = make_shards(dicomprep, FIXTURES, tmp_path / "other", 3, "--structures", "inner,outer", "--mask-rule",
                           "pillow", indices=[1])
    for spoil in (lambda: (tmp_path / "shard-1.h5").unlink(),
                  lambda: shutil.copyfile(replaced[0], tmp_path / "shard-1.h5")):
        spoil()
        for command in (["batches", "-o", tmp_path / "x.npy"], ["verify"], ["preview", "-o", tmp_path / "x.html"]):
            result = dicomprep(command[0], tmp_path / "all.h5", *command[1:])
            assert result.returncode == 1 and "shard-1.h5" in result.stderr, result.stderr


def test_a_flipped_pixel_behind_a_virtual_file(three, dicomprep, tmp_path):
    shards = [shutil.copy(shard, tmp_path) for shard in three]
    merge(dicomprep, tmp_path / "all.h5", shards, "--virtual")
    with h5py.File(shards[1]) as file:
        chunk = file["images"].id.get_chunk_info(0)
    data = bytearray((tmp_path / "shard-1.h5").read_bytes())
    data[chunk.byte_offset + chunk.size // 2] ^= 0x10
    (tmp_path / "shard-1.h5").write_bytes(data)
    result = dicomprep("verify", tmp_path / "all.h5", "--json")
    assert result.returncode == 1 and json.loads(result.stdout)["problems"]["rows"] == 1
    result = dicomprep("batches", tmp_path / "all.h5", "-o", tmp_path / "x.npy")
    assert result.returncode == 1 and "shard-1.h5" in result.stderr
    result = dicomprep("repair", tmp_path / "all.h5", "--against", FIXTURES, "-o", tmp_path / "new.h5")
    assert result.returncode == 1 and "repair the shards" in result.stderr


def test_a_virtual_file_that_refers_to_itself_ends(three, dicomprep, tmp_path):
    shards = [shutil.copy(shard, tmp_path) for shard in three]
    merge(dicomprep, tmp_path / "all.h5", shards, "--virtual")
    shutil.copyfile(tmp_path / "all.h5", tmp_path / "shard-1.h5")
    result = dicomprep("verify", tmp_path / "all.h5")
    assert result.returncode == 1 and "shard-1.h5" in result.stderr
