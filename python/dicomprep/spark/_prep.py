"""`prep` on a cluster: Spark places, retries and watches the shards of one plan."""

from __future__ import annotations

import os
import re
import shutil
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dicomprep import _errors
from dicomprep._command import Progress, StrPath, Summary, _run, _teller, flags
from dicomprep._errors import DataError, Error, UsageError
from dicomprep.spark._shard import Work, make

if TYPE_CHECKING:
    from pyspark import SparkContext
    from pyspark.sql import DataFrame, SparkSession

# Options that name files or folders, which executors open too.
_PATHS_OF_SHARDS = ("config", "link", "dicoms", "contours", "table", "pseudonym_key")
# Options of `prep` that a shard takes too; all others are those of the plan.
_OF_SHARDS = (*_PATHS_OF_SHARDS, "report_ids", "max_image_bytes", "max_image_pixels")
# Options that say where the output goes, or how one machine goes on.
_NOT_HERE = ("report", "shard", "plan", "plan_only", "print_config", "dry_run", "reuse", "fresh", "segment_rows")
_MESSAGE = re.compile(r"dicomprep\._errors\.(\w+): (.*)")
_REJECTED = "shard int, file string, reason string, detail string"
_SHARDS = "shard int, attempt long, host string, samples long, bytes long, seconds double"
# Seconds between two looks at the accumulators, and between two attempts to remove a folder.
_LOOK_SECONDS = 0.5
_SWEEPS = 20


@dataclass(frozen=True)
class Packed:
    """The result of `prep` on a cluster."""

    plan: Summary
    """The report of the plan."""
    merge: Summary
    """The report of `merge`."""
    shards: DataFrame
    """One row a shard: number, attempt that was taken, host, samples, bytes, seconds."""
    rejected: DataFrame
    """One row for each file or row that was rejected; `shard` is null where the plan has left it out."""
    exit_code: int
    """0, or 3 where something was rejected."""


@dataclass(frozen=True)
class _Output:
    path: str
    is_virtual: bool
    force: bool
    strict: bool


def prep(spark: SparkSession, data_dir: StrPath, output: StrPath, *, shards: int = 64, virtual: bool = False,
         force: bool = False, strict: bool = False, progress: Progress = False, program: str | None = None,
         **options: Any) -> Packed:
    """Packs a folder into one HDF5 file on the cluster of `spark`: the bytes of `dicomprep.prep` with the same options.

    `data_dir` and the folder of `output` are seen by the driver and all executors under the same path, and dicomprep is
    installed on each. The driver plans once, on `threads`, and merges; each task makes one of `shards`, with as many
    threads as `spark.task.cpus`. With `virtual`, the output refers to the shards, which stay in `<output>.shards`;
    otherwise nothing but the output is left. `progress` is told the samples of finished shards. `program` is the path of
    the native program on executors, where it is not found.

    Raises `UsageError`, and `DataError` where a shard has failed as often as `spark.task.maxFailures` allows, or, with
    `strict`, where something was rejected.
    """
    target = _Output(os.path.abspath(output), virtual, force, strict)
    data_dir = os.path.abspath(data_dir)
    _check(spark, shards, target, options)
    folder = f"{target.path}.shards"
    try:
        os.mkdir(folder)
    except FileExistsError:
        raise UsageError(f"{folder} exists: it has the shards of a virtual file, or another run is at work there, or was "
                         "killed; remove it, or choose another output") from None
    try:
        work = Work(data_dir, os.path.join(folder, "plan.dicomplan"), os.path.join(folder, "_attempts"), shards,
                    _flags_of_shards(options), program)
        packed = _pack(spark, work, target, options, progress)
    except BaseException:
        _sweep(folder)
        raise
    _sweep(work.attempts if virtual else folder)
    return packed


def _check(spark: SparkSession, shards: int, output: _Output, options: dict[str, Any]) -> None:
    if not hasattr(spark, "_jsc"):
        raise UsageError("prep needs a classic Spark session: Spark Connect has no SparkContext")
    if shards < 1:
        raise UsageError(f"{shards} shards: at least 1 is needed")
    wrong = [name for name in options if name in _NOT_HERE]
    if wrong:
        raise UsageError(f"{', '.join(wrong)} cannot be given here")
    if os.path.exists(output.path) and not output.force:
        raise DataError(f"{output.path} exists; force=True replaces it")


def _flags_of_shards(options: dict[str, Any]) -> tuple[str, ...]:
    given = {name: value for name, value in options.items() if name in _OF_SHARDS}
    paths = {name: os.path.abspath(given[name]) for name in _PATHS_OF_SHARDS if given.get(name) is not None}
    return tuple(flags({**given, **paths}))


def _pack(spark: SparkSession, work: Work, output: _Output, options: dict[str, Any], progress: Progress) -> Packed:
    plan = _run("prep", [work.data_dir, "--plan-only", "-o", work.plan], {**options, "strict": output.strict}, progress)
    os.mkdir(work.attempts)
    made = _make_all(spark, work, int(plan["samples"]), progress)
    rejected = [_rejected(None, entry) for entry in [*plan["rejected"], *plan["rejected_rows"]]]
    rejected += [_rejected(one["shard"], entry) for one in made for entry in [*one["rejected"], *one["rejected_rows"]]]
    if rejected and output.strict:
        _, file, _, detail = rejected[0]
        raise DataError(f"strict allows nothing to be rejected, and {len(rejected)} were, the first of them {file}: {detail}")
    paths = [_commit(work, one) for one in made]
    kind = ["--virtual"] if output.is_virtual else []
    merged = _run("merge", [*kind, "-o", output.path, *paths], {"force": output.force}, None)
    rows = [(one["shard"], one["attempt"], one["host"], one["samples"], one["bytes"], one["seconds"]["wall"])
            for one in made]
    is_complete = plan.exit_code == 0 and not any(one["exit_code"] for one in made)
    return Packed(plan, merged, spark.createDataFrame(rows, _SHARDS), spark.createDataFrame(rejected, _REJECTED),
                  0 if is_complete else 3)


def _make_all(spark: SparkSession, work: Work, samples: int, progress: Progress) -> list[dict[str, Any]]:
    """All shards, each by the attempt that Spark took."""
    context = spark.sparkContext
    # Updates of result tasks count once a shard, whatever is retried.
    images, read = context.accumulator(0), context.accumulator(0)

    def task(index: int) -> dict[str, Any]:
        made = make(work, index)
        images.add(made["samples"])
        read.add(made["bytes_in"])
        return made

    with _job(context, f"dicomprep prep {work.data_dir}: {work.shards} shards, {samples} samples"):
        with _told(progress, samples, lambda: int(images.value)):
            try:
                made = context.parallelize(range(work.shards), work.shards).map(task).collect()
            except Exception as error:
                found = _MESSAGE.search(str(error))
                if not found:
                    raise
                kind = getattr(_errors, found[1], Error)
                raise kind(found[2].strip()) from error
    return sorted(made, key=lambda one: int(one["shard"]))


@contextmanager
def _job(context: SparkContext, description: str) -> Iterator[None]:
    """Names the jobs of the body in Spark's pages, and cancels them where it is left early, as by Ctrl-C."""
    earlier = context.getLocalProperty("spark.job.description")
    tag = f"dicomprep-{uuid.uuid4().hex}"
    context.setJobDescription(description)
    context.addJobTag(tag)
    try:
        yield
    except BaseException:
        context.cancelJobsWithTag(tag)
        raise
    finally:
        context.removeJobTag(tag)
        context.setJobDescription(earlier)


@contextmanager
def _told(progress: Progress, total: int, done: Any) -> Iterator[None]:
    """Tells `progress` every now and then how many are done, while the body runs."""
    if not progress:
        yield
        return
    tell, ended = _teller(progress), threading.Event()

    def look() -> None:
        while not ended.wait(_LOOK_SECONDS):
            tell("making shards", done(), total)
        tell("making shards", done(), total)

    thread = threading.Thread(target=look, name="dicomprep-progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _commit(work: Work, made: dict[str, Any]) -> str:
    """Gives the file of the attempt that was taken the name of its shard."""
    name = f"shard-{made['shard']:05}-of-{work.shards:05}.h5"
    path = os.path.join(os.path.dirname(work.plan), name)
    os.rename(made["path"], path)
    return path


def _rejected(shard: int | None, entry: dict[str, Any]) -> tuple[int | None, str, str, str]:
    return shard, str(entry.get("file", "")), str(entry.get("reason", "")), str(entry.get("detail", ""))


def _sweep(folder: str) -> None:
    """Removes a folder in which attempts that Spark has given up may still write for a moment."""
    for _ in range(_SWEEPS):
        shutil.rmtree(folder, ignore_errors=True)
        if not os.path.exists(folder):
            return
        time.sleep(_LOOK_SECONDS)
