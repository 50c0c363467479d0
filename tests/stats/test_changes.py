"""Charts that notice when somebody's error rate rises."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prefloop.core.digest import rng
from prefloop.core.errors import BadInput
from prefloop.stats import NotEnough
from prefloop.stats.changes import (
    Chart,
    Signal,
    known_truth,
    one_peer,
    plan_chart,
    two_peers,
    watch,
)

TRUTH = known_truth(0.15, 0.30)
HORIZON = 300
BOTH = known_truth(0.15, 0.30, share=0.5), one_peer(0.15, 0.30, 0.15, share=0.5)


def planned(*signals: Signal, horizon: int = HORIZON) -> Chart:
    found = plan_chart(signals, horizon)
    assert isinstance(found, Chart), found
    return found


def judged_by(
    chart: Chart, people: int, judgments: int, rate: str, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows in order of time, everybody in turn; each check falls to its signal by its share."""
    n = people * judgments
    shares = np.array([signal.share for signal in chart.signals])
    which = np.searchsorted(np.cumsum(shares), random.random(n), side="right")
    which = np.where(which < len(shares), which, -1)
    rates = np.array([*(getattr(signal, rate) for signal in chart.signals), 0.0])
    events = (random.random(n) < rates[which]).astype(int)
    return np.tile(np.arange(people), judgments), which, events


def test_a_doubled_error_rate_is_found_in_time_by_each_signal() -> None:
    # Of 300 judgments; the ranges are those one expects of each signal.
    truth, peer = planned(TRUTH), planned(one_peer(0.15, 0.30, 0.15))
    rare = planned(known_truth(0.15, 0.30, share=0.1))
    assert all(chart.false_alarm <= 0.05 for chart in (truth, peer, rare))
    assert 50 <= truth.median_delay <= 70
    assert truth.detected >= 0.95
    assert 90 <= peer.median_delay <= 150
    assert 200 <= rare.median_delay <= 400


def test_all_signals_together_are_found_sooner_than_one_peer_or_rare_gold_alone() -> None:
    together = planned(known_truth(0.15, 0.30, share=0.1), one_peer(0.15, 0.30, 0.15, share=0.9))
    assert together.detected >= 0.95
    assert together.median_delay < planned(one_peer(0.15, 0.30, 0.15)).median_delay
    assert together.median_delay < planned(known_truth(0.15, 0.30, share=0.1)).median_delay


def test_the_rates_of_peers_by_hand() -> None:
    # One wrong, the other right: .15 * .85 * 2 = .255; after .3 * .85 + .7 * .15 = .36.
    one = one_peer(0.15, 0.30, 0.15)
    assert (one.before, one.after) == pytest.approx((0.255, 0.36))
    # Two peers agree in .7225 + .0225 = .745; they are then wrong in .0225 / .745 = .0302.
    # .15 * .9698 + .85 * .0302 = .1711.
    two = two_peers(0.15, 0.30, 0.15)
    assert (two.before, two.share) == pytest.approx((0.17114, 0.745), abs=1e-5)


def test_the_promises_are_kept_in_simulation() -> None:
    chart = planned(known_truth(0.15, 0.30, share=0.1), one_peer(0.15, 0.30, 0.15, share=0.9))
    people = 4000
    calm = watch(*judged_by(chart, people, HORIZON, "before", rng(11)), chart)
    # Four standard errors: sqrt(.05 * .95 / 4000) = .0034, sqrt(.97 * .03 / 4000) = .0027.
    assert len(calm) / people == pytest.approx(chart.false_alarm, abs=0.014)
    changed = watch(*judged_by(chart, people, HORIZON, "after", rng(12)), chart)
    assert len(changed) / people == pytest.approx(chart.detected, abs=0.011)
    delays = np.sort([change.judgments for change in changed])
    # The median's standard error is near 1 judgment here; those not found are slowest of all.
    assert delays[people // 2] == pytest.approx(chart.median_delay, abs=5)


def test_a_lattice_small_enough_to_follow_by_hand() -> None:
    # Rates 1/3 -> 2/3 step by log 2 = 69 hundredths down and up. With one judgment only the
    # event, 1/3, raises the chart to 69: a threshold above it never alarms, so 70 is the lowest
    # that keeps 5 %. Over two judgments both events, 1/9 > 5 %, reach 138: the lowest is 139.
    one = planned(known_truth(1 / 3, 2 / 3), horizon=1)
    assert (one.steps, one.threshold, one.false_alarm) == (((-69, 69),), 70, 0.0)
    assert planned(known_truth(1 / 3, 2 / 3), horizon=2).threshold == 139


def test_an_alarm_says_when_it_began_and_on_what_it_rests() -> None:
    chart = planned(TRUTH)
    assert chart.steps == ((-19, 69),)  # log(.7/.85) = -.194, log 2 = .693
    # Threshold 551 = 7.99 * 69: eight errors on end are needed from zero.
    assert chart.threshold == 551
    events = [0, 0, 1, 0, 0, 0, 0, *[1] * 8, 0]
    # Row 2 lifts the chart to 69; rows 3-6 take it back to zero; rows 7-14 raise the alarm.
    (found,) = watch([5] * len(events), [0] * len(events), events, chart)
    assert (found.annotator, found.row, found.since) == (5, 14, 7)
    assert (found.judgments, found.checked, found.events) == (15, 8, 8)


def test_judgments_without_a_check_change_nothing_but_the_count() -> None:
    chart = planned(TRUTH)
    (found,) = watch([1] * 16, [0, -1] * 8, [1, 0] * 8, chart)
    assert (found.row, found.judgments, found.checked, found.events) == (14, 15, 8, 8)


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(-1, 1), st.booleans()), max_size=120))
def test_all_annotators_at_once_equal_each_one_alone(rows: list[tuple[int, int, bool]]) -> None:
    chart = planned(*BOTH, horizon=5)
    who, which, events = (np.array([row[k] for row in rows], dtype=int) for k in range(3))
    expected: list[tuple[int, int]] = []
    for person in range(5):
        level = 0
        for row in np.flatnonzero(who == person):
            step = 0 if which[row] < 0 else chart.steps[which[row]][events[row]]
            level = max(0, level + step)
            if level >= chart.threshold:
                expected.append((int(row), person))
                break
    found = watch(who, which, events, chart)
    assert [(change.row, change.annotator) for change in found] == sorted(expected)


def test_nobody_no_difference_and_no_possible_threshold() -> None:
    assert watch([], [], [], planned(TRUTH)) == ()
    assert isinstance(plan_chart((known_truth(0.15, 0.1501),), 100), NotEnough)


def test_settings_and_columns_without_meaning_are_refused() -> None:
    for signals in ((), (known_truth(0.3, 0.15),), (TRUTH, TRUTH), (known_truth(0, 0.3),)):
        with pytest.raises(BadInput):
            plan_chart(signals, 100)
    with pytest.raises(BadInput, match="horizon"):
        plan_chart((TRUTH,), 0)
    with pytest.raises(BadInput, match="signal"):
        watch([1], [1], [0], planned(TRUTH))
    with pytest.raises(BadInput, match="events"):
        watch([1], [0], [2], planned(TRUTH))
