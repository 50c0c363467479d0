"""Changes that take two people: nobody approves their own, and approval is the change."""

import threading
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.conftest import make_ledger

from prefloop.core.errors import BadInput, Conflict, NotFound, NotPermitted, PrefloopError
from prefloop.store import Ledger, artifacts, names, people, proposals, tables
from prefloop.store.proposals import Proposal, name_version, point_tag
from prefloop.store.verify import verify

ROLES = {
    "ana": ("admin",),
    "lee": ("lead",),
    "liv": ("lead",),
    "sam": ("senior",),
    "eli": ("engineer",),
    "root": ("admin", "lead", "senior", "engineer"),
}


def staffed(ledger: Ledger) -> Ledger:
    with ledger.transaction("ana") as tx:
        for handle, roles in ROLES.items():
            people.add(tx, handle, roles)
    return ledger


def put(ledger: Ledger, kind: str = "spec", n: int = 1) -> str:
    with ledger.transaction("eli") as tx:
        return artifacts.put(tx, kind, {"n": n}).digest


def propose(ledger: Ledger, who: str = "eli", n: int = 1, name: str = "spec/x") -> Proposal:
    digest = put(ledger, n=n)
    with ledger.transaction(who) as tx:
        return proposals.propose(tx, "spec", digest, name_version(name), "better")


def decide(ledger: Ledger, who: str, proposal: str, approve: bool = True) -> Proposal:
    with ledger.transaction(who) as tx:
        return proposals.decide(tx, proposal, approve, "read it")


def versions(ledger: Ledger, name: str = "spec/x") -> list[str]:
    with ledger.reader() as reader:
        return names.versions(reader, name)


def test_approval_by_a_second_person_names_exactly_the_digest_proposed(ledger: Ledger) -> None:
    staffed(ledger)
    one = propose(ledger, n=1)
    propose(ledger, n=2)  # a later artifact does not slip into the earlier proposal
    assert one.state == "open"
    assert versions(ledger) == []
    assert decide(ledger, "sam", one.id).state == "approved"
    assert versions(ledger) == [one.subject]
    assert verify(ledger).ok


@pytest.mark.parametrize("who", ["lee", "sam", "root"])
def test_nobody_approves_their_own_and_admins_are_no_exception(
    sqlite_ledger: Ledger, who: str
) -> None:
    staffed(sqlite_ledger)
    own = propose(sqlite_ledger, who)
    with pytest.raises(NotPermitted, match="somebody else has to approve it"):
        decide(sqlite_ledger, who, own.id)
    with pytest.raises(NotPermitted):
        decide(sqlite_ledger, who, own.id, approve=False)
    assert versions(sqlite_ledger) == []
    with sqlite_ledger.reader() as reader:
        assert proposals.get(reader, own.id).state == "open"


@pytest.mark.parametrize("who", ["ana", "eli"])
def test_a_role_that_may_not_approve_cannot(sqlite_ledger: Ledger, who: str) -> None:
    staffed(sqlite_ledger)
    one = propose(sqlite_ledger, "lee")
    with pytest.raises(NotPermitted, match="it takes the role lead or senior"):
        decide(sqlite_ledger, who, one.id)


def test_a_decided_proposal_is_decided(sqlite_ledger: Ledger) -> None:
    staffed(sqlite_ledger)
    yes, no = propose(sqlite_ledger, n=1), propose(sqlite_ledger, n=2)
    decide(sqlite_ledger, "sam", yes.id)
    assert decide(sqlite_ledger, "sam", no.id, approve=False).state == "rejected"
    for who in ("sam", "lee"):
        with pytest.raises(Conflict, match="already approved"):
            decide(sqlite_ledger, who, yes.id, approve=False)
        with pytest.raises(Conflict, match="already rejected"):
            decide(sqlite_ledger, who, no.id)
    assert versions(sqlite_ledger) == [yes.subject]


def test_two_people_deciding_at_once_decide_once(database_url: str, tmp_path: Path) -> None:
    ledger = staffed(make_ledger(database_url, tmp_path))
    made = [propose(ledger, n=n, name=f"spec/x{n}") for n in range(8)]
    start, lost = threading.Barrier(2), []

    def work(who: str, approve: bool) -> None:
        for one in made:
            start.wait()
            try:
                decide(ledger, who, one.id, approve)
            except Conflict:
                lost.append(one.id)

    threads = [threading.Thread(target=work, args=pair) for pair in (("sam", True), ("lee", False))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(lost) == sorted(one.id for one in made)  # one of the two, each time
    with ledger.reader() as reader:
        assert len(reader.all(sa.select(tables.decision))) == len(made)
        for n, one in enumerate(made):
            approved = proposals.get(reader, one.id).state == "approved"
            assert names.versions(reader, f"spec/x{n}") == ([one.subject] if approved else [])
    ledger.close()


def test_an_effect_that_fails_takes_the_approval_with_it(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    staffed(ledger)
    one = propose(ledger)

    def broken(*_: object) -> str:
        raise PrefloopError("the disk is full")

    monkeypatch.setattr(names, "add_version", broken)
    with pytest.raises(PrefloopError, match="disk is full"):
        decide(ledger, "sam", one.id)
    monkeypatch.undo()
    with ledger.reader() as reader:
        assert proposals.get(reader, one.id).state == "open"
    assert decide(ledger, "sam", one.id).state == "approved"


def test_the_same_open_proposal_twice_is_one_and_a_rejected_one_may_be_asked_again(
    sqlite_ledger: Ledger,
) -> None:
    staffed(sqlite_ledger)
    one = propose(sqlite_ledger)
    assert propose(sqlite_ledger, "lee").id == one.id
    assert propose(sqlite_ledger, name="spec/other").id != one.id
    decide(sqlite_ledger, "sam", one.id, approve=False)
    assert propose(sqlite_ledger).id != one.id


def test_an_id_is_found_by_its_tail_but_never_by_a_wildcard(ledger: Ledger) -> None:
    staffed(ledger)
    one = propose(ledger)
    with ledger.reader() as reader:
        assert proposals.get(reader, one.id[-8:]).id == one.id
        for wrong in ("", one.id[-7:], "%" * 8, "_" * 36, "%%%%%%%%%" + one.id[-4:]):
            with pytest.raises(NotFound, match="no proposal"):
                proposals.get(reader, wrong)


def test_what_is_not_in_the_ledger_cannot_be_proposed(sqlite_ledger: Ledger) -> None:
    staffed(sqlite_ledger)
    with pytest.raises(NotFound), sqlite_ledger.transaction("eli") as tx:
        proposals.propose(tx, "spec", "0" * 64, name_version("spec/x"), "why")


def test_an_effect_that_could_not_be_carried_out_is_refused_at_once(sqlite_ledger: Ledger) -> None:
    digest = put(staffed(sqlite_ledger))
    effects = [{"do": "delete"}, {"do": "name"}, {}, name_version("Not A Name"), point_tag("")]
    for effect in effects:
        with pytest.raises(BadInput), sqlite_ledger.transaction("eli") as tx:
            proposals.propose(tx, "spec", digest, effect, "why")


def test_those_who_approve_specifications_cannot_make_a_model_champion(
    sqlite_ledger: Ledger,
) -> None:
    # sam may approve specifications and datasets, and not releases.
    staffed(sqlite_ledger)
    model = put(sqlite_ledger, "model")
    for action in ("spec", "dataset"):
        for effect in (point_tag("champion"), name_version("policy/x")):
            with pytest.raises(NotPermitted), sqlite_ledger.transaction("eli") as tx:
                proposals.propose(tx, action, model, effect, "why")
    with sqlite_ledger.transaction("eli") as tx:
        with pytest.raises(NotPermitted, match="no decision to promote it"):
            proposals.propose(tx, "release", model, point_tag("champion"), "why")
        about = {"stage": "release", "verdict": "pass", "subject": model}
        gate = artifacts.put(tx, "gate_result", about, [model]).digest
        artifacts.put(tx, "release", {"decision": "promote", "model": model}, [model, gate])
        with pytest.raises(NotPermitted, match="points a tag"):
            proposals.propose(tx, "release", model, name_version("policy/x"), "why")
        release = proposals.propose(tx, "release", model, point_tag("champion"), "why")
    with pytest.raises(NotPermitted):
        decide(sqlite_ledger, "sam", release.id)
    decide(sqlite_ledger, "lee", release.id)
    with sqlite_ledger.reader() as reader:
        assert names.tags(reader) == {"champion": model}


def test_every_step_is_an_event(sqlite_ledger: Ledger) -> None:
    staffed(sqlite_ledger)
    decide(sqlite_ledger, "sam", propose(sqlite_ledger, n=1).id)
    decide(sqlite_ledger, "sam", propose(sqlite_ledger, n=2).id, approve=False)
    with sqlite_ledger.reader() as reader:
        found = reader.all(sa.select(tables.event).order_by(tables.event.c.seq))
    assert [(row.action, row.actor) for row in found[len(ROLES) :]] == [
        ("artifact.spec", "eli"),
        ("spec.propose", "eli"),
        ("spec.approve", "sam"),
        ("name.add", "sam"),
        ("artifact.spec", "eli"),
        ("spec.propose", "eli"),
        ("spec.reject", "sam"),
    ]
