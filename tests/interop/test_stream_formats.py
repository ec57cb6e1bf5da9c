"""The three formats of `batches` under the libraries that read them."""

import io
import json
import os
import subprocess
import sys

import numpy as np
import pyarrow
import pytest

from streams import Contents, arrow, column, describe, npy, run, stream, tar, tensor

OPTIONS = {
    "as it is": [],
    "stored, nchw": ["--image-dtype", "stored", "--layout", "nchw"],
    "float16, masks float32": ["--image-dtype", "float16", "--mask-dtype", "float32", "--seed", "9"],
    "one split, one plane": ["--split", "train", "--structures", "outer", "--normalize", "zscore"],
}
TYPES = {"stored": "int16", "float16": "float16"}


def in_rows(batches):
    """Rows, images and masks of record batches."""
    return (column(batches, "row"), np.concatenate([tensor(batch, "image") for batch in batches]),
            np.concatenate([tensor(batch, "mask") for batch in batches]))


# ---------------------------------------------------------------- npy


def test_npy_records_have_version_1_0_and_follow_each_other(final_data, dicomprep):
    pipe = io.BytesIO(stream(dicomprep, final_data, "-b", 8, "--no-shuffle"))
    contents, length = Contents(final_data), len(pipe.getvalue())
    for first in range(0, len(contents), 8):
        for expected in (contents.images.astype(np.float32), contents.masks):
            begin = pipe.tell()
            assert np.lib.format.read_magic(pipe) == (1, 0)
            shape, fortran_order, dtype = np.lib.format.read_array_header_1_0(pipe)
            # So that who maps or casts the bytes after the header finds them aligned.
            assert (pipe.tell() - begin) % 64 == 0 and not fortran_order and dtype == expected.dtype
            pipe.seek(begin)
            array = np.lib.format.read_array(pipe)
            assert array.shape == shape and np.array_equal(array, expected[first:first + 8])
    assert pipe.tell() == length


FROM_THE_PIPE = """
import sys, types
import numpy as np
pipe = types.SimpleNamespace(read=sys.stdin.buffer.read)  # numpy seeks in what has a file number
while sys.stdin.buffer.peek(1):
    print(*(int(np.lib.format.read_array(pipe).sum(dtype=np.int64)) for _ in ("images", "masks")))
"""


def test_npy_can_be_read_by_numpy_load_and_from_the_pipe(any_data, dicomprep):
    words = ["-b", 7, "--image-dtype", "stored"]
    data = stream(dicomprep, any_data, *words)
    pipe, loaded = io.BytesIO(data), []
    while pipe.tell() < len(data):
        loaded.append([int(np.load(pipe).sum(dtype=np.int64)) for _ in ("images", "masks")])
    reader = subprocess.Popen([sys.executable, "-c", FROM_THE_PIPE], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with reader:
        run(dicomprep, any_data, *words, stdout=reader.stdin)
        said, _ = reader.communicate(timeout=30)
    assert reader.returncode == 0
    assert [[*map(int, line.split())] for line in said.splitlines()] == loaded
    contents = Contents(any_data)
    expected = [int(array.sum(dtype=np.int64)) for array in (contents.images, contents.masks)]
    assert np.sum(loaded, axis=0).tolist() == expected


# ---------------------------------------------------------------- arrow


@pytest.mark.parametrize("words", OPTIONS.values(), ids=OPTIONS)
def test_arrow_has_types_names_and_values(words, any_data, dicomprep):
    schema, batches = arrow(stream(dicomprep, any_data, "--format", "arrow", "-b", 6, *words))
    contents, told = Contents(any_data), describe(dicomprep, any_data, "-b", 6, *words)
    options = dict(zip(words[::2], words[1::2]))
    structures = options.get("--structures", "inner,outer").split(",")

    assert schema.names == ["image", "mask", "id", "patient_id", "row", "epoch", "position"]
    assert [schema.field(name).type for name in schema.names[2:]] == [pyarrow.string()] * 2 + [pyarrow.int64()] * 3
    for name, dtype in (("image", TYPES.get(options.get("--image-dtype"), "float32")),
                        ("mask", options.get("--mask-dtype", "uint8"))):
        extension = schema.field(name).type
        assert isinstance(extension, pyarrow.FixedShapeTensorType)
        assert extension.extension_name == "arrow.fixed_shape_tensor"
        assert extension.value_type.to_pandas_dtype() == np.dtype(dtype)
        assert list(extension.shape) == told[name + "s"]["shape"][1:]
        assert extension.dim_names == told[name + "s"]["axes"][1:]
        assert extension.permutation is None
    metadata = {name.decode(): text.decode() for name, text in schema.metadata.items()}
    assert json.loads(metadata.pop("structures")) == structures
    assert metadata == {"seed": options.get("--seed", "0"), "split": options.get("--split", ""),
                        "normalization": options.get("--normalize", "none")}

    assert [len(batch) for batch in batches[:-1]] == [6] * (len(batches) - 1)
    for batch in batches:
        batch.validate(full=True)
    found, images, masks = in_rows(batches)
    assert column(batches, "id") == contents["id"][found].tolist()
    assert column(batches, "patient_id") == contents["patient_id"][found].tolist()
    assert column(batches, "position") == list(range(len(found)))
    assert set(column(batches, "epoch")) == {0}
    assert len(found) == told["rows"] == told["samples_per_epoch"]

    expected = contents.images[found]
    if options.get("--normalize") == "zscore":
        expected = (expected - contents.statistics["train_mean"]) / contents.statistics["train_std"]
    planes = contents.masks[found][..., [contents.structures.index(name) for name in structures]]
    if options.get("--layout") == "nchw":
        expected, planes = (array.transpose(0, 3, 1, 2) for array in (expected, planes))
    np.testing.assert_array_max_ulp(images, expected.astype(images.dtype), 1)
    assert np.array_equal(masks, planes)


def test_arrow_tensors_are_views_of_the_received_bytes(final_data, dicomprep):
    data = stream(dicomprep, final_data, "--format", "arrow", "-b", 5)
    start = np.frombuffer(data, np.uint8).ctypes.data
    _, batches = arrow(pyarrow.py_buffer(data))
    for batch in batches:
        for name in ("image", "mask"):
            array = tensor(batch, name)
            assert start <= array.ctypes.data < start + len(data)
            # In the stream, too, the numbers begin at a multiple of 64.
            assert (array.ctypes.data - start) % 64 == 0
            assert array.shape == (5, 64, 64, {"image": 1, "mask": 2}[name])


def test_arrow_says_that_nothing_is_shuffled(final_data, dicomprep):
    schema, batches = arrow(stream(dicomprep, final_data, "--format", "arrow", "--no-shuffle"))
    assert schema.metadata[b"seed"] == b""
    assert column(batches, "row") == list(range(20))


def test_arrow_in_a_file_can_be_mapped(final_data, dicomprep, tmp_path):
    run(dicomprep, final_data, "--format", "arrow", "-b", 6, "-o", tmp_path / "x.arrows")
    with pyarrow.memory_map(str(tmp_path / "x.arrows")) as source:
        found, images, _ = in_rows(list(pyarrow.ipc.open_stream(source)))
    assert np.array_equal(images, Contents(final_data).images[found])


# ---------------------------------------------------------------- webdataset

WEBDATASET = """
import json, sys
import webdataset
words = " ".join(sys.argv[1:])
data = webdataset.WebDataset(f"pipe:dicomprep batches {words} --format webdataset", shardshuffle=False,
                             handler=webdataset.reraise_exception).decode()
for sample in data:
    print(json.dumps([sample["__key__"], sample["json"], sample["image.npy"].tolist(), sample["mask.npy"].tolist()]))
"""


def with_webdataset(dicomprep, *words):
    """Runs WebDataset over the pipe."""
    pytest.importorskip("webdataset")
    path = f"{dicomprep.path.parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run([sys.executable, "-c", WEBDATASET, *map(str, words)], env={**os.environ, "PATH": path},
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("words", OPTIONS.values(), ids=OPTIONS)
def test_webdataset_holds_the_samples_one_by_one(words, any_data, dicomprep):
    words = [*words, "-b", 6, "--epochs", 2]
    samples = tar(stream(dicomprep, any_data, "--format", "webdataset", *words))
    batches = npy(stream(dicomprep, any_data, *words))
    _, recorded = arrow(stream(dicomprep, any_data, "--format", "arrow", *words))
    contents, options = Contents(any_data), dict(zip(words[::2], words[1::2]))
    images, masks = (np.concatenate(arrays) for arrays in zip(*batches))
    rows = column(recorded, "row")
    assert len(samples) == len(images)
    for index, (key, sample) in enumerate(samples):
        epoch, position = divmod(index, len(samples) // 2)
        assert key == f"{epoch:06}-{position:010}"
        assert list(sample) == ["image.npy", "mask.npy", "json"]
        for array, expected in ((sample["image.npy"], images[index]), (sample["mask.npy"], masks[index])):
            assert array.dtype == expected.dtype and np.array_equal(array, expected)
        row = rows[index]
        assert sample["json"] == {
            "id": contents["id"][row], "patient_id": contents["patient_id"][row], "split": contents["split"][row],
            "seed": int(options.get("--seed", 0)), "epoch": epoch, "position": position, "row": row}


def test_webdataset_reads_the_pipe(final_data, dicomprep):
    pytest.importorskip("webdataset")
    words = [final_data, "--split", "train", "-b", 4, "--no-shuffle"]
    result = with_webdataset(dicomprep, *words)
    assert result.returncode == 0, result.stderr
    samples = tar(stream(dicomprep, *words, "--format", "webdataset"))
    found = [json.loads(line) for line in result.stdout.splitlines()]
    assert len(found) == len(samples) == 10
    for (key, text, image, mask), (expected_key, sample) in zip(found, samples):
        assert key.split("/")[-1] == expected_key and text == sample["json"] and text["seed"] is None
        assert np.array_equal(image, sample["image.npy"]) and np.array_equal(mask, sample["mask.npy"])


def test_webdataset_learns_that_the_producer_failed(tmp_path, dicomprep):
    pytest.importorskip("webdataset")
    result = with_webdataset(dicomprep, tmp_path / "absent.h5")
    assert result.returncode != 0 and "absent.h5" in result.stderr


def test_equal_streams_have_equal_bytes_in_every_format(final_data, dicomprep):
    for name in ("npy", "arrow", "webdataset"):
        words = ["--format", name, "-b", 7, "--seed", 5, "--epochs", 2]
        assert stream(dicomprep, final_data, *words) == stream(dicomprep, final_data, *words, "--threads", 3)


# ---------------------------------------------------------------- files and empty streams


@pytest.mark.parametrize("name", ["npy", "arrow", "webdataset"])
def test_a_file_holds_what_the_pipe_gets(name, any_data, dicomprep, tmp_path):
    words = ["--format", name, "-b", 9, "--epochs", 2]
    piped = run(dicomprep, any_data, *words)
    filed = run(dicomprep, any_data, *words, "-o", tmp_path / "x")
    dashed = run(dicomprep, any_data, *words, "-o", "-")
    assert filed.stdout == b"" and (tmp_path / "x").read_bytes() == piped.stdout == dashed.stdout
    assert os.listdir(tmp_path) == ["x"]


EMPTY = {
    "no full batch": ["-b", 50, "--drop-last"],
    "no row for the rank": ["--world-size", 30, "--rank", 25, "--uneven", "allow"],
    "at the end": ["--start", "1:0"],
}


@pytest.mark.parametrize("words", EMPTY.values(), ids=EMPTY)
def test_a_stream_without_batches_is_valid(words, final_data, dicomprep):
    assert stream(dicomprep, final_data, *words) == b""
    schema, batches = arrow(stream(dicomprep, final_data, "--format", "arrow", *words))
    assert batches == [] and schema.names[0] == "image" and schema.metadata[b"normalization"] == b"none"
    archive = stream(dicomprep, final_data, "--format", "webdataset", *words)
    assert tar(archive) == [] and archive == bytes(1024)
