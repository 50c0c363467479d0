"""The ceiling is recovered in worlds whose truth is known."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from prefloop.core.digest import rng
from prefloop.core.errors import BadInput
from prefloop.stats import NotEnough
from prefloop.stats.ceiling import (
    Ceiling,
    Rule,
    ceiling,
    ceiling_of,
    closed_form,
    majority_rule,
    single_label,
)
from prefloop.stats.difficulty import equally_hard

Draw = Callable[[np.random.Generator, int], np.ndarray]


def simulate(
    draw: Draw, sizes: np.ndarray, random: np.random.Generator, nu: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """True chances that a judgment says a, and votes (N, 3)."""
    p = draw(random, len(sizes))
    tie = nu * np.sqrt(p * (1 - p))
    ties = random.binomial(sizes, tie / (1 + tie))
    for_a = random.binomial(sizes - ties, p)
    return p, np.stack([for_a, sizes - ties - for_a, ties], axis=1)


def truth(draw: Draw, sizes: np.ndarray, nu: float = 0.0) -> float:
    """The share of majority labels that agree with the side of p, in a large world."""
    random = rng(99)
    p, votes = simulate(draw, random.choice(sizes, 400_000), random, nu)
    verdict = majority_rule(votes, random)
    return float((np.sign(p - 0.5) == verdict)[verdict != 0].mean())


def maybe(votes: np.ndarray, rule: Rule = majority_rule, only: bool = False) -> Ceiling | NotEnough:
    for_a, for_b, ties = votes[:, 0], votes[:, 1], votes[:, 2]
    return ceiling(for_a, for_b, ties, rng(1), rule=rule, decided_only=only, replicates=60)


def found_in(votes: np.ndarray, rule: Rule = majority_rule, only: bool = False) -> Ceiling:
    found = maybe(votes, rule, only)
    assert isinstance(found, Ceiling), found
    return found


def beta(shape: float) -> Draw:
    return lambda random, n: random.beta(shape, shape, n)


def logit_normal(random: np.random.Generator, n: int) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-1.5 * random.standard_normal(n))))


def two_points(random: np.random.Generator, n: int) -> np.ndarray:
    return np.where(random.random(n) < 0.5, 0.16, 0.84)


@pytest.mark.parametrize("shape", [0.6, 2.0])
@pytest.mark.parametrize("nu", [0.0, 0.8])
def test_it_is_recovered_within_two_points_whatever_the_overlap(shape: float, nu: float) -> None:
    random = rng(11, str(shape), str(nu))
    sizes = random.choice([1, 2, 3, 5], size=5000, p=[0.1, 0.3, 0.5, 0.1])
    _, votes = simulate(beta(shape), sizes, random, nu)
    found = found_in(votes)
    expected = truth(beta(shape), sizes, nu)
    assert found.accuracy.estimate == pytest.approx(expected, abs=0.02)
    assert found.accuracy.low - 0.01 < expected < found.accuracy.high + 0.01


def test_it_is_near_where_difficulty_has_another_shape_than_the_family() -> None:
    sizes = np.full(5000, 3)
    _, votes = simulate(logit_normal, sizes, rng(12))
    found = found_in(votes)
    assert found.accuracy.estimate == pytest.approx(truth(logit_normal, sizes), abs=0.03)


def test_with_five_judgments_equal_difficulty_is_told_from_varying() -> None:
    sizes = np.full(5000, 5)
    _, votes = simulate(two_points, sizes, rng(13))
    found = found_in(votes)
    # Majority of five at 0.84 each: 0.84^5 + 5 * 0.84^4 * 0.16 + 10 * 0.84^3 * 0.16^2 = 0.96824.
    assert found.accuracy.estimate == pytest.approx(0.96824, abs=0.01)
    assert found.if_equally_hard == pytest.approx(0.96824, abs=0.01)
    assert not found.difficulty.symmetric


def test_with_three_judgments_the_other_extreme_stands_beside_it() -> None:
    _, votes = simulate(two_points, np.full(5000, 3), rng(14))
    found = found_in(votes)
    # Majority of three at 0.84: 0.84^3 + 3 * 0.84^2 * 0.16 = 0.93139, which the votes cannot tell.
    assert found.accuracy.high < 0.93139
    assert found.if_equally_hard == pytest.approx(0.93139, abs=0.01)


def test_pairs_that_a_majority_decided_are_enough_from_three_judgments_on() -> None:
    random = rng(15)
    sizes = random.choice([1, 2, 3], size=8000, p=[0.2, 0.3, 0.5])
    _, votes = simulate(beta(1.0), sizes, random, 0.8)
    decided = votes[majority_rule(votes, random) != 0]
    found = found_in(decided, only=True)
    assert found.accuracy.estimate == pytest.approx(truth(beta(1.0), sizes, 0.8), abs=0.02)
    pairs = np.array([[2, 0, 0], [0, 2, 0]] * 50)
    assert isinstance(maybe(pairs, only=True), NotEnough)


def test_equal_difficulty_and_single_labels_give_the_closed_form(shared_reference: Path) -> None:
    text = (shared_reference / "rlhf_closed_forms.json").read_text()
    for case in json.loads(text)["noise_ceiling"]["values"]:
        agreement, expected = case["pair_agreement"], case["max_rm_accuracy_on_single_labels"]
        assert closed_form(agreement) == pytest.approx(expected, abs=1e-12)
        assert 1 - closed_form(agreement) == pytest.approx(case["label_error"], abs=1e-12)
        # Chance is 1/2 where two labels are level: kappa = (a - 1/2) / (1/2).
        assert 2 * agreement - 1 == pytest.approx(case["kappa_balanced_binary"])
        world = equally_hard(agreement)
        ones = np.array([1])
        accuracy, labelled = ceiling_of(world, ones, ones, single_label, rng(1))
        assert accuracy == pytest.approx(expected, abs=0.004)
        assert labelled == 1


def test_where_difficulty_varies_the_closed_form_is_off_in_both_directions() -> None:
    random = rng(16)
    _, votes = simulate(beta(0.6), np.full(5000, 3), random)
    single = found_in(votes, single_label)
    assert single.accuracy.high < single.closed_form < found_in(votes).accuracy.low


def test_which_side_is_called_a_does_not_matter() -> None:
    _, votes = simulate(beta(1.0), np.full(500, 3), rng(17))
    flip = rng(18).random(500) < 0.5
    flipped = np.where(flip[:, None], votes[:, [1, 0, 2]], votes)
    assert found_in(votes) == found_in(flipped[rng(19).permutation(500)])


def test_unanimous_people_leave_nothing_to_disagree_with() -> None:
    found = found_in(np.array([[3, 0, 0], [0, 3, 0]] * 100))
    assert found.accuracy.estimate > 0.99
    assert found.agreement > 0.98


def test_people_who_toss_coins_leave_nothing_to_learn() -> None:
    for_a = rng(20).binomial(4, 0.5, 3000)
    votes = np.stack([for_a, 4 - for_a, 0 * for_a], axis=1)
    assert found_in(votes).accuracy.estimate < 0.6


def test_one_judgment_each_ties_alone_or_nothing_is_not_enough() -> None:
    for votes in ([[1, 0, 0]] * 100, [[0, 0, 3]] * 100, [[2, 1, 0]] * 5, []):
        rows = np.array(votes, dtype=int).reshape(-1, 3)
        assert isinstance(maybe(rows), NotEnough)


def test_counts_that_are_none_are_refused() -> None:
    with pytest.raises(BadInput, match="negative"):
        ceiling([-1], [2], [0], rng(1))
    with pytest.raises(BadInput, match="length"):
        ceiling([1, 2], [2], [0], rng(1))
    with pytest.raises(BadInput, match="agreement"):
        closed_form(1.2)
