"""How `batches` behaves as a process: terminals, pipes, signals, files, messages."""

import fcntl
import os
import pty
import re
import resource
import signal
import struct
import subprocess
import termios
import threading
import time

import pytest

from streams import Contents, before_cut, command, damage, describe, npy, npy_ends, run, start, stream, wait_until

CURSOR = re.compile(r"--start (\d+:\d+@[0-9a-f]{8})")


def read_terminal(main):
    """All that was written to a terminal whose other side is closed."""
    said = b""
    while True:
        try:
            piece = os.read(main, 4096)
        except OSError:
            return said
        if not piece:
            return said
        said += piece


def on_a_terminal(dicomprep, *words):
    """Exit code, what stood on the terminal, and standard error."""
    main, side = pty.openpty()
    try:
        result = subprocess.run(command(dicomprep, *words), stdin=subprocess.DEVNULL, stdout=side,
                                stderr=subprocess.PIPE, text=True, timeout=20)
        os.close(side)
        return result.returncode, read_terminal(main), result.stderr
    finally:
        os.close(main)


def waiting_bytes(pipe):
    """How many bytes a pipe holds."""
    return struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)))[0]


def said_by(process):
    """Standard error, without the note that several splits are streamed together."""
    lines = process.stderr.read().decode().splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith("note: without --split"))


def fill_pipe(process):
    """Waits until the process writes no more, because its pipe is full."""
    seen = [0, time.monotonic()]

    def is_full():
        held = waiting_bytes(process.stdout)
        if held != seen[0]:
            seen[:] = held, time.monotonic()
        return held > 0 and time.monotonic() - seen[1] > 0.3

    wait_until(is_full, what="a full pipe")


# ---------------------------------------------------------------- terminals


@pytest.mark.parametrize("name", ["npy", "arrow", "webdataset"])
def test_a_terminal_is_refused_with_a_hint(name, final_data, dicomprep):
    code, shown, said = on_a_terminal(dicomprep, final_data, "--format", name)
    assert code == 2 and shown == b""
    assert "terminal" in said and "-o" in said and "pipe" in said


def test_a_terminal_may_show_the_description(final_data, dicomprep):
    code, shown, said = on_a_terminal(dicomprep, final_data, "--describe")
    assert code == 0 and said == ""
    assert shown.replace(b"\r\n", b"\n") == stream(dicomprep, final_data, "--describe")


def test_a_terminal_does_not_matter_where_a_file_is_written(final_data, dicomprep, tmp_path):
    code, shown, _ = on_a_terminal(dicomprep, final_data, "-o", tmp_path / "x.npy")
    assert code == 0 and shown == b"" and (tmp_path / "x.npy").read_bytes() == stream(dicomprep, final_data)


# ---------------------------------------------------------------- a reader that goes away


@pytest.mark.parametrize("threads", [1, 8])
@pytest.mark.parametrize("taken", [0, 100, 300_000])
def test_a_closed_pipe_ends_in_silence(taken, threads, final_data, dicomprep):
    with start(dicomprep, final_data, "--epochs", 0, "-b", 4, "--threads", threads) as process:
        assert len(process.stdout.read(taken)) == taken
        process.stdout.close()
        assert process.wait(timeout=1) == 0
        assert said_by(process) == ""


@pytest.mark.parametrize("name", ["arrow", "webdataset"])
def test_a_closed_pipe_ends_every_format(name, final_data, dicomprep):
    with start(dicomprep, final_data, "--epochs", 0, "--format", name) as process:
        process.stdout.read(100_000)
        fill_pipe(process)
        process.stdout.close()
        assert process.wait(timeout=1) == 0 and said_by(process) == ""


def test_a_pipe_that_is_closed_from_the_start(final_data, dicomprep):
    result = subprocess.run(["bash", "-o", "pipefail", "-c", '"$@" | true', "bash",
                             *command(dicomprep, final_data, "--epochs", 0, "-q")],
                            stdin=subprocess.DEVNULL, capture_output=True, timeout=10)
    assert result.returncode == 0 and result.stderr == b""


def test_standard_output_that_takes_nothing_is_an_error(final_data, dicomprep):
    with open("/dev/full", "wb") as full:
        result = run(dicomprep, final_data, stdout=full, code=1)
    assert "No space left" in result.stderr


# ---------------------------------------------------------------- signals


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("taken", [0, 600_000])
def test_a_signal_says_where_to_go_on_though_nobody_reads(taken, number, final_data, dicomprep):
    words = ["-b", 4, "--seed", 2, "--world-size", 2, "--rank", 1]
    whole = stream(dicomprep, final_data, *words, "--epochs", 40)
    ends = npy_ends(whole)
    with start(dicomprep, final_data, *words, "--epochs", 0) as process:
        data = process.stdout.read(taken)
        fill_pipe(process)
        process.send_signal(number)
        begun = time.monotonic()
        assert process.wait(timeout=2) == 1 and time.monotonic() - begun < 2
        data += process.stdout.read()
        said = process.stderr.read().decode()
    assert whole.startswith(data)
    [cursor] = CURSOR.findall(said)
    tail = stream(dicomprep, final_data, *words, "--epochs", 40, "--start", cursor)
    assert whole.endswith(tail)
    # All batches before the cursor have come whole, and the one at the cursor has not.
    complete = sum(end <= len(data) for end in ends) - 1
    assert ends[complete] == len(whole) - len(tail)


def test_a_signal_while_the_reader_reads(final_data, dicomprep):
    words = ["-b", 3, "--image-dtype", "stored"]
    with start(dicomprep, final_data, *words, "--epochs", 0) as process:
        data = process.stdout.read(500_000)
        process.send_signal(signal.SIGINT)
        data += process.stdout.read()
        assert process.wait(timeout=2) == 1
        [cursor] = CURSOR.findall(process.stderr.read().decode())
    words += ["--epochs", int(cursor.partition(":")[0]) + 1]
    tail = stream(dicomprep, final_data, *words, "--start", cursor)
    # The opening of the batch at the cursor was written along with the batch before it.
    assert before_cut(data) + tail == stream(dicomprep, final_data, *words)


def test_a_second_signal_ends_at_once(final_data, dicomprep):
    with start(dicomprep, final_data, "--epochs", 0) as process:
        fill_pipe(process)
        for _ in range(2):
            process.send_signal(signal.SIGINT)
        assert process.wait(timeout=1) == 1


# ---------------------------------------------------------------- what is told


DESCRIBED = {
    "as it is": [],
    "other form": ["--layout", "nchw", "--image-dtype", "stored", "--mask-dtype", "float32", "--structures", "outer"],
    "float16 val": ["--split", "val", "--image-dtype", "float16", "--normalize", "window", "--epochs", "4"],
    "drop last": ["-b", "6", "--drop-last", "--epochs", "3"],
    "short last": ["-b", "6", "--epochs", "2", "--no-shuffle"],
    "rank": ["-b", "2", "--world-size", "3", "--rank", "2", "--uneven", "allow"],
    "padded rank": ["-b", "2", "--world-size", "3", "--rank", "2"],
    "where": ["--where", "annotated.outer=1", "-b", "5", "--seed", "3"],
    "balanced": ["--balance", "split", "-b", "7", "--epochs", "2"],
    "start": ["-b", "7", "--epochs", "3", "--start", "1:2"],
    "one large batch": ["-b", "1000"],
}


@pytest.mark.parametrize("words", DESCRIBED.values(), ids=DESCRIBED)
def test_the_description_is_of_what_comes(words, any_data, dicomprep):
    told, batches = describe(dicomprep, any_data, *words), npy(stream(dicomprep, any_data, *words))
    epoch, first = map(int, told["start"].split(":"))
    assert told["end"] == f"{told['epochs']}:0"
    assert len(batches) == (told["epochs"] - epoch) * told["batches_per_epoch"] - first
    for number, batch in enumerate(batches, start=first):
        is_last = (number + 1) % told["batches_per_epoch"] == 0
        count = told["samples_of_last_batch"] if is_last else told["batch_size"]
        for name, array in zip(("images", "masks"), batch):
            assert array.dtype == told[name]["dtype"] and list(array.shape[1:]) == told[name]["shape"][1:]
            assert len(array) == count
    if first == 0:
        images, masks = batches[0]
        assert (list(images.shape), list(masks.shape)) == (told["images"]["shape"], told["masks"]["shape"])
        samples = sum(len(images) for images, _ in batches)
        assert samples == (told["epochs"] - epoch) * told["samples_per_epoch"]
        assert sum(array.nbytes for batch in batches for array in batch) == samples * told["bytes_per_sample"]
    contents = Contents(any_data)
    assert told["rows"] <= len(contents) and set(told["structures"]) <= set(contents.structures)
    axes = ["sample", "channel", "row", "column"] if "nchw" in words else ["sample", "row", "column", "channel"]
    assert told["images"]["axes"] == axes
    for name, default in (("--split", None), ("--normalize", "none")):
        expected = words[words.index(name) + 1] if name in words else default
        assert told[{"--split": "split", "--normalize": "normalization"}[name]] == expected


def test_the_description_reads_no_image(spoiled, final_data, dicomprep):
    expected = describe(dicomprep, final_data)
    for row in range(20):
        damage(spoiled, "images", row)
        damage(spoiled, "masks", row)
    told = describe(dicomprep, spoiled)
    assert {**told, "file": None} == {**expected, "file": None}
    run(dicomprep, spoiled, code=1)


def test_the_description_of_a_stream_without_end(final_data, dicomprep):
    assert describe(dicomprep, final_data, "--epochs", 0)["epochs"] is None


def test_the_closing_line_has_totals_and_the_cursor(final_data, dicomprep):
    words = ["-b", 6, "--epochs", 2, "--progress", "plain"]
    result = run(dicomprep, final_data, *words)
    note, line = result.stderr.splitlines()
    assert note == "note: without --split, samples of test, train, val are streamed together"
    for part in ("40 samples", "8 batches", "samples/s", "MB/s", "%", "--start 2:0"):
        assert part in line, part
    assert f"{len(result.stdout) / 1e3:.1f} kB" in line
    # The cursor goes on where more epochs are asked for.
    more = stream(dicomprep, final_data, "-b", 6, "--epochs", 3, "--start", "2:0")
    assert result.stdout + more == stream(dicomprep, final_data, "-b", 6, "--epochs", 3)
    one = run(dicomprep, final_data, "-b", 6, "--start", "0:3").stderr
    assert "note: --start 0:3 does not say of which stream it is" in one
    assert "2 samples in 1 batch," in one and "--start 1:0" in one


@pytest.mark.parametrize("words", [["-q"], ["--quiet"], ["-q", "--progress", "plain"], ["-q", "--progress", "bar"]])
def test_quiet_says_nothing_but_errors(words, spoiled, dicomprep):
    assert run(dicomprep, spoiled, *words).stderr == ""
    damage(spoiled, "images", 3)
    assert "row 3" in run(dicomprep, spoiled, *words, code=1).stderr


def test_an_empty_stream_is_remarked_on(final_data, dicomprep):
    assert "no batches" in run(dicomprep, final_data, "-b", 21, "--drop-last").stderr
    assert run(dicomprep, final_data, "-b", 21, "--drop-last", "-q").stderr == ""


def test_plain_progress_comes_every_few_seconds(final_data, dicomprep):
    words = ["--epochs", 0, "-b", 4, "--progress", "plain"]
    with start(dicomprep, final_data, *words) as process:
        end = time.monotonic() + 5.6
        while time.monotonic() < end:
            process.stdout.read(100_000)
            time.sleep(0.02)
        process.stdout.close()
        assert process.wait(timeout=2) == 0
        [line] = said_by(process).splitlines()
    for part in ("samples", "samples/s", "MB/s"):
        assert part in line
    # Who waits for whom: the reader slept.
    shares = [int(number) for number in re.findall(r"(\d+) %", line)]
    assert len(shares) == 2 and shares[1] > 80 and shares[0] < 20


# ---------------------------------------------------------------- files


def test_an_existing_file_is_kept_without_force(final_data, dicomprep, tmp_path):
    (tmp_path / "x").write_text("mine")
    result = run(dicomprep, final_data, "-o", tmp_path / "x", code=1)
    assert "--force" in result.stderr and (tmp_path / "x").read_text() == "mine"
    run(dicomprep, final_data, "-o", tmp_path / "x", "--force")
    assert (tmp_path / "x").read_bytes() == stream(dicomprep, final_data) and os.listdir(tmp_path) == ["x"]


def test_a_failed_run_leaves_no_file(spoiled, dicomprep, tmp_path):
    damage(spoiled, "images", 19)
    folder = tmp_path / "out"
    folder.mkdir()
    run(dicomprep, spoiled, "--no-shuffle", "-b", 2, "-o", folder / "x", code=1)
    assert os.listdir(folder) == []
    (folder / "x").write_text("mine")
    run(dicomprep, spoiled, "--no-shuffle", "-b", 2, "-o", folder / "x", "--force", code=1)
    assert (folder / "x").read_text() == "mine" and os.listdir(folder) == ["x"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_no_file(number, final_data, dicomprep, tmp_path):
    with start(dicomprep, final_data, "--epochs", 1_000_000, "-o", tmp_path / "x") as process:
        wait_until(lambda: any((tmp_path / name).stat().st_size for name in os.listdir(tmp_path)), what="a beginning")
        process.send_signal(number)
        _, said = process.communicate(timeout=5)
    assert process.returncode == 1 and b"interrupted" in said and os.listdir(tmp_path) == []


def test_the_file_that_is_read_is_not_written(spoiled, dicomprep, tmp_path):
    before = spoiled.read_bytes()
    os.symlink(tmp_path, tmp_path / "folder")
    for path in (spoiled, tmp_path / "folder" / spoiled.name, f"{tmp_path}/./spoiled.h5"):
        result = run(dicomprep, spoiled, "-o", path, "--force", code=2)
        assert "--output" in result.stderr
    # Another name for it.
    os.symlink(spoiled, tmp_path / "link")
    os.link(spoiled, tmp_path / "hard")
    for name in ("link", "hard"):
        with start(dicomprep, spoiled, "-o", tmp_path / name, "--force") as process:
            process.communicate(timeout=10)
    assert spoiled.read_bytes() == before


def test_a_named_pipe_is_written_in_place(final_data, dicomprep, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    got = []
    reader = threading.Thread(target=lambda: got.append((tmp_path / "pipe").read_bytes()))
    reader.start()
    run(dicomprep, final_data, "--epochs", 3, "-o", tmp_path / "pipe")
    reader.join(timeout=10)
    assert got == [stream(dicomprep, final_data, "--epochs", 3)]
    assert os.listdir(tmp_path) == ["pipe"]


def test_a_named_pipe_that_is_closed_ends_in_silence(final_data, dicomprep, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with start(dicomprep, final_data, "--epochs", 0, "-o", tmp_path / "pipe") as process:
        with open(tmp_path / "pipe", "rb") as pipe:
            pipe.read(100_000)
        assert process.wait(timeout=2) == 0 and said_by(process) == ""


def test_a_signal_on_a_named_pipe_says_where_to_go_on(final_data, dicomprep, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with start(dicomprep, final_data, "--epochs", 0, "-b", 5, "-o", tmp_path / "pipe") as process:
        with open(tmp_path / "pipe", "rb") as pipe:
            pipe.read(200_000)
            time.sleep(0.3)
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=2) == 1
        assert CURSOR.search(process.stderr.read().decode())


def test_a_file_for_no_end_is_refused(final_data, dicomprep, tmp_path):
    assert "--epochs" in run(dicomprep, final_data, "--epochs", 0, "-o", tmp_path / "x", code=2).stderr
    (tmp_path / "x").write_text("mine")
    result = run(dicomprep, final_data, "--epochs", 0, "-o", tmp_path / "x", "--force", code=2, timeout=5)
    assert "--epochs" in result.stderr and (tmp_path / "x").read_text() == "mine"


def test_a_file_that_cannot_be_written_to_its_end_is_left_out(final_data, dicomprep, tmp_path):
    size = len(stream(dicomprep, final_data))
    for limit in (0, 100, size // 2, size - 1):
        def prepare():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

        result = run(dicomprep, final_data, "-o", tmp_path / "x", code=1, preexec_fn=prepare, restore_signals=False)
        assert "File too large" in result.stderr and os.listdir(tmp_path) == []


def test_a_folder_that_is_not_there(final_data, dicomprep, tmp_path):
    assert "absent" in run(dicomprep, final_data, "-o", tmp_path / "absent" / "x", code=1).stderr


# ---------------------------------------------------------------- wrong usage

WRONG = [
    ("rank 2", ["--rank", 2, "--world-size", 2]), ("--world-size", ["--rank", 1]), ("--world-size", ["--rank", 0]),
    ("--world-size", ["--world-size", 0]), ("--rank", ["--rank=-1", "--world-size", 2]),
    ("--start", ["--start", "3"]), ("--start", ["--start", "a:b"]), ("--start", ["--start", "1:-1"]),
    ("--start", ["--start", "1:2:3"]), ("--start", ["--start", ""]), ("--start", ["--start", "99999999999999999999:0"]),
    ("--where", ["--where", "split"]), ("--where", ["--where", "nothing=1"]), ("--where", ["--where", "=1"]),
    ("--where", ["--where", "split>train"]), ("--where", ["--where", "instance=many"]),
    ("--where", ["--where", "instance=nan"]), ("--where", ["--where", "window>1"]),
    ("--where", ["--where", "window.height>1"]), ("--where", ["--where", "mask_pixels>1"]),
    ("--where", ["--where", ""]),
    ("--batch-size", ["-b", 0]), ("--batch-size", ["--batch-size=-4"]), ("--batch-size", ["-b", "many"]),
    ("--batch-size", ["-b", 1.5]), ("--threads", ["--threads", 0]), ("--threads", ["--threads", 100_000]),
    ("--prefetch", ["--prefetch", 0]), ("--epochs", ["--epochs=-1"]), ("--seed", ["--seed=-1"]),
    ("--seed", ["--seed", "x"]), ("--cache", ["--cache", "1X"]), ("--cache", ["--cache=-1"]),
    ("--cache", ["--cache", "99999999999T"]), ("--format", ["--format", "pickle"]), ("--layout", ["--layout", "hwc"]),
    ("--image-dtype", ["--image-dtype", "int8"]), ("--mask-dtype", ["--mask-dtype", "bool"]),
    ("--normalize", ["--normalize", "max"]), ("--uneven", ["--uneven", "repeat"]),
    ("--window", ["--normalize", "window", "--window", "300"]),
    ("--window", ["--normalize", "window", "--window", "300,0.5"]),
    ("--window", ["--normalize", "window", "--window", "nan,3"]), ("--normalize window", ["--window", "300,600"]),
    ("--structures", ["--structures", "inner,inner"]), ("--structures", ["--structures", ""]),
    ("--nothing", ["--nothing"]),
]


@pytest.mark.parametrize("named, words", WRONG, ids=lambda part: " ".join(map(str, part)) if part[0] != "-" else "")
def test_wrong_usage(named, words, final_data, dicomprep):
    result = run(dicomprep, final_data, *words, code=2)
    assert result.stdout == b"" and named in result.stderr


def test_a_start_that_the_stream_does_not_have(final_data, dicomprep):
    for words in (["--start", "1:1"], ["--start", "2:0"], ["-b", 6, "--start", "0:4"]):
        result = run(dicomprep, final_data, *words, code=1)
        assert result.stdout == b"" and "start" in result.stderr


def test_a_cursor_of_another_stream_is_refused(final_data, spoiled, dicomprep):
    """The file, the selection, the order, the batch size and the number of processes are those that it was printed with."""
    words = ["-b", 3, "--split", "train", "--epochs", 3, "--seed", 5]
    def cursor_of(*words):
        return re.search(CURSOR, run(dicomprep, *words).stderr)[1]
    cursor = cursor_of(final_data, *words)
    place = cursor.split("@")[0]
    assert place == "3:0"
    cursor = cursor.replace(place, "1:1")
    tail = stream(dicomprep, final_data, *words, "--start", "1:1")
    same = [[], ["--threads", 1], ["--normalize", "zscore"], ["--augment", "cardiac"], ["--layout", "nchw"], ["--drop-last"],
            ["--where", "split=train"]]
    assert stream(dicomprep, final_data, *words, "--start", cursor) == tail
    for more in same:
        result = run(dicomprep, final_data, *words, *more, "--start", cursor)
        assert "does not say of which stream" not in result.stderr
    others = [["-b", 4, *words[2:]], [*words, "--no-shuffle"], [*words[:-1], 6], ["-b", 3, "--epochs", 3, "--seed", 5],
              [*words, "--where", "mask_pixels.inner>100"], [*words, "--balance", "inner"], [*words, "--rank", 0, "--world-size", 2]]
    for other in others:
        result = run(dicomprep, final_data, *other, "--start", cursor, code=1)
        assert result.stdout == b"" and f"the cursor {cursor} is of another stream" in result.stderr, other
        assert "--foreign-cursor allows it" in result.stderr
        run(dicomprep, final_data, *other, "--start", cursor, "--foreign-cursor")
    # Ranks go on from one cursor; a file with other sources does not.
    two = [*words, "--world-size", 2, "--rank"]
    cursor = cursor_of(final_data, *two, 0)
    run(dicomprep, final_data, *two, 1, "--start", cursor)


def test_standard_output_that_is_closed(final_data, dicomprep):
    """Nothing of what is printed would arrive, so no command begins."""
    for words in (["batches", final_data, "-q"], ["info", final_data], ["info", final_data, "--report", "-"],
                  ["verify", final_data], ["diff", final_data, final_data], ["--help"], ["--version"],
                  ["completions", "bash"], ["batches", final_data, "--describe"]):
        for redirection, said in ((">&-", "closed"), ("1</dev/null", "not open for writing")):
            done = subprocess.run(["sh", "-c", f'"$@" {redirection}', "sh", dicomprep.path, *map(str, words)],
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            assert done.returncode == 1 and said in done.stderr, (words, redirection, done)
    done = subprocess.run([dicomprep.path, "info", final_data], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert done.returncode == 0


def test_a_batch_that_memory_does_not_hold(final_data, dicomprep):
    """The batch has no more samples than the epoch, whatever was asked for."""
    whole = stream(dicomprep, final_data)
    assert stream(dicomprep, final_data, "-b", 2**63) == stream(dicomprep, final_data, "-b", 2**64 - 1) == whole


def test_the_manual_has_an_example(dicomprep):
    said = dicomprep("batches", "--help").stdout
    assert "Examples:" in said and "--start" in said and "| python" in said
