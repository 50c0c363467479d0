"""People who do not agree: the campaign stops, and goes on under a mended specification only."""

from typing import Any

import pytest
from tests.annotation.conftest import (
    LEAD,
    MINUTE,
    SENIOR,
    SPEC,
    Clock,
    claim,
    open_campaign,
    publish,
    right,
    submit,
)

from prefloop.annotation import batches, campaigns, pausing
from prefloop.annotation.campaigns import Campaign
from prefloop.annotation.pausing import LEAST, Looked
from prefloop.core.errors import BadInput, Conflict, NotPermitted
from prefloop.core.records import Estimate
from prefloop.gates.thresholds import AgreementGates
from prefloop.stats import NotEnough
from prefloop.store import Ledger, artifacts, names, proposals
from prefloop.store.verify import verify

GATES = AgreementGates()


def judged(ledger: Ledger, campaign: Campaign, agree: bool, items: int) -> None:
    """ann0 finds the right one, ann1 too, or else a coin's: every other one wrong."""
    for who in ("ann0", "ann1"):
        for n, shown in enumerate(claim(ledger, campaign, who, items)):
            wrong = who == "ann1" and not agree and n % 2 == 0
            choice = 3 - right(shown) if wrong else right(shown)
            submit(ledger, campaign, who, [shown], choice=choice)


def look(ledger: Ledger, name: str = "support") -> Looked:
    with ledger.reader() as reader:
        return pausing.look(reader, campaigns.get(reader, name), GATES, 0)


def pause(ledger: Ledger, who: str = LEAD) -> bool:
    found = look(ledger)
    with ledger.transaction(who) as tx:
        return pausing.pause(tx, campaigns.get(tx, "support"), found)


def resume(ledger: Ledger, **how: Any) -> Campaign:
    with ledger.transaction(LEAD) as tx:
        return pausing.resume(tx, campaigns.get(tx, "support"), "mended", **how)


def mended(ledger: Ledger, name: str = "spec/x", **changed: Any) -> str:
    """A second published version of a specification; its digest."""
    with ledger.transaction(LEAD) as tx:
        above = names.versions(tx, name)[-1:]
        about = {**SPEC, "name": name, "note": "clearer", **changed}
        made = artifacts.put(tx, "spec", about, above)
        effect = proposals.name_version(name)
        asked = proposals.propose(tx, "spec", made.digest, effect, "second")
    with ledger.transaction(SENIOR) as tx:
        proposals.decide(tx, asked.id, True)
    return made.digest


@pytest.fixture
def quarrel(timed: Ledger, clock: Clock) -> Campaign:
    """A campaign in which two people agree no better than chance on sixty comparisons."""
    campaign = open_campaign(timed, items=130, annotators=3, overlap=2)
    judged(timed, campaign, agree=False, items=60)
    clock.now += MINUTE
    return campaign


def test_a_campaign_that_surely_does_not_agree_is_paused_with_its_evidence(
    timed: Ledger, quarrel: Campaign
) -> None:
    found = look(timed)
    assert isinstance(found.kappa, Estimate)
    assert found.kappa.high < 0.4
    assert pause(timed)
    assert look(timed).state == "paused"
    assert not pause(timed)  # once is enough
    with timed.reader() as reader:
        assert campaigns.get(reader, "support").state == "paused"
    assert verify(timed).ok


def test_people_who_agree_or_hardly_began_are_left_alone(timed_sqlite: Ledger) -> None:
    campaign = open_campaign(timed_sqlite, items=60, overlap=2)
    judged(timed_sqlite, campaign, agree=False, items=LEAST - 1)
    assert isinstance(look(timed_sqlite).kappa, NotEnough)
    assert not pause(timed_sqlite)
    other = open_campaign(timed_sqlite, "other", items=60, overlap=2, round=2)
    judged(timed_sqlite, other, agree=True, items=60)
    assert look(timed_sqlite, "other").too_low is False


def test_a_paused_campaign_goes_on_under_a_newer_comparable_specification_only(
    timed: Ledger, quarrel: Campaign
) -> None:
    pause(timed)
    with pytest.raises(Conflict, match="people do not agree"):
        resume(timed)
    with (
        pytest.raises(Conflict, match="campaign resume support"),
        timed.transaction(LEAD) as tx,
    ):
        campaigns.set_state(tx, campaigns.get(tx, "support"), "open", "let us go on")
    with pytest.raises(BadInput, match="no newer version"):
        resume(timed, spec="spec/x")
    newer = mended(timed)
    now = resume(timed, spec="spec/x")
    assert (now.state, now.spec) == ("open", newer)
    assert {quarrel.spec, newer} <= set(now.parents)
    # The old disagreement does not stop it again; new work follows the new version.
    assert isinstance(look(timed).kappa, NotEnough)
    judged(timed, now, agree=True, items=60)
    assert look(timed).too_low is False
    with timed.transaction(LEAD) as tx:
        batch = batches.close(tx, campaigns.get(tx, "support"))
    assert batch.manifest["spec"] == newer
    with timed.reader() as reader:
        rows = artifacts.read_rows(reader, batch, "comparisons")
    assert {one["spec"] for row in rows for one in row["judgments"]} == {quarrel.spec, newer}
    assert verify(timed).ok


def test_a_specification_that_breaks_comparability_needs_another_campaign(
    timed_sqlite: Ledger,
) -> None:
    campaign = open_campaign(timed_sqlite, items=60, overlap=2)
    judged(timed_sqlite, campaign, agree=False, items=60)
    pause(timed_sqlite)
    newer = mended(timed_sqlite, epoch=2)
    with pytest.raises(BadInput, match=r"breaks comparability.*campaign request"):
        resume(timed_sqlite, spec=newer)
    other = mended(timed_sqlite, "spec/other")
    with pytest.raises(BadInput, match="no newer version"):
        resume(timed_sqlite, spec=other)


def test_an_override_is_named_and_judged_by_what_comes_after_it(
    timed: Ledger, quarrel: Campaign, clock: Clock
) -> None:
    pause(timed)
    now = resume(timed, override=True)
    assert now.state == "open"
    assert isinstance(look(timed).kappa, NotEnough)
    clock.now += MINUTE
    judged(timed, now, agree=False, items=60)
    assert pause(timed)


def test_a_leads_own_pause_needs_no_new_specification(timed_sqlite: Ledger) -> None:
    campaign = open_campaign(timed_sqlite)
    with timed_sqlite.transaction(LEAD) as tx:
        campaigns.set_state(tx, campaign, "paused", "holiday")
    assert resume(timed_sqlite).state == "open"
    with pytest.raises(Conflict, match="is open, not paused"):
        resume(timed_sqlite)


def test_who_may(timed_sqlite: Ledger) -> None:
    campaign = open_campaign(timed_sqlite, items=60, overlap=2)
    judged(timed_sqlite, campaign, agree=False, items=60)
    with pytest.raises(NotPermitted):
        pause(timed_sqlite, "ann0")
    pause(timed_sqlite)
    with pytest.raises(NotPermitted), timed_sqlite.transaction("ann0") as tx:
        pausing.resume(tx, campaigns.get(tx, "support"), "please", override=True)
    with pytest.raises(BadInput, match="say why"), timed_sqlite.transaction(LEAD) as tx:
        pausing.resume(tx, campaigns.get(tx, "support"), " ", override=True)
    assert publish(timed_sqlite) == "spec/x"
