#!/usr/bin/env python3
"""TensorSocket: one process loads batches with PyTorch's DataLoader over h5py and k readers take all of them.

    tensor_socket.py --produce FILE PORT EPOCHS     loads the epochs and offers them
    tensor_socket.py --take PORT EPOCHS             takes them

Both print a JSON line an epoch: the CPU seconds of the process, and of a reader the samples that came. The first
epoch counts for nothing: readers join in it, and torch begins. An epoch is short, since what is sent grows with the
square of the readers: each sample is pickled for each of them, and all of it is sent to all.
"""

import json
import subprocess
import sys
import time

import common
from loaders import BATCH, Source, dataloader

EPOCHS, SAMPLES = 2, 1024
# The least that it works with. With its default of 8, the whole of 8 batches is pickled for each of them.
BATCHES_AT_ONCE = 2


def ports(port):
    return {"port": port, "ack_port": port + 1, "heart_ports": (port + 2, port + 3)}


def produce(file, port, epochs):
    from tensorsocket import TensorProducer

    class Some(Source):
        def __len__(self):
            return SAMPLES

    class Batches:
        """The loader with its length, which TensorSocket asks for."""

        __iter__ = staticmethod(dataloader(0, Some(file, ".")))

        def __len__(self):
            return SAMPLES // BATCH

    producer = TensorProducer(Batches(), producer_batch_size=BATCHES_AT_ONCE, **ports(port))
    for _ in range(epochs):
        before = time.process_time()
        for _ in producer:
            pass
        print(json.dumps({"cpu": time.process_time() - before}), flush=True)


def take(port, epochs):
    import torch
    from tensorsocket import TensorConsumer

    torch.set_num_threads(1)
    print("ready", flush=True)
    consumer = TensorConsumer(batch_size=BATCH, **ports(port))
    for _ in range(epochs):
        before, samples = time.process_time(), 0
        for images, _ in consumer:
            samples += len(images)
        print(json.dumps({"cpu": time.process_time() - before, "samples": samples}), flush=True)


def installed(python):
    """True where this interpreter has TensorSocket; else the way to it is printed."""
    finds = "import importlib.util as i, sys; sys.exit(not i.find_spec('tensorsocket'))"
    found = subprocess.run([python, "-c", finds]).returncode == 0
    if not found:
        print("not here: TensorSocket: `make bench-serve PEERS=1` installs it", file=sys.stderr)
    return found


def measure(python, file, k, port):
    """CPU milliseconds a sample that a reader gets, of all processes together, their peak memory in MB, and the share of
    the samples that readers get."""
    command = list(map(str, [python, "-W", "ignore", __file__]))
    start = lambda *words: subprocess.Popen([*command, *map(str, words)], stdout=subprocess.PIPE,
                                            stderr=subprocess.DEVNULL, text=True)
    # A reader that joins late may miss the length that is sent once, and waits for it for ever. The producer loads until
    # it is killed.
    readers = [start("--take", port, EPOCHS) for _ in range(k)]
    for reader in readers:
        reader.stdout.readline()
    producer = start("--produce", file, port, 1000)
    watchers = [common.Memory(child.pid) for child in (producer, *readers)]
    for watcher in watchers:
        watcher.start()
    lines = [[json.loads(line) for line in reader.communicate()[0].splitlines() if line.startswith("{")] for reader in readers]
    peak = sum(watcher.stop() for watcher in watchers)
    producer.kill()
    loaded = [json.loads(line) for line in producer.communicate()[0].splitlines() if line.startswith("{")]
    samples = sum(epochs[-1]["samples"] for epochs in lines)
    # The last batches that it would send together never come, nor what a reader is too slow for.
    assert 0 < samples < SAMPLES * k, f"{samples} samples arrived"
    cpu = sum(epochs[EPOCHS - 1]["cpu"] for epochs in (loaded, *lines))
    return {"cpu": cpu * 1e3 / samples, "peak": peak, "arrived": samples / SAMPLES / k}


if __name__ == "__main__":
    if sys.argv[1] == "--produce":
        produce(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    else:
        take(int(sys.argv[2]), int(sys.argv[3]))
