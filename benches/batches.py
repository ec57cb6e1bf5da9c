#!/usr/bin/env python3
"""Measures `dicomprep batches` beside what people load batches with in Python.

Every contender takes one shuffled epoch of int16 images and uint8 masks, 32 a batch, in a process of its
own, once a round, in an order that turns from round to round, with its input in the page cache. Before,
each shows on the small file that it delivers every sample exactly once. Reported are medians over the
rounds; ratios are medians of the ratios within a round, against h5py (datasets kept) writing into the same
pipe to the same reader: against that, `dicomprep batches` is a change of one line. The last column compares CPU time
with the floor of reading and inflating the same chunks, in the same round.

Unfair to dicomprep, on purpose: its time includes the start of the process and the opening of the file,
the others' begins after their imports, with the file open and, for those that read from memory, loaded.

20,000 samples take 5 GB of disk, 25 GB with all loaders (make bench-batches PEERS=1), and 15 GB of memory for
Keras, which is left out where there is less; the first run makes the files that the other formats need.
"""

import itertools
import json
import operator
import os
import statistics
import sys

import common
from common import run
from contenders import BASE, FLOOR, Contender, contenders, describe, interpreters, scripts, small_and_large
from streams import Failed, run_alone, run_piped, run_unseen, warm


# ---------------------------------------------------------------- measuring


def prepare(contender):
    """Makes what a loader reads, where it is missing."""
    for path in contender.reads:
        if not path.exists():
            print(f"making {path}", file=sys.stderr)
            path.parent.mkdir(exist_ok=True)
            run([*contender.command, "--prepare"])


def once(contender, file, check=False):
    free = common.proc("meminfo", "MemAvailable:") * (1 << 20)
    if contender.memory > free:
        raise Failed(f"it needs {contender.memory / 1e9:.0f} GB of memory, {free / 1e9:.0f} are free")
    prepare(contender)
    warm(contender.reads)
    options = ["--check"] if check and contender.checked else []
    if contender.reader is None:
        result = run_alone(contender, options)
    elif contender.reader in ("null", "cat"):
        result = run_unseen(contender)
    else:
        result = run_piped(contender, [*options, "--epoch", file.samples])
    if options and result["digest"] != file.digest * contender.epochs % (1 << 64):
        raise Failed("it did not deliver every sample exactly once")
    whole = {"samples": file.samples, "bytes": file.samples * file.sample_bytes}
    return {**whole, **{name: value for name, value in result.items() if value is not None}}


def attempt(contender, left_out, *arguments):
    """The result, or None for one that failed: it takes no further part."""
    try:
        return once(contender, *arguments)
    except Failed as reason:
        left_out[contender.name] = str(reason)
        print(f"  left out: {contender.name}: {reason}", file=sys.stderr)
        return None


def measure(file, taking_part, rounds, log, left_out):
    """All contenders, interleaved: {name: [result of each round]}."""
    results = {contender.name: [] for contender in taking_part}
    for number in range(rounds):
        turn = number % len(taking_part)
        for contender in taking_part[turn:] + taking_part[:turn]:
            if contender.name in left_out:
                continue
            result = attempt(contender, left_out, file)
            if result is None:
                results.pop(contender.name)
                continue
            results[contender.name].append(result)
            log.write(json.dumps({"name": contender.name, "file": file.name, "round": number, **result}) + "\n")
            log.flush()
            print(f"  round {number + 1}: {contender.name}: {rate(result):,.0f} samples/s", file=sys.stderr)
    return results


# ---------------------------------------------------------------- reporting


def rate(result):
    return result["samples"] / result["wall"]


def cost(result):
    """CPU milliseconds a sample, without the reader's."""
    return result["cpu"] * 1e3 / result["samples"]


OURS = "dicomprep, to the reader"


def report(file, results):
    rounds = len(results[BASE])
    print(f"\n{file.name}: {file.samples:,} samples, {file.samples * file.sample_bytes / 1e6:,.0f} MB decoded, "
          f"{os.path.getsize(file.path) / 1e6:,.1f} MB packed, {rounds} rounds\n")
    print("| | samples/s | MB/s | CPU ms/sample | the reader's | first batch, s | peak MB | times faster "
          "| times less CPU | CPU / floor |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for name, mine in results.items():
        cells = [
            middle(mine, rate, ",.0f"),
            middle(mine, lambda result: result["bytes"] / 1e6 / result["wall"], ",.0f"),
            middle(mine, cost, ".3f"),
            middle(mine, lambda result: result["reader_cpu"] * 1e3 / result["samples"], ".3f"),
            middle(mine, operator.itemgetter("first"), ".3f"),
            middle(mine, operator.itemgetter("peak_mb"), ",.0f"),
            middle(zip(mine, results[BASE]), lambda pair: rate(pair[0]) / rate(pair[1]), ".2f"),
            middle(zip(mine, results[BASE]), lambda pair: cost(pair[1]) / cost(pair[0]), ".2f"),
            middle(zip(mine, results.get(FLOOR, [])), lambda pair: cost(pair[0]) / cost(pair[1]), ".2f"),
        ]
        print(f"| {name} | {' | '.join(cells)} |")
    print()
    if OURS in results:
        summarize(file, results)


def summarize(file, results):
    """Of each contender that is not dicomprep, how many times faster dicomprep is, for the summary."""
    figure = f"{middle(results[OURS], rate, ',.0f')} samples/s, {middle(results[OURS], cost, '.3f')} ms CPU each"
    for name, theirs in results.items():
        if not name.startswith(("dicomprep", "floor")):
            times = statistics.median(rate(own) / rate(other) for own, other in zip(results[OURS], theirs))
            peer = f"{name}: {middle(theirs, rate, ',.0f')} samples/s"
            versions = common.named(theirs[0].get("versions") or file.versions)
            common.summarize("batches", f"{file.samples:,} samples, to the reader", figure, times, f"{peer} ({versions})")


def versions(file, results):
    """Of everything that took part; a package may be there in more than one version."""
    found = [file.versions, *(mine[0].get("versions", {}) for mine in results.values())]
    return ", ".join(sorted({f"{name} {number}" for listed in found for name, number in listed.items()}))


def middle(results, value, form):
    """The median of a value, empty where nobody saw it."""
    try:
        return format(statistics.median(map(value, results)), form)
    except (KeyError, statistics.StatisticsError):
        return ""


def report_first_batch(binary, file, rounds, log):
    """From the start of the process to the first batch, of a large file."""
    starts = {
        "dicomprep": [],
        "dicomprep --start 5:700": ["--epochs", 0, "--start", "5:700"],
    }
    begin = [binary, "batches", file.path, "-q", "--image-dtype", "stored"]
    taking_part = [Contender(name, [*begin, *options], [file.path], "npy") for name, options in starts.items()]
    taking_part += [contender for contender in scripts(file) if contender.name == BASE]
    results = {contender.name: [] for contender in taking_part}
    for _, contender in itertools.product(range(rounds), taking_part):
        warm(contender.reads)
        result = run_piped(contender, ["--first"])
        results[contender.name].append(result)
        log.write(json.dumps({"name": f"first batch: {contender.name}", "file": file.name, **result}) + "\n")
    print(f"\n{file.samples:,} samples, from the start of the process:\n")
    print("| | first batch, ms | peak MB |\n|---|---|---|")
    for name, mine in results.items():
        first = middle(mine, lambda result: result["first"] * 1e3, ".1f")
        print(f"| {name} | {first} | {middle(mine, operator.itemgetter('peak_mb'), ',.0f')} |")


def main():
    parser = common.parser(__doc__)
    parser.add_argument("--samples", type=int, default=20000, help="samples in the large file, or a few more")
    parser.add_argument("--only", action="append", metavar="PART", help="contenders with this in their name")
    parser.add_argument("--skip", action="append", metavar="PART", help="not those with this in their name")
    parser.add_argument("--python", action="append", default=[], metavar="PATH", help="one more with loaders")
    parser.add_argument("--first-batch", action="store_true", help="time to the first batch of 50,000 samples, only")
    words = parser.parse_args()
    binary, generator = common.programs(words.target)
    left_out = {}
    with common.log(binary) as log:
        if words.first_batch:
            _, large = small_and_large(generator, 50000)
            report_first_batch(binary, describe(binary, large, plain=False), words.rounds, log)
            return
        able = interpreters(words.python)
        for tree, small in zip(small_and_large(generator, words.samples), (True, False)):
            file = describe(binary, tree, check=small)
            taking_part = contenders(binary, file, able, words)
            if small:
                print(f"checking that every sample of {file.name} comes once", file=sys.stderr)
                for contender in taking_part:
                    attempt(contender, left_out, file, True)
            taking_part = [contender for contender in taking_part if contender.name not in left_out]
            results = measure(file, taking_part, words.rounds, log, left_out)
            report(file, results)
    print(f"{common.version(binary)}; {versions(file, results)}; {common.machine()}")
    for name, reason in left_out.items():
        print(f"left out: {name}: {reason}")
    if any(name.startswith("dicomprep") for name in left_out):
        sys.exit(1)


if __name__ == "__main__":
    main()
