"""Runs that are stopped, by whatever: the file appears complete or not at all, and nothing looks like it."""

import os
import random
import resource
import shutil
import signal
import subprocess
import time

import h5py
import numpy as np
import pytest

from trees import Study, dicom, noise

PATIENTS, IMAGES, DISTINCT = 6, 150, 12
WORDS = ["--threads", "1", "--compression", "9", "--split", "none", "-q"]


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Enough images for a run that lasts: a few files under many names."""
    root = tmp_path_factory.mktemp("kill") / "data"
    study = Study(root)
    files = []
    for number in range(DISTINCT):
        image = dicom(noise((256, 256), 0, 4095, number).astype(np.uint16), bits=12)
        files.append(study.add("FIRST", number + 1, image))
    for patient in range(PATIENTS):
        name = f"P{patient}"
        study.patient(name)
        study.image_path(name, 1).parent.mkdir()
        for number in range(1, IMAGES + 1):
            os.link(files[number % DISTINCT], study.image_path(name, number))
            study.contour(name, number)
    return study


@pytest.fixture(scope="module")
def whole(study, dicomprep, tmp_path_factory):
    """The bytes of an uninterrupted run."""
    path = tmp_path_factory.mktemp("whole") / "x.h5"
    dicomprep.prep(study.root, path, *WORDS)
    return path.read_bytes()


def start(dicomprep, study, output, *words):
    return subprocess.Popen(
        [str(dicomprep.path), "prep", str(study.root), "-o", str(output), *WORDS, *words],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for_bytes(folder, process, wanted):
    """Waits until the file that is being written has `wanted` bytes."""
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        for name in os.listdir(folder):
            try:
                if name.endswith(".partial") and (folder / name).stat().st_size >= wanted:
                    return
            except FileNotFoundError:
                pass
        time.sleep(0.002)
    assert process.poll() is None, process.communicate()


def test_what_a_killed_run_leaves_is_no_file_and_goes_with_the_next_run(study, whole, dicomprep, out):
    chance = random.Random(7)
    early = [0.002, 0.02]
    late = [chance.uniform(0, 0.9) * len(whole) for _ in range(5)]
    for moment in [*early, *late]:
        process = start(dicomprep, study, out / "x.h5")
        if moment in early:
            time.sleep(moment)
        else:
            wait_for_bytes(out, process, moment)
        process.kill()
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        # What an earlier run left is gone, or goes on from there.
        names = set(os.listdir(out)) - {"x.h5.parts"}
        assert names == {".x.h5.partial"} or moment in early
        for name in names:
            with pytest.raises(OSError):
                h5py.File(out / name)
            assert dicomprep("info", out / name).returncode == 1
    dicomprep.prep(study.root, out / "x.h5", *WORDS)
    assert os.listdir(out) == ["x.h5"]
    assert (out / "x.h5").read_bytes() == whole


def test_a_killed_run_leaves_the_file_that_it_would_have_replaced(study, dicomprep, out):
    (out / "x.h5").write_text("mine")
    process = start(dicomprep, study, out / "x.h5", "--force")
    wait_for_bytes(out, process, 1_000_000)
    process.kill()
    process.communicate()
    assert (out / "x.h5").read_text() == "mine"


def test_two_runs_at_once_do_not_disturb_each_other(study, whole, dicomprep, out):
    first = start(dicomprep, study, out / "x.h5")
    wait_for_bytes(out, first, 100_000)
    second = start(dicomprep, study, out / "x.h5", "--force")
    _, also = second.communicate(timeout=60)
    assert second.returncode == 1 and "another dicomprep is writing" in also
    _, said = first.communicate(timeout=60)
    assert first.returncode == 0, said
    assert (out / "x.h5").read_bytes() == whole and os.listdir(out) == ["x.h5"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("wanted", [0, 5_000_000])
def test_a_signal_stops_in_good_order(number, wanted, study, dicomprep, out):
    process = start(dicomprep, study, out / "x.h5", "--report", str(out / "report.json"))
    wait_for_bytes(out, process, wanted)
    start_of_end = time.monotonic()
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=30)
    assert process.returncode == 1 and stdout == ""
    assert "interrupted" in stderr and "nothing is left" in stderr
    assert time.monotonic() - start_of_end < 5
    assert os.listdir(out) == []


# ---------------------------------------------------------------- a disk that is full


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 2 MiB."""
    place = tmp_path / "disk"
    place.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place)]
    mounted = shutil.which("mount") and subprocess.run(words, capture_output=True, text=True)
    if not mounted or mounted.returncode != 0:
        pytest.skip("no small file system can be mounted here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.mark.parametrize("compression", ["0", "4"])
def test_a_full_disk_is_an_error_and_nothing_else(compression, study, dicomprep, small_disk):
    words = ["--threads", "2", "--split", "none", "--compression", compression]
    result = dicomprep.prep(study.root, small_disk / "x.h5", *words, code=1)
    assert "No space left on device" in result.stderr and "x.h5" in result.stderr
    assert "panicked" not in result.stderr and "HDF5-DIAG" not in result.stderr
    assert os.listdir(small_disk) == []


def limited(dicomprep, study, output, limit, *words):
    """Runs `prep` where no file may be larger than `limit`: writes fail as on a full disk."""
    def prepare():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    command = [str(dicomprep.path), "prep", str(study.root), "-o", str(output), *words]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
                          preexec_fn=prepare, restore_signals=False)


@pytest.fixture(scope="module")
def little(tmp_path_factory):
    """A study whose file is small enough to be cut everywhere."""
    study = Study(tmp_path_factory.mktemp("little") / "data")
    for number in range(1, 41):
        study.add("P1", number, noise((32, 32), 0, 900, number).astype(np.int16))
    return study


@pytest.mark.parametrize("compression", ["0", "4"])
def test_a_write_that_fails_anywhere_is_an_error(compression, little, dicomprep, out):
    words = ["--split", "none", "--compression", compression]
    dicomprep.prep(little.root, out / "whole.h5", *words)
    size = (out / "whole.h5").stat().st_size
    os.remove(out / "whole.h5")
    limits = [0, 1, 500, 3000, *(size * part // 16 for part in range(1, 16)), size - 3000, size - 1]
    for limit in limits:
        result = limited(dicomprep, little, out / "x.h5", limit, *words)
        assert result.returncode == 1, f"limit {limit} of {size}: {result.returncode}\n{result.stderr}"
        assert "dicomprep: error: " in result.stderr and "File too large" in result.stderr, (limit, result.stderr)
        assert "panicked" not in result.stderr and "HDF5-DIAG" not in result.stderr
        assert os.listdir(out) == []
    # The library asks for a little more than it ends with.
    result = limited(dicomprep, little, out / "x.h5", size + 20_000, *words)
    assert result.returncode == 0, result.stderr
    assert (out / "x.h5").stat().st_size == size
