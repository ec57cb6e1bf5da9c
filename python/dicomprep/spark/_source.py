"""`spark.read.format("dicomprep")`: rows of a file as a DataFrame."""

from __future__ import annotations

import glob
import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from pyspark.sql.datasource import DataSource, DataSourceReader, InputPartition
from pyspark.sql.types import (
    ArrayType,
    BinaryType,
    DataType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    ShortType,
    StringType,
    StructField,
    StructType,
)

from dicomprep._dataset import Dataset
from dicomprep._errors import DataError, UsageError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# Spark has no unsigned integers and no 16-bit floats: each number goes into the next type that holds all its values.
_NUMBERS: dict[str, tuple[DataType, pa.DataType]] = {
    "int8": (ShortType(), pa.int16()),
    "uint8": (ShortType(), pa.int16()),
    "int16": (ShortType(), pa.int16()),
    "uint16": (IntegerType(), pa.int32()),
    "int32": (IntegerType(), pa.int32()),
    "uint32": (LongType(), pa.int64()),
    "int64": (LongType(), pa.int64()),
    "float32": (FloatType(), pa.float32()),
    "float64": (DoubleType(), pa.float64()),
}
_PIXELS = ("image", "mask")
_ROWS_OF_A_PARTITION = 1024
_ROWS_OF_A_BATCH = 64
# The beginning of the message where a selection is empty.
_NO_ROW = "no row of "


@dataclass(frozen=True)
class Column:
    """A column of the DataFrame: its types, and what a program needs to know of its values beside them."""

    spark: DataType
    arrow: pa.DataType
    metadata: dict[str, Any] | None = None

    def listed(self, depth: int) -> Column:
        """Lists of such values, `depth` levels deep."""
        spark, arrow = self.spark, self.arrow
        for _ in range(depth):
            spark, arrow = ArrayType(spark, False), pa.list_(pa.field("element", arrow, False))
        return Column(spark, arrow)


def _is_digest(name: str) -> bool:
    return name.endswith("_sha256")


def _has_own_sizes(data: Dataset) -> bool:
    """True if images differ in size, as `prep --size varied` stores them."""
    sides = ("image_rows", "image_columns")
    return set(sides) <= set(data.columns) and any(np.ptp(data.columns[side]) > 0 for side in sides)


def _column(data: Dataset, name: str, pixels: str) -> Column:
    """The types of a column called `name`."""
    if name in _PIXELS:
        array = data[0][_PIXELS.index(name)]
        metadata: dict[str, Any] = {"dtype": array.dtype.name}
        # Images of their own sizes have them in image_rows and image_columns.
        if not _has_own_sizes(data):
            metadata["shape"] = list(array.shape)
        if pixels == "binary":
            return Column(BinaryType(), pa.binary(), metadata)
        floats = Column(FloatType(), pa.float32()).listed(1)
        return Column(floats.spark, floats.arrow, metadata)
    if name == "row":
        return Column(LongType(), pa.int64())
    try:
        values = data.columns[name]
    except KeyError:
        known = ", ".join(["row", *data.columns, *_PIXELS])
        raise UsageError(f"there is no column {name}; there are {known}") from None
    if _is_digest(name) and values.dtype == np.uint8:
        return Column(BinaryType(), pa.binary()).listed(values.ndim - 2)
    if values.dtype.kind not in "uif":
        return Column(StringType(), pa.string()).listed(values.ndim - 1)
    return Column(*_NUMBERS[values.dtype.name]).listed(values.ndim - 1)


def _values(column: np.ndarray[Any, Any], kind: pa.DataType) -> list[Any]:
    """The values of a column of a file as Arrow takes them."""
    if kind == pa.binary():
        return [row.tobytes() for row in column]
    if kind == pa.list_(pa.field("element", pa.binary(), False)):
        return [[one.tobytes() for one in row] for row in column]
    return list(column.tolist())


@dataclass
class Rows(InputPartition):  # type: ignore[misc, unused-ignore]
    """Selected rows `first` to `end` - 1."""

    first: int
    end: int

    def __init__(self, first: int, end: int) -> None:
        super().__init__((first, end))
        self.first, self.end = first, end


@dataclass(frozen=True)
class Source:
    """The options of a read."""

    paths: Sequence[str]
    columns: Sequence[str] | None
    split: str | None
    where: Sequence[str]
    pixels: str
    partitions: int | None

    @classmethod
    def of(cls, options: Any) -> Source:
        known = {"path", "columns", "split", "where", "pixels", "partitions"}
        # Spark gives the names as they were written, and takes them in any case.
        options = {name.lower(): value for name, value in options.items()}
        wrong = sorted(set(options) - known)
        if wrong:
            raise UsageError(f"no option {', '.join(wrong)}; there are {', '.join(sorted(known))}")
        given = options.get("path")
        if not given:
            raise UsageError("no file is named: load(\"final_data.h5\")")
        # A pattern names shards, `shard-*.h5`.
        paths = [given] if os.path.exists(given) else sorted(glob.glob(given)) or [given]
        pixels = options.get("pixels", "binary")
        if pixels not in ("binary", "float"):
            raise UsageError(f"pixels is {pixels!r}; it can be binary or float")
        return cls(tuple(os.path.abspath(path) for path in paths), _words(options.get("columns")), options.get("split"),
                   _words(options.get("where")) or (), pixels, _whole(options.get("partitions")))

    def all(self) -> Dataset:
        """All rows of the file."""
        return Dataset(*self.paths)

    def selected(self) -> Dataset | None:
        """The selected rows; `None` where there are none."""
        data = self.all()
        known = sorted(set(data.columns["split"].tolist()))
        if self.split and self.split not in known:
            raise UsageError(f"there is no split {self.split}; there are {', '.join(known)}")
        try:
            data = data.split(self.split) if self.split else data
            return data.where(*self.where) if self.where else data
        except DataError as error:
            if str(error).startswith(_NO_ROW):
                return None
            raise


def _words(text: str | None) -> tuple[str, ...] | None:
    words = tuple(word.strip() for word in (text or "").split(",") if word.strip())
    return words or None


def _whole(text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isdigit() or int(text) == 0:
        raise UsageError(f"partitions is {text!r}; it is a whole number from 1")
    return int(text)


class DicomprepDataSource(DataSource):  # type: ignore[misc, unused-ignore]
    """Files of dicomprep: the columns of `/samples`, `row`, and on demand `image` and `mask`.

    Options: `columns` (names, separated by commas; default all of `/samples`), `split`, `where` (conditions, separated by
    commas, as of `dicomprep batches --where`), `pixels` (`binary`: the bytes of the array, little-endian, rows first;
    `float`: a list of numbers), `partitions` (default: one for 1,024 rows).
    """

    @classmethod
    def name(cls) -> str:
        return "dicomprep"

    def schema(self) -> StructType:
        source = Source.of(self.options)
        data = source.all()
        names = source.columns or ("row", *data.columns)
        columns = [(name, _column(data, name, source.pixels)) for name in names]
        return StructType([StructField(name, column.spark, False, column.metadata) for name, column in columns])

    def reader(self, schema: StructType) -> DataSourceReader:
        return Reader(Source.of(self.options), schema)


class Reader(DataSourceReader):  # type: ignore[misc, unused-ignore]
    """Reads the columns of `schema`."""

    def __init__(self, source: Source, schema: StructType) -> None:
        self._source = source
        self._schema = schema

    def partitions(self) -> Sequence[InputPartition]:
        data = self._source.selected()
        rows = 0 if data is None else len(data)
        count = min(self._source.partitions or math.ceil(rows / _ROWS_OF_A_PARTITION), rows)
        # Spark takes no empty list: no row is a partition of none.
        count = max(count, 1)
        bounds = [rows * index // count for index in range(count + 1)]
        return [Rows(first, end) for first, end in zip(bounds, bounds[1:], strict=False)]

    def read(self, partition: InputPartition) -> Iterator[pa.RecordBatch]:
        assert isinstance(partition, Rows)
        data = self._source.selected()
        if data is None:
            return
        columns = {field.name: _column(data, field.name, self._source.pixels) for field in self._schema.fields}
        for field in self._schema.fields:
            found = columns[field.name].spark
            if found != field.dataType:
                raise UsageError(f"column {field.name} is {found.simpleString()}, not {field.dataType.simpleString()}")
        schema = pa.schema([pa.field(name, column.arrow, False) for name, column in columns.items()])
        rows = np.asarray(data.rows[partition.first : partition.end], np.int64)
        for first in range(0, len(rows), _ROWS_OF_A_BATCH):
            some = range(partition.first + first, min(partition.first + first + _ROWS_OF_A_BATCH, partition.end))
            numbers = rows[first : first + len(some)]
            arrays = list(self._arrays(data, columns, (some, numbers)))
            yield pa.RecordBatch.from_arrays(arrays, schema=schema)

    def _arrays(self, data: Dataset, columns: dict[str, Column],
                rows: tuple[range, np.ndarray[Any, Any]]) -> Iterator[pa.Array]:
        """One array for each column: `rows` are places in the selection, and the rows of the file at these places."""
        selected, numbers = rows
        decoded = [data[row] for row in selected] if any(name in _PIXELS for name in columns) else []
        for name, column in columns.items():
            if name in _PIXELS:
                values = [self._pixels(pair[_PIXELS.index(name)]) for pair in decoded]
            elif name == "row":
                values = numbers.tolist()
            else:
                values = _values(data.columns[name][numbers], column.arrow)
            yield pa.array(values, type=column.arrow)

    def _pixels(self, array: np.ndarray[Any, Any]) -> Any:
        if self._source.pixels == "float":
            return array.astype(np.float32).ravel()
        return array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()


def register(spark: SparkSession) -> None:
    """Makes `spark.read.format("dicomprep")` known to a session."""
    spark.dataSource.register(DicomprepDataSource)
