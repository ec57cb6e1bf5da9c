"""The commands as functions, and their errors."""

import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from conftest import FIXTURES

import dicomprep
from dicomprep._command import program


def test_prep_writes_the_bytes_of_the_command(tmp_path):
    summary = dicomprep.prep(FIXTURES, tmp_path / "module.h5", structures="inner,outer", split_seed=5)
    command = [program(), "prep", FIXTURES, "-o", tmp_path / "command.h5", "--structures", "inner,outer", "-q"]
    subprocess.run([*command, "--split-seed", "5"], check=False)
    assert (tmp_path / "module.h5").read_bytes() == (tmp_path / "command.h5").read_bytes()
    assert summary.command == "prep" and summary["samples"] == len(dicomprep.open(tmp_path / "module.h5"))


def test_info_plan_and_verify_report(file):
    assert dicomprep.info(file).samples == len(dicomprep.open(file))
    assert dicomprep.plan(FIXTURES).command == "prep"
    assert dicomprep.verify(file).exit_code == 0


def test_lists_are_all_values_of_an_option(tmp_path):
    """Of options that are given once for each, of folders, and of sizes."""
    for name in ("a", "b"):
        shutil.copytree(FIXTURES, tmp_path / name)
    checks = ["spike=off", "repeated-contour=error"]
    options = ["--check", checks[0], "--check", checks[1], "--on-shared", "ignore", "--size", "72x80", "--on-finding", "keep"]
    places = [tmp_path / "a", tmp_path / "b"]
    command = [program(), "prep", *places, "-o", tmp_path / "command.h5", *options, "--structures", "inner,outer", "-q"]
    subprocess.run(command, check=False)
    summary = dicomprep.prep(places, tmp_path / "module.h5", structures=["inner", "outer"], check=checks,
                             on_shared="ignore", size=(72, 80), on_finding="keep")
    assert (tmp_path / "module.h5").read_bytes() == (tmp_path / "command.h5").read_bytes()
    assert dicomprep.plan(places, output="both.h5", on_shared="ignore").samples == summary.samples == 40
    assert dicomprep.audit(places, check=checks).checks["equal-image"]
    with pytest.raises(dicomprep.UsageError, match="json.dump"):
        dicomprep.prep(places, tmp_path / "again.h5", report="report.json")


def test_errors_have_the_text_of_the_command(tmp_path):
    with pytest.raises(dicomprep.DataError, match="nowhere"):
        dicomprep.prep(tmp_path / "nowhere", tmp_path / "a.h5")
    with pytest.raises(dicomprep.UsageError, match="colour"):
        dicomprep.info(tmp_path / "a.h5", colour=3)
    with pytest.raises(dicomprep.DataError, match=r"a\.h5"):
        dicomprep.open(tmp_path / "a.h5")
    # Inputs of which nothing can be used are no damage.
    with pytest.raises(dicomprep.DataError, match="no sample is left") as failure:
        dicomprep.prep(FIXTURES, tmp_path / "a.h5", max_image_pixels=1)
    assert not isinstance(failure.value, dicomprep.DamageError)


def test_a_damaged_file_is_found(file, tmp_path, data):
    damaged = bytearray(file.read_bytes())
    with __import__("h5py").File(file) as h5:
        place = h5["images"].id.get_chunk_info(3).byte_offset
    damaged[place + 20] ^= 255
    (tmp_path / "damaged.h5").write_bytes(damaged)
    with pytest.raises(dicomprep.DamageError) as failure:
        dicomprep.verify(tmp_path / "damaged.h5")
    assert failure.value.summary["problems"]
    with pytest.raises(dicomprep.DamageError, match="row 3"):
        dicomprep.open(tmp_path / "damaged.h5")[3]


def test_ctrl_c_stops_prep_and_leaves_no_file(tmp_path):
    """As in a terminal, where the interrupt reaches both processes."""
    data = tmp_path / "data"
    rows = (FIXTURES / "link.csv").read_text().splitlines()
    links = [rows[0]]
    for copy in range(60):
        for patient, original in (row.split(",")[:2] for row in rows[1:]):
            links.append(f"{patient}R{copy},{original}R{copy}")
            shutil.copytree(FIXTURES / "dicoms" / patient, data / "dicoms" / f"{patient}R{copy}", copy_function=os.link)
            shutil.copytree(FIXTURES / "contourfiles" / original, data / "contourfiles" / f"{original}R{copy}",
                            copy_function=os.link)
    (data / "link.csv").write_text("\n".join(links) + "\n")
    lines = [
        "import dicomprep",
        f"dicomprep.prep({str(data)!r}, {str(tmp_path / 'out.h5')!r}, progress=True, threads=1)",
    ]
    command = [sys.executable, "-c", "\n".join(lines)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        # In the middle: the output has been begun, and has not got its name.
        while not (tmp_path / ".out.h5.partial").exists():
            assert process.poll() is None
            time.sleep(0.001)
        os.killpg(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGINT and said.rstrip().endswith("KeyboardInterrupt")
    assert not (tmp_path / "out.h5").exists()
    # Nothing of it runs on.
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)


def test_python_m_is_the_command():
    asked = [[sys.executable, "-m", "dicomprep"], [program()]]
    versions = {subprocess.run([*one, "--version"], capture_output=True, check=True).stdout for one in asked}
    assert len(versions) == 1


def test_wrangle_warns_of_what_it_leaves_out(tmp_path):
    shutil.copytree(FIXTURES, tmp_path / "data")
    contour = sorted((tmp_path / "data" / "contourfiles").glob("*/i-contours/*.txt"))[0]
    contour.write_text("")
    with pytest.warns(UserWarning, match=f"left out: .*{contour.name}: the contour is empty; "):
        images, _ = dicomprep.wrangle(tmp_path / "data")
    assert len(images) == 19


def test_wrangle_and_flow():
    images, masks = dicomprep.wrangle(FIXTURES)
    assert images.ndim == masks.ndim == 4 and len(images) == len(masks)
    batches = dicomprep.flow(images, masks, batch_size=4, seed=1)
    for _ in range(2 * len(images) // 4 + 1):
        some, of_them = next(batches)
        assert len(some) == len(of_them) <= 4
    with pytest.raises(dicomprep.UsageError, match="augment"):
        dicomprep.flow(images, masks, augment="cardiac")
    for few, size in [(masks[1:], 4), (masks, 0)]:
        with pytest.raises(dicomprep.UsageError):
            dicomprep.flow(images, few, batch_size=size)
    assert set(np.unique(masks)) <= {0, 1}
