"""Texts at the edge of what anybody sends: ten megabytes, NUL bytes, every kind of white space."""

from tests.annotation.conftest import LEAD, open_campaign, publish, rows, staff

from prefloop.annotation import campaigns, queue, tables
from prefloop.annotation.campaigns import CampaignSettings
from prefloop.annotation.items import Item, add_items
from prefloop.annotation.judgments import Submission
from prefloop.core.records import Completion, Prompt
from prefloop.store import Ledger, texts
from prefloop.store.verify import verify

STRANGE = (
    "nul \x00, bell \x07, bidi \u202e, zero width \u200b, line \u2028, \U0001f469\u200d\U0001f680"
)


def test_a_prompt_of_ten_megabytes_is_shown_judged_and_verified(ledger: Ledger) -> None:
    long = "ä" * 5_000_000  # ten million bytes
    staff(ledger)
    spec = publish(ledger)
    item = Item(Prompt.of(long), Completion(long + "1", "m1"), Completion("short", "m2"))
    with ledger.transaction(LEAD) as tx:
        campaign = campaigns.create(tx, "long", spec, CampaignSettings())
        add_items(tx, campaign, [item])
    with ledger.transaction("ann0") as tx:
        (shown,) = queue.turn(tx, "long", "ann0").next
    assert shown.messages[0].text == long
    assert {shown.first, shown.second} == {long + "1", "short"}
    with ledger.transaction("ann0") as tx:
        sent = Submission(shown.assignment, 1, "k", rationale=long)
        assert queue.turn(tx, "long", "ann0", sent).judgment
    (row,) = rows(ledger, tables.judgment)
    with ledger.reader() as reader:
        assert texts.get(reader, row.rationale) == long
    assert verify(ledger).ok


def test_strange_characters_come_back_as_they_went_in(ledger: Ledger) -> None:
    item = Item(Prompt.of(STRANGE), Completion(STRANGE + "1"), Completion(STRANGE + "2"))
    campaign = open_campaign(ledger, items=[item])
    with ledger.transaction("ann0") as tx:
        (shown,) = queue.turn(tx, campaign.name, "ann0").next
    assert shown.messages[0].text == STRANGE
    assert {shown.first, shown.second} == {STRANGE + "1", STRANGE + "2"}
    said = Submission(
        shown.assignment, 2, "k", dimensions={STRANGE: 1}, flags=(STRANGE,), rationale=STRANGE
    )
    with ledger.transaction("ann0") as tx:
        queue.turn(tx, campaign.name, "ann0", said)
    (row,) = rows(ledger, tables.judgment)
    assert list(row.dimensions) == row.flags == [STRANGE]
    with ledger.reader() as reader:
        assert texts.get(reader, row.rationale) == STRANGE
    assert verify(ledger).ok
