"""A data set of `dicomprep serve`: what the compiled `Dataset`, `Stream` and `Batches` have, over HTTP."""

from __future__ import annotations

import ast
import http.client
import json
import os
import ssl
import threading
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

from dicomprep._batches import SELECTION
from dicomprep._errors import DamageError, DataError, Error, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from typing_extensions import CapsuleType

RawBatch = tuple[Any, Any, Any, Any, int, int, str | None]

# So long a service that does not answer, or cuts its streams, is asked again.
RETRY_SECONDS = 60.0
# A service that sends nothing for so long counts as gone.
SILENT_SECONDS = 120.0
_CLASSES: dict[int, type[Error]] = {400: UsageError, 414: UsageError, 500: DamageError}


class Service:
    """Requests to the data set at `url`. Nothing is kept open between them."""

    def __init__(self, url: str, token: str | None) -> None:
        parts = urlsplit(url)
        if not parts.hostname or "/datasets/" not in parts.path:
            raise UsageError(f"{url} names no data set: use http://HOST:PORT/datasets/NAME")
        self.url = url.rstrip("/")
        self._secure = parts.scheme == "https"
        self._host, self._port = parts.hostname, parts.port
        self._path = parts.path.rstrip("/")
        token = token or os.environ.get("DICOMPREP_TOKEN")
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def request(self, path: str, query: Sequence[tuple[str, str]] = ()) -> http.client.HTTPResponse:
        """The answer, whose body is to be read.

        Raises `UsageError` where an option is wrong, `DamageError` where a batch is damaged, `Busy` where the service asks
        to come again, `DataError` for other refusals; `OSError` and `HTTPException` where there is no answer.
        """
        connection: http.client.HTTPConnection
        if self._secure:
            context = ssl.create_default_context()
            connection = http.client.HTTPSConnection(self._host, self._port, timeout=SILENT_SECONDS, context=context)
        else:
            connection = http.client.HTTPConnection(self._host, self._port, timeout=SILENT_SECONDS)
        connection.request("GET", f"{self._path}{path}?{urlencode(query)}", headers=self._headers)
        answer = connection.getresponse()
        if answer.status == 200:
            return answer
        with answer:
            raise _refusal(answer)

    def read(self, path: str, query: Sequence[tuple[str, str]] = ()) -> bytes:
        """A whole body; asked for again while the service does not answer."""
        patience = Patience(self.url)
        while True:
            try:
                with self.request(path, query) as answer:
                    return answer.read()
            except (OSError, http.client.HTTPException, Busy) as error:
                patience.wait(error)

    def json(self, path: str, query: Sequence[tuple[str, str]] = ()) -> Any:
        """A body of JSON."""
        return json.loads(self.read(path, query))


class Busy(DataError):
    """The service asks to come again later."""


class Patience:
    """Pauses between attempts, which grow, until `RETRY_SECONDS` have passed since the last success."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.succeeded()

    def succeeded(self) -> None:
        """The next failure is a first one."""
        self._began = time.monotonic()
        self._pause = 0.05

    def wait(self, error: Exception) -> None:
        """Waits before another attempt, or raises `DataError` with the cause."""
        if time.monotonic() - self._began + self._pause > RETRY_SECONDS:
            said = str(error) or type(error).__name__
            raise DataError(f"{self._url} does not answer for {RETRY_SECONDS:.0f} s: {said}") from error
        time.sleep(self._pause)
        self._pause = min(2 * self._pause, 2.0)


def _refusal(answer: http.client.HTTPResponse) -> Error:
    body = answer.read(1 << 16)
    try:
        text = str(json.loads(body)["error"])
    except (ValueError, KeyError, TypeError):
        text = f"the service answers {answer.status} {answer.reason}"
    if answer.status in (429, 502, 503, 504):
        return Busy(text)
    return _CLASSES.get(answer.status, DataError)(text)


class Dataset:
    """As `_dicomprep.Dataset`, of a service."""

    def __init__(self, url: str, token: str | None) -> None:
        self._service = Service(url, token)
        self._info = self._service.json("")
        self._columns: list[str] | None = None

    def __len__(self) -> int:
        return int(self._info["samples"])

    def row(self, row: int) -> tuple[NDArray[Any], NDArray[Any]]:
        """The stored image and mask."""
        images, masks = _arrays(self._service.read(f"/samples/{row}.npy", [("image_dtype", "stored")]))
        return images[0], masks[0]

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Rows, columns and channels."""
        _, height, width, channels = self._info["images"]
        return height, width, channels

    @property
    def structures(self) -> list[str]:
        """The mask planes."""
        return list(self._info["structures"])

    def statistics(self) -> dict[str, float | None]:
        """Statistics of the train split."""
        return dict(self._info["statistics"])

    def column_names(self) -> list[str]:
        """The columns."""
        if self._columns is None:
            self._columns = self._service.json("/columns")["columns"]
        return self._columns

    def column(self, name: str) -> tuple[Any, list[int]]:
        """All values of a column, and its shape."""
        import numpy as np

        column = self._service.json(f"/columns/{quote(name, safe='')}")
        values = column["values"]
        if column["dtype"] == "str":
            return values, column["shape"]
        if "float" in column["dtype"]:
            values = [float("nan") if value is None else value for value in values]
        return np.array(values, column["dtype"]), column["shape"]

    def select(self, options: str) -> list[int]:
        """The rows that are selected: those of one batch of all of them."""
        whole = [("shuffle", "false"), ("allow_leak", "true"), ("batch_size", str(max(len(self), 1)))]
        given = [pair for pair in _query(json.loads(options)) if pair[0] in SELECTION]
        return list(self._service.json("/batches/0/0/samples", [*given, *whole])["rows"])

    def arrow_columns(self, rows: Sequence[int] | None = None) -> CapsuleType:
        """Not over HTTP."""
        raise UsageError("columns of a service are no Arrow stream: take numpy arrays, data.columns[name]")

    def arrow_batches(self, options: str, start: str, given: dict[str, Any] | None = None) -> CapsuleType:
        """The Arrow stream of the service, by pyarrow."""
        import pyarrow.ipc

        query = [*_query(json.loads(options)), ("start", start), ("format", "arrow")]
        reader = pyarrow.ipc.open_stream(self._service.request("/batches", query))
        capsule: CapsuleType = reader.__arrow_c_stream__()
        return capsule

    def stream(self, options: str) -> Stream:
        """The stream of options."""
        return Stream(self._service, json.loads(options))


class Stream:
    """As `_dicomprep.Stream`, of a service."""

    def __init__(self, service: Service, options: dict[str, Any]) -> None:
        options = dict(options)
        self._service = service
        self._group = options.pop("group", None)
        # 0 is without end. A batch has its epoch in its path.
        self.epochs: int | None = int(options.pop("epochs", 1)) or None
        self._query = _query(options)
        schema = service.json("/schema", self._query)
        self.batches_per_epoch = int(schema["batches_per_epoch"])
        self.samples_per_epoch = int(schema["samples_per_epoch"])
        self.structures: list[str] = schema["structures"]
        self.image, self.mask = (_tensor(schema[name]) for name in ("images", "masks"))
        self._foreign = bool(options.get("foreign_cursor"))
        self._digest: str | None = None

    def cursor(self, epoch: int, batch: int) -> str:
        """The cursor of a batch."""
        if self._digest is None:
            first = self._service.json("/batches/0/0/samples", self._query)["cursor"]
            self._digest = first.partition("@")[2]
        return f"{epoch}:{batch}@{self._digest}"

    def place(self, cursor: str) -> tuple[int, int]:
        """Epoch and batch of a cursor of this stream."""
        at, _, digest = cursor.partition("@")
        epoch, colon, batch = at.partition(":")
        if not (colon and epoch.isdecimal() and batch.isdecimal()):
            raise UsageError(f"`{cursor}` is no cursor: write EPOCH:BATCH, as in 7:1200, or as it was printed")
        if digest and not self._foreign and self.cursor(int(epoch), int(batch)) != cursor:
            raise DataError(f"{cursor} is of another stream; foreign_cursor=True takes the place as it is")
        return int(epoch), int(batch)

    def after(self, epoch: int, batch: int) -> tuple[int, int] | None:
        """The place after a batch; None at the end."""
        following = (epoch, batch + 1) if batch + 1 < self.batches_per_epoch else (epoch + 1, 0)
        return None if self.epochs is not None and following[0] >= self.epochs else following

    def batches(self, start: str, given: dict[str, Any] | None = None) -> Batches:
        """The batches from `start` on."""
        epoch, batch = self.place(start)
        if self.epochs is not None and (epoch, batch) > (self.epochs, 0):
            raise DataError(f"start {start}: the stream ends at {self.epochs}:0, as epochs count from 0; ask for more epochs")
        if batch and batch >= self.batches_per_epoch:
            raise DataError(f"start {start}: an epoch has {self.batches_per_epoch} batches, which count from 0 in each")
        ended = epoch == self.epochs or not self.batches_per_epoch
        return Batches(self, None if ended else (epoch, batch))

    def open(self, epoch: int, batch: int) -> http.client.HTTPResponse:
        """The stream from a batch on."""
        query = [*self._query, ("epochs", str(self.epochs or 0)), ("start", f"{epoch}:{batch}")]
        return self._service.request("/batches", [*query, *([("group", self._group)] if self._group else [])])

    def raw(self, images: NDArray[Any], masks: NDArray[Any], epoch: int, batch: int) -> RawBatch:
        """The parts of a `dicomprep.Batch`, without what is asked for on demand."""
        following = self.after(epoch, batch)
        return images, masks, None, None, epoch, batch, following and self.cursor(*following)

    def batch(self, at: str) -> RawBatch:
        """One batch, by its URL."""
        epoch, batch = self.place(at)
        images, masks = _arrays(self._service.read(f"/batches/{epoch}/{batch}", self._query))
        return self.raw(images, masks, epoch, batch)

    def sample(self, epoch: int, row: int) -> RawBatch:
        """The sample that a row is in an epoch: a batch of one."""
        import numpy as np

        read = self._service.read(f"/samples/{row}.npy", [*self._query, ("epoch", str(epoch))])
        images, masks = _arrays(read)
        return images, masks, np.array([row], np.int32), np.zeros(1, np.int32), epoch, 0, None

    def samples_of(self, epoch: int, batch: int) -> dict[str, Any]:
        """Rows, positions and drawn augmentation of a batch."""
        samples: dict[str, Any] = self._service.json(f"/batches/{epoch}/{batch}/samples", self._query)
        return samples


class Batches:
    """As `_dicomprep.Batches`: a stream that goes on at the next batch where it is cut. Several threads may take from it."""

    def __init__(self, stream: Stream, start: tuple[int, int] | None) -> None:
        self._stream = stream
        self._next = start
        self._answer: http.client.HTTPResponse | None = None
        self._patience = Patience(stream._service.url)
        self._lock = threading.Lock()
        self._headers: dict[bytes, tuple[tuple[int, ...], str]] = {}

    def take(self) -> RawBatch | None:
        """The next batch; None after the last."""
        with self._lock:
            place, failures = self._next, 0
            if place is None:
                return None
            self._patience.succeeded()
            while True:
                try:
                    if failures > 1:
                        # The stream is cut here again: the batch alone says why, or comes.
                        raw = self._stream.batch("{}:{}".format(*place))
                    else:
                        raw = self._stream.raw(*self._read(place), *place)
                    break
                except (OSError, http.client.HTTPException, Busy) as error:
                    self._drop()
                    failures += 1
                    self._patience.wait(error)
                except BaseException:
                    self._drop()
                    raise
            self._next = self._stream.after(*place)
            if self._next is None:
                self._drop()
            return raw

    def _read(self, place: tuple[int, int]) -> tuple[NDArray[Any], NDArray[Any]]:
        if self._answer is None:
            self._answer = self._stream.open(*place)
        return self._record(self._answer), self._record(self._answer)

    def _record(self, answer: http.client.HTTPResponse) -> NDArray[Any]:
        """One .npy record, into memory of its own."""
        import numpy as np

        start = bytearray(10)
        _fill(answer, memoryview(start))
        if start[:8] != b"\x93NUMPY\x01\x00":
            raise http.client.HTTPException("the stream is not one of .npy records")
        text = bytearray(int.from_bytes(start[8:], "little"))
        _fill(answer, memoryview(text))
        header = bytes(text)
        if header not in self._headers:
            facts = ast.literal_eval(header.decode("latin-1"))
            self._headers[header] = facts["shape"], facts["descr"]
        array = np.empty(*self._headers[header])
        _fill(answer, array.reshape(-1).view(np.uint8).data)
        return array

    def _drop(self) -> None:
        answer, self._answer = self._answer, None
        if answer is not None:
            answer.close()

    def close(self) -> None:
        """Closes the connection."""
        with self._lock:
            self._next = None
            self._drop()


def _fill(answer: http.client.HTTPResponse, into: memoryview) -> None:
    while into:
        count = answer.readinto(into)
        if not count:
            raise http.client.IncompleteRead(b"", len(into))
        into = into[count:]


def _arrays(records: bytes) -> tuple[NDArray[Any], NDArray[Any]]:
    """Images and masks of two .npy records."""
    import io

    import numpy as np

    file = io.BytesIO(records)
    return np.lib.format.read_array(file), np.lib.format.read_array(file)


def _tensor(schema: dict[str, Any]) -> tuple[str, list[int], list[str]]:
    """Type, shape and axes of a sample's image or mask."""
    return schema["dtype"], schema["shape"][1:], schema["axes"][1:]


def _query(options: dict[str, Any]) -> list[tuple[str, str]]:
    """Options as names and values of a query; `where` comes as often as it has conditions."""
    pairs: list[tuple[str, str]] = []
    for name, value in options.items():
        if name == "where" and not isinstance(value, str):
            pairs += [("where", condition) for condition in value]
        elif isinstance(value, bool):
            pairs.append((name, str(value).lower()))
        elif name == "size" and isinstance(value, list):
            pairs.append((name, "x".join(str(side) for side in value)))
        elif isinstance(value, list):
            # An empty list is the same as none.
            pairs += [(name, ",".join(str(item) for item in value))] if value else []
        else:
            pairs.append((name, str(value)))
    return pairs
