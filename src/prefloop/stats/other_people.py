"""What agreement would be among other people from where these came from, on these items.

Annotators are drawn with replacement, and whoever is drawn twice is two people who happen to say
the same; but nobody is paired with themselves. With m_k the draws of those who said k about an item
and q_k the sum of their squares, its pairs of different people number (sum m)^2 - sum q, of which
sum m_k^2 - q_k agree.
"""

from collections.abc import Callable
from typing import Literal

import numpy as np
from scipy import sparse

from prefloop.core.errors import BadInput
from prefloop.stats.columns import Columns, Floats
from prefloop.stats.resampling import bootstrap
from prefloop.stats.result import NotEnough

__all__ = ["Drawn", "Resample", "check", "item_sums", "over_people", "pair_sums", "people_caveat"]

Resample = Literal["items", "annotators"]
Drawn = tuple[Floats, Floats]  # m and q (R, items, labels)

_PEOPLE, _TRUSTED = (
    5,
    20,
)  # annotators that are a sample of anybody; whose interval is to be trusted
_CELLS = 1_000_000  # of m held at a time: 8 MB


def over_people(
    data: Columns,
    statistic: Callable[[Drawn], Floats],
    rng: np.random.Generator,
    replicates: int,
) -> Floats | NotEnough:
    """Sorted replicates of a statistic of what was drawn, over annotators drawn with replacement.

    Fewer than five annotators who share items are NotEnough.
    """
    people = _sharing(data)
    if people < _PEOPLE:
        return NotEnough(f"{people} annotators say little of others: at least {_PEOPLE} are needed")
    k, items = len(data.label_codes), len(data.item_codes)
    said = sparse.csr_array(
        (np.ones(len(data.items)), (data.annotators, data.items * k + data.labels)),
        shape=(len(data.annotator_codes), items * k),
    )

    def of(times: Floats) -> Floats:
        m, q = (np.asarray(x @ said).reshape(len(times), items, k) for x in (times, times**2))
        return statistic((m, q))

    width = max(items * k * 4_000_000 // _CELLS, 1)
    return bootstrap(of, len(data.annotator_codes), rng, replicates=replicates, width=width)


def item_sums(drawn: Drawn, worth: Floats) -> Floats:
    """Sums over items: of those judged, of agreement (with the credit of two labels), of those
    judged by two people, and of shares of labels.  # (R, 3 + K)"""
    m, q = drawn
    size, own = m.sum(2), q.sum(2)
    pairs = size**2 - own
    shared, judged = pairs > 1e-9, size > 0
    agree = ((m @ worth) * m).sum(2) - own
    agree = np.divide(agree, pairs, out=np.zeros_like(pairs), where=shared)
    share = m / np.where(judged, size, 1.0)[:, :, None]
    return np.concatenate(
        [np.stack([judged.sum(1), agree.sum(1), shared.sum(1)], axis=1), share.sum(1)], axis=1
    )


def pair_sums(drawn: Drawn) -> Floats:
    """Coincidences of two labels within an item, each item's weighing as many as its judgments
    (Krippendorff 2011, section C, for drawn people).  # (R, K * K)"""
    m, q = drawn
    size = m.sum(2)
    pairs = size**2 - q.sum(2)
    weight = np.divide(size, pairs, out=np.zeros_like(pairs), where=pairs > 1e-9)
    seen = np.swapaxes(m * weight[:, :, None], 1, 2) @ m  # (R, K, K)
    k = m.shape[2]
    seen[:, np.arange(k), np.arange(k)] -= (q * weight[:, :, None]).sum(1)
    return np.asarray(seen.reshape(len(m), k * k))


def people_caveat(data: Columns) -> str | None:
    """Why an interval that speaks of other people is not to be trusted, or None."""
    people = _sharing(data)
    if people >= _TRUSTED:
        return None
    return f"{people} annotators: under {_TRUSTED} the interval is too narrow"


def check(resample: str, rng: np.random.Generator | None) -> None:
    """BadInput for a unit that is none, or other people without a generator to draw them."""
    if resample not in ("items", "annotators"):
        raise BadInput(f"resample {resample!r}: use items or annotators")
    if resample == "annotators" and rng is None:
        raise BadInput("other people are drawn at random: give a generator")


def _sharing(data: Columns) -> int:
    shared = np.diff(data.starts)[data.items] >= 2
    return len(np.unique(data.annotators[shared]))
