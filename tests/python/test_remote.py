"""Data sets of `dicomprep serve`, opened by their URL: what is read is what the file gives."""

import multiprocessing
import os
import pickle
import re
import shutil
import signal
import socket
import subprocess
import threading
from contextlib import contextmanager

import h5py
import numpy as np
import pytest
from conftest import FIXTURES
from ctrl_c import reading_ends_by_ctrl_c

import dicomprep
from dicomprep import _remote
from dicomprep._command import program

TOKEN = "0123456789abcdef"
OPTIONS = {"split": "train", "batch_size": 3, "seed": 4, "augment": "cardiac", "normalize": "zscore", "epochs": 2}


class Service:
    def __init__(self, file, *words, port=0):
        command = [program(), "serve", file, "--listen", f"127.0.0.1:{port}", *words]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        line = self.process.stderr.readline()
        self.port = int(re.search(r":(\d+)/", line).group(1))
        self.url = f"http://127.0.0.1:{self.port}/datasets/{file.stem}"

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        self.process.communicate(timeout=60)


@contextmanager
def serving(*words, **options):
    service = Service(*words, **options)
    try:
        yield service
    finally:
        service.end()


@pytest.fixture(scope="module")
def service(file):
    with serving(file) as service:
        yield service


@pytest.fixture
def remote(service):
    return dicomprep.open(service.url)


def equal(got, expected):
    got, expected = list(got), list(expected)
    assert len(got) == len(expected) > 0
    for one, other in zip(got, expected, strict=True):
        assert (one.epoch, one.index, one.next_cursor, one.cursor) == (
            other.epoch, other.index, other.next_cursor, other.cursor)
        for name in ("images", "masks", "rows", "position"):
            mine, theirs = getattr(one, name), getattr(other, name)
            assert mine.dtype == theirs.dtype
            np.testing.assert_array_equal(mine, theirs)
        assert one.ids == other.ids and one.augmentation == other.augmentation


@pytest.mark.parametrize("options", [
    OPTIONS,
    {"shuffle": False, "image_dtype": "stored", "batch_size": 8, "drop_last": True},
    {"where": ["mask_pixels.inner>0"], "structures": ["inner"], "layout": "nchw", "mask_dtype": "float32"},
    {"zoom_range": [0.8, 1.2], "rotation_range": 10, "rank": 1, "world_size": 2, "image_dtype": "float16"},
])
def test_batches_are_those_of_the_file(data, remote, options):
    equal(remote.batches(**options), data.batches(**options))


def test_it_is_the_data_set(data, remote, service):
    assert len(remote) == len(data) and remote.path == service.url
    for name in ("structures", "image_shape", "statistics"):
        assert getattr(remote, name) == getattr(data, name)
    for row in (0, 7, -1):
        for one, other in zip(remote[row], data[row], strict=True):
            assert one.dtype == other.dtype
            np.testing.assert_array_equal(one, other)
    assert list(remote.columns) == list(data.columns)
    for name in data.columns:
        assert remote.columns[name].dtype == data.columns[name].dtype, name
        np.testing.assert_array_equal(remote.columns[name], data.columns[name])
    some = "mask_pixels.inner>0"
    assert remote.split("train").where(some).rows == data.split("train").where(some).rows
    assert remote.show(0)._repr_png_() == data.show(0)._repr_png_()
    assert remote._repr_html_().count("<img") == 8


def test_folds_are_those_of_the_file(tmp_path):
    path = tmp_path / "folds.h5"
    dicomprep.prep(FIXTURES, path, folds=3)
    local = dicomprep.open(path)
    with serving(path) as service:
        remote = dicomprep.open(service.url)
        for held_out in (False, True):
            assert remote.fold(0, held_out=held_out).rows == local.fold(0, held_out=held_out).rows
        with pytest.raises(dicomprep.UsageError, match="0, 1, 2"):
            remote.fold(7)


def test_a_cursor_goes_on_over_http_and_from_the_file(data, remote):
    whole = list(data.batches(**OPTIONS))
    for source in (data, remote):
        cursor = list(remote.batches(**OPTIONS))[1].next_cursor
        equal(source.batches(**OPTIONS, start=cursor), whole[2:])
    with pytest.raises(dicomprep.DataError, match="another stream"):
        remote.batches(**{**OPTIONS, "batch_size": 4}, start=cursor)
    for source in (data, remote):
        for beyond in ("0:99", "2:1"):
            with pytest.raises(dicomprep.DataError, match=f"start {beyond}"):
                source.batches(**OPTIONS, start=beyond)
        # The end of a stream, and one without a batch, as a rank may have.
        assert not list(source.batches(**OPTIONS, start="2:0"))
        assert not list(source.batches(batch_size=1000, drop_last=True))


def test_wrong_options_have_the_text_of_the_service(remote, service):
    with pytest.raises(dicomprep.UsageError, match="colour"):
        remote.batches(colour=1)
    with pytest.raises(dicomprep.UsageError, match="files"):
        remote.batches(augment="my.toml")
    with pytest.raises(dicomprep.DataError, match="no data set"):
        dicomprep.open(service.url + "x")
    with pytest.raises(dicomprep.UsageError, match="/datasets/NAME"):
        dicomprep.open(service.url.partition("/datasets")[0])


def test_arrow(data, remote):
    pa = pytest.importorskip("pyarrow")
    tables = [pa.RecordBatchReader.from_stream(one.batches(**OPTIONS)).read_all() for one in (remote, data)]
    assert tables[0].equals(tables[1])


def first_rows(batches, results):
    results.put([int(row) for row in next(batches).rows])


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_it_goes_to_other_processes(data, remote, method):
    assert pickle.loads(pickle.dumps(remote.split("val"))).rows == data.split("val").rows
    batches, alone = remote.batches(batch_size=3), data.batches(batch_size=3)
    next(batches), next(alone)
    context = multiprocessing.get_context(method)
    results = context.Queue()
    child = context.Process(target=first_rows, args=(batches, results))
    child.start()
    got = results.get(timeout=60)
    child.join(60)
    assert got == [int(row) for row in next(alone).rows] == [int(row) for row in next(batches).rows]


def test_keras(data, remote):
    pytest.importorskip("keras")
    import dicomprep.keras

    options = {name: value for name, value in OPTIONS.items() if name != "epochs"}
    train, local = (dicomprep.keras.Batches(one, **options) for one in (remote, data))
    for index in (5, 0):
        for one, other in zip(train[index], local[index], strict=True):
            np.testing.assert_array_equal(one, other)
    assert len(train.validation()[0][0]) == len(local.validation()[0][0])


def test_torch_samples(data, remote):
    pytest.importorskip("torch")
    import dicomprep.torch

    for one, other in zip(dicomprep.torch.Samples(remote, split="val")[2],
                          dicomprep.torch.Samples(data, split="val")[2], strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_stream_goes_on_when_the_service_is_back(file, data, number):
    service = Service(file, "--drain-seconds", "1")
    batches = dicomprep.open(service.url).batches(batch_size=2, epochs=40, seed=3)
    got = [next(batches) for _ in range(5)]
    service.end(number)
    back = threading.Timer(0.5, lambda: services.append(Service(file, port=service.port)))
    services = []
    back.start()
    try:
        got += list(batches)
    finally:
        back.join()
        services[0].end()
    expected = list(data.batches(batch_size=2, epochs=40, seed=3))
    assert [batch.index for batch in got] == [batch.index for batch in expected]
    for one, other in zip(got, expected, strict=True):
        np.testing.assert_array_equal(one.images, other.images)


def test_a_service_that_stays_away_is_an_error(file, monkeypatch):
    service = Service(file)
    batches = dicomprep.open(service.url).batches(epochs=None, batch_size=20)
    next(batches)
    service.end(signal.SIGKILL)
    monkeypatch.setattr(_remote, "RETRY_SECONDS", 0.5)
    with pytest.raises(dicomprep.DataError, match="does not answer"):
        for _ in batches:
            pass


def test_a_row_that_an_option_does_not_suit_is_an_error_of_the_option(file, tmp_path):
    """And no damage: batches, streams and samples say what to give."""
    path = tmp_path / "windows.h5"
    shutil.copyfile(file, path)
    with h5py.File(path, "r+") as h5:
        h5["samples/window"][3] = np.nan
    options = {"normalize": "window", "shuffle": False, "batch_size": 4}
    with serving(path) as service:
        remote = dicomprep.open(service.url)
        stream = _remote.Stream(remote._raw._service, options)
        for ask in (lambda: next(remote.batches(**options)), lambda: stream.batch("0:0"), lambda: stream.sample(0, 3)):
            with pytest.raises(dicomprep.UsageError, match=r"row 3.*window=CENTER"):
                ask()


def test_a_damaged_row_is_an_error_with_its_number(file, tmp_path):
    damaged = tmp_path / "damaged.h5"
    shutil.copyfile(file, damaged)
    with h5py.File(damaged) as h5:
        place = h5["images"].id.get_chunk_info(7).byte_offset + 20
    content = bytearray(damaged.read_bytes())
    content[place] ^= 255
    damaged.write_bytes(content)
    with serving(damaged) as service:
        batches = dicomprep.open(service.url).batches(shuffle=False, batch_size=2)
        got = []
        with pytest.raises(dicomprep.DamageError, match=r"row 7.*checksum"):
            got.extend(batches)
        with pytest.raises(dicomprep.DamageError, match="row 7"):
            dicomprep.open(service.url)[7]


def test_a_stream_that_ends_too_early_is_no_end(data, remote):
    """A proxy that passes a cut stream on as complete."""
    host, port = re.search(r"//(.+):(\d+)/", remote.path).groups()
    listener = socket.create_server(("127.0.0.1", 0))

    def relay():
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            with client, socket.create_connection((host, int(port))) as upstream:
                request = client.recv(1 << 16)
                upstream.sendall(request.replace(b"HTTP/1.1\r\n", b"HTTP/1.1\r\nConnection: close\r\n", 1))
                answer = b"".join(iter(lambda: upstream.recv(1 << 16), b""))
                head, _, body = answer.partition(b"\r\n\r\n")
                if b"transfer-encoding: chunked" in head.lower():
                    plain, rest = b"", body
                    while rest:
                        size, _, rest = rest.partition(b"\r\n")
                        plain, rest = plain + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
                    # Half of the stream, as if it were all.
                    plain = plain[: len(plain) // 2]
                    head = re.sub(rb"(?i)transfer-encoding: chunked", b"Content-Length: %d" % len(plain), head)
                    body = plain
                client.sendall(head + b"\r\n\r\n" + body)

    threading.Thread(target=relay, daemon=True).start()
    try:
        there = dicomprep.open(remote.path.replace(f":{port}/", f":{listener.getsockname()[1]}/"))
        options = {"batch_size": 2, "seed": 3, "split": "train"}
        got = list(there.batches(**options))
        assert [batch.index for batch in got] == [batch.index for batch in data.batches(**options)]
    finally:
        listener.close()


def test_a_token_is_sent(file, tmp_path, monkeypatch):
    (tmp_path / "tokens").write_text(f"anna {TOKEN}\n")
    with serving(file, "--token-file", tmp_path / "tokens") as service:
        with pytest.raises(dicomprep.DataError, match="token"):
            dicomprep.open(service.url)
        assert len(next(dicomprep.open(service.url, token=TOKEN).batches(batch_size=4)).ids) == 4
        monkeypatch.setenv("DICOMPREP_TOKEN", TOKEN)
        assert len(dicomprep.open(service.url)) > 0


def test_readers_of_a_group_share_a_decode(file):
    with serving(file) as service:
        options = {"batch_size": 4, "seed": 9, "epochs": 2, "group": "models"}
        one, other = (dicomprep.open(service.url).batches(**options) for _ in range(2))
        for mine, theirs in zip(one, other, strict=True):
            np.testing.assert_array_equal(mine.images, theirs.images)


def test_ctrl_c_ends_the_reading(service):
    reading_ends_by_ctrl_c(service.url)


def test_closing_leaves_no_descriptor(remote):
    before = len(os.listdir("/proc/self/fd"))
    batches = remote.batches(epochs=None, batch_size=4)
    next(batches)
    assert len(os.listdir("/proc/self/fd")) > before
    batches.close()
    assert len(os.listdir("/proc/self/fd")) == before and list(batches) == []
