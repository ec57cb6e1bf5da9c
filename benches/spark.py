#!/usr/bin/env python3
"""Measures `dicomprep.spark.prep` beside the same shards made by hand, and one plan for all shards beside one of each.

By hand means: `prep --plan-only`, then the shards of the plan, as many at once as Spark has cores, then `merge`. Spark runs
on a standalone master with two workers on this machine; its session is started before the clock, and packs a small tree
first. Both ways write the same bytes, which is checked.
"""

import filecmp
import os
import shutil
import statistics
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import common
import planning
from common import DATA, run

sys.path.insert(0, str(common.REPOSITORY / "tests" / "spark"))

import cluster as spark_cluster  # noqa: E402

import dicomprep.spark  # noqa: E402

# Replicated patients share all their images; with splits, they would be joined, and all pixels counted again.
SAME = ["-q", "--split", "none", "--on-finding", "keep"]
OPTIONS = {"split": "none", "on_finding": "keep"}
WORKERS = 2
PLANNED_SHARDS = 64


def by_hand(binary, tree, folder, shards):
    """Packs `tree` by a plan and its shards. Returns the seconds of plan, shards and merge."""
    plan, output = folder / "tree.dicomplan", folder / "hand.h5"
    start = time.monotonic()
    run([binary, "prep", tree, "--plan-only", "-o", plan, *SAME])
    planned = time.monotonic()

    def make(index):
        run([binary, "prep", tree, "--plan", plan, "--shard", f"{index}/{shards}", "-o", folder / f"{index}.h5",
             "-q", "--threads", "1", "--segment-rows", "0"])

    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(make, range(shards)))
    made = time.monotonic()
    run([binary, "merge", "-o", output, "-q", *(folder / f"{index}.h5" for index in range(shards))])
    return planned - start, made - planned, time.monotonic() - made


def by_spark(spark, binary, tree, output, shards):
    start = time.monotonic()
    dicomprep.spark.prep(spark, tree, output, shards=shards, program=str(binary), **OPTIONS)
    return time.monotonic() - start


def planned_once(binary, args):
    """CPU seconds of one plan, and of planning PLANNED_SHARDS shards from a plan file: making it, and what the shards take
    more than the whole in one, less what as many files of one image each take to begin and to finish."""
    tree, single = args.scratch / "planning" / "tree", args.scratch / "single" / "tree"
    planning.make(tree, args.files)
    planning.make(single, 2)
    plan, output = args.scratch / "tree.dicomplan", args.scratch / "output.h5"
    written = ["-q", "--force", "--segment-rows", "0", "-o", output]
    one = run([binary, "prep", tree, "--dry-run", "--report", args.scratch / "report.json", *SAME])[1]["cpu"]
    planned = run([binary, "prep", tree, "--plan-only", "-o", plan, *SAME])[1]["cpu"]

    def share(index, count):
        return run([binary, "prep", tree, "--plan", plan, "--shard", f"{index}/{count}", *written])[1]["cpu"]

    def image():
        return run([binary, "prep", single, *written, *SAME[1:]])[1]["cpu"]

    shards = range(PLANNED_SHARDS)
    more = sum(share(index, PLANNED_SHARDS) for index in shards) - share(0, 1)
    files = sum(image() for _ in shards)
    size = plan.stat().st_size
    print(f"\nplanning {args.files:,} files: {one:.2f} s of CPU; a plan file of {size / 1e6:.1f} MB {planned:.2f} s; "
          f"{PLANNED_SHARDS} shards take {more:.2f} s more than one, {PLANNED_SHARDS} files of one image {files:.2f} s: "
          f"{(planned + more - files) / one:.2f} plans in total")


def main():
    words = common.parser(__doc__)
    words.add_argument("--images", type=int, default=20_000)
    words.add_argument("--shards", type=int, default=8)
    words.add_argument("--files", type=int, default=100_000, help="size of the tree that is planned; 0 plans none")
    words.add_argument("--tree", type=Path, help="a folder, instead of a generated one")
    words.add_argument("--binary", type=Path, help="the program, instead of that of --target")
    words.add_argument("--scratch", type=Path, default=DATA / "spark")
    args = words.parse_args()
    missing = spark_cluster.java_is_missing()
    if missing:
        sys.exit(missing)
    binary, generator = (args.binary.resolve(), None) if args.binary else common.programs(args.target)
    tree = args.tree or common.real(args.images) or common.generated(generator, args.images)
    tree = Path(tree).resolve()
    shutil.rmtree(args.scratch, ignore_errors=True)
    args.scratch.mkdir(parents=True)
    os.environ["PYSPARK_PYTHON"] = sys.executable
    with tempfile.TemporaryDirectory() as folder:
        running = spark_cluster.Cluster(Path(folder), cores=1)
        try:
            measure(running, binary, tree, args)
        finally:
            running.stop()
    if args.files:
        planned_once(binary, args)
    shutil.rmtree(args.scratch, ignore_errors=True)


def measure(running, binary, tree, args):
    spark = spark_cluster.session(running, "benchmark", {})
    small = common.REPOSITORY / "fixtures" / "final_data"
    by_spark(spark, binary, small, args.scratch / "warm.h5", WORKERS)
    hand, engine = [], []
    for number in range(args.rounds + 1):
        folder = args.scratch / f"round-{number}"
        folder.mkdir()
        parts = by_hand(binary, tree, folder, args.shards)
        seconds = by_spark(spark, binary, tree, folder / "spark.h5", args.shards)
        if not filecmp.cmp(folder / "hand.h5", folder / "spark.h5", shallow=False):
            sys.exit("the file of Spark is another than that made by hand")
        # The first round only brings the files into the page cache.
        if number:
            hand.append(parts)
            engine.append(seconds)
        shutil.rmtree(folder)
    spark.stop()
    print(f"{common.version(binary)}, {common.machine()}: {tree.name}, {args.shards} shards, {WORKERS} at once\n")
    print("| | seconds | plan | shards | merge | times by hand |\n|---|---|---|---|---|---|")
    total = statistics.median(sum(parts) for parts in hand)
    plan, shards, merge = (statistics.median(column) for column in zip(*hand, strict=True))
    ratio = statistics.median(seconds / sum(parts) for seconds, parts in zip(engine, hand, strict=True))
    print(f"| by hand | {total:.2f} | {plan:.2f} | {shards:.2f} | {merge:.2f} | 1 |")
    print(f"| Spark | {statistics.median(engine):.2f} | | | | {ratio:.3f} |")


if __name__ == "__main__":
    main()
