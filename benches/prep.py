#!/usr/bin/env python3
"""Measures `dicomprep prep` beside the script that people write by hand (usual_script.py).

Every contender runs once a round, in an order that turns from round to round, in a process of its own,
with the inputs in the page cache. Both write the same images and masks: that is checked first.
Reported are medians over the rounds; ratios are medians of the ratios within a round, so that a busy
machine slows both sides of each.

Unfair to dicomprep, on purpose: its time includes the start of the process, the digests, checksums and
statistics, and the sync to disk; the script's starts after its imports, and it writes the two arrays only.
"""

import argparse
import csv
import json
import operator
import os
import platform
import shutil
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

# This process imports nothing large: a child's peak memory would start from its parent's.

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent
DATA = REPOSITORY / "bench-data"
SCRIPT = HERE / "usual_script.py"
SAME = ["--split", "none", "--mask-rule", "pillow", "--force"]


# ---------------------------------------------------------------- trees


def make_once(target, make):
    """`target`, made by `make(folder)` unless it is there; half-made trees are never taken for whole ones."""
    if not target.is_dir():
        print(f"making {target}", file=sys.stderr)
        unfinished = target.with_name(target.name + ".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        make(unfinished)
        unfinished.rename(target)
    return target


def generated(generator, images):
    """A synthetic tree of 256 x 256 images, all of them labelled."""
    each = min(40, images)
    patients = images // each
    size = ["--patients", patients, "--images", each, "--size", "256x256", "--labelled", 1]

    def make(folder):
        subprocess.run([generator, *map(str, size), "--out", folder], check=True, stdin=subprocess.DEVNULL)

    return make_once(DATA / f"generated-{patients * each}", make)


def replicated(source, name, copies, put):
    """`source` several times over under new ids; `put` copies or links a file. Only labelled images are taken."""

    def make(folder):
        with open(source / "link.csv", newline="") as table:
            link = [(row["patient_id"], row["original_id"]) for row in csv.DictReader(table)]
        rows = ["patient_id,original_id"]
        for copy in range(copies):
            for patient, original in link:
                new_patient, new_original = f"{patient}R{copy:03}", f"{original}-R{copy:03}"
                rows.append(f"{new_patient},{new_original}")
                images = folder / "dicoms" / new_patient
                contours = folder / "contourfiles" / new_original / "i-contours"
                images.mkdir(parents=True)
                contours.mkdir(parents=True)
                for contour in (source / "contourfiles" / original / "i-contours").glob("IM-*.txt"):
                    image = f"{int(contour.name.split('-')[2])}.dcm"
                    put(contour, contours / contour.name)
                    put(source / "dicoms" / patient / image, images / image)
        (folder / "link.csv").write_text("\n".join(rows) + "\n")

    return make_once(DATA / name, make)


def real(pairs):
    """The Sunnybrook data replicated to about `pairs` pairs, or None where it is not at hand."""
    places = [Path(os.environ.get("DICOMPREP_DATA", "/nonexistent")), REPOSITORY.parent / "shared" / "data"]
    for place in places:
        source = place / "sunnybrook" / "final_data"
        if source.is_dir():
            copies = -(-pairs // len(list(source.glob("contourfiles/*/i-contours/IM-*.txt"))))
            return replicated(source, f"sunnybrook-x{copies}", copies, shutil.copyfile)
    print("the Sunnybrook data is not here (DICOMPREP_DATA): measuring the generated tree only", file=sys.stderr)
    return None


# ---------------------------------------------------------------- running


class Memory(threading.Thread):
    """Samples the peak memory of a process and its children: the kernel's high-water marks, summed."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.peaks, self.over = pid, {}, threading.Event()

    def run(self):
        while not self.over.wait(0.02):
            pids = [self.pid]
            for pid in pids:
                try:
                    pids += map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
                    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
                except OSError:
                    continue
                self.peaks.update({pid: int(line.split()[1]) for line in lines if line.startswith("VmHWM")})

    def stop(self):
        self.over.set()
        self.join()
        return sum(self.peaks.values()) / 1024


def run(command):
    """Runs `command`: its output, and wall and CPU seconds and peak memory in MB as the system counts them."""
    start = time.perf_counter()
    child = subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True)
    memory = Memory(child.pid)
    memory.start()
    output = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.perf_counter() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    peak = memory.stop() or usage.ru_maxrss / 1024
    if child.returncode:
        sys.exit(f"{' '.join(map(str, command))}\nended with {child.returncode}:\n{output}")
    return output, {"wall": wall, "cpu": usage.ru_utime + usage.ru_stime, "peak_mb": peak}


def contenders(binary, tree, out):
    """{name: (command, output file)}; the first two are what the others are compared with."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    reference = out / "dicomprep.h5"
    python = [sys.executable, SCRIPT, tree]
    pack = lambda threads: [binary, "prep", tree, "-o", reference, "--threads", threads, *SAME]
    commands = {
        "script": ([*python, out / "script.h5"], out / "script.h5"),
        "dicomprep, 1 thread": (pack(1), reference),
        "script, 2 processes": ([*python, out / "script-2.h5", "--processes", 2], out / "script-2.h5"),
        f"dicomprep, {cores} threads": (pack(cores), reference),
        "floor: read and write": ([*python, out / "floor", "--floor", reference], out / "floor"),
    }
    if cores == 1:
        del commands["script, 2 processes"]
    return commands


def measure(binary, tree, rounds, log):
    """All contenders, interleaved: {name: [result of each round]}."""
    out = DATA / "out"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    commands = contenders(binary, tree, out)
    results = {name: [] for name in commands}
    # Not counted: brings the inputs into the page cache, and the reference file that the floor copies.
    for name in ("script", "dicomprep, 1 thread"):
        run(commands[name][0])
    images, raw = same_content(out)
    names = list(commands)
    for number in range(rounds):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            command, output = commands[name]
            text, result = run(command)
            if command[0] == sys.executable:
                result.update(json.loads(text.splitlines()[-1]))
            result.update(name=name, tree=tree.name, round=number, images=images, raw=raw,
                          bytes=output.stat().st_size)
            results[name].append(result)
            log.write(json.dumps(result) + "\n")
            log.flush()
            print(f"  round {number + 1}: {name}: {images / result['wall']:,.0f} images/s", file=sys.stderr)
    shutil.rmtree(out)
    return results


def same_content(out):
    """Checks that both files hold the same arrays; (images, bytes of their pixels)."""
    check = """
import sys, h5py, numpy
with h5py.File(sys.argv[1]) as a, h5py.File(sys.argv[2]) as b:
    for name in ("images", "masks"):
        assert a[name].shape == b[name].shape and a[name].dtype == b[name].dtype, name
        for row in range(len(a[name])):
            assert numpy.array_equal(a[name][row], b[name][row]), f"{name}, row {row}"
    print(len(a["images"]), a["images"].nbytes)
"""
    text, _ = run([sys.executable, "-c", check, out / "script.h5", out / "dicomprep.h5"])
    return map(int, text.split())


# ---------------------------------------------------------------- reporting


def report(tree, results):
    median = lambda name, value: statistics.median(value(result) for result in results[name])

    def ratio(name, value):
        both = zip(results["script"], results[name])
        return statistics.median(value(base) / value(mine) for base, mine in both)

    wall, busy, size = (operator.itemgetter(key) for key in ("wall", "cpu", "bytes"))
    first = results["script"][0]
    print(f"\n{tree.name}: {first['images']} images, {first['raw'] / 1e6:.0f} MB of pixels, "
          f"{len(results['script'])} rounds; times are against the script\n")
    print("| | images/s | MB/s | CPU ms/image | times faster | times less CPU | file MB | file size | peak MB |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name in results:
        seconds, images = median(name, wall), first["images"]
        cells = [
            f"{images / seconds:,.0f}",
            f"{first['raw'] / 1e6 / seconds:,.0f}",
            f"{median(name, busy) * 1e3 / images:.3f}",
            f"{ratio(name, wall):.1f}",
            f"{ratio(name, busy):.1f}",
            f"{median(name, size) / 1e6:.1f}",
            f"{1 / ratio(name, size):.3f}",
            f"{median(name, lambda result: result['peak_mb']):.0f}",
        ]
        print(f"| {name} | {' | '.join(cells)} |")
    parallel = [name for name in results if name == "script, 2 processes" or name.endswith("threads")]
    if len(parallel) == 2:
        pairs = zip(*(results[name] for name in parallel))
        faster = statistics.median(script["wall"] / ours["wall"] for script, ours in pairs)
        print(f"\nOn all cores, against the script with 2 processes: {faster:.1f} times faster.")


def report_memory(binary, generator, images, log):
    """Peak memory of prep on a tree and on one ten times as large."""
    small = generated(generator, images)
    large = replicated(small, f"{small.name}-x10", 10, os.link)
    out = DATA / "memory.h5"
    print("| images | threads | peak MB |\n|---|---|---|")
    for threads in (1, 2, 8):
        for tree in (small, large):
            _, result = run([binary, "prep", tree, "-o", out, "--threads", threads, *SAME])
            result["images"] = len(list(tree.glob("contourfiles/*/i-contours/*.txt")))
            log.write(json.dumps({**result, "name": "memory", "tree": tree.name, "threads": threads}) + "\n")
            print(f"| {result['images']:,} | {threads} | {result['peak_mb']:.1f} |")
    out.unlink()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", type=Path, default=REPOSITORY / "target/release", help="cargo's release folder")
    parser.add_argument("--images", type=int, default=2000, help="images in the generated tree")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--memory", action="store_true", help="peak memory on 1 and on 10 times the images, only")
    words = parser.parse_args()
    binary, generator = words.target.resolve() / "dicomprep", words.target.resolve() / "examples/make_fixtures"
    for program in (binary, generator):
        if not program.is_file():
            sys.exit(f"{program} is missing: run `make bench`")
    DATA.mkdir(exist_ok=True)
    with open(DATA / "results.jsonl", "a") as log:
        version = run([binary, "--version"])[0].strip()
        about = {"name": "machine", "dicomprep": version, "cpu": cpu_name(), "cores": os.cpu_count()}
        log.write(json.dumps(about) + "\n")
        if words.memory:
            report_memory(binary, generator, words.images, log)
            return
        trees = [generated(generator, words.images), real(1000)]
        for tree in filter(None, trees):
            results = measure(binary, tree, words.rounds, log)
            report(tree, results)
    versions = ", ".join(f"{name} {number}" for name, number in results["script"][0]["versions"].items())
    print(f"\n{version}; {versions}; {cpu_name()}, {os.cpu_count()} cores")


def cpu_name():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


if __name__ == "__main__":
    main()
