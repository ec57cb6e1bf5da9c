"""Runs one contender: alone, or writing into a pipe with a reader at its other end."""

import fcntl
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from common import HERE, Memory

PIPE_BYTES = 1 << 20


class Failed(Exception):
    """A contender that ended with an error, or delivered something else."""


class Child:
    """A running process: its CPU seconds and its peak memory in MB once it has finished."""

    def __init__(self, command, **streams):
        self.errors = tempfile.TemporaryFile()
        self.spawned = time.monotonic()
        command = list(map(str, command))
        self.process = subprocess.Popen(command, stderr=self.errors, **{"stdin": subprocess.DEVNULL, **streams})
        self.memory = Memory(self.process.pid)
        self.memory.start()

    def events(self):
        """What it says about its batches, as it says it (see tally.py)."""
        for line in self.process.stdout:
            if line.startswith(b"{"):
                yield json.loads(line)

    def cpu_so_far(self):
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")

    def finish(self):
        _, status, usage = os.wait4(self.process.pid, 0)
        self.ended = time.monotonic()
        self.process.returncode = os.waitstatus_to_exitcode(status)
        self.cpu, self.peak_mb = usage.ru_utime + usage.ru_stime, self.memory.stop() or usage.ru_maxrss / 1024
        self.errors.seek(0)
        self.words = self.errors.read().decode(errors="replace").splitlines()
        self.errors.close()
        if self.process.returncode:
            raise Failed(f"ended with {self.process.returncode}: " + " / ".join(self.words[-5:]))


def warm(paths):
    """Reads files, and all files below folders, through the page cache."""
    block = bytearray(4 << 20)
    for path in paths:
        for file in [path] if path.is_file() else filter(Path.is_file, path.rglob("*")):
            with open(file, "rb", buffering=0) as content:
                while content.readinto(block):
                    pass


def pipe():
    """A pipe as large as anyone may have it, for every contender."""
    out, into = os.pipe()
    fcntl.fcntl(into, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    return out, into


def run_alone(contender, options):
    """A contender that takes its batches itself, and says what it took without its imports."""
    child = Child([*contender.command, *options], stdout=subprocess.PIPE)
    seen = {event["event"]: event for event in child.events()}
    child.finish()
    end = seen["end"]
    return {"wall": end["at"] - seen["ready"]["at"], "cpu": end["cpu"], "reader_cpu": None,
            "peak_mb": child.peak_mb, **arrival(end, child)}


def arrival(end, child):
    """What the taker of the batches says at its end."""
    facts = {name: end.get(name) for name in ("samples", "bytes", "digest", "versions")}
    return {**facts, "first": end["first"] and end["first"] - child.spawned}


def run_unseen(contender):
    """A contender whose batches nobody looks at: wall time is that of its process."""
    if contender.reader == "null":
        with open(os.devnull, "wb") as null:
            child, reader = Child(contender.command, stdout=null), None
    else:
        out, into = pipe()
        reader = Child(["cat"], stdin=out, stdout=subprocess.DEVNULL)
        child = Child(contender.command, stdout=into)
        os.close(out), os.close(into)
    child.finish()
    if reader:
        reader.finish()
    return {"wall": child.ended - child.spawned, "cpu": child.cpu, "reader_cpu": reader and reader.cpu,
            "peak_mb": child.peak_mb, "first": None}


def run_piped(contender, options):
    """A contender that writes its batches to a reader, which is ready before it starts."""
    out, into = pipe()
    reader = Child([sys.executable, "-W", "ignore", HERE / "reader.py", contender.reader, *options],
                   stdin=out, stdout=subprocess.PIPE)
    os.close(out)
    heard = reader.events()
    next(heard, None)
    child = Child(contender.command, stdout=into)
    os.close(into)
    end, epochs = None, []
    for event in heard:
        end = event
        if event["event"] == "epoch" and len(epochs) + 1 < contender.epochs:
            epochs.append((event["at"], child.cpu_so_far()))
    child.finish()
    reader.finish()
    # A script says itself when it began, after its imports, and what it took.
    own = json.loads(child.words[-1]) if contender.command[0] == sys.executable else {}
    result = {"wall": end["at"] - own.get("at", child.spawned), "cpu": own.get("cpu", child.cpu),
              "reader_cpu": end["cpu"], "peak_mb": child.peak_mb, **arrival(end, child)}
    return later_epochs(result, *epochs[0], end["at"], contender.epochs) if epochs else result


def later_epochs(result, first_ended, first_cpu, ended, epochs):
    """The result without the first epoch; what the reader took is shared evenly."""
    share = (epochs - 1) / epochs
    parts = {name: result[name] * share for name in ("samples", "bytes", "reader_cpu")}
    return {**result, **parts, "wall": ended - first_ended, "cpu": result["cpu"] - first_cpu}
