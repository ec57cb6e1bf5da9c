"""Messages: what a file is, what a word of the command line is, and what is missing, in plain words."""

import shutil
import subprocess

import h5py
import numpy as np
import pytest

from conftest import FIXTURES
from streams import describe, npy, run, stream
from trees import Study, noise

# A triangle between the centres of pixels.
SPECK = [(2.2, 2.2), (2.4, 2.2), (2.3, 2.4)]


@pytest.mark.parametrize("words, said", [
    (("batches", "x.h5", "--batch-size", "0"), '"0" is no value of --batch-size <N>: use a whole number from 1\n'),
    (("batches", "x.h5", "--threads", "9999"), '"9999" is no value of --threads <N>: use a whole number from 1 to 1024\n'),
    (("prep", "x", "--frobnicate"), "dicomprep prep has no option --frobnicate"),
    (("batches", "x.h5", "--norm", "zscore"), "dicomprep batches has no option --norm; did you mean --normalize?\n"),
    (("info", "x.h5", "y.h5"), 'dicomprep info takes no further argument, and "y.h5" is one too many\n'),
    (("batch",), 'dicomprep has no command "batch"; did you mean batches?\n'),
    (("repair", "x.h5"), "dicomprep repair needs --against <DATA_DIR> and --output <FILE>\n"),
], ids=lambda words: words[-1] if isinstance(words, tuple) else "")
def test_words_that_are_not_understood(words, said, dicomprep):
    result = dicomprep(*words)
    assert result.returncode == 2 and result.stdout == ""
    assert result.stderr.startswith("error: ") and said in result.stderr


@pytest.mark.parametrize("name, content, kind", [
    ("link.csv", b"patient_id,original_id\nP1,O1\n", "a text file"),
    ("x.dcm", bytes(128) + b"DICM" + bytes(100), "a DICOM file"),
    ("x.npz", b"PK\x03\x04" + bytes(100), "a zip archive"),
    ("x.npy", b"\x93NUMPY" + bytes(100), "an npy file"),
    ("x.h5", b"", "empty"),
])
def test_a_file_of_another_kind_is_named_by_it(name, content, kind, dicomprep, tmp_path):
    (tmp_path / name).write_bytes(content)
    for command in ("info", "verify", "batches"):
        result = dicomprep(command, tmp_path / name)
        assert result.returncode == 1 and f"{name} is not a dicomprep file: it is {kind}" in result.stderr


def test_a_folder_is_no_file(dicomprep, tmp_path):
    assert "it is a folder" in dicomprep("batches", tmp_path).stderr


def test_where_nothing_is_left_there_is_no_summary(dicomprep, tmp_path):
    study = Study(tmp_path / "data")
    study.add("P1", 1, b"hello")
    result = dicomprep("prep", study.root, "-o", tmp_path / "x.h5")
    assert result.returncode == 1 and "no sample is left" in result.stderr and "not a DICOM file" in result.stderr
    assert "0 samples" not in result.stderr and "1x1" not in result.stderr
    result = dicomprep("audit", study.root)
    assert "nothing to audit" in result.stdout and "0 contours" not in result.stdout


def test_structures_without_a_pixel_are_named(dicomprep, tmp_path):
    study = Study(tmp_path / "data")
    for number in (1, 2):
        study.add("P1", number, noise((8, 8), 0, 900, number).astype(np.int16), points=SPECK)
        if number == 1:
            study.contour("P1", number, structure="outer")
    path = tmp_path / "x.h5"
    dicomprep.prep(study.root, path, "--structures", "inner,outer", "--on-finding", "keep", "--split", "none")
    with h5py.File(path) as file:
        assert file["samples/mask_pixels"][:].sum(axis=0).tolist()[0] == 0
    assert "no mask has a pixel of inner\n" in dicomprep("info", path).stdout
    result = dicomprep("verify", path)
    assert result.returncode == 0 and 'note: /masks have no pixel of structure "inner" in any row' in result.stderr
    assert "note: no mask of the file has a pixel of inner\n" in run(dicomprep, path).stderr
    assert describe(dicomprep, path)["without_pixels"] == ["inner"]
    # Nothing is said of a structure that is not asked for, or that has pixels.
    assert "no mask" not in run(dicomprep, path, "--structures", "outer").stderr


@pytest.mark.parametrize("how", ["-l CONTI", "-l images:CHUNK=2x32x32x1", "-f FLET", "-l images:CHUNK=4x64x64x1"])
def test_the_command_that_undoes_h5repack(how, dicomprep, tmp_path):
    if shutil.which("h5repack") is None:
        pytest.skip("h5repack is not installed (Debian and Ubuntu: hdf5-tools)")
    dicomprep.prep(FIXTURES, tmp_path / "x.h5")
    repack = lambda *words: subprocess.run(["h5repack", *words], check=True, cwd=tmp_path)
    repack(*how.split(), "x.h5", "y.h5")
    said = dicomprep("batches", "y.h5", cwd=tmp_path).stderr
    command = said.split("`")[1]
    assert command.startswith("h5repack ") and command.endswith(" NEW.h5")
    repack(*command.split()[1:])
    batches = lambda name: npy(stream(dicomprep, tmp_path / name, "-q"))
    for mine, theirs in zip(batches("x.h5"), batches("NEW.h5")):
        assert all(np.array_equal(a, b) for a, b in zip(mine, theirs))
    assert dicomprep("verify", tmp_path / "NEW.h5").returncode == 0
