"""The decision: recorded with its gate, and two people before the champion moves."""

import pytest

from prefloop.core.errors import BadInput, GateClosed, NotPermitted
from prefloop.release.decision import CHAMPION, Recorded, record
from prefloop.store import Ledger, artifacts, names, people, proposals
from prefloop.store.artifacts import Artifact
from prefloop.store.verify import verify


@pytest.fixture(autouse=True)
def _people(ledger: Ledger) -> None:
    with ledger.transaction("eli") as tx:
        people.add(tx, "eli", ("admin", "engineer", "lead"))
        people.add(tx, "lena", ("lead",))
        people.add(tx, "ben", ("engineer",))


def model(ledger: Ledger, name: str = "new") -> Artifact:
    with ledger.transaction("eli") as tx:
        return artifacts.put(tx, "model", {"role": "policy", "name": name})


def gate(ledger: Ledger, subject: Artifact, verdict: str, stage: str = "release") -> Artifact:
    about = {"stage": stage, "subject": subject.digest, "verdict": verdict, "explanation": "why"}
    with ledger.transaction("eli") as tx:
        return artifacts.put(tx, "gate_result", about, [subject.digest])


def decided(ledger: Ledger, candidate: Artifact, result: Artifact, word: str) -> Recorded:
    with ledger.transaction("eli") as tx:
        return record(tx, candidate.digest, result, word, ["tone: a small fall"])  # type: ignore[arg-type]


def champion(ledger: Ledger) -> str | None:
    with ledger.reader() as reader:
        return names.tags(reader).get(CHAMPION)


def test_a_promotion_waits_for_a_second_person_before_the_champion_moves(ledger: Ledger) -> None:
    candidate = model(ledger)
    done = decided(ledger, candidate, gate(ledger, candidate, "warn"), "promote")
    assert done.proposal is not None
    assert done.proposal.reason == "tone: a small fall"
    assert champion(ledger) is None
    with pytest.raises(NotPermitted, match="somebody else has to approve"):  # noqa: SIM117
        with ledger.transaction("eli") as tx:
            proposals.decide(tx, done.proposal.id, True)
    assert champion(ledger) is None
    with ledger.transaction("lena") as tx:
        proposals.decide(tx, done.proposal.id, True, "looked at it")
    assert champion(ledger) == candidate.digest
    assert verify(ledger).ok


def test_a_rejected_promotion_moves_nothing(ledger: Ledger) -> None:
    candidate = model(ledger)
    done = decided(ledger, candidate, gate(ledger, candidate, "pass"), "promote")
    assert done.proposal is not None
    with ledger.transaction("lena") as tx:
        proposals.decide(tx, done.proposal.id, False, "not before the holidays")
    assert champion(ledger) is None


@pytest.mark.parametrize(("verdict", "word"), [("insufficient_data", "hold"), ("fail", "refuse")])
def test_hold_and_refuse_change_nothing_but_the_record(
    ledger: Ledger, verdict: str, word: str
) -> None:
    candidate = model(ledger)
    result = gate(ledger, candidate, verdict)
    done = decided(ledger, candidate, result, word)
    assert done.proposal is None
    assert champion(ledger) is None
    assert done.release.manifest == {
        "decision": word,
        "model": candidate.digest,
        "reasons": ["tone: a small fall"],
    }
    assert done.release.parents == tuple(sorted([candidate.digest, result.digest]))


@pytest.mark.parametrize("verdict", ["fail", "insufficient_data"])
def test_a_promotion_against_its_gate_is_refused_and_leaves_nothing(
    ledger: Ledger, verdict: str
) -> None:
    candidate = model(ledger)
    result = gate(ledger, candidate, verdict)
    with pytest.raises(GateClosed, match=f"says {verdict}: why"):
        decided(ledger, candidate, result, "promote")
    with ledger.reader() as reader:
        assert artifacts.listing(reader, "release") == []
        assert proposals.listing(reader) == []


def test_a_gate_on_another_model_and_another_stage_and_no_gate_do_not_serve(
    ledger: Ledger,
) -> None:
    candidate, other = model(ledger), model(ledger, "other")
    with pytest.raises(BadInput, match="is no gate on"):
        decided(ledger, candidate, gate(ledger, other, "pass"), "promote")
    with pytest.raises(BadInput, match="is no gate on"):
        decided(ledger, candidate, other, "promote")
    with pytest.raises(GateClosed, match="no release gate_result"):
        decided(ledger, candidate, gate(ledger, candidate, "pass", "policy"), "promote")


def test_the_same_decision_twice_is_one_release_and_one_proposal(ledger: Ledger) -> None:
    candidate = model(ledger)
    result = gate(ledger, candidate, "pass")
    one, two = (decided(ledger, candidate, result, "promote") for _ in range(2))
    assert one == two


def test_only_an_engineer_decides_and_only_a_lead_approves(ledger: Ledger) -> None:
    candidate = model(ledger)
    result = gate(ledger, candidate, "pass")
    with pytest.raises(NotPermitted, match=r"lena may not propose release"):  # noqa: SIM117
        with ledger.transaction("lena") as tx:
            record(tx, candidate.digest, result, "promote", [])
    done = decided(ledger, candidate, result, "promote")
    assert done.proposal is not None
    with pytest.raises(NotPermitted, match=r"ben may not approve release"):  # noqa: SIM117
        with ledger.transaction("ben") as tx:
            proposals.decide(tx, done.proposal.id, True)
