"""What the benchmarks share: the trees, and running a command with the eyes on its time and memory.

A script that starts contenders imports nothing large: a child's peak memory would start from its parent's.
"""

import argparse
import csv
import json
import os
import platform
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent
DATA = REPOSITORY / "bench-data"


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


def generated(generator, images, side=256):
    """A synthetic tree of `images` images of `side` x `side`, all of them labelled, for at most 40 of a patient."""
    each = max(each for each in range(1, 41) if images % each == 0)
    patients = images // each
    size = ["--patients", patients, "--images", each, "--size", f"{side}x{side}", "--labelled", 1]

    def make(folder):
        subprocess.run([generator, *map(str, size), "--out", folder], check=True, stdin=subprocess.DEVNULL)

    suffix = "" if side == 256 else f"-{side}"
    return make_once(DATA / f"generated-{patients * each}{suffix}", make)


def replicated(source, name, copies, put):
    """`source` several times over under new ids. Only labelled images are taken. `put(file, target, copy)` makes the
    file of copy number `copy`."""

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
                    put(contour, contours / contour.name, copy)
                    put(source / "dicoms" / patient / image, images / image, copy)
        (folder / "link.csv").write_text("\n".join(rows) + "\n")

    return make_once(DATA / name, make)


def linked(file, target, _copy):
    """No copy is made: all are equal."""
    os.link(file, target)


def varied(file, target, copy):
    """No two copies are equal, as in real data: the last pixels of an image differ, and a contour moves a little."""
    content = bytearray(file.read_bytes())
    if file.suffix == ".dcm":
        content[-2] ^= copy % 256
        content[-4] ^= copy // 256
    elif copy:
        points = (map(float, line.split()) for line in content.decode().splitlines())
        right, down = copy % 64 / 100, copy // 64 / 100
        content = "".join(f"{x + right:.2f} {y + down:.2f}\n" for x, y in points).encode()
    target.write_bytes(content)


def real(pairs):
    """The Sunnybrook data varied to about `pairs` pairs, or None where it is not at hand."""
    places = [Path(os.environ.get("DICOMPREP_DATA", "/nonexistent")), REPOSITORY.parent / "shared" / "data"]
    for place in places:
        source = place / "sunnybrook" / "final_data"
        if source.is_dir():
            copies = -(-pairs // len(list(source.glob("contourfiles/*/i-contours/IM-*.txt"))))
            return replicated(source, f"sunnybrook-x{copies}", copies, varied)
    print("the Sunnybrook data is not here (DICOMPREP_DATA): measuring the generated tree only", file=sys.stderr)
    return None


# ---------------------------------------------------------------- running


def proc(name, word):
    """The kilobytes after `word` in a file of /proc, in MB; 0 where the process is gone."""
    try:
        lines = Path("/proc", name).read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(word)), 0)


def family(pid):
    """The process and its children and theirs."""
    pids = [pid]
    for pid in pids:
        try:
            pids += map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
        except OSError:
            pass
    return pids


class Memory(threading.Thread):
    """The peak memory of a process and its children in MB: the kernel's high-water mark while it is alone,
    else the largest sum that was sampled, with shared pages counted once."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.peak, self.over = pid, 0, threading.Event()

    def run(self):
        pause = 0.02
        while not self.over.wait(pause):
            start = time.perf_counter()
            pids = family(self.pid)
            shared = sum(proc(f"{pid}/smaps_rollup", "Pss:") for pid in pids) if len(pids) > 1 else 0
            self.peak = max(self.peak, shared, proc(f"{self.pid}/status", "VmHWM:"))
            # Walking the pages of large processes holds them up: for 2 % of the time at most.
            pause = max(0.02, 50 * (time.perf_counter() - start))

    def stop(self):
        self.over.set()
        self.join()
        return self.peak


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


def cpu_name():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def machine():
    return f"{cpu_name()}, {os.cpu_count()} cores"


def cores():
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


# ---------------------------------------------------------------- the summary


def summarize(about, what, figure, times=None, peer=""):
    """A row of the table that `make bench` prints at its end: what was measured, the figure of dicomprep, and how many
    times as good it is as that of `peer`, which is named with its version."""
    place = os.environ.get("DICOMPREP_BENCH_SUMMARY")
    if place:
        with open(place, "a") as rows:
            rows.write(json.dumps({"about": about, "what": what, "figure": figure, "times": times, "peer": peer}) + "\n")


def named(versions):
    """Packages with their versions, as people write them."""
    return ", ".join(sorted(f"{name} {number}" for name, number in versions.items()))


# ---------------------------------------------------------------- the scripts


def parser(about):
    """The options that the benchmarks share."""
    words = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--target", type=Path, default=REPOSITORY / "target/release", help="cargo's release folder")
    words.add_argument("--rounds", type=int, default=3)
    return words


def programs(target):
    """dicomprep and the generator of synthetic trees."""
    found = target.resolve() / "dicomprep", target.resolve() / "examples/make_fixtures"
    for program in found:
        if not program.is_file():
            sys.exit(f"{program} is missing: run `make bench`")
    return found


def version(binary):
    return run([binary, "--version"])[0].strip()


def log(binary):
    """Where every single result goes, opened, with a line about this run."""
    DATA.mkdir(exist_ok=True)
    results = open(DATA / "results.jsonl", "a")
    about = {"name": "machine", "dicomprep": version(binary), "cpu": cpu_name(), "cores": os.cpu_count()}
    results.write(json.dumps(about) + "\n")
    return results
