"""Every agreement interval covers what it says, and says when it does not."""

from collections.abc import Callable

import numpy as np
import pytest

from prefloop.core.digest import rng
from prefloop.core.records import Estimate
from prefloop.stats import NotEnough
from prefloop.stats.agreement import Kappa, Percent, cohen_kappa, credit, percent_agreement
from prefloop.stats.alpha import Alpha, krippendorff_alpha
from prefloop.stats.multirater import Multirater, fleiss_kappa, gwet_ac1, gwet_ac2, scott_pi
from prefloop.stats.pairwise import (
    PooledKappa,
    pooled_kappa,
)
from prefloop.stats.result import BY_BOOTSTRAP, BY_LARGE_SAMPLES, OF_OTHER_PEOPLE

WORLDS, ITEMS, DRAWN = 400, 300, 300
Measure = Callable[[np.ndarray, np.ndarray, np.ndarray, np.random.Generator], object]

# Two people, labels 1, 2, 3, 4, or 1 and 2; rows of `s` alternate between them.
BOOTSTRAP: dict[str, Measure] = {
    "percent": lambda i, w, s, g: percent_agreement(i, w, s, g, DRAWN),
    "cohen": lambda i, w, s, g: cohen_kappa(s[::2], s[1::2], rng=g, replicates=DRAWN),
    "linear": lambda i, w, s, g: cohen_kappa(s[::2], s[1::2], "linear", None, g, DRAWN),
    "quadratic": lambda i, w, s, g: cohen_kappa(s[::2], s[1::2], "quadratic", None, g, DRAWN),
    "pooled": lambda i, w, s, g: pooled_kappa(i, w, s, g, replicates=DRAWN),
    "fleiss": lambda i, w, s, g: fleiss_kappa(i, w, s, g, DRAWN),
    "pi": lambda i, w, s, g: scott_pi(s[::2], s[1::2], g, DRAWN),
    "ac1": lambda i, w, s, g: gwet_ac1(i, w, s, None, g, DRAWN),
    "ac2": lambda i, w, s, g: gwet_ac2(i, w, s, "quadratic", None, g, DRAWN),
    "nominal": lambda i, w, s, g: krippendorff_alpha(i, w, s, g, "nominal", DRAWN),
    "ordinal": lambda i, w, s, g: krippendorff_alpha(i, w, s, g, "ordinal", DRAWN),
    "interval": lambda i, w, s, g: krippendorff_alpha(i, w, s, g, "interval", DRAWN),
    "ratio": lambda i, w, s, g: krippendorff_alpha(i, w, s, g, "ratio", DRAWN),
}
LARGE: dict[str, Measure] = {
    "percent": lambda i, w, s, g: percent_agreement(i, w, s),
    "cohen": lambda i, w, s, g: cohen_kappa(s[::2], s[1::2]),
    "fleiss": lambda i, w, s, g: fleiss_kappa(i, w, s),
    "ac1": lambda i, w, s, g: gwet_ac1(i, w, s),
}
# What is true, and how people err: 10 % of two labels; of four mostly to a neighbor.
TWO = np.array([0.7, 0.3]), np.array([[0.9, 0.1], [0.1, 0.9]])
FOUR = (
    np.array([0.2, 0.3, 0.3, 0.2]),
    np.array(
        [
            [0.80, 0.15, 0.04, 0.01],
            [0.12, 0.75, 0.10, 0.03],
            [0.03, 0.10, 0.75, 0.12],
            [0.01, 0.04, 0.15, 0.80],
        ]
    ),
)


def truth(measure: str, world: tuple[np.ndarray, np.ndarray]) -> float:
    """The measure of infinitely many items, from the table of two people who err alike."""
    prior, error = world
    table = np.einsum("t,ti,tj->ij", prior, error, error)
    margin, k = table.sum(0), len(prior)
    if measure in ("percent", "cohen", "pooled", "fleiss", "pi", "ac1", "nominal"):
        seen, chance = np.trace(table), margin @ margin
        if measure == "percent":
            return float(seen)
        if measure == "ac1":
            chance = margin @ (1 - margin) / (k - 1)
        return float((seen - chance) / (1 - chance))
    if measure in ("linear", "quadratic", "ac2"):
        worth = credit(k, "linear" if measure == "linear" else "quadratic")
        seen, chance = (table * worth).sum(), margin @ worth @ margin
        if measure == "ac2":
            chance = worth.sum() / (k * (k - 1)) * (margin @ (1 - margin))
        return float((seen - chance) / (1 - chance))
    value = np.arange(1.0, k + 1)
    gap = {
        "interval": (value[:, None] - value) ** 2,
        "ratio": ((value[:, None] - value) / (value[:, None] + value)) ** 2,
        "ordinal": np.subtract.outer(*[np.cumsum(margin) - margin / 2] * 2) ** 2,
    }[measure]
    return float(1 - (table * gap).sum() / (margin @ gap @ margin))


def interval(found: object) -> Estimate:
    known = {
        Percent: "agreement",
        Kappa: "kappa",
        PooledKappa: "pooled",
        Multirater: "coefficient",
        Alpha: "alpha",
    }
    estimate = getattr(found, known[type(found)])
    assert isinstance(estimate, Estimate)
    return estimate


def judged(
    items: int, world: tuple[np.ndarray, np.ndarray], *path: str | int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random, (prior, error) = rng(41, *path), world
    right = random.choice(len(prior), items, p=prior)
    item, who = np.repeat(np.arange(items), 2), np.tile([0, 1], items)
    level = error.cumsum(1)[right[item], :-1]
    return item, who, 1 + (random.random(2 * items)[:, None] > level).sum(1)


def held(measure: Measure, name: str, world: tuple[np.ndarray, np.ndarray]) -> float:
    """The share of worlds whose interval holds the truth."""
    expected, hits = truth(name, world), 0
    for seed in range(WORLDS):
        found = interval(measure(*judged(ITEMS, world, seed), rng(42, seed)))
        hits += found.low <= expected <= found.high
    return hits / WORLDS


# The band is 93 to 97 %; 400 worlds know it to 1.1 points, and two of those are allowed.
BAND = pytest.approx(0.95, abs=0.02 + 0.022)


@pytest.mark.parametrize("name", BOOTSTRAP)
def test_item_bootstraps_cover_93_to_97_percent_at_300_items(name: str) -> None:
    four = name in ("linear", "quadratic", "ac2", "ordinal", "interval", "ratio")
    assert held(BOOTSTRAP[name], name, FOUR if four else TWO) == BAND


@pytest.mark.parametrize("name", LARGE)
def test_the_forms_for_large_samples_cover_as_often(name: str) -> None:
    assert held(LARGE[name], name, TWO) == BAND


def test_every_interval_says_what_it_speaks_of() -> None:
    data = judged(ITEMS, TWO, "said")
    for measure in BOOTSTRAP.values():
        assert measure(*data, rng(43)).interval == BY_BOOTSTRAP  # type: ignore[attr-defined]
    for measure in LARGE.values():
        assert measure(*data, rng(43)).interval == BY_LARGE_SAMPLES  # type: ignore[attr-defined]
    assert "annotators fixed" in BY_BOOTSTRAP
    assert "annotators random" in OF_OTHER_PEOPLE


def test_of_300_items_at_moderate_prevalence_nothing_is_to_be_said() -> None:
    data = judged(ITEMS, TWO, "caveat")
    for measure in (*BOOTSTRAP.values(), *LARGE.values()):
        assert measure(*data, rng(43)).caveat is None  # type: ignore[attr-defined]


def test_few_items_skewed_labels_and_hardly_any_dissent_are_said() -> None:
    skewed = np.array([0.97, 0.03]), TWO[1]
    careful = np.array([0.5, 0.5]), np.array([[0.995, 0.005], [0.005, 0.995]])
    for items, world, word in (
        (20, TWO, "20 items"),
        (300, skewed, "skewed"),
        (300, careful, "differ"),
    ):
        data = judged(items, world, "caveat")
        for name, measure in BOOTSTRAP.items():
            if word == "skewed" and name in ("ordinal", "interval", "ratio"):
                continue
            found = measure(*data, rng(43))
            assert word in (found.caveat or ""), name  # type: ignore[attr-defined]


def test_of_few_items_intervals_cover_less_which_is_why_it_is_said() -> None:
    expected, hits = truth("cohen", TWO), 0
    for seed in range(WORLDS):
        found = BOOTSTRAP["cohen"](*judged(20, TWO, seed), rng(42, seed))
        if not isinstance(found, NotEnough):
            hits += interval(found).low <= expected <= interval(found).high
    assert hits / WORLDS < 0.93


def test_of_other_people_an_interval_says_less_and_covers_them() -> None:
    # Error rates of 30 people from Beta(2, 14): pooled over them, 2 e (1 - e) with mean e = 1/8
    # disagreements 7/32 expected of two others, at balanced labels kappa = 1 - 2 * 7/32 = .5625.
    held, wider = 0, 0
    for world in range(60):
        random = rng(44, world)
        error = random.beta(2, 14, 30)
        item, who = np.repeat(np.arange(300), 30), np.tile(np.arange(30), 300)
        keep = random.random(len(item)) < 0.3
        item, who = item[keep], who[keep]
        right = random.integers(0, 2, 300)[item]
        said = right ^ (random.random(len(item)) < error[who])
        others = pooled_kappa(item, who, said, random, replicates=300, resample="annotators")
        these = pooled_kappa(item, who, said, random, replicates=50)
        assert isinstance(others, PooledKappa)
        assert isinstance(these, PooledKappa)
        assert others.interval == OF_OTHER_PEOPLE
        assert others.pooled.estimate == pytest.approx(these.pooled.estimate, abs=1e-9)
        held += others.pooled.low <= 0.5625 <= others.pooled.high
        wider += others.pooled.high - others.pooled.low > these.pooled.high - these.pooled.low
    assert held >= 50  # 57 expected at most
    assert wider >= 55
