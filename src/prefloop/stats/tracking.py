"""Each annotator's error rate over time, by every check there is, against their own usual rate.

Per annotator two Bernoulli CUSUMs (Page 1954), one that sees a rate rise and one that sees it fall:

    S_t = max(0, S_{t-1} + log P(check_t | new rate) / P(check_t | usual rate)), alarm at S_t >= h

over gold answers, the verdicts of others and repeats (`checks`), one log likelihood ratio for each
judgment that has any. `changes` plans charts whose usual rate is known. Here it is not: it is
learned from the annotator's first judgments, in general and on each topic (`usual_rates`). The
limit h has to allow for what stays unknown: it is simulated with usual rates drawn from that
posterior, for exactly the checks that the annotator's judgments had. Departure: the upper tail of
the simulated maxima is taken to be exponential, as it is for a CUSUM, so that p-values reach below
one in the number of simulations.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from prefloop.core.errors import BadInput
from prefloop.core.records import Estimate
from prefloop.stats.checks import GOLD, NONE, REPEAT
from prefloop.stats.columns import Floats, Ints, compact, numbers, same_length, whole
from prefloop.stats.result import NotEnough
from prefloop.stats.usual_rates import NOISE, Usual, usual_rates

__all__ = ["RISE", "Side", "Track", "track"]

RISE = (0.30 / 0.70) / (0.15 / 0.85)  # in odds: an error rate of .15 becomes one of .30
_LEAST = 30  # checks to learn the usual rate from
_TOPIC = 20  # checks on a topic to learn from
_OFTEN = 2 * _TOPIC  # checks on a topic that make it one of its own; rarer ones are one together
_WORLDS = 400
_TAIL = 0.1  # of the simulated maxima: the part that is exponential
_CARE = 0.75  # of the rate promised: what people here are like was itself estimated
_CELLS = 2_000_000  # checks simulated at a time: 16 MB


@dataclass(frozen=True, slots=True)
class Side:
    """One chart. `alarm` and `since` are rows as given: the judgment that raised it, and the first
    one after the chart last stood at zero, when the change probably began."""

    levels: Floats  # (n,) in nats after each judgment; 0 while the usual rate is learned
    limit: float
    p: float  # of reaching as high within the horizon without a change
    alarm: int | None
    since: int | None
    checked: int  # checks from `since` to `alarm`: on how much the alarm rests
    events: int  # of those, how many differed


@dataclass(frozen=True, slots=True)
class Track:
    """One annotator over time. `usual` is the error rate of the first `settled` judgments, with the
    middle 95 % of its posterior (n counts checks)."""

    annotator: int
    usual: Estimate
    rows: Ints  # (n,) where their judgments stand in the columns as given
    settled: int
    worse: Side
    better: Side

    @property
    def direction(self) -> Literal["worse", "better"] | None:
        """Which chart raised an alarm; the worse of both."""
        if self.worse.alarm is not None:
            return "worse"
        return "better" if self.better.alarm is not None else None


@dataclass(frozen=True, slots=True)
class _Plan:
    settle: int
    horizon: int
    rise: float
    false_alarm: float


def track(
    annotators: ArrayLike,
    kinds: ArrayLike,
    events: ArrayLike,
    noise: ArrayLike,
    rng: np.random.Generator,
    *,
    settle: int = 100,
    horizon: int = 300,
    rise: float = RISE,
    false_alarm: float = 0.05,
    topics: ArrayLike | None = None,
) -> dict[int, Track | NotEnough]:
    """Follow every annotator; rows (N,) are judgments in order of time.

    `kinds` is GOLD, PEERS, REPEAT or NONE (`checks`), `events` 1 where the judgment differs from
    what it was checked against, `noise` how probably that was wrong. The first `settle` judgments,
    and as many more as give 30 checks, are learned from; each chart then raises a false alarm with
    at most this probability within `horizon` judgments (or all there are, if more). `rise` is the
    change of the odds of an error to be found. Somebody with fewer judgments is NotEnough.

    With `topics` (codes) an annotator has a usual rate for each: of a topic that comes later, too,
    the first 20 checks are learned from. Topics with fewer than 40 checks of theirs are taken
    together.
    """
    who, given = whole("annotators", annotators), whole("kinds", kinds)
    happened, doubt = whole("events", events), numbers("noise", noise)
    about = np.zeros(len(who), dtype=np.int64) if topics is None else whole("topics", topics)
    same_length(annotators=who, kinds=given, events=happened, noise=doubt, topics=about)
    plan = _Plan(settle, horizon, rise, false_alarm)
    _check(given, happened, doubt, plan)
    level = np.searchsorted(NOISE, doubt - 0.01)  # (N,) the nearest
    level = np.where((given == NONE) | (level >= len(NOISE)), -1, level)
    codes, person = compact(who)
    order = np.argsort(person, kind="stable")
    edges = np.searchsorted(person[order], np.arange(len(codes) + 1))
    parts = [order[start:end] for start, end in pairwise(edges.tolist())]
    courses = [_course(rows, level[rows], happened[rows], about[rows], settle) for rows in parts]
    usual = usual_rates([one.learned() for one in courses])
    found: dict[int, Track | NotEnough] = {}
    for code, course, rates in zip(codes, courses, usual, strict=True):
        if not course.charted.any():
            checked = int((course.level >= 0).sum())
            found[int(code)] = NotEnough(
                f"{len(course.rows)} judgments, {checked} of them checked: the "
                f"usual rate takes {settle} judgments and {_LEAST} checks, and a change some more"
            )
            continue
        found[int(code)] = _follow(int(code), course, rates, rng, plan)
    return found


@dataclass(frozen=True, slots=True)
class _Course:
    """One annotator's judgments in order of time.  # (n,) each"""

    rows: Ints
    level: Ints  # of noise, -1 for no check
    events: Ints
    topic: Ints  # 0, 1, ...
    settled: int
    charted: np.ndarray  # whether a check is held against the usual rate, not learned from

    def learned(self) -> Ints:
        """How often checks of each topic and noise had no event, and one.  # (T, noises, 2)"""
        shape = int(self.topic.max(initial=0)) + 1, len(NOISE), 2
        known = (self.level >= 0) & ~self.charted
        cells = np.ravel_multi_index(
            (self.topic[known], self.level[known], self.events[known]), shape
        )
        return np.bincount(cells, minlength=int(np.prod(shape))).reshape(shape)


def _course(rows: Ints, level: Ints, events: Ints, about: Ints, settle: int) -> _Course:
    checked = level >= 0
    given = compact(about)[1]
    often = np.bincount(given, checked) >= _OFTEN
    topic = compact(np.where(often[given], given, -1))[1]
    first = _settled(level, settle)
    charted = checked & (np.arange(len(rows)) >= first)
    if topic.any():
        for one in range(int(topic.max()) + 1):
            charted[np.flatnonzero(checked & (topic == one))[:_TOPIC]] = False
    return _Course(rows, level, events, topic, first, charted)


def _follow(
    code: int, course: _Course, usual: Usual, rng: np.random.Generator, plan: _Plan
) -> Track:
    seen = np.flatnonzero(course.charted)
    steps = [_steps(usual.by_topic, change) for change in (plan.rise, 1 / plan.rise)]
    longer = max(1.0, plan.horizon / (len(course.rows) - course.settled))
    ahead = np.resize(seen, round(longer * len(seen)))  # as many checks as the horizon has
    highest = _calm(course.level[ahead], course.topic[ahead], steps, usual, rng)  # (2, worlds)
    events, level, topic = course.events[seen], course.level[seen], course.topic[seen]
    sides = [
        _side(course.rows, seen, table[topic, level, events], events, top, plan.false_alarm)
        for table, top in zip(steps, highest, strict=True)
    ]
    learned = int(((course.level >= 0) & ~course.charted).sum())
    low, high = usual.interval
    estimate = Estimate(usual.mean, min(usual.mean, low), high, learned)
    return Track(code, estimate, course.rows, course.settled, sides[0], sides[1])


def _side(
    rows: Ints, seen: Ints, step: Floats, events: Ints, top: Floats, false_alarm: float
) -> Side:
    """The chart over one annotator's checks, and what it says."""
    total = np.cumsum(step)
    lowest = np.minimum.accumulate(np.minimum(total, 0.0))
    at_check = total - lowest
    levels = np.zeros(len(rows))
    levels[seen] = at_check
    last = np.maximum.accumulate(
        np.where(np.isin(np.arange(len(rows)), seen), np.arange(len(rows)), -1)
    )
    levels = np.where(last >= 0, levels[np.maximum(last, 0)], 0.0)
    cut = float(np.quantile(top, 1 - _TAIL))
    beyond = max(float((top[top > cut] - cut).mean()) if (top > cut).any() else 0.0, 1e-6)
    limit = cut + beyond * float(np.log(_TAIL / (_CARE * false_alarm)))
    most = float(at_check.max())
    if most > cut:
        p = _TAIL * float(np.exp(-(most - cut) / beyond))
    else:
        p = float((1 + (top >= most).sum()) / (1 + len(top)))
    crossed = np.flatnonzero(at_check >= limit)
    if not len(crossed):
        return Side(levels, limit, p, None, None, 0, 0)
    end = int(crossed[0])
    zeros = np.flatnonzero(at_check[:end] == 0)
    begin = int(zeros[-1]) + 1 if len(zeros) else 0
    return Side(
        levels,
        limit,
        p,
        int(rows[seen[end]]),
        int(rows[seen[begin]]),
        end - begin + 1,
        int(events[begin : end + 1].sum()),
    )


def _calm(
    level: Ints, topic: Ints, steps: list[Floats], usual: Usual, rng: np.random.Generator
) -> list[Floats]:
    """The highest point of each chart in worlds without a change.  # (worlds,) each"""
    tops: list[list[Floats]] = [[] for _ in steps]
    noise, at_a_time = NOISE[level], max(1, _CELLS // max(len(level), 1))
    for first in range(0, _WORLDS, at_a_time):
        worlds = min(at_a_time, _WORLDS - first)
        rate = usual.draw(rng, worlds)[:, topic]  # (worlds, checks)
        event = rng.random(rate.shape) < rate * (1 - 2 * noise) + noise
        for table, top in zip(steps, tops, strict=True):
            step = np.where(event, table[topic, level, 1], table[topic, level, 0])
            total = np.cumsum(step, axis=1)
            lowest = np.minimum(np.minimum.accumulate(total, axis=1), 0.0)
            top.append((total - lowest).max(1))
    return [np.concatenate(top) for top in tops]


def _steps(usual: Floats, rise: float) -> Floats:
    """Log likelihood ratios by topic, noise and event.  # (T, noises, 2)"""
    odds = usual / (1 - usual) * rise
    before, after = (
        np.clip(rate[:, None] * (1 - 2 * NOISE) + NOISE, 1e-6, 1 - 1e-6)
        for rate in (usual, odds / (1 + odds))
    )
    return np.log(np.stack([(1 - after) / (1 - before), after / before], axis=2))


def _settled(level: Ints, settle: int) -> int:
    """How many of one annotator's first judgments are learned from."""
    checks = np.flatnonzero(level >= 0)
    if len(checks) < _LEAST:
        return len(level)
    return min(max(settle, int(checks[_LEAST - 1]) + 1), len(level))


def _check(kinds: Ints, events: Ints, noise: Floats, plan: _Plan) -> None:
    if len(kinds) and (kinds.min() < NONE or kinds.max() > REPEAT):
        raise BadInput(f"kinds must be {NONE} (no check) or {GOLD}..{REPEAT}: see stats.checks")
    if not np.isin(events, (0, 1)).all():
        raise BadInput("events must be 1 (the judgment differs) or 0")
    if len(noise) and (noise.min() < 0 or noise.max() > 1):
        raise BadInput("noise is the chance that a check is wrong: between 0 and 1")
    if plan.settle < 1 or plan.horizon < 1 or plan.rise <= 1 or not 0 < plan.false_alarm < _TAIL:
        raise BadInput(f"{plan}: give 1 or more judgments, a rise above 1, false alarms under .1")
