#!/usr/bin/env python3
"""Measures augmentation in `dicomprep batches` beside Keras, albumentations and cv2.

All do the same to 256 x 256 float32 images and their masks: rotation by up to 15 degrees, shifts by up to a tenth,
zoom of both axes by 0.9 to 1.1, a horizontal flip of half of them; images linear, masks nearest. In turns, each in a
process of its own; reported are medians over the rounds.

The others are called from a loop, with image and mask as arrays in memory, and nothing but the calls is on the
clock (augmenters.py). dicomprep does it in a stream to /dev/null, of which a stream without augmentation in the same
round is subtracted: decoding, which the cache spares after the first epoch, conversion to float32, the batches.
"""

import json
import statistics
import sys

import common
from common import HERE, REPOSITORY, generated, real, run
from contenders import packed

AUGMENTATION = ["--rotation-range", 15, "--width-shift-range", 0.1, "--height-shift-range", 0.1,
                "--zoom-range", "0.9,1.1", "--horizontal-flip"]
OURS = "dicomprep"


# ---------------------------------------------------------------- measuring


def interpreters():
    """{augmenter: an interpreter that has its packages}, this interpreter being asked first."""
    able, missing = {}, {}
    for python in [sys.executable, *sorted(REPOSITORY.glob(".venv-bench-*/bin/python"))]:
        for name, packages in json.loads(run([python, HERE / "augmenters.py", "--list"])[0].splitlines()[-1]).items():
            if not packages:
                able.setdefault(name, python)
            missing[name] = packages
    for name in missing.keys() - able.keys():
        print(f"not here: {name}: it needs {' '.join(missing[name])} (benches/requirements-augment.txt)",
              file=sys.stderr)
    return able


def streamed(binary, path, epochs, threads, options):
    """CPU and wall seconds of a stream to /dev/null, with its process."""
    command = [binary, "batches", path, "-q", "--seed", 7, "--epochs", epochs, "--threads", threads, "--cache", "4G",
               "-o", "/dev/null", *options]
    return run(command)[1]


def ours(binary, path, samples, epochs):
    """With one thread and with all: the stream, and what augmentation adds to its CPU time."""
    result = {}
    for threads in sorted({1, common.cores()}):
        plain = streamed(binary, path, epochs, threads, [])
        whole = streamed(binary, path, epochs, threads, AUGMENTATION)
        result[threads] = {
            "cpu": (whole["cpu"] - plain["cpu"]) / samples,
            "whole_cpu": whole["cpu"] / samples,
            "plain_cpu": plain["cpu"] / samples,
            "wall": whole["wall"] / samples,
            "plain_wall": plain["wall"] / samples,
        }
    return result


def theirs(python, name, path, samples):
    """With one process and with one for each core."""
    result = {}
    for processes in sorted({1, common.cores()}):
        command = [python, "-W", "ignore", HERE / "augmenters.py", name, path, "--samples", samples,
                   "--processes", processes]
        facts = json.loads(run(command)[0].splitlines()[-1])
        result[processes] = {part: facts[part] / facts["samples"] for part in ("cpu", "wall")}
    return {**result, "versions": facts["versions"]}


def measure(binary, path, rows, able, words, log):
    """All in turns: {name: [result of each round]}."""
    epochs = max(2, -(-words.samples // rows))
    tasks = {OURS: lambda: ours(binary, path, rows * epochs, epochs)}
    for name, python in able.items():
        count = max(1, words.samples // (20 if name == "keras" else 1))
        tasks[name] = lambda name=name, python=python, count=count: theirs(python, name, path, count)
    results, names = {name: [] for name in tasks}, list(tasks)
    for number in range(words.rounds):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            result = tasks[name]()
            results[name].append(result)
            log.write(json.dumps({"name": f"augment: {name}", "round": number, **result}) + "\n")
            log.flush()
            print(f"  round {number + 1}: {name}: {result[1]['cpu'] * 1e3:.4f} ms CPU/sample", file=sys.stderr)
    return results


# ---------------------------------------------------------------- reporting


def middle(values, form):
    return format(statistics.median(values), form)


def report(results):
    """The augmentation itself, on one core."""
    mine = results[OURS]
    print("| augmentation alone, one core | samples/s | CPU ms/sample | times what dicomprep takes |")
    print("|---|---|---|---|")
    for name, found in results.items():
        cpu = [result[1]["cpu"] for result in found]
        ratios = [part[1]["cpu"] / own[1]["cpu"] for part, own in zip(found, mine)]
        rate = middle([1 / seconds for seconds in cpu], ",.0f")
        print(f"| {name} | {rate} | {middle([seconds * 1e3 for seconds in cpu], '.4f')} | {middle(ratios, '.1f')} |")
        if name != OURS:
            figure = f"{middle([1 / part[1]['cpu'] for part in mine], ',.0f')} samples/s per core"
            peer = f"{name}: {rate} samples/s ({', '.join(found[0].get('versions', []))})"
            common.summarize("augmentation", "rotation, shift, zoom, flip", figure, statistics.median(ratios), peer)


def report_machine(results):
    """What the whole machine does in a second: dicomprep's whole streams, and the others' calls alone."""
    workers = common.cores()
    print(f"\n| all {workers} cores | samples/s | CPU ms/sample |\n|---|---|---|")
    for name, found in results.items():
        kinds = [("wall", "cpu", "")]
        if name == OURS:
            kinds = [("wall", "whole_cpu", ", the whole stream"), ("plain_wall", "plain_cpu", ", without augmentation")]
        for wall, cpu, kind in kinds:
            rate = middle([1 / result[workers][wall] for result in found], ",.0f")
            print(f"| {name}{kind} | {rate} | {middle([result[workers][cpu] * 1e3 for result in found], '.4f')} |")


def main():
    parser = common.parser(__doc__)
    parser.add_argument("--samples", type=int, default=10000, help="augmented in each run; a twentieth for Keras")
    parser.add_argument("--only", action="append", metavar="PART", help="of the others, those with this in their name")
    words = parser.parse_args()
    binary, generator = common.programs(words.target)
    able = interpreters()
    if words.only:
        able = {name: python for name, python in able.items() if any(part in name for part in words.only)}
    tree = real(1) or generated(generator, 80)
    with common.log(binary) as log:
        path = packed(binary, tree, "", [])
        rows = json.loads(run([binary, "batches", path, "--describe"])[0])["rows"]
        results = measure(binary, path, rows, able, words, log)
    print(f"\n{tree.name}: {rows} samples, {words.samples:,} augmented a run, {words.rounds} rounds\n")
    report(results)
    report_machine(results)
    versions = {text for found in results.values() for text in found[0].get("versions", [])}
    print(f"\n{', '.join([common.version(binary), *sorted(versions)])}; {common.machine()}")


if __name__ == "__main__":
    main()
