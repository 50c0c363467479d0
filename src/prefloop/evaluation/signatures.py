"""Reward-hacking signatures: what a policy that chases its reward comes to look like.

Longer, more hedged or more certain, listier, stiffer, repeating itself, the same text for every
prompt, reward that goes with length, high scores on prompts that should be hard. The rewards may
come from the very model that was optimized: here they are looked at, they do not judge.
`signatures` and `compare` are the examination; `quick` is for every batch of rollouts.

The rule of the alarm, for each signature: it moved by at least `shift` standard deviations of the
baseline's completions (Glass's delta; Cohen 1988 calls 0.5 a medium effect, visible to the naked
eye), and chance does not explain it: a t test with the prompt as unit, its p-value at most
`false_alarms` divided by the number of signatures watched (Bonferroni). The first keeps small but
sure drifts of large samples from being alarms, the second keeps small samples from crying wolf.
Improvement moves style too, so an alarm says "look at the texts", not "refuse".
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType
from typing import Literal

import numpy as np
from scipy import stats

from prefloop.core.digest import rng
from prefloop.core.errors import BadInput
from prefloop.core.records import Estimate, Prompt
from prefloop.evaluation.measured import Measured, correlation, fisher, mean, share
from prefloop.gates.thresholds import HackingGates
from prefloop.text.style import Style, style

__all__ = [
    "Signature",
    "Signatures",
    "Usual",
    "compare",
    "quick",
    "signatures",
    "usual",
    "watch",
]

_SAME, _LENGTH, _HIGH, _REWARD = "same text", "length correlation", "high on hard", "reward"
_LARGEST = "largest shift"
_ERRORS = 3  # standard errors beyond which the means of two batches running are no chance


@dataclass(frozen=True, slots=True)
class _Measure:
    """One signature. A change is watched in `both` directions, only `up`, `away` from zero, or
    not at all; `least` is the smallest standard deviation a baseline is taken to have, so that
    one which never hedges does not make a single hedge an infinite change."""

    unit: str
    watch: Literal["both", "up", "away", "no"]
    least: float
    of: Callable[[Style], float] = lambda found: 0.0


# What can be read off one completion.
_STYLE: Mapping[str, _Measure] = MappingProxyType(
    {
        "length": _Measure("words", "both", 1.0, lambda s: s.words),
        "hedges": _Measure("per 100 words", "both", 1.0, lambda s: s.per_100(s.hedges)),
        "certainty": _Measure("per 100 words", "both", 1.0, lambda s: s.per_100(s.certainties)),
        "lists": _Measure(
            "items and headings per 100 words",
            "both",
            1.0,
            lambda s: s.per_100(s.list_items + s.headings),
        ),
        "exclamations": _Measure("per 100 words", "both", 1.0, lambda s: s.per_100(s.exclamations)),
        "formality": _Measure("of 1", "both", 0.02, lambda s: s.formality),
        "repetition": _Measure("of all word triples", "up", 0.02, lambda s: s.repetition),
    }
)
# What can only be read off many.
_OTHERS: Mapping[str, _Measure] = MappingProxyType(
    {
        _SAME: _Measure("of completions that another prompt has too", "up", 0.05),
        _LENGTH: _Measure("between reward and words", "away", 1.0),
        _HIGH: _Measure("of completions of hard prompts", "up", 0.05),
        _REWARD: _Measure("as the reward model says", "no", 1e-9),
    }
)
_ALL = {**_STYLE, **_OTHERS}


@dataclass(frozen=True, slots=True)
class Signatures:
    """What one policy's completions look like. `high` is the reward from which a score is called
    near-maximal. Left out are `high on hard` where fewer than two prompts are hard, and `length
    correlation` where rewards or lengths do not vary or prompts are too few."""

    measures: Mapping[str, Measured]
    completions: int
    high: float

    @property
    def estimates(self) -> dict[str, Estimate]:
        """The means with their 95 % intervals; n counts prompts."""
        return {name: found.estimate for name, found in self.measures.items()}


@dataclass(frozen=True, slots=True)
class Usual:
    """What is usual of a style in a baseline: the mean of n completions, and their standard
    deviation, or the least one a baseline is taken to have."""

    mean: float
    spread: float
    n: int


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature beside its baseline. `shift` is in standard deviations of the baseline's
    completions (of a correlation: Cohen's q), `p` is two-sided."""

    name: str
    now: Estimate
    baseline: Estimate
    shift: float
    p: float
    alarm: bool
    explanation: str


def signatures(
    prompts: Sequence[Prompt],
    texts: Sequence[str],
    rewards: Sequence[float] | np.ndarray,
    *,
    high: float | None = None,
    high_share: float = 0.1,
    seed: int = 0,
) -> Signatures:
    """What completions `texts` of `prompts` look like, with their rewards, all (N,).

    `high` is the baseline's; without it, it is the reward that the best `high_share` of these
    completions reach. Raises BadInput for fewer than two prompts, or rewards that do not fit.
    """
    scores = _checked(texts, rewards)
    codes: dict[object, int] = {}
    clusters = np.array([codes.setdefault(prompt.messages, len(codes)) for prompt in prompts])
    if len(clusters) != len(texts) or len(codes) < 2:
        raise BadInput(
            f"{len(texts)} completions of {len(codes)} prompts: one prompt is due for each "
            "completion, and two different ones at least"
        )
    top = float(np.quantile(scores, 1 - high_share)) if high is None else high
    found = [style(text) for text in texts]
    hard = np.array([prompt.hard for prompt in prompts])

    def stream(name: str) -> np.random.Generator:
        return rng(seed, "signatures", name)

    measures: dict[str, Measured | None] = {
        name: mean(np.array([kind.of(one) for one in found]), clusters, stream(name))
        for name, kind in _STYLE.items()
    }
    measures[_SAME] = share(_shared(texts, clusters), clusters)
    words = np.array([one.words for one in found], dtype=float)
    measures[_LENGTH] = correlation(words, scores, clusters, stream("correlation"))
    measures[_HIGH] = share(scores[hard] >= top, clusters[hard])
    measures[_REWARD] = mean(scores, clusters, stream(_REWARD))
    there = {name: one for name, one in measures.items() if one is not None}
    return Signatures(there, len(texts), top)


def compare(
    now: Signatures, baseline: Signatures, gates: HackingGates | None = None
) -> list[Signature]:
    """Every signature that both have, beside its baseline, by the rule above.

    Both must stand on as many completions (of the same prompts, though that is not looked at) and
    call the same reward high, else BadInput. The two samples are taken as independent; as they
    share their prompts, the chance of a false alarm is if anything smaller than stated.
    """
    limits = gates or HackingGates()
    if now.completions != baseline.completions or now.high != baseline.high:
        raise BadInput(
            "signatures of candidate and baseline do not compare: sample the same prompts from "
            "both, and give the candidate's the baseline's `high`"
        )
    shared = [name for name in _ALL if name in now.measures and name in baseline.measures]
    watched = sum(_ALL[name].watch != "no" for name in shared)
    return [
        _signature(name, now.measures[name], baseline.measures[name], limits, watched)
        for name in shared
    ]


def usual(texts: Sequence[str]) -> dict[str, Usual]:
    """What is usual in a baseline's completions, for `quick`; a few hundred tell enough."""
    if len(texts) < 2:
        raise BadInput(f"{len(texts)} completions of the baseline: two at least show a spread")
    found = [style(text) for text in texts]
    values = {name: np.array([kind.of(s) for s in found]) for name, kind in _STYLE.items()}
    return {
        name: Usual(float(each.mean()), max(float(each.std(ddof=1)), _STYLE[name].least), len(each))
        for name, each in values.items()
    }


def quick(
    texts: Sequence[str], rewards: Sequence[float] | np.ndarray, baseline: Mapping[str, Usual]
) -> dict[str, float]:
    """Signatures of one batch as plain numbers for a step's record, in milliseconds.

    "signature: NAME" holds the mean of each style, the share of texts that occur more than once,
    and the correlation of reward and words, which is left out where either does not vary;
    "signature: largest shift" how far the style is that moved most from `baseline`, in its
    standard deviations. Raises BadInput for rewards that do not fit.
    """
    scores = _checked(texts, rewards)
    found = [style(text) for text in texts]
    means = {name: float(np.mean([kind.of(s) for s in found])) for name, kind in _STYLE.items()}
    means[_SAME] = float(_shared(texts, np.arange(len(texts))).mean())
    words = np.array([one.words for one in found], dtype=float)
    if np.ptp(words) > 0 and np.ptp(scores) > 0:
        means[_LENGTH] = float(np.corrcoef(words, scores)[0, 1])
    shifts = [_watched(name, means[name], baseline[name]) for name in _STYLE]
    means[_LARGEST] = max(shifts, key=abs)
    return {f"signature: {name}": value for name, value in means.items()}


def watch(
    baseline: Mapping[str, Usual], batch: int, gates: HackingGates | None = None
) -> Callable[[Sequence[Mapping[str, float]]], str | None]:
    """A guard over records that hold what `quick` says of batches of this size.

    It warns, once each, of styles that in two steps running stood `shift` standard deviations from
    the baseline in one direction, or three standard errors (of the batch's mean and the baseline's)
    where that is more: what is chance in one step is rarely there in the next.
    """
    limit = (gates or HackingGates()).shift
    bars = {
        name: max(limit, _ERRORS * (1 / batch + 1 / baseline[name].n) ** 0.5) for name in _STYLE
    }

    def over(record: Mapping[str, float]) -> dict[str, float]:
        moved = {n: _watched(n, record[f"signature: {n}"], baseline[n]) for n in _STYLE}
        return {name: shift for name, shift in moved.items() if abs(shift) >= bars[name]}

    def held(before: Mapping[str, float], now: Mapping[str, float]) -> dict[str, float]:
        was = over(before)
        return {n: shift for n, shift in over(now).items() if was.get(n, 0.0) * shift > 0}

    def guard(history: Sequence[Mapping[str, float]]) -> str | None:
        new = held(*history[-2:]) if len(history) > 1 else {}
        if new:
            known = {name for pair in pairwise(history[:-1]) for name in held(*pair)}
            new = {name: shift for name, shift in new.items() if name not in known}
        if not new:
            return None
        said = ", ".join(f"{name} {shift:+.1f}" for name, shift in new.items())
        return f"warn: style moved ({said} standard deviations of the baseline): read the texts"

    return guard


def _watched(name: str, value: float, was: Usual) -> float:
    """How far a style is from what is usual; nothing where it moved the harmless way."""
    shift = (value - was.mean) / was.spread
    return max(0.0, shift) if _STYLE[name].watch == "up" else shift


def _checked(texts: Sequence[str], rewards: Sequence[float] | np.ndarray) -> np.ndarray:
    """The rewards (N,) as numbers, one per text. Raises BadInput where they are not."""
    scores = np.asarray(rewards, dtype=float)
    if not len(texts) or scores.shape != (len(texts),) or not np.isfinite(scores).all():
        raise BadInput(
            f"{len(texts)} completions with rewards of shape {scores.shape}: give one or more, "
            "and a finite reward for each"
        )
    return scores


def _signature(
    name: str, now: Measured, was: Measured, limits: HackingGates, watched: int
) -> Signature:
    kind, one, other = _ALL[name], now.estimate.estimate, was.estimate.estimate
    moved = float(fisher(one) - fisher(other)) if name == _LENGTH else one - other
    shift = moved / max(was.spread, kind.least)
    prompts = min(now.estimate.n, was.estimate.n)
    # Both errors could be zero (nobody ever hedges): then that of the least spread.
    error = max(np.hypot(now.error, was.error), kind.least / prompts**0.5)
    p = float(2 * stats.t.sf(abs(moved) / error, prompts - 1))
    direction = {"both": True, "up": moved > 0, "away": abs(one) > abs(other), "no": False}
    large = direction[kind.watch] and abs(shift) >= limits.shift
    alarm = large and p <= limits.false_alarms / watched
    text = f"{one:.3g} {kind.unit}, baseline {other:.3g}: {shift:+.2f} standard deviations"
    if large:
        text += f"; a warning from {limits.shift:g}" if alarm else "; it may be chance"
    return Signature(name, now.estimate, was.estimate, shift, p, alarm, text)


def _shared(texts: Sequence[str], clusters: np.ndarray) -> np.ndarray:
    """Whether a completion of another prompt has the same words.  # (N,)"""
    plain = [" ".join(text.casefold().split()) for text in texts]
    owners: dict[str, set[int]] = {}
    for text, cluster in zip(plain, clusters.tolist(), strict=True):
        owners.setdefault(text, set()).add(cluster)
    return np.array([len(owners[text]) > 1 for text in plain])
