"""Batches of a stream."""

from __future__ import annotations

import json
import operator
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from dicomprep._errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from typing_extensions import CapsuleType
    from numpy.typing import NDArray

    from dicomprep._dataset import Dataset

# Of the compiled module, or of a service: `_remote.Stream` and others have the same methods.
Stream = Any
RawBatch = tuple[Any, Any, Any, Any, int, int, str | None]

# Options of `Dataset.batches` that the bytes do not depend on.
WORK_OPTIONS = ("threads", "prefetch", "cache", "verify")
# Options that choose rows.
SELECTION = ("split", "fold", "held_out", "where")


class Batch:
    """Samples of one batch. Unpacks as `images, masks`.

    The arrays are writable and belong to this batch: no later batch is written into them while they, or arrays that
    share their memory, are referenced.
    """

    __slots__ = ("_numbers", "_source", "epoch", "images", "index", "masks", "next_cursor")

    images: NDArray[Any]
    """Images (N, H, W, C), or (N, C, H, W) with layout `nchw`."""
    masks: NDArray[Any]
    """Masks (N, H, W, K), or (N, K, H, W): one plane for each structure."""
    epoch: int
    """The epoch, from 0."""
    index: int
    """The number of the batch in its epoch, from 0."""
    next_cursor: str | None
    """`start=` of a stream that goes on after this batch; None after the last."""

    def __init__(self, raw: RawBatch, dataset: Dataset, stream: Stream) -> None:
        self.images, self.masks, *self._numbers, self.epoch, self.index, self.next_cursor = raw
        self._source = (dataset, stream)

    @property
    def rows(self) -> NDArray[np.int32]:
        """The row of the file of each sample (N,): int32, or int64 where a file has more rows."""
        return self._number(0)

    @property
    def position(self) -> NDArray[np.int32]:
        """The position in the epoch of each sample, all ranks together (N,): int32, or int64 in larger epochs."""
        return self._number(1)

    def _number(self, which: int) -> NDArray[np.int32]:
        if self._numbers[which] is None:
            self._ask()
        numbers: NDArray[np.int32] = self._numbers[which]
        return numbers

    def _ask(self) -> list[dict[str, Any]] | None:
        """Has a service say which samples these are; returns what was drawn for them."""
        import numpy as np

        samples = self._source[1].samples_of(self.epoch, self.index)
        self._numbers = [np.array(samples[name], np.int32) for name in ("rows", "positions")]
        drawn: list[dict[str, Any]] | None = samples["augmentation"]
        return drawn

    @property
    def cursor(self) -> str:
        """The place of this batch and its stream, `EPOCH:BATCH@STREAM`; `start=` of a stream that begins with it."""
        return str(self._source[1].cursor(self.epoch, self.index))

    @property
    def ids(self) -> list[str]:
        """The id of each sample."""
        ids = self._source[0].columns["id"]
        return [str(ids[row]) for row in self.rows]

    @property
    def augmentation(self) -> list[dict[str, Any]] | None:
        """What was drawn for each sample; None where the stream is not augmented."""
        if hasattr(self._source[1], "samples_of"):
            return self._ask()
        drawn = [self._source[1].draw(self.epoch, int(row)) for row in self.rows]
        return [json.loads(text) for text in drawn if text is not None] or None

    def __iter__(self) -> Iterator[NDArray[Any]]:
        yield self.images
        yield self.masks

    def __repr__(self) -> str:
        return f"Batch({self.epoch}:{self.index}, images {self.images.shape}, masks {self.masks.shape})"

    def _repr_html_(self) -> str:
        from dicomprep._html import strip

        dataset, stream = self._source
        images, masks = self.images[:8], self.masks[:8]
        if stream.image[2][0] == "channel":
            images, masks = images.transpose(0, 2, 3, 1), masks.transpose(0, 2, 3, 1)
        # Of neighbouring slices or phases, the one that the masks are of.
        own = dataset.image_shape[2]
        first = (images.shape[3] - own) // 2
        return f"<p>{self!r}</p>{strip(list(zip(images[..., first : first + own], masks, strict=True)))}"


class Batches(Iterator[Batch]):
    """An iterator of `Batch`, decoded ahead on threads. No thread runs before the first batch.

    Several threads may take batches from it. After a fork the child goes on by itself from the same batch. It pickles as
    file, options and cursor.
    """

    def __init__(self, dataset: Dataset, options: dict[str, Any], start: str = "0:0") -> None:
        if not isinstance(start, str):
            raise UsageError(f"start is {start!r}, which is no cursor; take `cursor` or `next_cursor` of a batch, or '0:0'")
        self._dataset = dataset
        self._options = options
        self._stream, self._work = make_stream(dataset, options)
        self._cursor: str | None = start
        self._running: Any = self._stream.batches(start, self._work)
        self._process = os.getpid()

    @property
    def cursor(self) -> str | None:
        """The cursor of the next batch; None where none is left."""
        return self._cursor

    @property
    def batches_per_epoch(self) -> int:
        """Number of batches in each epoch of this rank."""
        return int(self._stream.batches_per_epoch)

    def __iter__(self) -> Batches:
        return self

    def __next__(self) -> Batch:
        running = self._running
        if running is None:
            raise StopIteration
        if self._process != os.getpid():
            if self._cursor is None:
                raise StopIteration
            running = self._running = self._stream.batches(self._cursor, self._work)
            self._process = os.getpid()
        raw = running.take()
        if raw is None:
            self.close()
            raise StopIteration
        self._cursor = raw[6]
        return Batch(raw, self._dataset, self._stream)

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> CapsuleType:
        """The batches from the next one on as Arrow record batches, with the columns of `dicomprep batches --format arrow`.

        Images and masks are not copied. They are decoded apart from this iterator, which stays where it is.
        """
        if self._cursor is None:
            raise UsageError("no batch is left; call batches() again")
        options, work = split_options(self._options)
        capsule: CapsuleType = self._dataset._raw.arrow_batches(options, self._cursor, work)
        return capsule

    def close(self) -> None:
        """Stops the threads and frees what was decoded ahead. Batches that were taken stay as they are."""
        running, self._running = self._running, None
        if running is not None and self._process == os.getpid():
            running.close()

    def __enter__(self) -> Batches:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        if self._cursor is None:
            raise UsageError("no batch is left to pickle")
        return Batches, (self._dataset, self._options, self._cursor)


def make_stream(dataset: Dataset, options: dict[str, Any]) -> tuple[Stream, dict[str, Any]]:
    """The stream of `options`, and those of them that say how to decode it."""
    text, work = split_options(options)
    return dataset._raw.stream(text), work


def split_options(options: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The options of a stream as JSON, and those that say how to decode it."""
    options = dict(options)
    if "no_verify" in options:
        options["verify"] = not options.pop("no_verify")
    work = {name: options.pop(name) for name in WORK_OPTIONS if name in options}
    work = {name: value for name, value in work.items() if value is not None}
    for name in ("threads", "prefetch"):
        if name in work:
            work[name] = whole_number(name, work[name], 1)
    if "cache" in work:
        work["cache"] = byte_count(work["cache"])
    return to_json(options), work


def to_json(options: dict[str, Any]) -> str:
    """Options as JSON; None leaves one out, but for `epochs`, where it is without end."""
    given = {name: value for name, value in options.items() if value is not None}
    if "epochs" in options and options["epochs"] is None:
        given["epochs"] = 0
    return json.dumps(given, default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if hasattr(value, "tolist"):  # numbers and arrays of numpy
        return value.tolist()
    raise UsageError(f"{value!r} is no value of an option")


def whole_number(name: str, value: Any, least: int) -> int:
    """The value of an option that counts something."""
    try:
        number = operator.index(value)
    except TypeError:
        number = least - 1
    if number < least:
        raise UsageError(f"`{value}` is no value of `{name}`: use a whole number from {least}")
    return number


def byte_count(value: Any) -> int:
    """A number of bytes, or a text such as `512M`."""
    if not isinstance(value, str):
        return whole_number("cache", value, 0)
    digits = value.rstrip("KMGTiBkmgtb")
    shift = {"": 0, "K": 10, "M": 20, "G": 30, "T": 40}.get(value[len(digits) :].upper().rstrip("B").rstrip("I"))
    if not digits.isdigit() or shift is None:
        raise UsageError(f"`{value}` is no value of `cache`: use a number of bytes, or with K, M, G or T for powers of 1024")
    return int(digits) << shift
