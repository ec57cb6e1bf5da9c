"""Where the binary and the data are, and the files that several tests read."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
FIXTURES = REPOSITORY / "fixtures" / "final_data"


def sunnybrook():
    """The folder with the real data and its mask_hashes.json, or None where it is not at hand."""
    places = [REPOSITORY.parent / "shared" / "data"]
    if "DICOMPREP_DATA" in os.environ:
        places.insert(0, Path(os.environ["DICOMPREP_DATA"]))
    found = [place / "sunnybrook" for place in places if (place / "sunnybrook" / "final_data").is_dir()]
    return found[0] if found else None


class Dicomprep:
    """The program under test."""

    def __init__(self):
        self.path = (REPOSITORY / os.environ.get("DICOMPREP", "target/debug/dicomprep")).resolve()

    def __call__(self, *words, cwd=None, env=None, timeout=120, under=()):
        """Runs it, `under` another command if need be; standard input is closed."""
        return subprocess.run(
            [*under, str(self.path), *map(str, words)],
            cwd=cwd,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
        )

    def prep(self, data, output, *words, code=0, **kwargs):
        """Runs `prep`, checks the exit code and that nothing went to standard output."""
        result = self("prep", data, "-o", output, *words, **kwargs)
        assert result.returncode == code, f"exit code {result.returncode}, expected {code}\n{result.stderr}"
        assert result.stdout == ""
        return result

    def report(self, data, output, *words, **kwargs):
        """As `prep`, and returns the report as well."""
        report = Path(output).with_suffix(".json")
        result = self.prep(data, output, "--report", report, *words, **kwargs)
        return result, json.loads(report.read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def dicomprep():
    program = Dicomprep()
    if not program.path.is_file():
        pytest.exit(f"{program.path} is missing: run `make test`, or name a binary in DICOMPREP", returncode=1)
    return program


@pytest.fixture
def tree(tmp_path):
    """A copy of the fixtures that a test may spoil."""
    return Path(shutil.copytree(FIXTURES, tmp_path / "final_data"))


@pytest.fixture
def out(tmp_path):
    """A folder for output, beside the tree."""
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


# ---------------------------------------------------------------- files for `batches`


@pytest.fixture(scope="session")
def final_data(dicomprep, tmp_path_factory):
    """The packed fixtures, with both structures: to be read only."""
    path = tmp_path_factory.mktemp("packed") / "final_data.h5"
    dicomprep.prep(FIXTURES, path, "--structures", "inner,outer")
    return path


@pytest.fixture(scope="session", params=["fixtures", "sunnybrook"])
def any_data(request, dicomprep, tmp_path_factory):
    """The packed fixtures, and the packed real data where they are at hand."""
    if request.param == "fixtures":
        return request.getfixturevalue("final_data")
    if sunnybrook() is None:
        pytest.skip("the Sunnybrook data is not here (DICOMPREP_DATA names the folder that holds sunnybrook/)")
    path = tmp_path_factory.mktemp("packed") / "sunnybrook.h5"
    dicomprep.prep(sunnybrook() / "final_data", path, "--structures", "inner,outer")
    return path


@pytest.fixture
def spoiled(final_data, tmp_path):
    """A copy of the packed fixtures that a test may spoil."""
    return Path(shutil.copy(final_data, tmp_path / "spoiled.h5"))
