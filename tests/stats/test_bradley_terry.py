"""Strengths, against published tables."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prefloop.core.digest import rng
from prefloop.core.errors import BadInput
from prefloop.stats import NotEnough
from prefloop.stats.bradley_terry import BradleyTerry, bradley_terry


def known(*given_: Any, **how: Any) -> BradleyTerry:
    found = bradley_terry(*given_, **how)
    assert isinstance(found, BradleyTerry), found
    return found


def wins(matrix: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    counts = np.array(matrix)
    winner, loser = np.nonzero(counts)
    return winner, loser, np.ones(len(winner), dtype=int), counts[winner, loser]


@pytest.fixture(scope="module")
def published(shared_reference: Path) -> Any:
    return json.loads((shared_reference / "bradley_terry.json").read_text())


def baseball(case: Any) -> tuple[list[int], list[int], list[int], list[int]]:
    teams, rows = case["teams"], case["rows"]
    home = [teams.index(row["home"]) for row in rows]
    away = [teams.index(row["away"]) for row in rows]
    scores = [row["home_wins"] for row in rows] + [row["away_wins"] for row in rows]
    return home * 2, away * 2, [1] * len(rows) + [-1] * len(rows), scores


def test_agrestis_baseball_teams_with_their_standard_errors(published: Any) -> None:
    case = published["agresti_baseball_1987"]
    for got in (known(*baseball(case)), known(*wins(case["wins_matrix"]))):
        found = [got.difference(team, 6) for team in range(6)]
        expected = list(case["log_ability_vs_Baltimore"].values())
        assert [value for value, _ in found] == pytest.approx(expected, abs=1e-6)
        assert [value for value, _ in found] == pytest.approx(case["published_2dp"], abs=0.006)
        assert [error for _, error in found] == pytest.approx(case["se"], abs=1e-6)
        assert got.log_tie is got.advantage is None


def test_the_home_advantage_of_agresti(published: Any) -> None:
    case = published["agresti_baseball_1987"]
    got = known(*baseball(case), advantage=True)
    home = case["home_advantage"]
    assert got.advantage == pytest.approx(home["at_home"], abs=1e-6)
    assert got.advantage == pytest.approx(home["published_at_home"], abs=6e-4)
    share = np.exp(got.strength) / np.exp(got.strength).sum()
    assert share.tolist() == pytest.approx(list(home["abilities_sum1"].values()), abs=1e-6)
    assert share.tolist() == pytest.approx(home["published"], abs=6e-4)


def test_the_deviances_of_agresti(published: Any) -> None:
    # Deviance: twice the log-likelihood of each row's own share above the model's.
    case = published["agresti_baseball_1987"]
    home, away = (
        np.array([row[side] for row in case["rows"]], dtype=float)
        for side in ("home_wins", "away_wins")
    )
    both = np.stack([home, away])
    own = float((both * np.log(np.maximum(both / both.sum(0), 1e-300))).sum())
    for advantage, expected in zip([False, True], case["deviance"], strict=True):
        got = known(*baseball(case), advantage=advantage)
        assert 2 * (own - got.log_likelihood) == pytest.approx(expected, abs=1e-3)


def test_the_wikipedia_example(published: Any) -> None:
    case = published["wikipedia_4"]
    got = known(*wins(case["wins"]))
    share = np.exp(got.strength) / np.exp(got.strength).sum()
    assert share.tolist() == pytest.approx(case["p_full"], abs=1e-7)
    assert share.tolist() == pytest.approx(case["p_sum1"], abs=6e-4)


def test_two_players_have_the_log_odds_of_their_wins() -> None:
    # 3 wins to 1: log 3, standard error sqrt(1/3 + 1).
    got = known([0, 0, 0, 0], [1, 1, 1, 1], [1, 1, 1, -1])
    assert got.difference(0, 1) == pytest.approx((np.log(3), np.sqrt(4 / 3)))


def test_ties_between_equals_follow_davidson() -> None:
    # Equal strength: P(tie) = nu / (2 + nu); half of the games tied gives nu = 2.
    got = known([0] * 4, [1] * 4, [1, -1, 0, 0])
    assert got.strength.tolist() == pytest.approx([0, 0])
    assert got.log_tie == pytest.approx(np.log(2))


def test_a_known_world_with_ties_and_advantage_is_recovered() -> None:
    random = rng(1)
    strength = np.array([0.8, 0.1, -0.2, -0.7])
    first = random.integers(0, 4, 40_000)
    second = (first + random.integers(1, 4, 40_000)) % 4
    u = strength[first] - strength[second] + 0.3
    ratio = np.stack([np.exp(u / 2), np.exp(-u / 2), np.full(40_000, 0.6)])
    at = random.random(40_000) * ratio.sum(0)
    said = np.where(at < ratio[0], 1, np.where(at < ratio[0] + ratio[1], -1, 0))
    got = known(first, second, said, advantage=True)
    assert got.strength.tolist() == pytest.approx(strength.tolist(), abs=0.05)
    assert got.advantage == pytest.approx(0.3, abs=0.05)
    assert got.log_tie == pytest.approx(np.log(0.6), abs=0.05)


games = st.lists(
    st.tuples(st.integers(0, 3), st.integers(1, 3), st.sampled_from([1, -1, 0])),
    min_size=1,
    max_size=60,
)


@settings(max_examples=50)
@given(games)
def test_swapping_the_two_sides_of_every_game_changes_nothing(
    rows: list[tuple[int, int, int]],
) -> None:
    first, step, said = np.array(rows).T
    second = (first + step) % 4
    one, two = bradley_terry(first, second, said), bradley_terry(second, first, -said)
    if isinstance(one, NotEnough):
        assert isinstance(two, NotEnough)
        return
    assert isinstance(two, BradleyTerry)
    np.testing.assert_allclose(one.strength, two.strength, atol=1e-6)
    assert one.strength.sum() == pytest.approx(0, abs=1e-9)


def test_players_who_never_lost_or_never_met_have_no_strength() -> None:
    assert isinstance(bradley_terry([], [], []), NotEnough)
    assert isinstance(bradley_terry([0, 0], [1, 1], [1, 1]), NotEnough)
    apart = bradley_terry([0, 0, 2, 2], [1, 1, 3, 3], [1, -1, 1, -1])
    assert isinstance(apart, NotEnough)
    # 0 beat 1 and tied with 3, who tied with 1: with nu ahead of them all strengths run away.
    assert isinstance(bradley_terry([0, 0, 3], [1, 3, 1], [1, 0, 0]), NotEnough)


def test_ties_alone_say_nothing_of_strength() -> None:
    found = bradley_terry([1, 1, 2], [2, 2, 1], [0, 0, 0])
    assert isinstance(found, NotEnough)
    assert "decided" in found.reason


def test_weights_that_cannot_be_summed_are_refused() -> None:
    for weights in ([1e308, 1e308], [-1.0, 1.0]):
        with pytest.raises(BadInput, match="weight"):
            bradley_terry([0, 0], [1, 1], [1, -1], weights)
    heavy = bradley_terry([0, 0], [1, 1], [1, -1], [1e99, 1e99])
    assert isinstance(heavy, BradleyTerry)
    assert heavy.strength.tolist() == pytest.approx([0, 0])


def test_games_that_are_none_are_refused() -> None:
    with pytest.raises(BadInput, match="itself"):
        bradley_terry([0], [0], [1])
    with pytest.raises(BadInput, match="verdicts"):
        bradley_terry([0], [1], [2])
    with pytest.raises(BadInput, match="no comparison"):
        known([0, 0], [1, 1], [1, -1]).difference(0, 9)
