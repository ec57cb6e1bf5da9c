"""A prep that is stopped at any moment, by whatever: the file is there complete or not at all, and the next run goes on.

DICOMPREP_LONG_TESTS=1 tries every system call instead of some, and 200 random kills instead of 20.
"""

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import time

import numpy as np
import pytest

from faults import LONG, Faults, build, some
from journal import journals, kept_rows
from trees import Study, dicom, noise, small_study

PATIENTS, IMAGES, SEGMENT = 5, 8, 14
ROWS = PATIENTS * IMAGES
SPLIT = ["--split", "train=0.5,val=0.5"]
WORDS = [*SPLIT, "--segment-rows", str(SEGMENT), "--threads", "2"]


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    return build(tmp_path_factory.mktemp("faults"))


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A small study; two patients share an image, and stand in one split therefore."""
    study = small_study(tmp_path_factory.mktemp("resume") / "data", [f"P{i}" for i in range(PATIENTS)], IMAGES, 32)
    shutil.copy(study.image_path("P0", 3), study.image_path("P4", 2))
    return study


@pytest.fixture(scope="module")
def whole(study, dicomprep, tmp_path_factory):
    """The bytes of an uninterrupted run that keeps nothing."""
    path = tmp_path_factory.mktemp("whole") / "x.h5"
    dicomprep.prep(study.root, path, *SPLIT, "--segment-rows", "0")
    assert os.listdir(path.parent) == ["x.h5"]
    return path.read_bytes()


@pytest.fixture
def faults(library, dicomprep, out):
    return Faults(library, dicomprep, out)


def words_for(study, output, *more):
    return ["prep", study.root, "-o", output, *WORDS, *more]


def check_failed(result, folder):
    """An ordinary failure: exit code 1, one sentence that says what to do, and no file."""
    assert result.returncode == 1, f"{result.returncode}: {result.stderr}"
    lines = result.stderr.splitlines()
    assert lines[-1].startswith("dicomprep: error: ") and "panicked" not in result.stderr, result.stderr
    assert "HDF5-DIAG" not in result.stderr and "internal" not in result.stderr
    if kept_parts(folder):
        assert "x.h5.parts: the same command continues from there" in lines[-1], result.stderr
    else:
        assert not (folder / "x.h5.parts").exists() or "mkdir" in lines[-1] or "remove" in lines[-1]
    return lines[-1]


def check_next_run(study, dicomprep, folder, whole):
    """No half of a file is there, and the next run makes the whole one, out of what was kept."""
    output = folder / "x.h5"
    kept = kept_rows(output)
    assert not output.exists() or output.read_bytes() == whole
    assert set(os.listdir(folder)) <= {"x.h5", ".x.h5.partial", "x.h5.parts"}
    report = folder.parent / "report.json"
    result = dicomprep.prep(study.root, output, *WORDS, "--report", report, "--force")
    rows = json.loads(report.read_text())["rows"]
    # Two rows are made of files with the same bytes: one can stand for both.
    reused = rows["reused"]
    assert reused in (kept, kept + 1 if kept else 0) and rows["made"] == ROWS - reused, (kept, rows)
    assert kept == 0 or f"{reused} reused, {ROWS - reused} rebuilt" in result.stderr
    assert os.listdir(folder) == ["x.h5"] and output.read_bytes() == whole
    output.unlink()
    return kept


def test_parts_go_and_the_bytes_stay(study, whole, dicomprep, out):
    for rows in ["1", "3", str(SEGMENT), str(ROWS - 1), str(ROWS), "100000"]:
        for threads in ["1", "3"]:
            words = ["--segment-rows", rows, "--threads", threads, "--force"]
            dicomprep.prep(study.root, out / "x.h5", *SPLIT, *words)
            assert os.listdir(out) == ["x.h5"] and (out / "x.h5").read_bytes() == whole


def test_killed_at_every_step_that_matters(study, whole, dicomprep, faults, out, tmp_path):
    words = words_for(study, out / "x.h5")
    counts = faults.counts(words, tmp_path / "counts")
    (out / "x.h5").unlink()
    assert min(counts[call] for call in ("fsync", "rename", "mkdir", "rmdir", "unlink", "create", "write")) > 0
    steps = [(call, at) for call in ("fsync", "rename", "mkdir", "rmdir", "unlink") for at in range(1, counts[call] + 1)]
    steps += [(call, at) for call, wanted in (("write", 10), ("create", 4)) for at in some(counts[call], wanted)]
    killed, kept = 0, []
    for call, at in steps:
        for do in ("kill-before", "kill-after") if LONG or call not in ("write", "create") else ("kill-after",):
            result = faults.run(words, call, at, do)
            # Threads race: in this run there may have been fewer calls.
            assert result.returncode in (-signal.SIGKILL, 0)
            killed += result.returncode != 0
            kept.append(check_next_run(study, dicomprep, out, whole))
    print(f"{killed} of {len(kept)} runs were killed; rows kept: {sorted(set(kept))}")
    assert killed >= 0.8 * len(kept) and len(set(kept)) >= 3


@pytest.mark.parametrize("do", ["ENOSPC", "EIO", "ENOSPC-once", "EIO-once"])
def test_a_call_that_fails_is_an_error_and_no_loss(do, study, whole, dicomprep, faults, out, tmp_path):
    words = words_for(study, out / "x.h5")
    counts = faults.counts(words, tmp_path / "counts")
    (out / "x.h5").unlink()
    wanted = {"write": 5, "fsync": 4, "rename": 3, "mkdir": 1, "create": 2}
    failed = 0
    for call, at in [(call, at) for call in wanted for at in some(counts[call], wanted[call])]:
        result = faults.run(words, call, at, do)
        # HDF5 tries some writes again.
        if result.returncode != 0:
            said = check_failed(result, out)
            assert ("No space left" if "ENOSPC" in do else "Input/output error") in said, said
            failed += 1
            # Where nothing can be renamed, what is kept stays where it was written.
            assert ".x.h5.partial" not in os.listdir(out) or (call == "rename" and kept_rows(out / "x.h5"))
        if (out / "x.h5").exists() and result.returncode != 0:
            # Only the last sync of the folder comes after the file has its name.
            assert call in ("fsync", "rename") and (out / "x.h5").read_bytes() == whole
        check_next_run(study, dicomprep, out, whole)
    assert failed > 5


def test_what_cannot_be_removed_is_told(study, whole, dicomprep, faults, out):
    for call, at in [("unlink", at) for at in range(1, 7)] + [("rmdir", 1)]:
        result = faults.run(words_for(study, out / "x.h5"), call, at, "EIO")
        assert result.returncode == 0 or "Input/output error" in check_failed(result, out)
        check_next_run(study, dicomprep, out, whole)


def test_short_writes_are_finished(study, whole, dicomprep, faults, out):
    for at in range(1, 200, 5 if LONG else 40):
        result = faults.run(words_for(study, out / "x.h5"), "write", at, "short")
        assert result.returncode == 0, result.stderr
        assert (out / "x.h5").read_bytes() == whole
        (out / "x.h5").unlink()


def test_an_image_that_cannot_be_read_is_told_and_made_next_time(study, whole, library, dicomprep, out, tmp_path):
    faults = Faults(library, dicomprep, study.root / "dicoms")
    words = words_for(study, out / "x.h5")
    counts = faults.counts(words, tmp_path / "counts", "read")
    (out / "x.h5").unlink()
    report = tmp_path / "first.json"
    lost = 0
    for at in some(counts["read"], 8):
        result = faults.run([*words, "--report", report], "read", at, "EIO-once")
        said = json.loads(report.read_text())
        reasons = said["reasons"]
        assert result.returncode == (3 if reasons else 0), result.stderr
        assert said["samples"] + reasons.get("image-unreadable", 0) == ROWS
        if reasons:
            lost += 1
            assert "Input/output error" in result.stderr
            (out / "x.h5").unlink()
        report.unlink()
        check_next_run(study, dicomprep, out, whole)
    assert lost >= 4


# ---------------------------------------------------------------- signals at random moments


@pytest.fixture(scope="module")
def long_study(tmp_path_factory):
    """Images that take their time."""
    study = Study(tmp_path_factory.mktemp("long") / "data")
    for patient in range(4):
        for number in range(1, 16):
            image = dicom(noise((192, 192), 0, 4095, patient, number).astype(np.uint16), bits=12)
            study.add(f"P{patient}", number, image)
    return study


def test_stopped_at_random_moments_again_and_again(long_study, dicomprep, out, tmp_path):
    """Several signals one after the other, then a run to the end: it is the file of an uninterrupted run."""
    words = ["--segment-rows", "4", "--threads", "2", "--compression", "9"]
    began = time.monotonic()
    dicomprep.prep(long_study.root, out / "x.h5", *words)
    lasts = time.monotonic() - began
    whole = hashlib.sha256((out / "x.h5").read_bytes()).hexdigest()
    (out / "x.h5").unlink()
    chance = random.Random(6)
    wanted, stopped, rounds, reused = 200 if LONG else 20, 0, 0, []
    command = [dicomprep.path, "prep", long_study.root, "-o", out / "x.h5", *words]
    report = tmp_path / "report.json"
    while stopped < wanted:
        rounds += 1
        for _ in range(chance.randint(1, 4)):
            process = subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            time.sleep(chance.uniform(0.005, 0.8 * lasts))
            number = chance.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
            process.send_signal(number)
            _, said = process.communicate(timeout=60)
            if (out / "x.h5").exists():
                assert process.returncode in (0, -number), (number, process.returncode, said)
                break
            # A signal that comes before it is watched for ends the program as it always does.
            assert process.returncode in (-number, 1), (process.returncode, said)
            if process.returncode == 1:
                assert "interrupted: no file was written" in said
                assert ("continues from there" in said) == bool(kept_parts(out)), said
            stopped += 1
        if (out / "x.h5").exists():
            assert hashlib.sha256((out / "x.h5").read_bytes()).hexdigest() == whole
        dicomprep.prep(long_study.root, out / "x.h5", *words, "--force", "--report", report)
        reused.append(json.loads(report.read_text())["rows"]["reused"])
        assert hashlib.sha256((out / "x.h5").read_bytes()).hexdigest() == whole
        assert os.listdir(out) == ["x.h5"]
        (out / "x.h5").unlink()
        print(f"round {rounds}: {stopped} stopped so far, {reused[-1]} of 60 rows reused")
    assert max(reused) > 0
    print(f"{stopped} runs were stopped by signals; {rounds} files, all with SHA-256 {whole}")


def kept_parts(folder):
    return list((folder / "x.h5.parts").glob("rows-*.journal"))


# ---------------------------------------------------------------- places


def test_a_second_run_is_refused_and_disturbs_nothing(long_study, dicomprep, out):
    words = ["--segment-rows", "4", "--threads", "1", "--compression", "9"]
    command = [dicomprep.path, "prep", long_study.root, "-o", out / "x.h5", *words]
    first = subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    wait_for(lambda: kept_parts(out), first)
    for more in ([], ["--force"], ["--fresh"]):
        second = dicomprep.prep(long_study.root, out / "x.h5", *words, *more, code=1)
        assert "another dicomprep is writing" in second.stderr and "x.h5" in second.stderr
    _, said = first.communicate(timeout=60)
    assert first.returncode == 0, said
    assert os.listdir(out) == ["x.h5"] and dicomprep("verify", out / "x.h5").returncode == 0


def wait_for(happened, process):
    end = time.monotonic() + 60
    while not happened() and process.poll() is None and time.monotonic() < end:
        time.sleep(0.001)
    assert process.poll() is None, process.communicate()


def test_the_folder_of_the_output_is_removed_meanwhile(long_study, dicomprep, out):
    words = ["--segment-rows", "4", "--threads", "1", "--compression", "9"]
    command = [dicomprep.path, "prep", long_study.root, "-o", out / "x.h5", *words]
    process = subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    wait_for(lambda: kept_parts(out), process)
    gone = out.with_name("gone")
    out.rename(gone)
    shutil.rmtree(gone)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1 and "No such file or directory" in said and "panicked" not in said, said
    out.mkdir()
    dicomprep.prep(long_study.root, out / "x.h5", *words)
    assert os.listdir(out) == ["x.h5"] and dicomprep("verify", out / "x.h5").returncode == 0


@pytest.fixture
def disk(tmp_path):
    """Mounts a file system of its own, with these options."""
    place = tmp_path / "disk"
    place.mkdir()

    def mount(options):
        words = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)]
        mounted = shutil.which("mount") and subprocess.run(words, capture_output=True, text=True)
        if not mounted or mounted.returncode != 0:
            pytest.skip("no small file system can be mounted here")
        return place

    yield mount
    subprocess.run(["umount", str(place)], capture_output=True)


def test_a_disk_that_was_full_goes_on_where_it_was(long_study, dicomprep, disk):
    place = disk("size=2m")
    words = ["--segment-rows", "4", "--threads", "2"]
    result = dicomprep.prep(long_study.root, place / "x.h5", *words, code=1)
    said = check_failed(result, place)
    assert "No space left on device" in said and kept_parts(place)
    subprocess.run(["mount", "-o", "remount,size=64m", str(place)], check=True)
    result = dicomprep.prep(long_study.root, place / "x.h5", *words)
    assert " reused, " in result.stderr and os.listdir(place) == ["x.h5"]
    assert dicomprep("verify", place / "x.h5").returncode == 0


def test_a_read_only_disk_is_an_error(study, dicomprep, disk):
    place = disk("ro")
    result = dicomprep.prep(study.root, place / "x.h5", *WORDS, code=1)
    assert "Read-only file system" in result.stderr and "x.h5" in result.stderr


def test_without_locks_nothing_is_kept_and_the_file_is_the_same(study, whole, dicomprep, faults, out):
    (out / ".x.h5.partial").write_text("whose is it?")
    result = faults.run(words_for(study, out / "x.h5"), "lock", 1, "ENOLCK")
    assert result.returncode == 0 and "its file system has no locks" in result.stderr, result.stderr
    assert (out / "x.h5").read_bytes() == whole
    assert sorted(os.listdir(out)) == [".x.h5.partial", "x.h5"]
    assert (out / ".x.h5.partial").read_text() == "whose is it?"


def test_what_others_put_into_the_folder_stays(study, dicomprep, out):
    (out / "x.h5.parts").mkdir()
    (out / "x.h5.parts" / "notes.txt").write_text("mine")
    dicomprep.prep(study.root, out / "x.h5", *WORDS)
    assert os.listdir(out / "x.h5.parts") == ["notes.txt"]
    (out / "y.h5.parts").write_text("mine")
    result = dicomprep.prep(study.root, out / "y.h5", *WORDS, code=1)
    assert "y.h5.parts" in result.stderr and (out / "y.h5.parts").read_text() == "mine"
