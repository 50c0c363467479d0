"""The answer a measure gives when the data cannot give a number."""

from dataclasses import dataclass

__all__ = ["NotEnough"]


@dataclass(frozen=True, slots=True)
class NotEnough:
    """There is no number to report; `reason` is one line that says why."""

    reason: str
