#!/usr/bin/env python3
"""Measures how planning (`dicomprep prep --dry-run`) grows with the number of files.

The trees are hard links of the fixtures under new names, half images and half contours, made in a scratch folder and
deleted when they are measured. Names, headers and contours are all read; they are in the page cache, so what is
measured is the program and the system's calls, not a disk. The exponent is the slope between neighbours: 1 is linear.
"""

import math
import os
import shutil
import sys
from pathlib import Path

import common

FIXTURES = common.REPOSITORY / "fixtures" / "final_data"
EACH = 50
# ext4 allows 65,000 names for a file.
LINKS = 60_000


def sources(folder, samples):
    """Enough copies of pairs of the fixtures to link each as often as needed."""
    pairs = []
    for row in (FIXTURES / "link.csv").read_text().splitlines()[1:]:
        patient, original = row.split(",")[:2]
        for contour in sorted((FIXTURES / "contourfiles" / original / "i-contours").glob("*.txt")):
            image = FIXTURES / "dicoms" / patient / f"{int(contour.name.split('-')[2])}.dcm"
            if image.is_file():
                pairs.append((image, contour))
    folder.mkdir(parents=True)
    found = []
    for copy in range(-(-samples // (LINKS * len(pairs)))):
        for number, pair in enumerate(pairs):
            copies = [folder / f"{copy}-{number}{file.suffix}" for file in pair]
            for file, place in zip(pair, copies):
                shutil.copyfile(file, place)
            found.append(copies)
    return found


def make(tree, files):
    """A tree of `files` files: patients of EACH images, each with its contour."""
    samples = files // 2
    pairs = sources(tree.with_name("sources"), samples)
    rows = ["patient_id,original_id"]
    for first in range(0, samples, EACH):
        patient, original = f"P{first // EACH:07}", f"HF-I-{first // EACH:07}"
        rows.append(f"{patient},{original}")
        images, contours = tree / "dicoms" / patient, tree / "contourfiles" / original / "i-contours"
        images.mkdir(parents=True)
        contours.mkdir(parents=True)
        for number in range(min(EACH, samples - first)):
            image, contour = pairs[(first + number) % len(pairs)]
            os.link(image, images / f"{number + 1}.dcm")
            os.link(contour, contours / f"IM-0001-{number + 1:04}-icontour-manual.txt")
    (tree / "link.csv").write_text("\n".join(rows) + "\n")
    return samples


def main():
    words = common.parser(__doc__)
    words.add_argument("--files", default="1000,10000,100000,1000000", help="sizes of the trees")
    words.add_argument("--scratch", type=Path, default=common.DATA / "planning")
    words.add_argument("--binary", type=Path, help="the program, instead of that of --target")
    words.add_argument("--threads", type=int, default=common.cores())
    args = words.parse_args()
    binary = args.binary or common.programs(args.target)[0]
    print(f"{common.version(binary)}, {common.machine()}, {args.threads} threads\n")
    print("| files | samples | seconds | CPU us/file | exponent | peak memory, MB | bytes/file |\n|---|---|---|---|---|---|---|")
    last, base = None, None
    for files in map(int, args.files.split(",")):
        shutil.rmtree(args.scratch, ignore_errors=True)
        tree = args.scratch / "tree"
        samples = make(tree, files)
        command = [binary, "prep", tree, "--dry-run", "-q", "--threads", args.threads, "--on-finding", "keep",
                   "--report", args.scratch / "report.json", "--force"]
        command = ["sh", "-c", 'exec "$@" > /dev/null', "sh", *command]
        results = [common.run(command)[1] for _ in range(args.rounds)]
        wall, cpu, peak = (min(result[key] for result in results) for key in ("wall", "cpu", "peak_mb"))
        base = base or (files, peak)
        slope = f"{math.log(wall / last[1]) / math.log(files / last[0]):.2f}" if last else ""
        more = f"{(peak - base[1]) * 2**20 / (files - base[0]):.0f}" if files > base[0] else ""
        print(f"| {files:,} | {samples:,} | {wall:.2f} | {cpu / files * 1e6:.1f} | {slope} | {peak:.0f} | {more} |", flush=True)
        common.summarize("planning", f"{files:,} files", f"{cpu / files * 1e6:.0f} us CPU a file, {peak:.0f} MB")
        last = files, wall
    shutil.rmtree(args.scratch, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
