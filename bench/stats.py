"""Statistics at the size of a real project: ours and the library people would use, in one run.

A million judgments by 500 annotators, three per item. JUDGMENTS sets another size (the line that
shows the growth takes ten times as many). Every library runs as its authors ship it, on the same
judgments in the form it wants; making that form is not counted.
"""

import os
import tracemalloc
import warnings
from collections.abc import Callable

import choix
import evalica
import numpy as np
import pandas as pd
from bench.table import Line, finish, timed
from crowdkit.aggregation import DawidSkene as CrowdKit
from sklearn.metrics import cohen_kappa_score

from prefloop.stats import NotEnough
from prefloop.stats.agreement import cohen_kappa, percent_agreement
from prefloop.stats.alpha import Scale, krippendorff_alpha
from prefloop.stats.bradley_terry import bradley_terry
from prefloop.stats.dawid_skene import dawid_skene
from prefloop.stats.multirater import fleiss_kappa, gwet_ac1
from prefloop.stats.pairwise import pairwise_kappa, pooled_kappa

JUDGMENTS = int(os.environ.get("JUDGMENTS", "1000000"))
ANNOTATORS, PER_ITEM, REPLICATES = 500, 3, 1000
SAMPLED_PAIRS = 400  # of all pairs of annotators: the peer's loop over all would take minutes
MEMORY_MB = 300.0

Crowd = tuple[np.ndarray, np.ndarray, np.ndarray]


def crowd(items: int, annotators: int, per_item: int, options: int = 2) -> Crowd:
    """A crowd that is right in four of five cases, else anything.  # (items * per_item,) each"""
    rng = np.random.default_rng(7)
    first = rng.integers(0, annotators, items)
    step = rng.integers(1, annotators // per_item, items)
    who = (first[:, None] + step[:, None] * np.arange(per_item)) % annotators
    truth = rng.integers(0, options, items)
    right = rng.random((items, per_item)) < 0.8
    wrong = (truth[:, None] + rng.integers(1, options, (items, per_item))) % options
    said = np.where(right, truth[:, None], wrong)
    return np.repeat(np.arange(items), per_item), who.ravel(), said.ravel()


def kappa(data: Crowd) -> Line:
    """All pairs of annotators in one pass, against scikit-learn called per pair."""
    items, who, said = data
    wall, cpu = timed(lambda: pairwise_kappa(*data))
    by_person = [dict(zip(items[who == a], said[who == a], strict=True)) for a in range(40)]
    pairs = [(a, b) for a in range(40) for b in range(a + 1, 40)][:SAMPLED_PAIRS]

    def peer() -> None:
        warnings.simplefilter("ignore")  # one label in use is no news here
        for a, b in pairs:
            shared = by_person[a].keys() & by_person[b].keys()
            one = [by_person[a][item] for item in shared]
            other = [by_person[b][item] for item in shared]
            cohen_kappa_score(one, other, labels=[0, 1])

    theirs, _ = timed(peer, 1)
    scaled = theirs / len(pairs) * (ANNOTATORS * (ANNOTATORS - 1) / 2)
    note = f"all pairs; {cpu:.2f} CPU-s; peer scaled from {len(pairs)} pairs"
    return Line("kappa", wall, scaled, "scikit-learn in a loop", scaled / wall, "s", note)


def alpha(data: Crowd, scale: Scale) -> Line:
    """Alpha with its bootstrap, against evalica's (which draws pairs, not items)."""
    items, who, said = data
    wall, cpu = timed(
        lambda: krippendorff_alpha(*data, np.random.default_rng(1), scale, REPLICATES)
    )
    table = np.full((ANNOTATORS, int(items.max()) + 1), np.nan)
    table[who, items] = said
    wide = pd.DataFrame(table)
    theirs, _ = timed(
        lambda: evalica.alpha_bootstrap(
            wide, "nominal" if scale == "nominal" else "interval", n_resamples=REPLICATES
        ),
        1,
    )
    options = len(np.unique(said))
    note = f"{options} labels, {REPLICATES:,} bootstraps; {cpu:.2f} CPU-s"
    return Line(f"alpha, {scale}", wall, theirs, "evalica", theirs / wall, "s", note)


def skene(data: Crowd) -> Line:
    """Dawid-Skene without smoothing until it is as likely as where crowd-kit stops."""
    items, who, said = data
    frame = pd.DataFrame({"task": items, "worker": who, "label": said})
    peers = CrowdKit()
    theirs, _ = timed(lambda: peers.fit(frame), 1)
    reached = likelihood(data, peers)
    full = dawid_skene(*data, smoothing=0)
    assert not isinstance(full, NotEnough)
    assert full.objective[-1] >= reached, "our maximum is below the peer's"
    steps = int(np.argmax(full.objective >= reached)) + 1
    wall, cpu = timed(lambda: dawid_skene(*data, smoothing=0, steps=steps, tolerance=1e-12))
    note = (
        f"to log-likelihood {reached:.1f}, {steps} steps; {cpu:.2f} CPU-s; "
        f"our maximum {full.objective[-1]:.1f}"
    )
    return Line("dawid-skene", wall, theirs, "crowd-kit", theirs / wall, "s", note)


def likelihood(data: Crowd, peers: CrowdKit) -> float:
    """Log-likelihood of the judgments under the priors and error rates that crowd-kit gives."""
    items, who, said = data
    options = sorted(peers.priors_.index)
    table = peers.errors_.reindex(columns=options).to_numpy()  # rows (worker, said), columns true
    keys = peers.errors_.index
    k = len(options)
    rates = np.full((ANNOTATORS * k, k), 1e-300)
    rates[keys.get_level_values(0) * k + keys.get_level_values(1)] = np.maximum(table, 1e-300)
    level = np.tile(np.log(peers.priors_[options].to_numpy()), (int(items.max()) + 1, 1))
    for true in range(k):
        level[:, true] += np.bincount(items, np.log(rates[who * k + said, true]))
    top = level.max(1, keepdims=True)
    return float((top[:, 0] + np.log(np.exp(level - top).sum(1))).sum())


def intervals(data: Crowd) -> list[Line]:
    """Every other measure with 1,000 item bootstraps, against a second."""
    items, _, said = data
    first = np.flatnonzero(np.diff(items, prepend=-1))
    one, other = said[first], said[first + 1]
    works: dict[str, Callable[[np.random.Generator], object]] = {
        "percent": lambda rng: percent_agreement(*data, rng, REPLICATES),
        "cohen, two people": lambda rng: cohen_kappa(one, other, rng=rng, replicates=REPLICATES),
        "fleiss": lambda rng: fleiss_kappa(*data, rng, REPLICATES),
        "ac1": lambda rng: gwet_ac1(*data, None, rng, REPLICATES),
        "pooled": lambda rng: pooled_kappa(*data, rng, replicates=REPLICATES),
    }
    lines = []
    for name, work in works.items():
        wall, cpu = timed(lambda work=work: work(np.random.default_rng(1)), 2)  # type: ignore[misc]
        note = f"{REPLICATES:,} bootstraps; {cpu:.2f} CPU-s"
        lines.append(Line(f"interval, {name}", wall, 1.0, "a second", 1 / wall, "s", note))
    return lines


def strengths() -> Line:
    """Bradley-Terry of 100 models from as many comparisons, against choix's ILSR."""
    rng = np.random.default_rng(3)
    strength = rng.normal(0, 1, 100)
    first = rng.integers(0, 100, JUDGMENTS)
    second = (first + rng.integers(1, 100, JUDGMENTS)) % 100
    won = rng.random(JUDGMENTS) < 1 / (1 + np.exp(strength[second] - strength[first]))
    verdicts = np.where(won, 1, -1)
    wall, cpu = timed(lambda: bradley_terry(first, second, verdicts))
    pairs = list(zip(np.where(won, first, second), np.where(won, second, first), strict=True))
    theirs, _ = timed(lambda: choix.ilsr_pairwise(100, pairs), 1)
    note = f"100 models; {cpu:.2f} CPU-s, with covariance"
    return Line("bradley-terry", wall, theirs, "choix, ILSR", theirs / wall, "s", note)


def memory(name: str, work: Callable[[], object]) -> Line:
    """The most memory held at a time beyond the input."""
    tracemalloc.start()
    work()
    most = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    return Line(f"memory, {name}", most, MEMORY_MB, "target", MEMORY_MB / most, "MB", "extra")


def growth(small: Crowd, large: Crowd) -> list[Line]:
    """Ten times the judgments against ten times the CPU time: cores are often shared."""
    works: dict[str, Callable[[Crowd], object]] = {
        "kappa": lambda data: pairwise_kappa(*data),
        "alpha": lambda data: krippendorff_alpha(*data, np.random.default_rng(1)),
        "dawid-skene": lambda data: dawid_skene(*data, steps=5, tolerance=1e-12),
    }
    lines = []
    for name, work in works.items():
        _, once = timed(lambda work=work: work(small), 5)  # type: ignore[misc]
        wall, tenfold = timed(lambda work=work: work(large), 3)  # type: ignore[misc]
        each = [
            f"{1e9 * cpu / len(data[0]):.0f}" for cpu, data in ((once, small), (tenfold, large))
        ]
        note = (
            f"{len(large[0]):,} judgments, beside ten times a tenth; {each[0]} -> {each[1]} CPU-ns "
            f"per judgment, {wall:.2f} s by the clock"
        )
        lines.append(
            Line(f"tenfold, {name}", tenfold, 10 * once, "linear", 10 * once / tenfold, "s", note)
        )
    return lines


def main() -> None:
    """Print the table and write the results."""
    data = crowd(JUDGMENTS // PER_ITEM, ANNOTATORS, PER_ITEM)
    ratings = crowd(JUDGMENTS // PER_ITEM, ANNOTATORS, PER_ITEM, options=7)
    lines = [kappa(data), alpha(data, "nominal"), alpha(ratings, "interval"), skene(data)]
    lines += intervals(data)
    lines.append(strengths())
    lines += [
        memory("kappa", lambda: pairwise_kappa(*data)),
        memory("alpha", lambda: krippendorff_alpha(*data, np.random.default_rng(1))),
        memory("dawid-skene", lambda: dawid_skene(*data)),
    ]
    lines += growth(data, crowd(10 * JUDGMENTS // PER_ITEM, ANNOTATORS, PER_ITEM))
    finish("stats", lines)


if __name__ == "__main__":
    main()
