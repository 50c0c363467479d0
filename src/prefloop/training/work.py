"""What the loop asks of those who know what is learned: the work of each step, and guards."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from prefloop.models.packing import PackedBatch

__all__ = ["Guard", "History", "Source", "Work"]

History = Sequence[Mapping[str, float]]

# Sees all records so far, the newest last, and says nothing (None), or one of
# "warn: ...", "stop: ...", and "return: ...": stop, and take the best checkpoint's weights.
Guard = Callable[[History], str | None]


@dataclass(frozen=True, slots=True)
class Work:
    """What one step does: its updates in order, each of them batches whose gradients are added.

    `updates` may be lazy, `metrics` is what is known of the step before the first of them.
    """

    updates: Iterable[Sequence[PackedBatch]]
    metrics: Mapping[str, float]


class Source(Protocol):
    """What each step is made of: a function of its number, the records and the weights alone."""

    steps: int

    @property
    def identity(self) -> str: ...

    def work(self, step: int, history: History) -> Work: ...
