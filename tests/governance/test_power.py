"""Plans as rows with a price, the cheapest that suffices, and a few people against many."""

import json

import pytest
from pydantic import ValidationError

from prefloop.core.errors import BadInput
from prefloop.governance.power import (
    DIMENSION,
    PowerSettings,
    Race,
    calibrated,
    compare,
    plan,
)
from prefloop.stats import NotEnough
from prefloop.stats.power import Outcome

QUICK = PowerSettings(pairs=[200, 2000], kappa=[0.5, 0.8], dimension=60, projects=4)


def test_every_combination_has_a_row_with_its_exact_cost() -> None:
    found = plan(QUICK.model_copy(update={"price_micros": 350_001}), seed=1)
    assert [(row.crowd.kappa, row.crowd.pairs) for row in found.rows] == [
        (0.5, 200), (0.5, 2000), (0.8, 200), (0.8, 2000)]  # fmt: skip
    # 200 pairs of 3 judgments at 0.350001
    assert found.rows[0].judgments == 600
    assert found.rows[0].cost_micros == 210_000_600
    assert found.cheapest is None
    json.dumps(found.json(), allow_nan=False)


def test_the_cheapest_plan_that_reaches_the_wish_is_named() -> None:
    found = plan(QUICK, seed=1, want=0.7)
    assert found.cheapest is not None
    assert isinstance(found.cheapest.outcome, Outcome)
    assert found.cheapest.outcome.accuracy.low >= 0.7
    for row in found.rows:
        if row.judgments < found.cheapest.judgments:
            assert isinstance(row.outcome, Outcome)
            assert row.outcome.accuracy.low < 0.7


def test_a_wish_beyond_every_ceiling_has_no_plan() -> None:
    assert plan(QUICK, seed=1, want=0.995).cheapest is None
    with pytest.raises(BadInput, match="wanted"):
        plan(QUICK, seed=1, want=1.5)


def test_an_impossible_row_says_why_and_the_others_stand() -> None:
    found = plan(QUICK.model_copy(update={"kappa": [0.0, 0.8], "pairs": [500]}), 1, want=0.6)
    bad, good = found.rows
    assert isinstance(bad.outcome, NotEnough)
    assert "no agreement" in bad.json()["not_enough"]
    assert found.cheapest is good


def test_the_large_crowd_alone_has_the_bias() -> None:
    settings = QUICK.model_copy(update={"pairs": [500], "kappa": [0.8], "bias": 1.5})
    found = compare(settings, 5000, 20, seed=1)
    assert isinstance(found, Race)
    assert found.small.crowd.bias == 0
    assert {row.crowd.bias for row in found.large} == {1.5}
    assert found.everywhere
    assert "everywhere between kappa 0.02 and 0.8" in found.sentence()
    json.dumps(found.json(), allow_nan=False)


def test_the_crossing_is_said_in_words() -> None:
    settings = QUICK.model_copy(update={"pairs": [500], "kappa": [0.8]})
    found = compare(settings, 5000, 20, seed=1)
    assert isinstance(found, Race)
    assert found.below is not None
    assert f"below a kappa of {found.below.estimate:.2f}" in found.sentence()


def test_a_race_starts_from_one_plan_that_can_be() -> None:
    with pytest.raises(BadInput, match="one number of pairs"):
        compare(QUICK, 5000, 20, seed=1)
    one = QUICK.model_copy(update={"pairs": [500], "kappa": [0.8]})
    assert isinstance(compare(one, 5000, 2, seed=1), NotEnough)


def test_the_default_dimension_is_what_the_desk_was_measured_at() -> None:
    found = calibrated(PowerSettings(annotators=[12]), 0.776, 5100, 0.71, seed=1)
    assert isinstance(found, PowerSettings)
    assert found.dimension == pytest.approx(DIMENSION, rel=0.06)
    assert isinstance(calibrated(QUICK, 0.99, 5100, 0.71, seed=1), NotEnough)


@pytest.mark.parametrize(
    "wrong",
    [{"pairs": []}, {"price_micros": -1}, {"currency": "euros"}, {"own": 2}, {"ovrlap": 3}],
)
def test_settings_that_mean_nothing_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        PowerSettings.model_validate(wrong)
