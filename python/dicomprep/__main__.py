"""`python -m dicomprep` is the command."""

import os
import sys

from dicomprep._command import program


def main() -> None:
    """Becomes the command, so that signals and exit codes are its own."""
    path = program()
    os.execv(path, [path, *sys.argv[1:]])


if __name__ == "__main__":
    main()
