"""From a stream of bytes to comparisons, whatever the format, with a report of what was odd.

One policy for all formats: a row that cannot be understood refuses the file, with its line and
the number of its kind; a row that was understood but is no comparison is set aside and reported.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

from prefloop.core.errors import BadInput
from prefloop.core.lines import first_of, reading, uncompressed
from prefloop.datasets.formats.registry import detect, named
from prefloop.datasets.formats.rows import BadRow, ImportedComparison, OddRow

__all__ = ["Imported", "by_reason", "read_comparisons"]

HEAD = 64 * 1024  # bytes that are enough to recognize a format by
_LINES_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Imported:
    """A file that was read to its end."""

    format: str
    comparisons: tuple[ImportedComparison, ...]
    odd: tuple[OddRow, ...]

    def report(self) -> list[str]:
        """Readable lines: how many comparisons, and each kind of odd row with its lines."""
        lines = [f"{len(self.comparisons):,} comparisons ({self.format})"]
        noted = [OddRow(row.line, row.note) for row in self.comparisons if row.note]
        lines += [f"kept, {line}" for line in by_reason(noted)]
        return lines + [f"set aside, {line}" for line in by_reason(self.odd)]


def read_comparisons(stream: BinaryIO, where: str, format_name: str | None = None) -> Imported:
    """All rows of a seekable file, which may be gzipped.

    The format is detected unless it is named. Raises BadInput for a format that is unknown or in
    doubt, and for a file with a row that cannot be understood or without any comparison.
    """
    plain = uncompressed(stream)
    with reading(where):
        head = plain.read(HEAD)
        plain.seek(0)
        form = named(format_name) if format_name else detect(head, where)
        rows = list(form.read(plain, where))
    bad = [(row.line, row.reason) for row in rows if isinstance(row, BadRow)]
    if bad:
        raise first_of(bad, where)
    good = tuple(row for row in rows if isinstance(row, ImportedComparison))
    odd = tuple(row for row in rows if isinstance(row, OddRow))
    if not good:
        why = f": {odd[0].reason} (line {odd[0].line}, the first of {len(odd):,})" if odd else ""
        raise BadInput(f"{where} holds no comparison{why}")
    return Imported(form.name, good, odd)


def by_reason(rows: Sequence[OddRow]) -> list[str]:
    """A line for each reason: how many rows, and the first of their lines."""
    lines: dict[str, list[int]] = {}
    for row in rows:
        lines.setdefault(row.reason, []).append(row.line)
    return [
        f"{len(found):,} × {reason}: line{'s' * (len(found) > 1)} "
        + ", ".join(map(str, found[:_LINES_SHOWN]))
        + (", ..." if len(found) > _LINES_SHOWN else "")
        for reason, found in lines.items()
    ]
