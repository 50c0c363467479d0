"""A place in a text, and what finds such places."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

__all__ = ["Detector", "Span"]


@dataclass(frozen=True, slots=True)
class Span:
    """text[start:end], and what it is, in capitals: EMAIL, CARD, ..."""

    start: int
    end: int
    kind: str


@runtime_checkable
class Detector(Protocol):
    """Finds one kind of thing."""

    @property
    def name(self) -> str:
        """How it is asked for."""

    def find(self, text: str) -> Iterator[Span]:
        """Every occurrence, in any order; they may overlap."""
