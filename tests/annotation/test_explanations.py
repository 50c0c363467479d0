"""An anchor is explained to the one who judged it, as their screen stood; nothing else is."""

from tests.annotation.conftest import assigned, claim, item, open_campaign, right, submit

from prefloop.annotation import explanations
from prefloop.annotation.campaigns import Calibration
from prefloop.store import Ledger


def test_the_expert_is_quoted_as_the_screen_stood(ledger: Ledger) -> None:
    anchors = [item(n, "anchor") for n in range(6)]
    campaign = open_campaign(ledger, items=[*anchors, item(9)], calibration=Calibration(anchors=6))
    shown = claim(ledger, campaign, "ann0", 6)
    with ledger.reader() as reader:
        before = [explanations.after(reader, campaign, "ann0", s.assignment) for s in shown]
    assert before == [None] * 6  # not before it is judged
    submit(ledger, campaign, "ann0", shown)
    with ledger.reader() as reader:
        for one in shown:
            told = explanations.after(reader, campaign, "ann0", one.assignment)
            assert told is not None
            assert told.choice == right(one)  # the first completion as given is the right one
            assert told.explanation.startswith("because ")
            assert explanations.after(reader, campaign, "ann1", one.assignment) is None


def test_gold_and_work_are_never_explained(ledger: Ledger) -> None:
    items = [*(item(n) for n in range(8)), *(item(n, "gold") for n in range(8))]
    campaign = open_campaign(ledger, items=items, gold_share=0.5)
    shown = claim(ledger, campaign, "ann0", 8)
    assert {row.purpose for row in assigned(ledger, shown)} == {"live", "gold"}
    submit(ledger, campaign, "ann0", shown)
    with ledger.reader() as reader:
        for one in shown:
            assert explanations.after(reader, campaign, "ann0", one.assignment) is None
