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
    environment = {**os.environ, "PYTHONDEVMODE": "1"}
    done = subprocess.run([python, "-W", "error", "-c", LINES, file], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > sys.version_info.minor
