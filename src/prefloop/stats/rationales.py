"""Whose rationales move away from the agreed standard, week after week.

Given is each rationale's distance to the standard (`text.standard`), whatever made it. A topic has
its own words and a week its own topics, so a person is compared with the others: the distance less
what this person, this stratum (topic) and this week are like on average, and of that the slope over
weeks. Whether a slope is odd is asked of the crowd, as for every detector (`detection.crowd`): the
p-value is that of one more person of this crowd, whose slopes differ too, and all of them are
decided at one false-discovery rate. A crowd too small to say what people are like is asked about
each person's own weeks instead: least squares over weekly means, whose scatter is the noise.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from prefloop.core.errors import BadInput
from prefloop.core.records import Estimate
from prefloop.stats.columns import Floats, Ints, compact, numbers, same_length, whole
from prefloop.stats.detection.crowd import People, likeness, people
from prefloop.stats.detection.together import adjusted
from prefloop.stats.intervals import cluster_mean
from prefloop.stats.result import NotEnough

__all__ = ["Moved", "Week", "by_week", "moved"]

_LEAST, _WEEKS = 30, 3  # rationales and weeks of one person below which nothing is said of them
_OWN_WEEKS = 5  # weeks that can say alone whether a slope is odd
_ROUNDS = 20
_Z = float(stats.norm.ppf(0.975))


@dataclass(frozen=True, slots=True)
class Week:
    """The mean distance of one annotator's rationales in one week; n counts rationales."""

    annotator: int
    week: int
    distance: Estimate


@dataclass(frozen=True, slots=True)
class Moved:
    """Every annotator's change, those with enough rationales.  # (A,) each

    `change` is the distance gained from a person's first to their last week beyond what the others
    gained, with a 95 % interval; `q` is the smallest false-discovery rate at which they would be
    named. `everybody` is the gain of the whole crowd, whose unit is the annotator: if all move
    together nobody stands out, and the standard itself needs another look.
    """

    annotators: Ints  # codes as they were given
    change: Floats
    low: Floats
    high: Floats
    p: Floats
    q: Floats
    n: Ints  # rationales
    alarms: tuple[int, ...]  # codes with q at or below the rate, surest first
    everybody: Estimate | NotEnough
    missing: Mapping[int, NotEnough]


def by_week(annotators: ArrayLike, weeks: ArrayLike, distances: ArrayLike) -> tuple[Week, ...]:
    """Mean distance (N,) per annotator and week, with intervals, in order of both."""
    who, week, distance, _ = _columns(annotators, weeks, distances, None)
    order = np.lexsort((week, who))
    who, week, distance = who[order], week[order], distance[order]
    new = np.flatnonzero((np.diff(who) != 0) | (np.diff(week) != 0)) + 1
    found = []
    for start, end in pairwise([0, *new.tolist(), len(who)] if len(who) else []):
        mean = cluster_mean(distance[start:end], np.arange(end - start))
        found.append(Week(int(who[start]), int(week[start]), mean))
    return tuple(found)


def moved(
    annotators: ArrayLike,
    weeks: ArrayLike,
    distances: ArrayLike,
    strata: ArrayLike | None = None,
    rate: float = 0.05,
) -> Moved | NotEnough:
    """Whose rationales (N,) gain distance from the standard faster than other people's.

    `weeks` are numbers of weeks, `distances` 0 to 1, `strata` codes of topics. Nobody with 30
    rationales over 3 weeks, or under 10 such people none of whom has 5 weeks, is NotEnough.
    """
    if not 0 < rate < 1:
        raise BadInput(f"false-discovery rate {rate}: between 0 and 1, for instance 0.05")
    given, week, distance, stratum = _columns(annotators, weeks, distances, strata)
    codes, who = compact(given)
    left, everybody = _beside_others(who, week, distance, stratum)
    lines = [_line(week[who == a], left[who == a]) for a in range(len(codes))]
    able = np.array([line is not None for line in lines], dtype=bool)
    found = [line for line in lines if line is not None]
    few = NotEnough(f"fewer than {_LEAST} rationales or {_WEEKS} weeks")
    missing = {int(code): few for code in codes[~able]}
    if not found:
        return NotEnough(f"nobody gave {_LEAST} rationales over {_WEEKS} weeks")
    change, variance, span = (np.array([line[k] for line in found]) for k in range(3))
    crowd = people(change, variance, "high")
    if isinstance(crowd, People):
        p = likeness(change, variance, crowd, "high")
    else:
        p = np.array([line[3] for line in found])
        if (span < _OWN_WEEKS).all():
            return NotEnough(f"{crowd.reason}, or {_OWN_WEEKS} weeks of one person")
    q = adjusted(p)
    half = _Z * np.sqrt(variance)
    order = np.argsort(p, kind="stable")
    return Moved(
        codes[able],
        change,
        change - half,
        change + half,
        p,
        q,
        np.bincount(who, minlength=len(codes))[able].astype(np.int64),
        tuple(int(codes[able][a]) for a in order if q[a] <= rate),
        everybody,
        missing,
    )


def _beside_others(
    who: Ints, week: Ints, distance: Floats, stratum: Ints
) -> tuple[Floats, Estimate | NotEnough]:
    """Distances less the means of person, stratum and week, fitted in turns (N,), and what the
    whole crowd gained from the first week to the last."""
    places = [compact(x)[1] for x in (who, stratum, week)]
    sizes = [np.maximum(np.bincount(place), 1) for place in places]
    left = distance.copy()
    weekly = np.zeros(len(sizes[2]))
    for _ in range(_ROUNDS):
        for place, size in zip(places, sizes, strict=True):
            mean = np.bincount(place, left) / size
            left = left - mean[place]
            if place is places[2]:
                weekly = weekly + mean
    return left, _gain(who, week, left + weekly[places[2]])


def _gain(who: Ints, week: Ints, values: Floats) -> Estimate | NotEnough:
    """The mean over people of their own gain from the first week to the last of all."""
    slopes = [_slope(week[who == a], values[who == a]) for a in np.unique(who)]
    known = np.array([slope for slope in slopes if slope is not None])
    if len(known) < 2:
        return NotEnough("fewer than two people gave rationales in more than one week")
    known = known * float(week.max() - week.min())
    middle, n = float(known.mean()), len(known)
    half = float(stats.t.ppf(0.975, n - 1) * known.std(ddof=1) / np.sqrt(n))
    return Estimate(middle, middle - half, middle + half, n)


def _slope(week: Ints, values: Floats) -> float | None:
    at = week - week.mean()
    room = float(at @ at)
    return float(at @ values) / room if room > 0 else None


def _line(week: Ints, left: Floats) -> tuple[float, float, int, float] | None:
    """One person's change from first to last week, its variance, their weeks, and the p-value of
    their weeks alone (1 where they are too few). None for too few rationales."""
    seen, place = compact(week)
    if len(left) < _LEAST or len(seen) < _WEEKS:
        return None
    at = week - week.mean()
    room, reach = float(at @ at), float(seen[-1] - seen[0])
    slope = float(at @ left) / room
    error = left - left.mean() - slope * at
    # White 1980 (HC1); one imaginary rationale of the scale's tenth, so that none is certain.
    spread = (float((at**2) @ error**2) + 0.01 * room / len(left)) * len(left) / (len(left) - 2)
    p = 1.0
    if len(seen) >= _OWN_WEEKS:
        n = np.bincount(place).astype(np.float64)
        mean, weeks = np.bincount(place, left) / n, seen - week.mean()
        off = mean - left.mean() - slope * weeks
        scatter = float(n @ off**2) / (len(seen) - 2) + 1e-9
        p = float(stats.t.sf(slope / np.sqrt(scatter / room), len(seen) - 2))
    return slope * reach, spread * (reach / room) ** 2, len(seen), p


def _columns(
    annotators: ArrayLike, weeks: ArrayLike, distances: ArrayLike, strata: ArrayLike | None
) -> tuple[Ints, Ints, Floats, Ints]:
    who, week = whole("annotators", annotators), whole("weeks", weeks)
    distance = numbers("distances", distances)
    stratum = np.zeros(len(who), np.int64) if strata is None else whole("strata", strata)
    same_length(annotators=who, weeks=week, distances=distance, strata=stratum)
    if len(distance) and (distance.min() < 0 or distance.max() > 1):
        raise BadInput("distances lie between 0 and 1: see text.standard")
    return who, week, distance, stratum
