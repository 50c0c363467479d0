"""Closing a campaign: the same judgments give the same batch, and the pool's record is right."""

from pathlib import Path
from typing import Any

import pytest
from tests.annotation.conftest import (
    LEAD,
    SENIOR,
    claim,
    item,
    open_campaign,
    purposes,
    right,
    rows,
    submit,
    work,
)
from tests.conftest import make_ledger

from prefloop.annotation import batches, campaigns, judgments, tables
from prefloop.annotation.campaigns import Campaign
from prefloop.annotation.judgments import Submission
from prefloop.core.errors import BadInput, NotPermitted
from prefloop.core.records import PromptSource, Purpose
from prefloop.store import Ledger, artifacts
from prefloop.store.artifacts import Artifact
from prefloop.store.verify import verify


def close(ledger: Ledger, campaign: Campaign, who: str = LEAD, notes: str = "") -> Artifact:
    with ledger.transaction(who) as tx:
        return batches.close(tx, campaign, notes)


def contents(ledger: Ledger, batch: Artifact) -> list[dict[str, Any]]:
    with ledger.reader() as reader:
        return artifacts.read_rows(reader, batch, "comparisons")


def filled(ledger: Ledger, backwards: bool = False) -> Artifact:
    """A campaign with gold and repeats, done by two people in one order or the other."""
    items = [item(n, overlap=2) for n in range(20)] + [item(n, "gold") for n in range(5)]
    campaign = open_campaign(
        ledger, items=items, gold_share=0.2, duplicate_share=0.2, duplicate_distance=3
    )
    for who in ("ann1", "ann0") if backwards else ("ann0", "ann1"):
        while shown := claim(ledger, campaign, who, 3):
            submit(ledger, campaign, who, shown[::-1] if backwards else shown)
    return close(ledger, campaign)


def test_the_same_judgments_give_the_same_digest_in_another_ledger_and_order(
    sqlite_url: str, copied_postgresql_url: str, tmp_path: Path
) -> None:
    digests = []
    for number, url in enumerate((sqlite_url, copied_postgresql_url)):
        ledger = make_ledger(url, tmp_path / str(number))
        batch = filled(ledger, backwards=number == 1)
        assert verify(ledger).ok
        digests.append(batch.digest)
        ledger.close()
    assert digests[0] == digests[1]


def test_another_verdict_gives_another_digest(sqlite_url: str, tmp_path: Path) -> None:
    ledger = make_ledger(sqlite_url, tmp_path)
    digests = set()
    for n, choice in enumerate((0, 0, 1)):
        campaign = open_campaign(ledger, f"c{n}", items=[item(1)], round=n + 1)
        submit(ledger, campaign, "ann0", claim(ledger, campaign, "ann0"), choice=choice)
        batch = close(ledger, campaign)
        body = {**batch.manifest, "campaign": "", "round": 0, "settings": 0}
        (row,) = contents(ledger, batch)
        del body["files"]
        judged = [
            {**one, "round": 0, "first_shown": "", "verdict": one["verdict"] == "tie"}
            for one in row["judgments"]
        ]
        digests.add(str((body, judged)))
    assert len(digests) == 2
    ledger.close()


def test_closing_twice_is_one_batch_whoever_holds_an_old_view(ledger: Ledger) -> None:
    campaign = open_campaign(ledger)
    work(ledger, campaign, "ann0", 10)
    first = close(ledger, campaign, notes="done")
    assert close(ledger, campaign, notes="again") == first
    with ledger.reader() as reader:
        now = campaigns.get(reader, "support")
    assert now.state == "closed"
    assert close(ledger, now) == first
    assert [row.state for row in rows(ledger, tables.campaign_state)] == ["open", "closed"]


def test_a_batch_stands_on_its_specification_and_says_what_it_followed(
    sqlite_ledger: Ledger,
) -> None:
    items = [item(1), item(2, source=PromptSource.EXPERT), item(3, source=PromptSource.EXPERT)]
    campaign = open_campaign(sqlite_ledger, items=items)
    work(sqlite_ledger, campaign, "ann0")
    batch = close(sqlite_ledger, campaign)
    assert batch.parents == (campaign.spec,)
    expected = {
        "campaign": "support",
        "purpose": "live",
        "round": 1,
        "spec": campaign.spec,
        "epoch": 1,
        "dimensions": ["accuracy"],
        "tie_break": ["accuracy"],
        "prompt_sources": {"expert": 2, "usage": 1},
        "judgments": 3,
    }
    assert {key: batch.manifest[key] for key in expected} == expected


def test_the_pool_carries_each_annotators_record(sqlite_ledger: Ledger) -> None:
    items = [item(n, overlap=2) for n in range(30)] + [item(n, "gold") for n in range(9)]
    campaign = open_campaign(
        sqlite_ledger, items=items, gold_share=0.25, duplicate_share=0.25, duplicate_distance=2
    )
    # ann0 is wrong on the first gold item and on no other; ann0's first repeat contradicts.
    count = {"gold": 0, "duplicate": 0, "live": 0}
    while shown := claim(sqlite_ledger, campaign, "ann0"):
        (purpose,) = purposes(sqlite_ledger, shown)
        first = count[purpose] == 0 and purpose != "live"
        choice = 3 - right(shown[0]) if first else right(shown[0])
        submit(sqlite_ledger, campaign, "ann0", shown, choice=choice)
        count[purpose] += 1
    # ann1 says that everything is a tie: no gold item is right, every repeat is consistent.
    ties = {"gold": 0, "duplicate": 0, "live": 0}
    while shown := claim(sqlite_ledger, campaign, "ann1"):
        ties[purposes(sqlite_ledger, shown)[0]] += 1
        submit(sqlite_ledger, campaign, "ann1", shown, choice=0)
    assert min(*count.values(), *ties.values()) > 1
    batch = close(sqlite_ledger, campaign)
    cleared = {"status": "cleared", "round": 1, "evidence": {}}
    assert batch.manifest["pool"] == {
        "ann0": {
            "judgments": sum(count.values()),
            "gold": {"n": count["gold"], "correct": count["gold"] - 1},
            "duplicates": {"n": count["duplicate"], "consistent": count["duplicate"] - 1},
            "calibration": cleared,
        },
        "ann1": {
            "judgments": sum(ties.values()),
            "gold": {"n": ties["gold"], "correct": 0},
            "duplicates": {"n": ties["duplicate"], "consistent": ties["duplicate"]},
            "calibration": cleared,
        },
    }
    assert batch.manifest["judgments"] == sum(count.values()) + sum(ties.values())


def test_a_locked_annotators_labels_are_kept_and_marked(sqlite_ledger: Ledger) -> None:
    items = [item(n) for n in range(3)] + [item(n, "anchor") for n in range(4)]
    campaign = open_campaign(sqlite_ledger, items=items, calibration={"anchors": 4})
    shown = claim(sqlite_ledger, campaign, "ann0", 4)
    submit(sqlite_ledger, campaign, "ann0", shown, choice=0)
    batch = close(sqlite_ledger, campaign)
    record = batch.manifest["pool"]["ann0"]
    assert (record["judgments"], record["calibration"]["status"]) == (4, "locked")
    assert {
        one["purpose"] for row in contents(sqlite_ledger, batch) for one in row["judgments"]
    } == {"anchor"}


def test_superseded_judgments_are_not_in_the_batch(ledger: Ledger) -> None:
    campaign = open_campaign(ledger, items=[item(1)])
    (shown,) = claim(ledger, campaign, "ann0")
    submit(ledger, campaign, "ann0", [shown], choice=1, rationale="at first")
    with ledger.transaction("ann0") as tx:
        sent = Submission(shown.assignment, 2, "again", rationale="on reflection")
        newest = judgments.revise(tx, campaign, "ann0", sent)
    batch = close(ledger, campaign)
    (row,) = contents(ledger, batch)
    (kept,) = row["judgments"]
    stored = {j.id: j for j in rows(ledger, tables.judgment)}
    assert len(stored) == 2
    assert kept["verdict"] == stored[newest].verdict
    assert kept["rationale"] == stored[newest].rationale
    assert batch.manifest["judgments"] == 1
    assert batch.manifest["pool"]["ann0"]["judgments"] == 1


def test_a_batch_holds_every_purpose_and_no_unjudged_comparison(sqlite_ledger: Ledger) -> None:
    campaign = open_campaign(sqlite_ledger, items=5, spot_check_share=1)
    submit(sqlite_ledger, campaign, "ann0", claim(sqlite_ledger, campaign, "ann0", 2))
    submit(
        sqlite_ledger,
        campaign,
        SENIOR,
        claim(sqlite_ledger, campaign, SENIOR, 1, Purpose.SPOT_CHECK),
        choice=0,
    )
    found = contents(sqlite_ledger, close(sqlite_ledger, campaign))
    assert [row["comparison"] for row in found] == sorted(row["comparison"] for row in found)
    said = sorted((one["annotator"], one["purpose"]) for row in found for one in row["judgments"])
    assert said == [("ann0", "live"), ("ann0", "live"), ("sam", "spot check")]
    assert set(found[0]) == {"comparison", "messages", "facts", "a", "b", "origin", "judgments"}


def test_nothing_to_close_is_said_and_nothing_is_closed(sqlite_ledger: Ledger) -> None:
    campaign = open_campaign(sqlite_ledger)
    claim(sqlite_ledger, campaign, "ann0")
    with pytest.raises(BadInput, match="has no judgments"):
        close(sqlite_ledger, campaign)
    with sqlite_ledger.reader() as reader:
        assert campaigns.get(reader, "support").state == "open"


def test_closing_takes_a_lead(sqlite_ledger: Ledger) -> None:
    campaign = open_campaign(sqlite_ledger)
    work(sqlite_ledger, campaign, "ann0")
    with pytest.raises(NotPermitted):
        close(sqlite_ledger, campaign, "ann0")
