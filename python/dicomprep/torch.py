"""Batches and samples for PyTorch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch.utils.data import Dataset as TorchDataset
from torch.utils.data import IterableDataset, get_worker_info

from dicomprep._batches import SELECTION, Batch, Batches as _Batches, make_stream
from dicomprep._dataset import Dataset, StrPath, open


class Batches(IterableDataset):  # type: ignore[misc, type-arg, unused-ignore]
    """Batches as tensors, for `DataLoader(..., batch_size=None)`.

    Each epoch is shared among the ranks of `torch.distributed` and the workers of the loader; of one rank, workers give
    each row once, of several ranks `uneven` is `pad` by default, so that all have as many. `set_epoch` chooses the epoch.
    Options are those of `Dataset.batches`; `layout` is `nchw` by default.
    """

    def __init__(self, source: Dataset | StrPath, *, pin_memory: bool = False, **options: Any) -> None:
        self._data = source if isinstance(source, Dataset) else open(source)
        self._options = {"layout": "nchw", **self._data._merged(options)}
        self._pin_memory = pin_memory
        self._epoch = 0
        make_stream(self._data, self._options)

    def set_epoch(self, epoch: int) -> None:
        """The epoch that the next iteration begins with."""
        self._epoch = epoch

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        rank, world = _rank(self._options)
        uneven = self._options.get("uneven") or ("pad" if world > 1 else "allow")
        worker = get_worker_info()
        if worker is not None:
            rank, world = rank * worker.num_workers + worker.id, world * worker.num_workers
        epochs = self._options.get("epochs", 1)
        options = {**self._options, "rank": rank, "world_size": world, "uneven": uneven}
        options["epochs"] = epochs and self._epoch + epochs
        with _Batches(self._data, options, f"{self._epoch}:0") as batches:
            for batch in batches:
                yield _tensors(batch, self._pin_memory)


class Samples(TorchDataset):  # type: ignore[misc, type-arg, unused-ignore]
    """Samples as tensors (C, H, W) and (K, H, W), in the order of the file, for `DataLoader(..., shuffle=True)`.

    Options are those of `Dataset.batches` that form a sample or choose rows. `set_epoch` chooses the epoch of the
    augmentation.
    """

    def __init__(self, source: Dataset | StrPath, **options: Any) -> None:
        data = source if isinstance(source, Dataset) else open(source)
        selection: dict[str, Any] = {name: options.pop(name) for name in SELECTION if name in options}
        self._data = data._with(data._merged(selection)) if selection else data
        self._options = {"layout": "nchw", **self._data._merged(options)}
        self._epoch = 0
        self._stream, _ = make_stream(self._data, self._options)
        self._rows = self._data.rows

    def set_epoch(self, epoch: int) -> None:
        """The epoch whose augmentation samples get."""
        self._epoch = epoch

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        raw = self._stream.sample(self._epoch, self._rows[index])
        images, masks = _tensors(Batch(raw, self._data, self._stream), False)
        return images[0], masks[0]

    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__)
        del state["_stream"]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._stream, _ = make_stream(self._data, self._options)


def _rank(options: dict[str, Any]) -> tuple[int, int]:
    if "rank" in options or "world_size" in options:
        return int(options.get("rank", 0)), int(options.get("world_size", 1))
    distributed = torch.distributed
    if distributed.is_available() and distributed.is_initialized():
        return distributed.get_rank(), distributed.get_world_size()
    return 0, 1


def _tensors(batch: Batch, pin_memory: bool) -> tuple[torch.Tensor, torch.Tensor]:
    images, masks = torch.from_numpy(batch.images), torch.from_numpy(batch.masks)
    return (images.pin_memory(), masks.pin_memory()) if pin_memory else (images, masks)
