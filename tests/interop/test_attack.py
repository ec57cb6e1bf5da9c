"""The attacks of `make attack` at a small scale: nothing crashes, hangs or is wrong without a word."""
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "attack"))
import attack  # noqa: E402


@pytest.mark.parametrize("name, runs", [("flips", 120), ("changes", 4), ("signals", 8), ("limits", 16), ("markers", 3)])
def test_attack(name, runs, dicomprep):
    _, part = attack.ATTACKS[name]
    [done] = attack.attack(dicomprep.path, round(runs / part), only=[name])
    assert done.runs >= runs and done.told == []
    assert (done.crashes, done.hangs, done.wrong) == (0, 0, 0)
    assert done.found > 0
