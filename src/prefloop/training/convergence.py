"""Did training converge? Read off the held-out losses in the order they were measured."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from prefloop.core.errors import BadInput

__all__ = ["Convergence", "Trend", "convergence"]

LEAST = 4  # fewer looks say nothing about a trend


class Trend(StrEnum):
    """What the held-out loss did last."""

    FALLING = "still falling"
    FLAT = "stopped falling"
    ROSE = "rose again"
    UNKNOWN = "not enough looks"


@dataclass(frozen=True, slots=True)
class Convergence:
    """The trend, the best and the last held-out loss, and where the best was (0 = first look)."""

    trend: Trend
    best: float
    last: float
    best_at: int


def convergence(losses: Sequence[float], tolerance: float = 0.01) -> Convergence:
    """Judge held-out losses; `tolerance` is the relative change that counts as none.

    Rose: the last loss is above the best by more than the tolerance. Falling: the last quarter of
    the looks lowered the best loss by more than it. Fewer than four looks: unknown. Raises
    BadInput for an empty list.
    """
    if not losses:
        raise BadInput("no held-out loss was measured: give held-out data")
    best, last = min(losses), losses[-1]
    before = min(losses[: -max(1, len(losses) // 4)], default=last)
    if len(losses) < LEAST:
        trend = Trend.UNKNOWN
    elif last > best + tolerance * abs(best):
        trend = Trend.ROSE
    elif best < before - tolerance * abs(before):
        trend = Trend.FALLING
    else:
        trend = Trend.FLAT
    return Convergence(trend, best, last, losses.index(best))
