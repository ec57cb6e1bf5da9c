"""The files that batches are loaded from, and all who load them."""

import dataclasses
import json
import os
import sys
from pathlib import Path

import common
from common import DATA, HERE, REPOSITORY, generated, linked, real, replicated, run

BASE = "h5py, kept datasets, to the reader"
FLOOR = "floor: read and inflate on 1 core"
EPOCHS = 3


# ---------------------------------------------------------------- files


@dataclasses.dataclass
class File:
    """A file to load from, the same without compression, and a folder for what other formats make of it."""

    name: str
    path: Path
    plain: Path
    folder: Path
    samples: int
    sample_bytes: int
    versions: dict
    digest: int = None


def packed(binary, tree, name, options):
    """`tree` as a file, packed once."""
    path = DATA / "batches" / f"{tree.name}{name}.h5"
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        print(f"packing {path}", file=sys.stderr)
        run([binary, "prep", tree, "-o", path, "--split", "none", "-q", *options])
    return path


def small_and_large(generator, pairs):
    """The real data as they are, or a small synthetic tree; and the same many times over."""
    small = real(1) or generated(generator, 80)
    # Replicas of synthetic images: each image is drawn once.
    source = small if small.name.startswith("sunnybrook") else generated(generator, 2000)
    held = len(list(source.glob("contourfiles/*/i-contours/*.txt")))
    copies = -(-pairs // held)
    return small, replicated(source, f"{source.name}-linked-x{copies}", copies, linked)


def describe(binary, tree, plain=True, check=False):
    path = packed(binary, tree, "", [])
    plain = packed(binary, tree, "-plain", ["--compression", 0]) if plain else None
    command = [sys.executable, HERE / "loaders.py", "--describe", path, *["--check"][: int(check)]]
    facts = json.loads(run(command)[0].splitlines()[-1])
    return File(tree.name, path, plain, path.with_name(f"{tree.name}-stores"), **facts)


# ---------------------------------------------------------------- contenders


@dataclasses.dataclass
class Contender:
    """`command` writes batches to `reader`: a format of reader.py, `cat`, or `null`, which is /dev/null.
    Without a reader it takes the batches itself. `reads` is what must be in the page cache."""

    name: str
    command: list
    reads: list
    reader: str = None
    epochs: int = 1
    memory: float = 0
    checked: bool = True


def dicomprep(binary, file):
    cores = common.cores()
    stored = ["--image-dtype", "stored"]

    def ours(name, options, reader="npy", path=file.path, **more):
        command = [binary, "batches", path, "-q", "--seed", 7, *options]
        return Contender(f"dicomprep, {name}", command, [path], reader, **more)

    threads = lambda count: [*stored, "--threads", count]
    everything = int(file.samples * file.sample_bytes * 1.25) + (64 << 20)
    yield ours("to the reader", stored)
    yield ours("1 thread, to the reader", threads(1))
    if cores > 1:
        yield ours(f"{cores} threads, to the reader", threads(cores))
    yield ours("--vmsplice, to the reader", [*stored, "--vmsplice"])
    yield ours("--vmsplice, 1 thread, to the reader", [*threads(1), "--vmsplice"])
    yield ours("float32, to the reader", ["--image-dtype", "float32"])
    yield ours("float32, --vmsplice, to the reader", ["--image-dtype", "float32", "--vmsplice"])
    yield ours("arrow, to the reader", [*stored, "--format", "arrow"], "arrow")
    yield ours("tar, to WebDataset", [*stored, "--format", "webdataset"], "webdataset")
    yield ours("--no-verify, to the reader", [*stored, "--no-verify"])
    yield ours("uncompressed file, to the reader", stored, path=file.plain)
    yield ours("epochs from --cache, to the reader", [*stored, "--epochs", EPOCHS, "--cache", everything],
               epochs=EPOCHS)
    yield ours("to /dev/null", stored, "null", checked=False)
    yield ours("1 thread, to /dev/null", threads(1), "null", checked=False)
    yield ours("to cat > /dev/null", stored, "cat", checked=False)


def scripts(file):
    """Python that writes into the pipe, and what no loader can do without."""
    python = lambda script, *words: [sys.executable, HERE / script, *words]
    yield Contender(BASE, python("producer.py", "kept", file.path), [file.path], "npy")
    yield Contender("h5py, f[name][i], to the reader", python("producer.py", "naive", file.path), [file.path], "npy")
    yield Contender("h5py, kept datasets, uncompressed file, to the reader",
                    python("producer.py", "kept", file.plain), [file.plain], "npy")
    floor = lambda name, command, reader=None: Contender(f"floor: {name}", command, [file.path], reader, checked=False)
    yield floor("the same batch again and again to the reader", python("producer.py", "copy", file.path), "npy")
    yield Contender(FLOOR, python("floors.py", "read", file.path), [file.path], checked=False)
    yield floor(f"inflate on {common.cores()} cores", python("floors.py", "inflate", file.path))
    yield floor("memcpy on 1 core", python("floors.py", "memcpy", file.path))


def interpreters(others):
    """{loader: (an interpreter that has its packages, what it is like)}, this interpreter being asked first."""
    pythons = [sys.executable, *sorted(REPOSITORY.glob(".venv-bench-*/bin/python")), *others]
    able = {}
    for python in pythons:
        listing = json.loads(run([python, HERE / "loaders.py", "--list"])[0].splitlines()[-1])
        for name, facts in listing.items():
            if name not in able or able[name][1]["missing"]:
                able[name] = python, facts
    for name, (_, facts) in able.items():
        if facts["missing"]:
            packages = " ".join(facts["missing"])
            print(f"not here: {name}: `make bench-batches PEERS=1` installs {packages}", file=sys.stderr)
    return {name: (python, facts) for name, (python, facts) in able.items() if not facts["missing"]}


def loaders(file, able):
    for name, (python, facts) in able.items():
        command = [python, "-W", "ignore", HERE / "loaders.py", name, file.path, file.folder]
        reads = file.folder / facts["store"] if facts["store"] else file.path
        yield Contender(name, command, [reads], memory=facts["needs"] * file.samples * file.sample_bytes)


def contenders(binary, file, able, words):
    """Those that were asked for, and always the two that the others are compared with."""
    named = lambda contender, parts: any(part in contender.name for part in parts)
    found = [*dicomprep(binary, file), *scripts(file), *loaders(file, able)]
    chosen = lambda contender: named(contender, words.only or [""]) and not named(contender, words.skip or [])
    return [contender for contender in found if contender.name in (BASE, FLOOR) or chosen(contender)]
