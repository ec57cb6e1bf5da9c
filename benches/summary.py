#!/usr/bin/env python3
"""Prints one table of what the benchmarks have measured, out of the rows that they have left (common.summarize)."""

import json
import sys
from pathlib import Path

import common


def table(rows):
    """The rows in Markdown, in the order in which they were measured; of one measured again, the last."""
    last = {(row["about"], row["what"], row["peer"]): row for row in rows}
    lines = ["| | | dicomprep | times as good | as |", "|---|---|---|---|---|"]
    for row in last.values():
        times = "" if row["times"] is None else f"{row['times']:.2f}"
        lines.append(f"| {row['about']} | {row['what']} | {row['figure']} | {times} | {row['peer']} |")
    return "\n".join(lines)


def main():
    words = common.parser(__doc__)
    words.add_argument("rows", type=Path, help="file of the rows")
    args = words.parse_args()
    if not args.rows.exists():
        sys.exit(f"{args.rows} is missing: run `make bench`")
    rows = [json.loads(line) for line in args.rows.read_text().splitlines()]
    print(f"\n{common.version(common.programs(args.target)[0])}; {common.machine()}\n\n{table(rows)}")


if __name__ == "__main__":
    main()
