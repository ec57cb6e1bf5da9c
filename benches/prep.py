#!/usr/bin/env python3
"""Measures `dicomprep prep` beside the script that people write by hand (usual_script.py).

Every contender runs once a round, in an order that turns from round to round, in a process of its own,
with the inputs in the page cache. Both write the same images and masks: that is checked first.
Reported are medians over the rounds; ratios are medians of the ratios within a round, so that a busy
machine slows both sides of each.

Unfair to dicomprep, on purpose: its time includes the start of the process, the digests, checksums and
statistics, and the sync to disk; the script's starts after its imports, and it writes the two arrays only.
"""

import json
import operator
import shutil
import statistics
import sys

import common
from common import DATA, HERE, generated, real, replicated, run, varied

SCRIPT = HERE / "usual_script.py"
FLOOR = "floor: read and write"
SAME = ["--split", "none", "--mask-rule", "pillow", "--force"]


def contenders(binary, tree, out):
    """{name: (command, output file)}; the first two are what the others are compared with."""
    cores = common.cores()
    reference = out / "dicomprep.h5"
    python = [sys.executable, SCRIPT, tree]
    pack = lambda threads, *more: [binary, "prep", tree, "-o", reference, "--threads", threads, *SAME, *more]
    commands = {
        "script": ([*python, out / "script.h5"], out / "script.h5"),
        "dicomprep, 1 thread": (pack(1), reference),
        "script, 2 processes": ([*python, out / "script-2.h5", "--processes", 2], out / "script-2.h5"),
        f"dicomprep, {cores} threads": (pack(cores), reference),
        # Keeps nothing on the way: stopped, it begins anew as the script does.
        f"dicomprep, {cores} threads, --segment-rows 0": (pack(cores, "--segment-rows", 0), reference),
        FLOOR: ([*python, out / "floor", "--floor", reference], out / "floor"),
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
            output.unlink(missing_ok=True)  # to free its memory is not the next one's work
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

    def ratio(name, value, base="script"):
        both = zip(results[base], results[name])
        return statistics.median(value(base) / value(mine) for base, mine in both)

    wall, busy, size = (operator.itemgetter(key) for key in ("wall", "cpu", "bytes"))
    first = results["script"][0]
    print(f"\n{tree.name}: {first['images']} images, {first['raw'] / 1e6:.0f} MB of pixels, "
          f"{len(results['script'])} rounds; times are against the script\n")
    print("| | images/s | MB/s | CPU ms/image | times faster | times less CPU | CPU, times the floor's | file MB "
          "| file size | peak MB |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for name in results:
        seconds, images = median(name, wall), first["images"]
        cells = [
            f"{images / seconds:,.0f}",
            f"{first['raw'] / 1e6 / seconds:,.0f}",
            f"{median(name, busy) * 1e3 / images:.3f}",
            f"{ratio(name, wall):.1f}",
            f"{ratio(name, busy):.1f}",
            f"{1 / ratio(name, busy, FLOOR):.1f}",
            f"{median(name, size) / 1e6:.1f}",
            f"{1 / ratio(name, size):.3f}",
            f"{median(name, lambda result: result['peak_mb']):.0f}",
        ]
        print(f"| {name} | {' | '.join(cells)} |")
        if name.startswith("dicomprep"):
            figure = f"{cells[0]} images/s, {cells[2]} ms CPU each, {cells[-1]} MB"
            what = f"{first['images']:,} images of {tree.name}, {name.removeprefix('dicomprep, ')}"
            common.summarize("prep", what, figure, ratio(name, wall), "the script with " + common.named(first["versions"]))
    parallel = [results.get(name) for name in ("script, 2 processes", f"dicomprep, {common.cores()} threads")]
    if all(parallel):
        pairs = zip(*parallel)
        faster = statistics.median(script["wall"] / ours["wall"] for script, ours in pairs)
        print(f"\nOn all cores, against the script with 2 processes: {faster:.1f} times faster.")


def report_memory(binary, generator, log):
    """Peak memory of prep on a tree and on one ten times as large."""
    small = generated(generator, 2000)
    large = replicated(small, f"{small.name}-x10", 10, varied)
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
    parser = common.parser(__doc__)
    parser.add_argument("--images", type=int, default=6000, help="images in the generated tree")
    parser.add_argument("--memory", action="store_true", help="peak memory on 1 and on 10 times the images, only")
    words = parser.parse_args()
    binary, generator = common.programs(words.target)
    with common.log(binary) as log:
        if words.memory:
            report_memory(binary, generator, log)
            return
        trees = [generated(generator, words.images), real(6000)]
        for tree in filter(None, trees):
            results = measure(binary, tree, words.rounds, log)
            report(tree, results)
    versions = ", ".join(f"{name} {number}" for name, number in results["script"][0]["versions"].items())
    print(f"\n{common.version(binary)}; {versions}; {common.machine()}")


if __name__ == "__main__":
    main()
