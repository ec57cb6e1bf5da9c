"""Small data as arrays in memory, and the endless generator that users of Keras' `flow` know."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from dicomprep._batches import Batches, whole_number
from dicomprep._command import prep
from dicomprep._dataset import Dataset, StrPath, open
from dicomprep._errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray


def wrangle(data_dir: StrPath | Sequence[StrPath], link: StrPath | None = None, **options: Any) -> tuple[NDArray[Any], NDArray[Any]]:
    """Images (N, H, W, C) and masks (N, H, W, K) of a folder as arrays in memory, for small data.

    `link` is the link table where it is not in its usual place; `options` are those of `prep`. Warns where something was
    rejected.
    """
    import tempfile
    import warnings

    import numpy as np

    with tempfile.TemporaryDirectory(prefix="dicomprep-") as folder:
        path = os.path.join(folder, "data.h5")
        summary = prep(data_dir, path, link=link, **options)
        if summary.exit_code:
            left_out = [f"{one['file']}: {one['detail']}" for one in summary["rejected"] + summary["rejected_rows"]]
            left_out += [f"{one['file']}: {one['text']}" for one in summary["unmatched"]]
            more = f" (and {len(left_out) - 1} more)" if len(left_out) > 1 else ""
            warnings.warn(f"left out: {''.join(left_out[:1])}{more}; the summary of prep lists all", stacklevel=2)
        data = open(path)
        images, masks = zip(*data, strict=True)
        return np.stack(images), np.stack(masks)


def flow(
    source: Dataset | StrPath | NDArray[Any],
    masks: NDArray[Any] | None = None,
    *,
    batch_size: int = 32,
    shuffle: bool = True,
    seed: int = 0,
    **options: Any,
) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
    """Batches of images and masks without end, of a file or of two arrays.

    Of a file, `options` are those of `Dataset.batches`; arrays are shuffled and not augmented. Not for
    `validation_data=`: a generator goes on where the validation before it ended, so that each sees other samples. Use
    `dicomprep.keras.Batches(...).validation()`.
    """
    if masks is None:
        if not isinstance(source, Dataset | str | os.PathLike):
            raise UsageError("flow needs the masks too, or the path of a file")
        data = source if isinstance(source, Dataset) else open(source)
        # Here, so that wrong options are an error of this call.
        return _of_file(data.batches(**options, batch_size=batch_size, shuffle=shuffle, seed=seed, epochs=None))
    if options:
        raise UsageError(f"arrays are not augmented: `{next(iter(options))}` goes with a file of dicomprep.prep")
    images: Any = source
    if len(images) != len(masks) or not len(images):
        raise UsageError(f"{len(images)} images and {len(masks)} masks: give as many of both, at least one")
    return _of_arrays(images, masks, whole_number("batch_size", batch_size, 1), seed if shuffle else None)


def _of_file(stream: Batches) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
    with stream as batches:
        for images, masks in batches:
            yield images, masks


def _of_arrays(
    images: Any, masks: NDArray[Any], batch_size: int, seed: int | None
) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
    import numpy as np

    random = None if seed is None else np.random.default_rng(seed)
    while True:
        order = np.arange(len(images)) if random is None else random.permutation(len(images))
        for first in range(0, len(order), batch_size):
            rows = order[first : first + batch_size]
            yield images[rows], masks[rows]
