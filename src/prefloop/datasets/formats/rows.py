"""What an importer makes of each row of a file, and what an importer is."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Literal, Protocol, TypeAlias, runtime_checkable

from prefloop.core.records import Pair, Prompt

__all__ = ["BadRow", "Format", "ImportedComparison", "OddRow", "Row", "WritableFormat"]


@dataclass(frozen=True, slots=True)
class ImportedComparison:
    """One row that somebody labelled elsewhere. `line` counts from 1; `note` says what was
    unusual about a row that could still be used; `meta` keeps the columns prefloop has no word
    for. The other fields are those of a preference pair."""

    prompt: Prompt
    chosen: str
    rejected: str
    line: int
    margin: float = 1.0
    weight: float = 1.0
    agreement: float = 1.0
    judgments: int = 1
    dimensions: dict[str, int] = field(default_factory=dict)
    split: Literal["train", "held_out"] = "train"
    meta: dict[str, Any] = field(default_factory=dict)
    note: str = ""

    def as_pair(self) -> Pair:
        """The row as a preference pair, without the line, meta and note."""
        return Pair(
            prompt=self.prompt,
            chosen=self.chosen,
            rejected=self.rejected,
            margin=self.margin,
            weight=self.weight,
            agreement=self.agreement,
            judgments=self.judgments,
            dimensions=self.dimensions,
            split=self.split,
        )


@dataclass(frozen=True, slots=True)
class OddRow:
    """A row that was understood, and that is no comparison. It is set aside and reported."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be understood. The file is refused."""

    line: int
    reason: str


Row: TypeAlias = ImportedComparison | OddRow | BadRow


@runtime_checkable
class Format(Protocol):
    """A file format that holds comparisons. Others plug in under the entry point
    `prefloop.formats`, by the name of an instance or of a class without arguments."""

    @property
    def name(self) -> str:
        """How it is asked for, as in `--format NAME`."""

    def sniff(self, head: bytes, filename: str) -> bool:
        """Whether a file that begins with `head` (uncompressed, up to 64 KiB) is of this format."""

    def read(self, stream: BinaryIO, where: str) -> Iterator[Row]:
        """Every row, in order. `where` names the file, as provenance and in messages."""


@runtime_checkable
class WritableFormat(Format, Protocol):
    """A format that can also be exported to."""

    def write(self, pairs: Iterable[Pair], stream: BinaryIO) -> int:
        """Writes the pairs as UTF-8; returns how many."""
