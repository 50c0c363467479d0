"""Drafts belong to one assignment and one person, and go when the judgment comes."""

import pytest
import sqlalchemy as sa
from tests.annotation.conftest import claim, open_campaign, rows, submit

from prefloop.annotation import drafts, queue
from prefloop.annotation import tables as t
from prefloop.core.errors import BadInput, NotFound
from prefloop.store import Ledger


def test_the_last_draft_is_the_one_that_is_kept(ledger: Ledger) -> None:
    campaign = open_campaign(ledger)
    (shown,) = claim(ledger, campaign, "ann0")
    for text in ("first", "second"):
        with ledger.transaction("ann0") as tx:
            assert drafts.save(tx, "ann0", shown.assignment, {"rationale": text})
    with ledger.reader() as reader:
        kept, slates = drafts.of(reader, "ann0", [shown.assignment])
    assert kept == {shown.assignment: {"rationale": "second"}}
    assert slates == []


def test_a_draft_outlives_the_lease_and_is_gone_once_dropped(ledger: Ledger) -> None:
    campaign = open_campaign(ledger)
    (shown,) = claim(ledger, campaign, "ann0")
    with ledger.transaction("ann0") as tx:
        drafts.save(tx, "ann0", shown.assignment, {"rationale": "half"})
        queue.give_back(tx, campaign, "ann0")
    (again,) = claim(ledger, campaign, "ann0")
    if again.assignment == shown.assignment:
        with ledger.reader() as reader:
            assert drafts.of(reader, "ann0", [shown.assignment])[0]
    with ledger.transaction("ann0") as tx:
        drafts.forget(tx, shown.assignment)
    assert rows(ledger, t.draft) == []


def test_nobody_else_can_write_or_read_a_draft(ledger: Ledger) -> None:
    campaign = open_campaign(ledger)
    (shown,) = claim(ledger, campaign, "ann0")
    with ledger.transaction("ann0") as tx:
        drafts.save(tx, "ann0", shown.assignment, {"rationale": "mine"})
    with ledger.transaction("ann1") as tx:
        with pytest.raises(NotFound, match="no such assignment"):
            drafts.save(tx, "ann1", shown.assignment, {})
        with pytest.raises(NotFound, match="no such assignment"):
            drafts.save(tx, "ann0", shown.assignment, {})  # in somebody else's name
        with pytest.raises(NotFound, match="no such assignment"):
            drafts.own(tx, campaign, "ann1", shown.assignment)
        assert drafts.of(tx, "ann1", [shown.assignment]) == ({}, [])


def test_a_draft_that_comes_after_the_judgment_is_not_kept(ledger: Ledger) -> None:
    campaign = open_campaign(ledger)
    shown = claim(ledger, campaign, "ann0")
    submit(ledger, campaign, "ann0", shown)
    with ledger.transaction("ann0") as tx:
        assert drafts.save(tx, "ann0", shown[0].assignment, {"rationale": "late"}) is False
    assert rows(ledger, t.draft) == []


def test_attention_is_kept_once_and_only_where_it_was_lost(ledger: Ledger) -> None:
    campaign = open_campaign(ledger)
    one, other = submit(ledger, campaign, "ann0", claim(ledger, campaign, "ann0", 2))
    with ledger.transaction("ann0") as tx:
        drafts.note_attention(tx, one, 0, 0)
        drafts.note_attention(tx, other, 3, 1200)
        drafts.note_attention(tx, other, 9, 9999)  # sent again: the first word counts
        with pytest.raises(BadInput, match="focus lost -1 times"):
            drafts.note_attention(tx, one, -1, 0)
    (row,) = rows(ledger, t.attention)
    assert (row.judgment, row.focus_losses, row.away_ms) == (other, 3, 1200)


def test_what_is_shown_of_an_own_assignment_is_what_was_claimed(ledger: Ledger) -> None:
    campaign = open_campaign(ledger)
    (shown,) = claim(ledger, campaign, "ann0")
    with ledger.reader() as reader:
        assert drafts.own(reader, campaign, "ann0", shown.assignment) == shown
    with ledger.transaction("lena") as tx:
        tx.execute(sa.select(t.draft))  # reading leaves nothing behind
    assert rows(ledger, t.draft) == []
