"""Runs `dicomprep batches`, takes its streams apart, and makes the files that its tests need."""

import io
import json
import shutil
import subprocess
import tarfile
import time
import zlib
from pathlib import Path

import h5py
import numpy as np
import pyarrow

import expect


def command(dicomprep, file, *words):
    return [str(dicomprep.path), "batches", *map(str, (file, *words))]


def stream(dicomprep, file, *words, code=0, timeout=60, **kwargs):
    """The bytes of a stream; checks the exit code."""
    return run(dicomprep, file, *words, code=code, timeout=timeout, **kwargs).stdout


def run(dicomprep, file, *words, code=0, timeout=60, **kwargs):
    """Runs `batches` into a pipe and checks the exit code; standard error is text."""
    kwargs = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **kwargs}
    result = subprocess.run(command(dicomprep, file, *words), timeout=timeout, **kwargs)
    result.stderr = result.stderr.decode()
    assert result.returncode == code, f"exit code {result.returncode}, expected {code}\n{result.stderr}"
    assert "panicked" not in result.stderr and "HDF5-DIAG" not in result.stderr, result.stderr
    return result


def start(dicomprep, file, *words, **kwargs):
    """Starts `batches` and leaves its pipe to the caller."""
    kwargs = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **kwargs}
    return subprocess.Popen(command(dicomprep, file, *words), **kwargs)


def describe(dicomprep, file, *words):
    return json.loads(stream(dicomprep, file, *words, "--describe"))


# ---------------------------------------------------------------- taking streams apart


def npy(data):
    """The (images, masks) of each batch of an npy stream, which ends with a whole batch."""
    pipe, batches = io.BytesIO(data), []
    while pipe.tell() < len(data):
        batches.append((np.lib.format.read_array(pipe), np.lib.format.read_array(pipe)))
    return batches


def before_cut(data):
    """What an npy stream that has failed holds before the first bytes of a record that does not go on."""
    cut = b"\x93NUMPY\x01\x00"
    assert data.endswith(cut)
    return data[: -len(cut)]


def npy_ends(data):
    """Where the batches of an npy stream begin, and where the last ends."""
    pipe, ends = io.BytesIO(data), [0]
    while pipe.tell() < len(data):
        for _ in ("images", "masks"):
            np.lib.format.read_array(pipe)
        ends.append(pipe.tell())
    return ends


def joined(data):
    """The images and the masks of all batches of an npy stream, one after the other."""
    images, masks = zip(*npy(data))
    return np.concatenate(images), np.concatenate(masks)


def arrow(data):
    """The schema and the record batches of an arrow stream."""
    with pyarrow.ipc.open_stream(data) as reader:
        return reader.schema, list(reader)


def tensor(batch, name):
    """A column of tensors as one array, without a copy."""
    return batch.column(name).to_numpy_ndarray()


def column(batches, name):
    """The values of a plain column of all record batches."""
    return [value for batch in batches for value in batch.column(name).to_pylist()]


def rows(dicomprep, file, *words):
    """The rows that a stream has, in its order."""
    return column(arrow(stream(dicomprep, file, "--format", "arrow", *words))[1], "row")


def epochs(dicomprep, file, *words):
    """The rows of each epoch, in order."""
    found = {}
    _, batches = arrow(stream(dicomprep, file, "--format", "arrow", *words))
    for epoch, row in zip(column(batches, "epoch"), column(batches, "row")):
        found.setdefault(epoch, []).append(row)
    return found


def tar(data):
    """The samples of a webdataset stream: [(key, {extension: value})], in order."""
    samples = []
    with tarfile.open(fileobj=io.BytesIO(data), mode="r|") as archive:
        for member in archive:
            key, _, extension = member.name.partition(".")
            if not samples or samples[-1][0] != key:
                samples.append((key, {}))
            content = archive.extractfile(member).read()
            samples[-1][1][extension] = (
                json.loads(content) if extension == "json" else np.lib.format.read_array(io.BytesIO(content)))
    return samples


# ---------------------------------------------------------------- what a file holds


class Contents:
    """What h5py reads from a file."""

    def __init__(self, path):
        with h5py.File(path) as file:
            self.images, self.masks = file["images"][:], file["masks"][:]
            self.statistics = dict(file["images"].attrs)
            self.structures = list(file.attrs["structures"])
            self.samples = {
                name: item.asstr()[:] if h5py.check_string_dtype(item.dtype) else item[:]
                for name, item in file["samples"].items()
            }

    def __len__(self):
        return len(self.images)

    def __getitem__(self, name):
        return self.samples[name]


# ---------------------------------------------------------------- changing files


def copy(source, target):
    """A copy of a file that a test may spoil."""
    return Path(shutil.copy(source, target))


def seal(file, *rows):
    """Makes the checksums of the rows right for what h5py reads now."""
    for row in rows:
        file["samples/checksum"][row] = [expect.crc32c(file[name][row].tobytes()) for name in ("images", "masks")]


def chunk_place(path, dataset, row):
    """The first byte and the length of a row's chunk."""
    with h5py.File(path) as file:
        chunk = file[dataset].id.get_chunk_info_by_coord((row, *[0] * (file[dataset].ndim - 1)))
        return chunk.byte_offset, chunk.size


def flip(path, offset, bits=0x10):
    """Changes a byte of a file."""
    with open(path, "r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ bits]))


def damage(path, dataset, row, share=0.5):
    """Changes a byte of a row's chunk, at this share of its length."""
    offset, size = chunk_place(path, dataset, row)
    flip(path, offset + min(int(size * share), size - 1))


def filtered(array, mask, shuffled=True, level=6):
    """A chunk as HDF5's filters make it where `mask` leaves some out: by their places, shuffle and deflate,
    or deflate alone."""
    data, filters = array.tobytes(), (["shuffle"] if shuffled else []) + ["deflate"]
    for place, name in enumerate(filters):
        if mask >> place & 1:
            continue
        if name == "shuffle":
            data = np.frombuffer(data, np.uint8).reshape(-1, array.itemsize).T.tobytes()
        else:
            data = zlib.compress(data, level)
    return data


def replace(source, target, name, data=None, attributes=True, missing=(), **options):
    """A copy of a file with the dataset `name` stored in another way, by h5py. `missing` rows are not written."""
    copy(source, target)
    with h5py.File(target, "r+") as file:
        old = file[name]
        data = old[:] if data is None else data
        kept = dict(old.attrs) if attributes else {}
        del file[name]
        if missing:
            new = file.create_dataset(name, data.shape, data.dtype, **options)
            for row in sorted(set(range(len(data))) - set(missing)):
                new[row] = data[row]
        else:
            new = file.create_dataset(name, data=data, **options)
        if "checksum" in kept:
            kept["checksum"] = np.uint32(expect.crc32c(new[:].tobytes()))
        new.attrs.update(kept)
    return target


def one_row_chunks(data):
    return {"chunks": (1, *data.shape[1:])}


def retyped(source, target, images):
    """A copy of a file with other images, and checksums that are right for them."""
    replace(source, target, "images", images, shuffle=True, compression="gzip", **one_row_chunks(images))
    with h5py.File(target, "r+") as file:
        seal(file, *range(len(images)))
    return target


def grown(source, target, times):
    """A file with all rows of `source` many times, under names of their own; chunks are not compressed again."""
    with h5py.File(source) as small, h5py.File(target, "w", libver=("v110", "v110")) as large:
        large.attrs.update(small.attrs)
        large.create_group("samples")
        for name, item in small.items():
            if isinstance(item, h5py.Group):
                continue
            n = len(item)
            shape = (n * times, *item.shape[1:])
            made = large.create_dataset(name, shape, item.dtype, chunks=item.chunks, shuffle=item.shuffle,
                                        compression=item.compression, compression_opts=item.compression_opts)
            made.attrs.update(item.attrs)
            zeros = [0] * (item.ndim - 1)
            for row in range(n):
                mask, chunk = item.id.read_direct_chunk((row, *zeros))
                for turn in range(times):
                    made.id.write_direct_chunk((turn * n + row, *zeros), chunk, mask)
        for name, item in small["samples"].items():
            values = np.concatenate([item[:]] * times)
            if name == "id":
                values = np.array([b"%07d/%s" % (row, text) for row, text in enumerate(values)])
                text = h5py.string_dtype("utf-8", values.dtype.itemsize)
                large["samples"].create_dataset(name, data=values.astype(text), dtype=text, chunks=True,
                                                compression="gzip")
            else:
                chunks = (min(len(values), 1024), *values.shape[1:])
                large["samples"].create_dataset(name, data=values, dtype=item.dtype, chunks=chunks, compression="gzip")
    return target


# ---------------------------------------------------------------- watching processes


def wait_until(condition, seconds=20, what="it"):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what} did not happen within {seconds} s"
        time.sleep(0.005)


def peak_memory(process):
    """The most memory that a running process has had resident, in bytes."""
    for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"process {process.pid} has ended")
