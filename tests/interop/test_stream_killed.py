"""A stream whose writer is killed never looks complete: every reader raises, wherever the writer was."""

import io
import random
import subprocess
import time

import numpy as np
import pyarrow
import pytest

from streams import start, stream, tar

webdataset = pytest.importorskip("webdataset")

KILLS = 200  # for each format


def read_npy(data):
    """Reads records to the end of the stream, as a training loop does that stops where no byte comes."""
    pipe = io.BytesIO(data)
    while pipe.read(1):
        pipe.seek(-1, io.SEEK_CUR)
        np.lib.format.read_array(pipe)
        np.lib.format.read_array(pipe)


def read_arrow(data):
    with pyarrow.ipc.open_stream(pyarrow.BufferReader(data)) as reader:
        return reader.read_all()


def read_webdataset(data):
    """Python's tarfile, and WebDataset's own reading of it."""
    files = webdataset.tariterators.tar_file_expander(
        [{"url": "pipe", "stream": io.BytesIO(data)}], handler=webdataset.reraise_exception)
    list(webdataset.tariterators.group_by_keys(files, handler=webdataset.reraise_exception))
    tar(data)


READERS = {"npy": read_npy, "arrow": read_arrow, "webdataset": read_webdataset}


def killed(dicomprep, file, words, taken):
    """What a stream without end holds whose writer is killed after `taken` bytes were read, waiting for its reader."""
    with start(dicomprep, file, *words, "--epochs", 0, stderr=subprocess.DEVNULL) as process:
        data = process.stdout.read(taken)
        time.sleep(random.uniform(0, 0.03))
        process.kill()
        data += process.stdout.read()
        process.wait(timeout=10)
    return data


@pytest.mark.parametrize("name", READERS)
def test_a_killed_writer_leaves_no_complete_stream(name, final_data, dicomprep):
    read, chance = READERS[name], random.Random(name)
    for number in range(KILLS):
        words = ["--format", name, "-b", chance.choice([1, 2, 5]), "--image-dtype", chance.choice(["stored", "float32"])]
        data = killed(dicomprep, final_data, words, chance.randrange(1, 1_500_000))
        with pytest.raises(Exception):
            read(data)
            pytest.fail(f"kill {number}: {len(data)} bytes with {words} look complete", pytrace=False)


@pytest.mark.parametrize("name", READERS)
def test_a_stream_is_never_cut_between_two_records(name, final_data, dicomprep):
    """Readers get the bytes as a pipe hands them on; wherever a batch ends, its successor has begun."""
    words = ["--format", name, "-b", 1, "--epochs", 3]
    whole = stream(dicomprep, final_data, *words)
    READERS[name](whole)
    first = stream(dicomprep, final_data, *words[:-1], 1, "--split", "train")
    assert stream(dicomprep, final_data, *words) == whole and first
