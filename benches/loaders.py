#!/usr/bin/env python3
"""What people load batches with in Python: every loader takes one shuffled epoch of 32 samples a batch, the
images int16 and the masks uint8 as they are in the file, unless it cannot, and prints when they came
(see tally.py). Imports, and opening or loading what it reads, are not on the clock.

    loaders.py --list                               the loaders, and the packages that are missing here
    loaders.py NAME FILE FOLDER [--check|--prepare] one epoch; --prepare makes what it reads, from FILE, in FOLDER
    loaders.py --describe FILE [--check]            samples and bytes of a sample in FILE, and its digest
"""

import argparse
import functools
import importlib.metadata
import importlib.util
import itertools
import json
import os
import platform
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable

from common import make_once

BATCH = 32
SHARD = 1000
SPEC = "image", "mask"


@dataclass
class Loader:
    """`open(source)` returns what starts an epoch; `store(source, folder)` writes what it reads."""

    open: Callable
    packages: dict
    store: Callable = None
    needs: float = field(default=0, kw_only=True)  # memory, in decoded file sizes


LOADERS = {}


def loader(name, store=None, needs=0, **packages):
    """Registers a loader with the modules it imports, each as module=package."""

    def add(function):
        LOADERS[name] = Loader(function, packages, store, needs=needs)
        return function

    return add


class Source:
    """The file, and the folder for what is made from it."""

    def __init__(self, file, folder):
        import h5py

        self.path, self.folder = str(file), Path(folder)
        self.file = h5py.File(file)
        self.images, self.masks = self.file["images"], self.file["masks"]
        self.bytes = sum(data.dtype.itemsize * data.size for data in (self.images, self.masks))

    def __len__(self):
        return len(self.images)

    def rows(self):
        """Batches of row numbers, shuffled."""
        import numpy

        rows = numpy.random.default_rng().permutation(len(self))
        return (rows[start : start + BATCH] for start in range(0, len(rows), BATCH))

    def samples(self):
        """The samples in the order of the file."""
        return zip(self.images, self.masks)

    def store(self, store):
        return make_once(self.folder / store.__name__, lambda folder: (folder.mkdir(parents=True), store(self, folder)))


# ---------------------------------------------------------------- what they read


def npy(source, folder):
    import numpy

    for name in ("images", "masks"):
        data = source.file[name]
        array = numpy.lib.format.open_memmap(folder / f"{name}.npy", "w+", data.dtype, data.shape)
        for row in range(len(data)):
            array[row] = data[row]
        array.flush()


def tar(source, folder):
    import webdataset

    pattern = str(folder / "shard-%06d.tar")
    with webdataset.ShardWriter(pattern, maxcount=SHARD, maxsize=1 << 40, verbose=0) as shards:
        for row, (image, mask) in enumerate(source.samples()):
            shards.write({"__key__": f"{row:07}", "image.npy": image, "mask.npy": mask})


def mds(source, folder):
    from streaming import MDSWriter

    shape = lambda data: f"ndarray:{data.dtype.name}:{','.join(map(str, data.shape[1:]))}"
    columns = {"image": shape(source.images), "mask": shape(source.masks)}
    with MDSWriter(out=str(folder), columns=columns, exist_ok=True) as writer:
        for image, mask in source.samples():
            writer.write({"image": image, "mask": mask})


def litdata(source, folder):
    from litdata.streaming.writer import BinaryWriter

    writer = BinaryWriter(str(folder), chunk_bytes=64 << 20)
    for row, (image, mask) in enumerate(source.samples()):
        writer[row] = {"image": image, "mask": mask}
    writer.done()
    writer.merge()


def tfrecord(source, folder):
    import tensorflow

    feature = lambda array: tensorflow.train.Feature(
        bytes_list=tensorflow.train.BytesList(value=[array.tobytes()]))
    samples = source.samples()
    for shard in itertools.count():
        part = list(itertools.islice(samples, SHARD))
        if not part:
            break
        with tensorflow.io.TFRecordWriter(str(folder / f"{shard:06}.tfrecord")) as writer:
            for pair in part:
                features = tensorflow.train.Features(feature=dict(zip(SPEC, map(feature, pair))))
                writer.write(tensorflow.train.Example(features=features).SerializeToString())


def monai(source, folder):
    cached = persistent(source, folder)
    for row in range(len(cached)):
        cached[row]


# ---------------------------------------------------------------- h5py


@loader("h5py, f[name][i]", h5py="h5py")
def h5py_naive(source):
    import numpy

    file = source.file
    take = lambda name, rows: numpy.stack([file[name][row] for row in rows])
    return lambda: ((take("images", rows), take("masks", rows)) for rows in source.rows())


@loader("h5py, kept datasets", h5py="h5py")
def h5py_kept(source):
    import numpy

    take = lambda data, rows: numpy.stack([data[row] for row in rows])
    return lambda: ((take(source.images, rows), take(source.masks, rows)) for rows in source.rows())


class Rows:
    """The usual torch Dataset: each worker opens the file for itself."""

    def __init__(self, path, length):
        self.path, self.length, self.file = path, length, None

    def __len__(self):
        return self.length

    def __getitem__(self, row):
        import h5py
        import torch

        if self.file is None:
            self.file = h5py.File(self.path)
            self.images, self.masks = self.file["images"], self.file["masks"]
        return torch.from_numpy(self.images[row]), torch.from_numpy(self.masks[row])


def dataloader(workers, source):
    import torch
    from torch.utils.data import DataLoader

    torch.set_num_threads(1)
    batches = DataLoader(Rows(source.path, len(source)), batch_size=BATCH, shuffle=True, num_workers=workers)
    return lambda: iter(batches)


for workers in (0, 2):
    loader(f"PyTorch DataLoader over h5py, {workers} workers", torch="torch",
           h5py="h5py")(functools.partial(dataloader, workers))


# ---------------------------------------------------------------- from memory


def in_memory(source):
    import numpy

    return [numpy.load(source.store(npy) / f"{name}.npy") for name in ("images", "masks")]


@loader("numpy, array[rows] of memory", npy, needs=1.1)
def memory(source):
    images, masks = in_memory(source)
    return lambda: ((images[rows], masks[rows]) for rows in source.rows())


@loader("Keras ImageDataGenerator.flow from memory, float32", npy, needs=3.8, scipy="scipy",
        keras_preprocessing="keras-preprocessing")
def keras(source):
    from keras_preprocessing.image import ImageDataGenerator

    # flow() makes the float32 copies; equal seeds keep images and masks together.
    images, masks = (ImageDataGenerator().flow(array, batch_size=BATCH, shuffle=True, seed=1)
                     for array in in_memory(source))
    return lambda: ((next(images), next(masks)) for _ in range(len(images)))


# ---------------------------------------------------------------- formats of their own


def tar_pipeline(source):
    import webdataset

    shards = sorted(map(str, source.store(tar).glob("*.tar")))
    pipeline = webdataset.WebDataset(shards, shardshuffle=100, empty_check=False).shuffle(1000)
    return pipeline.decode().to_tuple("image.npy", "mask.npy").batched(BATCH)


@loader("WebDataset", tar, webdataset="webdataset")
def webdataset(source):
    pipeline = tar_pipeline(source)
    return lambda: iter(pipeline)


@loader("WebDataset, 2 workers", tar, webdataset="webdataset", torch="torch")
def webdataset_workers(source):
    import torch
    from webdataset import WebLoader

    torch.set_num_threads(1)
    batches = WebLoader(tar_pipeline(source), batch_size=None, num_workers=2)
    return lambda: iter(batches)


@loader("MosaicML Streaming", mds, streaming="mosaicml-streaming", torch="torch")
def mosaicml(source):
    import torch
    from streaming import StreamingDataset
    from streaming.base.util import clean_stale_shared_memory
    from torch.utils.data import DataLoader

    torch.set_num_threads(1)
    clean_stale_shared_memory()
    data = StreamingDataset(local=str(source.store(mds)), shuffle=True, batch_size=BATCH, num_canonical_nodes=1)
    batches = DataLoader(data, batch_size=BATCH)
    return lambda: ((batch["image"], batch["mask"]) for batch in batches)


@loader("LitData", litdata, litdata="litdata", torch="torch")
def lightning(source):
    import torch
    from litdata import StreamingDataLoader, StreamingDataset

    torch.set_num_threads(1)
    data = StreamingDataset(str(source.store(litdata)), shuffle=True)
    batches = StreamingDataLoader(data, batch_size=BATCH)
    return lambda: ((batch["image"], batch["mask"]) for batch in batches)


@loader("tf.data over TFRecord", tfrecord, tensorflow="tensorflow-cpu")
def tfdata(source):
    import tensorflow as tf

    features = {name: tf.io.FixedLenFeature([], tf.string) for name in SPEC}
    types = [(data.dtype.name, data.shape[1:]) for data in (source.images, source.masks)]

    def parse(record):
        example = tf.io.parse_single_example(record, features)
        return tuple(tf.reshape(tf.io.decode_raw(example[name], kind), shape)
                     for name, (kind, shape) in zip(SPEC, types))

    shards = sorted(map(str, source.store(tfrecord).glob("*.tfrecord")))
    records = tf.data.Dataset.from_tensor_slices(shards).shuffle(len(shards))
    records = records.interleave(tf.data.TFRecordDataset, cycle_length=4, num_parallel_calls=tf.data.AUTOTUNE)
    parsed = records.shuffle(1024).map(parse, num_parallel_calls=tf.data.AUTOTUNE)
    return parsed.batch(BATCH).prefetch(tf.data.AUTOTUNE).as_numpy_iterator


def persistent(source, folder):
    from monai.data import PersistentDataset
    from monai.transforms import Transform

    rows = Rows(source.path, 0)

    class ReadRow(Transform):
        """Of other callables the result is not cached."""

        def __call__(self, item):
            return dict(zip(SPEC, rows[item["row"]]))

    items = [{"row": row} for row in range(len(source))]
    return PersistentDataset(items, ReadRow(), cache_dir=folder)


@loader("MONAI PersistentDataset, second epoch", monai, monai="monai", torch="torch")
def monai_cached(source):
    import torch
    from monai.data import DataLoader

    torch.set_num_threads(1)
    batches = DataLoader(persistent(source, source.store(monai)), batch_size=BATCH, shuffle=True)
    return lambda: ((batch["image"], batch["mask"]) for batch in batches)


# ---------------------------------------------------------------- running


def missing(loader):
    """The packages that this interpreter would have to get."""
    return [package for module, package in loader.packages.items() if importlib.util.find_spec(module) is None]


def versions(*packages):
    return {package: importlib.metadata.version(package) for package in packages}


def listing():
    facts = lambda loader: {"missing": missing(loader), "store": loader.store and loader.store.__name__,
                            "needs": loader.needs}
    return {name: facts(loader) for name, loader in LOADERS.items()}


def describe(file, check):
    from tally import digests

    source = Source(file, ".")
    facts = {"samples": len(source), "sample_bytes": source.bytes // len(source),
             "versions": {"python": platform.python_version(), **versions("numpy", "h5py", "pyarrow", "webdataset")}}
    if check:
        facts["digest"] = sum(digests(image[None], mask[None]) for image, mask in source.samples()) % (1 << 64)
    return facts


def epoch(loader, source, check):
    import numpy
    from tally import Tally

    tally = Tally(check)
    start = loader.open(source)
    tally.start()
    for images, masks in start():
        tally.add(numpy.asarray(images), numpy.asarray(masks))
    tally.finish(versions=versions("numpy", "h5py", *loader.packages.values()))


def main():
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", nargs="?", choices=LOADERS)
    parser.add_argument("file", nargs="?")
    parser.add_argument("folder", nargs="?")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--prepare", action="store_true")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--describe", metavar="FILE")
    words = parser.parse_args()
    if words.list:
        print(json.dumps(listing()))
    elif words.describe:
        print(json.dumps(describe(words.describe, words.check)))
    else:
        chosen, source = LOADERS[words.name], Source(words.file, words.folder)
        if words.prepare:
            source.store(chosen.store)
        else:
            epoch(chosen, source, words.check)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
