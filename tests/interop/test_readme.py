"""The Python examples of README.md run as they are written."""

import ast
import importlib.util
import os
import re
import subprocess
import sys

import pytest

from conftest import FIXTURES, REPOSITORY

README = REPOSITORY / "README.md"


def examples():
    """(line, text) of each fenced Python block."""
    if not README.is_file():
        return []
    text = README.read_text(encoding="utf-8")
    blocks = re.finditer(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [(text[: block.start()].count("\n") + 1, block.group(1)) for block in blocks]


def packages(text):
    """The packages that a program imports."""
    names = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add(node.module.partition(".")[0])
    return names


def name(text):
    """The file that an example is to be saved as, by its first line."""
    found = re.match(r"# (\w+)\.py\n", text)
    return found and found.group(1)


def files():
    """The examples that others import, by name."""
    return {name(text): text for _, text in examples() if name(text)}


def test_there_are_examples():
    if not README.is_file():
        pytest.skip("there is no README.md")
    assert examples()


@pytest.mark.parametrize("example", examples(), ids=lambda example: f"line {example[0]}")
def test_example(example, dicomprep, tmp_path):
    line, text = example
    for module, content in {**files(), "example": text}.items():
        (tmp_path / f"{module}.py").write_text(content, encoding="utf-8")
    wanted = packages(text) - set(files())
    absent = sorted(package for package in wanted if importlib.util.find_spec(package) is None)
    if absent:
        pytest.skip(f"README.md:{line} needs {', '.join(absent)}, which is not installed here")
    dicomprep.prep(FIXTURES, tmp_path / "final_data.h5")
    environment = {
        **os.environ,
        "PATH": f"{dicomprep.path.parent}{os.pathsep}{os.environ.get('PATH', '')}",
        "HF_HUB_OFFLINE": "1",
        "HF_HOME": str(tmp_path / "cache"),
        "KERAS_BACKEND": "jax",
        "JAX_PLATFORMS": "cpu",
        "CUDA_VISIBLE_DEVICES": "",
    }
    result = subprocess.run([sys.executable, "example.py"], cwd=tmp_path, env=environment, stdin=subprocess.DEVNULL,
                            capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, f"README.md:{line}\n{result.stdout}{result.stderr}"
