"""Does a model of annotators' errors explain the disagreement, or do people really differ?

Dawid and Skene take every disagreement for somebody's error, and then outvote the majority where
they believe the minority, or the other way round. Where taste or culture divides people there is no
error to correct. What the model cannot produce tells: given the truth its errors are independent,
so dissent spreads evenly over items. If it gathers on some items beyond what the fitted error rates
give, those are difficult or subjective, and a vote that the model "corrects" there must stand.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from prefloop.core.errors import BadInput
from prefloop.stats.columns import Columns, Floats, Ints, columns
from prefloop.stats.dawid_skene import DawidSkene
from prefloop.stats.result import NotEnough

__all__ = ["Disputed", "disputed"]

_SURE = 0.01  # p-value below which the model does not explain the dissent
_LEAST = 30  # items judged by four people or more


@dataclass(frozen=True, slots=True)
class Disputed:
    """Where model and majority part, and whether the model may be believed there.

    Gathering is the mean share of pairs of judgments of an item that dissent together from its
    commonest label; `p` the share of simulated worlds, in which the model is true, with as much of
    it. `warning` is None while the model explains the data or contradicts nobody.
    """

    contradicted: Ints  # codes of items whose majority the model overrules
    gathering: float
    expected: float
    p: float
    warning: str | None


def disputed(
    items: ArrayLike,
    annotators: ArrayLike,
    labels: ArrayLike,
    model: DawidSkene,
    rng: np.random.Generator,
    worlds: int = 200,
) -> Disputed | NotEnough:
    """Hold a fitted model against the judgments (N,) it was fitted to.

    Fewer than 30 items judged by four people or more is NotEnough: two dissenters are the least
    that can dissent together. Raises BadInput for judgments
    that the model does not know.
    """
    data = columns(items, annotators, labels, repeats=True)
    if (
        not np.array_equal(data.item_codes, model.items)
        or not np.array_equal(data.annotator_codes, model.annotators)
        or not np.array_equal(data.label_codes, model.labels)
    ):
        raise BadInput("the model was fitted to other judgments: fit it to these")
    counts = data.counts
    many = counts.sum(1) >= 4
    if many.sum() < _LEAST:
        return NotEnough(f"{many.sum()} items were judged by four: at least {_LEAST} are needed")
    seen = _gathering(counts[many])
    drawn = np.array([_gathering(_world(data, model, rng)[many]) for _ in range(worlds)])
    p = float((1 + (drawn >= seen).sum()) / (1 + worlds))
    overruled = _overruled(counts, model) & many
    codes = data.item_codes[overruled]
    warning = None
    if len(codes) and p <= _SURE:
        warning = (
            f"on {len(codes)} of {int(many.sum())} items the reliability model overrules the "
            "majority, but people differ there more than errors explain: the items are difficult "
            "or subjective, keep the vote and let a senior or the specification decide"
        )
    return Disputed(codes, seen, float(drawn.mean()), p, warning)


def _gathering(counts: Ints) -> float:
    size = counts.sum(1)
    dissent = size - counts.max(1)
    return float((dissent * (dissent - 1) / (size * (size - 1))).mean())


def _overruled(counts: Ints, model: DawidSkene) -> np.ndarray:
    """Items with one clear majority that is not the model's verdict.  # (items,)"""
    top = counts.max(1)
    clear = (counts == top[:, None]).sum(1) == 1
    return np.asarray(clear & (counts.argmax(1) != model.posterior.argmax(1)))


def _world(data: Columns, model: DawidSkene, rng: np.random.Generator) -> Ints:
    """Counts of labels per item if the model were true, with the same people on the same items."""
    k = len(model.labels)
    truth = _draw(np.broadcast_to(model.prior, (len(model.items), k)), rng)
    said = _draw(model.error_rates[data.annotators, truth[data.items]], rng)
    return np.bincount(data.items * k + said, minlength=len(model.items) * k).reshape(-1, k)


def _draw(chances: Floats, rng: np.random.Generator) -> Ints:
    """One category per row of chances.  # (rows,)"""
    level = np.cumsum(chances, axis=1)
    point = rng.random(len(chances)) * level[:, -1]
    return np.asarray((point[:, None] >= level[:, :-1]).sum(1), dtype=np.int64)
