"""What a person's judgments were checked against: gold items, own repeats, anchors."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from prefloop.annotation.labels import UNKNOWN
from prefloop.annotation.quality.told import Told
from prefloop.annotation.quality.work import Work
from prefloop.core.records import Estimate
from prefloop.stats import NotEnough
from prefloop.stats.intervals import wilson
from prefloop.stats.reliability import rate_posterior

__all__ = ["Anchors", "anchors", "gold", "own_first", "recorded_repeats", "repeats"]

_GOOD = 0.85  # accuracy of somebody whom the documents' rule should not catch
_DOCUMENTS = (0.25, 0.30)


@dataclass(frozen=True, slots=True)
class Anchors:
    """Somebody beside the experts. `rate` is the posterior of their disagreement (uniform prior),
    `above` the probability that it exceeds `limit`; `by_count` whether the raw count exceeds 25 and
    30 %, and `by_chance` how often a truly 85 % accurate annotator would exceed each."""

    judged: int
    disagreed: int
    rate: Estimate
    limit: float
    above: float
    by_count: tuple[bool, bool]
    by_chance: tuple[float, float]

    def json(self) -> dict[str, Any]:
        return {
            "judged": self.judged,
            "disagreed": self.disagreed,
            "rate": self.rate.json(),
            "limit": self.limit,
            "probability_above": self.above,
            "documents_rule": {
                f"over {line:g}": {"exceeded": over, "by_chance_at_85_percent": chance}
                for line, over, chance in zip(
                    _DOCUMENTS, self.by_count, self.by_chance, strict=True
                )
            },
        }

    def line(self) -> str:
        """The standing on anchors in one phrase."""
        over = [f"{line:.0%}" for line, one in zip(_DOCUMENTS, self.by_count, strict=True) if one]
        count = f"over {' and '.join(over)}" if over else "not over 25%"
        return (
            f"against the experts on {self.disagreed} of {self.judged} anchors: the rate is over "
            f"{self.limit:g} with probability {self.above:.2f}; the raw count is {count}"
        )

    def note(self) -> str:
        """What the documents' rule, "more than 25-30 %" by the raw count, does to good people."""
        by = self.by_chance
        return (
            f"by the raw count alone somebody truly 85% accurate is over 25% in {by[0]:.0%} of "
            f"cases with {self.judged} anchors, and over 30% in {by[1]:.0%}"
        )


def gold(found: Told, who: int, since: int = -1) -> Estimate | NotEnough:
    """Accuracy on hidden items with a known answer, of judgments made at `since` or later."""
    rows = found.checked & (found.who == who) & (found.at >= since)
    if not rows.any():
        return NotEnough("no gold items")
    return wilson(int((found.label == found.answer)[rows].sum()), int(rows.sum()))


def own_first(found: Told) -> Mapping[tuple[int, int], int]:
    """{(annotator, item): the label they first gave it as work}."""
    first: dict[tuple[int, int], int] = {}
    rows = np.flatnonzero(found.of("work"))
    for who, item, label in zip(*(c[rows].tolist() for c in _keys(found)), strict=True):
        first.setdefault((who, item), label)
    return first


def repeats(
    found: Told, first: Mapping[tuple[int, int], int], who: int, since: int = -1
) -> Estimate | NotEnough:
    """How often somebody says the same again on a hidden repeat of their own work."""
    rows = np.flatnonzero(found.of("duplicate") & (found.who == who) & (found.at >= since))
    again = [
        (first[who, item], label)
        for _, item, label in zip(*(c[rows].tolist() for c in _keys(found)), strict=True)
        if (who, item) in first
    ]
    if not again:
        return NotEnough("no hidden repeats")
    return wilson(sum(one == other for one, other in again), len(again))


def anchors(found: Told, who: int, limit: float) -> Anchors | None:
    """The first word on each anchor against the expert's; None where there were none."""
    rows = np.flatnonzero(found.of("anchor") & (found.who == who) & (found.answer != UNKNOWN))
    _, first = np.unique(found.item[rows], return_index=True)
    rows = rows[first]
    if not len(rows):
        return None
    n, wrong = len(rows), int((found.label != found.answer)[rows].sum())
    posterior = rate_posterior(wrong, n, limit)
    return Anchors(
        n,
        wrong,
        posterior.rate,
        limit,
        posterior.above,
        (wrong > _DOCUMENTS[0] * n, wrong > _DOCUMENTS[1] * n),
        (_exceeds(n, _DOCUMENTS[0]), _exceeds(n, _DOCUMENTS[1])),
    )


def recorded_repeats(work: Work, name: str) -> Estimate | NotEnough:
    """The same where a batch of labels alone says how many repeats agreed."""
    known = work.pool.get(name, {}).get("duplicates", {"n": 0, "consistent": 0})
    return wilson(known["consistent"], known["n"]) if known["n"] else NotEnough("no hidden repeats")


def _exceeds(n: int, line: float) -> float:
    """How often the raw count of somebody 85 % accurate is over a line."""
    return float(stats.binom.sf(np.floor(line * n + 1e-9), n, 1 - _GOOD))


def _keys(found: Told) -> tuple[Any, Any, Any]:
    return found.who, found.item, found.label
