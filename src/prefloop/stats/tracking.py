"""Each annotator's error rate over time, by every check there is, against their own usual rate.

Per annotator two Bernoulli CUSUMs (Page 1954), one that sees a rate rise and one that sees it fall:

    S_t = max(0, S_{t-1} + log P(check_t | new rate) / P(check_t | usual rate)), alarm at S_t >= h

over gold answers, the verdicts of others and repeats (`checks`), one log likelihood ratio for each
judgment that has any. `changes` plans charts whose usual rate is known. Here it is not: it is
learned from the annotator's first judgments, drawn to what people here are like (Beta priors,
averaged by how well they explain everybody). The limit h has to allow for what stays unknown: it
is simulated with usual rates drawn from that posterior, for exactly the checks that the annotator's
judgments had. Departure: the upper tail of the simulated maxima is taken to be exponential, as it
is for a CUSUM, so that p-values reach below one in the number of simulations.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from prefloop.core.errors import BadInput
from prefloop.core.records import Estimate
from prefloop.stats.checks import GOLD, NONE, REPEAT
from prefloop.stats.columns import Floats, Ints, compact, numbers, same_length, whole
from prefloop.stats.result import NotEnough

__all__ = ["RISE", "Side", "Track", "track"]

RISE = (0.30 / 0.70) / (0.15 / 0.85)  # in odds: an error rate of .15 becomes one of .30
_GRID = np.arange(1, 51) / 100  # error rates told apart
_NOISE = np.arange(0, 25) / 50  # noise of checks told apart; more is no check
_LEAST = 30  # checks to learn the usual rate from
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
) -> dict[int, Track | NotEnough]:
    """Follow every annotator; rows (N,) are judgments in order of time.

    `kinds` is GOLD, PEERS, REPEAT or NONE (`checks`), `events` 1 where the judgment differs from
    what it was checked against, `noise` how probably that was wrong. The first `settle` judgments,
    and as many more as give 30 checks, are learned from; each chart then raises a false alarm with
    at most this probability within `horizon` judgments (or all there are, if more). `rise` is the
    change of the odds of an error to be found. Somebody with fewer judgments is NotEnough.
    """
    who, given = whole("annotators", annotators), whole("kinds", kinds)
    happened, doubt = whole("events", events), numbers("noise", noise)
    same_length(annotators=who, kinds=given, events=happened, noise=doubt)
    plan = _Plan(settle, horizon, rise, false_alarm)
    _check(given, happened, doubt, plan)
    level = np.searchsorted(_NOISE, doubt - 0.01)  # (N,) the nearest
    level = np.where((given == NONE) | (level >= len(_NOISE)), -1, level)
    codes, person = compact(who)
    order = np.argsort(person, kind="stable")
    edges = np.searchsorted(person[order], np.arange(len(codes) + 1))
    parts = [order[start:end] for start, end in pairwise(edges.tolist())]
    settled = [_settled(level[rows], settle) for rows in parts]
    likely = np.array(
        [
            _likelihoods(level[rows[:first]], happened[rows[:first]])
            for rows, first in zip(parts, settled, strict=True)
        ]
    ).reshape(len(parts), len(_GRID))
    found: dict[int, Track | NotEnough] = {}
    for code, rows, first, rate in zip(codes, parts, settled, _posteriors(likely), strict=True):
        if not (level[rows[first:]] >= 0).any():
            found[int(code)] = NotEnough(
                f"{len(rows)} judgments, {int((level[rows] >= 0).sum())} of them checked: the "
                f"usual rate takes {settle} judgments and {_LEAST} checks, and a change some more"
            )
            continue
        found[int(code)] = _follow(
            int(code), rows, first, level[rows], happened[rows], rate, rng, plan
        )
    return found


def _follow(
    code: int,
    rows: Ints,
    first: int,
    level: Ints,
    events: Ints,
    posterior: Floats,
    rng: np.random.Generator,
    plan: _Plan,
) -> Track:
    usual = float(posterior @ _GRID)
    ends = np.searchsorted(np.cumsum(posterior), [0.025, 0.975]).clip(max=len(_GRID) - 1)
    steps = [_steps(usual, plan.rise), _steps(usual, 1 / plan.rise)]
    seen = np.flatnonzero(level[first:] >= 0) + first  # positions with a check, once settled
    longer = max(1.0, plan.horizon / (len(level) - first))
    ahead = level[np.resize(seen, round(longer * len(seen)))]  # as many checks as the horizon has
    highest = _calm(ahead, steps, posterior, rng)  # (2, worlds)
    sides = [
        _side(rows, seen, table[level[seen], events[seen]], events[seen], top, plan.false_alarm)
        for table, top in zip(steps, highest, strict=True)
    ]
    checks = int((level[:first] >= 0).sum())
    estimate = Estimate(usual, min(usual, float(_GRID[ends[0]])), float(_GRID[ends[1]]), checks)
    return Track(code, estimate, rows, first, sides[0], sides[1])


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
    level: Ints, steps: list[Floats], posterior: Floats, rng: np.random.Generator
) -> list[Floats]:
    """The highest point of each chart in worlds without a change.  # (worlds,) each"""
    tops: list[list[Floats]] = [[] for _ in steps]
    noise, at_a_time = _NOISE[level], max(1, _CELLS // max(len(level), 1))
    for first in range(0, _WORLDS, at_a_time):
        worlds = min(at_a_time, _WORLDS - first)
        rate = rng.choice(_GRID, size=worlds, p=posterior)[:, None]
        event = rng.random((worlds, len(level))) < rate * (1 - 2 * noise) + noise
        for table, top in zip(steps, tops, strict=True):
            total = np.cumsum(np.where(event, table[level, 1], table[level, 0]), axis=1)
            lowest = np.minimum(np.minimum.accumulate(total, axis=1), 0.0)
            top.append((total - lowest).max(1))
    return [np.concatenate(top) for top in tops]


def _steps(usual: float, rise: float) -> Floats:
    """Log likelihood ratios by noise and event.  # (noises, 2)"""
    odds = usual / (1 - usual) * rise
    before, after = (rate * (1 - 2 * _NOISE) + _NOISE for rate in (usual, odds / (1 + odds)))
    before, after = np.maximum(before, 1e-6), np.maximum(after, 1e-6)
    return np.log(np.stack([(1 - after) / (1 - before), after / before], axis=1))


def _settled(level: Ints, settle: int) -> int:
    """How many of one annotator's first judgments are learned from."""
    checks = np.flatnonzero(level >= 0)
    if len(checks) < _LEAST:
        return len(level)
    return min(max(settle, int(checks[_LEAST - 1]) + 1), len(level))


def _likelihoods(level: Ints, events: Ints) -> Floats:
    """Log likelihood of each error rate.  # (rates,)"""
    cells = level[level >= 0] * 2 + events[level >= 0]
    times = np.bincount(cells, minlength=2 * len(_NOISE)).reshape(-1, 2)
    chance = _GRID[:, None] * (1 - 2 * _NOISE) + _NOISE  # (rates, noises)
    return np.asarray(np.log(chance) @ times[:, 1] + np.log(1 - chance) @ times[:, 0])


def _posteriors(likely: Floats) -> Floats:
    """Posterior over error rates of every annotator, under the average of Beta priors on 0 to ½
    weighed by the evidence of the whole crowd.  # (A, rates)"""
    if not len(likely):
        return likely
    priors = np.array(
        [
            stats.beta.pdf(2 * _GRID - 0.01, mean * size, (1 - mean) * size)
            for mean in np.arange(0.1, 1.0, 0.1)
            for size in (2, 3, 4, 6, 8, 12, 16, 24)
        ]
    )
    priors /= priors.sum(1, keepdims=True)
    share = np.exp(likely - likely.max(1, keepdims=True))  # (A, rates)
    evidence = np.log(share @ priors.T + 1e-300).sum(0)
    weight = np.exp(evidence - evidence.max())
    found = share * (weight @ priors)
    return np.asarray(found / found.sum(1, keepdims=True))


def _check(kinds: Ints, events: Ints, noise: Floats, plan: _Plan) -> None:
    if len(kinds) and (kinds.min() < NONE or kinds.max() > REPEAT):
        raise BadInput(f"kinds must be {NONE} (no check) or {GOLD}..{REPEAT}: see stats.checks")
    if not np.isin(events, (0, 1)).all():
        raise BadInput("events must be 1 (the judgment differs) or 0")
    if len(noise) and (noise.min() < 0 or noise.max() > 1):
        raise BadInput("noise is the chance that a check is wrong: between 0 and 1")
    if plan.settle < 1 or plan.horizon < 1 or plan.rise <= 1 or not 0 < plan.false_alarm < _TAIL:
        raise BadInput(f"{plan}: give 1 or more judgments, a rise above 1, false alarms under .1")
