"""Agreement among other people from where these came from."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefloop.core.digest import rng
from prefloop.core.errors import BadInput
from prefloop.core.records import Estimate
from prefloop.stats import NotEnough
from prefloop.stats.agreement import Percent, percent_agreement
from prefloop.stats.alpha import Alpha, krippendorff_alpha
from prefloop.stats.columns import columns
from prefloop.stats.multirater import Multirater, fleiss_kappa, gwet_ac1
from prefloop.stats.other_people import item_sums, over_people, pair_sums
from prefloop.stats.result import OF_OTHER_PEOPLE

Others = Callable[[Any, Any, Any, np.random.Generator], Any]
OTHERS: dict[str, tuple[Others, str]] = {
    "percent": (lambda i, w, s, g: percent_agreement(i, w, s, g, 300, "annotators"), "agreement"),
    "fleiss": (lambda i, w, s, g: fleiss_kappa(i, w, s, g, 300, "annotators"), "coefficient"),
    "ac1": (lambda i, w, s, g: gwet_ac1(i, w, s, None, g, 300, "annotators"), "coefficient"),
    "alpha": (
        lambda i, w, s, g: krippendorff_alpha(i, w, s, g, "nominal", 300, "annotators"),
        "alpha",
    ),
}


@pytest.mark.parametrize("name", OTHERS)
def test_an_interval_of_other_people_covers_them(name: str) -> None:
    # Error rates of 30 people from Beta(2, 14), mean 1/8: two others agree in 1 - 7/32 = .78125,
    # and at balanced labels every coefficient is 1 - 2 * 7/32 = .5625.
    measure, field = OTHERS[name]
    truth, held, worlds = 0.78125 if name == "percent" else 0.5625, 0, 60
    for world in range(worlds):
        random = rng(81, world)
        error = random.beta(2, 14, 30)
        item, who = np.repeat(np.arange(200), 30), np.tile(np.arange(30), 200)
        keep = random.random(len(item)) < 0.3
        item, who = item[keep], who[keep]
        right = random.integers(0, 2, 200)[item]
        said = right ^ (random.random(len(item)) < error[who])
        found = measure(item, who, said, random)
        assert found.interval == OF_OTHER_PEOPLE
        assert found.caveat is None
        estimate = getattr(found, field)
        assert isinstance(estimate, Estimate)
        assert estimate.n == 30
        held += estimate.low <= truth <= estimate.high
    assert held >= 51  # 57 expected; fewer than 51 has probability .01


@given(
    st.dictionaries(
        st.tuples(st.integers(0, 9), st.integers(0, 4)), st.integers(0, 2), min_size=2, max_size=40
    )
)
def test_drawn_once_each_people_give_the_measures_themselves(
    table: dict[tuple[int, int], int],
) -> None:
    keys, labels = np.array(list(table)), np.array(list(table.values()))
    data = columns(keys[:, 0], keys[:, 1], labels)
    k = len(data.label_codes)
    m = data.counts[None].astype(float)
    sums = item_sums((m, m), np.eye(k))[0]
    percent = percent_agreement(keys[:, 0], keys[:, 1], labels)
    if isinstance(percent, Percent):
        assert sums[1] / sums[2] == pytest.approx(percent.agreement.estimate)
    seen = pair_sums((m, m))[0].reshape(k, k)
    # Krippendorff's coincidences number as many as there are judgments that can be compared.
    size = data.counts.sum(1)
    assert seen.sum() == pytest.approx(size[size >= 2].sum())
    alpha = krippendorff_alpha(keys[:, 0], keys[:, 1], labels, rng(1), replicates=20)
    if isinstance(alpha, Alpha):
        margin, n = seen.sum(0), seen.sum()
        apart = (n - 1) * (n - np.trace(seen)) / (n**2 - margin @ margin)
        assert alpha.alpha.estimate == pytest.approx(1 - apart)


def test_nobody_is_paired_with_themselves() -> None:
    # Two people who never agree, one drawn twice: the copies would agree, the people do not.
    data = columns([0, 0, 1, 1], [0, 1, 0, 1], [0, 1, 1, 0])
    m, q = data.counts[None].astype(np.float64), data.counts[None].astype(np.float64)
    # Annotator 0 twice: of item 0 label 0 twice (q = 4), of item 1 label 1 twice.
    m[0, 0, 0] = m[0, 1, 1] = 2
    q[0, 0, 0] = q[0, 1, 1] = 4
    judged, agree, shared, *_ = item_sums((m, q), np.eye(2))[0]
    assert (judged, agree, shared) == (2, 0, 2)
    assert np.trace(pair_sums((m, q))[0].reshape(2, 2)) == 0


def test_few_people_are_not_enough_or_said_to_be_few() -> None:
    for people, expected in ((4, NotEnough), (8, Multirater)):
        item, who = np.repeat(np.arange(50), people), np.tile(np.arange(people), 50)
        found = fleiss_kappa(item, who, rng(1).integers(0, 2, len(item)), rng(2), 50, "annotators")
        assert isinstance(found, expected)
        if isinstance(found, Multirater):
            assert "8 annotators" in (found.caveat or "")
    assert isinstance(over_people(columns([], [], []), lambda at: at[0], rng(1), 10), NotEnough)


def test_a_unit_that_is_none_and_no_generator_are_refused() -> None:
    with pytest.raises(BadInput, match="resample"):
        percent_agreement([0, 0], [1, 2], [0, 1], rng(1), 10, "pairs")  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="generator"):
        fleiss_kappa([0, 0], [1, 2], [0, 1], resample="annotators")
