"""What `batches` takes: memory that does not grow with the file, and no lock on it."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np
import pytest

from streams import (Contents, command, describe, grown, one_row_chunks, peak_memory, replace, seal, start, stream)

MIB = 1 << 20
# The program, its libraries and its stacks, in a build of any kind: a debug build touches most.
FIXED = 32 * MIB


@pytest.fixture(scope="module")
def large(final_data, tmp_path_factory):
    """A file of 180 MiB: 256 x 256 pixels, not compressed."""
    folder = tmp_path_factory.mktemp("large")
    contents = Contents(final_data)
    images, masks = (np.tile(array, (1, 4, 4, 1)) for array in (contents.images, contents.masks))
    file = replace(final_data, folder / "1.h5", "images", images, **one_row_chunks(images))
    file = replace(file, folder / "2.h5", "masks", masks, **one_row_chunks(masks))
    with h5py.File(file, "r+") as opened:
        opened["samples/image_rows"][:], opened["samples/image_columns"][:] = images.shape[1:3]
        seal(opened, *range(20))
    made = grown(file, folder / "large.h5", 36)
    os.remove(folder / "1.h5")
    yield made
    shutil.rmtree(folder)


def bound(dicomprep, file, prefetch, *words):
    """The batches that are held, and what does not depend on them."""
    told = describe(dicomprep, file, *words)
    return prefetch * told["batch_size"] * told["bytes_per_sample"] + FIXED


@pytest.mark.parametrize("words", [["--prefetch", 3], ["--prefetch", 3, "--threads", 8],
                                   ["--prefetch", 3, "--format", "arrow"], ["--prefetch", 6, "--split", "train"],
                                   ["--prefetch", 2, "--balance", "outer"]], ids=str)
def test_a_stalled_reader_holds_no_more_than_the_prefetch(words, large, dicomprep):
    words = [*words, "-b", 8]
    limit = bound(dicomprep, large, words[1], *words)
    assert limit < os.path.getsize(large) / 3
    with start(dicomprep, large, *words) as process:
        process.stdout.read(MIB)
        time.sleep(0.4)
        assert peak_memory(process) < limit
        process.stdout.close()
        assert process.wait(timeout=2) == 0


def drain(process, wanted):
    """Reads a stream of at least `wanted` bytes to its end: the peak memory shortly before, and a digest of it."""
    digest = hashlib.sha256()
    while wanted > 8 * MIB:
        piece = process.stdout.read(4 * MIB)
        digest.update(piece)
        wanted -= len(piece)
    memory = peak_memory(process)
    digest.update(process.stdout.read())
    assert process.wait(timeout=5) == 0
    return memory, digest.hexdigest()


@pytest.mark.parametrize("words", [["--prefetch", 3], ["--prefetch", 3, "--image-dtype", "stored"],
                                   ["--prefetch", 3, "--format", "webdataset"]], ids=str)
def test_a_whole_epoch_takes_no_more_than_its_beginning(words, large, dicomprep):
    words = [*words, "-b", 8]
    told = describe(dicomprep, large, *words)
    with start(dicomprep, large, *words) as process:
        memory, _ = drain(process, told["samples_per_epoch"] * told["bytes_per_sample"])
    assert memory < bound(dicomprep, large, 3, *words) < os.path.getsize(large) / 3


def test_the_cache_holds_no_more_than_it_may(large, dicomprep):
    words = ["-b", 8, "--prefetch", 3, "--epochs", 3, "--image-dtype", "stored", "--start", "1:60"]
    told, seen = describe(dicomprep, large, *words), set()
    for cache in (0, 16 * MIB):
        with start(dicomprep, large, *words, "--cache", cache) as process:
            memory, digest = drain(process, (2 * told["samples_per_epoch"] - 60 * 8) * told["bytes_per_sample"])
        assert memory < bound(dicomprep, large, 3, *words) + cache + 2 * MIB
        seen.add(digest)
    assert len(seen) == 1


def test_the_first_batch_does_not_wait_for_the_others(large, dicomprep):
    def seconds(wanted):
        begun = time.monotonic()
        with start(dicomprep, large, "-b", 8, "-q") as process:
            process.stdout.read(wanted)
            taken = time.monotonic() - begun
            process.stdout.close()
        return taken

    # The first of 90 batches.
    assert min(seconds(1) for _ in range(3)) < seconds(-1) / 3


# ---------------------------------------------------------------- several readers, and no lock


def test_readers_at_once_get_the_same(final_data, dicomprep):
    words = ["-b", 8, "--image-dtype", "stored", "--where", "mask_pixels.outer>0"]
    with h5py.File(final_data) as held:
        expected = stream(dicomprep, final_data, *words, "--epochs", 20)
        running = [start(dicomprep, final_data, *words, "--epochs", 20) for _ in range(4)]
        for process in running:
            with process:
                data, said = process.communicate(timeout=30)
            assert process.returncode == 0, said
            assert data == expected
        assert held["images"][0].any()


def test_a_lock_on_the_file_does_not_matter(spoiled, final_data, dicomprep):
    with open(spoiled, "rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert stream(dicomprep, spoiled) == stream(dicomprep, final_data)
    with h5py.File(spoiled, locking=True):
        assert stream(dicomprep, spoiled) == stream(dicomprep, final_data)


def test_the_file_is_left_as_it_was(spoiled, dicomprep):
    before = spoiled.read_bytes(), os.stat(spoiled).st_mtime_ns
    stream(dicomprep, spoiled, "--epochs", 2)
    with start(dicomprep, spoiled, "--epochs", 0) as process:
        process.stdout.read(1000)
        process.kill()
    assert (spoiled.read_bytes(), os.stat(spoiled).st_mtime_ns) == before
    assert os.listdir(spoiled.parent) == [spoiled.name]


@pytest.fixture
def read_only(final_data):
    """The file in a folder, and both are not to be written."""
    folder = Path(tempfile.mkdtemp(prefix="dicomprep-read-only-"))
    file = Path(shutil.copy(final_data, folder / "final_data.h5"))
    file.chmod(0o444)
    folder.chmod(0o555)
    yield file
    folder.chmod(0o755)
    shutil.rmtree(folder)


def test_a_read_only_file_in_a_read_only_folder(read_only, final_data, dicomprep):
    nobody = {}
    if os.geteuid() == 0:
        # Nobody may do what root may.
        nobody = {"user": 65534, "group": 65534, "extra_groups": []}
        try:
            subprocess.run([str(dicomprep.path), "--version"], check=True, capture_output=True, **nobody)
        except (OSError, subprocess.CalledProcessError):
            pytest.skip("the program cannot be run by another user than root here")
        assert subprocess.run(["test", "-w", str(read_only)], **nobody).returncode == 1
    for words in ([], ["--format", "arrow", "--split", "train"]):
        assert stream(dicomprep, read_only, *words, **nobody) == stream(dicomprep, final_data, *words)
    result = subprocess.run(command(dicomprep, read_only, "-o", read_only.parent / "x"), capture_output=True,
                            timeout=20, **nobody)
    assert result.returncode == 1 and b"Permission denied" in result.stderr
