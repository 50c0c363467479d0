"""Why a turn costs the same in a long queue: each of its questions is a seek in one index."""

import time
from typing import Any

import pytest
import sqlalchemy as sa
from tests.annotation.conftest import LEAD, SENIOR, claim, item, open_campaign, submit

from prefloop.annotation import queue
from prefloop.annotation.campaigns import Campaign
from prefloop.annotation.judgments import Submission
from prefloop.store import Ledger

# A table that is read from one end, in the order of its key, is not read whole.
FROM_THE_END = {"SCAN event USING INDEX sqlite_autoindex_event_1", "SCAN CONSTANT ROW"}


def statements(ledger: Ledger, campaign: Campaign, who: str, **turn: Any) -> list[tuple[str, Any]]:
    """What a turn asks the database, with its values."""
    asked = list[tuple[str, Any]]()

    def note(connection: Any, cursor: Any, statement: str, values: Any, *_: Any) -> None:
        asked.append((statement, values))

    sa.event.listen(ledger.engine, "before_cursor_execute", note)
    with ledger.transaction(who) as tx:
        queue.turn(tx, campaign, who, **turn)
    sa.event.remove(ledger.engine, "before_cursor_execute", note)
    return [one for one in asked if one[0].startswith(("SELECT", "UPDATE", "INSERT"))]


def plan(ledger: Ledger, statement: str, values: Any) -> list[str]:
    with ledger.engine.connect() as connection:
        found = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
        return [row.detail for row in found]


@pytest.fixture
def busy(sqlite_ledger: Ledger) -> Campaign:
    """A campaign in which everything occurs: gold, repeats, priority, checks."""
    items = [item(n, high_stakes=n % 9 == 0) for n in range(300)]
    items += [item(n, "gold") for n in range(60)]
    campaign = open_campaign(
        sqlite_ledger, items=items, gold_share=0.3, duplicate_share=0.3, duplicate_distance=2
    )
    for _ in range(3):
        submit(sqlite_ledger, campaign, "ann0", claim(sqlite_ledger, campaign, "ann0", 20))
    with sqlite_ledger.transaction(LEAD) as tx:
        rows = tx.execute(
            sa.text("SELECT comparison FROM queue_item WHERE kind = 'work' LIMIT 50")
        ).all()
        queue.prioritise(tx, campaign, {row.comparison: 1.0 for row in rows}, source="test")
    return campaign


def test_no_question_of_a_turn_reads_a_table_that_grows(
    sqlite_ledger: Ledger, busy: Campaign
) -> None:
    asked = list[tuple[str, Any]]()
    for who in ("ann0", SENIOR):
        asked += statements(sqlite_ledger, busy, who, want=12)
        (one, *_) = claim(sqlite_ledger, busy, who)
        sent = Submission(one.assignment, 1, one.assignment, rationale="because")
        asked += statements(sqlite_ledger, busy, who, sent=sent, want=14)
    later = time.time_ns() // 1000 + 2 * 900 * 1_000_000
    sqlite_ledger.clock = lambda connection: later
    asked += statements(sqlite_ledger, busy, "ann1")  # whose turn it is to return what lapsed
    plans = {line for one in asked for line in plan(sqlite_ledger, *one)}
    whole = {line for line in plans if line.split()[:1] == ["SCAN"]}
    assert whole - FROM_THE_END == set()
    used = " ".join(plans)
    for name in ("open", "ranked", "check", "tail"):
        assert f"ix_queue_item_{name}" in used, name
    for name in ("held", "leased", "own"):
        assert f"ix_assignment_{name}" in used, name
    # The whole of a campaign only ever in order, and then the first row alone.
    broad = {line for line in plans if line.endswith("(campaign=?)")}
    assert {line.split()[1] for line in broad} == {"campaign_state", "priority", "queue_item"}
    assert {line for line in broad if "queue_item" in line} == {
        "SEARCH queue_item USING COVERING INDEX ix_queue_item_tail (campaign=?)"
    }
    held = [line for line in plans if "ix_assignment_held" in line]
    assert held == [
        "SEARCH assignment USING INDEX ix_assignment_held "
        "(campaign=? AND annotator=? AND lease_until>? AND lease_until<?)"
    ]
