"""The wheel on the newest CPython of the machine, where that is another one than the tests run on."""

import glob
import os
import shutil
import subprocess
import sys

import pytest

LINES = """
import sys, pickle
import numpy as np
import dicomprep
data = dicomprep.open(sys.argv[1])
image, mask = data[0]
assert image.shape == data.image_shape and mask.shape[:2] == image.shape[:2]
batches = list(data.batches(batch_size=3, seed=1, augment="cardiac"))
assert sorted(int(row) for batch in batches for row in batch.rows) == list(range(len(data)))
assert pickle.loads(pickle.dumps(data.split("train"))).rows == data.split("train").rows
assert dicomprep.info(sys.argv[1]).samples == len(data)
print(sys.version_info.minor)
"""

# A fork warns from CPython 3.12 on while other threads run: those of a stream, between its first batch and its end.
FORKS = """
import os, sys, warnings
import dicomprep

def warned():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        child = os.fork()
        if child == 0:
            os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    return [warning.category for warning in caught]

batches = dicomprep.open(sys.argv[1]).batches(batch_size=1, epochs=None)
assert warned() == []
next(batches)
assert warned() == [DeprecationWarning]
batches.close()
assert warned() == []
print(sys.version_info.minor)
"""


def newest():
    """The newest CPython in PATH and of pyenv."""
    found = {}
    places = [*os.environ.get("PATH", "").split(os.pathsep), *glob.glob(os.path.expanduser("~/.pyenv/versions/*/bin"))]
    for minor in range(sys.version_info.minor + 1, 40):
        for place in places:
            program = shutil.which(f"python3.{minor}", path=place)
            # What pyenv puts in PATH may lead nowhere.
            if program and subprocess.run([program, "-c", ""], capture_output=True).returncode == 0:
                found[minor] = program
                break
    return found.get(max(found, default=0))


def test_on_the_newest_python(file, tmp_path):
    wheel, program = os.environ.get("DICOMPREP_WHEEL"), newest()
    if not wheel or not program:
        pytest.skip("needs DICOMPREP_WHEEL, as `make test-python` sets it, and a newer CPython than this one")
    if subprocess.run([program, "-m", "venv", tmp_path / "venv"], capture_output=True).returncode != 0:
        pytest.skip(f"{program} makes no environment")
    python = tmp_path / "venv" / "bin" / "python"
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if subprocess.run([*install, "numpy"], capture_output=True).returncode != 0:
        pytest.skip("numpy cannot be installed there")
    subprocess.run([*install, "--no-deps", wheel], check=True)
    # numpy's threads are none of ours.
    environment = {**os.environ, "PYTHONDEVMODE": "1", "OPENBLAS_NUM_THREADS": "1"}
    for lines in (LINES, FORKS):
        done = subprocess.run([python, "-W", "error", "-c", lines, file], capture_output=True, text=True, env=environment)
        assert done.returncode == 0, done.stderr
        assert int(done.stdout) > sys.version_info.minor
