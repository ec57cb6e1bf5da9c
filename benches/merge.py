#!/usr/bin/env python3
"""Measures `dicomprep merge` beside `cp` of the same shards, both with their bytes synced to disk.

In turns on the same shards of the same tree, all in the page cache, after checking that merging gives the bytes of a
single run. Reported are medians; ratios are medians of the ratios within a round.
"""

import filecmp
import json
import os
import shutil
import statistics
import sys

import common
from common import DATA, run

COPY = 'for shard in "$@"; do cp "$shard" "$target/" || exit 1; done; sync "$target"/*'

# Replicated patients share all their images; with splits, they would be joined, and all pixels counted again.
SAME = ["-q", "--split", "none", "--on-finding", "keep"]


def main():
    words = common.parser(__doc__)
    words.add_argument("--images", type=int, default=4000)
    words.add_argument("--shards", type=int, default=4)
    words.add_argument("--tree", help="a folder, instead of a generated one")
    words.add_argument("--binary", help="the program, instead of that of --target")
    words.add_argument("--scratch", default=DATA / "merge")
    args = words.parse_args()
    binary, generator = (args.binary, None) if args.binary else common.programs(args.target)
    tree = args.tree or common.real(args.images) or common.generated(generator, args.images)
    out = common.Path(args.scratch)
    shutil.rmtree(out, ignore_errors=True)
    (out / "copies").mkdir(parents=True)
    shards = [out / f"shard-{index}.h5" for index in range(args.shards)]
    for index, shard in enumerate(shards):
        run([binary, "prep", tree, "--shard", f"{index}/{args.shards}", "-o", shard, *SAME])
    run([binary, "prep", tree, "-o", out / "whole.h5", *SAME])
    os.environ["target"] = str(out / "copies")
    commands = {
        "cp and sync": ["sh", "-c", COPY, "sh", *shards],
        "merge": [binary, "merge", "-o", out / "merged.h5", "--force", "-q", *shards],
        "merge --virtual": [binary, "merge", "--virtual", "-o", out / "virtual.h5", "--force", "-q", *shards],
    }
    results = {name: [] for name in commands}
    for number in range(args.rounds + 1):
        for name, command in commands.items():
            for old in [*(out / "copies").iterdir(), *(out / "merged.h5", out / "virtual.h5")]:
                old.unlink(missing_ok=True)
            os.sync()
            result = run(command)[1]
            if name == "merge" and not number and not filecmp.cmp(out / "whole.h5", out / "merged.h5", shallow=False):
                sys.exit("the merged file is another than that of a single run")
            # The first round only brings the files into the page cache.
            if number:
                results[name].append(result)
    samples = json.loads(run([binary, "info", "--json", out / "whole.h5"])[0])["samples"]
    size = sum(shard.stat().st_size for shard in shards)
    print(f"{common.version(binary)}, {common.machine()}: {samples:,} samples in {args.shards} shards of {size / 1e6:.0f} MB together\n")
    print("| | seconds | MB/s | of the speed of cp | samples/s | peak memory, MB |\n|---|---|---|---|---|---|")
    for name, rounds in results.items():
        wall = statistics.median(result["wall"] for result in rounds)
        ratio = statistics.median(a["wall"] / b["wall"] for a, b in zip(results["cp and sync"], rounds))
        peak = max(result["peak_mb"] for result in rounds)
        print(f"| {name} | {wall:.2f} | {size / wall / 1e6:.0f} | {ratio:.2f} | {samples / wall:,.0f} | {peak:.0f} |")
        if name != "cp and sync":
            figure = f"{samples / wall:,.0f} samples/s, {peak:.0f} MB"
            peer = run(["cp", "--version"])[0].splitlines()[0]
            common.summarize(name, f"{samples:,} samples in {args.shards} shards", figure, ratio, peer)
    shutil.rmtree(out, ignore_errors=True)


if __name__ == "__main__":
    main()
