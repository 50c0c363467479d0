"""Which comparisons of a label batch are meant: a few conditions, all of which must hold.

A word that nothing in the batch has is an error that names the nearest one: a misspelt topic must
not quietly mean "none", nor "all".
"""

import difflib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from prefloop.core.config import parse_yaml
from prefloop.core.errors import BadInput
from prefloop.core.records import PromptSource

__all__ = ["Filter", "parse", "select", "work"]

Row = Mapping[str, Any]
_WORK = ("live", "relabel")
_OVERALL = "overall"


class Filter(BaseModel):
    """Conditions on a comparison of a label batch; what is not given does not matter."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    topic: tuple[str, ...] = Field((), description="the prompt's topic is one of these")
    source: tuple[PromptSource, ...] = Field((), description="the prompt came from one of these")
    high_stakes: bool | None = Field(None, description="whether the prompt is high-stakes")
    split: bool | None = Field(None, description="whether people were level")
    disagreement: tuple[str, ...] = Field(
        (), description="people were not of one mind on one of these dimensions, or `overall`"
    )
    flags: tuple[str, ...] = Field((), description="somebody raised one of these flags")
    contains: str = Field("", description="the prompt or a completion has these words in it")

    @property
    def as_json(self) -> dict[str, Any]:
        """The conditions that were given, and no others."""
        return self.model_dump(mode="json", exclude_defaults=True)

    @property
    def by_judgments(self) -> bool:
        """Whether it looks at what people said, and not only at what they were asked."""
        return self.split is not None or bool(self.disagreement or self.flags)


def parse(text: str, where: str) -> Filter:
    """A filter as people write it, in YAML; `where` names the file in messages."""
    return parse_yaml(text, Filter, where)


def work(row: Row) -> list[Row]:
    """The judgments of a row that make labels: not those that test people."""
    return [one for one in row["judgments"] if one["purpose"] in _WORK]


def select(
    rows: Sequence[Row], wanted: Filter, words: Callable[[Iterable[str]], Mapping[str, str | None]]
) -> list[str]:
    """The ids of the comparisons that all conditions name, in order; `words` looks texts up.

    Raises BadInput for no condition, a word that no row has, and conditions that name nothing.
    """
    if not wanted.as_json:
        known = ", ".join(Filter.model_fields)
        raise BadInput(f"the filter says nothing: give at least one of {known}")
    _check(rows, wanted)
    found = [row for row in rows if _fits(row, wanted)]
    if wanted.contains:
        texts = words(name for row in found for name in _texts(row))
        sought = wanted.contains.casefold()
        found = [
            row for row in found if any(sought in (texts[n] or "").casefold() for n in _texts(row))
        ]
    if not found:
        raise BadInput(
            f"the filter {wanted.as_json} names none of {len(rows)} comparisons: widen it"
        )
    return [row["comparison"] for row in found]


def _fits(row: Row, wanted: Filter) -> bool:
    facts, said = row["facts"], work(row)
    return (
        (not wanted.topic or facts["topic"] in wanted.topic)
        and (not wanted.source or facts["source"] in wanted.source)
        and wanted.high_stakes in (None, facts["high_stakes"])
        and wanted.split in (None, _level(said))
        and (not wanted.disagreement or any(_differ(said, name) for name in wanted.disagreement))
        and (not wanted.flags or any(set(wanted.flags) & set(one["flags"]) for one in said))
    )


def _level(said: Sequence[Row]) -> bool:
    """As many for one completion as for the other, and ties do not lead (as freezing counts)."""
    votes = Counter(one["verdict"] for one in said)
    return votes["a"] == votes["b"] >= votes["tie"]


def _differ(said: Sequence[Row], dimension: str) -> bool:
    if dimension == _OVERALL:
        return len({one["verdict"] for one in said}) > 1
    return len({one["dimensions"][dimension] for one in said if dimension in one["dimensions"]}) > 1


def _check(rows: Sequence[Row], wanted: Filter) -> None:
    said = [one for row in rows for one in work(row)]
    known = {
        "topic": {row["facts"]["topic"] for row in rows},
        "source": {row["facts"]["source"] for row in rows},
        "disagreement": {_OVERALL, *(name for one in said for name in one["dimensions"])},
        "flags": {flag for one in said for flag in one["flags"]},
    }
    for condition, have in known.items():
        for word in getattr(wanted, condition):
            if word not in have:
                raise BadInput(_unknown(condition, str(word), sorted(have - {""})))


def _unknown(condition: str, word: str, have: Sequence[str]) -> str:
    near = difflib.get_close_matches(word, have, n=1)
    if near:
        way = f'did you mean "{near[0]}"?'
    else:
        way = f"there are {', '.join(have)}" if have else "it has none at all"
    return f'no comparison in this batch has {condition} "{word}": {way}'


def _texts(row: Row) -> list[str]:
    return [*(message["text"] for message in row["messages"]), row["a"], row["b"]]
