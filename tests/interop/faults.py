"""Runs of the program in which a system call fails, or at which the process is killed: see faults.c."""

import os
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest

SOURCE = Path(__file__).with_name("faults.c")
# With this, every call is tried instead of some.
LONG = bool(os.environ.get("DICOMPREP_LONG_TESTS"))


def build(folder):
    """The library for LD_PRELOAD, made of faults.c."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if not compiler:
        pytest.skip("no C compiler is here to build faults.c")
    library = folder / "faults.so"
    words = [compiler, "-O1", "-Wall", "-Werror", "-shared", "-fPIC", "-o", library, SOURCE, "-ldl"]
    subprocess.run(words, check=True)
    return library


class Faults:
    """Makes calls below `folder` fail."""

    def __init__(self, preloaded, dicomprep, folder):
        self.preloaded, self.dicomprep, self.folder = preloaded, dicomprep, folder

    def run(self, words, call, at=0, do="", counts=None, timeout=60):
        """Runs the program; at call number `at` of the kind `call`, `do` happens."""
        env = {"LD_PRELOAD": self.preloaded, "FAULT_FOLDER": self.folder, "FAULT_CALL": call, "FAULT_AT": at,
               "FAULT_DO": do}
        env.update({"FAULT_COUNTS": counts} if counts else {})
        return self.dicomprep(*words, env={name: str(value) for name, value in env.items()}, timeout=timeout)

    def counts(self, words, file, call="any"):
        """How often each kind of call happens in a run to the end."""
        result = self.run(words, call, counts=file)
        assert result.returncode == 0, result.stderr
        return Counter(line.split()[0] for line in file.read_text().splitlines())


def some(count, wanted):
    """Numbers from 1 to `count`: about `wanted` of them, evenly spread, or all of them in a long run."""
    step = 1 if LONG else max(count // wanted, 1)
    return sorted({*range(1, count + 1, step), count} - {0})
