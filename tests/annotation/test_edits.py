"""An annotator's correction: kept once, superseded, and carried into the batch as a pair."""

from typing import Any

import pytest
from tests.annotation.conftest import LEAD, claim, item, open_campaign, submit

from prefloop.annotation import batches, edits
from prefloop.annotation.campaigns import Campaign
from prefloop.annotation.edits import Edit
from prefloop.annotation.queue import Shown
from prefloop.core.errors import BadInput, Conflict, NotFound, NotPermitted
from prefloop.datasets.corrections import corrections
from prefloop.datasets.freeze import FreezeSettings, freeze, pairs
from prefloop.store import Ledger, artifacts, texts
from prefloop.store.artifacts import Artifact
from prefloop.store.verify import verify

BETTER = "The price is 12 euros, as the list says."


def edit(ledger: Ledger, campaign: Campaign, who: str, sent: Edit, by: str | None = None) -> str:
    with ledger.transaction(by or who) as tx:
        return edits.record(tx, campaign, who, sent)


def rows(ledger: Ledger, batch: Artifact, file: str) -> list[dict[str, Any]]:
    with ledger.reader() as reader:
        return artifacts.read_rows(reader, batch, file)


@pytest.fixture
def campaign(timed: Ledger) -> Campaign:
    return open_campaign(timed, items=2)


def one(ledger: Ledger, campaign: Campaign, who: str = "ann0") -> Shown:
    return claim(ledger, campaign, who)[0]


def closed(ledger: Ledger, campaign: Campaign) -> Artifact:
    with ledger.transaction(LEAD) as tx:
        return batches.close(tx, campaign)


def test_an_edit_is_a_comparison_that_its_writer_decided(timed: Ledger, campaign: Campaign) -> None:
    shown = one(timed, campaign)
    edit(timed, campaign, "ann0", Edit(shown.assignment, 1, BETTER, "k1"))
    submit(timed, campaign, "ann0", [shown])
    [row] = rows(timed, closed(timed, campaign), "edits")
    with timed.reader() as reader:
        words = texts.get_many(reader, [row["a"], row["b"]])
    edited, other = row["edited"], "b" if row["edited"] == "a" else "a"
    assert words[row[edited]] == BETTER
    assert words[row[other]] == shown.first  # Response 1 is what was corrected
    assert [j["verdict"] for j in row["judgments"]] == [edited]
    assert row["origin"][edited] == "annotator ann0"


def test_a_second_edit_of_the_same_response_supersedes_the_first(
    timed: Ledger, campaign: Campaign
) -> None:
    shown = one(timed, campaign)
    edit(timed, campaign, "ann0", Edit(shown.assignment, 1, "Half a thought", "k1"))
    edit(timed, campaign, "ann0", Edit(shown.assignment, 1, BETTER, "k2"))
    edit(timed, campaign, "ann0", Edit(shown.assignment, 2, "The other one, better", "k3"))
    submit(timed, campaign, "ann0", [shown])
    found = rows(timed, closed(timed, campaign), "edits")
    with timed.reader() as reader:
        words = {texts.get(reader, row[row["edited"]]) for row in found}
    assert words == {BETTER, "The other one, better"}


def test_the_same_key_again_is_the_same_edit_and_another_text_under_it_is_refused(
    timed: Ledger, campaign: Campaign
) -> None:
    shown = one(timed, campaign)
    sent = Edit(shown.assignment, 1, BETTER, "k1")
    assert edit(timed, campaign, "ann0", sent) == edit(timed, campaign, "ann0", sent)
    with pytest.raises(Conflict, match="k1"):
        edit(timed, campaign, "ann0", Edit(shown.assignment, 1, "Something else", "k1"))


def test_a_text_that_corrects_nothing_is_refused(timed: Ledger, campaign: Campaign) -> None:
    shown = one(timed, campaign)
    for text, why in (
        (" \n", "empty"),
        (shown.first, "one of the two"),
        ("x" * 100_001, "at most"),
    ):
        with pytest.raises(BadInput, match=why):
            edit(timed, campaign, "ann0", Edit(shown.assignment, 1, text, "k"))
    with pytest.raises(BadInput, match="1 or 2"):
        edit(timed, campaign, "ann0", Edit(shown.assignment, 3, BETTER, "k"))  # type: ignore[arg-type]


def test_nobody_edits_in_another_name_or_on_anothers_assignment(
    timed: Ledger, campaign: Campaign
) -> None:
    shown = one(timed, campaign)
    with pytest.raises(NotPermitted):
        edit(timed, campaign, "ann0", Edit(shown.assignment, 1, BETTER, "k"), by="ann1")
    with pytest.raises(NotFound):
        edit(timed, campaign, "ann1", Edit(shown.assignment, 1, BETTER, "k"))


def test_a_closed_campaign_takes_no_edit_but_knows_the_one_it_has(
    timed: Ledger, campaign: Campaign
) -> None:
    shown = one(timed, campaign)
    sent = Edit(shown.assignment, 1, BETTER, "k1")
    first = edit(timed, campaign, "ann0", sent)
    submit(timed, campaign, "ann0", [shown])
    closed(timed, campaign)
    assert edit(timed, campaign, "ann0", sent) == first
    with pytest.raises(Conflict, match="closed"):
        edit(timed, campaign, "ann0", Edit(shown.assignment, 1, "Too late", "k2"))


def test_edits_of_gold_are_taken_and_not_learned_from(timed: Ledger) -> None:
    campaign = open_campaign(timed, items=[item(0), item(1), item(2, "gold")], gold_share=0.9)
    for shown in claim(timed, campaign, "ann0", 3):
        edit(timed, campaign, "ann0", Edit(shown.assignment, 1, BETTER, shown.assignment))
        submit(timed, campaign, "ann0", [shown])
    batch = closed(timed, campaign)
    judged = rows(timed, batch, "comparisons")
    work = [r["comparison"] for r in judged if r["judgments"][0]["purpose"] == "live"]
    assert len(judged) > len(work)  # gold was among them
    assert {row["of"] for row in rows(timed, batch, "edits")} == set(work)


def test_a_freeze_makes_a_pair_and_a_demonstration_of_an_edit(
    timed: Ledger, campaign: Campaign
) -> None:
    shown = one(timed, campaign)
    edit(timed, campaign, "ann0", Edit(shown.assignment, 2, BETTER, "k1"))
    submit(timed, campaign, "ann0", [shown])
    batch = closed(timed, campaign)
    with timed.transaction(LEAD) as tx:
        dataset = freeze(tx, [batch], FreezeSettings())
        found = {pair.chosen: pair.rejected for pair in pairs(tx, dataset)}
        [shown_how] = corrections(tx, [batch])
        assert found[BETTER] == shown.second
        assert dataset.manifest["counts"]["edits"] == 1
        assert texts.get(tx, shown_how["completion"]) == BETTER
        with pytest.raises(BadInput, match="nobody who counts"):
            corrections(tx, [batch], exclude=["ann0"])


def test_edits_are_part_of_the_chain(timed: Ledger, campaign: Campaign) -> None:
    shown = one(timed, campaign)
    edit(timed, campaign, "ann0", Edit(shown.assignment, 1, BETTER, "k1"))
    assert verify(timed).problems == []
