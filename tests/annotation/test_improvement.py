"""Plans: written by a lead or senior, superseded, ended, and held against what was measured."""

import pytest
from tests.annotation.conftest import LEAD, SENIOR, Clock, staff

from prefloop.annotation import improvement
from prefloop.annotation.improvement import Plan, progress
from prefloop.core.errors import BadInput, NotFound, NotPermitted
from prefloop.core.records import Estimate
from prefloop.stats import NotEnough
from prefloop.store import Ledger
from prefloop.store.verify import verify

PLAN = Plan("p", "ann0", {"gold": 0.9, "repeats": 0.8}, 1000, "why", "lena", 10)


def found(value: float, n: int) -> Estimate:
    return Estimate(value, value - 0.1, min(1.0, value + 0.1), n)


def test_a_plan_is_kept_superseded_and_ended(timed: Ledger, clock: Clock) -> None:
    staff(timed)
    with timed.transaction(LEAD) as tx:
        improvement.write(tx, "ann0", {"gold": 0.8}, clock.now + 5, "rushed")
    with timed.transaction(SENIOR) as tx:
        second = improvement.write(tx, "ann0", {"gold": 0.9}, clock.now + 9, "better")
    with timed.reader() as reader:
        assert improvement.standing(reader, ["ann0", "ann1"]) == {"ann0": second}
    with timed.transaction(LEAD) as tx:
        improvement.end(tx, "ann0", "done")
    with timed.reader() as reader:
        assert improvement.standing(reader, ["ann0"]) == {}
    with pytest.raises(NotFound, match="no plan"), timed.transaction(LEAD) as tx:
        improvement.end(tx, "ann0", "again")
    assert verify(timed).ok


@pytest.mark.parametrize(
    ("goals", "until", "reason", "said"),
    [
        ({}, 9, "x", "needs a goal"),
        ({"speed": 1}, 9, "x", "no measure 'speed'"),
        ({"gold": 90}, 9, "x", "a share"),
        ({"gold": float("nan")}, 9, "x", "a share"),
        ({"gold": 0.9}, 0, "x", "has passed"),
        ({"gold": 0.9}, 9, " ", "say why"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(
    timed_sqlite: Ledger, clock: Clock, goals: dict[str, float], until: int, reason: str, said: str
) -> None:
    staff(timed_sqlite)
    with pytest.raises(BadInput, match=said), timed_sqlite.transaction(LEAD) as tx:
        improvement.write(tx, "ann0", goals, clock.now + until, reason)


def test_nobody_plans_for_themselves_or_for_nobody(timed_sqlite: Ledger, clock: Clock) -> None:
    staff(timed_sqlite)
    with pytest.raises(NotPermitted), timed_sqlite.transaction("ann0") as tx:
        improvement.write(tx, "ann0", {"gold": 0.1}, clock.now + 5, "easy")
    with pytest.raises(NotFound), timed_sqlite.transaction(LEAD) as tx:
        improvement.write(tx, "zoe", {"gold": 0.9}, clock.now + 5, "x")


@pytest.mark.parametrize(
    ("gold", "repeats", "now", "word"),
    [
        (found(0.92, 50), found(0.8, 20), 500, "met"),
        (found(0.92, 50), found(0.8, 19), 500, "not yet"),  # 20 checks at the least
        (found(0.89, 50), found(0.9, 50), 999, "not yet"),
        (found(0.89, 50), found(0.9, 50), 1000, "missed"),
        (found(0.92, 50), found(0.9, 50), 1000, "met"),
        (NotEnough("none"), found(0.9, 50), 1000, "missed"),
    ],
)
def test_met_not_yet_and_missed(
    gold: Estimate | NotEnough, repeats: Estimate, now: int, word: str
) -> None:
    assert progress(PLAN, {"gold": gold, "repeats": repeats}, now).word == word
