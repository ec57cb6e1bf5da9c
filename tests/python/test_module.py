"""The compiled module beside other packages."""

import subprocess
import sys

import pytest

import dicomprep._dicomprep


def test_it_exports_its_init_function_alone():
    listed = subprocess.run(
        ["nm", "-D", "--defined-only", dicomprep._dicomprep.__file__], capture_output=True, text=True, check=True
    )
    assert [line.split()[-1] for line in listed.stdout.splitlines()] == ["PyInit__dicomprep"]


@pytest.mark.parametrize("order", ["h5py, dicomprep", "dicomprep, h5py"])
@pytest.mark.parametrize("visible", [False, True])
def test_beside_h5py(file, order, visible):
    lines = [
        "import sys, os",
        "sys.setdlopenflags(os.RTLD_NOW | os.RTLD_GLOBAL)" if visible else "",
        f"import {order}",
        f"h5, data = h5py.File({str(file)!r}), dicomprep.open({str(file)!r})",
        "assert (data[2][0] == h5['images'][2]).all()",
        "assert next(data.batches(batch_size=2)).images.shape[0] == 2",
    ]
    subprocess.run([sys.executable, "-c", "\n".join(lines)], check=True)


def test_import_loads_no_framework():
    code = "import sys, dicomprep; print(sorted({'torch', 'keras', 'tensorflow', 'pandas'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_stubs_are_those_of_the_module(tmp_path):
    pytest.importorskip("mypy")
    command = [sys.executable, "-m", "mypy.stubtest", "dicomprep._dicomprep"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
