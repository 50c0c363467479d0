"""Requests: exactly what was named is judged again, with a control, and nothing is overwritten."""

from pathlib import Path
from typing import Any

import pytest
from tests.annotation.conftest import (
    LEAD,
    SENIOR,
    SPEC,
    claim,
    item,
    open_campaign,
    rows,
    staff,
    submit,
    work,
)
from tests.conftest import make_ledger

from prefloop.annotation import batches, campaigns, requests, tables
from prefloop.annotation.campaigns import Campaign, CampaignSettings
from prefloop.annotation.filters import Filter
from prefloop.core.errors import BadInput, Conflict, NotFound, NotPermitted
from prefloop.core.records import CampaignRequest, Purpose
from prefloop.store import Ledger, artifacts, names, people, proposals, texts
from prefloop.store.artifacts import Artifact
from prefloop.store.tables import event
from prefloop.store.verify import verify

PRICES = Filter(topic=("pricing",))
QUIET = CampaignSettings(overlap=2, gold_share=0, duplicate_share=0)


@pytest.fixture
def office(timed: Ledger) -> Ledger:
    """On both databases, with an engineer."""
    hire(timed)
    return timed


def hire(ledger: Ledger) -> None:
    staff(ledger)
    with ledger.transaction(LEAD) as tx:
        people.add(tx, "eli", ("engineer",))


def july(ledger: Ledger, judged: int = 10) -> Artifact:
    """Ten comparisons, four of them on pricing, and a gold item that nobody meets; the first
    `judged` of them judged by ann0."""
    items = [item(n, topic="pricing" if n < 4 else "account") for n in range(10)]
    campaign = open_campaign(ledger, "july", [*items, item(0, "gold", topic="pricing")])
    submit(ledger, campaign, "ann0", claim(ledger, campaign, "ann0", judged))
    return close(ledger, "july")


def second_spec(ledger: Ledger) -> str:
    """The second version of the specification, of another epoch."""
    with ledger.transaction(LEAD) as tx:
        first = names.resolve(tx, "spec/x@v1").digest
        spec = artifacts.put(tx, "spec", {**SPEC, "name": "spec/x", "epoch": 2}, [first])
        effect = proposals.name_version("spec/x")
        proposal = proposals.propose(tx, "spec", spec.digest, effect, "accuracy")
    with ledger.transaction(SENIOR) as tx:
        proposals.decide(tx, proposal.id, True)
    return spec.digest


def close(ledger: Ledger, name: str) -> Artifact:
    with ledger.transaction(LEAD) as tx:
        return batches.close(tx, campaigns.get(tx, name))


def ask(
    ledger: Ledger, batch: Artifact, wanted: Filter = PRICES, who: str = "eli", **other: Any
) -> CampaignRequest:
    with ledger.transaction(who) as tx:
        about = {"spec": "spec/x", "control": 3, "reason": "old prices won", **other}
        return requests.ask(tx, batch, wanted, **about)


def take(
    ledger: Ledger, request: CampaignRequest, name: str = "again", who: str = LEAD, **other: Any
) -> tuple[Campaign, ...]:
    with ledger.transaction(who) as tx:
        return requests.take_up(tx, request, name, **{"settings": QUIET, **other})


def get(ledger: Ledger, request: CampaignRequest) -> CampaignRequest:
    with ledger.reader() as reader:
        return requests.get(reader, request.id)


def contents(ledger: Ledger, batch: Artifact) -> dict[str, dict[str, Any]]:
    with ledger.reader() as reader:
        found = artifacts.read_rows(reader, batch, "comparisons")
    return {row["comparison"]: row for row in found}


def queued(ledger: Ledger, campaign: Campaign) -> dict[str, Any]:
    return {
        row.comparison: row
        for row in rows(ledger, tables.queue_item)
        if row.campaign == campaign.id
    }


def test_a_request_names_exactly_what_the_filter_names_and_a_control(office: Ledger) -> None:
    batch = july(office)
    spec = second_spec(office)
    request = ask(office, batch)
    topics = {name: row["facts"]["topic"] for name, row in contents(office, batch).items()}
    assert len(request.comparisons) == 4
    assert {topics[name] for name in request.comparisons} == {"pricing"}
    assert len(request.control) == 3
    assert {topics[name] for name in request.control} == {"account"}
    assert (request.spec, request.sources) == (spec, (batch.digest,))
    assert (request.asked_by, request.state, request.filter) == (
        "eli",
        "open",
        {"topic": ["pricing"]},
    )
    assert get(office, request) == request
    assert verify(office).ok


def test_asking_is_one_audit_event_with_its_row(office: Ledger) -> None:
    batch = july(office)
    request = ask(office, batch)
    (said,) = [row for row in rows(office, event) if row.action == "campaign.request"]
    (kept,) = rows(office, tables.campaign_request)
    assert (said.actor, said.subject, kept.event) == ("eli", request.id, said.seq)


def test_asking_the_same_again_is_one_request_until_it_is_declined(office: Ledger) -> None:
    batch = july(office)
    first = ask(office, batch)
    assert ask(office, batch).id == first.id
    assert ask(office, batch, reason="another").id != first.id
    with office.transaction(LEAD) as tx:
        declined = requests.decline(tx, first, "no time")
    assert (declined.state, declined.answer) == ("declined", "no time")
    assert ask(office, batch).id != first.id
    with pytest.raises(Conflict, match="is declined already"):
        take(office, first)


def test_taking_it_up_opens_two_campaigns_of_the_next_round(office: Ledger) -> None:
    batch = july(office)
    second_spec(office)
    request = ask(office, batch)
    again, control = take(office, request)
    assert (again.name, control.name) == ("again", "again-2")
    assert again.settings == QUIET.model_copy(update={"purpose": Purpose.RELABEL, "round": 2})
    assert control.settings == QUIET.model_copy(update={"purpose": Purpose.EVALUATION, "round": 2})
    assert queued(office, again).keys() == set(request.comparisons)
    assert queued(office, control).keys() == set(request.control)
    assert again.spec == control.spec == request.spec
    assert set(again.parents) == {request.spec, batch.digest}
    before = contents(office, batch)
    for name, row in queued(office, again).items():
        assert (row.origin, row.wanted) == (before[name]["origin"], 2)
    taken = get(office, request)
    assert (taken.state, taken.campaigns) == ("taken up", (again.id, control.id))
    assert verify(office).ok


def test_taking_it_up_twice_is_refused_and_again_by_the_same_name_is_no_change(
    office: Ledger,
) -> None:
    request = ask(office, july(office))
    made = take(office, request)
    assert take(office, request) == made
    with pytest.raises(Conflict, match="is taken up already"):
        take(office, request, "more")
    with pytest.raises(Conflict, match="is taken up already"), office.transaction(LEAD) as tx:
        requests.decline(tx, request, "too late")
    assert len(rows(office, tables.campaign)) == 3


def test_a_second_relabelling_is_a_round_of_its_own(office: Ledger) -> None:
    batch = july(office)
    for number, name in enumerate(("again", "and again"), start=2):
        made = take(office, ask(office, batch, reason=name), name)
        assert [one.settings.round for one in made] == [number, number]
        # Everybody may judge what they judged in the round before.
        assert [work(office, made[0], who) for who in ("ann0", "ann1")] == [4, 4]
        assert [work(office, made[1], who) for who in ("ann0", "ann1")] == [3, 3]


def test_the_batch_says_what_was_asked_and_why_and_its_parents_lead_there(office: Ledger) -> None:
    batch = july(office)
    second_spec(office)
    with office.transaction(LEAD) as tx:
        shown = artifacts.put(tx, "evaluation", {"type": "suite"})
        other = artifacts.put(tx, "suite", {})
    with pytest.raises(BadInput, match="is a suite: evidence for a request is an evaluation"):
        ask(office, batch, evidence=[other])
    request = ask(office, batch, evidence=[shown])
    again, control = take(office, request)
    for who in ("ann1", "ann2"):
        work(office, again, who)
        work(office, control, who)
    judged, checked = close(office, "again"), close(office, "again-2")
    assert set(judged.parents) == {request.spec, batch.digest, shown.digest}
    said = judged.manifest["request"]
    assert (said["part"], said["reason"], said["filter"]) == (
        "relabel",
        "old prices won",
        {"topic": ["pricing"]},
    )
    assert (said["comparisons"], said["control"], said["not_judged"]) == (4, 3, 0)
    assert checked.manifest["request"] == {**said, "part": "control"}
    assert (judged.manifest["epoch"], batch.manifest["epoch"]) == (2, 1)
    assert (checked.manifest["purpose"], "request" in batch.manifest) == ("evaluation", False)
    assert judged.manifest["files"].keys() == {"comparisons"}
    # What was said before is still there, under its own specification.
    assert {row.spec for row in rows(office, tables.judgment)} == {
        request.spec,
        batch.manifest["spec"],
    }
    assert contents(office, batch).keys() > contents(office, judged).keys()
    assert verify(office).ok


def test_what_was_named_and_not_judged_is_in_the_batch(office: Ledger) -> None:
    request = ask(office, july(office))
    again, _ = take(office, request)
    (shown,) = claim(office, again, "ann1")
    submit(office, again, "ann1", [shown])
    batch = close(office, "again")
    (judged,) = contents(office, batch)
    assert batch.manifest["request"]["not_judged"] == 3
    with office.reader() as reader:
        missing = artifacts.read_rows(reader, batch, "not_judged")
    assert {row["comparison"] for row in missing} == set(request.comparisons) - {judged}


def test_the_same_work_gives_the_same_digests_on_either_database(
    sqlite_url: str, copied_postgresql_url: str, tmp_path: Path
) -> None:
    digests = []
    for number, url in enumerate((sqlite_url, copied_postgresql_url)):
        ledger = make_ledger(url, tmp_path / str(number))
        hire(ledger)
        batch = july(ledger)
        second_spec(ledger)
        again, control = take(ledger, ask(ledger, batch, who=("eli", LEAD)[number]))
        work(ledger, again, "ann1")
        work(ledger, control, "ann1")
        digests.append((close(ledger, "again").digest, close(ledger, "again-2").digest))
        ledger.close()
    assert digests[0] == digests[1]


def test_the_control_is_a_sample_that_the_seed_decides(office: Ledger) -> None:
    batch = july(office)
    drawn = {ask(office, batch, seed=seed, control=2).control for seed in range(12)}
    assert len(drawn) > 3  # of the 15 ways to draw 2 of 6
    again = ask(office, batch, seed=3, control=2)
    assert again.control == ask(office, batch, seed=3, control=2, reason="other words").control
    assert not ask(office, batch, control=0).control
    assert len(take(office, ask(office, batch, control=0))) == 1


def test_gold_and_anchors_go_with_both_campaigns_and_nothing_else_does(office: Ledger) -> None:
    request = ask(office, july(office))
    with pytest.raises(BadInput, match="only gold and anchor items"):
        take(office, request, known=[item(99)])
    made = take(office, request, known=[item(7, "gold"), item(8, "anchor")])
    for one, count in zip(made, (4, 3), strict=True):
        kinds = sorted(row.kind for row in queued(office, one).values())
        assert kinds == ["anchor", "gold", *["work"] * count]


def test_an_erased_text_is_not_asked_about(office: Ledger) -> None:
    batch = july(office)
    known = contents(office, batch)
    before = ask(office, batch)
    first = before.comparisons[0]
    with office.transaction(LEAD) as tx:
        texts.erase(tx, [known[first]["a"]], "asked to")
    after = ask(office, batch)
    assert set(after.comparisons) == set(before.comparisons) - {first}
    again, _ = take(office, before)  # asked before the erasure
    assert queued(office, again).keys() == set(after.comparisons)


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"control": 7}, "control of 7 is wanted, and the filter leaves 6"),
        ({"control": -1}, "control of -1"),
        ({"reason": "  "}, "needs a reason"),
        ({"wanted": Filter(topic=("prices",))}, 'has topic "prices": did you mean "pricing"?'),
        ({"wanted": Filter()}, "the filter says nothing"),
        ({"spec": "spec/nowhere"}, "spec/nowhere"),
    ],
)
def test_a_request_that_cannot_be_met_is_refused(
    office: Ledger, other: dict[str, Any], said: str
) -> None:
    batch = july(office)
    with pytest.raises(BadInput, match=said.replace("?", r"\?")):
        ask(office, batch, **other)
    assert not rows(office, tables.campaign_request)


def test_a_specification_that_nobody_approved_is_refused(office: Ledger) -> None:
    batch = july(office)
    with office.transaction(LEAD) as tx:
        draft = artifacts.put(tx, "spec", {**SPEC, "name": "draft"})
    with pytest.raises(BadInput, match="is not published"):
        ask(office, batch, spec=draft.digest)


def test_an_evaluation_is_not_relabelled_into_training_data(office: Ledger) -> None:
    campaign = open_campaign(office, "blind", 3, purpose="evaluation")
    work(office, campaign, "ann0")
    with pytest.raises(BadInput, match=r"\(blind\) was made to evaluate"):
        ask(office, close(office, "blind"), Filter(high_stakes=False), control=0)


def test_comparisons_that_nobody_judged_are_not_judged_again(office: Ledger) -> None:
    batch = july(office, judged=6)
    request = ask(office, batch, control=0)
    assert set(request.comparisons) < contents(office, batch).keys()
    assert len(contents(office, batch)) == 6


def test_engineers_ask_and_leads_answer(office: Ledger) -> None:
    batch = july(office)
    with pytest.raises(NotPermitted, match=r"ann0 may not request campaign"):
        ask(office, batch, who="ann0")
    request = ask(office, batch)
    with pytest.raises(NotPermitted, match=r"eli may not manage campaign"):
        take(office, request, who="eli")
    with pytest.raises(NotPermitted), office.transaction("eli") as tx:
        requests.decline(tx, request, "no")
    with pytest.raises(BadInput, match="with a reason"), office.transaction(LEAD) as tx:
        requests.decline(tx, request, " ")


def test_a_request_is_known_by_the_end_of_its_id(office: Ledger) -> None:
    request = ask(office, july(office))
    with office.reader() as reader:
        assert requests.get(reader, request.id[-12:]) == request
        assert requests.listing(reader) == [request]
        for wrong in ("", request.id[-7:], "%%%%%%%%", "nonsense"):
            with pytest.raises(NotFound, match="prefloop campaign requests"):
                requests.get(reader, wrong)
