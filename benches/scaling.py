#!/usr/bin/env python3
"""Measures what `dicomprep prep` and `dicomprep batches` cost as a data set grows, in samples and in pixels.

Every case runs once a round, in an order that turns from round to round, in a process of its own, with its input in
the page cache; figures are medians. Batches are one shuffled epoch of int16 images and masks, written to /dev/null.
A cost grows as the number of samples to the power of the exponent that is printed: 1 is linear, and what a process
costs that does nothing is in every figure.
"""

import json
import math
import shutil
import statistics
import sys

import common
from common import DATA, generated, run

# Sides of the images, in pixels, and how many of them there are.
SIDES = {128: 2000, 256: 1000, 512: 400, 1024: 120}
# Samples of 128 x 128 pixels.
COUNTS = [96, 1000, 10_000]
LARGE = 100_000


def cases(binary, trees, out):
    """[(tree, what, threads, command)]"""
    for tree in trees:
        packed = out / f"{tree.name}.h5"
        for threads in sorted({1, common.cores()}):
            more = ["--threads", threads, "-q"]
            yield tree, "prep", threads, [binary, "prep", tree, "-o", packed, "--force", *more]
            stream = [binary, "batches", packed, "--image-dtype", "stored", *more]
            # What is written to /dev/null by its name is written, and not thrown away as a pipe without a reader.
            yield tree, "batches", threads, [*stream, "-o", "/dev/null", "--force"]


def measure(binary, trees, rounds, log):
    """{(tree, what, threads): [result of each round]}"""
    out = DATA / "out"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    todo = list(cases(binary, trees, out))
    results = {case[:3]: [] for case in todo}
    # Not counted: brings the inputs into the page cache, and makes the files that batches reads.
    for *_, command in (case for case in todo if case[1:3] == ("prep", 1)):
        run(command)
    for number in range(rounds):
        turn = number % len(todo)
        for tree, what, threads, command in todo[turn:] + todo[:turn]:
            result = run(command)[1]
            results[tree, what, threads].append(result)
            log.write(json.dumps({**result, "name": what, "tree": tree.name, "threads": threads}) + "\n")
            print(f"  round {number + 1}: {tree.name}: {what}, {threads} threads: {result['wall']:.2f} s", file=sys.stderr)
    shutil.rmtree(out)
    return results


def report(title, trees, results):
    """One line for each tree and number of threads; `trees` are {tree: (samples, side)}, the smallest first."""
    print(f"\n{title}\n\n| samples | pixels | threads | prep, samples/s | CPU ms each | peak MB | batches, samples/s "
          "| CPU ms each | peak MB |\n|---|---|---|---|---|---|---|---|---|")
    for tree, (samples, side) in trees.items():
        for threads in sorted({threads for _, _, threads in results}):
            cells = [f"{samples:,}", f"{side} x {side}", threads]
            for what in ("prep", "batches"):
                wall, cpu, peak = (median(results[tree, what, threads], key) for key in ("wall", "cpu", "peak_mb"))
                cells += [f"{samples / wall:,.0f}", f"{cpu * 1e3 / samples:.3f}", f"{peak:.0f}"]
            print(f"| {' | '.join(map(str, cells))} |")


def report_exponents(trees, results):
    """From the last tree but one to the last."""
    (first, (few, _)), (second, (many, _)) = list(trees.items())[-2:]
    for what in ("prep", "batches"):
        costs = [median(results[tree, what, 1], "cpu") for tree in (first, second)]
        exponent = math.log(costs[1] / costs[0]) / math.log(many / few)
        print(f"\nCPU of {what} from {few:,} to {many:,} samples: exponent {exponent:.2f}.")
        common.summarize(what, f"CPU time from {few:,} to {many:,} samples", f"exponent {exponent:.2f}")


def median(results, key):
    return statistics.median(result[key] for result in results)


def samples_of(tree):
    return len(list(tree.glob("contourfiles/*/i-contours/*.txt")))


def main():
    parser = common.parser(__doc__)
    parser.add_argument("--large", action="store_true", help=f"{LARGE:,} samples, too")
    words = parser.parse_args()
    binary, generator = common.programs(words.target)
    counts = [*COUNTS, LARGE] if words.large else COUNTS
    by_count = [generated(generator, count, 128) for count in counts]
    by_side = [generated(generator, count, side) for side, count in SIDES.items()]
    with common.log(binary) as log:
        results = measure(binary, [*by_count, *by_side], words.rounds, log)
    named = lambda trees, sides: {tree: (samples_of(tree), side) for tree, side in zip(trees, sides)}
    counted = named(by_count, [128] * len(by_count))
    report("As samples grow:", counted, results)
    report_exponents(counted, results)
    report("As images grow:", named(by_side, SIDES), results)
    print(f"\n{common.version(binary)}; {words.rounds} rounds; {common.machine()}")


if __name__ == "__main__":
    main()
