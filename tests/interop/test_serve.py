"""`dicomprep serve` under real clients: urllib, http.client, curl."""

import http.client
import io
import json
import os
import re
import resource
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
import urllib.error
import urllib.request
from contextlib import ExitStack, closing, contextmanager

import h5py
import numpy as np
import pytest

from conftest import FIXTURES, REPOSITORY

TOKEN = "0123456789abcdef"


class Service:
    def __init__(self, process, url):
        self.process, self.url = process, url
        self.host, self.port = re.fullmatch(r"http://(.+):(\d+)/", url).groups()

    def open(self, path, headers=None):
        return urllib.request.urlopen(urllib.request.Request(self.url + path, headers=headers or {}), timeout=30)

    def read(self, path, headers=None):
        with self.open(path, headers) as answer:
            return answer.read()

    def refused(self, path, headers=None):
        """Status and text of an answer that is no success."""
        with pytest.raises(urllib.error.HTTPError) as refusal:
            self.read(path, headers)
        return refusal.value.code, refusal.value.read().decode()


@contextmanager
def serving(dicomprep, *words, env=None):
    command = [dicomprep.path, "serve", *words, "--listen", "127.0.0.1:0"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, **(env or {})})
    try:
        line = process.stderr.readline()
        assert line.startswith("listening on "), line + process.stderr.read()
        yield Service(process, line.split()[-1])
    finally:
        process.terminate()
        assert process.wait(20) == 0


@pytest.fixture(scope="module")
def data(dicomprep, tmp_path_factory):
    path = tmp_path_factory.mktemp("served") / "data.h5"
    dicomprep.prep(FIXTURES, path, "--structures", "inner,outer")
    return path


@pytest.fixture(scope="module")
def service(dicomprep, data):
    with serving(dicomprep, data) as service:
        yield service


def stream_of_the_command(dicomprep, data, *words):
    done = subprocess.run([dicomprep.path, "batches", data, "--quiet", *words], capture_output=True, check=True)
    return done.stdout


@pytest.mark.parametrize("format", ["npy", "arrow", "webdataset"])
def test_streams_are_those_of_the_command(format, dicomprep, data, service):
    query = f"split=train&seed=5&batch_size=3&epochs=3&augment=cardiac&normalize=zscore&start=1:1&format={format}"
    words = ["--split", "train", "--seed", "5", "-b", "3", "--epochs", "3", "--augment", "cardiac", "--normalize", "zscore",
             "--start", "1:1", "--format", format]
    assert service.read(f"datasets/data/batches?{query}") == stream_of_the_command(dicomprep, data, *words)


def test_rows_of_the_cache_that_leave_as_they_are_stored(dicomprep, data):
    """For readers of other orders, one of which takes nothing for a while."""
    def words(seed):
        return {"seed": seed, "batch_size": 3, "epochs": 8, "image_dtype": "stored"}

    def path(seed):
        return "datasets/data/batches?" + "&".join(f"{name}={value}" for name, value in words(seed).items())

    def expected(seed):
        given = (word for name, value in words(seed).items() for word in (f"--{name.replace('_', '-')}", str(value)))
        return stream_of_the_command(dicomprep, data, *given)

    with serving(dicomprep, data, "--threads", "1") as service, closing(service.open(path(1))) as slow:
        begin = slow.read(100_000)
        assert service.read(path(2)) == expected(2)
        time.sleep(3)
        assert begin + slow.read() == expected(1)
        with h5py.File(data) as file:
            assert metric(service, "dicomprep_cache_bytes") == file["images"].nbytes + file["masks"].nbytes


def test_a_cursor_of_another_stream_is_refused(dicomprep, data, service):
    said = subprocess.run([dicomprep.path, "batches", data, "-b", "3", "--split", "train"], capture_output=True, check=True)
    cursor = said.stderr.decode().split("--start ")[1].split()[0].replace("1:0@", "0:1@")
    path = f"datasets/data/batches?split=train&start={cursor}"
    assert service.read(f"{path}&batch_size=3") == stream_of_the_command(
        dicomprep, data, "-b", "3", "--split", "train", "--start", "0:1")
    status, text = service.refused(f"{path}&batch_size=4")
    assert status == 400 and "another stream" in text and "foreign_cursor" in text
    assert service.read(f"{path}&batch_size=4&foreign_cursor=true")


def test_a_batch_has_a_url_and_a_tag(dicomprep, data, service):
    path = "datasets/data/batches/2/1?batch_size=4&seed=3"
    with service.open(path) as answer:
        batch, tag = answer.read(), answer.headers["ETag"]
        assert int(answer.headers["Content-Length"]) == len(batch) and "max-age" in answer.headers["Cache-Control"]
    whole = stream_of_the_command(dicomprep, data, "-b", "4", "--seed", "3", "--epochs", "3", "--start", "2:1")
    assert whole.startswith(batch)
    assert service.refused(path, {"If-None-Match": tag})[0] == 304
    assert service.refused("datasets/data/batches/0/99")[0] == 404
    with serving(dicomprep, data) as other, other.open(path) as answer:
        assert (answer.read(), answer.headers["ETag"]) == (batch, tag)


def test_an_arrow_batch_is_a_stream_of_its_own(service):
    ipc = pytest.importorskip("pyarrow.ipc")
    batch = service.read("datasets/data/batches/0/0?batch_size=4&format=arrow")
    assert [part.num_rows for part in ipc.open_stream(batch)] == [4]


def test_rows_schema_and_lists(data, service):
    listed = json.loads(service.read("datasets"))["datasets"]
    assert [entry["name"] for entry in listed] == ["data"] and "path" not in listed[0]
    rows = json.loads(service.read("datasets/data/samples?where=annotated.outer%3D1&limit=2"))
    assert len(rows["samples"]) == 2 and rows["rows"] > 2
    assert json.loads(service.read("datasets/data/samples/3"))["row"] == 3
    assert service.read("datasets/data/samples/3.png").startswith(b"\x89PNG")
    for path in ("3.png?msk=none", "3?mask=none", "3.png?mask=half"):
        status, text = service.refused(f"datasets/data/samples/{path}")
        assert status == 400 and path.split("?")[1].split("=")[0] in text, text
    schema = json.loads(service.read("datasets/data/schema?batch_size=4"))
    assert schema["images"]["shape"] == [4, 64, 64, 1]
    assert b"<h2>data</h2>" in service.read("")
    paths = json.loads(service.read("openapi.json"))["paths"]
    assert "/datasets/{name}/batches/{epoch}/{batch}" in paths


def test_the_file_is_read_in_parts(data, service):
    whole = data.read_bytes()
    assert service.read("datasets/data/file") == whole
    with service.open("datasets/data/file", {"Range": "bytes=100-199"}) as answer:
        assert answer.status == 206 and answer.read() == whole[100:200]
        assert answer.headers["Content-Range"] == f"bytes 100-199/{len(whole)}"
    assert service.refused("datasets/data/file", {"Range": f"bytes={len(whole)}-"})[0] == 416

    class Remote(io.RawIOBase):
        """The file from afar, as fsspec reads it."""

        place = 0

        def seekable(self):
            return True

        def readable(self):
            return True

        def seek(self, offset, whence=0):
            self.place = [offset, self.place + offset, len(whole) + offset][whence]
            return self.place

        def readinto(self, buffer):
            end = min(self.place + len(buffer), len(whole))
            if end <= self.place:
                return 0
            part = service.read("datasets/data/file", {"Range": f"bytes={self.place}-{end - 1}"})
            buffer[: len(part)] = part
            self.place += len(part)
            return len(part)

    with h5py.File(Remote()) as remote, h5py.File(data) as local:
        assert np.array_equal(remote["images"][5], local["images"][5])


@pytest.mark.parametrize("query, status, text", [
    ("split=nope", 400, "nope"), ("batch_size=0", 400, "batch_size"), ("batchsize=3", 400, "batch_size"),
    ("where=", 400, "where"), ("start=9:9", 400, "start"), ("augment=/etc/hostname", 400, "files"),
    ("format=hdf5", 400, "npy"), ("seed=1&seed=2", 400, "twice"), ("group=a%2Fb", 400, "group"),
    ("where=" + "a" * 9000, 414, "8192"), ("rank=2&world_size=2", 400, "rank"),
])
def test_wrong_queries_are_refused_with_a_reason(query, status, text, service):
    code, said = service.refused(f"datasets/data/batches?{query}")
    assert code == status and text in json.loads(said)["error"]


def test_other_methods_and_places_are_refused(service):
    connection = http.client.HTTPConnection(service.host, service.port, timeout=10)
    for method in ("POST", "PUT", "DELETE", "TRACE"):
        connection.request(method, "/datasets")
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 405 and "GET" in answer.headers["Allow"]
    for path in ("nowhere", "datasets/other", "datasets/..%2f..", "datasets/data/samples/-1"):
        assert service.refused(path)[0] == 404, path
    connection.request("HEAD", "/datasets/data/batches?epochs=0")
    assert connection.getresponse().status == 200
    with socket.create_connection((service.host, int(service.port)), timeout=10) as plain:
        plain.sendall(b"GET /datasets/data/batches HTTP/1.0\r\n\r\n")
        assert b" 505 " in plain.recv(4096).split(b"\r\n")[0]


def metric(service, name):
    text = service.read("metrics").decode()
    return float(re.search(rf"^{name}\{{dataset=\"data\"\}} (\S+)$", text, re.MULTILINE).group(1))


def test_a_group_decodes_each_batch_once(dicomprep, data):
    query = "datasets/data/batches?batch_size=4&epochs=100&seed=9&group=models"
    with serving(dicomprep, data, "--group-window", "1024") as service:
        streams = []
        threads = [threading.Thread(target=lambda: streams.append(service.read(query))) for _ in range(4)]
        # One that waits for its reader keeps the group, so that all find what was decoded.
        with service.open(query) as first:
            begin = first.read(1)
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(60)
            whole = begin + first.read()
        assert streams == [whole] * 4
        assert whole == stream_of_the_command(dicomprep, data, "-b", "4", "--epochs", "100", "--seed", "9")
        assert metric(service, "dicomprep_batches_decoded_total") == 500
        # One that was slow asks again for what it gave back.
        assert metric(service, "dicomprep_batches_shared_total") >= 2000


def test_draining_never_looks_complete(dicomprep, data):
    with serving(dicomprep, data) as service:
        answer = service.open("datasets/data/batches?epochs=0&batch_size=20")
        answer.read(100_000)
        service.process.send_signal(signal.SIGTERM)
        with pytest.raises((http.client.IncompleteRead, ConnectionError)):
            while answer.read(1 << 20):
                pass
        assert service.process.wait(20) == 0


def test_a_damaged_row_cuts_the_stream(dicomprep, data, tmp_path):
    damaged = tmp_path / "data.h5"
    shutil.copyfile(data, damaged)
    with h5py.File(damaged, "r+", locking=False) as file:
        info = file["images"].id.get_chunk_info(7)
        place = info.byte_offset + info.size // 2
    with open(damaged, "r+b") as file:
        file.seek(place)
        byte = file.read(1)
        file.seek(place)
        file.write(bytes([byte[0] ^ 255]))
    with serving(dicomprep, damaged) as service:
        with pytest.raises((http.client.IncompleteRead, ConnectionError)):
            service.read("datasets/data/batches?shuffle=false&batch_size=2")
        assert service.refused("datasets/data/batches/0/3?shuffle=false&batch_size=2")[0] == 500
        assert service.read("datasets/data/batches/0/0?shuffle=false&batch_size=2")
        assert metric(service, "dicomprep_streams_failed_total") == 1


def test_tokens_are_asked_for_and_read_again(dicomprep, data, tmp_path):
    tokens = tmp_path / "tokens"
    tokens.write_text(f"anna {TOKEN}\n")
    with serving(dicomprep, data, "--token-file", tokens, "--log", "json") as service:
        assert service.read("healthz") == b"ok\n"
        assert service.refused("datasets")[0] == 401
        assert service.refused("datasets", {"Authorization": "Bearer wrong"})[0] == 401
        service.read("datasets", {"Authorization": f"Bearer {TOKEN}"})
        tokens.write_text(f"ben {TOKEN}x\n")
        service.process.send_signal(signal.SIGHUP)
        lines = iter(service.process.stderr.readline, "")
        assert any("tokens read again" in line for line in lines)
        assert service.refused("datasets", {"Authorization": f"Bearer {TOKEN}"})[0] == 401
        service.read("datasets", {"Authorization": f"Bearer {TOKEN}x"})


def test_other_machines_are_not_let_in_by_accident(dicomprep, data):
    result = dicomprep("serve", data, "--listen", "0.0.0.0:0", env={"DICOMPREP_TOKENS": ""})
    assert result.returncode == 1 and "DICOMPREP_TOKENS: it has no token" in result.stderr
    result = dicomprep("serve", data, "--listen", "0.0.0.0:0")
    assert result.returncode == 1 and "--token-file" in result.stderr and "--public" in result.stderr


def test_a_replaced_file_is_served_after_a_check(dicomprep, data, tmp_path):
    served = tmp_path / "data.h5"
    shutil.copyfile(data, served)
    with serving(dicomprep, served) as service:
        before = json.loads(service.read("datasets/data"))["structures"]
        dicomprep.prep(FIXTURES, tmp_path / "new.h5", "--structures", "outer")
        os.replace(tmp_path / "new.h5", served)
        after = json.loads(service.read("datasets/data"))["structures"]
        assert (before, after) == (["inner", "outer"], ["outer"])
        (tmp_path / "bad.h5").write_bytes(b"no HDF5")
        os.replace(tmp_path / "bad.h5", served)
        assert service.refused("datasets/data/batches")[0] == 503


def copied(data, folder, rounds=40):
    """The file with enough behind it that a download of it is not in the buffers of the sockets at once."""
    path = folder / "data.h5"
    shutil.copyfile(data, path)
    with h5py.File(path, "r+", locking=False) as file:
        file.create_dataset("ballast", data=np.random.default_rng(1).integers(0, 255, rounds << 20, np.uint8))
    return path


def test_a_download_goes_on_with_the_file_that_it_began_with(dicomprep, data, tmp_path):
    served = copied(data, tmp_path)
    whole = served.read_bytes()
    with serving(dicomprep, served) as service:
        with service.open("datasets/data/file") as answer:
            tag = answer.headers["ETag"]
            got = answer.read(1000)
            dicomprep.prep(FIXTURES, tmp_path / "new.h5", "--structures", "outer")
            new = (tmp_path / "new.h5").read_bytes()
            os.replace(tmp_path / "new.h5", served)
            got += answer.read()
        assert got == whole
        with service.open("datasets/data/file") as answer:
            assert answer.read() == new and answer.headers["ETag"] != tag
        # A part of the file of before is not put together with one of the new file.
        with service.open("datasets/data/file", {"Range": "bytes=0-9", "If-Range": tag}) as answer:
            assert answer.status == 200 and answer.read() == new


def test_a_download_of_a_file_that_is_truncated_never_looks_complete(dicomprep, data, tmp_path):
    served = copied(data, tmp_path)
    with serving(dicomprep, served) as service:
        with service.open("datasets/data/file") as answer:
            length = int(answer.headers["Content-Length"])
            answer.read(1000)
            os.truncate(served, 10_000)
            with pytest.raises((http.client.IncompleteRead, ConnectionError)):
                answer.read(length)
                answer.read()
        assert service.read("healthz") == b"ok\n"
        assert service.refused("datasets/data/file")[0] == 503


def test_a_truncated_file_cuts_its_streams_alone(dicomprep, data, tmp_path):
    """Bytes that are gone from a file in use are an error of its readers, and no end of the service."""
    served, other = tmp_path / "served.h5", tmp_path / "other.h5"
    shutil.copyfile(data, served), shutil.copyfile(data, other)
    with serving(dicomprep, served, other, "--cache", "0") as service:
        with service.open("datasets/served/batches?epochs=0&batch_size=20") as answer:
            answer.read(1000)
            os.truncate(served, 10_000)
            with pytest.raises((http.client.IncompleteRead, ConnectionError)):
                while answer.read(1 << 20):
                    pass
        assert service.read("datasets/other/batches?batch_size=4")
        assert service.refused("datasets/served/batches")[0] == 503


def test_the_log_has_no_ids_of_patients(dicomprep, data, tmp_path):
    damaged = tmp_path / "data.h5"
    shutil.copyfile(data, damaged)
    with h5py.File(damaged) as file:
        place, patients = file["images"].id.get_chunk_info(0).byte_offset + 20, [p.decode() for p in file["samples/patient_id"]]
    content = bytearray(damaged.read_bytes())
    content[place] ^= 255
    damaged.write_bytes(content)
    command = [dicomprep.path, "serve", damaged, "--listen", "127.0.0.1:0", "--log", "json"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        service = Service(process, process.stderr.readline().split()[-1])
        with pytest.raises((http.client.IncompleteRead, ConnectionError)):
            service.read("datasets/data/batches?shuffle=false")
        assert service.refused(f"datasets/data/samples?where=patient_id%3D{patients[0]}x&limit=0")[0] == 400
        assert "row 0" in service.refused("datasets/data/batches/0/0?shuffle=false")[1]
        service.read("metrics")
        process.terminate()
        log = process.stderr.read()
    assert "stream cut" in log and "row 0" in log
    assert not [patient for patient in set(patients) if patient in log]


def test_heads_that_come_slowly_are_cut_off_and_block_nobody(dicomprep, data):
    with serving(dicomprep, data, "--head-timeout", "1") as service:
        slow = [socket.create_connection((service.host, int(service.port)), timeout=20) for _ in range(50)]
        try:
            for one in slow:
                one.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n")
            assert service.read("healthz") == b"ok\n"
            for one in slow:
                assert one.recv(100) in (b"", b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n"[:100])
        finally:
            for one in slow:
                one.close()


def test_hostile_heads_are_refused(service):
    """Names and values that would end a line, and heads that are too long, get an answer of their own or none."""
    lines = [
        b"GET /datasets/data%0d%0aX-Injected:%201/schema HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        b"GET /datasets?a=%0d%0aX-Injected:%201 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: \"><script>\r\nConnection: close\r\n\r\n",
        b"GET /%2e%2e/%2e%2e/etc/hostname HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 40_000 + b"\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ]
    for line in lines:
        with socket.create_connection((service.host, int(service.port)), timeout=10) as connection:
            connection.sendall(line)
            connection.shutdown(socket.SHUT_WR)
            answer = b""
            try:
                while part := connection.recv(1 << 16):
                    answer += part
            except ConnectionError:
                pass
        head, _, body = answer.partition(b"\r\n\r\n")
        assert b"x-injected" not in head.lower() and b"<script>" not in body, line[:40]
        assert not head or re.match(rb"HTTP/1\.1 (200|400|404|431)", head), head
    assert service.read("healthz") == b"ok\n"


def test_a_reader_that_stalls_blocks_nobody_and_is_cut_off(dicomprep, data):
    with serving(dicomprep, data, "--write-timeout", "3") as service:
        stalled = service.open("datasets/data/batches?epochs=0&batch_size=20")
        stalled.read(1000)
        assert service.read("datasets/data/batches?batch_size=20")
        with pytest.raises((http.client.IncompleteRead, ConnectionError)):
            time.sleep(7)
            while stalled.read(1 << 20):
                pass


def test_a_killed_service_never_looks_complete(dicomprep, data):
    command = [dicomprep.path, "serve", data, "--listen", "127.0.0.1:0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        service = Service(process, process.stderr.readline().split()[-1])
        answer = service.open("datasets/data/batches?epochs=0&batch_size=20")
        answer.read(100_000)
        process.kill()
        with pytest.raises((http.client.IncompleteRead, ConnectionError)):
            while answer.read(1 << 20):
                pass


def test_readers_that_are_killed_cost_nothing_afterwards(dicomprep, data):
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("needs curl")
    with serving(dicomprep, data) as service:
        url = f"{service.url}datasets/data/batches?epochs=0&batch_size=20&group=a"
        readers = [subprocess.Popen([curl, "-s", "-o", os.devnull, url]) for _ in range(8)]
        while metric(service, "dicomprep_streams") < 8:
            time.sleep(0.05)
        for reader in readers:
            reader.kill()
            reader.wait()
        end = time.monotonic() + 20
        while metric(service, "dicomprep_streams") > 0:
            assert time.monotonic() < end, "streams of readers that are gone stay open"
            time.sleep(0.05)
        # Batches that are being decoded are finished.
        before, decoded = -1, metric(service, "dicomprep_batches_decoded_total")
        while decoded != before:
            assert time.monotonic() < end, "batches are decoded for readers that are gone"
            time.sleep(0.5)
            before, decoded = decoded, metric(service, "dicomprep_batches_decoded_total")


def resident(service):
    """Kilobytes of the service in memory."""
    return int(re.search(r"VmRSS:\s+(\d+)", open(f"/proc/{service.process.pid}/status").read()).group(1))


def test_readers_that_take_nothing_hold_no_batch(dicomprep, data):
    """A batch has 3.9 MB here, and each of many readers that have taken one byte costs less than 1 MB."""
    query = "batch_size=20&size=128x128&crop=pad&mask_dtype=float32&epochs=0"
    with serving(dicomprep, data, "--cache", "0", "--max-streams", "150", "--prefetch", "1") as service, \
            ExitStack() as readers:
        service.read(f"datasets/data/schema?{query}")
        before, held = resident(service), []
        for number in range(100):
            reader = service.open(f"datasets/data/batches?{query}&seed={number}")
            held.append(readers.enter_context(closing(reader)))
            assert len(held[-1].read(1)) == 1
        end = time.monotonic() + 60
        while (each := (resident(service) - before) / len(held)) >= 1000:
            assert time.monotonic() < end, f"{each:.0f} kB a reader"
            time.sleep(0.2)
        # They go on where they were.
        assert held[0].read(6) == b"NUMPY\x01"


def test_a_reader_that_has_just_come_has_few_batches_decoded_ahead(dicomprep, data):
    """Others that come with it do not wait for all of its prefetch. Some batches of 3.9 MB fit the buffers of the socket."""
    query = "batch_size=20&size=128x128&crop=pad&mask_dtype=float32&epochs=0"
    with serving(dicomprep, data, "--prefetch", "64") as service, closing(service.open(f"datasets/data/batches?{query}")) as one:
        assert len(one.read(1)) == 1
        before, decoded = -1, metric(service, "dicomprep_batches_decoded_total")
        while decoded != before:
            time.sleep(0.3)
            before, decoded = decoded, metric(service, "dicomprep_batches_decoded_total")
        assert 1 <= decoded < 32


def test_more_connections_than_are_taken_wait_in_order(dicomprep, data):
    """Thousands of connections that say nothing: the service holds no more than it takes, and lives."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    many = min(10_000, hard - 200)
    resource.setrlimit(resource.RLIMIT_NOFILE, (many + 200, hard))
    try:
        with serving(dicomprep, data, "--max-connections", "100", "--head-timeout", "2") as service:
            crowd = []
            for _ in range(many):
                one = socket.socket()
                one.setblocking(False)
                one.connect_ex((service.host, int(service.port)))
                crowd.append(one)
            held = len(os.listdir(f"/proc/{service.process.pid}/fd"))
            assert held < 160
            for one in crowd:
                one.close()
            end = time.monotonic() + 60
            while True:
                try:
                    assert service.read("healthz") == b"ok\n"
                    break
                except OSError:
                    assert time.monotonic() < end
                    time.sleep(0.2)
            resident = int(re.search(r"VmHWM:\s+(\d+)", open(f"/proc/{service.process.pid}/status").read()).group(1))
            assert resident < 200_000
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_tls(dicomprep, data, tmp_path):
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs openssl")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run([openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
                   check=True, capture_output=True)
    command = [dicomprep.path, "serve", data, "--listen", "127.0.0.1:0", "--tls-cert", certificate, "--tls-key", key]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        url = process.stderr.readline().split()[-1]
        assert url.startswith("https://")
        trusting = ssl.create_default_context(cafile=str(certificate))
        with urllib.request.urlopen(url + "datasets/data/batches?batch_size=4&seed=3", timeout=30, context=trusting) as answer:
            assert answer.read() == stream_of_the_command(dicomprep, data, "-b", "4", "--seed", "3")
        with pytest.raises(urllib.error.URLError):
            urllib.request.urlopen(url + "healthz", timeout=30)
        with pytest.raises((OSError, http.client.HTTPException)):
            urllib.request.urlopen(url.replace("https", "http") + "healthz", timeout=30)
        process.terminate()
        assert process.wait(20) == 0
    result = dicomprep("serve", data, "--tls-cert", key, "--tls-key", key, "--listen", "127.0.0.1:0")
    assert result.returncode == 1 and "key.pem" in result.stderr


def test_the_systemd_unit_is_sound(tmp_path):
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("needs systemd-analyze")
    page = (REPOSITORY / "docs" / "deploy.md").read_text(encoding="utf-8")
    unit = re.search(r"```ini\n(.*?)```", page, re.DOTALL).group(1)
    program = tmp_path / "dicomprep"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    (tmp_path / "dicomprep.service").write_text(unit.replace("/usr/local/bin/dicomprep", str(program)))
    checked = subprocess.run([analyze, "verify", "--man=no", tmp_path / "dicomprep.service"], capture_output=True, text=True)
    said = [line for line in checked.stderr.splitlines() if "dicomprep.service" in line]
    assert not said, said


def test_as_many_streams_as_are_allowed(dicomprep, data):
    with serving(dicomprep, data, "--max-streams", "1") as service:
        with service.open("datasets/data/batches?epochs=0") as first:
            first.read(10)
            code, text = service.refused("datasets/data/batches")
            assert code == 429 and "1 streams" in text
        assert service.read("datasets/data/batches/0/0")


def start_commands():
    """The start commands of Procfile, manifest.yml, and the container and the unit of docs/deploy.md."""
    procfile = (REPOSITORY / "Procfile").read_text(encoding="utf-8").partition("web: ")[2].strip()
    manifest = re.search(r"^  command: (.+)$", (REPOSITORY / "manifest.yml").read_text(encoding="utf-8"), re.MULTILINE)
    page = (REPOSITORY / "docs" / "deploy.md").read_text(encoding="utf-8")
    unit = re.search(r"^ExecStart=(.+)$", page, re.MULTILINE).group(1)
    container = " ".join(json.loads(re.search(r"^ENTRYPOINT (.+)$", page, re.MULTILINE).group(1)))
    # Where they have program and data, the folder of the test has them.
    return [procfile, manifest.group(1), unit.replace("/usr/local/bin/", "./").replace("/srv/data/", ""),
            container.replace("dicomprep serve /data/", "./dicomprep serve ")]


@pytest.mark.parametrize("command", start_commands(), ids=["Procfile", "manifest.yml", "systemd", "container"])
def test_platforms_start_it(command, dicomprep, data, tmp_path):
    (tmp_path / "dicomprep").symlink_to(dicomprep.path)
    shutil.copyfile(data, tmp_path / "final_data.h5")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (tmp_path / "tokens").write_text(f"anna {TOKEN}\n")
    environment = {**os.environ, "PORT": str(port), "DICOMPREP_TOKENS": f"anna {TOKEN}", "CREDENTIALS_DIRECTORY": str(tmp_path)}
    process = subprocess.Popen(["bash", "-c", f"exec {command}"], cwd=tmp_path, env=environment,
                               stderr=subprocess.PIPE, text=True)
    try:
        assert "listening on http://0.0.0.0" in process.stderr.readline()
        service = Service(process, f"http://127.0.0.1:{port}/")
        assert service.read("healthz") == b"ok\n" and service.refused("datasets")[0] == 401
    finally:
        process.terminate()
        assert process.wait(20) == 0
