#!/usr/bin/env python3
"""Measures augmentation in `dicomprep batches` beside Keras, cv2, albumentations, MONAI, TorchIO and batchgeneratorsv2.

All do the same to 256 x 256 float32 images and their masks, one kind at a time: rotation by up to 15 degrees with shifts by
up to a tenth, zoom of both axes by 0.9 to 1.1 and a horizontal flip of half of them; elastic displacements of at most 6
pixels, smooth to 12; a bias field, e to the power of a polynomial of degree 3; a Gaussian blur by half a pixel to one; an
image of half the resolution to all of it, enlarged again. Geometry takes images linear, masks nearest. In turns, each in a
process of its own; reported are medians over the rounds.

The others are called from a loop, with image and mask as arrays in memory, and nothing but the calls is on the
clock (augmenters.py). dicomprep does it in a stream to /dev/null, of which a stream without augmentation in the same
round is subtracted: decoding, which the cache spares after the first epoch, conversion to float32, the batches.
"""

import json
import statistics
import sys

import common
from common import DATA, HERE, REPOSITORY, generated, real, run
from contenders import packed

OURS = "dicomprep"
GEOMETRY = "rotation, shift, zoom, flip"
# What `--augment` is given.
TABLES = {
    GEOMETRY: "rotation_range = 15\nwidth_shift_range = 0.1\nheight_shift_range = 0.1\nzoom_range = [0.9, 1.1]\n"
              "horizontal_flip = true\n",
    "elastic": "[elastic]\nprobability = 1\nalpha = 6\nsigma = 12\n",
    "bias field": "[bias_field]\nprobability = 1\ncoefficients = [-0.3, 0.3]\n",
    "blur": "[blur]\nprobability = 1\nsigma = [0.5, 1]\n",
    "low resolution": "[low_resolution]\nprobability = 1\nscale = [0.5, 1]\n",
}
# The rest is called for a twentieth of the samples.
FAST = ("cv2", "albumentations")


# ---------------------------------------------------------------- measuring


def interpreters():
    """{augmenter: (an interpreter that has its packages, its kinds)}, this interpreter being asked first."""
    able, missing = {}, {}
    for python in [sys.executable, *sorted(REPOSITORY.glob(".venv-bench-*/bin/python"))]:
        for name, facts in json.loads(run([python, HERE / "augmenters.py", "--list"])[0].splitlines()[-1]).items():
            if not facts["absent"]:
                able.setdefault(name, (python, facts["kinds"]))
            missing[name] = facts["absent"]
    for name in missing.keys() - able.keys():
        print(f"not here: {name}: `make bench-augment PEERS=1` installs {' '.join(missing[name])}", file=sys.stderr)
    return able


def streamed(binary, path, epochs, threads, options):
    """CPU and wall seconds of a stream to /dev/null, with its process."""
    command = [binary, "batches", path, "-q", "--seed", 7, "--epochs", epochs, "--threads", threads, "--cache", "4G",
               "-o", "/dev/null", *options]
    return run(command)[1]


def ours(binary, path, kind, samples, epochs, workers):
    """For each number of threads: the stream, and what augmentation adds to its CPU time."""
    table = DATA / f"augment-{kind.partition(',')[0].replace(' ', '-')}.toml"
    table.write_text(TABLES[kind])
    result = {}
    for threads in workers:
        plain = streamed(binary, path, epochs, threads, [])
        whole = streamed(binary, path, epochs, threads, ["--augment", table])
        result[threads] = {
            "cpu": (whole["cpu"] - plain["cpu"]) / samples,
            "whole_cpu": whole["cpu"] / samples,
            "plain_cpu": plain["cpu"] / samples,
            "wall": whole["wall"] / samples,
            "plain_wall": plain["wall"] / samples,
        }
    return result


def theirs(python, name, path, kind, samples, workers):
    """For each number of processes."""
    result = {}
    for processes in workers:
        command = [python, "-W", "ignore", HERE / "augmenters.py", name, kind, path, "--samples", samples,
                   "--processes", processes]
        facts = json.loads(run(command)[0].splitlines()[-1])
        result[processes] = {part: facts[part] / facts["samples"] for part in ("cpu", "wall")}
    return {**result, "versions": facts["versions"], "changed": facts["changed"]}


def measure(binary, path, rows, able, words, log):
    """All in turns: {(kind, name): [result of each round]}."""
    epochs = max(2, -(-words.samples // rows))
    tasks = {}
    for kind in words.kind or TABLES:
        # All cores are for the first kind alone.
        workers = sorted({1, common.cores()}) if kind == GEOMETRY else [1]
        tasks[kind, OURS] = lambda kind=kind, workers=workers: ours(binary, path, kind, rows * epochs, epochs, workers)
        for name, (python, kinds) in able.items():
            count = max(1, words.samples // (1 if name in FAST else 20))
            if kind in kinds:
                tasks[kind, name] = lambda call=(python, name, path, kind, count, workers): theirs(*call)
    results, names = {key: [] for key in tasks}, list(tasks)
    for number in range(words.rounds):
        turn = number % len(names)
        for kind, name in names[turn:] + names[:turn]:
            result = tasks[kind, name]()
            results[kind, name].append(result)
            log.write(json.dumps({"name": f"augment: {kind}: {name}", "round": number, **result}) + "\n")
            log.flush()
            print(f"  round {number + 1}: {kind}: {name}: {result[1]['cpu'] * 1e3:.4f} ms CPU/sample", file=sys.stderr)
    return results


# ---------------------------------------------------------------- reporting


def middle(values, form):
    return format(statistics.median(values), form)


def report(results):
    """The augmentation itself, on one core: a row for each kind, and a column for each who does it."""
    kinds, names = (list(dict.fromkeys(key[part] for key in results)) for part in (0, 1))
    print(f"| CPU ms/sample, times what dicomprep takes | {' | '.join(names)} |\n|{'---|' * (1 + len(names))}")
    for kind in kinds:
        mine, cells, times = results[kind, OURS], [], {}
        for name in names:
            found = results.get((kind, name), [])
            cells.append(middle([result[1]["cpu"] * 1e3 for result in found], ".3f") if found else "")
            if found and name != OURS:
                times[name] = statistics.median(part[1]["cpu"] / own[1]["cpu"] for part, own in zip(found, mine))
                cells[-1] += f" ({times[name]:.1f})"
        print(f"| {kind} | {' | '.join(cells)} |")
        if times:
            nearest = min(times, key=times.get)
            figure = f"{middle([1 / part[1]['cpu'] for part in mine], ',.0f')} samples/s per core"
            versions = ", ".join(results[kind, nearest][0]["versions"])
            common.summarize("augmentation", kind, figure, times[nearest], f"{nearest}, the nearest ({versions})")


def report_machine(results):
    """What the whole machine does of the first kind in a second: dicomprep's whole streams, and the others' calls alone."""
    workers = common.cores()
    print(f"\n| all {workers} cores | samples/s | CPU ms/sample |\n|---|---|---|")
    for name, found in ((name, found) for (kind, name), found in results.items() if kind == GEOMETRY):
        kinds = [("wall", "cpu", "")]
        if name == OURS:
            kinds = [("wall", "whole_cpu", ", the whole stream"), ("plain_wall", "plain_cpu", ", without augmentation")]
        for wall, cpu, kind in kinds:
            rate = middle([1 / result[workers][wall] for result in found], ",.0f")
            print(f"| {name}{kind} | {rate} | {middle([result[workers][cpu] * 1e3 for result in found], '.4f')} |")


def main():
    parser = common.parser(__doc__)
    parser.add_argument("--samples", type=int, default=10000, help="augmented in each run; a twentieth by the slow ones")
    parser.add_argument("--kind", action="append", choices=TABLES, help="these alone")
    parser.add_argument("--only", action="append", metavar="PART", help="of the others, those with this in their name")
    words = parser.parse_args()
    binary, generator = common.programs(words.target)
    able = interpreters()
    if words.only:
        able = {name: facts for name, facts in able.items() if any(part in name for part in words.only)}
    tree = real(1) or generated(generator, 80)
    with common.log(binary) as log:
        path = packed(binary, tree, "", [])
        rows = json.loads(run([binary, "batches", path, "--describe"])[0])["rows"]
        results = measure(binary, path, rows, able, words, log)
    print(f"\n{tree.name}: {rows} samples, {words.samples:,} augmented a run, {words.rounds} rounds\n")
    report(results)
    if not words.kind or GEOMETRY in words.kind:
        report_machine(results)
    versions = {text for found in results.values() for text in found[0].get("versions", [])}
    print(f"\n{', '.join([common.version(binary), *sorted(versions)])}; {common.machine()}")


if __name__ == "__main__":
    main()
