"""How many pairs, from how many people, at which agreement, for which price: the plan as a table.

table = plan(PowerSettings(kappa=[0.4, 0.7], price_micros=350_000), seed=1)
race = compare(settings, 60_000, 50, seed=1)      # a few consistent people against many others
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from prefloop.core.errors import BadInput
from prefloop.core.records import Estimate
from prefloop.stats import NotEnough
from prefloop.stats.power import Crossing, Crowd, Outcome, break_even, dimension_for, expected

__all__ = [
    "DIMENSION",
    "KAPPAS",
    "Plan",
    "PowerSettings",
    "Race",
    "Row",
    "calibrated",
    "compare",
    "plan",
]

# dimension_for(...) at the sandbox's reward model: 5,100 pairs of three judgments, kappa 0.71,
# accuracy 0.776 on held-out labels.
DIMENSION = 3400
KAPPAS = (0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)


class PowerSettings(BaseModel):
    """The plans to compare: every combination of pairs, annotators and kappa."""

    model_config = ConfigDict(extra="forbid")
    pairs: list[int] = Field([1500, 6000, 24000], min_length=1, description="pairs to label")
    annotators: list[int] = Field([5], min_length=1, description="people who share the work")
    kappa: list[float] = Field(
        [0.4, 0.6, 0.7], min_length=1, description="Cohen's kappa between two of them"
    )
    overlap: int = Field(3, ge=1, description="judgments per pair; the majority is the label")
    own: float = Field(
        0.25, ge=0, le=1, description="share of disagreement that is lasting personal taste"
    )
    bias: float = Field(
        0.0, ge=0, description="shared pull that nobody meant; what is meant has strength 1"
    )
    dimension: int = Field(
        DIMENSION, ge=16, description="free directions the reward model has to learn"
    )
    projects: int = Field(20, ge=2, description="simulated projects per row")
    price_micros: int = Field(0, ge=0, description="price of one judgment in millionths")
    currency: str = Field("USD", pattern="^[A-Z]{3}$", description="ISO 4217 code of the price")


@dataclass(frozen=True, slots=True)
class Row:
    """One plan, what to expect of it, and its cost in millionths of the currency."""

    crowd: Crowd
    outcome: Outcome | NotEnough
    cost_micros: int

    @property
    def judgments(self) -> int:
        """How many are paid for."""
        return self.crowd.pairs * self.crowd.overlap

    def json(self) -> dict[str, Any]:
        """The row for programs; where there is no number, the reason."""
        who = self.crowd
        known = {"pairs": who.pairs, "annotators": who.annotators, "kappa": who.kappa}
        cost = {"judgments": self.judgments, "cost_micros": self.cost_micros}
        return {**known, **cost, **_outcome(self.outcome)}


@dataclass(frozen=True, slots=True)
class Plan:
    """Every row, and the cheapest that reaches the wanted accuracy (None: none, or no wish)."""

    settings: PowerSettings
    rows: Sequence[Row]
    cheapest: Row | None

    def json(self) -> dict[str, Any]:
        """The plan for programs."""
        return {
            "settings": self.settings.model_dump(),
            "rows": [row.json() for row in self.rows],
            "cheapest": None if self.cheapest is None else self.cheapest.json(),
        }


@dataclass(frozen=True, slots=True)
class Race:
    """A small crowd at its kappa, a large one at many, and where they part."""

    small: Row
    large: Sequence[Row]
    below: Estimate | None
    everywhere: bool

    def sentence(self) -> str:
        """Where the small crowd's reward model is right more often."""
        who = self.small.crowd
        few = f"{who.annotators} people, {who.pairs} pairs, kappa {who.kappa:g}"
        low, high = self.large[0].crowd, self.large[-1].crowd
        many = f"{low.annotators} people with {low.pairs} pairs"
        if self.below is not None:
            at = f"{self.below.estimate:.2f} [{self.below.low:.2f}, {self.below.high:.2f}]"
            return f"{few}: better than {many} below a kappa of {at}"
        between = f"between kappa {low.kappa:g} and {high.kappa:g}"
        if self.everywhere:
            return f"{few}: better than {many} everywhere {between}"
        return f"{few}: no kappa {between} below which they are better than {many}, and above not"

    def json(self) -> dict[str, Any]:
        """The race for programs."""
        return {
            "small": self.small.json(),
            "large": [row.json() for row in self.large],
            "below": None if self.below is None else self.below.json(),
            "everywhere": self.everywhere,
        }


def plan(settings: PowerSettings, seed: int, want: float | None = None) -> Plan:
    """Simulate every combination. `want` is an accuracy on held-out labels: the cheapest row whose
    whole interval reaches it is named."""
    if want is not None and not 0 < want < 1:
        raise BadInput(f"wanted accuracy {want}: give a share between 0 and 1")
    rows = []
    for kappa, people, pairs in product(settings.kappa, settings.annotators, settings.pairs):
        crowd = _crowd(settings, pairs, people, kappa, settings.bias)
        found = expected(crowd, settings.dimension, seed, settings.projects)
        rows.append(_row(settings, crowd, found))
    good = [row for row in rows if want is not None and _reaches(row, want)]
    best = min(good, key=lambda row: (row.judgments, row.crowd.kappa), default=None)
    return Plan(settings, rows, best)


def calibrated(
    settings: PowerSettings, accuracy: float, pairs: int, kappa: float, seed: int
) -> PowerSettings | NotEnough:
    """The same plans for a reward model as quick to learn as one that was measured: `accuracy` on
    held-out labels after so many pairs, judged by as many as the first plan has, at this kappa."""
    crowd = _crowd(settings, pairs, settings.annotators[0], kappa, settings.bias)
    found = dimension_for(crowd, accuracy, seed, settings.projects)
    if isinstance(found, NotEnough):
        return found
    return settings.model_copy(update={"dimension": found})


def compare(settings: PowerSettings, pairs: int, annotators: int, seed: int) -> Race | NotEnough:
    """The settings' one plan, without bias since its people are calibrated, against so many pairs
    from so many people, who have the settings' bias, over a range of kappa."""
    for name in ("pairs", "annotators", "kappa"):
        if len(getattr(settings, name)) != 1:
            raise BadInput(f"a comparison starts from one plan: give one number of {name}")
    small = _crowd(settings, settings.pairs[0], settings.annotators[0], settings.kappa[0], 0.0)
    large = _crowd(settings, pairs, annotators, settings.kappa[0], settings.bias)
    found = break_even(small, large, KAPPAS, settings.dimension, seed, settings.projects)
    if isinstance(found, NotEnough):
        return found
    return _race(settings, small, large, found)


def _race(settings: PowerSettings, small: Crowd, large: Crowd, found: Crossing) -> Race:
    many = [_row(settings, replace(large, kappa=kappa), one) for kappa, one in found.large]
    return Race(_row(settings, small, found.small), many, found.below, found.everywhere)


def _crowd(s: PowerSettings, pairs: int, annotators: int, kappa: float, bias: float) -> Crowd:
    return Crowd(pairs, annotators, kappa, s.overlap, s.own, bias)


def _row(settings: PowerSettings, crowd: Crowd, outcome: Outcome | NotEnough) -> Row:
    return Row(crowd, outcome, crowd.pairs * crowd.overlap * settings.price_micros)


def _reaches(row: Row, want: float) -> bool:
    return isinstance(row.outcome, Outcome) and row.outcome.accuracy.low >= want


def _outcome(found: Outcome | NotEnough) -> dict[str, Any]:
    if isinstance(found, NotEnough):
        return found.json()
    names = ("accuracy", "ceiling", "right", "limit")
    measured = {name: getattr(found, name).json() for name in names}
    return {**measured, "labelled": found.labelled}
