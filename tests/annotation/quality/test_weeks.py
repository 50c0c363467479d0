"""Weeks, targets and escalation, by hand."""

from typing import Any

import numpy as np
import pytest
from tests.annotation.quality.conftest import DAY, MONDAY, WEEK, row, said

from prefloop.annotation.labels import of_rows
from prefloop.annotation.quality.agreement import Agreement
from prefloop.annotation.quality.weeks import Week, monday, reached, trend, week_of, weekly
from prefloop.core.records import Estimate
from prefloop.gates.thresholds import AgreementGates
from prefloop.stats import NotEnough

GATES = AgreementGates()
NONE = NotEnough("none")


def week(day: str, raw: float | None, kappa: tuple[float, float] | None = None) -> Week:
    """A week of 100 comparisons with this raw agreement (±.05), and kappa's interval."""
    percent = NONE if raw is None else Estimate(raw, raw - 0.05, raw + 0.05, 100)
    ends = NONE if kappa is None else Estimate(sum(kappa) / 2, *kappa, n=100)
    found = Agreement(200, 100, percent, ends, NONE, NONE)
    return Week(day, found, reached(ends, GATES.kappa_open))


def test_weeks_begin_on_monday() -> None:
    at = np.array([MONDAY, MONDAY - 1, MONDAY + 7 * DAY - 1, MONDAY + WEEK, -1])
    numbers = week_of(at)
    assert [monday(int(n)) for n in numbers[:4]] == [
        "2026-09-14", "2026-09-07", "2026-09-14", "2026-09-21"
    ]  # fmt: skip
    assert numbers[4] == -1


def test_an_item_belongs_to_the_week_of_its_second_judgment() -> None:
    rows = [
        row("1", said("ann", "a", at=MONDAY), said("ben", "a", at=MONDAY + WEEK)),
        row("2", said("ann", "b", at=MONDAY), said("ben", "b", at=MONDAY + 1)),
        row("3", said("ann", "b", at=MONDAY)),
        row("4", said("ann", "b"), said("ben", "b")),  # nobody knows when
    ]
    found = weekly(of_rows(rows), 0.6, 0)
    assert [(one.monday, one.agreement.judgments) for one in found] == [
        ("2026-09-14", 2), ("2026-09-21", 2)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("ends", "word"),
    [((0.61, 0.8), "met"), ((0.5, 0.7), "not shown"), ((0.3, 0.5), "missed"),
     (None, "not enough data")],
)  # fmt: skip
def test_a_target_is_met_by_the_lower_end(ends: Any, word: str) -> None:
    assert week("2026-09-14", 0.8, ends).target == word


def test_weeks_running_count_back_to_the_last_that_met_the_target() -> None:
    weeks = [
        week("2026-08-31", 0.8, (0.1, 0.2)),
        week("2026-09-07", 0.8, (0.7, 0.8)),
        week("2026-09-14", 0.8, (0.1, 0.2)),
        week("2026-09-21", 0.8),
        week("2026-09-28", 0.8, (0.5, 0.7)),
    ]
    found = trend(weeks, GATES)
    assert (found.not_met, found.missed) == (2, 1)
    assert trend([], GATES).not_met == 0


@pytest.mark.parametrize(
    ("weeks", "told", "why"),
    [
        ([("2026-09-14", 0.7), ("2026-09-21", 0.7)], True, "2 weeks running"),
        ([("2026-09-14", 0.7), ("2026-09-21", 0.81)], False, "wanted"),
        ([("2026-09-14", 0.79), ("2026-09-21", 0.79)], False, "not surely"),
        ([("2026-09-14", 0.7), ("2026-09-28", 0.7)], False, "not consecutive"),
        ([("2026-09-21", 0.7)], False, "fewer than 2 weeks"),
    ],
)
def test_somebody_is_told_when_raw_agreement_stays_low(
    weeks: list[tuple[str, float]], told: bool, why: str
) -> None:
    found = trend([week(*one) for one in weeks], GATES)
    assert found.escalate is told
    assert why in found.why
