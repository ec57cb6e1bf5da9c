"""`dicomprep serve` under the clients that people have: each reads exactly the stream of the command."""

import asyncio
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest

from browser import Browser
from test_serve import Service, data, service, serving, stream_of_the_command  # noqa: F401

STREAM = "datasets/data/batches?split=train&batch_size=4&epochs=3&seed=2"
WORDS = ["--split", "train", "-b", "4", "--epochs", "3", "--seed", "2"]


@pytest.fixture(scope="module")
def expected(dicomprep, data):  # noqa: F811
    return stream_of_the_command(dicomprep, data, *WORDS)


def test_requests_and_urllib3(service, expected):  # noqa: F811
    requests = pytest.importorskip("requests")
    with requests.get(service.url + STREAM, stream=True, timeout=30) as answer:
        assert b"".join(answer.iter_content(10_000)) == expected
    urllib3 = pytest.importorskip("urllib3")
    with urllib3.PoolManager() as pool:
        assert pool.request("GET", service.url + STREAM).data == expected


def test_aiohttp(service, expected):  # noqa: F811
    aiohttp = pytest.importorskip("aiohttp")

    async def read():
        async with aiohttp.ClientSession() as session:
            streams = [session.get(service.url + STREAM) for _ in range(3)]
            return await asyncio.gather(*[(await stream).read() for stream in streams])

    assert asyncio.run(read()) == [expected] * 3


def test_curl(service, expected, tmp_path):  # noqa: F811
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("needs curl")
    out = tmp_path / "batches.npy"
    subprocess.run([curl, "--fail", "--silent", "-o", out, service.url + STREAM], check=True)
    assert out.read_bytes() == expected


def test_h5py_over_fsspec(data, service):  # noqa: F811
    fsspec = pytest.importorskip("fsspec")
    pytest.importorskip("aiohttp")
    remote = fsspec.filesystem("http", block_size=65536).open(service.url + "datasets/data/file")
    with remote, h5py.File(remote) as there, h5py.File(data) as here:
        assert np.array_equal(there["images"][3], here["images"][3])
        assert np.array_equal(there["masks"][7], here["masks"][7])


def test_webdataset_over_a_pipe_of_curl(service):  # noqa: F811
    webdataset = pytest.importorskip("webdataset")
    if shutil.which("curl") is None:
        pytest.skip("needs curl")
    stream = webdataset.WebDataset(f"pipe:curl -s '{service.url}{STREAM}&format=webdataset'", shardshuffle=False)
    described = service.read(STREAM.replace("batches?", "schema?") + "&format=webdataset")
    samples = int(re.search(rb'"samples_per_epoch":(\d+)', described).group(1))
    assert len(list(stream)) == 3 * samples


def test_prometheus_parses_the_metrics(service):  # noqa: F811
    parser = pytest.importorskip("prometheus_client.parser")
    service.read(STREAM)
    families = {family.name: family for family in parser.text_string_to_metric_families(service.read("metrics").decode())}
    samples = families["dicomprep_samples"]
    assert samples.type == "counter" and samples.samples[0].labels == {"dataset": "data"}
    latency = families["dicomprep_batch_latency_seconds"]
    assert latency.type == "histogram" and latency.samples[0].name.endswith("_bucket")
    assert families["dicomprep_cache_hits"].samples[0].value > 0


def test_the_description_holds_for_schemathesis(dicomprep, data, tmp_path):  # noqa: F811
    program = Path(sys.executable).with_name("schemathesis")
    if not program.exists():
        pytest.skip("needs schemathesis")
    (tmp_path / "schemathesis.toml").write_text(
        '[parameters]\n"query.epochs" = 1\n[checks.negative_data_rejection]\nexpected-statuses = ["400", "404", "405", "414"]\n')
    with serving(dicomprep, data) as service:  # noqa: F811
        # A schema cannot say what a condition or a pair of options means: valid requests may be refused with 400.
        checked = subprocess.run(
            [program, "run", service.url + "openapi.json", "--max-examples", "5", "--phases", "coverage,fuzzing", "--seed", "1",
             "--exclude-checks", "positive_data_acceptance"], cwd=tmp_path, capture_output=True, text=True)
        assert checked.returncode == 0, checked.stdout[-4000:]


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    opened = Browser(tmp_path_factory.mktemp("profile"))
    yield opened
    opened.driver.quit()


@pytest.mark.parametrize("scheme, dark", [("light", False), ("dark", True)])
@pytest.mark.parametrize("width", [360, 1280])
def test_the_page_in_a_browser(width, scheme, dark, browser, service):  # noqa: F811
    browser.screen(width=width, scheme=scheme)
    browser.complaints(), browser.requests()
    browser.driver.get(service.url)
    browser.wait("document.readyState === 'complete'")
    browser.run("document.querySelectorAll('img').forEach((image) => { image.loading = 'eager' })")
    browser.wait("[...document.images].every((image) => image.complete && image.naturalWidth > 0)")
    wide, text, ground = browser.run("""
        const color = getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number);
        return [document.documentElement.scrollWidth, document.body.innerText, color[0]];
    """)
    assert wide <= width and (ground < 128) == dark
    assert "20 of 4 patients" in text and "Split train" in text and "0 streams open" in text
    assert f'dicomprep.open("{service.url}datasets/data")' in text
    # Nothing but the service is asked for anything.
    assert {url for url in browser.requests() if not url.startswith((service.url, "data:", "about:"))} == set()
    assert browser.complaints() == []


NGINX = """
daemon off; {user} worker_processes 1; pid {folder}/pid; error_log stderr;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/temp;
    fastcgi_temp_path {folder}/a; uwsgi_temp_path {folder}/b; scgi_temp_path {folder}/c;
    proxy_cache_path {folder}/cache keys_zone=batches:1m;
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass {url}; proxy_http_version 1.1; proxy_set_header Connection "";
            proxy_cache batches; proxy_cache_lock on; proxy_cache_valid 200 60s; proxy_ignore_headers Cache-Control;
        }}
    }}
}}
"""


def test_a_cache_in_front_decodes_a_batch_once_for_a_hundred_clients(dicomprep, data, tmp_path):  # noqa: F811
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if nginx is None:
        pytest.skip("needs nginx")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with serving(dicomprep, data, "--cache", "0") as service:  # noqa: F811
        config = tmp_path / "nginx.conf"
        config.write_text(NGINX.format(folder=tmp_path, port=port, url=service.url,
                                       user="user root;" if os.geteuid() == 0 else ""))
        with subprocess.Popen([nginx, "-c", config, "-p", tmp_path], stderr=subprocess.DEVNULL) as proxy:
            try:
                front = Service(service.process, f"http://127.0.0.1:{port}/")
                path = "datasets/data/batches/1/0?batch_size=4&seed=8"
                for _ in range(100):
                    try:
                        first = front.read(path)
                        break
                    except OSError:
                        time.sleep(0.05)
                assert first == service.read(path)
                decoded = service.read("metrics").count(b"batches_decoded_total{dataset=\"data\"} 2\n")
                assert decoded == 1
                assert all(front.read(path) == first for _ in range(100))
                assert b"batches_decoded_total{dataset=\"data\"} 2\n" in service.read("metrics")
            finally:
                proxy.terminate()
