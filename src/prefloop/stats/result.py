"""What a measure says when the data give no number, or none whose interval can be trusted."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["NotEnough", "interval_caveat"]

_ITEMS, _OTHERS = 100, 60


@dataclass(frozen=True, slots=True)
class NotEnough:
    """There is no number to report; `reason` is one line that says why."""

    reason: str

    def json(self) -> dict[str, str]:
        """The form every report uses in the place of an estimate."""
        return {"not_enough": self.reason}


def interval_caveat(counts: NDArray[np.int64]) -> str | None:
    """Why an agreement interval that claims 95 % is not to be trusted, or None; counts (items, K).

    By simulation of two people with 10 % errors, 95 % intervals cover 66 to 90 % of the time with
    20 items, and 88 % with 50 skewed ones; fewer than 100 items, or fewer than 60 items' worth of
    labels that are not the commonest, is therefore said.
    """
    shared = counts[counts.sum(1) >= 2]
    if len(shared) < _ITEMS:
        return f"{len(shared)} items judged twice: under {_ITEMS} the interval is too narrow"
    others = (1 - shared.sum(0).max() / shared.sum()) * len(shared)
    if others < _OTHERS:
        return (
            f"labels are skewed: {others:.0f} items' worth are not the commonest, under {_OTHERS}"
        )
    return None
