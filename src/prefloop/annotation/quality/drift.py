"""Whose error rate changed: one chart per annotator over gold, others' verdicts and own repeats.

Where items have topics a person has a usual rate on each, so that somebody who thinks otherwise
than most about one is not said to err more when more of it comes. Each chart keeps false alarms
about one person at 5 % over its horizon, which is reason enough for anchors again; `q` says how
sure it is among everybody who is watched.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from prefloop.annotation.evidence import topic_codes
from prefloop.annotation.quality.told import Told
from prefloop.annotation.quality.work import Work
from prefloop.core.digest import rng
from prefloop.core.records import Estimate
from prefloop.stats import NotEnough
from prefloop.stats.checks import GOLD, NONE, REPEAT, against_others, repeat_noise
from prefloop.stats.columns import Floats, Ints
from prefloop.stats.detection import adjusted
from prefloop.stats.tracking import Track, track

__all__ = ["RATE", "Drift", "drifts"]

RATE = 0.05
_ERROR = 0.15  # of a first answer, where nothing better is known


@dataclass(frozen=True, slots=True)
class Drift:
    """One annotator's chart. `usual` is the error rate of their first judgments; `levels` stand at
    each judgment, in nats, beside `limit`. `at` is the time of the alarm, -1 where not known."""

    usual: Estimate
    direction: Literal["worse", "better"] | None
    at: int
    since: int  # which judgment of theirs the change probably began at, counted from 1; 0 for none
    raised: int  # which one raised the alarm
    checked: int
    events: int
    q: float
    levels: Floats
    limit: float

    @property
    def alarm(self) -> bool:
        return self.direction == "worse"

    def json(self) -> dict[str, Any]:
        return {
            "usual_error": self.usual.json(),
            "direction": self.direction,
            "alarm": self.alarm,
            "at": self.at,
            "since_judgment": self.since,
            "raised_at_judgment": self.raised,
            "checked": self.checked,
            "events": self.events,
            "q": self.q,
            "limit": self.limit,
            "levels": [round(float(level), 3) for level in self.levels],
        }

    def line(self) -> str:
        """What the chart says, in one phrase."""
        if self.direction is None:
            return f"no change; usual error {self.usual.estimate:.2f}"
        return (
            f"{'errs more' if self.direction == 'worse' else 'errs less'} since judgment "
            f"{self.since}: {self.events} of {self.checked} checks differ, usual error "
            f"{self.usual.estimate:.2f} (q {self.q:.2g})"
        )


def drifts(work: Work, found: Told, seed: int) -> dict[str, Drift | NotEnough]:
    """The chart of every annotator; NotEnough for too few checks, or where times are not known."""
    if not len(found.at) or (found.at < 0).all():
        none = NotEnough("it is not known when people judged")
        return dict.fromkeys(found.names, none)
    kinds, events, noise = _checks(work, found)
    random, topics = rng(seed, "drift"), topic_codes(work.labels.topics)[found.item]
    tracks = track(found.who, kinds, events, noise, random, false_alarm=RATE, topics=topics)
    followed = {code: one for code, one in tracks.items() if isinstance(one, Track)}
    q = adjusted(np.array([one.worse.p for one in followed.values()]))
    sure = dict(zip(followed, q.tolist(), strict=True))
    return {
        found.names[code]: one if isinstance(one, NotEnough) else _drift(one, found, sure[code])
        for code, one in tracks.items()
    }


def _drift(one: Track, found: Told, q: float) -> Drift:
    direction = one.direction
    side = one.better if direction == "better" else one.worse
    place = {row: n + 1 for n, row in enumerate(one.rows.tolist())}
    return Drift(
        one.usual,
        direction,
        int(found.at[side.alarm]) if side.alarm is not None else -1,
        place[side.since] if side.since is not None else 0,
        place[side.alarm] if side.alarm is not None else 0,
        side.checked,
        side.events,
        q,
        side.levels,
        side.limit,
    )


def _checks(work: Work, found: Told) -> tuple[Ints, Ints, Floats]:
    """Kind, event and noise of every judgment: gold first, then a repeat, then the others."""
    n = len(found.item)
    kinds, events, noise = np.full(n, NONE), np.zeros(n, dtype=np.int64), np.full(n, 0.5)
    votes = np.flatnonzero(_first_words(found))
    if work.labels.categories is None and len(votes):
        others = against_others(found.item[votes], found.who[votes], found.label[votes])
        kinds[votes], events[votes], noise[votes] = others.kinds, others.events, others.noise
    _repeats(found, kinds, events, noise)
    known = found.checked
    kinds[known], noise[known] = GOLD, 0.0
    events[known] = (found.label != found.answer)[known]
    return kinds, events, noise


def _first_words(found: Told) -> np.ndarray:
    """Each person's first judgment of an item as work or gold.  # (N,)"""
    taken = np.flatnonzero(found.of("work") | found.of("gold"))
    pair = found.who[taken] * (int(found.item.max()) + 1) + found.item[taken]
    first = np.zeros(len(found.item), dtype=bool)
    first[taken[np.unique(pair, return_index=True)[1]]] = True
    return first


def _repeats(found: Told, kinds: Ints, events: Ints, noise: Floats) -> None:
    first: dict[tuple[int, int], int] = {}
    again: list[tuple[int, int]] = []  # (row, the label given first)
    repeat = found.of("duplicate")
    rows = zip(found.who.tolist(), found.item.tolist(), found.label.tolist(), strict=True)
    for row, (who, item, label) in enumerate(rows):
        if repeat[row] and (who, item) in first:
            again.append((row, first[who, item]))
        else:
            first.setdefault((who, item), label)
    differ = [int(found.label[row] != label) for row, label in again]
    doubt = repeat_noise(sum(differ), len(differ), _ERROR)
    for (row, _), event in zip(again, differ, strict=True):
        kinds[row], events[row], noise[row] = REPEAT, event, doubt
