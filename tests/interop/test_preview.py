"""`preview` without a browser: sheets, the terminal, exit codes, what is left alone."""

import os
import pty
import re
import subprocess

import h5py
import numpy as np
import pytest
from PIL import Image

from streams import Contents, copy, damage


def run(dicomprep, *words, code=0, **kwargs):
    result = dicomprep("preview", *words, **kwargs)
    assert result.returncode == code, f"exit code {result.returncode}, expected {code}\n{result.stderr}"
    assert "panicked" not in result.stderr and "HDF5-DIAG" not in result.stderr, result.stderr
    return result


def test_the_page_stands_beside_the_file_and_is_never_replaced(dicomprep, spoiled):
    page = spoiled.with_suffix(".html")
    assert "20 samples" in run(dicomprep, spoiled).stderr
    first = page.read_bytes()
    assert "--force" in run(dicomprep, spoiled, code=1).stderr
    run(dicomprep, spoiled, "--threads", 3, "--force", "-q")
    assert page.read_bytes() == first, "the page depends on the threads"
    assert sorted(path.name for path in spoiled.parent.iterdir()) == ["spoiled.h5", "spoiled.html"]


@pytest.mark.parametrize("words, code, said", [
    (["-o", "-"], 2, "takes a file"),
    (["-o", "FILE"], 2, "a file that is read"),
    (["--png", "sheets", "--report", "x.json"], 2, "--report is for the page"),
    (["--zoom", "0"], 2, "--zoom"),
    (["--where", "nonsense=1"], 2, "no column"),
    (["--split", "vla"], 1, "train"),
    (["--where", "mask_pixels.inner>99999"], 1, "no row"),
    (["--report", "missing.json"], 1, "missing.json"),
    (["--max-bytes", "2K"], 1, "--max-bytes"),
])
def test_what_cannot_be_done_is_said_and_leaves_nothing(dicomprep, final_data, out, words, code, said):
    words = [str(final_data) if word == "FILE" else word for word in words]
    words = words if "-o" in words or "--png" in words else ["-o", "a.html", *words]
    before = final_data.read_bytes()
    assert said in run(dicomprep, final_data, *words, "--force", code=code, cwd=out).stderr
    assert list(out.iterdir()) == [] and final_data.read_bytes() == before


def test_a_report_of_another_file_is_refused(dicomprep, final_data, out):
    report = out / "report.json"
    report.write_text("[1, 2]")
    assert "is no report" in run(dicomprep, final_data, "-o", out / "a.html", "--report", report, code=1).stderr
    report.write_text('{"samples": 21, "structures": [], "image_size": [1, 1], "files": 1, "bins": {}}')
    assert "its samples are 21, not 20" in run(
        dicomprep, final_data, "-o", out / "a.html", "--report", report, code=1).stderr
    assert [path.name for path in out.iterdir()] == ["report.json"]


def test_damaged_samples_are_named_and_shown_without_a_picture(dicomprep, spoiled, out):
    contents = Contents(spoiled)
    damage(spoiled, "images", 3)
    damage(spoiled, "masks", 11)
    for words in (["-o", out / "a.html"], ["--png", out / "sheets"], ["--terminal=always", "--max-samples", 20]):
        result = run(dicomprep, spoiled, *words, code=3)
        named = re.findall("^damaged: (.*?): ", result.stderr, re.M)
        assert sorted(named) == sorted(contents["id"][[3, 11]]), result.stderr
    page = (out / "a.html").read_text(encoding="utf-8")
    assert page.count('"shades":null') == 2 and page.count('"row":') == 20
    assert "damaged at row" not in page and str(spoiled.parent) not in page


def test_sheets_hold_all_samples(dicomprep, final_data, out):
    result = run(dicomprep, final_data, "--png", out / "sheets", "--zoom", 3)
    assert "20 samples on 1 sheet" in result.stderr
    sheet = np.asarray(Image.open(out / "sheets" / "sheet-0001.png"))
    assert sheet.shape[2] == 3 and sheet.dtype == np.uint8
    assert (sheet == (213, 94, 0)).all(axis=2).any() and (sheet == (86, 180, 233)).all(axis=2).any()
    assert "--force" in run(dicomprep, final_data, "--png", out / "sheets", code=1).stderr
    run(dicomprep, final_data, "--png", out / "sheets", "--force", "--zoom", 9)
    assert len(list((out / "sheets").iterdir())) == 10


# ---------------------------------------------------------------- the terminal


def in_terminal(dicomprep, *words, **env):
    """The exit code of a preview in a terminal, and what it shows."""
    main, other = pty.openpty()
    env = {**{name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "TERM")}, **env}
    command = [dicomprep.path, "preview", *map(str, words), "--terminal", "--progress", "none"]
    process = subprocess.Popen(command, stdin=other, stdout=other, stderr=subprocess.PIPE, env=env)
    os.close(other)
    shown = b""
    while True:
        try:
            part = os.read(main, 65536)
        except OSError:
            break
        if not part:
            break
        shown += part
    os.close(main)
    said = process.stderr.read().decode()
    return process.wait(), shown.decode(), said


def test_the_terminal_shows_the_first_samples(dicomprep, final_data):
    code, shown, said = in_terminal(dicomprep, final_data)
    assert code == 0 and "4 of 20 samples" in said
    ids = Contents(final_data)["id"]
    assert sum(f"{name} (row " in shown for name in ids) == 4
    blocks = [line.count("\u2580") for line in shown.splitlines() if "\u2580" in line]
    assert blocks == [64] * 32 * 4, "64 x 64 pixels, two in a letter"
    assert "\x1b[38;2;213;94;0" in shown or "48;2;213;94;0m" in shown


def test_no_colours_where_there_are_none(dicomprep, final_data):
    piped = run(dicomprep, final_data, "--terminal", code=1)
    assert "not a terminal" in piped.stderr and piped.stdout == ""
    for env, why in (({"NO_COLOR": "1"}, "NO_COLOR"), ({"TERM": "dumb"}, "dumb")):
        code, shown, said = in_terminal(dicomprep, final_data, **env)
        assert (code, shown) == (1, "") and why in said and "--terminal=always" in said
    always = run(dicomprep, final_data, "--terminal=always", "--max-samples", 1, env={"COLUMNS": "40"})
    blocks = [line.count("\u2580") for line in always.stdout.splitlines() if "\u2580" in line]
    assert blocks == [32] * 16, "reduced by a whole number to fit"


def test_names_do_nothing_to_the_terminal(dicomprep, final_data, tmp_path):
    path = copy(final_data, tmp_path / "hostile.h5")
    with h5py.File(path, "r+") as file:
        kind = h5py.string_dtype("utf-8", 40)
        names = np.array([f"\x1b[2J\r\n\u202e{row}".encode() for row in range(len(file["images"]))], "S40")
        del file["samples/id"]
        file["samples"].create_dataset("id", data=names.astype(kind), chunks=names.shape)
    shown = run(dicomprep, path, "--terminal=always").stdout
    assert "\x1b[2J" not in shown and "\r" not in shown and "\u202e" not in shown and "\\u{202e}" in shown
    damage(path, "images", 0)
    said = run(dicomprep, path, "-o", tmp_path / "a.html", code=3).stderr
    assert "\x1b" not in said and "\u202e" not in said and "damaged" in said
