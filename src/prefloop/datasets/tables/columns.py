"""What the columns of somebody's table mean, as its owner says it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from prefloop.core.errors import BadInput

__all__ = ["Scale", "TableColumns"]

Scale = Literal["nominal", "ordinal", "interval", "ratio"]
_SCALES = ("nominal", "ordinal", "interval", "ratio")


@dataclass(frozen=True, slots=True, kw_only=True)
class TableColumns:
    """Column names, and which labels mean what. Raises BadInput where they do not fit together.

    One row is one judgment (`annotator` and one `label`), or one item with a column for each
    annotator (several `label`). With `first` and `second` labels are verdicts on two sides, which
    are named in two columns (`sides`), or are texts (`prompt`, `completions`), or are the same two
    for every item. Without them labels are categories.
    """

    label: tuple[str, ...]
    annotator: str | None = None
    item: tuple[str, ...] = ()
    sides: tuple[str, ...] = ()
    prompt: tuple[str, ...] = ()  # several are joined by an empty line
    completions: tuple[str, ...] = ()
    first: tuple[str, ...] = ()  # labels that say the first side is better
    second: tuple[str, ...] = ()
    tie: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()  # the labels there are, in order; others are errors
    scale: Scale = "nominal"
    gold: str | None = None
    topic: str | None = None
    time: str | None = None
    active_ms: str | None = None
    shown_first: str | None = None  # a column with the label of the side that was shown first
    as_shown: bool = False  # the first side was shown first
    repeats: bool = False  # a second judgment of an item by one annotator is a repeat

    @property
    def verdicts(self) -> bool:
        """Whether labels say which of two sides is better."""
        return bool(self.first or self.second or self.tie)

    @property
    def signs(self) -> dict[str, int]:
        """{label: 1 first side, -1 second side, 0 tie}."""
        told = ((self.first, 1), (self.second, -1), (self.tie, 0))
        return {label: sign for labels, sign in told for label in labels}

    @property
    def names(self) -> list[str]:
        """Every column that must be there, each once."""
        single = (self.annotator, self.gold, self.topic, self.time, self.active_ms)
        several = [*self.label, *self.item, *self.sides, *self.prompt, *self.completions]
        found = [*several, *single, self.shown_first]
        return list(dict.fromkeys(name for name in found if name is not None))

    def __post_init__(self) -> None:
        for fault, why in [*self._label_faults(), *self._item_faults()]:
            if fault:
                raise BadInput(why)

    def _label_faults(self) -> Iterator[tuple[bool, str]]:
        several = len(self.label) > 1
        meant = [*self.first, *self.second, *self.tie]
        yield not self.label, "name the column of the labels: --label COLUMN"
        yield (
            not several and self.annotator is None,
            "who judged? --annotator COLUMN, or --label several times, one for each annotator",
        )
        yield (
            several and self.annotator is not None,
            "several label columns are one for each annotator: leave out --annotator",
        )
        yield len(set(self.label)) < len(self.label), "--label names one column twice"
        yield (
            self.verdicts and not (self.first and self.second),
            "which labels mean the first and the second side? --first LABEL --second LABEL",
        )
        yield (
            len(set(meant)) < len(meant),
            "one label means two things: --first, --second and --tie must differ",
        )
        yield (
            self.verdicts and bool(self.categories),
            "labels are verdicts (--first, --second) or categories (--category), not both",
        )
        yield self.verdicts and self.scale != "nominal", "a scale is for categories, not verdicts"
        yield self.scale not in _SCALES, f"no scale {self.scale!r}: one of {', '.join(_SCALES)}"

    def _item_faults(self) -> Iterator[tuple[bool, str]]:
        sides = bool(self.sides or self.completions or self.shown_first or self.as_shown)
        texts = bool(self.completions or self.prompt)
        yield (
            sides and not self.verdicts,
            "sides and completions need verdicts: --first LABEL --second LABEL",
        )
        yield len(self.sides) not in (0, 2), "--side names two columns: give it twice"
        yield (
            len(self.completions) not in (0, 2),
            "--completion names two columns: give it twice",
        )
        yield (
            texts and not (self.completions and self.prompt),
            "texts are a prompt and two completions: --prompt, and --completion twice",
        )
        yield (
            texts and bool(self.item or self.sides),
            "with texts the comparison is the item: leave out --item and --side",
        )
        yield not texts and not self.item, "what was judged? --item COLUMN, several if needed"
        yield (
            self.as_shown and self.shown_first is not None,
            "--as-shown and --shown-first say the same: give one",
        )
