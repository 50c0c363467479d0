"""Detectors of what a person's verdicts follow: nothing, one side, the longer, the list; or
which are all the same.

A p-value says that somebody differs, not that it matters. So beside it each detector has a size
below which nobody is accused, however alike the others are; it can only lower false alarms.
"""

from dataclasses import replace

import numpy as np
from scipy import stats

from prefloop.stats.columns import Floats, Ints
from prefloop.stats.detection.crowd import LEAST_PEOPLE, Tail, likeness, people, people_and_coins
from prefloop.stats.detection.judged import LEAST, Detected, Judged, Kind
from prefloop.stats.detection.traits import FOLLOWED, Traits
from prefloop.stats.result import NotEnough

__all__ = ["bullets_win", "compared", "longer_wins", "one_answer", "one_side", "random_verdicts"]

_AGREEMENT = 0.4  # log-odds: accuracy .60, below which a coin cannot be told from people
_MATTERS = 0.2  # beyond the usual slope: one verdict in ten decided by it; less is a leaning
_SAME = 0.95  # share of one answer below which it is strictness or leniency, not one answer
_SURE = 0.999  # a verdict at random may not lie this surely above chance


def random_verdicts(
    data: Judged, found: Traits, heard: np.ndarray, suspects: frozenset[int] = frozenset()
) -> Detected | NotEnough:
    """Whose verdicts have no more to do with what others say than a coin's.

    Two things must hold: nobody of this crowd's range of skill would agree so little (the p-value,
    on log-odds of accuracy, where people are normal), and chance itself is within reach; it is not
    for whoever is of one mind with somebody (`heard`, (A,)): theirs is a view, not a coin. A person
    of poor skill is not accused; see `inversion` for what their share of wrong verdicts suggests.
    `suspects` (codes as given), whom another detector caught, and the like-minded take no part in
    learning what people are like. `effect` is accuracy against what the others say.
    """
    skill = np.clip(found.slopes[:, 0], -0.97, 0.97)
    noise = found.variances[:, 0]
    log_odds = 2 * np.arctanh(skill)
    variances = noise * (2 / (1 - skill**2)) ** 2  # delta method: d(2 artanh s) = 2 / (1 - s^2)
    able = (found.shared >= LEAST) & (found.weight[:, 0] >= LEAST / 3)
    why = {
        int(data.rows.annotator_codes[a]): NotEnough(
            f"{found.shared[a]:.0f} judgments on comparisons that others judged too: at least "
            f"{LEAST} are needed"
        )
        for a in np.flatnonzero(~able)
    }
    surely = skill > stats.norm.ppf(_SURE) * np.sqrt(noise)
    trusted = able & ~heard & ~np.isin(data.rows.annotator_codes, list(suspects))
    if trusted.sum() < LEAST_PEOPLE:
        trusted = able
    crowd = people_and_coins(log_odds[trusted], variances[trusted])
    if isinstance(crowd, NotEnough):
        return crowd
    if crowd.usual < _AGREEMENT:
        return NotEnough("these people hardly agree with each other: no one stands out as random")
    p = likeness(log_odds[able], variances[able], crowd, "low")
    return Detected(
        "random",
        data.rows.annotator_codes[able],
        (1 + found.slopes[able, 0]) / 2,
        np.where((surely | heard)[able], 1.0, p),
        found.shared[able].astype(np.int64),
        float((1 + np.tanh(crowd.usual / 2)) / 2),
        float(crowd.spread * (1 - np.tanh(crowd.usual / 2) ** 2) / 4),
        why,
    )


def one_side(data: Judged, found: Traits) -> Detected | NotEnough:
    """Who takes the first shown, or the second, whatever it says; `effect` is the slope on the side
    (1: always the first, -1: always the second). A coin chose the side: it is nobody's merit."""
    if data.first is None:
        return NotEnough("which completion was shown first was not recorded")
    return _slope(data, found, "one side", "first", "both", "judgments with a known side")


def longer_wins(data: Judged, found: Traits) -> Detected | NotEnough:
    """Who takes the longer, beyond what quality explains and what people here like."""
    if data.longer is None:
        return NotEnough("the completions' lengths are not known")
    return _slope(data, found, "longer wins", "longer", "high", "judgments with unlike lengths")


def bullets_win(data: Judged, found: Traits) -> Detected | NotEnough:
    """Who takes the list, beyond quality, length, and what people here like."""
    if data.bullets is None:
        return NotEnough("which completions are lists is not known")
    what = "judgments where one completion is more of a list"
    return _slope(data, found, "bullets win", "bullets", "high", what)


def one_answer(data: Judged) -> Detected | NotEnough:
    """Who gives one and the same answer (a, b or tie) far more often than people here favor theirs.

    `effect` is the share of a person's own most frequent answer, of which people's log-odds are
    taken to be normal. The p-value is the binomial tail over that distribution: an approximation
    would fail those who never gave another answer at all.
    """
    n = data.per_person
    who = data.rows.annotators
    each = [np.bincount(who, data.verdicts == x, minlength=data.people) for x in (1, -1, 0)]
    most = np.max(each, axis=0)
    yes, no = most + 0.5, n - most + 0.5
    log_odds, noise = np.log(yes / no), 1 / yes + 1 / no  # Haldane 1956; Gart and Zweifel 1967
    seen = compared(data, "one answer", log_odds, noise, n.astype(np.float64), "high", "judgments")
    if isinstance(seen, NotEnough):
        return seen
    able = n >= LEAST
    usual = float(1 / (1 + np.exp(-seen.usual)))
    share = most[able] / n[able]
    p = _tail(most[able], n[able], seen.usual, seen.spread)
    return replace(
        seen,
        effect=share,
        p=np.where(share < _SAME, 1.0, p),
        usual=usual,
        spread=usual * (1 - usual) * seen.spread,
    )


def _tail(hits: Floats, n: Ints, mean: float, spread: float) -> Floats:
    """P(at least so many hits) where log-odds are normal: a sum over a fine grid.  # (D,)"""
    grid = np.linspace(mean - 6 * spread, mean + 8 * spread, 281)
    weights = stats.norm.pdf(grid, mean, spread)
    share = 1 / (1 + np.exp(-grid))
    tails = stats.binom.sf(hits[:, None] - 1, n[:, None], share)  # (D, grid)
    return np.asarray(tails @ (weights / weights.sum()))


def compared(
    data: Judged, kind: Kind, estimates: Floats, variances: Floats, n: Floats, tail: Tail, what: str
) -> Detected | NotEnough:
    """A detector whose whole rule is: one number per person, compared with the crowd's.  # (A,)"""
    able = n >= LEAST
    if able.sum() < LEAST_PEOPLE:
        return NotEnough(
            f"{able.sum()} annotators have {LEAST} {what}: what people are like takes at least "
            f"{LEAST_PEOPLE} who do"
        )
    crowd = people(estimates[able], variances[able], tail)
    if isinstance(crowd, NotEnough):
        return crowd
    return Detected(
        kind,
        data.rows.annotator_codes[able],
        estimates[able],
        likeness(estimates[able], variances[able], crowd, tail),
        n[able].astype(np.int64),
        crowd.usual,
        crowd.spread,
        _few(data, n, what),
    )


def _slope(
    data: Judged, found: Traits, kind: Kind, column: str, tail: Tail, what: str
) -> Detected | NotEnough:
    k = FOLLOWED.index(column)
    n = found.weight[:, k]  # the predictor is a sign: its squares count the judgments that have one
    seen = compared(data, kind, found.slopes[:, k], found.variances[:, k], n, tail, what)
    if isinstance(seen, NotEnough):
        return seen
    beyond = seen.effect - seen.usual
    small = (np.abs(beyond) if tail == "both" else beyond) < _MATTERS
    return replace(seen, p=np.where(small, 1.0, seen.p))


def _few(data: Judged, n: Floats | Ints, what: str) -> dict[int, NotEnough]:
    return {
        int(data.rows.annotator_codes[a]): NotEnough(
            f"{n[a]:.0f} {what}: at least {LEAST} are needed"
        )
        for a in np.flatnonzero(n < LEAST)
    }
