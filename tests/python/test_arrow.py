"""Streams and columns by the Arrow C stream interface: what other libraries read is what the command writes."""

import gc
import os
import subprocess
import threading

import numpy as np
import pytest

import dicomprep
from dicomprep._command import program

pa = pytest.importorskip("pyarrow")
import pyarrow.ipc  # noqa: E402

PAGE = os.sysconf("SC_PAGE_SIZE")


def of_the_command(file, *words):
    done = subprocess.run([program(), "batches", file, "-q", "--format", "arrow", *words], capture_output=True, check=True)
    return pyarrow.ipc.open_stream(done.stdout).read_all()


@pytest.mark.parametrize("options, words", [
    ({}, []),
    ({"augment": "cardiac", "seed": 3, "layout": "nchw"}, ["--augment", "cardiac", "--seed", "3", "--layout", "nchw"]),
    ({"image_dtype": "float16", "normalize": "zscore"}, ["--image-dtype", "float16", "--normalize", "zscore"]),
    ({"image_dtype": "stored", "mask_dtype": "float32"}, ["--image-dtype", "stored", "--mask-dtype", "float32"]),
])
def test_pyarrow_reads_the_stream_of_the_command(file, data, options, words):
    reader = pa.RecordBatchReader.from_stream(data.batches(batch_size=3, epochs=2, **options))
    batches = list(reader)
    expected = of_the_command(file, "-b", "3", "--epochs", "2", *words)
    assert pa.Table.from_batches(batches).equals(expected, check_metadata=True)
    assert all(batch.num_rows <= 3 for batch in batches)


def test_tensors_are_not_copied(data):
    batch = next(iter(pa.RecordBatchReader.from_stream(data.batches(batch_size=4))))
    image = batch.column("image")
    values = image.storage.flatten() if isinstance(image, pa.ExtensionArray) else image.flatten()
    # Pages of the batch itself: what Arrow allocates is aligned to 64 bytes.
    assert values.buffers()[1].address % PAGE == 0
    images, _ = next(data.batches(batch_size=4))
    np.testing.assert_array_equal(values.to_numpy(), images.reshape(-1))


def test_batches_that_are_kept_are_never_written_again(data):
    def pixels(batch):
        column = batch.column("image")
        return (column.storage if isinstance(column, pa.ExtensionArray) else column).flatten().to_numpy()

    held = list(pa.RecordBatchReader.from_stream(data.batches(batch_size=2, epochs=4, threads=3)))
    del data
    gc.collect()
    again = list(pa.RecordBatchReader.from_stream(dicomprep.open(PATH[0]).batches(batch_size=2, epochs=4)))
    for one, other in zip(held, again, strict=True):
        np.testing.assert_array_equal(pixels(one), pixels(other))


PATH = []


@pytest.fixture(autouse=True)
def path(file):
    PATH[:] = [file]


def test_a_stream_begins_at_the_next_batch_and_leaves_the_iterator(data):
    batches = data.batches(batch_size=3, shuffle=False)
    next(batches)
    table = pa.RecordBatchReader.from_stream(batches).read_all()
    assert table["row"].to_pylist() == list(range(3, len(data)))
    assert [int(row) for batch in batches for row in batch.rows] == list(range(3, len(data)))
    with pytest.raises(dicomprep.UsageError, match="no batch is left"):
        pa.RecordBatchReader.from_stream(batches)


def test_dropping_a_stream_ends_its_threads(data):
    def threads():
        return len(os.listdir("/proc/self/task")), threading.active_count()

    before = threads()
    reader = pa.RecordBatchReader.from_stream(data.batches(epochs=None, batch_size=4))
    reader.read_next_batch()
    assert threads()[0] > before[0]
    reader.close()
    del reader
    gc.collect()
    assert threads() == before


def test_damage_is_an_error_with_its_row(file, tmp_path):
    damaged = bytearray(file.read_bytes())
    with pytest.importorskip("h5py").File(file) as h5:
        damaged[h5["images"].id.get_chunk_info(3).byte_offset + 20] ^= 255
    (tmp_path / "damaged.h5").write_bytes(damaged)
    reader = pa.RecordBatchReader.from_stream(dicomprep.open(tmp_path / "damaged.h5").batches(shuffle=False))
    with pytest.raises((OSError, pa.ArrowException), match="row 3"):
        reader.read_all()


def test_columns(data):
    table = pa.table(data.columns)
    assert table.column_names == list(data.columns) and table.num_rows == len(data)
    assert table["id"].to_pylist() == list(data.columns["id"])
    for name in ("mask_pixels", "pixel_spacing", "instance", "image_position"):
        column = table[name].combine_chunks()
        while pa.types.is_fixed_size_list(column.type):
            column = column.flatten()
        np.testing.assert_array_equal(column.to_numpy(), data.columns[name].reshape(-1))
    train = data.split("train")
    assert pa.table(train.selected_columns)["id"].to_pylist() == list(train.selected_columns["id"])


def test_polars(data):
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame(data.columns)
    assert frame["id"].to_list() == list(data.columns["id"])
    counts = frame.group_by("split").len()
    assert counts["len"].sum() == len(data)
    stream = polars.DataFrame(data.batches(batch_size=4, shuffle=False))
    assert stream["row"].to_list() == list(range(len(data)))
    images = np.stack([data[row][0] for row in range(len(data))]).astype(np.float32)
    np.testing.assert_array_equal(stream["image"].to_numpy().reshape(images.shape), images)


def test_duckdb(data):
    duckdb = pytest.importorskip("duckdb")
    columns = data.columns
    connection = duckdb.connect()
    connection.register("columns_of_data", pa.RecordBatchReader.from_stream(columns))
    [(rows, patients)] = connection.sql(
        "select count(*), count(distinct patient_id) from columns_of_data where mask_pixels[1] > 0"
    ).fetchall()
    inner = columns["mask_pixels"][:, 0] > 0
    assert (rows, patients) == (inner.sum(), len(set(columns["patient_id"][inner])))
    # Without pyarrow between them.
    direct = connection.from_arrow(columns) if hasattr(connection, "from_arrow") else None
    if direct is not None:
        assert direct.aggregate("count(*)").fetchall() == [(len(data),)]
    batches = pa.RecordBatchReader.from_stream(data.batches(batch_size=4, shuffle=False, image_dtype="stored"))
    [(total,)] = connection.sql("select sum(list_sum(image)) from batches").fetchall()
    assert total == sum(int(data[row][0].sum(dtype=np.int64)) for row in range(len(data)))
