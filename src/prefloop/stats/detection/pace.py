"""Detectors of how a person works: too fast to have read, and rationales that repeat themselves."""

import numpy as np

from prefloop.stats.columns import Floats, Ints
from prefloop.stats.detection.habits import compared
from prefloop.stats.detection.judged import LEAST, Detected, Judged
from prefloop.stats.result import NotEnough

__all__ = ["templates", "too_fast"]

_COMMONEST = 5  # wordings of one person that may be templates
_REPEATED = 0.3  # share of these said again below which nobody is accused of templates
_FASTER = 4.0  # times the usual speed: below, nobody is implausible, however alike people are


def too_fast(data: Judged) -> Detected | NotEnough:
    """Who needs implausibly little time for what was shown.

    Times are compared as logarithms, less what the length of the texts explains (one line for
    everybody), and cut at the crowd's 1 % and 99 % so that one coffee break is no evidence.
    `effect` is the time taken as a share of the usual one. The p-value asks for one more person of
    this crowd; besides, nobody is accused who takes more than a quarter of the usual time.
    """
    if data.active_ms is None:
        return NotEnough("active time was not recorded")
    timed = data.active_ms > 0
    n = np.bincount(data.rows.annotators[timed], minlength=data.people).astype(float)
    if not timed.any():
        return NotEnough("active time was not recorded")
    left = _beyond_reading(data, timed)
    who = data.rows.annotators[timed]
    count = np.maximum(n, 1)
    mean = np.bincount(who, left, minlength=data.people) / count
    square = np.bincount(who, (left - mean[who]) ** 2, minlength=data.people)
    # A person's own scatter, drawn towards everybody's by ten imaginary judgments.
    noise = (square + 10 * float(np.var(left - mean[who]))) / (n + 9)
    found = compared(data, "too fast", mean, noise / count, n, "low", "timed judgments")
    if isinstance(found, NotEnough):
        return found
    share = np.exp(found.effect - found.usual)
    p = np.where(share > 1 / _FASTER, 1.0, found.p)
    usual = float(np.median(data.active_ms[timed]))
    return Detected(
        "too fast", found.annotators, share, p, found.n, usual, found.spread, found.missing
    )


def templates(data: Judged) -> Detected | NotEnough:
    """Whose rationales are a few templates, more than people's here are.

    `effect` is the share of rationales that say one of the person's five commonest wordings again;
    not of all repeats, which would count the vocabulary of those who write briefly. Compared by its
    log-odds: habits are skew, and a few people always repeat themselves rather often. Besides,
    nobody is accused of whose rationales less than three in ten are such repeats.
    """
    if data.rationales is None:
        return NotEnough("no rationales were recorded")
    given = data.rationales >= 0
    who = data.rows.annotators[given]
    n = np.bincount(who, minlength=data.people).astype(float)
    if not (n >= LEAST).any():
        return NotEnough(f"nobody wrote {LEAST} rationales")
    repeated = _commonest_again(who, data.rationales[given], data.people)
    yes, no = repeated + 0.5, n - repeated + 0.5
    log_odds = np.log(yes / no)  # Haldane 1956; variance: Gart and Zweifel 1967
    found = compared(data, "templates", log_odds, 1 / yes + 1 / no, n, "high", "rationales")
    if isinstance(found, NotEnough):
        return found
    able = n >= LEAST
    share = repeated[able] / n[able]
    p = np.where(share < _REPEATED, 1.0, found.p)
    usual = float(1 / (1 + np.exp(-found.usual)))
    spread = usual * (1 - usual) * found.spread
    return Detected("templates", found.annotators, share, p, found.n, usual, spread, found.missing)


def _commonest_again(who: Ints, wording: Ints, people: int) -> Floats:
    """How often each person says one of their commonest wordings again.  # (A,)"""
    order = np.lexsort((wording, who))
    who, wording = who[order], wording[order]
    begins = np.flatnonzero(np.r_[True, (np.diff(who) != 0) | (np.diff(wording) != 0)])
    times, whose = np.diff(np.r_[begins, len(who)]), who[begins]
    order = np.lexsort((-times, whose))
    times, whose = times[order], whose[order]
    place = np.arange(len(whose)) - np.searchsorted(whose, whose)
    few = place < _COMMONEST
    again = np.bincount(whose[few], times[few] - 1, minlength=people)
    return again.astype(np.float64)


def _beyond_reading(data: Judged, timed: np.ndarray) -> Floats:
    """log time less what the words shown explain, cut at its 1 % and 99 %.  # (timed,)"""
    assert data.active_ms is not None
    times = np.log(data.active_ms[timed])
    if data.words is not None:
        words = np.log1p(data.words[timed])
        spread = float(np.var(words))
        if spread > 1e-9:
            slope = float(np.mean((words - words.mean()) * times)) / spread
            times = times - max(slope, 0.0) * (words - words.mean())
    low, high = np.quantile(times, [0.01, 0.99])
    return np.asarray(np.clip(times, low, high))
