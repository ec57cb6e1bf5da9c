"""Batches for Keras: `model.fit(dicomprep.keras.Batches("final_data.h5", split="train"), steps_per_epoch=...)`."""

from __future__ import annotations

import os
import threading
from typing import Any

import keras

from dicomprep._batches import Batch, RawBatch, make_stream
from dicomprep._dataset import Dataset, StrPath, open


class Batches(keras.utils.PyDataset):  # type: ignore[misc, unused-ignore]
    """A `PyDataset` without state: item i is the i-th batch of the endless stream, whenever and wherever it is asked for.

    `fit` needs `steps_per_epoch=batches.steps_per_epoch`. Options are those of `Dataset.batches`, `epochs` and `start`
    aside. Batches that are asked for in order are decoded ahead on `threads`, across epochs too; with `workers` above 1,
    Keras' own threads ask for them, and wait for all that they have asked for at the end of each epoch.
    """

    def __init__(
        self,
        source: Dataset | StrPath,
        *,
        workers: int = 1,
        use_multiprocessing: bool = False,
        max_queue_size: int = 8,
        endless: bool = True,
        **options: Any,
    ) -> None:
        super().__init__(workers=workers, use_multiprocessing=use_multiprocessing, max_queue_size=max_queue_size)
        self._data = source if isinstance(source, Dataset) else open(source)
        self._options = {**self._data._merged(options), "epochs": None if endless else 1}
        self._endless = endless
        self._begin()

    def _begin(self) -> None:
        self._stream, self._work = make_stream(self._data, self._options)
        self._lock = threading.Lock()
        self._running: Any = None
        self._next: int | None = None
        self._process = os.getpid()

    @property
    def steps_per_epoch(self) -> int:
        """Batches of an epoch."""
        return int(self._stream.batches_per_epoch)

    @property
    def num_batches(self) -> int | None:
        """Batches until the end; None without end."""
        return None if self._endless else self._stream.batches_per_epoch

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        images, masks = Batch(self._take(int(index)), self._data, self._stream)
        return images, masks

    def _take(self, index: int) -> RawBatch:
        epoch, batch = divmod(index, self._stream.batches_per_epoch)
        cursor = f"{epoch}:{batch}"
        # Several threads or processes ask for batches in no order.
        if self.workers > 1 or self.use_multiprocessing or not self._lock.acquire(blocking=False):
            return self._alone(cursor)
        try:
            if self._next != index or self._process != os.getpid():
                self._stop()
                self._next = index + 1
                return self._alone(cursor)
            if self._running is None:
                self._running = self._stream.batches(cursor, self._work)
            self._next = None
            raw: RawBatch | None = self._running.take()
            self._next = index + 1
            if raw is None or self._next == self.num_batches:
                self._stop()
            return raw or self._alone(cursor)
        finally:
            self._lock.release()

    def _alone(self, cursor: str) -> RawBatch:
        raw: RawBatch = self._stream.batch(cursor)
        return raw

    def _stop(self) -> None:
        running, self._running, self._next = self._running, None, None
        if running is not None and self._process == os.getpid():
            running.close()
        self._process = os.getpid()

    def close(self) -> None:
        """Stops the threads and frees what was decoded ahead; batches can still be asked for."""
        with self._lock:
            self._stop()

    def validation(self, split: str | None = None, **options: Any) -> Batches:
        """The whole of a split in the order of the file, without augmentation: the same in each validation.

        By default it is `val`, and the fold that is held out where these batches are those of the other folds.
        """
        kept = {name: self._options[name] for name in _KEPT if name in self._options}
        fold = self._options.get("fold")
        chosen: dict[str, Any] = {"split": split or "val"}
        if split is None and fold is not None:
            chosen = {"fold": fold, "held_out": True}
        return Batches(open(*self._data._paths, token=self._data._token), endless=False,
                       **{**kept, "shuffle": False, **chosen, **options})

    def __getstate__(self) -> dict[str, Any]:
        running = ("_stream", "_work", "_lock", "_running", "_next", "_process")
        return {name: value for name, value in self.__dict__.items() if name not in running}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._begin()


# The form of samples, which validation shares with training.
_KEPT = (
    "batch_size", "structures", "neighbours", "phases", "edges", "size", "crop", "layout", "image_dtype", "mask_dtype", "normalize", "window", "rescale",
    "samplewise_center", "samplewise_std_normalization", "featurewise_center", "featurewise_std_normalization",
    "zca_whitening",
)  # fmt: skip
