"""When somebody's error rate rises: a Bernoulli CUSUM per annotator, on whatever tells of errors.

Page 1954; Reynolds and Stoumbos 1999 for yes-or-no events:

    S_t = max(0, S_{t-1} + log f1(x_t) / f0(x_t)), alarm when S_t >= h

with f0 the usual rate of events and f1 the rate to be found. A judgment can be checked against a
known answer, or against a peer; one that cannot adds nothing, so that delays count judgments, not
checks. Signals add up in one chart, since log likelihood ratios do.

Departure: increments are rounded to a hundredth of a nat, and the chart that runs is the rounded
one. It is then a Markov chain on a lattice (Brook and Evans 1972), and its false alarms and delays
are computed, not approximated or simulated. Delays are from a chart at zero, the slowest start.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from prefloop.core.errors import BadInput
from prefloop.stats.columns import Floats, Ints, compact, same_length, whole
from prefloop.stats.result import NotEnough

__all__ = [
    "Change",
    "Chart",
    "Signal",
    "known_truth",
    "one_peer",
    "own_answer",
    "plan_chart",
    "two_peers",
    "watch",
]

_GRID = 100  # steps of the lattice per nat
_FAR = 50  # nats: a threshold beyond which no chart is of use
_LONGEST = 100_000  # judgments followed when a delay is computed


@dataclass(frozen=True, slots=True)
class Signal:
    """How often a check shows an event while all is well, and after the change; and the share of
    judgments that get this check."""

    name: str
    before: float
    after: float
    share: float = 1.0


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart that is ready to run, with what it promises.

    `false_alarm` is the chance of any alarm in `horizon` judgments without a change; `detected`
    the chance of one within `horizon` judgments after it; delays are in judgments.
    """

    signals: tuple[Signal, ...]
    steps: tuple[tuple[int, int], ...]  # per signal: (no event, event), hundredths of a nat
    threshold: int  # hundredths of a nat
    horizon: int
    false_alarm: float
    detected: float
    median_delay: int
    delay_95: int  # 95 % of changes are found within so many judgments


@dataclass(frozen=True, slots=True)
class Change:
    """One annotator's first alarm. Rows are positions in the columns as given."""

    annotator: int
    row: int  # the judgment that raised it
    since: int  # the first judgment after the chart last stood at zero: when it probably began
    judgments: int  # the annotator's, until then
    checked: int  # of those since `since`, with a signal: on how much the alarm rests
    events: int  # of those, events


def known_truth(before: float, after: float, share: float = 1.0) -> Signal:
    """Checks against a right answer: an event is an error."""
    return Signal("known truth", before, after, share)


def one_peer(before: float, after: float, peer: float, share: float = 1.0) -> Signal:
    """Checks against one peer of error rate `peer`, two options: an event is a disagreement."""
    rates = [error * (1 - peer) + (1 - error) * peer for error in (before, after)]
    return Signal("one peer", rates[0], rates[1], share)


def own_answer(before: float, after: float, share: float = 1.0) -> Signal:
    """Repeats of what the annotator judged before the change, with errors independent of the first
    answer: an event is another answer. People who repeat their errors differ less often."""
    repeat = one_peer(before, after, before)
    return Signal("own answer", repeat.before, repeat.after, share)


def two_peers(before: float, after: float, peer: float, share: float = 1.0) -> Signal:
    """Checks against two peers of error rate `peer` where they agree, two options: an event is a
    disagreement with both. `share` is of judgments that two peers made too, agreeing or not."""
    right, wrong = (1 - peer) ** 2, peer**2
    agreed = one_peer(before, after, wrong / (right + wrong))
    return Signal("two peers", agreed.before, agreed.after, share * (right + wrong))


@lru_cache(maxsize=256)
def plan_chart(
    signals: tuple[Signal, ...], horizon: int, false_alarm: float = 0.05
) -> Chart | NotEnough:
    """The lowest threshold that raises a false alarm with at most this probability in `horizon`
    judgments. A judgment carries at most one of the signals, so shares sum to 1 or less."""
    _check(signals, horizon, false_alarm)
    steps = tuple(_steps(signal) for signal in signals)
    if all(up == 0 for _, up in steps):
        return NotEnough("the rates before and after are too alike for any chart")
    calm, changed = _moves(signals, steps, "before"), _moves(signals, steps, "after")
    low, high = 1, _FAR * _GRID  # smallest threshold that keeps the promise, by bisection
    while low < high:
        middle = (low + high) // 2
        if _alarm_by(calm, middle, horizon)[-1] <= false_alarm:
            high = middle
        else:
            low = middle + 1
    if low == _FAR * _GRID:
        return NotEnough(f"no threshold keeps false alarms at {false_alarm} in {horizon}")
    after = _delays(changed, low, horizon)
    return Chart(
        signals,
        steps,
        low,
        horizon,
        float(_alarm_by(calm, low, horizon)[-1]),
        float(after[horizon - 1]),
        int(np.searchsorted(after, 0.5)) + 1,
        int(np.searchsorted(after, 0.95)) + 1,
    )


def watch(
    annotators: ArrayLike, signal: ArrayLike, events: ArrayLike, chart: Chart
) -> tuple[Change, ...]:
    """Run the chart for every annotator at once; rows (N,) stand in order of time.

    `signal` is the position of a row's check among the chart's signals, -1 for none; `events` is 1
    where it showed an error or a disagreement, else 0. The first alarm of each annotator, by row:
    what happens after it, a recalibration or a pause, is not this function's.
    """
    who, which = whole("annotators", annotators), whole("signal", signal)
    happened = whole("events", events)
    same_length(annotators=who, signal=which, events=happened)
    if len(who) == 0:
        return ()
    if which.min() < -1 or which.max() >= len(chart.signals):
        raise BadInput(f"signal must be -1 or 0..{len(chart.signals) - 1}, the chart's signals")
    if not np.isin(happened, (0, 1)).all():
        raise BadInput("events must be 1 (error, disagreement) or 0")
    table = np.array([*chart.steps, (0, 0)], dtype=np.int64)  # -1 finds the last row
    codes, person = compact(who)
    order = np.argsort(person, kind="stable")
    person = person[order]
    level, zero = _charts(person, table[which, happened][order])
    crossed = np.flatnonzero(level >= chart.threshold)
    _, first = np.unique(person[crossed], return_index=True)
    begins = np.searchsorted(person, np.arange(len(codes)))
    return tuple(
        Change(
            int(codes[person[row]]),
            int(order[row]),
            int(order[zero[row]]),
            int(row - begins[person[row]] + 1),
            int((which[order[zero[row] : row + 1]] >= 0).sum()),
            int(happened[order[zero[row] : row + 1]][which[order[zero[row] : row + 1]] >= 0].sum()),
        )
        for row in sorted(crossed[first], key=lambda at: int(order[at]))
    )


def _charts(person: Ints, step: Ints) -> tuple[Ints, Ints]:
    """The chart after every row, and the row after it last stood at zero.  # (N,) each

    S_t is the sum so far less its lowest value so far, 0 included. One running minimum serves all:
    each person starts far below where the one before could have ended.
    """
    total = np.cumsum(step)
    starts = np.r_[True, np.diff(person) > 0]
    base = np.repeat((total - step)[starts], np.diff(np.r_[np.flatnonzero(starts), len(step)]))
    own = total - base  # (N,) each person's sum
    far = 2 * int(np.abs(own).max()) + 1
    down = own - person * far
    lowest = np.minimum(np.minimum.accumulate(down), -person * far)
    level = down - lowest
    at_zero = np.where(level == 0, np.arange(1, len(step) + 1), 0)
    at_zero = np.maximum(at_zero, np.where(starts, np.arange(len(step)), 0))
    zero = np.maximum.accumulate(at_zero)
    return level, np.minimum(zero, np.arange(len(step)))


def _steps(signal: Signal) -> tuple[int, int]:
    none = math.log((1 - signal.after) / (1 - signal.before))
    event = math.log(signal.after / signal.before)
    return round(none * _GRID), round(event * _GRID)


def _moves(
    signals: Sequence[Signal], steps: Sequence[tuple[int, int]], rate: str
) -> list[tuple[int, float]]:
    """(step, probability) of everything a judgment can do to the chart."""
    moves = [(0, 1.0 - sum(signal.share for signal in signals))]
    for signal, (none, event) in zip(signals, steps, strict=True):
        chance = getattr(signal, rate)
        moves += [(none, signal.share * (1 - chance)), (event, signal.share * chance)]
    return [(step, chance) for step, chance in moves if chance > 0]


def _alarm_by(moves: list[tuple[int, float]], threshold: int, judgments: int) -> Floats:
    """The chance of an alarm by each judgment, from a chart at zero.  # (judgments,)"""
    state = np.zeros(threshold)  # where the chart stands, if it never reached the threshold
    state[0] = 1.0
    quiet = np.empty(judgments)
    for at in range(judgments):
        after = np.zeros(threshold)
        for step, chance in moves:
            if step >= 0:
                after[step:] += chance * state[: max(threshold - step, 0)]
            else:
                after[: max(threshold + step, 0)] += chance * state[-step:]
                after[0] += chance * float(state[:-step].sum())
        state = after
        quiet[at] = state.sum()
    return 1.0 - quiet


def _delays(moves: list[tuple[int, float]], threshold: int, horizon: int) -> Floats:
    """The chance of an alarm by each judgment, followed until 95 % are found."""
    length = horizon
    while (found := _alarm_by(moves, threshold, length))[-1] < 0.95 and length < _LONGEST:
        length *= 2
    return found


def _check(signals: tuple[Signal, ...], horizon: int, false_alarm: float) -> None:
    if not signals or sum(signal.share for signal in signals) > 1 + 1e-9:
        raise BadInput("give at least one signal; their shares must sum to 1 or less")
    for signal in signals:
        if not 0 < signal.before < signal.after < 1 or not 0 < signal.share <= 1:
            raise BadInput(f"{signal}: give 0 < before < after < 1 and 0 < share <= 1")
    if horizon < 1 or not 0 < false_alarm < 1:
        raise BadInput(f"horizon {horizon}, false alarms {false_alarm}: give 1 or more, and 0..1")
