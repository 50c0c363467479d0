"""The behavior specification: what better means, in one file that people can read.

The order of `dimensions` is their rank. `tie_break` is read by the aggregation as well as by
people: each rule is the name of a dimension (the completion preferred there), `the shorter one`,
or, as the last rule, `tie` (keep the tie) or `exclude` (leave the comparison out).
"""

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from prefloop.core.config import parse_yaml
from prefloop.core.config_messages import problem

__all__ = [
    "EXCLUDE",
    "SHORTER",
    "TIE",
    "Dimension",
    "Disqualifier",
    "EdgeCase",
    "Example",
    "Scope",
    "Spec",
    "TieBreak",
    "parse",
]

SHORTER, TIE, EXCLUDE = "the shorter one", "tie", "exclude"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class Dimension(_Part):
    """One side of quality. Rank is its place in the list."""

    name: str = Field(min_length=1, description="one word, used in labels and reports")
    description: str = Field(min_length=1, description="what it means, in a sentence or two")
    good: str = Field(default="", description="what a good completion does here")
    bad: str = Field(default="", description="what a bad completion does here")
    objective: bool = Field(
        default=False,
        description="true where two careful people must agree (kappa 0.7 is wanted, else 0.6)",
    )
    weight: float | None = Field(
        default=None, gt=0, description="its share where one number is needed"
    )


class Disqualifier(_Part):
    """What makes a completion unacceptable, however good it is otherwise."""

    name: str = Field(min_length=1)
    description: str = Field(min_length=1)


class TieBreak(_Part):
    """One rule for a comparison that the overall choice leaves even."""

    by: str = Field(min_length=1, description=f"a dimension, '{SHORTER}', '{TIE}' or '{EXCLUDE}'")
    why: str = Field(default="", description="the rule in words, for annotators")


class Scope(_Part):
    """What the model is for, and what it is not."""

    inside: tuple[str, ...] = Field(default=(), alias="in")
    outside: tuple[str, ...] = Field(default=(), alias="out")


class Example(_Part):
    """One prompt, a good and a bad completion, and the reason."""

    prompt: str = Field(min_length=1)
    good: str = Field(min_length=1)
    bad: str = Field(min_length=1)
    why: str = Field(min_length=1)
    dimension: str = Field(default="", description="the dimension it shows, where it is one")


class EdgeCase(_Part):
    """A case people stumble over, and what to do with it."""

    case: str = Field(min_length=1)
    handling: str = Field(min_length=1)


class Spec(_Part):
    """What better means. Raises nothing itself; `parse` says in which line a file is wrong."""

    name: str = Field(min_length=1)
    language: str = Field(
        default="en", pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]+)*$", description="BCP 47"
    )
    dimensions: tuple[Dimension, ...] = Field(min_length=1, description="most important first")
    disqualifiers: tuple[Disqualifier, ...] = ()
    tie_break: tuple[TieBreak, ...] = Field(default=(), description="applied in order")
    scope: Scope = Scope()
    trade_offs: tuple[str, ...] = Field(
        default=(), description="which value yields when two conflict"
    )
    failure_modes: tuple[str, ...] = Field(default=(), description="what must never happen")
    examples: tuple[Example, ...] = ()
    edge_cases: tuple[EdgeCase, ...] = ()

    @field_validator("tie_break", mode="before")
    @classmethod
    def _rule_may_be_one_word(cls, rules: Any) -> Any:
        if not isinstance(rules, (list, tuple)):
            return rules
        return tuple({"by": rule} if isinstance(rule, str) else rule for rule in rules)

    @model_validator(mode="after")
    def _names_fit_together(self) -> "Spec":
        self._check_unique("dimensions", (d.name for d in self.dimensions))
        self._check_unique("disqualifiers", (d.name for d in self.disqualifiers))
        self._check_unique("tie_break", (rule.by for rule in self.tie_break))
        self._check_references()
        self._check_weights()
        return self

    def _check_unique(self, section: str, names: Iterable[str]) -> None:
        seen: dict[str, str] = {}
        for place, name in enumerate(names):
            if name.casefold() in seen:
                raise problem(f'"{name}" is here twice: give each its own name', section, place)
            seen[name.casefold()] = name

    def _check_references(self) -> None:
        known = self.dimension_names
        reserved = (SHORTER, TIE, EXCLUDE)
        for place, dimension in enumerate(known):
            if dimension in reserved:
                raise problem(f'"{dimension}" is a tie-break rule: rename', "dimensions", place)
        for place, rule in enumerate(self.tie_break):
            if rule.by not in (*known, *reserved):
                wanted = ", ".join((*known, *reserved))
                raise problem(f'no rule "{rule.by}": use one of {wanted}', "tie_break", place)
            if rule.by in (TIE, EXCLUDE) and place + 1 < len(self.tie_break):
                raise problem(f'"{rule.by}" ends the matter: put it last', "tie_break", place)
        for place, example in enumerate(self.examples):
            if example.dimension and example.dimension not in known:
                raise problem(
                    f'no dimension "{example.dimension}": use one of {", ".join(known)}',
                    *("examples", place, "dimension"),
                )

    def _check_weights(self) -> None:
        weights = [dimension.weight for dimension in self.dimensions]
        if any(weight is None for weight in weights) and any(weights):
            place = weights.index(None)
            raise problem("no weight: give all dimensions one, or none", "dimensions", place)
        for place in range(1, len(weights)):
            if (weights[place] or 0) > (weights[place - 1] or 0):
                raise problem(
                    "weighs more than the dimension above it: order them by rank",
                    *("dimensions", place, "weight"),
                )

    @property
    def dimension_names(self) -> tuple[str, ...]:
        """In rank order."""
        return tuple(dimension.name for dimension in self.dimensions)

    @property
    def tie_break_order(self) -> tuple[str, ...]:
        """The rules as the aggregation reads them, in order."""
        return tuple(rule.by for rule in self.tie_break)

    def as_json(self) -> dict[str, Any]:
        """The plain JSON that a manifest keeps, and that `Spec.model_validate` reads back."""
        return self.model_dump(mode="json", by_alias=True)


def parse(text: str, where: str = "spec.yaml") -> Spec:
    """A spec.yaml. Raises BadInput with one line per problem, each naming its line."""
    return parse_yaml(text, Spec, where)
