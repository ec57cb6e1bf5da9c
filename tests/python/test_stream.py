"""Streams of the module are those of the command and of the file."""

import gc
import io
import json
import multiprocessing
import os
import pickle
import random
import re
import subprocess
import threading
import time

import h5py
import numpy as np
import pytest
from ctrl_c import reading_ends_by_ctrl_c

import dicomprep
from dicomprep._command import flags, program

CHOICES = {
    "batch_size": [1, 3, 8],
    "split": [None, "train", "val"],
    "seed": [0, 7],
    "shuffle": [True, False],
    "epochs": [1, 2],
    "structures": [None, ["outer"], ["outer", "inner"]],
    "layout": ["nhwc", "nchw"],
    "image_dtype": ["float32", "float16"],
    "mask_dtype": ["uint8", "float32"],
    "normalize": ["none", "zscore", "minmax"],
    "augment": [None, "cardiac"],
    "drop_last": [False, True],
    "neighbours": [0, 0, 1],
    "edges": ["repeat"],
    "world_size": [1, 2],
    "uneven": ["pad", "drop", "allow"],
    "where": [None, ["mask_pixels.outer>0"], ["mask_pixels.inner>=0", "instance>0"]],
    "balance": [None, "patient_id"],
    "rotation_range": [None, 12.5],
    "zoom_range": [None, [0.8, 1.2]],
    "horizontal_flip": [False, True],
    "fill_mode": ["nearest", "reflect"],
    "start": ["0:0", "0:1"],
}


def command(file, options, folder):
    """The batches through a pipe, which are those that go into a file."""
    given = dict(options)
    switches = [] if given.pop("shuffle", True) else ["--no-shuffle"]
    words = [program(), "batches", file, "-q", *flags(given), *switches]
    done = subprocess.run(words, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    written = folder / f"batches-{len(list(folder.iterdir()))}.npy"
    subprocess.run([*words, "-o", written], check=True)
    assert written.read_bytes() == done.stdout
    stream = io.BytesIO(done.stdout)
    while stream.tell() < len(done.stdout):
        yield np.lib.format.read_array(stream), np.lib.format.read_array(stream)


@pytest.mark.parametrize("seed", range(24))
def test_module_pipe_and_file_agree(file, seed, tmp_path):
    chosen = random.Random(seed)
    options = {name: chosen.choice(values) for name, values in CHOICES.items()}
    try:
        got = list(dicomprep.open(file).batches(**options))
    except dicomprep.DataError as error:
        # A stream without such a batch: the command says the same.
        with pytest.raises(AssertionError, match=re.escape(str(error).partition(";")[0])):
            list(command(file, options, tmp_path))
        return
    expected = list(command(file, options, tmp_path))
    assert len(got) == len(expected)
    for batch, (images, masks) in zip(got, expected, strict=True):
        assert batch.images.dtype == images.dtype and batch.masks.dtype == masks.dtype
        np.testing.assert_array_equal(batch.images, images)
        np.testing.assert_array_equal(batch.masks, masks)


def test_rows_and_columns_are_those_of_the_file(file, data):
    with h5py.File(file, "r+") as h5:
        assert len(data) == len(h5["images"])
        for row in (0, 5, -1):
            image, mask = data[row]
            np.testing.assert_array_equal(image, h5["images"][row % len(data)])
            np.testing.assert_array_equal(mask, h5["masks"][row % len(data)])
        assert list(data.columns["id"]) == [text.decode() for text in h5["samples/id"]]
        np.testing.assert_array_equal(data.columns["mask_pixels"], h5["samples/mask_pixels"])
    with pytest.raises(IndexError):
        data[len(data)]
    with pytest.raises(KeyError):
        data.columns["colour"]


def test_selections(data):
    train = data.split("train")
    assert set(train.selected_columns["split"]) == {"train"} and 0 < len(train) < len(data)
    some = train.where("mask_pixels.inner>0")
    assert (some.selected_columns["mask_pixels"][:, 0] > 0).all()
    rows = [row for batch in some.batches() for row in batch.rows]
    assert sorted(rows) == some.rows
    assert len(data.columns.to_pandas()) == len(data)


def test_batches_that_are_kept_are_never_written_again(data):
    held, copies = [], []
    for batch in data.batches(batch_size=2, epochs=4, threads=3):
        held.append(batch.images[1:])
        copies.append(batch.images[1:].copy())
        del batch
    for array, copy in zip(held, copies, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_single_batches_and_samples_that_are_kept_are_never_written_again(data):
    options = {"batch_size": 3, "seed": 4}
    expected = [(batch.images.copy(), batch.masks.copy()) for batch in data.batches(**options)]
    stream = data._raw.stream(json.dumps(options))
    rows = [int(row) for batch in data.batches(**options) for row in batch.rows]
    for _ in range(2):
        # Memory of those that were let go is used again, that of those that are held is not.
        held = [stream.batch(f"0:{index}")[:2] for index in range(len(expected))]
        samples = [stream.sample(0, row)[:2] for row in rows]
        for kind in (0, 1):
            whole = np.concatenate([batch[kind] for batch in expected])
            np.testing.assert_array_equal(np.concatenate([batch[kind] for batch in held]), whole)
            np.testing.assert_array_equal(np.concatenate([sample[kind] for sample in samples]), whole)


def test_arrays_are_writable_and_owned(data, file):
    batch = next(data.batches(batch_size=2, shuffle=False))
    before = data[0][0].copy()
    batch.images += 1
    image, _ = data[0]
    np.testing.assert_array_equal(image, before)
    image[:] = 0
    np.testing.assert_array_equal(data[0][0], before)
    assert np.from_dlpack(batch.images).ctypes.data == batch.images.ctypes.data


def test_going_on_from_a_cursor(data):
    options = {"batch_size": 3, "epochs": 2, "augment": "cardiac"}
    whole = list(data.batches(**options))
    rest = list(data.batches(**options, start=whole[2].next_cursor))
    assert [batch.cursor for batch in rest] == [batch.cursor for batch in whole[3:]]
    np.testing.assert_array_equal(rest[0].images, whole[3].images)
    assert whole[-1].next_cursor is None
    assert len(whole[0].augmentation) == len(whole[0].ids) == 3


def test_closing_ends_the_threads(data):
    before = threading.active_count(), len(os.listdir("/proc/self/task"))
    batches = data.batches(epochs=None, batch_size=4)
    assert len(os.listdir("/proc/self/task")) == before[1]
    next(batches)
    assert len(os.listdir("/proc/self/task")) > before[1]
    batches.close()
    assert len(os.listdir("/proc/self/task")) == before[1]
    assert list(batches) == []


def test_memory_does_not_grow(data):
    def resident():
        gc.collect()
        return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    many = 100_000 if os.environ.get("DICOMPREP_LONG_TESTS") else 5_000
    batches = data.batches(epochs=None, batch_size=1, image_dtype="stored")
    for _ in range(500):
        next(batches)
    before = resident()
    for _ in range(many):
        next(batches)
    assert resident() - before < 8 << 20


def test_closing_early_is_fast(data):
    batches = data.batches(epochs=None, batch_size=8)
    next(batches)
    before = time.perf_counter()
    batches.close()
    # 10 ms on a machine that does nothing else.
    assert time.perf_counter() - before < 0.5


def test_ctrl_c_ends_the_iteration(file):
    reading_ends_by_ctrl_c(str(file))


def test_a_cursor_of_another_stream_is_refused(data):
    cursor = next(data.batches(batch_size=3, split="train", epochs=2)).next_cursor
    assert cursor.startswith("0:1@")
    with pytest.raises(dicomprep.DataError, match="another stream.*foreign_cursor=True"):
        data.batches(batch_size=4, split="train", epochs=2, start=cursor)
    assert next(data.batches(batch_size=4, split="train", epochs=2, start=cursor, foreign_cursor=True)).index == 1
    with pytest.raises(dicomprep.UsageError, match="no cursor"):
        data.batches(start="7")


def first_rows(batches):
    return [int(row) for row in next(batches).rows]


def in_child(batches, results):
    results.put(first_rows(batches))


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_child_goes_on_by_itself(data, method):
    batches, alone = data.batches(batch_size=3), data.batches(batch_size=3)
    next(batches), next(alone)
    context = multiprocessing.get_context(method)
    results = context.Queue()
    child = context.Process(target=in_child, args=(batches, results))
    child.start()
    got = results.get(timeout=60)
    child.join(60)
    assert child.exitcode == 0
    assert got == first_rows(alone) == first_rows(batches)


def test_pickles(data):
    train = pickle.loads(pickle.dumps(data.split("train")))
    assert train.rows == data.split("train").rows


def test_wrong_options_say_so(data):
    with pytest.raises(dicomprep.UsageError, match="batch_size"):
        data.batches(batch_size=0)
    with pytest.raises(dicomprep.UsageError, match="colour"):
        data.batches(colour=1)
    with pytest.raises(dicomprep.UsageError, match="image_dtype='float32'"):
        data.batches(image_dtype="stored", normalize="zscore")
    with pytest.raises(dicomprep.DataError, match="no structure"):
        data.batches(structures=["apex"])
    for name, value in [("threads", 0), ("prefetch", 0), ("threads", "all"), ("cache", -1), ("cache", "5X"), ("start", None)]:
        with pytest.raises(dicomprep.UsageError, match=name):
            data.batches(**{name: value})
    for place in (slice(0, 2), "5", [1, 2]):
        with pytest.raises(TypeError, match="split"):
            data[place]
    with pytest.raises(dicomprep.UsageError, match="file"):
        dicomprep.open()
    assert isinstance(dicomprep.UsageError("x"), ValueError)


def test_a_notebook_shows_samples(data):
    page = data._repr_html_()
    assert page.count("<img") == 8 and "train" in page
    assert data.show(0)._repr_png_().startswith(b"\x89PNG")
    shown = {}
    for name, options in {"own": {}, "planes": {"layout": "nchw"}, "beside": {"neighbours": 1}, "phases": {"phases": 2}}.items():
        batch = next(data.batches(batch_size=4, shuffle=False, **options))
        shown[name] = batch._repr_html_().partition("</p>")[2]
        assert shown[name].count("<img") == 4
    # The rows' own images, whatever the order of axes and the channels beside them.
    assert len(set(shown.values())) == 1
