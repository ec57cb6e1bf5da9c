"""An open data set."""

from __future__ import annotations

import operator
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, SupportsIndex

from dicomprep import _dicomprep
from dicomprep._batches import Batches, to_json
from dicomprep._errors import UsageError

if TYPE_CHECKING:
    from typing_extensions import CapsuleType

    from numpy.typing import NDArray

StrPath = str | os.PathLike[str]


class Columns(Mapping[str, "NDArray[Any]"]):
    """The columns of `/samples` as numpy arrays, one entry a row. Texts are arrays of `str`. Each is read once."""

    def __init__(self, raw: Any, rows: NDArray[Any] | None) -> None:
        self._raw = raw
        self._rows = rows
        self._read: dict[str, NDArray[Any]] = {}

    def __getitem__(self, name: str) -> NDArray[Any]:
        import numpy as np

        if name not in self._raw.column_names():
            raise KeyError(name)
        if name not in self._read:
            values, shape = self._raw.column(name)
            column = np.asarray(values).reshape(shape)
            self._read[name] = column if self._rows is None else column[self._rows]
        return self._read[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._raw.column_names())

    def __len__(self) -> int:
        return len(self._raw.column_names())

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> CapsuleType:
        """One Arrow record batch of all columns, for `pyarrow.table(columns)`, `polars.DataFrame(columns)` and DuckDB."""
        capsule: CapsuleType = self._raw.arrow_columns(None if self._rows is None else self._rows.tolist())
        return capsule

    def to_pandas(self) -> Any:
        """A `pandas.DataFrame`, one line a row. Columns with several values a row become several columns."""
        import pandas

        table: dict[str, Any] = {}
        for name, column in self.items():
            if column.ndim == 1:
                table[name] = column
            else:
                flat = column.reshape(len(column), -1)
                table.update({f"{name}.{index}": flat[:, index] for index in range(flat.shape[1])})
        return pandas.DataFrame(table)


class Dataset(Sequence[tuple["NDArray[Any]", "NDArray[Any]"]]):
    """An open data set. `data[i]` is the stored image (H, W, C) and mask (H, W, K) of a row.

    The HDF5 handle is closed once the tables are read. Any number of threads may use it, and a forked process. It pickles
    as its path and selection.
    """

    def __init__(self, *paths: StrPath, token: str | None = None, options: dict[str, Any] | None = None) -> None:
        urls = [path for path in paths if isinstance(path, str) and path.startswith(("http://", "https://"))]
        # Absolute, so that a process in another folder opens the same file.
        self._paths = urls or [os.path.abspath(path) for path in paths]
        self._token = token
        self._raw = _remote(urls, len(paths), token) if urls else _dicomprep.Dataset(self._paths)
        self._options: dict[str, Any] = {}
        self._rows: list[int] | None = None
        self.columns = Columns(self._raw, None)
        if options:
            self._select(options)

    def _select(self, options: dict[str, Any]) -> None:
        import numpy as np

        self._options = options
        self._rows = self._raw.select(to_json(options))
        self._selected = Columns(self._raw, np.asarray(self._rows))

    def _with(self, options: dict[str, Any]) -> Dataset:
        other = object.__new__(Dataset)
        other._paths, other._token, other._raw, other.columns = self._paths, self._token, self._raw, self.columns
        other._select(options)
        return other

    @property
    def path(self) -> str:
        """The path of the file, or of the first shard; the URL of a data set of a service."""
        return self._paths[0]

    @property
    def structures(self) -> list[str]:
        """The mask planes, in order."""
        return self._raw.structures

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Rows, columns and channels of each image."""
        return self._raw.image_shape

    @property
    def statistics(self) -> dict[str, float | None]:
        """Mean, standard deviation, range and outer percentiles of the pixels of the train split."""
        return self._raw.statistics()

    @property
    def rows(self) -> list[int]:
        """The rows of the file that are selected, in its order."""
        return list(range(len(self._raw))) if self._rows is None else list(self._rows)

    @property
    def selected_columns(self) -> Columns:
        """The columns, with one entry for each selected row."""
        return self.columns if self._rows is None else self._selected

    def split(self, name: str) -> Dataset:
        """The rows of a split: `train`, `val` or `test`."""
        return self._with({**self._options, "split": name})

    def fold(self, number: int, *, held_out: bool = False) -> Dataset:
        """The rows of all folds but `number`, to train with; with `held_out`, those of `number`, to validate with."""
        return self._with({**self._options, "fold": number, "held_out": held_out})

    def where(self, *conditions: str) -> Dataset:
        """The rows that meet all conditions, as in `mask_pixels.inner>50`."""
        return self._with({**self._options, "where": [*self._options.get("where", []), *conditions]})

    def batches(self, *, start: str = "0:0", **options: Any) -> Batches:
        """Batches for training, from the cursor `start`, as `dicomprep batches` makes them with the same options.

        `batch_size=32`, `split=None`, `fold=None`, `held_out=False`, `where=[]`, `structures=[]`, `balance=None`, `seed=0`, `shuffle=True`, `epochs=1`
        (None or 0 without end), `rank=0`, `world_size=1`, `uneven="pad"`, `drop_last=False`, `neighbours=0`, `phases=0`, `edges="repeat"`, `size=None`, `crop=None`, `layout="nhwc"`,
        `image_dtype="float32"`, `mask_dtype="uint8"`, `normalize="none"`, `window=None`, `augment=None`, all ranges of
        Keras' `ImageDataGenerator`, and `threads`, `prefetch`, `cache`, `verify`, which the bytes do not depend on.

        Raises `UsageError` where options are wrong, `DataError` where they do not go with the file, `DamageError` where a
        sample does not have its checksum.
        """
        return Batches(self, self._merged(options), start)

    def _merged(self, options: dict[str, Any]) -> dict[str, Any]:
        given = options.get("where") or []
        conditions = [*self._options.get("where", []), *([given] if isinstance(given, str) else given)]
        merged = {**self._options, **options}
        return {**merged, "where": conditions} if conditions else merged

    def __len__(self) -> int:
        return len(self._raw) if self._rows is None else len(self._rows)

    def __getitem__(self, index: SupportsIndex) -> tuple[NDArray[Any], NDArray[Any]]:  # type: ignore[override]
        try:
            row = operator.index(index)
        except TypeError:
            raise TypeError(f"{index!r} is no row: use a whole number, and split() or where() for several rows") from None
        if row < 0:
            row += len(self)
        if not 0 <= row < len(self):
            raise IndexError(f"row {index} of {len(self)}")
        return self._raw.row(row if self._rows is None else self._rows[row])

    def __repr__(self) -> str:
        height, width, channels = self.image_shape
        shape = f"{height} x {width} x {channels}"
        return f"Dataset({self.path!r}, {len(self)} samples of {shape}, structures {', '.join(self.structures)})"

    def _repr_html_(self) -> str:
        from dicomprep._html import page

        return page(self)

    def show(self, row: int) -> Any:
        """The image of a row with the outlines of its masks, for a notebook."""
        from dicomprep._html import Picture

        return Picture(*self[row])

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopen, (self._paths, self._options, self._token)


def _reopen(paths: list[str], options: dict[str, Any], token: str | None) -> Dataset:
    return Dataset(*paths, token=token, options=options)


def _remote(urls: list[str], given: int, token: str | None) -> Any:
    """The data set of a service."""
    # Not at the top: `import dicomprep` is half as long without HTTP.
    from dicomprep._remote import Dataset as Remote

    if given > 1:
        raise UsageError("open one URL at a time")
    return Remote(urls[0], token)


def open(*paths: StrPath, token: str | None = None) -> Dataset:
    """Opens a file that `prep` wrote, all shards of one plan, or a data set of `dicomprep serve` by its URL.

    A URL is `http://HOST:PORT/datasets/NAME`; `token`, or DICOMPREP_TOKEN in the environment, is sent to services that ask
    for one. Batches are byte for byte those of the file. A stream that is cut goes on at its next batch, for as long as the
    service answers within a minute.

    Raises `DataError` where it cannot be read.
    """
    if not paths:
        raise UsageError("name the file to open")
    return Dataset(*paths, token=token)
