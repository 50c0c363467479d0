"""Who is nearer to the truth where it is known: the vote, or a model of each person's errors; and
where it is not known, whether the model may overrule the vote at all.

Dawid and Skene 1979 takes disagreement for error. That helps where there is a right answer, and
silences minorities where there is none, so both are said side by side and nothing is corrected.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from prefloop.annotation.labels import UNKNOWN, Labels
from prefloop.core.digest import rng
from prefloop.core.records import Estimate
from prefloop.stats import NotEnough
from prefloop.stats.columns import Ints, columns
from prefloop.stats.dawid_skene import DawidSkene, dawid_skene
from prefloop.stats.disputed import Disputed, disputed
from prefloop.stats.halves import Halves, halves
from prefloop.stats.intervals import mcnemar, wilson

__all__ = ["Gold", "Truth", "as_json", "compared", "lines"]

_LEAST = 10  # gold items below which two accuracies are no comparison


@dataclass(frozen=True, slots=True)
class Gold:
    """Accuracy of the vote and of Dawid-Skene over items with a gold answer.

    A level vote names no answer, and is not right. `p` is of the exact test on items that only one
    of the two has right (McNemar 1947), 1 where there are none.
    """

    majority: Estimate
    dawid_skene: Estimate
    only_majority: int
    only_dawid_skene: int
    level: int
    p: float


@dataclass(frozen=True, slots=True)
class Truth:
    """The vote and the model of errors against gold answers, and against each other."""

    gold: Gold | NotEnough
    disputed: Disputed | NotEnough
    halves: Halves | NotEnough

    @property
    def warnings(self) -> list[str]:
        """Why the model may not overrule the vote, if it may not."""
        held = (self.disputed, self.halves)
        told = [None if isinstance(one, NotEnough) else one.warning for one in held]
        return [warning for warning in told if warning]


def compared(labels: Labels, seed: int) -> Truth:
    """Fit Dawid-Skene to the work and hold it against gold answers and against the vote."""
    model = dawid_skene(labels.item, labels.annotator, labels.label)
    if isinstance(model, NotEnough):
        return Truth(model, model, model)
    said = labels.item, labels.annotator, labels.label
    return Truth(
        _against_gold(labels, model),
        disputed(*said, model, rng(seed, "disputed")),
        halves(*said, rng(seed, "halves")),
    )


def lines(found: Truth) -> list[str]:
    """The comparison as sentences; what nobody can know is left out."""
    said = []
    if isinstance(found.gold, Gold):
        gold = found.gold
        level = f", {gold.level} level" if gold.level else ""
        said += [
            f"right on {gold.majority.n} items with a gold answer:",
            f"  the vote: {_said(gold.majority)}{level}",
            f"  Dawid-Skene: {_said(gold.dawid_skene)}, alone right on {gold.only_dawid_skene}, "
            f"alone wrong on {gold.only_majority} (exact p {gold.p:.2g})",
        ]
    if isinstance(found.halves, Halves) and found.halves.overruled:
        overruled, items = found.halves.overruled, found.halves.items
        said.append(
            f"Dawid-Skene would overrule {overruled} of {items} majorities; the vote stands"
        )
    return said + [f"WARNING {warning}" for warning in found.warnings]


def as_json(found: Truth) -> dict[str, Any]:
    """The comparison for programs; a part that cannot be had is {"not_enough": reason}."""
    parts = {"gold": found.gold, "disputed": found.disputed, "halves": found.halves}
    return {name: _part(one) for name, one in parts.items()}


def _part(found: Gold | Disputed | Halves | NotEnough) -> dict[str, Any]:
    if isinstance(found, NotEnough):
        return found.json()
    known = asdict(found)
    if isinstance(found, Disputed):
        known["contradicted"] = len(found.contradicted)
    return known


def _against_gold(labels: Labels, model: DawidSkene) -> Gold | NotEnough:
    answer = labels.gold[model.items]
    known = answer != UNKNOWN
    n = int(known.sum())
    if n < _LEAST:
        return NotEnough(f"{n} judged items have a gold answer: at least {_LEAST} are needed")
    vote, level = _plurality(labels)
    voted = (vote == answer)[known] & ~level[known]
    modeled = (model.verdict == answer)[known]
    only = int((voted & ~modeled).sum()), int((modeled & ~voted).sum())
    test = mcnemar(*only)
    majority, fitted = wilson(int(voted.sum()), n), wilson(int(modeled.sum()), n)
    assert isinstance(majority, Estimate)
    assert isinstance(fitted, Estimate)
    p = 1.0 if isinstance(test, NotEnough) else test.p_exact
    return Gold(majority, fitted, *only, int(level[known].sum()), p)


def _plurality(labels: Labels) -> tuple[Ints, np.ndarray]:
    """The commonest label of each judged item, and where several are.  # (items,) each"""
    data = columns(labels.item, labels.annotator, labels.label)
    counts = data.counts
    level = (counts == counts.max(1, keepdims=True)).sum(1) > 1
    return data.label_codes.astype(np.int64)[counts.argmax(1)], level


def _said(found: Estimate) -> str:
    return f"{found.estimate:.3f} [{found.low:.3f}, {found.high:.3f}]"
