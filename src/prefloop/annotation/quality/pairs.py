"""Every two annotators who judged the same comparisons, those who surely agree least first.

Of many pairs those with most in common are looked at: a pair with three comparisons says nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from prefloop.annotation.labels import Labels
from prefloop.core.digest import rng
from prefloop.core.records import Estimate
from prefloop.stats import NotEnough
from prefloop.stats.pair_intervals import pair_intervals
from prefloop.stats.pairwise import PairwiseKappa, pairwise_kappa

__all__ = ["Pair", "pairs"]

_MOST = 1000


@dataclass(frozen=True, slots=True)
class Pair:
    """Two annotators: raw agreement, and kappa with its interval over shared comparisons."""

    first: str
    second: str
    observed: float
    kappa: Estimate
    trusted: bool  # whether the interval is

    def json(self) -> dict[str, Any]:
        about = {"first": self.first, "second": self.second, "observed": self.observed}
        return {**about, "kappa": self.kappa.json(), "trusted": self.trusted}


def pairs(labels: Labels, seed: int) -> Sequence[Pair]:
    """The pairs whose kappa exists, the 1,000 with most in common; none where no two share a
    comparison."""
    if not len(labels.item):
        return []
    found = pairwise_kappa(labels.item, labels.annotator, labels.label)
    if isinstance(found, NotEnough):
        return []
    found = _most(found)
    ends = pair_intervals(found, rng(seed, "pairs"))
    made = [
        Pair(
            labels.annotators[int(found.first[n])],
            labels.annotators[int(found.second[n])],
            float(found.observed[n]),
            Estimate(
                float(found.kappa[n]), float(ends.low[n]), float(ends.high[n]), int(found.n[n])
            ),
            bool(ends.trusted[n]),
        )
        for n in range(len(found.n))
    ]
    return sorted(made, key=lambda pair: (pair.kappa.high, pair.kappa.estimate, pair.first))


def _most(found: PairwiseKappa) -> PairwiseKappa:
    keep = np.sort(np.argsort(-found.n, kind="stable")[:_MOST])
    columns = ("first", "second", "kappa", "n", "observed", "expected")
    kept = {name: getattr(found, name)[keep] for name in columns}
    return replace(found, **kept, tables=found.tables.pick(keep))
