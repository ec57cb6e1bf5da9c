"""A file that the tests share, made by the program of the installed wheel."""

import os
from pathlib import Path

import pytest

import dicomprep

# Before anything imports them.
os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("JAX_PLATFORMS", "cpu")

FIXTURES = Path(__file__).parents[2] / "fixtures" / "final_data"


@pytest.fixture(scope="session")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "data.h5"
    dicomprep.prep(FIXTURES, path, structures="inner,outer")
    return path


@pytest.fixture
def data(file):
    return dicomprep.open(file)
