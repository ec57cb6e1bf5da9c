"""One shard, made by the native program in a task of Spark."""

from __future__ import annotations

import ctypes
import os
import select
import signal
import socket
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from typing import Any

from dicomprep._command import _failure, _read, program
from dicomprep._errors import Error

# prctl(2): the signal that a process gets when its parent ends.
_PR_SET_PDEATHSIG = 1
# Seconds between two looks at the connection with Spark.
_LOOK_SECONDS = 1.0
# Fields of the report of a shard that the driver needs.
_KEPT = ("samples", "rejected", "rejected_rows", "bytes_in", "seconds")


@dataclass(frozen=True)
class Work:
    """What all tasks have in common."""

    data_dir: str
    plan: str
    attempts: str
    shards: int
    flags: tuple[str, ...]
    program: str | None


def make(work: Work, index: int) -> dict[str, Any]:
    """Makes shard `index` in a file of this attempt alone. Returns what the driver needs of its report.

    Raises `DataError` with the message of the program.
    """
    from pyspark import TaskContext

    context = TaskContext.get()
    attempt, cpus = (context.taskAttemptId(), context.cpus()) if context else (0, 1)
    output = os.path.join(work.attempts, f"{index}-{attempt}.h5")
    report = os.path.join(work.attempts, f"{index}-{attempt}.json")
    command = [work.program or program(), "prep", work.data_dir, "--plan", work.plan, "--shard", f"{index}/{work.shards}"]
    command += ["--threads", str(max(cpus, 1)), "--segment-rows", "0", "--progress", "none", f"--report={report}"]
    code, text = _run([*command, *work.flags, "-o", output])
    fields = _read(report)
    if code not in (0, 3):
        said = text.strip() or "it said nothing"
        if code < 0:
            said = f"the program was ended by {signal.Signals(-code).name}: {said}"
        error = _failure(code, said, {})
        raise type(error)(f"shard {index} of {work.shards} on {socket.gethostname()}: {error}")
    kept = {name: fields.get(name) for name in _KEPT}
    return {"shard": index, "attempt": attempt, "host": socket.gethostname(), "path": output,
            "bytes": os.path.getsize(output), "exit_code": code, **kept}


def _run(command: list[str]) -> tuple[int, str]:
    """Runs the program, which ends with this process, however that ends, and with the task. Returns its exit code and its
    messages."""
    parent = os.getpid()
    prctl = ctypes.CDLL(None, use_errno=True).prctl

    def end_with_parent() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)

    connections = _connections()
    with (
        tempfile.TemporaryFile("w+", errors="replace") as messages,
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=messages,
                         preexec_fn=end_with_parent) as process,
    ):
        try:
            while (code := _wait(process)) is None:
                if _ended(connections):
                    raise Error("Spark has given this attempt up")
        except BaseException:
            process.terminate()
            raise
        messages.seek(0)
        return code, messages.read()


def _wait(process: subprocess.Popen[bytes]) -> int | None:
    try:
        return process.wait(_LOOK_SECONDS)
    except subprocess.TimeoutExpired:
        return None


def _connections() -> list[int]:
    """The open sockets of this worker. Spark does not end the worker of an attempt that it gives up: it closes its
    connection alone."""
    found = []
    for name in os.listdir("/proc/self/fd"):
        try:
            if stat.S_ISSOCK(os.stat(f"/proc/self/fd/{name}").st_mode):
                found.append(int(name))
        except OSError:
            continue
    return [socket for socket in found if not _ended([socket])]


def _ended(connections: list[int]) -> bool:
    """True where the other side has closed one of the sockets."""
    poll = select.poll()
    for connection in connections:
        poll.register(connection, select.POLLRDHUP)
    return bool(poll.poll(0))
