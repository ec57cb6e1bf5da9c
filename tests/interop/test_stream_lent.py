"""`batches --vmsplice`: memory that is lent to the pipe holds until the reader has it, whatever stands between."""

import fcntl
import os
import threading
import time

import pytest

from streams import run, start, stream

# More than ten times what may be lent, so that all memory is used again and again; a batch is 655 kB.
LENT = ["--vmsplice", "-b", 20, "--epochs", 600, "--mask-dtype", "float32"]
PIPE_BYTES = 1 << 20


@pytest.fixture(scope="module", params=["npy", "arrow", "webdataset"])
def both(request, final_data, dicomprep):
    """Options that lend memory, and the stream as it is without."""
    words = [*LENT, "--format", request.param]
    return words, stream(dicomprep, final_data, *words[1:])


def peak_memory(process):
    """In MB."""
    with open(f"/proc/{process.pid}/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))


def is_same(expected, pipe, pause=0):
    """Whether what comes out of `pipe` is as expected; it is read with pauses."""
    place = 0
    while piece := pipe.read(100_000):
        if expected[place : place + len(piece)] != piece:
            return False
        place += len(piece)
        time.sleep(pause)
    return place == len(expected)


@pytest.mark.parametrize("threads", [1, 8])
def test_the_stream_is_the_same(threads, both, final_data, dicomprep):
    words, expected = both
    assert len(expected) > 160 << 20
    assert stream(dicomprep, final_data, *words, "--threads", threads) == expected


def test_a_slow_reader_gets_the_same_in_bounded_memory(both, final_data, dicomprep):
    words, expected = both
    with start(dicomprep, final_data, *words, "--cache", 0, bufsize=0) as process:
        assert is_same(expected[: 30 << 20], _First(process.stdout, 30 << 20), 0.002)
        assert peak_memory(process) < 64
        process.stdout.close()
        assert process.wait(timeout=5) == 0


class _First:
    """The first bytes of a pipe."""

    def __init__(self, pipe, count):
        self.pipe, self.left = pipe, count

    def read(self, count):
        piece = self.pipe.read(min(count, self.left))
        self.left -= len(piece)
        return piece


def test_pages_that_are_passed_on_unread_hold(both, final_data, dicomprep):
    """Three pipes behind the first, of the largest size, which references to the pages fill before anything is read."""
    words, expected = both
    pipes = [os.pipe() for _ in range(3)]
    for _, into in pipes:
        fcntl.fcntl(into, fcntl.F_SETPIPE_SZ, PIPE_BYTES)

    def pass_on(source, into):
        try:
            while os.splice(source, into, PIPE_BYTES):
                pass
        except BrokenPipeError:
            pass
        finally:
            os.close(source)
            os.close(into)

    with start(dicomprep, final_data, *words) as process:
        first = os.dup(process.stdout.fileno())
        process.stdout.close()
        links = zip([first, *(out for out, _ in pipes)], [into for _, into in pipes])
        threads = [threading.Thread(target=pass_on, args=link) for link in links]
        for thread in threads:
            thread.start()
        with open(pipes[-1][0], "rb", buffering=0) as last:
            time.sleep(0.5)
            same = is_same(expected, last)
        for thread in threads:
            thread.join(timeout=10)
        assert same and process.wait(timeout=5) == 0


def test_a_signal_leaves_what_it_has_written(final_data, dicomprep):
    expected = stream(dicomprep, final_data, *LENT[1:])
    with start(dicomprep, final_data, *LENT) as process:
        data = process.stdout.read(1_000_000)
        time.sleep(0.2)
        process.terminate()
        assert process.wait(timeout=5) == 1
        # The pipe holds pages of a process that is gone.
        data += process.stdout.read()
    assert expected.startswith(data) and len(data) > 1_000_000


@pytest.mark.parametrize("words", [["-o", "x"], ["-o", "/dev/null"]], ids=["file", "device"])
def test_only_a_pipe_can_be_lent_to(words, final_data, dicomprep, tmp_path):
    result = run(dicomprep, final_data, "--vmsplice", *words, code=2, cwd=tmp_path)
    assert "--vmsplice" in result.stderr and "pipe" in result.stderr and os.listdir(tmp_path) == []


def test_a_named_pipe_can_be_lent_to(final_data, dicomprep, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    words = ["--vmsplice", "-b", 20, "--epochs", 3]
    with start(dicomprep, final_data, *words, "-o", tmp_path / "pipe") as process:
        assert (tmp_path / "pipe").read_bytes() == stream(dicomprep, final_data, *words[1:])
        assert process.wait(timeout=5) == 0


def test_what_is_lent_is_not_written_too(final_data, dicomprep):
    """The system counts the bytes of all writes of a process: here those of headers."""
    with start(dicomprep, final_data, *LENT) as process:
        taken = len(process.stdout.read(100 << 20))
        with open(f"/proc/{process.pid}/io") as counts:
            written = next(int(line.split()[1]) for line in counts if line.startswith("wchar"))
        process.stdout.close()
        assert process.wait(timeout=5) == 0
    assert taken == 100 << 20 and written < taken / 100
