"""Anchors first, then work; who disagrees with the experts too often waits for a lead."""

from typing import Any

import pytest
from tests.annotation.conftest import (
    LEAD,
    claim,
    item,
    open_campaign,
    purposes,
    right,
    rows,
    submit,
    work,
)

from prefloop.annotation import batches, calibration, judgments, tables
from prefloop.annotation.calibration import Locked
from prefloop.annotation.campaigns import Campaign
from prefloop.annotation.judgments import Submission
from prefloop.core.errors import BadInput, Conflict, NotFound, NotPermitted
from prefloop.store import Ledger
from prefloop.store.verify import verify

ITEMS = [item(n) for n in range(12)] + [item(n, "anchor") for n in range(6)]


def calibrated(ledger: Ledger, name: str = "support", anchors: int = 4, **more: Any) -> Campaign:
    """A campaign with 12 items and 6 anchors, of which each annotator judges four."""
    settings = {"calibration": {"anchors": anchors}, **more}
    return open_campaign(ledger, name, ITEMS, **settings)


def standing(ledger: Ledger, campaign: Campaign, who: str = "ann0") -> dict[str, Any]:
    with ledger.reader() as reader:
        return calibration.standing(reader, campaign, who)


def answer(ledger: Ledger, campaign: Campaign, who: str, wrong: int, count: int = 4) -> None:
    """Judge `count` anchors, the first `wrong` of them against the expert."""
    shown = claim(ledger, campaign, who, count)
    assert purposes(ledger, shown) == ["anchor"] * count
    for n, one in enumerate(shown):
        submit(ledger, campaign, who, [one], choice=3 - right(one) if n < wrong else right(one))


def retrain(ledger: Ledger, campaign: Campaign, who: str, by: str = LEAD) -> int:
    with ledger.transaction(by) as tx:
        return calibration.retrain(tx, campaign, who)


def test_anchors_come_before_any_work_and_clear_who_agrees(ledger: Ledger) -> None:
    campaign = calibrated(ledger)
    assert standing(ledger, campaign) == {"status": "new", "round": 1, "evidence": {}}
    answer(ledger, campaign, "ann0", wrong=0)
    now = standing(ledger, campaign)
    # Uniform prior, 0 of 4 wrong: Beta(1, 5), P(rate > 0.3) = 0.7 ** 5 = 0.16807.
    assert now["status"] == "cleared"
    assert now["evidence"]["probability_too_high"] == pytest.approx(0.16807)
    assert (now["evidence"]["anchors"], now["evidence"]["disagreed"]) == (4, 0)
    assert work(ledger, campaign, "ann0", 5) == 12
    assert verify(ledger).ok


def test_too_much_disagreement_locks_and_a_new_round_unlocks(ledger: Ledger) -> None:
    campaign = calibrated(ledger)
    answer(ledger, campaign, "ann0", wrong=2)
    # 2 of 4 wrong: Beta(3, 3), P(rate > 0.3) = 1 - 0.16308 = 0.83692.
    now = standing(ledger, campaign)
    assert now["status"] == "locked"
    assert now["evidence"]["probability_too_high"] == pytest.approx(0.83692)
    with pytest.raises(Locked, match="ann0 is locked in support after the anchors of round 1"):
        claim(ledger, campaign, "ann0")
    assert purposes(ledger, claim(ledger, campaign, "ann1")) == ["anchor"]
    assert retrain(ledger, campaign, "ann0") == 2
    assert standing(ledger, campaign)["status"] == "retraining"
    answer(ledger, campaign, "ann0", wrong=0)
    assert standing(ledger, campaign)["status"] == "cleared"
    assert {row.round for row in rows(ledger, tables.judgment)} == {1, 2}
    assert purposes(ledger, claim(ledger, campaign, "ann0")) == ["live"]
    statuses = [(row.status, row.round) for row in rows(ledger, tables.standing)]
    assert statuses == [("locked", 1), ("retraining", 2), ("cleared", 2)]


def test_one_wrong_of_four_is_a_coin_toss_that_the_posterior_decides(
    sqlite_ledger: Ledger,
) -> None:
    # Beta(2, 4), P(rate > 0.3) = 0.7**5 + 5 * 0.3 * 0.7**4 = 0.52822: just locked at 0.5.
    campaign = calibrated(sqlite_ledger)
    answer(sqlite_ledger, campaign, "ann0", wrong=1)
    now = standing(sqlite_ledger, campaign)
    assert now["status"] == "locked"
    assert now["evidence"]["probability_too_high"] == pytest.approx(0.52822)
    sure = open_campaign(sqlite_ledger, "sure", ITEMS, calibration={"anchors": 4, "certainty": 0.6})
    answer(sqlite_ledger, sure, "ann0", wrong=1)
    assert standing(sqlite_ledger, sure)["status"] == "cleared"


def test_there_is_no_way_to_work_around_the_anchors(sqlite_ledger: Ledger) -> None:
    # However many are asked for, and however few of those held were judged.
    campaign = calibrated(sqlite_ledger)
    for judged in range(4):
        shown = claim(sqlite_ledger, campaign, "ann0", 10)
        assert purposes(sqlite_ledger, shown) == ["anchor"] * (4 - judged)
        submit(sqlite_ledger, campaign, "ann0", shown[:1])
    assert purposes(sqlite_ledger, claim(sqlite_ledger, campaign, "ann0", 10)) == ["live"] * 10


def test_fewer_anchors_than_asked_for_are_enough_when_there_are_no_more(
    sqlite_ledger: Ledger,
) -> None:
    campaign = calibrated(sqlite_ledger, anchors=20)
    answer(sqlite_ledger, campaign, "ann0", wrong=0, count=6)
    assert standing(sqlite_ledger, campaign)["status"] == "cleared"


def test_a_campaign_that_asks_for_anchors_and_has_none_says_so(sqlite_ledger: Ledger) -> None:
    campaign = open_campaign(sqlite_ledger, calibration={"anchors": 4})
    with pytest.raises(BadInput, match="asks for anchors and has none"):
        claim(sqlite_ledger, campaign, "ann0")


def test_changing_ones_mind_about_an_anchor_neither_counts_twice_nor_helps(
    sqlite_ledger: Ledger,
) -> None:
    campaign = calibrated(sqlite_ledger)
    shown = claim(sqlite_ledger, campaign, "ann0", 4)
    for n, one in enumerate(shown[:3]):
        submit(sqlite_ledger, campaign, "ann0", [one], choice=3 - right(one))
        with sqlite_ledger.transaction("ann0") as tx:
            better = Submission(one.assignment, right(one), f"again {n}")
            judgments.revise(tx, campaign, "ann0", better)
    assert standing(sqlite_ledger, campaign)["status"] == "new"  # three judged, not six
    submit(sqlite_ledger, campaign, "ann0", shown[3:])
    now = standing(sqlite_ledger, campaign)
    assert now["evidence"]["anchors"] == 4
    assert now["evidence"]["disagreed"] == 3
    assert now["status"] == "locked"


def test_the_same_anchors_serve_the_next_campaign(sqlite_ledger: Ledger) -> None:
    one, two = calibrated(sqlite_ledger, "one"), calibrated(sqlite_ledger, "two", round=2)
    answer(sqlite_ledger, one, "ann0", wrong=0)
    assert standing(sqlite_ledger, two) == {"status": "new", "round": 2, "evidence": {}}
    for n in range(4):
        answer(sqlite_ledger, two, "ann0", wrong=0, count=1)
        assert standing(sqlite_ledger, two)["round"] == 2
        assert standing(sqlite_ledger, two)["status"] == ("new" if n < 3 else "cleared")
    assert standing(sqlite_ledger, one)["round"] == 1
    assert retrain(sqlite_ledger, one, "ann0") == 3
    answer(sqlite_ledger, one, "ann0", wrong=4)
    assert standing(sqlite_ledger, one)["status"] == "locked"
    assert standing(sqlite_ledger, two)["status"] == "cleared"


def test_without_calibration_everybody_is_cleared(sqlite_ledger: Ledger) -> None:
    campaign = open_campaign(sqlite_ledger)
    assert standing(sqlite_ledger, campaign)["status"] == "cleared"
    assert purposes(sqlite_ledger, claim(sqlite_ledger, campaign, "ann0")) == ["live"]
    with pytest.raises(BadInput, match="has no calibration"):
        retrain(sqlite_ledger, campaign, "ann0")


def test_only_a_lead_opens_a_new_round_and_only_for_somebody_real(sqlite_ledger: Ledger) -> None:
    campaign = calibrated(sqlite_ledger)
    with pytest.raises(NotPermitted):
        retrain(sqlite_ledger, campaign, "ann0", by="ann0")
    with pytest.raises(NotFound, match="nobody here is called an0"):
        retrain(sqlite_ledger, campaign, "an0")


def test_a_closed_campaigns_standings_are_final(sqlite_ledger: Ledger) -> None:
    campaign = calibrated(sqlite_ledger)
    answer(sqlite_ledger, campaign, "ann0", wrong=4)
    with sqlite_ledger.transaction(LEAD) as tx:
        batches.close(tx, campaign)
    with pytest.raises(Conflict, match="is closed: calibrate in the next one"):
        retrain(sqlite_ledger, campaign, "ann0")
