"""What somebody cannot judge goes to somebody else, once, with the reason."""

import pytest
from tests.annotation.conftest import claim, item, open_campaign, rows, submit, work

from prefloop.annotation import skipping
from prefloop.annotation import tables as t
from prefloop.annotation.campaigns import Campaign
from prefloop.core.errors import BadInput, Conflict, NotFound, NotPermitted
from prefloop.store import Ledger
from prefloop.store.verify import verify

WHY = "One would have to know Danish tax law."


def skip(ledger: Ledger, campaign: Campaign, who: str, assignment: str, why: str = WHY) -> None:
    with ledger.transaction(who) as tx:
        skipping.skip(tx, campaign, who, assignment, why)


def test_a_skipped_comparison_goes_to_others_and_not_to_the_same_person(timed: Ledger) -> None:
    campaign = open_campaign(timed, items=2, overlap=2)
    [shown] = claim(timed, campaign, "ann0")
    skip(timed, campaign, "ann0", shown.assignment)
    assert work(timed, campaign, "ann0") == 1  # the other one
    assert work(timed, campaign, "ann1") + work(timed, campaign, "ann2") == 3
    assert [row.taken for row in rows(timed, t.queue_item)] == [2, 2]
    with timed.reader() as reader:
        [(_, who, why)] = skipping.reasons(reader, campaign)
    assert (who, why) == ("ann0", WHY)
    assert verify(timed).problems == []


def test_skipping_twice_is_skipping_once(timed: Ledger) -> None:
    campaign = open_campaign(timed, items=2)
    [shown] = claim(timed, campaign, "ann0")
    skip(timed, campaign, "ann0", shown.assignment)
    skip(timed, campaign, "ann0", shown.assignment, "again")
    assert len(rows(timed, t.skip)) == 1


def test_what_is_judged_or_anothers_or_without_reason_is_not_skipped(timed: Ledger) -> None:
    campaign = open_campaign(timed, items=3)
    first, second = claim(timed, campaign, "ann0", 2)
    submit(timed, campaign, "ann0", [first])
    with pytest.raises(Conflict, match="judged already"):
        skip(timed, campaign, "ann0", first.assignment)
    with pytest.raises(BadInput, match="say why"):
        skip(timed, campaign, "ann0", second.assignment, " ")
    with pytest.raises(BadInput, match="at most"):
        skip(timed, campaign, "ann0", second.assignment, "x" * 2001)
    with pytest.raises(NotFound):
        skip(timed, campaign, "ann1", second.assignment)
    with timed.transaction("ann1") as tx, pytest.raises(NotPermitted):
        skipping.skip(tx, campaign, "ann0", second.assignment, WHY)
    assert rows(timed, t.skip) == []


def test_gold_can_be_skipped_and_calibration_cannot(timed: Ledger) -> None:
    known = [item(0), item(1), *(item(n, "gold") for n in range(2, 5))]
    campaign = open_campaign(timed, items=known, gold_share=0.9)
    held = claim(timed, campaign, "ann0", 2)
    for shown in held:
        skip(timed, campaign, "ann0", shown.assignment)
    skipped = [row for row in rows(timed, t.assignment) if row.state == "skipped"]
    assert len(skipped) == 2
    assert "gold" in {row.purpose for row in skipped}
    anchored = open_campaign(
        timed, "anchored", [item(9), item(8, "anchor")], calibration={"anchors": 1}
    )
    [anchor] = claim(timed, anchored, "ann0")
    with pytest.raises(BadInput, match="calibration"):
        skip(timed, anchored, "ann0", anchor.assignment)
