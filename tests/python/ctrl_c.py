"""Ctrl-C in the middle of reading."""

import signal
import subprocess
import sys


def reading_ends_by_ctrl_c(place):
    """Asserts that a script that reads batches of `place` without end stops as Python does."""
    lines = [
        "import dicomprep",
        f"batches = dicomprep.open({place!r}).batches(epochs=None)",
        "print(next(batches), flush=True)",
        "for batch in batches: pass",
    ]
    command = [sys.executable, "-c", "\n".join(lines)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline().startswith("Batch(0:0")
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=20)
    assert process.returncode == -signal.SIGINT and said.rstrip().endswith("KeyboardInterrupt")
