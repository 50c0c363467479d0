"""Posteriors of rates, and who is let through."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from prefloop.core.errors import BadInput
from prefloop.stats.reliability import anchor_rule, rate_posterior


def test_one_error_in_two_under_a_uniform_prior() -> None:
    # Beta(2, 2): mean 1/2; P(rate > 1/4) = 1 - (3/16 - 2/64) = 1 - 0.15625.
    found = rate_posterior(1, 2, 0.25)
    assert found.rate.estimate == 0.5
    assert found.raw == 0.5
    assert found.above == pytest.approx(0.84375)
    assert found.below == pytest.approx(0.15625)


def test_without_trials_the_prior_speaks() -> None:
    found = rate_posterior(0, 0, 0.25)
    assert (found.raw, found.rate.n) == (None, 0)
    assert found.above == pytest.approx(0.75)


@given(st.integers(0, 100), st.integers(0, 100), st.floats(0.01, 0.99))
def test_events_and_their_absence_mirror(events: int, others: int, threshold: float) -> None:
    one = rate_posterior(events, events + others, threshold)
    two = rate_posterior(others, events + others, 1 - threshold)
    assert one.above == pytest.approx(two.below, abs=1e-12)
    assert one.above + one.below == pytest.approx(1)
    assert one.rate.low < one.rate.estimate < one.rate.high


def test_the_rule_excludes_keeps_or_asks_for_more() -> None:
    # Of 20 anchors: 6 wrong (30 %) is no proof that the rate exceeds 25 %, 10 wrong is.
    assert anchor_rule(6, 20) == "more anchors"
    assert anchor_rule(10, 20) == "exclude"
    assert anchor_rule(1, 20) == "keep"
    assert anchor_rule(0, 0) == "more anchors"


def test_a_truly_good_annotator_is_hardly_ever_excluded() -> None:
    # By the raw rate (over 25 % of 20) an 85 % accurate annotator fails in 7 % of cases.
    by_raw = stats.binom.sf(5, 20, 0.15)
    by_rule = sum(
        float(stats.binom.pmf(wrong, 20, 0.15))
        for wrong in range(21)
        if anchor_rule(wrong, 20) == "exclude"
    )
    assert by_raw == pytest.approx(0.067, abs=0.001)
    assert by_rule < 0.002


def test_impossible_counts_and_thresholds_are_refused() -> None:
    for case in [(3, 2, 0.5), (-1, 2, 0.5), (1, 2, 0.0), (1, 2, 1.0)]:
        with pytest.raises(BadInput):
            rate_posterior(*case)
    with pytest.raises(BadInput, match="prior"):
        rate_posterior(1, 2, 0.5, prior=(0.0, 1.0))
    with pytest.raises(BadInput, match="certainty"):
        anchor_rule(1, 2, certainty=0.4)
