"""Batches for Keras: `model.fit(dicomprep.keras.Batches("final_data.h5", split="train"), steps_per_epoch=...)`."""

from __future__ import annotations

from typing import Any

import keras

from dicomprep._batches import Batch, make_stream
from dicomprep._dataset import Dataset, StrPath, open


class Batches(keras.utils.PyDataset):  # type: ignore[misc, unused-ignore]
    """A `PyDataset` without state: item i is the i-th batch of the endless stream, whenever and wherever it is asked for.

    `fit` needs `steps_per_epoch=batches.steps_per_epoch`. Options are those of `Dataset.batches`, `epochs` and `start`
    aside.
    """

    def __init__(
        self,
        source: Dataset | StrPath,
        *,
        workers: int = 2,
        use_multiprocessing: bool = False,
        max_queue_size: int = 8,
        endless: bool = True,
        **options: Any,
    ) -> None:
        super().__init__(workers=workers, use_multiprocessing=use_multiprocessing, max_queue_size=max_queue_size)
        self._data = source if isinstance(source, Dataset) else open(source)
        self._options = {**self._data._merged(options), "epochs": None if endless else 1}
        self._endless = endless
        self._stream, _ = make_stream(self._data, self._options)

    @property
    def steps_per_epoch(self) -> int:
        """Batches of an epoch."""
        return int(self._stream.batches_per_epoch)

    @property
    def num_batches(self) -> int | None:
        """Batches until the end; None without end."""
        return None if self._endless else self._stream.batches_per_epoch

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        epoch, batch = divmod(int(index), self._stream.batches_per_epoch)
        images, masks = Batch(self._stream.batch(f"{epoch}:{batch}"), self._data, self._stream)
        return images, masks

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
        state = dict(self.__dict__)
        del state["_stream"]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._stream, _ = make_stream(self._data, self._options)


# The form of samples, which validation shares with training.
_KEPT = (
    "batch_size", "structures", "neighbours", "phases", "edges", "size", "crop", "layout", "image_dtype", "mask_dtype", "normalize", "window", "rescale",
    "samplewise_center", "samplewise_std_normalization", "featurewise_center", "featurewise_std_normalization",
    "zca_whitening",
)  # fmt: skip
