"""The simulated labelling project: what Gaussian geometry says, and what must not happen."""

from dataclasses import replace

import pytest

from prefloop.core.errors import BadInput
from prefloop.stats import NotEnough, power
from prefloop.stats.power import Crowd, Outcome, break_even, dimension_for, expected, kappa_of


def outcome(crowd: Crowd, dimension: int = 50, seed: int = 1, projects: int = 8) -> Outcome:
    found = expected(crowd, dimension, seed, projects)
    assert isinstance(found, Outcome), found
    return found


def test_kappa_of_a_correlation_is_sheppards() -> None:
    # arcsin(1/2) = pi/6, times 2/pi = 1/3
    assert kappa_of(0.5) == pytest.approx(1 / 3)
    assert (kappa_of(0), kappa_of(1), kappa_of(-1)) == (0, 1, -1)
    with pytest.raises(BadInput, match="correlation"):
        kappa_of(1.5)


def test_full_agreement_leaves_no_label_noise() -> None:
    found = outcome(Crowd(4000, 5, 1.0), 16)
    assert (found.ceiling.estimate, found.limit.estimate, found.labelled) == (1, 1, 1)
    assert found.accuracy.estimate > 0.97


def test_the_ceiling_at_a_third_is_three_quarters_for_one_judgment() -> None:
    # kappa 1/3 is rho 1/2: signal and noise weigh the same, so p = Phi(signal) is uniform, and
    # E max(p, 1 - p) = 3/4.
    found = outcome(Crowd(600, 9, 1 / 3, 1, own=0.0), projects=20)
    assert found.ceiling.estimate == pytest.approx(0.75, abs=0.006)


def test_the_ceiling_of_three_judgments_is_thirteen_sixteenths() -> None:
    # 2 * integral from 1/2 to 1 of 3p^2 - 2p^3 = 2 * (1/2 - 3/32) = 13/16
    found = outcome(Crowd(600, 9, 1 / 3, 3, own=0.0), projects=20)
    assert found.ceiling.estimate == pytest.approx(13 / 16, abs=0.006)


def test_a_shared_pull_as_strong_as_what_is_meant_ends_at_three_quarters() -> None:
    # At 45 degrees a quarter of the half circle is wrong, however many pairs and however agreed.
    found = outcome(Crowd(8000, 5, 1.0, bias=1.0), 16)
    assert found.limit.estimate == pytest.approx(0.75)
    assert found.right.estimate == pytest.approx(0.75, abs=0.02)
    assert found.ceiling.estimate == 1


def test_own_tastes_go_away_with_more_people() -> None:
    few, many = (outcome(Crowd(600, n, 0.4, own=1.0)).limit.estimate for n in (3, 60))
    assert few < many - 0.05


def test_more_pairs_more_agreement_and_more_judgments_do_not_hurt() -> None:
    base = Crowd(1000, 10, 0.4, overlap=1)
    for better in (
        replace(base, pairs=4000),
        replace(base, kappa=0.7),
        replace(base, overlap=5),
    ):
        assert outcome(better).right.low > outcome(base).right.high


def test_a_level_majority_labels_nothing() -> None:
    # Two judgments of p uniform: they differ in 2 E p(1 - p) = 1/3 of cases.
    found = outcome(Crowd(3000, 4, 1 / 3, 2, own=0.0))
    assert found.labelled == pytest.approx(2 / 3, abs=0.02)


def test_the_measured_agreement_is_the_kappa_asked_for() -> None:
    # With two judgments, labelled = agreement = (1 + kappa) / 2, whatever it is made of.
    for own, bias in ((0.0, 0.0), (0.5, 0.0), (0.5, 0.8)):
        found = outcome(Crowd(3000, 30, 0.6, 2, own, bias))
        assert found.labelled == pytest.approx(0.8, abs=0.015)


def test_scaling_dimension_and_pairs_together_changes_little(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    crowd = Crowd(1200, 10, 0.5)
    small = outcome(crowd, 200, projects=16)
    monkeypatch.setattr(power, "_FEATURES", 200)
    whole = outcome(crowd, 200, seed=2, projects=16)
    assert whole.right.estimate == pytest.approx(small.right.estimate, abs=0.012)
    assert whole.accuracy.estimate == pytest.approx(small.accuracy.estimate, abs=0.015)


def test_the_same_seed_gives_the_same_figures() -> None:
    crowd = Crowd(500, 5, 0.6)
    assert outcome(crowd) == outcome(crowd)
    assert outcome(crowd) != outcome(crowd, seed=2)


def test_the_dimension_is_found_again_from_the_accuracy_it_gives() -> None:
    crowd = Crowd(2000, 6, 0.6)
    seen = outcome(crowd, 400, projects=20).accuracy.estimate
    found = dimension_for(crowd, seen, seed=2, projects=12)
    assert isinstance(found, int)
    assert found == pytest.approx(400, rel=0.15)


def test_an_accuracy_beyond_the_ceiling_has_no_dimension() -> None:
    # One judgment at kappa 1/3 allows 0.75 at most.
    found = dimension_for(Crowd(2000, 6, 1 / 3, 1), 0.9, seed=1)
    assert isinstance(found, NotEnough)
    assert "cannot be had" in found.reason


def test_few_consistent_people_beat_many_noisy_ones_below_some_kappa() -> None:
    kappas = (0.02, 0.05, 0.1, 0.2, 0.5)
    found = break_even(Crowd(600, 5, 0.7, 1), Crowd(6000, 50, 0.7, 1), kappas, 300, 1, 6)
    assert not isinstance(found, NotEnough)
    assert found.below is not None
    assert 0.02 <= found.below.low < found.below.estimate < found.below.high < 0.3
    rights = [one.right.estimate for _, one in found.large]
    assert rights == sorted(rights)


def test_a_crowd_with_a_strong_shared_pull_loses_everywhere() -> None:
    large = Crowd(6000, 50, 0.5, 1, bias=1.5)  # at best 1 - atan(1.5)/pi = 0.69
    found = break_even(Crowd(1200, 5, 0.7, 1), large, (0.2, 0.7), 300, 1, 6)
    assert not isinstance(found, NotEnough)
    assert (found.below, found.everywhere) == (None, True)


def test_a_small_crowd_of_no_use_wins_nowhere() -> None:
    found = break_even(Crowd(100, 3, 0.1, 1), Crowd(6000, 50, 0.5, 1), (0.3, 0.7), 300, 1, 6)
    assert not isinstance(found, NotEnough)
    assert (found.below, found.everywhere) == (None, False)


@pytest.mark.parametrize(
    ("crowd", "said"),
    [
        (Crowd(1000, 5, 0.0), "no agreement at all"),
        (Crowd(1000, 5, -0.2), "no agreement at all"),
        (Crowd(1000, 2, 0.5, 3), "need 3 annotators"),
        (Crowd(10, 5, 0.5), "10 pairs"),
        (Crowd(40, 5, 0.5), "too few for 500 directions"),
    ],
)
def test_what_cannot_be_says_why(crowd: Crowd, said: str) -> None:
    found = expected(crowd, 500, 1)
    assert isinstance(found, NotEnough)
    assert said in found.reason
    assert isinstance(break_even(crowd, Crowd(900, 5, 0.5), (0.2, 0.4), 500, 1), NotEnough)


@pytest.mark.parametrize(
    "crowd",
    [
        Crowd(0, 5, 0.5),
        Crowd(100, 0, 0.5),
        Crowd(100, 5, 1.2),
        Crowd(100, 5, float("nan")),
        Crowd(100, 5, 0.5, 0),
        Crowd(100, 5, 0.5, own=1.1),
        Crowd(100, 5, 0.5, bias=-1),
        Crowd(100, 5, 0.5, bias=float("inf")),
    ],
)
def test_numbers_that_mean_nothing_are_refused(crowd: Crowd) -> None:
    with pytest.raises(BadInput):
        expected(crowd, 50, 1)


def test_other_bad_arguments_are_refused() -> None:
    crowd = Crowd(1000, 5, 0.5)
    with pytest.raises(BadInput, match="dimension"):
        expected(crowd, 2, 1)
    with pytest.raises(BadInput, match="at least 2"):
        expected(crowd, 50, 1, projects=1)
    with pytest.raises(BadInput, match="ascending"):
        break_even(crowd, crowd, (0.4, 0.2), 50, 1)
    with pytest.raises(BadInput, match="accuracy"):
        dimension_for(crowd, 1.0, 1)
