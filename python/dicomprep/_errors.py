"""Exceptions. Their texts are those that the command prints."""

from collections.abc import Mapping
from typing import Any


class Error(Exception):
    """Something could not be done. Base of all exceptions of dicomprep."""


class UsageError(Error, ValueError):
    """Options are wrong, or do not go together. Nothing was read or written."""


class DataError(Error):
    """A file cannot be read, or the options do not go with it."""


class DamageError(DataError):
    """A sample does not have the checksum that the file has for it."""

    summary: Mapping[str, Any] | None = None
    """The report of `verify`."""
