"""Defects that are planted into a data directory, and what the audit says about them.

As a program: `defects.py DICOMPREP DATA_DIR [KIND ...]` plants each kind of defect into each contour of a copy of DATA_DIR, one at
a time, and prints the share that was found, as an error or at all, and the findings about other files.
"""

import csv
import json
import math
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import expect


def contours(root):
    """All contours of a data directory: {(original_id, structure letter): {number: file}}."""
    found = {}
    for file in sorted(root.glob("contourfiles/*/?-contours/*.txt")):
        key = file.parts[-3], file.parts[-2][0]
        found.setdefault(key, {})[int(file.name.split("-")[2])] = file
    return found


def write(file, points):
    file.write_text("".join(f"{x:.2f} {y:.2f}\n" for x, y in points))


def move(file, change):
    """Replaces every point of a contour."""
    write(file, [change(x, y) for x, y in expect.points(file)])


def exchange(a, b):
    """Exchanges the contents of two files."""
    first, second = a.read_bytes(), b.read_bytes()
    a.write_bytes(second)
    b.write_bytes(first)


def centre(points):
    pairs = list(zip(points, points[1:] + points[:1]))
    twice = sum(ax * by - bx * ay for (ax, ay), (bx, by) in pairs)
    cross = [((ax + bx) * (ax * by - bx * ay), (ay + by) * (ax * by - bx * ay)) for (ax, ay), (bx, by) in pairs]
    return sum(x for x, _ in cross) / (3 * twice), sum(y for _, y in cross) / (3 * twice)


def shift(file, pixels, direction):
    """Shifts a contour by so many pixels in one of 8 directions."""
    angle = direction * math.pi / 4
    move(file, lambda x, y: (x + pixels * math.cos(angle), y + pixels * math.sin(angle)))


def mirror(file, side, axis="x", backwards=False):
    """Mirrors a contour in an image of so many columns and rows: left to right, or up to down where `axis` is y.
    `backwards` reverses the order of its points too, so that it runs as it did."""
    points = [(side - 1 - x, y) if axis == "x" else (x, side - 1 - y) for x, y in expect.points(file)]
    write(file, points[::-1] if backwards else points)


def scale(file, factor):
    cx, cy = centre(expect.points(file))
    move(file, lambda x, y: (cx + factor * (x - cx), cy + factor * (y - cy)))


def copy_labelled(source, root):
    """Copies a data directory without the images that no contour goes with: what is planted here is in the others."""
    shutil.copytree(source / "contourfiles", root / "contourfiles")
    shutil.copyfile(source / "link.csv", root / "link.csv")
    drawn = contours(root)
    with open(root / "link.csv", newline="") as table:
        originals = {row["patient_id"]: row["original_id"] for row in csv.DictReader(table)}
    for patient, original in originals.items():
        (root / "dicoms" / patient).mkdir(parents=True)
        for number in {number for letter in "io" for number in drawn.get((original, letter), ())}:
            shutil.copyfile(source / "dicoms" / patient / f"{number}.dcm", root / "dicoms" / patient / f"{number}.dcm")


def audit(program, root, *words):
    """The report of the audit."""
    result = subprocess.run([str(program), "audit", str(root), "--json", "-q", *words], stdin=subprocess.DEVNULL,
                            capture_output=True, text=True, timeout=120)
    assert result.returncode in (0, 3), result.stderr
    report = json.loads(result.stdout)
    errors = [finding for finding in report["findings"] if finding["severity"] == "error"]
    assert result.returncode == (3 if errors or report["rejected"] or report["rejected_rows"] else 0)
    return report


def about(report, root, files, severities=("error", "warning")):
    """The findings about `files`, and those about other ones."""
    names = {file.relative_to(root).as_posix() for file in files}
    mine, others = [], []
    for finding in report["findings"]:
        if finding["severity"] in severities:
            (mine if names & {finding["file"], *finding["others"]} else others).append(finding)
    return mine, others


def plants(root):
    """(kind, the files that are changed, what changes them) for every contour."""
    found = contours(root)
    patients = sorted({original for original, _ in found})
    for (original, letter), files in found.items():
        numbers = sorted(files)
        for rank, number in enumerate(numbers):
            file = files[number]
            for turn in range(4):
                for pixels in (10, 5, 3):
                    direction = (2 * turn + rank) % 8
                    yield f"shifted by {pixels} px", [file], lambda f=file, p=pixels, d=direction: shift(f, p, d)
            yield "mirrored", [file], lambda f=file: mirror(f, 256)
            yield "mirrored up to down", [file], lambda f=file: mirror(f, 256, "y")
            yield "mirrored, order reversed", [file], lambda f=file: mirror(f, 256, backwards=True)
            yield "mirrored up to down, order reversed", [file], lambda f=file: mirror(f, 256, "y", True)
            yield "scaled by 1.5", [file], lambda f=file: scale(f, 1.5)
            phases = 2 if letter == "i" else 1
            if letter == "i" and rank % 2 == 0:
                other = files[numbers[rank + 1]]
                yield "wrong phase", [file, other], lambda f=file, o=other: exchange(f, o)
            if rank + phases < len(numbers):
                other = files[numbers[rank + phases]]
                yield "wrong slice", [file, other], lambda f=file, o=other: exchange(f, o)
            beside = patients[(patients.index(original) + 1) % len(patients)]
            theirs = found[beside, letter]
            other = theirs[sorted(theirs)[min(rank, len(theirs) - 1)]]
            yield "swapped between patients", [file, other], lambda f=file, o=other: exchange(f, o)
            yield "copied to another patient", [file, other], lambda f=file, o=other: o.write_bytes(f.read_bytes())


def main(program, data, *kinds):
    rows, checks = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "data"
        copy_labelled(Path(data), root)
        for kind, files, plant in plants(root):
            if kinds and kind not in kinds:
                continue
            before = [file.read_bytes() for file in files]
            plant()
            mine, others = about(audit(program, root), root, files)
            for file, content in zip(files, before):
                file.write_bytes(content)
            row = rows.setdefault((kind, files[0].parts[-2][0]), [0, 0, 0, 0, 0])
            wrong = any(finding["severity"] == "error" for finding in mine)
            false = sum(finding["severity"] == "error" for finding in others)
            for column, value in enumerate((1, wrong, bool(mine), len(others) - false, false)):
                row[column] += value
            checks.setdefault(kind, Counter()).update({finding["check"] for finding in mine})
    print("defect, contours | planted | as errors | found | other warnings | other errors")
    for (kind, letter), row in sorted(rows.items()):
        print(f"{kind}, {letter} |", " | ".join(map(str, row)))
    for kind, counts in sorted(checks.items()):
        print(f"{kind}:", ", ".join(f"{check} {count}" for check, count in counts.most_common()))


if __name__ == "__main__":
    main(*sys.argv[1:])
