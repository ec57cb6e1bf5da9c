"""Writes docs/options.md from the help of the program: python docs/options.py PROGRAM [FILE]"""

import os
import re
import subprocess
import sys
from pathlib import Path

HEAD = """# Options

This page is the help of every command, written by `make docs`. `dicomprep COMMAND -h` prints a shorter form.

`prep --config FILE` reads options from a TOML file. Its keys are the names of the flags without the dashes, its values
texts, numbers, `true` and `false`, or lists: `structures = ["inner", "outer"]`, `size = "256x256"`, `strict = true`. Paths
are relative to the working directory. A flag on the command line wins over the file. `prep DATA_DIR --print-config` prints
all options as such a file.
"""


def help_of(program, *words):
    # As wide anywhere, whatever the terminal.
    environment = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1"}
    done = subprocess.run([program, *words, "--help"], check=True, capture_output=True, text=True, env=environment)
    return done.stdout


def commands(program):
    """Names of the subcommands, in the order of the help."""
    listed = help_of(program).partition("Commands:\n")[2].partition("\n\n")[0]
    names = re.findall(r"^  (\S+)", listed, re.MULTILINE)
    return [name for name in names if name != "help"]


def page(program):
    names = commands(program)
    parts = [HEAD, "\n".join(f"- [{name}](#{name})" for name in names) + "\n"]
    for name in names:
        text = "\n".join(line.rstrip() for line in help_of(program, name).splitlines())
        parts.append(f"## {name}\n\n```text\n{text}\n```\n")
    return "\n".join(parts)


if __name__ == "__main__":
    program, *rest = sys.argv[1:]
    target = Path(rest[0]) if rest else Path(__file__).with_name("options.md")
    target.write_text(page(program), encoding="utf-8")
