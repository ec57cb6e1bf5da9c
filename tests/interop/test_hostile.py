"""A data directory of files that go a little beyond the limits, which are set low: it costs no more than they allow, and
ends as any other does."""

import json
import os
import struct
import subprocess
import sys
import unicodedata

import h5py
import numpy as np
import pytest

from over_limits import (DEFLATED_FRAME, HTJ2K, MIB, RLE, claimed, claimed_length, deflate, deflated, framed, jpeg,
                         jpeg_2000, jpeg_xl, nested, rle_runs)
from trees import SQUARE, entries, small_study

PATIENT = "EVIL01"
# --max-image-bytes, and the widest 16-bit square within it.
LIMIT = MIB
SIDE = 724
# Speaks to a terminal, and forges a line.
NAME = "x\n\x1b[2Jdicomprep: all is well\x07\x9b31m"


# Image files, each smaller than the limit.
IMAGES = {
    "2 MiB of pixels": lambda: claimed(1024, 1024),
    "fewer pixels than it says": lambda: claimed(SIDE, SIDE),
    "a text that goes beyond the file": lambda: claimed_length(4096),
    "deflated, 2 MiB": lambda: deflated(2),
    "65 sequences deep": lambda: nested(65),
    "items, 60 deep": lambda: nested(60, 20),
    "RLE of runs": lambda: rle_runs(512, 1024),
    "RLE that is short": lambda: framed(RLE, SIDE, SIDE, struct.pack("<16I", 2, 64, 66, *[0] * 13) + b"\x81\x07" * 2),
    "deflated frame of more zeros than it says": lambda: framed(DEFLATED_FRAME, 512, 512, deflate(bytes(MIB))),
    "JPEG that is short": lambda: jpeg(SIDE, SIDE),
    "JPEG 2000 of one empty packet": lambda: jpeg_2000(SIDE, SIDE),
    "JPEG 2000 of 4,160 tiles": lambda: jpeg_2000(65, 64, tile=(1, 1)),
    "JPEG 2000 of more precincts than bytes": lambda: jpeg_2000(64, 64, precincts=True),
    "HTJ2K of more precincts than bytes": lambda: jpeg_2000(64, 64, precincts=True, syntax=HTJ2K),
    "JPEG XL of another size": lambda: jpeg_xl(SIDE),
}

# These hold what they say, in few bytes.
WORTH_IT = ["RLE of runs", "JPEG 2000 of one empty packet"]

CONTOURS = {
    "65,538 points": lambda: "1.5 2.5\n7 9\n" * 32_769,
    "a number of a thousand digits": lambda: "1 " + "9" * 1_000 + "\n2 3\n4 5\n",
    "one line of many numbers": lambda: "1 " * 4_000,
    "points far away": lambda: "1e300 2\n2 3\n4 5\n",
    "escapes": lambda: "1 2\n\x1b[31m\x9b 2\n4 5\n",
}


@pytest.fixture(scope="module")
def evil(tmp_path_factory):
    """A tree with two good images among many others; the ids of what is an image all the same; and the names of the
    bad files."""
    root = tmp_path_factory.mktemp("evil") / "data"
    study = small_study(root, ["GOOD01"], images=2)
    study.patient(PATIENT)
    good, bad = ["GOOD01/1", "GOOD01/2"], []
    for number, (kind, make) in enumerate(IMAGES.items(), 1):
        study.add(PATIENT, number, make(), SQUARE)
        if kind in WORTH_IT:
            good.append(f"{PATIENT}/{number}")
        else:
            bad.append(f"dicoms/{PATIENT}/{number}.dcm")
    images = root / "dicoms" / PATIENT
    image = (root / "dicoms" / "GOOD01" / "1.dcm").read_bytes()
    for number, make in enumerate(CONTOURS.values(), 100):
        study.add(PATIENT, number, image, SQUARE)
        contour = next(root.rglob(f"IM-*-{number:04}-icontour-manual.txt"))
        contour.write_text(make(), encoding="utf-8")
        bad.append(contour.relative_to(root).as_posix())
    study.add(PATIENT, 200, image, SQUARE)
    os.truncate(images / "200.dcm", 2 * LIMIT)
    study.add(PATIENT, 201, image, SQUARE)
    sparse = next(root.rglob("IM-*-0201-icontour-manual.txt"))
    os.truncate(sparse, (16 << 20) + 1)
    bad.append(sparse.relative_to(root).as_posix())
    study.add(PATIENT, 202, image, SQUARE)
    (images / "202.dcm").unlink()
    os.mkfifo(images / "202.dcm")
    (images / "203.dcm").mkdir()
    (images / "204.dcm").symlink_to("205.dcm")
    (images / "205.dcm").symlink_to("204.dcm")
    (images / "206.dcm").symlink_to("/dev/null")
    (images / "loop").symlink_to("..")
    (images / f"{NAME}.dcm").write_bytes(image)
    (root / NAME).mkdir()
    (root / NAME / NAME).write_bytes(b"")
    with open(root / "link.csv", "a", newline="", encoding="utf-8") as table:
        table.write(f'"{NAME}",O9\n')
    bad += [f"dicoms/{PATIENT}/{number}.dcm" for number in (200, 202, 204, 205, 206)]
    return root, sorted(good), bad


# Runs its arguments and writes down what they took. In a small process of its own: the peak of a child counts
# what its parent was when it came off it.
WATCH = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[2:], stdin=subprocess.DEVNULL).returncode
open(sys.argv[1], "w").write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
sys.exit(code)
"""


def measured(program, folder, *words):
    """Runs it; its result, and its peak of resident memory in MiB."""
    peak = folder / "peak"
    command = [sys.executable, "-I", "-c", WATCH, peak, program, *words]
    # The time is a guard only.
    result = subprocess.run([str(word) for word in command], capture_output=True, timeout=600)
    return result, int(peak.read_text()) // 1024


def assert_plain(text, allowed=""):
    """There is nothing in it that a terminal acts on, but line ends."""
    text = text.decode("utf-8")
    assert not [c for c in text if unicodedata.category(c) == "Cc" and c not in "\n" + allowed], text


# The program itself, and for each thread a contour of 16 MiB and what docs/limits.md says: five of the largest images, or
# 64 bytes for each pixel of JPEG 2000.
THREADS = 2
MOST = 64 + THREADS * (16 + 64 * SIDE * SIDE // MIB)


def test_a_hostile_tree_costs_what_the_limits_allow(dicomprep, evil, out):
    root, good, bad = evil
    words = ["prep", root, "-o", out / "x.h5", "--report", out / "x.json", "--verbose", "--size", "8x8", "--fit", "crop"]
    result, peak = measured(dicomprep.path, out, *words, "--threads", THREADS, "--max-image-bytes", LIMIT)
    assert result.returncode == 3, result.stderr.decode()
    print(f"peak {peak} MiB")
    assert peak < MOST, f"{peak} MiB"
    assert result.stdout == b""
    assert_plain(result.stderr)
    assert_plain((out / "x.json").read_bytes())
    report = json.loads((out / "x.json").read_text(encoding="utf-8"))
    assert sum(report["bins"].values()) == report["files"] == entries(root)
    left = {}
    for entry in report["rejected"] + report["ignored"]:
        assert entry["file"] not in left, f"{entry['file']} is in two bins"
        left[entry["file"]] = entry
    for name in bad:
        assert left[name]["reason"], name
    # The contours of bad images fell with them, and what is called as a message is listed as a name.
    assert f"{NAME}/{NAME}" in left and f"dicoms/{PATIENT}/{NAME}.dcm" in left
    assert [row["file"] for row in report["rejected_rows"]] == ["link.csv"]
    with h5py.File(out / "x.h5") as packed:
        assert sorted(packed["samples/id"].asstr()[:]) == good


def test_a_plan_with_hostile_names_is_plain(dicomprep, evil, tmp_path):
    root, _, _ = evil
    images = tmp_path / NAME
    images.symlink_to(root / "dicoms")
    result, _ = measured(dicomprep.path, tmp_path, "prep", root, "--dicoms", images, "--dry-run", "--size", "8x8")
    assert result.returncode == 3, result.stderr.decode()
    assert_plain(result.stdout, "\t")
    assert_plain(result.stderr)


def test_nothing_is_left_where_all_is_hostile(dicomprep, evil, out, tmp_path):
    root, _, _ = evil
    table = tmp_path / "link.csv"
    table.write_text(f'patient_id,original_id\n{PATIENT},ORIG-GOOD01\n"{NAME}",O9\n', encoding="utf-8")
    words = ["prep", root, "--link", table, "-o", out / "x.h5", "--size", "8x8"]
    result, _ = measured(dicomprep.path, out, *words)
    assert result.returncode == 1 and b"no sample is left" in result.stderr
    assert not (out / "x.h5").exists()
    assert_plain(result.stderr)


@pytest.mark.parametrize("size, message", [((64 << 20) + 1, b"more than 67108864 bytes"), (1 << 20, b"byte 0x00")])
def test_a_sparse_link_table_is_refused(size, message, dicomprep, evil, out, tmp_path):
    root, _, _ = evil
    table = tmp_path / "link.csv"
    table.write_text("patient_id,original_id\n")
    os.truncate(table, size)
    result, peak = measured(dicomprep.path, out, "prep", root, "--link", table, "-o", out / "x.h5")
    assert result.returncode == 1, result.stderr.decode()
    assert peak < 400, f"{peak} MiB"
    assert_plain(result.stderr)


# ---------------------------------------------------------------- packed files


@pytest.mark.parametrize("command", [["info"], ["info", "--json"], ["explain", "--at", "0:0:0"],
                                     ["explain", "--at", "0:0:0", "--json"], ["explain", "--at", "0:0:99999"],
                                     ["batches", "--describe"], ["batches", "--split", "train"],
                                     ["batches", "--structures", "none"], ["whiten", "-o", "no/such"]])
def test_a_packed_file_says_nothing_to_the_terminal(command, dicomprep, spoiled, tmp_path):
    """Its name, its attributes and its columns hold control characters."""
    path = spoiled.rename(tmp_path / f"{NAME}.h5")
    with h5py.File(path, "r+") as packed:
        for name in ("mask_rule", "split_rule", "generator", "source_digest"):
            packed.attrs[name] = NAME
        packed.attrs["structures"] = [NAME, "outer"]
        packed["images"].attrs["units"] = NAME
        for name in ("id", "patient_id", "source", "split"):
            column = packed["samples"][name]
            text = NAME.encode()[: column.dtype.itemsize].decode(errors="ignore").encode()
            column[:] = np.full(column.shape, text, column.dtype)
    result = subprocess.run([dicomprep.path, command[0], path, *command[1:]], capture_output=True, timeout=60)
    assert result.returncode in (0, 1)
    assert result.stdout or result.stderr
    assert_plain(result.stdout)
    assert_plain(result.stderr)


@pytest.mark.parametrize("words", [["prep", ".", "--pseudonym-key"], ["batches", "a.h5", "--augment"]])
def test_an_option_file_of_more_than_a_mebibyte_is_refused(words, dicomprep, out, tmp_path):
    long = tmp_path / "long"
    long.touch()
    os.truncate(long, (1 << 20) + 1)
    (tmp_path / "dicoms").mkdir()
    (tmp_path / "contourfiles").mkdir()
    (tmp_path / "link.csv").write_text("patient_id,original_id\nP,O\n")
    packed = out / "a.h5"
    dicomprep.prep(small_study(tmp_path / "good", ["P1"]).root, packed, "--split", "none", "--on-finding", "keep")
    words = [{".": tmp_path, "a.h5": packed}.get(word, word) for word in words]
    result, peak = measured(dicomprep.path, out, *words, long)
    assert result.returncode == 1 and b"more than 1048576 bytes" in result.stderr, result.stderr
    assert peak < 100, f"{peak} MiB"


def test_a_name_among_too_many_arguments_is_plain(dicomprep, tmp_path):
    result = subprocess.run([dicomprep.path, "info", "a.h5", f"{NAME}.h5"], capture_output=True, timeout=60)
    assert result.returncode == 2
    assert_plain(result.stderr)
