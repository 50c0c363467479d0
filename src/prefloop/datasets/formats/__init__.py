"""Formats in and out. Others plug in under the entry point `prefloop.formats`."""

from prefloop.datasets.formats.reading import Imported, read_comparisons
from prefloop.datasets.formats.registry import detect, formats, named, writable
from prefloop.datasets.formats.rows import (
    BadRow,
    Format,
    ImportedComparison,
    OddRow,
    WritableFormat,
)

__all__ = [
    "BadRow",
    "Format",
    "Imported",
    "ImportedComparison",
    "OddRow",
    "WritableFormat",
    "detect",
    "formats",
    "named",
    "read_comparisons",
    "writable",
]
