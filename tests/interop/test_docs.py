"""The code blocks of README.md and of docs/ run as they are written."""

import ast
import importlib.util
import os
import re
import subprocess
import sys
import tomllib

import pytest

from conftest import FIXTURES, REPOSITORY

PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
# `make` builds what is under test, and `pip` installs it.
BUILDS = re.compile(r"^(make|pip|cargo|cf|heroku|systemctl|sudo) ")
# Stands for the user's training script: it takes the whole stream.
TRAIN = "import sys\nwhile sys.stdin.buffer.read(1 << 20):\n    pass\n"


class Block:
    """A fenced block of a page."""

    def __init__(self, page, line, language, text):
        self.page, self.line, self.language, self.text = page, line, language, text

    def __repr__(self):
        return f"{self.page.relative_to(REPOSITORY)}:{self.line}"


def blocks(*languages):
    """The fenced blocks of all pages in these languages."""
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for block in re.finditer(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
            if block.group(1) in languages:
                found.append(Block(page, text[: block.start()].count("\n") + 1, block.group(1), block.group(2)))
    return found


def packages(text):
    """The packages that a program imports."""
    names = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add(node.module.partition(".")[0])
    return names


def modules():
    """The examples that others import, by the name in their first line."""
    named = ((re.match(r"# (\w+)\.py\n", block.text), block.text) for block in blocks("python"))
    return {found.group(1): text for found, text in named if found}


def environment(dicomprep, folder):
    return {
        **os.environ,
        "PATH": os.pathsep.join([str(dicomprep.path.parent), os.environ.get("PATH", "")]),
        "HF_HUB_OFFLINE": "1",
        "HF_HOME": str(folder / "cache"),
        "KERAS_BACKEND": os.environ.get("KERAS_BACKEND", "jax"),
        "JAX_PLATFORMS": "cpu",
        "CUDA_VISIBLE_DEVICES": "",
    }


def run(command, dicomprep, folder):
    return subprocess.run(command, cwd=folder, env=environment(dicomprep, folder), stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=300)


@pytest.mark.parametrize("block", blocks("python"), ids=repr)
def test_python(block, dicomprep, tmp_path):
    for module, content in {**modules(), "example": block.text}.items():
        (tmp_path / f"{module}.py").write_text(content, encoding="utf-8")
    wanted = packages(block.text) - set(modules())
    absent = sorted(package for package in wanted if importlib.util.find_spec(package) is None)
    if absent:
        pytest.skip(f"{block} needs {', '.join(absent)}, which is not installed here")
    (tmp_path / "final_data").symlink_to(FIXTURES)
    dicomprep.prep(FIXTURES, tmp_path / "final_data.h5")
    result = run([sys.executable, "example.py"], dicomprep, tmp_path)
    assert result.returncode == 0, f"{block}\n{result.stdout}{result.stderr}"


@pytest.mark.parametrize("block", blocks("sh"), ids=repr)
def test_shell(block, dicomprep, tmp_path):
    commands = [line for line in block.text.splitlines() if not BUILDS.match(line)]
    if not commands:
        pytest.skip(f"{block} builds the program")
    (tmp_path / "final_data").symlink_to(FIXTURES)
    (tmp_path / "train.py").write_text(TRAIN, encoding="utf-8")
    script = "\n".join(commands)
    made = set(re.findall(r"-o (\S+\.h5)", script))
    if re.search(r"prep final_data/ +#", script):
        made.add("final_data.h5")
    for name in set(re.findall(r"[\w-]+\.h5", script)) - made:
        dicomprep.prep(FIXTURES, tmp_path / name)
    endless = script.replace("--epochs 0", "--epochs 2")
    result = run(["bash", "-euo", "pipefail", "-c", endless], dicomprep, tmp_path)
    assert result.returncode == 0, f"{block}\n{result.stdout}{result.stderr}"


@pytest.mark.parametrize("block", blocks("toml"), ids=repr)
def test_augmentation_file(block, dicomprep, tmp_path):
    assert tomllib.loads(block.text)
    (tmp_path / "augment.toml").write_text(block.text, encoding="utf-8")
    dicomprep.prep(FIXTURES, tmp_path / "final_data.h5")
    result = dicomprep("batches", tmp_path / "final_data.h5", "--augment", tmp_path / "augment.toml", "--describe")
    assert result.returncode == 0, f"{block}\n{result.stderr}"


def test_links_lead_to_files():
    broken = []
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            if not (page.parent / target).exists():
                broken.append(f"{page.name}: {target}")
    assert not broken


def test_readme_is_short():
    assert len((REPOSITORY / "README.md").read_text(encoding="utf-8").splitlines()) <= 170


def test_options_are_those_of_the_program(dicomprep, tmp_path):
    """`make docs` has written docs/options.md from the help of this program."""
    written = tmp_path / "options.md"
    subprocess.run([sys.executable, REPOSITORY / "docs" / "options.py", dicomprep.path, written], check=True)
    assert written.read_text(encoding="utf-8") == (REPOSITORY / "docs" / "options.md").read_text(encoding="utf-8")
