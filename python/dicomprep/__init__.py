"""Folders of DICOM images and contours as one HDF5 file, and batches for training out of it.

>>> import dicomprep
>>> dicomprep.prep("final_data", "final_data.h5")            # doctest: +SKIP
>>> data = dicomprep.open("final_data.h5")                   # doctest: +SKIP
>>> for images, masks in data.batches(split="train"):        # doctest: +SKIP
...     print(images.shape, masks.shape)                     # (32, 256, 256, 1) (32, 256, 256, 1)

`dicomprep.keras` and `dicomprep.torch` have adaptors for the two frameworks; neither is imported before.
"""

from dicomprep._arrays import flow, wrangle
from dicomprep._batches import Batch, Batches
from dicomprep._command import Summary, audit, info, plan, prep, verify
from dicomprep._dataset import Columns, Dataset, open
from dicomprep._dicomprep import __version__
from dicomprep._errors import DamageError, DataError, Error, UsageError

__all__ = [
    "Batch",
    "Batches",
    "Columns",
    "DamageError",
    "DataError",
    "Dataset",
    "Error",
    "Summary",
    "UsageError",
    "__version__",
    "audit",
    "flow",
    "info",
    "open",
    "plan",
    "prep",
    "verify",
    "wrangle",
]
