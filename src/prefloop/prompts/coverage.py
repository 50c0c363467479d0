"""Target against actual: how the prompts at hand compare with the plan, and what to add."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from prefloop.core.records import Prompt, PromptSource
from prefloop.prompts.plan import Plan, Range
from prefloop.prompts.strata import complexity, length

__all__ = ["Line", "coverage"]

_TINY = 1e-9  # what a product of decimals may be off by
_TRIES = 10_000


@dataclass(frozen=True, slots=True)
class Line:
    """One thing the plan asks for. `low` and `high` are shares, or None where a count is asked
    for; `add` is how many prompts of this kind are wanted for the whole plan to be met."""

    what: str
    count: int
    share: float
    low: float | None
    high: float | None
    add: int

    @property
    def ok(self) -> bool:
        if self.low is None or self.high is None:
            return self.add == 0
        return self.low <= self.share <= self.high

    def __str__(self) -> str:
        share = f"{self.share:.1%}"
        if self.low is not None and self.high is not None:
            share += f" (wanted {self.low:.0%} to {self.high:.0%})"
        return f"{self.what}: {self.count:,}, {share}" + (f": add {self.add:,}" if self.add else "")


def coverage(prompts: Sequence[Prompt], plan: Plan) -> list[Line]:
    """Lines for every source, hard cases, and every topic, length and complexity.

    Additions by source are worked out together: with all of them, every source is in its range.
    Shares of sources are shares of what the plan names.
    """
    sources = Counter(prompt.source for prompt in prompts)
    planned = {source: share for source, share in plan.shares.items() if share.high > 0}
    n, inside = len(prompts), sum(sources[source] for source in planned)
    added = _additions(sources, planned, plan.targets)
    lines = [
        _share(f"source {source}", sources[source], inside, (share.low, share.high), added[source])
        for source, share in planned.items()
    ]
    lines += [
        Line(f"source {source} (not in the plan)", sources[source], sources[source] / n, 0, 0, 0)
        for source in sorted(sources.keys() - planned.keys())
    ]
    hard = sum(prompt.hard for prompt in prompts)
    wanted = math.ceil(plan.hard.low * (n + sum(added.values())) - _TINY)
    bounds = (plan.hard.low, plan.hard.high)
    lines.append(_share("hard cases", hard, n, bounds, max(0, wanted - hard)))
    return lines + _kinds(prompts, plan)


def _kinds(prompts: Sequence[Prompt], plan: Plan) -> list[Line]:
    """Counts by topic, length and complexity, with those of which there is none."""
    topics = Counter(dict.fromkeys(plan.topics, 0))
    topics.update(prompt.topic for prompt in prompts if prompt.topic)
    lengths = Counter({"short": 0, "medium": 0, "long": 0})
    lengths.update(length(prompt, plan.length_edges) for prompt in prompts)
    complexities = Counter({"one": 0, "several": 0, "conversation": 0})
    complexities.update(complexity(prompt) for prompt in prompts)
    found = {"topic": topics, "length": lengths, "complexity": complexities}
    return [
        Line(f"{name} {kind}", count, _part(count, len(prompts)), None, None, max(0, lack))
        for name, counts in found.items()
        for kind, count in counts.items()
        for lack in (plan.fewest - count,)
    ]


def _additions(
    sources: Mapping[PromptSource, int],
    shares: Mapping[PromptSource, Range],
    targets: Mapping[PromptSource, float],
) -> dict[PromptSource, int]:
    """Prompts to add to each source so that all shares fit together, in the smallest total.

    Nothing is taken away, so where one source has too many the others grow until it fits.
    """
    have = {source: sources.get(source, 0) for source in shares}
    total = max(sum(have.values()), *(math.ceil(have[s] / shares[s].high - _TINY) for s in have))
    for _ in range(_TRIES):
        bounds = {source: _bounds(share, total) for source, share in shares.items()}
        need = {source: max(have[source], bounds[source][0]) for source in have}
        spare = total - sum(need.values())
        for source in sorted(have, key=lambda s: need[s] - targets[s] * total):
            step = max(0, min(bounds[source][1] - need[source], spare))
            need[source] += step
            spare -= step
        if spare == 0 and all(need[source] <= bounds[source][1] for source in have):
            break
        total += max(1, -spare)
    return {source: need[source] - have[source] for source in have}


def _bounds(share: Range, total: int) -> tuple[int, int]:
    """The whole numbers inside a range; those around it where it is narrower than one prompt."""
    low, high = share.low * total, share.high * total
    least, most = math.ceil(low - _TINY), math.floor(high + _TINY)
    return (least, most) if least <= most else (math.floor(low), math.ceil(high))


def _share(what: str, count: int, n: int, bounds: tuple[float, float], add: int) -> Line:
    return Line(what, count, _part(count, n), *bounds, add)


def _part(count: int, n: int) -> float:
    return count / n if n else 0.0
