"""The command as functions: the native program of this package, run as a process of its own."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dicomprep._errors import DamageError, DataError, Error, UsageError

if TYPE_CHECKING:
    import subprocess

StrPath = str | os.PathLike[str]
Progress = bool | Callable[[str, int, int], None]

# Options that are given once for each value; lists of others are joined by commas, sizes by `x`.
_REPEATED = ("against", "check", "contour_name", "image_name", "reuse", "where")
_SIDES = ("size", "spacing")

_LINE = re.compile(r"^(?:dicomprep: )?(?P<stage>[^:]+): (?P<done>\d+)(?: of |/)(?P<total>\d+)")


class Summary(Mapping[str, Any]):
    """The report of a command, as `--json` prints it. Fields are attributes and keys."""

    def __init__(self, fields: dict[str, Any], exit_code: int) -> None:
        self._fields = fields
        self.exit_code = exit_code

    def __getattr__(self, name: str) -> Any:
        fields = self.__dict__.get("_fields", {})
        if name not in fields:
            raise AttributeError(name)
        value = fields[name]
        return Summary(value, self.exit_code) if isinstance(value, dict) else value

    def __getitem__(self, name: str) -> Any:
        return self._fields[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __repr__(self) -> str:
        return f"Summary({', '.join(f'{name}={value!r}' for name, value in self._fields.items())})"


def program() -> str:
    """The path of the native program.

    Raises `Error` where it is not installed.
    """
    import shutil
    import sysconfig

    folders = [sysconfig.get_path("scripts"), os.path.dirname(sys.executable), os.path.expanduser("~/.local/bin")]
    for folder in folders:
        path = os.path.join(folder, "dicomprep")
        if os.access(path, os.X_OK):
            return path
    found = shutil.which("dicomprep")
    if found is None:
        raise Error("the program dicomprep is not in the scripts of this Python; install the wheel again")
    return found


def prep(data_dir: StrPath | Sequence[StrPath], output: StrPath | None = None, *, progress: Progress = False, **options: Any) -> Summary:
    """Packs folders of images and annotations into one HDF5 file, as `dicomprep prep` does with the same options.

    Returns its report; `exit_code` is 3 where something was rejected, which `rejected` lists. Ctrl-C stops it and leaves
    no file. Raises `UsageError`, `DataError`.
    """
    place = [] if output is None else ["-o", os.fspath(output)]
    return _run("prep", [*_paths(data_dir), *place], options, progress)


def plan(data_dir: StrPath | Sequence[StrPath], **options: Any) -> Summary:
    """The report of `prep` without reading a pixel: `dicomprep prep --dry-run`."""
    return _run("prep", [*_paths(data_dir), "--dry-run"], options, False)


def audit(data_dir: StrPath | Sequence[StrPath], *, progress: Progress = False, **options: Any) -> Summary:
    """Checks images and contours, as `dicomprep audit` does. `exit_code` is 3 where errors were found."""
    return _run("audit", _paths(data_dir), options, progress)


def verify(file: StrPath, *, progress: Progress = False, **options: Any) -> Summary:
    """Compares a file with its checksums, and with its sources where `against` names them.

    Raises `DamageError` where there is a problem; its `summary` is the report.
    """
    return _run("verify", [os.fspath(file)], options, progress)


def info(file: StrPath, **options: Any) -> Summary:
    """What a file holds, as `dicomprep info` prints it."""
    return _run("info", [os.fspath(file)], options, None)


def _paths(given: StrPath | Sequence[StrPath]) -> list[str]:
    return [os.fspath(path) for path in ([given] if isinstance(given, str | os.PathLike) else given)]


def flags(options: dict[str, Any]) -> list[str]:
    """Keyword arguments as flags: `mask_rule="center"` is `--mask-rule center`, True a switch, a list all of its values."""
    given: list[str] = []
    for name, value in options.items():
        flag = "--" + name.rstrip("_").replace("_", "-")
        if value is None or value is False:
            continue
        if value is True:
            given.append(flag)
        elif not isinstance(value, list | tuple):
            given.append(f"{flag}={_text(value)}")
        elif name in _REPEATED:
            given += [f"{flag}={_text(one)}" for one in value]
        else:
            given.append(f"{flag}={('x' if name in _SIDES else ',').join(_text(one) for one in value)}")
    return given


def _text(value: Any) -> str:
    return str(os.fspath(value) if isinstance(value, os.PathLike) else value)


def _run(command: str, places: list[str], options: dict[str, Any], progress: Progress | None) -> Summary:
    # Not at the top: `import dicomprep` is half as long without them.
    import subprocess
    import tempfile

    if options.get("report"):
        raise UsageError("this function returns the report: json.dump(dict(summary), file) writes it")
    with tempfile.TemporaryDirectory(prefix="dicomprep-") as folder:
        report = os.path.join(folder, "report.json")
        asked = [] if progress is None else ["--progress", "plain" if progress else "none"]
        arguments = [program(), command, *asked, f"--report={report}", *flags(options), *places]
        process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            text = _listen(process, progress)
            code = process.wait()
        except BaseException:
            # Ctrl-C has reached the program too; it removes what it had begun.
            process.terminate()
            process.wait()
            raise
        fields = _read(report)
    if code in (0, 3):
        return Summary(fields, code)
    raise _failure(code, text, fields if command == "verify" else {})


def _read(report: str) -> dict[str, Any]:
    try:
        with open(report, encoding="utf-8") as file:
            fields: dict[str, Any] = json.load(file)
            return fields
    except FileNotFoundError:
        return {}


def _failure(code: int, text: str, fields: dict[str, Any]) -> Error:
    message = text.strip().removeprefix("dicomprep: ").removeprefix("error: ")
    if code == 2:
        return UsageError(message)
    if fields:
        damage = DamageError(message)
        damage.summary = Summary(fields, code)
        return damage
    return DataError(message)


def _listen(process: subprocess.Popen[str], progress: Progress | None) -> str:
    """Standard error until its end, progress lines told to `progress` and left out."""
    if process.stderr is None:
        return ""
    tell = _teller(progress)
    kept: list[str] = []
    for line in process.stderr:
        stage = _LINE.match(line) if progress else None
        if stage:
            tell(stage["stage"], int(stage["done"]), int(stage["total"]))
        else:
            kept.append(line)
    return "".join(kept)


def _teller(progress: Progress | None) -> Callable[[str, int, int], None]:
    if callable(progress):
        return progress
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return lambda stage, done, total: None
    bars: dict[str, Any] = {}

    def tell(stage: str, done: int, total: int) -> None:
        bar = bars.get(stage) or bars.setdefault(stage, tqdm(total=total, desc=stage))
        bar.update(done - bar.n)

    return tell
