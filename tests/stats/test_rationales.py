"""Whose rationales move away from the agreed standard."""

import numpy as np
import pytest

from prefloop.core.digest import rng
from prefloop.core.errors import BadInput
from prefloop.core.records import Estimate
from prefloop.stats import NotEnough
from prefloop.stats.rationales import Moved, by_week, moved
from prefloop.text.standard import distances

CRITERIA = "accurate policy correct states answers question honest limits steps clear asks"
STYLE = "longer format bullet friendly nicer tone emoji heading polished warm bold list"
FILLERS = "the first one is because it and but second this with more than does not so"
TOPICS = [
    "refund order money card invoice",
    "parcel delivery carrier address late",
    "account login password email reset",
]


def rationale(random: np.random.Generator, topic: int, style: float) -> str:
    """Some twenty words: fillers, the topic's, and criteria or, by that share, style."""
    words = []
    for _ in range(int(random.integers(14, 26))):
        kind = random.random()
        pool = FILLERS if kind < 0.45 else TOPICS[topic] if kind < 0.6 else CRITERIA
        pool = STYLE if kind >= 0.6 and random.random() < style else pool
        choice = pool.split()
        words.append(choice[random.integers(len(choice))])
    return " ".join(words)


def crowd(seed: int, people: int, drifting: int, weeks: int = 10, each: int = 12) -> tuple:  # type: ignore[type-arg]
    """Distances of honest people of different style and topics by week, and of some, the first,
    whose share of style rises to .7."""
    random = rng(71, seed)
    own = random.beta(1.5, 12, people)
    rows, texts = [], []
    for person in range(people):
        for week in range(weeks):
            mix = random.dirichlet(np.ones(3))
            rise = 0.6 * max(0, week - 2) / (weeks - 3) * (person < drifting)
            wobble = float(random.normal(0, 0.03))
            for _ in range(each):
                topic = int(random.choice(3, p=mix))
                rows.append((person, week, topic))
                texts.append(
                    rationale(random, topic, float(np.clip(own[person] + rise + wobble, 0, 1)))
                )
    standard = [rationale(random, n % 3, 0.03) for n in range(90)]
    who, week, topic = np.array(rows).T
    return who, week, distances(texts, standard), topic


def test_drifting_annotators_are_found_and_honest_ones_hardly_ever_accused() -> None:
    found = accused = 0
    for seed in range(4):
        got = moved(*crowd(seed, people=20, drifting=2))
        assert isinstance(got, Moved)
        found += sum(code < 2 for code in got.alarms)
        accused += sum(code >= 2 for code in got.alarms)
    assert found >= 6  # of 8
    assert accused <= 2  # of 72


def test_where_all_move_together_nobody_stands_out_but_everybodys_gain_is_told() -> None:
    got = moved(*crowd(5, people=12, drifting=12))
    assert isinstance(got, Moved)
    assert len(got.alarms) <= 1
    assert isinstance(got.everybody, Estimate)
    assert got.everybody.low > 0


def test_a_slope_by_hand() -> None:
    # Two people, alternately; one at .4 throughout, the other's distance grows by .02 a week over
    # six weeks. Less the weeks' own means half of it is left: +.01 and -.01 a week, .05 in all.
    who, week = np.tile([1, 2], 60), np.repeat(np.arange(6), 20)
    distance = np.where(who == 1, 0.4, 0.4 + 0.02 * week)
    got = moved(who, week, distance)
    assert isinstance(got, Moved)
    assert got.change.tolist() == pytest.approx([-0.05, 0.05])
    assert (got.low < got.change).all()
    assert got.alarms == (2,)
    assert got.n.tolist() == [60, 60]
    # Everybody: 0 and .1, mean .05.
    assert isinstance(got.everybody, Estimate)
    assert got.everybody.estimate == pytest.approx(0.05)


def test_a_topic_that_is_far_from_the_standard_is_no_drift() -> None:
    # Both are at .3 on one topic and .7 on the other; one person gets ever more of the second.
    random = rng(72)
    who, week = np.tile([1, 2], 300), np.repeat(np.arange(10), 60)
    topic = (random.random(600) < np.where(who == 1, 0.5, week / 10)).astype(int)
    distance = np.where(topic == 1, 0.7, 0.3) + random.normal(0, 0.02, 600)
    blind, told = moved(who, week, distance), moved(who, week, distance, topic)
    assert isinstance(blind, Moved)
    assert isinstance(told, Moved)
    assert blind.alarms == (2,)
    assert told.alarms == ()


def test_means_by_annotator_and_week() -> None:
    found = by_week([2, 1, 1, 2, 1], [0, 1, 0, 0, 1], [0.5, 0.2, 0.4, 0.7, 0.4])
    assert [(w.annotator, w.week, w.distance.n) for w in found] == [(1, 0, 1), (1, 1, 2), (2, 0, 2)]
    assert [w.distance.estimate for w in found] == pytest.approx([0.4, 0.3, 0.6])
    assert by_week([], [], []) == ()


def test_too_little_is_not_enough_and_nonsense_refused() -> None:
    assert isinstance(moved([], [], []), NotEnough)
    assert isinstance(moved([1] * 10, list(range(10)), [0.5] * 10), NotEnough)
    # Thirty rationales over three weeks, but three people and too few weeks for each alone.
    who, week = np.repeat([1, 2, 3], 30), np.tile(np.repeat([0, 1, 2], 10), 3)
    assert isinstance(moved(who, week, rng(1).random(90)), NotEnough)
    some = moved(
        np.append(np.tile([1, 2], 60), 3), np.append(np.repeat(np.arange(6), 20), 0), [0.5] * 121
    )
    assert isinstance(some, Moved)
    assert set(some.missing) == {3}
    with pytest.raises(BadInput, match="between 0 and 1"):
        moved([1], [1], [1.5])
    with pytest.raises(BadInput, match="rate"):
        moved([1], [1], [0.5], rate=2.0)
