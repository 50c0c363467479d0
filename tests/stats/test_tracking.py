"""Each annotator's error rate over time."""

import numpy as np
import pytest

from prefloop.core.digest import rng
from prefloop.core.errors import BadInput
from prefloop.stats import NotEnough
from prefloop.stats.checks import GOLD, NONE, PEERS
from prefloop.stats.tracking import Track, track

PEOPLE, SETTLE, AHEAD = 120, 100, 300


def crowd(
    seed: int, *, gold: float, change: float, spread: float = 0.25, peer: float = 0.15
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Everybody in turn, errs in .15 give or take; odds of an error times `change` after 100.
    Checks are gold in a share of judgments, else one peer."""
    random = rng(61, seed)
    usual = np.log(0.15 / 0.85) + spread * random.standard_normal(PEOPLE)
    who, at = (
        np.tile(np.arange(PEOPLE), SETTLE + AHEAD),
        np.repeat(np.arange(SETTLE + AHEAD), PEOPLE),
    )
    odds = np.exp(usual[who]) * np.where(at >= SETTLE, change, 1.0)
    wrong = random.random(len(who)) < odds / (1 + odds)
    known = random.random(len(who)) < gold
    noise = np.where(known, 0.0, peer)
    events = wrong ^ (random.random(len(who)) < noise)
    return who, np.where(known, GOLD, PEERS), events.astype(int), noise


def followed(seed: int, **how: float) -> list[Track]:
    found = track(*crowd(seed, **how), rng(62, seed))
    assert all(isinstance(one, Track) for one in found.values())
    return [one for one in found.values() if isinstance(one, Track)]


def test_few_of_a_calm_crowd_are_accused_though_everybodys_usual_rate_is_learned() -> None:
    calm = [one for seed in range(2) for one in followed(seed, gold=0.3, change=1.0)]
    # 5 % promised; 240 people know it to 1.4 points, and two of those are allowed.
    assert np.mean([one.direction == "worse" for one in calm]) <= 0.05 + 0.03
    assert np.mean([one.direction == "better" for one in calm]) <= 0.05 + 0.03


def test_most_of_those_whose_odds_rise_as_from_15_to_30_percent_are_found_and_dated() -> None:
    changed = followed(3, gold=0.3, change=2.43)
    found = [one for one in changed if one.worse.alarm is not None]
    assert len(found) / PEOPLE >= 0.75  # in simulation 0.85
    began = np.median([np.searchsorted(one.rows, one.worse.since or 0) for one in found])
    assert SETTLE - 40 <= began <= SETTLE + 80
    assert np.median([one.worse.events / one.worse.checked for one in found]) > 0.25


def test_an_improvement_is_no_alarm_of_the_other_kind() -> None:
    better = followed(4, gold=1.0, change=0.3)
    assert np.mean([one.worse.alarm is not None for one in better]) <= 0.03
    assert np.mean([one.direction == "better" for one in better]) >= 0.5


def test_the_usual_rate_is_drawn_to_what_people_here_are_like() -> None:
    found = followed(5, gold=1.0, change=1.0, spread=0.5)
    rates = np.array([one.usual.estimate for one in found])
    assert rates.mean() == pytest.approx(0.16, abs=0.02)
    assert all(one.usual.low <= one.usual.estimate <= one.usual.high for one in found)
    assert all(one.usual.n == one.settled == SETTLE for one in found)


def test_the_chart_by_hand() -> None:
    # One annotator, gold alone: 20 errors in 100, then only errors. The usual rate e is learned;
    # each error after adds log(e1 / e), with odds times 17/7.
    events = [1, 0, 0, 0, 0] * 20 + [1] * 30
    (one,) = track([7] * 130, [GOLD] * 130, events, [0.0] * 130, rng(1), horizon=30).values()
    assert isinstance(one, Track)
    e = one.usual.estimate
    assert e == pytest.approx(0.2, abs=0.02)
    odds = e / (1 - e) * (0.3 / 0.7) / (0.15 / 0.85)
    step = np.log(odds / (1 + odds) / e)
    np.testing.assert_allclose(one.worse.levels[100:], step * np.arange(1, 31))
    assert (one.worse.levels[:100] == 0).all()
    first = int(np.ceil(one.worse.limit / step))
    assert (one.worse.alarm, one.worse.since) == (99 + first, 100)
    assert (one.worse.checked, one.worse.events) == (first, first)
    assert one.worse.p < 1e-3


def test_unchecked_judgments_leave_the_chart_where_it_was() -> None:
    events = [1, 0, 0, 0, 0] * 20 + [1, 1, 0, 1]
    kinds = [GOLD] * 100 + [GOLD, NONE, NONE, GOLD]
    (one,) = track([7] * 104, kinds, events, [0.0] * 104, rng(1)).values()
    assert isinstance(one, Track)
    levels = one.worse.levels[100:]
    assert levels[0] == levels[1] == levels[2] == pytest.approx(levels[3] / 2)


def test_another_order_of_people_and_other_names_change_nothing_but_the_rows() -> None:
    who, kinds, events, noise = crowd(6, gold=0.3, change=2.43)
    order = np.argsort(who, kind="stable")
    one = track(who, kinds, events, noise, rng(1))
    other = track(who[order] + 9, kinds[order], events[order], noise[order], rng(1))
    for code, found in one.items():
        same = other[code + 9]
        assert isinstance(found, Track)
        assert isinstance(same, Track)
        np.testing.assert_array_equal(found.rows, order[same.rows])
        np.testing.assert_allclose(found.worse.levels, same.worse.levels)
        assert found.worse.limit == same.worse.limit


Four = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def mixed(seed: int) -> tuple[Four, np.ndarray]:
    """Topic 0 is a twentieth of the work, later two fifths; of 60 people the first 12 take the
    other side on it, and the last 12 err more from 160 on."""
    random, people = rng(63, seed), 60
    n = 400 * people
    who, at = np.tile(np.arange(people), 400), np.arange(n) // people
    about = np.where(random.random(n) < np.where(at < 140, 0.05, 0.4), 0, random.integers(1, 5, n))
    odds = 0.15 / 0.85 * np.where((who >= 48) & (at >= 160), 3.5, 1.0)
    wrong = random.random(n) < odds / (1 + odds)
    events = (wrong ^ ((who < 12) & (about == 0))).astype(int)
    return (who, np.full(n, GOLD), events, np.zeros(n)), about


def accused(found: dict[int, Track | NotEnough], people: range) -> int:
    return sum(isinstance(one := found[who], Track) and one.direction == "worse" for who in people)


def test_more_of_a_topic_on_which_some_think_otherwise_is_no_change() -> None:
    columns, about = mixed(0)
    without = track(*columns, rng(1))
    assert accused(without, range(12)) >= 11  # what the topics are for
    found = track(*columns, rng(1), topics=about)
    assert accused(found, range(12)) <= 2
    assert accused(found, range(12, 48)) <= 4
    assert accused(found, range(48, 60)) >= 10  # and a change is still found


def test_a_single_topic_and_one_too_rare_to_learn_from_change_nothing() -> None:
    columns = crowd(7, gold=0.3, change=2.43)
    rare = np.where(np.arange(len(columns[0])) % 97 == 0, 3, 8)  # about four of each person's 400
    plain = track(*columns, rng(1))
    for topics in (np.full(len(rare), 5), np.where(rare == 3, 8, rare)):
        same = track(*columns, rng(1), topics=topics)
        for code, one in plain.items():
            other = same[code]
            assert isinstance(one, Track)
            assert isinstance(other, Track)
            assert one.worse.limit == other.worse.limit
    seldom = track(*columns, rng(1), topics=rare)
    assert accused(seldom, range(PEOPLE)) >= 0.75 * PEOPLE


def test_few_judgments_few_checks_and_nobody() -> None:
    assert track([], [], [], [], rng(1)) == {}
    short = track([1] * 50, [GOLD] * 50, [0] * 50, [0.0] * 50, rng(1))
    assert isinstance(short[1], NotEnough)
    bare = track([1] * 500, [NONE] * 500, [0] * 500, [0.5] * 500, rng(1))
    assert isinstance(bare[1], NotEnough)
    assert "0 of them checked" in bare[1].reason


def test_columns_and_settings_without_meaning_are_refused() -> None:
    for kinds, events, noise in (
        ([5], [0], [0.0]),
        ([GOLD], [2], [0.0]),
        ([GOLD], [0], [1.5]),
        ([GOLD], [0], [float("nan")]),
        ([GOLD, GOLD], [0], [0.0]),
    ):
        with pytest.raises(BadInput):
            track([1], kinds, events, noise, rng(1))
    with pytest.raises(BadInput, match="topics 2"):
        track([1], [GOLD], [0], [0.0], rng(1), topics=[0, 1])
    with pytest.raises(BadInput, match="rise"):
        track([1], [GOLD], [0], [0.0], rng(1), rise=1.0)
