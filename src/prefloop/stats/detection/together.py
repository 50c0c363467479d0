"""All detectors at once, under one false-discovery rate.

Benjamini and Hochberg 1995, not Benjamini and Yekutieli 2001: the tests of one person read nearly
unrelated signals and, where they do depend on each other (one attack shows in several), do so
positively, which is where the first keeps its word. The second guards against any dependence by
dividing the rate by 1 + 1/2 + ... + 1/m, about 7 for a hundred people, and then misses clickers
among people of varied skill. The simulation in the benchmarks shows the rate kept.

The tests are weighted (Genovese, Roeder and Wasserman 2006): a coin's verdicts look most like those
of an honest beginner, so three quarters of the room for error are given to that question
beforehand; the rest, whose effects are large when they are there, share the last.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from prefloop.core.errors import BadInput
from prefloop.stats.columns import Floats
from prefloop.stats.detection import habits, pace, rings
from prefloop.stats.detection.judged import Detected, Judged, Kind
from prefloop.stats.detection.traits import Traits, traits
from prefloop.stats.result import NotEnough

__all__ = ["Alarm", "Together", "adjusted", "detect"]

_COIN = 0.75  # of the room for error, for the question whether verdicts are a coin's
_SURELY = 1e-4  # whom another detector finds so odd teaches nothing about skill


@dataclass(frozen=True, slots=True)
class Alarm:
    """One person and one kind of evidence. `q` is the smallest rate at which it would stand."""

    annotator: int
    kind: Kind
    effect: float
    usual: float
    spread: float
    n: int
    p: float
    q: float
    partners: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Together:
    """What all detectors say. `alarms` stand at the rate asked for, surest first."""

    alarms: tuple[Alarm, ...]
    tests: int
    rate: float
    detected: Mapping[Kind, Detected | NotEnough]
    traits: Traits


def detect(data: Judged, rate: float = 0.05) -> Together:
    """Run every detector that has its columns, and decide all of it at one rate.

    `rate` bounds the expected share of false alarms among the alarms. Raises BadInput for a rate
    outside 0 to 1.
    """
    if not 0 < rate < 1:
        raise BadInput(f"false-discovery rate {rate}: between 0 and 1, for instance 0.05")
    model = traits(data)
    pairs = rings.pairs(data, model)
    found: dict[Kind, Detected | NotEnough] = {
        "one side": habits.one_side(data, model),
        "longer wins": habits.longer_wins(data, model),
        "bullets win": habits.bullets_win(data, model),
        "one answer": habits.one_answer(data),
        "ring": rings.ring(data, pairs),
        "too fast": pace.too_fast(data),
        "templates": pace.templates(data),
    }
    suspects = frozenset(
        int(code)
        for one in found.values()
        if isinstance(one, Detected)
        for code in one.annotators[one.p < _SURELY]
    )
    heard = rings.with_somebody(pairs, data.people)
    found["random"] = habits.random_verdicts(data, model, heard, suspects)
    ran = [one for one in found.values() if isinstance(one, Detected)]
    return Together(_decide(ran, rate), sum(len(one.p) for one in ran), rate, found, model)


def adjusted(p: Floats, weights: Floats | None = None) -> Floats:
    """Benjamini and Hochberg's adjusted p-values, each p divided by its weight (mean 1).  # (m,)"""
    if len(p) == 0:
        return np.zeros(0)
    weighted = p if weights is None else p * weights.mean() / weights
    order = np.argsort(weighted, kind="stable")
    steps = weighted[order] * len(p) / np.arange(1, len(p) + 1)
    smallest = np.minimum(np.minimum.accumulate(steps[::-1])[::-1], 1.0)
    result = np.empty(len(p))
    result[order] = smallest
    return result


def _decide(ran: list[Detected], rate: float) -> tuple[Alarm, ...]:
    if not ran:
        return ()
    others = max(sum(len(one.p) for one in ran if one.kind != "random"), 1)
    alone = max(sum(len(one.p) for one in ran if one.kind == "random"), 1)
    weights = np.concatenate(
        [
            np.full(len(one.p), _COIN / alone if one.kind == "random" else (1 - _COIN) / others)
            for one in ran
        ]
    )
    q = adjusted(np.concatenate([one.p for one in ran]), weights)
    cuts = np.cumsum([len(one.p) for one in ran])[:-1]
    alarms = [
        Alarm(
            int(one.annotators[i]),
            one.kind,
            float(one.effect[i]),
            one.usual,
            one.spread,
            int(one.n[i]),
            float(one.p[i]),
            float(at[i]),
            one.partners.get(int(one.annotators[i]), ()),
        )
        for one, at in zip(ran, np.split(q, cuts), strict=True)
        for i in np.flatnonzero(at <= rate)
    ]
    return tuple(sorted(alarms, key=lambda a: (a.q, a.p, a.annotator, a.kind)))
