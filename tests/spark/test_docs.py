"""The Python blocks of docs/spark.md run on the cluster as they are written."""

import os
import re
import sys
from pathlib import Path

import pytest

import dicomprep

REPOSITORY = Path(__file__).parents[2]
PAGE = (REPOSITORY / "docs" / "spark.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_block(number, spark, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    (tmp_path / "final_data").symlink_to(REPOSITORY / "fixtures" / "final_data")
    dicomprep.prep(tmp_path / "final_data", tmp_path / "final_data.h5")
    # Names of files begin at the folder where the driver was started, which is another one here.
    block = BLOCKS[number].replace('load("', f'load("{tmp_path}/')
    # Its functions are those of a script, which Spark sends to its executors.
    exec(compile(block, f"block {number} of docs/spark.md", "exec"), {"__name__": "__main__"})  # noqa: S102
    assert "+--" in capsys.readouterr().out
