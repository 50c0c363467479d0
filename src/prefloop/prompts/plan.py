"""The declared mix of prompts, and drawing to it.

A prompt is reserved for validation by its own digest, not by a draw: the same text is reserved
in every import and under every seed, so no later draw can put it into training. What the mix
lacks is reported, never filled up with something else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from prefloop.core.config_messages import problem
from prefloop.core.digest import digest
from prefloop.core.records import Prompt, PromptSource
from prefloop.prompts.strata import conversation, stratum
from prefloop.text.near_duplicates import normal_form

__all__ = ["Drawn", "Plan", "Range", "draw", "is_reserved", "quotas"]


class Range(BaseModel):
    """A share between two bounds; drawing aims at the middle."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    low: float = Field(ge=0, le=1)
    high: float = Field(ge=0, le=1)

    @model_validator(mode="after")
    def _in_order(self) -> "Range":
        if self.low > self.high:
            raise problem(f"low {self.low} is above high {self.high}: exchange them", "low")
        return self

    @property
    def middle(self) -> float:
        return (self.low + self.high) / 2


def _shares() -> dict[PromptSource, Range]:
    return {
        PromptSource.USAGE: Range(low=0.60, high=0.70),
        PromptSource.SYNTHETIC: Range(low=0.20, high=0.25),
        PromptSource.ADVERSARIAL: Range(low=0.05, high=0.15),
    }


class Plan(BaseModel):
    """Which prompts are wanted, in which shares."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    shares: dict[PromptSource, Range] = Field(
        default_factory=_shares, description="share of each source among labelled prompts"
    )
    hard: Range = Field(
        default=Range(low=0.20, high=0.30), description="share of hard cases among them"
    )
    reserved: float = Field(
        default=0.1, ge=0, lt=1, description="share of usage prompts kept for validation"
    )
    length_edges: tuple[int, int] = Field(
        default=(8, 25), description="most words of a short, and of a medium, prompt"
    )
    topics: tuple[str, ...] = Field(default=(), description="topics that must be covered")
    fewest: int = Field(
        default=5, ge=0, description="fewest prompts of a topic, a length and a complexity"
    )

    @model_validator(mode="after")
    def _can_be_met(self) -> "Plan":
        low = sum(share.low for share in self.shares.values())
        high = sum(share.high for share in self.shares.values())
        if not low <= 1 + 1e-9 or not high >= 1 - 1e-9:
            raise problem(
                f"the shares add up to {low:.0%} to {high:.0%}: 100 % must lie between", "shares"
            )
        if self.length_edges[0] >= self.length_edges[1]:
            raise problem("the edges must rise: write the smaller first", "length_edges")
        return self

    @property
    def targets(self) -> dict[PromptSource, float]:
        """The middles of the shares, scaled to add up to 1."""
        total = sum(share.middle for share in self.shares.values())
        return {source: share.middle / total for source, share in self.shares.items()}


@dataclass(frozen=True, slots=True)
class Drawn:
    """Indices into the prompts that were given. `missing` says what the mix lacks."""

    labelled: tuple[int, ...]
    reserved: tuple[int, ...]
    missing: Mapping[str, int]


def draw(prompts: Sequence[Prompt], plan: Plan, n: int, rng: np.random.Generator) -> Drawn:
    """Up to `n` prompts to label, and all those reserved for validation.

    Sources by their targets, hard cases as near to the middle of their range as there are, and
    within these evenly over (topic, length, complexity), so that rare kinds are seen.
    """
    reserved = {i for i, prompt in enumerate(prompts) if is_reserved(prompt, plan)}
    cells: dict[tuple[PromptSource, bool], list[int]] = {}
    for i, prompt in enumerate(prompts):
        if i not in reserved:
            cells.setdefault((prompt.source, prompt.hard), []).append(i)
    wanted = quotas(n, plan.targets)
    stock = {s: (len(cells.get((s, True), ())), len(cells.get((s, False), ()))) for s in wanted}
    hard = _hard_quotas(wanted, stock, round(n * plan.hard.middle))
    labelled: list[int] = []
    missing: dict[str, int] = {}
    for source, count in wanted.items():
        for is_hard, share in ((True, hard[source]), (False, count - hard[source])):
            cell = cells.get((source, is_hard), [])
            labelled += _spread(cell, prompts, plan, share, rng)
        if sum(stock[source]) < count:
            missing[str(source)] = count - sum(stock[source])
    found = sum(prompts[i].hard for i in labelled)
    if found < int(n * plan.hard.low):
        missing["hard"] = int(n * plan.hard.low) - found
    return Drawn(tuple(sorted(labelled)), tuple(sorted(reserved)), missing)


def is_reserved(prompt: Prompt, plan: Plan) -> bool:
    """Whether this production prompt is kept for validation: by its words alone, for ever.

    A larger share reserves more prompts and frees none.
    """
    if prompt.source is not PromptSource.USAGE:
        return False
    name = digest(["reserved", normal_form(conversation(prompt))])
    return int(name[:13], 16) / 16**13 < plan.reserved


def quotas(n: int, targets: Mapping[PromptSource, float]) -> dict[PromptSource, int]:
    """`n` shared out by largest remainders (Hamilton's method); the parts add up to n."""
    exact = {source: n * share for source, share in targets.items()}
    parts = {source: int(value) for source, value in exact.items()}
    by_remainder = sorted(exact, key=lambda s: (parts[s] - exact[s], s))
    for source in by_remainder[: n - sum(parts.values())]:
        parts[source] += 1
    return parts


def _hard_quotas(
    wanted: Mapping[PromptSource, int],
    stock: Mapping[PromptSource, tuple[int, int]],
    total: int,
) -> dict[PromptSource, int]:
    """How many hard prompts of each source: in proportion, bounded by what is there."""
    least = {s: max(0, min(wanted[s] - stock[s][1], stock[s][0])) for s in wanted}
    most = {s: min(wanted[s], stock[s][0]) for s in wanted}
    n = max(sum(wanted.values()), 1)
    hard = {s: min(max(round(wanted[s] * total / n), least[s]), most[s]) for s in wanted}
    for source in sorted(wanted, key=lambda s: -wanted[s]):
        gap = total - sum(hard.values())
        hard[source] = min(max(hard[source] + gap, least[source]), most[source])
    return hard


def _spread(
    cell: Sequence[int], prompts: Sequence[Prompt], plan: Plan, count: int, rng: np.random.Generator
) -> list[int]:
    """`count` of the cell, taking turns among its strata, at random within each."""
    met: dict[tuple[str, str, str], int] = {}
    turns = []
    for i in rng.permutation(np.asarray(cell, dtype=np.int64)).tolist():
        kind = stratum(prompts[i], plan.length_edges)
        turns.append((met.get(kind, 0), i))
        met[kind] = met.get(kind, 0) + 1
    # A stable sort: in each turn the strata come in the random order in which they were met.
    return [i for _, i in sorted(turns, key=lambda turn: turn[0])[:count]]
