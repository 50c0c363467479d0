"""Every agreement interval covers what it says, and says when it does not."""

from collections.abc import Callable

import numpy as np
import pytest

from prefloop.core.digest import rng
from prefloop.core.records import Estimate
from prefloop.stats.agreement import Kappa, cohen_kappa, percent_agreement
from prefloop.stats.alpha import Alpha, krippendorff_alpha
from prefloop.stats.multirater import Multirater, fleiss_kappa, gwet_ac1
from prefloop.stats.pairwise import PooledKappa, pooled_kappa

WORLDS, ERROR = 400, 0.1
Measure = Callable[[np.ndarray, np.ndarray, np.ndarray, np.random.Generator], object]

MEASURES: dict[str, Measure] = {
    "percent": lambda i, w, s, g: percent_agreement(i, w, s),
    "cohen": lambda i, w, s, g: cohen_kappa(s[::2], s[1::2]),
    "pooled": lambda i, w, s, g: pooled_kappa(i, w, s, g, replicates=400),
    "fleiss": lambda i, w, s, g: fleiss_kappa(i, w, s),
    "ac1": lambda i, w, s, g: gwet_ac1(i, w, s),
    "alpha": lambda i, w, s, g: krippendorff_alpha(i, w, s, g, replicates=400),
}


def truth(measure: str, prevalence: float) -> float:
    """Two people who err independently at the same rate."""
    share = prevalence * (1 - ERROR) + (1 - prevalence) * ERROR
    seen = (1 - ERROR) ** 2 + ERROR**2
    if measure == "percent":
        return seen
    chance = 2 * share * (1 - share)
    chance = chance if measure == "ac1" else 1 - chance
    return (seen - chance) / (1 - chance)


def interval(found: object) -> Estimate:
    if isinstance(found, Kappa):
        return found.kappa
    if isinstance(found, PooledKappa):
        return found.pooled
    if isinstance(found, Multirater):
        return found.coefficient
    if isinstance(found, Alpha):
        return found.alpha
    assert isinstance(found, Estimate), found
    return found


def judged(items: int, prevalence: float, *path: str | int) -> tuple[np.ndarray, ...]:
    random = rng(41, *path)
    right = random.random(items) < prevalence
    item, who = np.repeat(np.arange(items), 2), np.tile([0, 1], items)
    return item, who, (right[item] ^ (random.random(2 * items) < ERROR)).astype(int)


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("prevalence", [0.5, 0.7])
def test_95_percent_intervals_cover_93_to_97_percent_at_300_items(
    measure: str, prevalence: float
) -> None:
    held, expected = 0, truth(measure, prevalence)
    for world in range(WORLDS):
        data = judged(300, prevalence, measure, world)
        item, who, said = data
        found = interval(MEASURES[measure](item, who, said, rng(42, world)))
        held += found.low <= expected <= found.high
    # The band is 93 to 97 %; 400 worlds know it to 1.1 points, and three of those are allowed.
    assert 0.93 - 0.02 <= held / WORLDS <= 0.97 + 0.02, held / WORLDS


def test_300_items_at_moderate_prevalence_have_no_caveat_and_few_or_skewed_ones_do() -> None:
    for items, prevalence, word in ((300, 0.7, None), (20, 0.5, "20 items"), (300, 0.97, "skewed")):
        item, who, said = judged(items, prevalence, "caveat")
        for measure in ("cohen", "pooled", "fleiss", "ac1", "alpha"):
            found = MEASURES[measure](item, who, said, rng(43))
            assert isinstance(found, Kappa | PooledKappa | Multirater | Alpha)
            if word is None:
                assert found.caveat is None
            else:
                assert found.caveat is not None
                assert word in found.caveat


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
        assert others.pooled.estimate == pytest.approx(these.pooled.estimate, abs=1e-9)
        held += others.pooled.low <= 0.5625 <= others.pooled.high
        wider += others.pooled.high - others.pooled.low > these.pooled.high - these.pooled.low
    assert held >= 50  # 57 expected at most
    assert wider >= 55
