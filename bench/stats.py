"""Agreement at the size of a real project: ours and the library people would use, in one run."""

import krippendorff
import numpy as np
from bench.table import Line, finish, timed
from sklearn.metrics import cohen_kappa_score

from prefloop.stats.alpha import krippendorff_alpha
from prefloop.stats.pairwise import pairwise_kappa

JUDGMENTS, ANNOTATORS, PER_ITEM = 1_000_000, 500, 3
SAMPLED_PAIRS = 400  # of all pairs of annotators: the peer's loop over all would take minutes


def crowd(items: int, annotators: int, per_item: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A crowd that is right in four of five cases.  # (items * per_item,) each"""
    rng = np.random.default_rng(7)
    first = rng.integers(0, annotators, items)
    step = rng.integers(1, annotators // per_item, items)
    who = (first[:, None] + step[:, None] * np.arange(per_item)) % annotators
    truth = rng.integers(0, 2, items)
    right = rng.random((items, per_item)) < 0.8
    said = np.where(right, truth[:, None], 1 - truth[:, None])
    return np.repeat(np.arange(items), per_item), who.ravel(), said.ravel()


def kappa() -> Line:
    """All pairs of annotators in one pass, against scikit-learn called per pair."""
    items, who, said = crowd(JUDGMENTS // PER_ITEM, ANNOTATORS, PER_ITEM)
    wall, cpu = timed(lambda: pairwise_kappa(items, who, said))
    by_person = [dict(zip(items[who == a], said[who == a], strict=True)) for a in range(40)]
    pairs = [(a, b) for a in range(40) for b in range(a + 1, 40)][:SAMPLED_PAIRS]

    def peer() -> None:
        for a, b in pairs:
            shared = by_person[a].keys() & by_person[b].keys()
            one = [by_person[a][item] for item in shared]
            other = [by_person[b][item] for item in shared]
            cohen_kappa_score(one, other, labels=[0, 1])

    theirs, _ = timed(peer, 1)
    scaled = theirs / len(pairs) * (ANNOTATORS * (ANNOTATORS - 1) / 2)
    note = f"1M judgments, 500 annotators; {cpu:.2f} CPU-s; peer scaled from {len(pairs)} pairs"
    return Line("kappa", wall, scaled, "scikit-learn in a loop", scaled / wall, "s", note)


def alpha() -> Line:
    """Nominal alpha with 1,000 bootstraps, against one estimate of the library times as many."""
    items, who, said = crowd(20_000, 50, PER_ITEM)
    wall, cpu = timed(lambda: krippendorff_alpha(items, who, said, np.random.default_rng(1)))
    table = np.full((50, 20_000), np.nan)
    table[who, items] = said
    once, _ = timed(
        lambda: krippendorff.alpha(reliability_data=table, level_of_measurement="nominal"), 1
    )
    note = f"20k items, 1,000 bootstraps; {cpu:.2f} CPU-s; peer: one estimate x 1,001"
    return Line("alpha", wall, once * 1001, "krippendorff", once * 1001 / wall, "s", note)


if __name__ == "__main__":
    finish("stats", [kappa(), alpha()])
