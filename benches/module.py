#!/usr/bin/env python3
"""Measures the Python module beside h5py, numpy over a memory map, our own pipe, and arrays in memory.

Each contender takes one shuffled epoch of int16 images and uint8 masks, 32 a batch, in a process of its own, once a
round, in turns, its file in the page cache. Imports and opening are not on the clock. Reported are medians over the
rounds. The interpreter that runs this needs the module, numpy and h5py, and keras for `--keras`.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import time

import common
from common import HERE
from contenders import Contender, packed, small_and_large
from streams import run_piped, warm

BATCH = 32
# Ten steps of an epoch.
KERAS_PAIRS = 320


# ---------------------------------------------------------------- contenders, each in a process of its own


def module(path):
    import dicomprep

    data = dicomprep.open(path)
    return lambda: ((images, masks) for images, masks in data.batches(batch_size=BATCH, seed=7, image_dtype="stored"))


def h5py_kept(path):
    import h5py
    import numpy as np

    file = h5py.File(path)
    images, masks = file["images"], file["masks"]

    def epoch():
        rows = np.random.default_rng().permutation(len(images))
        for start in range(0, len(rows), BATCH):
            part = rows[start : start + BATCH]
            yield np.stack([images[row] for row in part]), np.stack([masks[row] for row in part])

    return epoch


def numpy_map(folder):
    import numpy as np

    images, masks = (np.load(os.path.join(folder, f"{name}.npy"), mmap_mode="r") for name in ("images", "masks"))

    def epoch():
        rows = np.random.default_rng().permutation(len(images))
        for start in range(0, len(rows), BATCH):
            part = rows[start : start + BATCH]
            yield images[part], masks[part]

    return epoch


def rows_of(take, count):
    """Single rows at random, as batches of one."""
    import numpy as np

    for row in np.random.default_rng(1).integers(0, count, 4000):
        yield [[array] for array in take(int(row))]


def module_rows(path):
    import dicomprep

    data = dicomprep.open(path)
    return lambda: rows_of(data.__getitem__, len(data))


def h5py_rows(path):
    import h5py

    file = h5py.File(path)
    return lambda: rows_of(lambda row: (file["images"][row], file["masks"][row]), len(file["images"]))


def npy(path, folder):
    """Writes what `numpy_map` reads."""
    import h5py
    import numpy as np

    os.makedirs(folder, exist_ok=True)
    with h5py.File(path) as file:
        for name in ("images", "masks"):
            array = np.lib.format.open_memmap(os.path.join(folder, f"{name}.npy"), "w+", file[name].dtype, file[name].shape)
            for row in range(len(array)):
                array[row] = file[name][row]


def child(name, path):
    epoch = {"module": module, "h5py": h5py_kept, "numpy": numpy_map, "module rows": module_rows, "h5py rows": h5py_rows}[name](path)
    before, start, samples = time.process_time(), time.perf_counter(), 0
    for images, masks in epoch():
        # A value of each array, as a consumer would touch it.
        samples += len(images) + 0 * int(images[0].flat[0]) + 0 * int(masks[0].flat[0])
    wall, cpu = time.perf_counter() - start, time.process_time() - before
    # Memory of the process alone: pages of a file that is mapped belong to the page cache.
    anonymous = common.proc("self/status", "RssAnon:")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"rate": samples / wall, "cpu": cpu * 1e3 / samples, "peak": peak, "anonymous": anonymous}))


def run(name, path):
    done = subprocess.run([sys.executable, str(HERE / "module.py"), "--child", name, str(path)], stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


# ---------------------------------------------------------------- what is not a loop over batches


def import_seconds():
    code = "import time; start = time.perf_counter(); import dicomprep; print(time.perf_counter() - start)"
    times = [float(subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=True).stdout) for _ in range(15)]
    return statistics.median(times)


def leak(path, batches=100_000):
    """Megabytes that memory has grown by after that many batches, and seconds that closing takes."""
    import dicomprep

    stream = dicomprep.open(path).batches(batch_size=1, epochs=None, image_dtype="stored")
    for _ in range(1000):
        next(stream)
    before = common.proc("self/status", "VmRSS:")
    for _ in range(batches):
        next(stream)
    grown = common.proc("self/status", "VmRSS:") - before
    stream.close()
    closing = []
    for _ in range(15):
        stream = dicomprep.open(path).batches(batch_size=BATCH, epochs=None)
        next(stream)
        start = time.perf_counter()
        stream.close()
        closing.append(time.perf_counter() - start)
    return grown, statistics.median(closing)


def keras_fit(path, rounds):
    """Seconds of an epoch of a small U-Net from arrays in memory and from the module, in turns."""
    os.environ.setdefault("KERAS_BACKEND", "jax")
    import keras
    import numpy as np

    import dicomprep
    import dicomprep.keras

    data = dicomprep.open(path)
    images, masks = zip(*(data[row] for row in range(len(data))), strict=True)
    images, masks = np.stack(images).astype(np.float32), np.stack(masks)[..., :1]
    scale = [float(images.mean()), float(images.std())]
    images = (images - scale[0]) / scale[1]

    def unet():
        layers = keras.layers
        inputs = keras.Input(images.shape[1:])
        one = layers.Conv2D(8, 3, padding="same", activation="relu")(inputs)
        two = layers.Conv2D(16, 3, padding="same", activation="relu")(layers.MaxPooling2D(2)(one))
        up = layers.Concatenate()([one, layers.UpSampling2D(2)(two)])
        model = keras.Model(inputs, layers.Conv2D(1, 1, activation="sigmoid")(up))
        model.compile(optimizer="adam", loss="binary_crossentropy")
        return model

    train = dicomprep.keras.Batches(data, batch_size=BATCH, structures=[data.structures[0]], normalize="zscore")
    steps = train.steps_per_epoch
    arrays, ours = unet(), unet()
    fits = {
        "arrays in memory": lambda: arrays.fit(images, masks, batch_size=BATCH, verbose=0),
        "dicomprep.keras.Batches": lambda: ours.fit(train, steps_per_epoch=steps, verbose=0),
    }
    times = {name: [] for name in fits}
    for number in range(rounds + 1):
        for name, fit in fits.items():
            start = time.perf_counter()
            fit()
            # The first round compiles.
            times[name] += [time.perf_counter() - start] if number else []
    return {name: statistics.median(of) for name, of in times.items()}


def main():
    words = common.parser(__doc__)
    words.add_argument("--pairs", type=int, default=20_000)
    words.add_argument("--keras", action="store_true", help="also a small U-Net by Keras, from memory and from the module")
    words = words.parse_args()
    binary = words.target.resolve() / "dicomprep"
    _, tree = small_and_large(words.target.resolve() / "examples/make_fixtures", words.pairs)
    file, plain = packed(binary, tree, "", []), packed(binary, tree, "-plain", ["--compression", 0])
    stored = file.with_name(f"{tree.name}-npy")
    if not stored.exists():
        npy(plain, str(stored))
    pipe = Contender("pipe", [binary, "batches", file, "-q", "--seed", 7, "--image-dtype", "stored"], [file], "npy")
    contenders = {
        "h5py, kept datasets": lambda: run("h5py", file),
        "dicomprep, module": lambda: run("module", file),
        "dicomprep, pipe to a reader": lambda: piped(pipe, words.pairs),
        "numpy over a memory map, shuffled": lambda: run("numpy", stored),
        "dicomprep, module, file of `--compression 0`": lambda: run("module", plain),
        "h5py, `file[name][row]`, single rows": lambda: run("h5py rows", file),
        "dicomprep, `data[row]`": lambda: run("module rows", file),
    }
    results = {name: [] for name in contenders}
    for _ in range(words.rounds):
        for name, contender in contenders.items():
            warm([stored] if "numpy" in name else [plain] if "compression" in name else [file])
            results[name].append(contender())
    print(f"{common.machine()}; {words.rounds} rounds\n\n| | samples/s | CPU ms/sample | peak MB | of these anonymous |\n|---|---|---|---|---|")
    for name, of in results.items():
        middle = lambda field: statistics.median(result.get(field, 0) for result in of)
        print(f"| {name} | {middle('rate'):,.0f} | {middle('cpu'):.3f} | {middle('peak'):,.0f} | {middle('anonymous'):,.0f} |")
    print(f"\nimport: {import_seconds() * 1e3:.0f} ms")
    grown, closing = leak(file)
    print(f"100,000 batches of 1: memory grows by {grown:.1f} MB; closing early takes {closing * 1e3:.1f} ms")
    if words.keras:
        for name, seconds in keras_fit(packed(binary, small_and_large(None, KERAS_PAIRS)[1], "", []), words.rounds).items():
            print(f"Keras, an epoch from {name}: {seconds:.3f} s")


def piped(contender, samples):
    result = run_piped(contender, [])
    return {"rate": result["samples"] / result["wall"], "cpu": result["cpu"] * 1e3 / result["samples"], "peak": result["peak_mb"]}


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2], sys.argv[3])
    else:
        main()
