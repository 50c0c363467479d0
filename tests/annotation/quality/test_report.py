"""The report: every direction, one definition of a level vote, nothing across epochs."""

from dataclasses import replace

import numpy as np
import pytest
from tests.annotation.quality.conftest import row, said, work

from prefloop.annotation.labels import UNKNOWN, Labels
from prefloop.annotation.quality import report
from prefloop.annotation.quality.report import Section
from prefloop.annotation.quality.work import Followed
from prefloop.core.digest import rng
from prefloop.core.records import Estimate
from prefloop.gates.thresholds import AgreementGates
from prefloop.stats import NotEnough
from prefloop.stats.with_others import WithOthers

GATES = AgreementGates()


def pair(n: int, agree: bool, **more: object) -> dict[str, object]:
    """Two people on one comparison; a and b are right in turn."""
    one = "ab"[n % 2]
    other = one if agree else "ba"[n % 2]
    return row(
        f"{n:04}", said("ann", one, **more), said("ben", other, **more), topic="xy"[n % 4 > 1]
    )


def section(rows: list[dict[str, object]], **more: object) -> Section:
    (found,) = report(work(rows, **more), GATES, 0).sections  # type: ignore[arg-type]
    return found


def test_agreement_by_hand_in_every_direction() -> None:
    # 90 of 100 agree, both say a and b half of the time: kappa 2 * .9 - 1 = .8 for everybody.
    found = section([pair(n, n % 10 != 0) for n in range(100)])
    for kappa in (found.overall.kappa, found.pairs[0].kappa):
        assert isinstance(kappa, Estimate)
        assert kappa.estimate == pytest.approx(0.8, abs=0.01)
    assert isinstance(found.overall.percent, Estimate)
    assert found.overall.percent.estimate == pytest.approx(0.9)
    assert (found.pairs[0].first, found.pairs[0].second) == ("ann", "ben")
    assert list(found.annotators) == ["ann", "ben"]
    beside = found.annotators["ann"]
    assert isinstance(beside, WithOthers)
    assert beside.percent.estimate == pytest.approx(0.9)
    assert {name: one.overlapping for name, one in found.topics.items()} == {"x": 50, "y": 50}
    assert found.target.verdict == "pass"
    assert found.versions == {}
    assert found.weeks == []  # nobody knows when


def test_a_vote_is_level_as_in_aggregation_and_ties_alone_are_not() -> None:
    rows = [
        row("1", said("ann", "a"), said("ben", "b")),  # level
        row("2", said("ann", "tie"), said("ben", "tie")),  # a tie, agreed on
        row("3", said("ann", "a"), said("ben", "a")),
        row("4", said("ann", "a"), said("ben", "b"), said("cy", "tie")),  # level: ties do not lead
        row("5", said("ann", "a")),  # judged once
    ]
    found = section(rows).overall.split
    assert isinstance(found, Estimate)
    assert (found.estimate, found.n) == (0.5, 4)


def test_a_dimension_with_a_right_answer_has_the_higher_target() -> None:
    rows = [
        row(str(n), *(said(who, "a", dimensions={"true": "ab"[n % 2]}) for who in ("ann", "ben")))
        for n in range(30)
    ]
    specs = {"s1": Followed("spec/x@v1", 1, frozenset({"true"}))}
    found = section(rows, dimensions=("true", "nice"), specs=specs).dimensions
    assert (found["true"].target, found["true"].objective) == (0.7, True)
    assert (found["nice"].target, found["nice"].objective) == (0.6, False)
    assert found["nice"].reached == "not enough data"


def test_across_a_breaking_change_nothing_is_pooled() -> None:
    # Under the first specification they disagree on everything, under the second on nothing.
    old = [pair(n, False, spec="s1") for n in range(40)]
    new = [pair(n, True, spec="s2") for n in range(100, 140)]
    specs = {"s1": Followed("spec/x@v1", 1), "s2": Followed("spec/x@v2", 2)}
    found = report(work([*old, *new], specs=specs), GATES, 0)
    assert [one.epoch for one in found.sections] == [1, 2]
    raw = [one.overall.percent for one in found.sections]
    assert [one.estimate for one in raw if isinstance(one, Estimate)] == [0, 1]
    assert [one["specifications"] for one in found.json()["sections"]] == [
        ["spec/x@v1"], ["spec/x@v2"]
    ]  # fmt: skip


def test_versions_that_stay_comparable_are_pooled_and_shown_beside() -> None:
    rows = [pair(n, n >= 20, spec="s1" if n < 40 else "s2") for n in range(80)]
    specs = {"s1": Followed("spec/x@v1", 1), "s2": Followed("spec/x@v2", 1)}
    found = section(rows, specs=specs)
    assert found.overall.overlapping == 80
    shares = {name: one.percent for name, one in found.versions.items()}
    assert {n: s.estimate for n, s in shares.items() if isinstance(s, Estimate)} == {
        "spec/x@v1": 0.5,
        "spec/x@v2": 1.0,
    }


def test_a_comparison_judged_under_two_epochs_counts_in_neither_pair() -> None:
    rows = [row("1", said("ann", "a", spec="s1"), said("ben", "b", spec="s2"))]
    specs = {"s1": Followed("v1", 1), "s2": Followed("v2", 2)}
    found = report(work(rows, specs=specs), GATES, 0)
    assert [one.overall.overlapping for one in found.sections] == [0, 0]


def test_a_scale_of_a_hundred_and_one_numbers_has_its_agreement_and_no_model_of_errors() -> None:
    random = rng(1)
    item, who = np.repeat(np.arange(300), 3), np.tile(np.arange(3), 300)
    near = random.normal(50, 20, 300)[item] + random.normal(0, 5, 900)
    scores = Labels(
        [str(n) for n in range(300)],
        ["ann", "ben", "cy"],
        tuple(str(n) for n in range(101)),
        "interval",
        item,
        who,
        np.clip(near, 0, 100).astype(np.int64),
        np.full(900, -1),
        np.zeros(900, dtype=np.int64),
        np.zeros(900, dtype=np.int64),
        [""] * 300,
        np.full(300, UNKNOWN),
    )
    found = report(replace(work([]), rows=None, labels=scores), GATES, 0).sections[0]
    assert isinstance(found.overall.alpha, Estimate)
    assert found.overall.alpha.low > 0.9
    assert len(found.pairs) == 3
    assert isinstance(found.truth.gold, NotEnough)
    assert "scale" in found.truth.gold.reason


def test_one_judgment_each_and_no_names_is_not_enough_and_says_so() -> None:
    found = section([row(str(n), said("ann", "a")) for n in range(5)])
    assert isinstance(found.overall.kappa, NotEnough)
    assert isinstance(found.annotators["ann"], NotEnough)
    assert found.pairs == []
    assert any("not enough data" in line for line in found.lines())
