#!/usr/bin/env python3
"""Measures `dicomprep serve` with k readers beside k processes of `dicomprep batches` into the same readers.

Readers are Python processes that read every byte of one epoch, 32 samples a batch: from a connection of the service, or
from a pipe of a process of their own. Both run in turns on the same file in the page cache; k is 1, 2, 4, 8. Reported are
medians over the rounds: samples of all readers a second, CPU milliseconds a sample without the readers', the peak memory
of the service or of all processes together, the ratio of the rates, and that of the CPU time of the processes and their
readers to that of the service and its own, which depends less on what else runs. Before, the bytes of every reader are
compared with the stream of the command.

- group: all readers take the same batches, which the service decodes once;
- group, cardiac: the same with `augment=cardiac`, float32;
- own seeds: each reader has an order of its own, and the decoded rows fit `--cache`, which has its default for groups.

At the end, k processes of what Python loads batches with (loaders.py), which have no readers but themselves, and k
readers of TensorSocket (tensor_socket.py).
"""

import dataclasses
import hashlib
import http.client
import json
import os
import re
import statistics
import subprocess
import sys
import time

import common
import tensor_socket
from common import HERE, proc
from contenders import interpreters, packed, small_and_large

K = (1, 2, 4, 8)
LOADERS = ("h5py, kept datasets", "WebDataset")
TORCH = "PyTorch DataLoader over h5py, 0 workers"


@dataclasses.dataclass
class Kind:
    """What readers ask for: words of the command, and the query of reader number i."""

    name: str
    options: dict
    group: bool

    def of(self, number):
        own = {} if self.group else {"seed": number}
        return {**self.options, **own}

    def query(self, number):
        given = {**self.of(number), **({"group": "models"} if self.group else {})}
        return "&".join(f"{name}={value}" for name, value in given.items())

    def words(self, number):
        return [word for name, value in self.of(number).items() for word in (f"--{name.replace('_', '-')}", str(value))]


KINDS = [
    Kind("group", {"seed": 7, "image_dtype": "stored"}, True),
    Kind("group, cardiac", {"seed": 7, "augment": "cardiac"}, True),
    Kind("own seeds", {"image_dtype": "stored"}, False),
]


# ---------------------------------------------------------------- a reader


def reader():
    """Reads a stream to its end: `reader HOST PORT PATH`, or standard input. Waits for a line before it asks."""
    from reader import npy

    digest, check = hashlib.sha256(), os.environ.get("CHECK")
    print("ready", flush=True)
    if len(sys.argv) > 2:
        sys.stdin.readline()
        start = time.monotonic()
        connection = http.client.HTTPConnection(sys.argv[2], int(sys.argv[3]))
        connection.request("GET", sys.argv[4])
        source = connection.getresponse()
        assert source.status == 200, source.read()
    else:
        start, source = time.monotonic(), open(0, "rb", buffering=0)
    samples, first, began = 0, None, time.process_time()
    if check:
        while part := source.read(1 << 20):
            digest.update(part)
    else:
        for images, _ in npy(source):
            first = first or time.monotonic()
            samples += len(images)
    print(json.dumps({"samples": samples, "end": time.monotonic(), "first": first and first - start,
                      "cpu": time.process_time() - began,
                      "digest": digest.hexdigest() if check else None}), flush=True)


# ---------------------------------------------------------------- measuring


def cpu_seconds(pid):
    fields = open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


class Service:
    """The service, fresh: nothing is in its cache."""

    def __init__(self, binary, file, cache):
        words = [binary, "serve", file, "--listen", "127.0.0.1:0", "--max-streams", "1000"]
        words += [] if cache is None else ["--cache", str(cache)]
        self.process = subprocess.Popen(list(map(str, words)), stderr=subprocess.PIPE, text=True)
        self.port = int(re.search(r":(\d+)/", self.process.stderr.readline()).group(1))
        self.path = f"/datasets/{file.stem}/batches?"

    def end(self):
        self.process.terminate()
        self.process.wait()


def start_readers(arguments, check, **streams):
    environment = {**os.environ, **({"CHECK": "1"} if check else {})}
    command = [sys.executable, str(HERE / "serve.py"), "--read"]
    return subprocess.Popen([*command, *map(str, arguments)], stdout=subprocess.PIPE, env=environment, text=True, **streams)


def over_http(binary, file, kind, k, cache, check=False):
    service = Service(binary, file, None if kind.group else cache)
    readers = [start_readers(["127.0.0.1", service.port, service.path + kind.query(number)], check, stdin=subprocess.PIPE)
               for number in range(k)]
    for one in readers:
        one.stdout.readline()
    start = time.monotonic()
    for one in readers:
        one.stdin.write("go\n")
        one.stdin.flush()
    results = [json.loads(one.stdout.readline()) for one in readers]
    cpu, peak = cpu_seconds(service.process.pid), proc(f"{service.process.pid}/status", "VmHWM:")
    for one in readers:
        one.communicate()
    service.end()
    return summary(results, start, cpu, peak)


def over_pipes(binary, file, kind, k, check=False):
    readers, pipes = [], []
    for _ in range(k):
        out, into = os.pipe()
        readers.append(start_readers([], check, stdin=out))
        os.close(out)
        pipes.append(into)
    for one in readers:
        one.stdout.readline()
    start, children, watchers = time.monotonic(), [], []
    for number, into in enumerate(pipes):
        command = [binary, "batches", file, "-q", *kind.words(number)]
        children.append(subprocess.Popen(list(map(str, command)), stdout=into))
        os.close(into)
        watchers.append(common.Memory(children[-1].pid))
        watchers[-1].start()
    results = [json.loads(one.stdout.readline()) for one in readers]
    cpu = 0.0
    for child in children:
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        assert child.returncode == 0
        cpu += usage.ru_utime + usage.ru_stime
    for one in readers:
        one.communicate()
    return summary(results, start, cpu, sum(watcher.stop() for watcher in watchers))


def of_loaders(python, facts, name, file, k):
    """k processes of the loader, CPU milliseconds a sample without imports and peak memory of all together."""
    command = list(map(str, [python, "-W", "ignore", HERE / "loaders.py", name, file, file.with_name(f"{file.stem}-stores")]))
    if facts["store"]:
        common.run([*command, "--prepare"])
    children = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(k)]
    watchers = [common.Memory(child.pid) for child in children]
    for watcher in watchers:
        watcher.start()
    ends = [json.loads(child.communicate()[0].splitlines()[-1]) for child in children]
    cpu, samples = (sum(end[fact] for end in ends) for fact in ("cpu", "samples"))
    return {"cpu": cpu * 1e3 / samples, "peak": sum(watcher.stop() for watcher in watchers)}


def summary(results, start, cpu, peak):
    samples = sum(result["samples"] for result in results)
    wall = max(result["end"] for result in results) - start
    with_readers = (cpu + sum(result["cpu"] for result in results)) * 1e3 / max(samples, 1)
    return {"rate": samples / wall, "cpu": cpu * 1e3 / max(samples, 1), "with_readers": with_readers, "peak": peak,
            "first": statistics.median(result["first"] or 0 for result in results),
            "digests": [result["digest"] for result in results]}


def idle(binary, file, streams=200):
    """Megabytes that each of many streams costs whose readers take nothing."""
    service = Service(binary, file, 0)
    before = proc(f"{service.process.pid}/status", "VmRSS:")
    held = []
    for number in range(streams):
        connection = http.client.HTTPConnection("127.0.0.1", service.port)
        connection.request("GET", f"{service.path}seed={number}&epochs=0")
        answer = connection.getresponse()
        answer.read(1)
        held.append((connection, answer))
    time.sleep(8)
    after = proc(f"{service.process.pid}/status", "VmRSS:")
    service.process.kill()
    service.process.wait()
    return (after - before) / streams


def main():
    words = common.parser(__doc__)
    words.add_argument("--pairs", type=int, default=5000)
    words.add_argument("--k", type=int, nargs="*", default=K)
    words = words.parse_args()
    binary = words.target.resolve() / "dicomprep"
    _, tree = small_and_large(words.target.resolve() / "examples/make_fixtures", words.pairs)
    file = packed(binary, tree, "", [])
    # All decoded rows of 256 x 256 pixels fit.
    cache = (words.pairs + 1000) * 3 * (1 << 16)
    for kind in KINDS:
        got = over_http(binary, file, kind, 4, cache, check=True)["digests"]
        expected = over_pipes(binary, file, kind, 4, check=True)["digests"]
        assert got == expected and len(set(got)) == (1 if kind.group else 4), f"{kind.name}: other bytes"
    print(f"{common.machine()}; {words.pairs:,} samples; every reader has the bytes of the command\n")
    print("| readers | k | service, samples/s | k processes, samples/s | ratio | CPU ms/sample "
          "| of the processes | with readers | of the processes | ratio | peak MB | of the processes | first batch, ms |\n"
          f"|{'---|' * 13}")
    for kind in KINDS:
        for k in words.k:
            pairs = [(over_http(binary, file, kind, k, cache), over_pipes(binary, file, kind, k)) for _ in range(words.rounds)]
            middle = lambda value: statistics.median(map(value, pairs))
            cells = [f"{middle(lambda p: p[0]['rate']):,.0f}", f"{middle(lambda p: p[1]['rate']):,.0f}",
                     f"{middle(lambda p: p[0]['rate'] / p[1]['rate']):.2f}",
                     f"{middle(lambda p: p[0]['cpu']):.3f}", f"{middle(lambda p: p[1]['cpu']):.3f}",
                     f"{middle(lambda p: p[0]['with_readers']):.3f}", f"{middle(lambda p: p[1]['with_readers']):.3f}",
                     f"{middle(lambda p: p[1]['with_readers'] / p[0]['with_readers']):.2f}",
                     f"{middle(lambda p: p[0]['peak']):,.0f}", f"{middle(lambda p: p[1]['peak']):,.0f}",
                     f"{1e3 * middle(lambda p: p[0]['first']):.0f}"]
            print(f"| {kind.name} | {k} | {' | '.join(cells)} |", flush=True)
    able = interpreters([])
    print("\n| k processes of | k | CPU ms/sample | peak MB |\n|---|---|---|---|")
    for name in filter(able.get, LOADERS):
        for k in words.k:
            rounds = [of_loaders(*able[name], name, file, k) for _ in range(words.rounds)]
            cpu, peak = (statistics.median(one[fact] for one in rounds) for fact in ("cpu", "peak"))
            print(f"| {name} | {k} | {cpu:.3f} | {peak:,.0f} |", flush=True)
    python = able.get(TORCH, [sys.executable])[0]
    if tensor_socket.installed(python):
        for k in words.k:
            rounds = [tensor_socket.measure(python, file, k, 5600) for _ in range(words.rounds)]
            cpu, peak, came = (statistics.median(one[fact] for one in rounds) for fact in ("cpu", "peak", "arrived"))
            name = f"one loader, k readers of TensorSocket, which get {came:.0%} of the samples"
            print(f"| {name} | {k} | {cpu:.3f} | {peak:,.0f} |", flush=True)
    print(f"\n200 streams whose readers take nothing: {idle(binary, file):.2f} MB each")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--read"]:
        reader()
    else:
        main()
