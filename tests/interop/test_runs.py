"""The same inputs give the same bytes, and every way to end has its exit code."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from conftest import FIXTURES, sunnybrook


def copy_backwards(source, target):
    """A copy whose files were created in the reverse order, so that folders list them differently."""
    for file in sorted((path for path in source.rglob("*") if path.is_file()), reverse=True):
        place = target / file.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, place)


@pytest.mark.parametrize("place", ["fixtures", "sunnybrook"])
def test_the_bytes_depend_on_inputs_and_options_alone(place, dicomprep, tmp_path):
    if place == "sunnybrook" and sunnybrook() is None:
        pytest.skip("the Sunnybrook data is not here")
    root = FIXTURES if place == "fixtures" else sunnybrook() / "final_data"
    words = ["--structures", "inner,outer"]
    dicomprep.prep(root, tmp_path / "one.h5", *words, "--threads", "1", env={"TZ": "UTC", "LC_ALL": "C"})
    elsewhere = tmp_path / "elsewhere"
    copy_backwards(root, elsewhere / "a copy")
    (elsewhere / "out").mkdir()
    dicomprep.prep("a copy", "out/eight.h5", *words, "--threads", "8", cwd=elsewhere,
                   env={"TZ": "Asia/Tokyo", "LC_ALL": "de_DE.UTF-8", "LANG": "tr_TR.UTF-8"})
    assert (tmp_path / "one.h5").read_bytes() == (elsewhere / "out/eight.h5").read_bytes()


def test_usage_errors_end_with_2(dicomprep, out):
    for words in (["--no-such-option"], ["--compression", "11"], ["--mask-rule", "guess"], ["--structures", "middle"]):
        result = dicomprep.prep(FIXTURES, out / "x.h5", *words, code=2)
        assert words[-1] in result.stderr
    assert dicomprep("no-such-command").returncode == 2
    assert os.listdir(out) == []


def test_help_has_an_example(dicomprep):
    result = dicomprep("prep", "--help")
    assert result.returncode == 0 and "dicomprep prep " in result.stdout


def test_an_existing_file_is_kept_without_force(dicomprep, out):
    target = out / "x.h5"
    target.write_text("mine")
    result = dicomprep.prep(FIXTURES, target, code=1)
    assert "--force" in result.stderr
    assert target.read_text() == "mine" and os.listdir(out) == ["x.h5"]
    dicomprep.prep(FIXTURES, target, "--force")
    assert target.read_bytes()[:4] == b"\x89HDF" and os.listdir(out) == ["x.h5"]


def test_missing_data_ends_with_1(dicomprep, out, tmp_path):
    result = dicomprep.prep(tmp_path / "nowhere", out / "x.h5", code=1)
    assert "nowhere" in result.stderr
    (tmp_path / "empty").mkdir()
    result = dicomprep.prep(tmp_path / "empty", out / "x.h5", code=1)
    assert "/empty: no layout is recognized" in result.stderr and "--layout" in result.stderr
    result = dicomprep.prep(tmp_path / "empty", out / "x.h5", "--layout", "link", code=1)
    assert "empty/dicoms" in result.stderr and "--dicoms" in result.stderr
    assert os.listdir(out) == []


def test_output_that_cannot_be_written_ends_with_1(dicomprep, out, tmp_path):
    result = dicomprep.prep(FIXTURES, out / "missing" / "x.h5", code=1)
    assert "missing" in result.stderr
    (out / "file").write_text("")
    dicomprep.prep(FIXTURES, out / "file" / "x.h5", code=1)
    assert os.listdir(out) == ["file"]


# Root may write everywhere, unless it gives that up: PR_CAPBSET_DROP of CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH.
GIVE_UP = """
import ctypes, os, sys
for capability in (1, 2):
    assert ctypes.CDLL(None, use_errno=True).prctl(24, capability, 0, 0, 0) == 0
os.execv(sys.argv[1], sys.argv[1:])
"""
UNPRIVILEGED = [sys.executable, "-c", GIVE_UP] if os.geteuid() == 0 else []


def test_output_in_a_folder_without_permission_ends_with_1(dicomprep, out):
    out.chmod(0o555)
    result = dicomprep.prep(FIXTURES, out / "x.h5", code=1, under=UNPRIVILEGED)
    assert "Permission denied" in result.stderr
    assert os.listdir(out) == []


def test_strict_writes_nothing_where_something_was_rejected(dicomprep, tree, out):
    contour = next(tree.glob("contourfiles/*/i-contours/*.txt"))
    contour.write_text("nonsense\n")
    dicomprep.prep(tree, out / "x.h5", code=3)
    assert (out / "x.h5").is_file()
    result = dicomprep.prep(tree, out / "strict.h5", "--strict", code=1)
    assert contour.name in result.stderr
    assert sorted(os.listdir(out)) == ["x.h5"]


def test_a_dry_run_writes_nothing(dicomprep, out):
    result = dicomprep("prep", FIXTURES, "-o", out / "x.h5", "--dry-run")
    assert result.returncode == 0, result.stderr
    assert os.listdir(out) == []
    lines = result.stdout.splitlines()
    assert lines[0].split("\t") == ["id", "split", "source", "inner"] and len(lines) == 1 + 20
    assert "memory" in result.stderr and "20 samples" in result.stderr


def test_the_output_is_named_after_the_data(dicomprep, tmp_path):
    result = dicomprep("prep", FIXTURES, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert os.listdir(tmp_path) == ["final_data.h5"]


def test_inputs_are_left_as_they_are(dicomprep, tree, out):
    def state():
        return {path: (path.stat().st_mtime_ns, path.is_dir() or path.read_bytes()) for path in tree.rglob("*")}

    before = state()
    dicomprep.prep(tree, out / "x.h5")
    assert state() == before
