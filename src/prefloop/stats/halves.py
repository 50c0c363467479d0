"""May a model of people's errors overrule the vote? Not where the vote is the more reproducible.

Where there is a right answer, weighing people by their errors finds it with less noise than
counting heads: two halves of the annotators, each with its own model, then agree with each other
more than their votes do. Where they agree less, the model follows whom it happens to fit. That
shows without a gold answer, and one way only: two lasting camps are reproducible too, and are
looked for by `disputed`. Silence of both proves nothing.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from prefloop.core.records import Estimate
from prefloop.stats.columns import Columns, Floats, Ints, columns
from prefloop.stats.dawid_skene import DawidSkene, dawid_skene
from prefloop.stats.resampling import bootstrap, percentiles, random_groups
from prefloop.stats.result import NotEnough

__all__ = ["Halves", "halves"]

_ITEMS = 30  # judged in both halves
_PEOPLE = 8  # four to a half
_ROOM = 200_000  # judgments looked at; of more, those of some items, drawn
_REPLICATES = 500
_TOLERANCE = 1e-6  # of forty fits: a verdict in eighty astray is nothing beside the halves' noise
_MATTERS = 0.01  # of the items overruled: with fewer it hardly matters who is right
_DOUBT = 0.1  # the model overrules people: the burden of proof is its own


@dataclass(frozen=True, slots=True)
class Halves:
    """Cohen's kappa between two random halves of the annotators, by vote and by model.

    `difference` is the vote's less the model's, with a 95 % interval by item bootstrap; kappas are
    means over the splits. `overruled` of `items` are those whose clear majority the model does not
    follow. `warning` is None unless those are one in a hundred and the vote is the more
    reproducible in nine of ten resamples. In simulated worlds where the model is true it is the
    less reproducible.
    """

    vote: float
    model: float
    difference: Estimate
    overruled: int
    items: int
    warning: str | None


def halves(
    items: ArrayLike,
    annotators: ArrayLike,
    labels: ArrayLike,
    rng: np.random.Generator,
    splits: int = 20,
) -> Halves | NotEnough:
    """Split the annotators of these judgments (N,) in two, several times, and compare the halves.

    Fewer than 8 annotators, or 30 items judged in both halves of a split, is NotEnough.
    """
    data = _some(columns(items, annotators, labels), rng)
    model = dawid_skene(data.items, data.annotators, data.labels)
    if isinstance(model, NotEnough):
        return model
    people, several = len(data.annotator_codes), len(data.item_codes)
    if people < _PEOPLE:
        return NotEnough(f"{people} annotators: halves take at least {_PEOPLE}")
    sums = []
    for _ in range(splits):
        mine = (rng.permutation(people) < people // 2)[data.annotators]
        one, other = _verdicts(data, mine, rng), _verdicts(data, ~mine, rng)
        both = np.flatnonzero((one[0] >= 0) & (other[0] >= 0))
        if len(both) < _ITEMS:
            return NotEnough(f"fewer than {_ITEMS} items were judged in both halves of a split")
        sums += [_cells(said, heard, both, data) for said, heard in zip(one, other, strict=True)]
    groups = random_groups(several, rng)
    gathered = _by_group(groups) @ sparse.hstack(sums, format="csr")
    return _compared(data, model, _Kappas(gathered, splits, len(data.label_codes)), rng)


class _Kappas:
    """The vote's mean kappa between halves less the model's, by how often groups were drawn."""

    def __init__(self, sums: sparse.csr_array, splits: int, k: int) -> None:
        self.sums, self.shape = sums, (splits, 2, k, k)

    def both(self, drawn: Floats) -> Floats:
        """Kappa of vote and of model, means over splits.  # (R, 2)"""
        tables = np.asarray(drawn @ self.sums).reshape(len(drawn), *self.shape)
        n = np.maximum(tables.sum((-2, -1)), 1)
        observed = np.trace(tables, axis1=-2, axis2=-1) / n
        expected = (tables.sum(-1) * tables.sum(-2)).sum(-1) / n**2
        # Halves that know one label only agree on nothing beyond chance: 0, no gap in the mean.
        none = np.zeros(n.shape)
        kappa = np.divide(observed - expected, 1 - expected, out=none, where=expected < 1 - 1e-12)
        return np.asarray(kappa.mean(1))

    def __call__(self, drawn: Floats) -> Floats:
        found = self.both(drawn)
        return np.asarray(found[:, 0] - found[:, 1])


def _compared(
    data: Columns, model: DawidSkene, kappas: _Kappas, rng: np.random.Generator
) -> Halves | NotEnough:
    units = kappas.sums.shape[0]
    drawn = bootstrap(kappas, units, rng, replicates=_REPLICATES, width=kappas.sums.shape[1])
    if isinstance(drawn, NotEnough):
        return drawn
    vote, fitted = kappas.both(np.ones((1, units)))[0].tolist()
    items = len(data.item_codes)
    difference = Estimate(vote - fitted, *percentiles(drawn), items)
    counts = data.counts
    clear = (counts == counts.max(1, keepdims=True)).sum(1) == 1
    overruled = int((clear & (counts.argmax(1) != model.posterior.argmax(1))).sum())
    warning = None
    if overruled >= max(_MATTERS * items, 1) and (drawn <= 0).mean() <= _DOUBT:
        warning = (
            f"on {overruled} of {items} items the reliability model overrules the majority, but "
            f"two halves of the annotators agree less by such models (kappa {fitted:.2f}) than by "
            f"vote ({vote:.2f}): people differ there rather than err, or there is too little to "
            "tell errors by; keep the vote"
        )
    return Halves(vote, fitted, difference, overruled, items, warning)


def _some(data: Columns, rng: np.random.Generator) -> Columns:
    """All judgments, or those of randomly drawn items where they are very many."""
    share = _ROOM / max(len(data.items), 1)
    if share >= 1:
        return data
    kept = (rng.random(len(data.item_codes)) < share)[data.items]
    return columns(data.items[kept], data.annotators[kept], data.labels[kept])


def _verdicts(data: Columns, side: np.ndarray, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Each item's label by these judgments: by vote, level ones by lot, and by their own model; -1
    for an item without any.  # (items,) each"""
    several, k = len(data.item_codes), len(data.label_codes)
    items, labels = data.items[side], data.labels[side]
    counts = np.bincount(items * k + labels, minlength=several * k).reshape(several, k)
    vote = np.where(counts.any(1), (counts + rng.random(counts.shape) / 2).argmax(1), -1)
    modeled = vote.astype(np.int64).copy()
    model = dawid_skene(items, data.annotators[side], labels, tolerance=_TOLERANCE)
    if not isinstance(model, NotEnough):
        modeled[model.items] = model.verdict
    return vote.astype(np.int64), modeled


def _cells(one: Ints, other: Ints, both: Ints, data: Columns) -> sparse.csr_array:
    """Which cell of the table of both halves an item falls into.  # (items, K * K)"""
    k = len(data.label_codes)
    at = (both, one[both] * k + other[both])
    return sparse.csr_array((np.ones(len(both)), at), shape=(len(data.item_codes), k * k))


def _by_group(groups: Ints) -> sparse.csr_array:
    n = len(groups)
    return sparse.csr_array((np.ones(n), (groups, np.arange(n))), shape=(int(groups.max()) + 1, n))
