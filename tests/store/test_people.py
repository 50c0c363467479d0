"""Who may do what: the one table, walked cell by cell, and how people come and change."""

import threading

import pytest

from prefloop.core.errors import BadInput, Conflict, NotFound, NotPermitted
from prefloop.store import Ledger, people
from prefloop.store.verify import verify

# The permission table as the house rules have it, written a second time so that a change to one
# of them is a decision. Columns: admin, lead, senior, annotator, engineer, auditor.
RULES = """
person.add       x . . . . .
role.grant       x . . . . .
spec.propose     . x x . x .
spec.approve     . x x . . .
prompts.add      . x . . x .
campaign.manage  . x . . . .
campaign.request . x . . x .
judge            . . x x . .
spot_check       . x x . . .
import           . x . . x .
dataset.propose  . x . . x .
dataset.approve  . x x . . .
train            . . . . x .
evaluate         . x . . x .
gate.check       . x . . x .
release.propose  . . . . x .
release.approve  . x . . . .
quarantine.propose . x x . . .
quarantine.approve . x x . . .
quality.read     . x x . x x
quality.check    . x . . x .
annotator.plan   . x x . . .
group.declare    . . x x . .
bias.read        . . . . . x
text.erase       x x . . . .
proposal.read    x x x . x x
proposal.decide  . x x . . .
audit.read       x . . . . x
account          x x x x x x
verify           x x x x x x
"""
GRID = {
    line.split()[0].replace("_", " "): [mark == "x" for mark in line.split()[1:]]
    for line in RULES.strip().splitlines()
}


def hire(ledger: Ledger, **roles: str) -> None:
    """People with roles, e.g. ben="lead senior"; the first is the admin Ana."""
    with ledger.transaction("ana") as tx:
        if not people.handles(tx):
            people.add(tx, "ana", ("admin",))
        for handle, names in roles.items():
            people.add(tx, handle, tuple(names.split()))


def allowed(ledger: Ledger, handle: str) -> dict[str, bool]:
    """Every action: whether `require` lets this person through."""
    found = {}
    with ledger.transaction(handle) as tx:
        for action in people.PERMISSIONS:
            try:
                people.require(tx, action)
            except NotPermitted:
                found[action] = False
            else:
                found[action] = True
    return found


def test_every_role_may_do_what_the_table_says_and_nothing_else(ledger: Ledger) -> None:
    assert people.ROLES == ("admin", "lead", "senior", "annotator", "engineer", "auditor")
    assert set(GRID) == set(people.PERMISSIONS)
    hire(ledger, **{f"one-{role}": role for role in people.ROLES})
    for column, role in enumerate(people.ROLES):
        expected = {action: marks[column] for action, marks in GRID.items()}
        assert allowed(ledger, f"one-{role}") == expected, role


def test_somebody_without_a_role_may_do_nothing(sqlite_ledger: Ledger) -> None:
    hire(sqlite_ledger, ben="")
    assert not any(allowed(sqlite_ledger, "ben").values())


def test_somebody_unknown_is_told_so(sqlite_ledger: Ledger) -> None:
    hire(sqlite_ledger)
    with (
        pytest.raises(NotFound, match="nobody here is called mallory"),
        sqlite_ledger.transaction("mallory") as tx,
    ):
        people.require(tx, "verify")


def test_several_roles_add_up(sqlite_ledger: Ledger) -> None:
    hire(sqlite_ledger, ben="annotator engineer")
    both = allowed(sqlite_ledger, "ben")
    assert both["judge"]
    assert both["train"]
    assert not both["person.add"]


def test_a_role_can_be_taken_away_and_given_again(ledger: Ledger) -> None:
    hire(ledger, ben="lead")
    for granted in (False, True, False, False):
        with ledger.transaction("ana") as tx:
            people.grant(tx, "ben", "lead", granted)
        assert allowed(ledger, "ben")["campaign.manage"] is granted
    assert verify(ledger).ok


def test_the_first_person_needs_nobodys_leave_and_the_second_an_admin(
    sqlite_ledger: Ledger,
) -> None:
    hire(sqlite_ledger, ben="lead senior annotator engineer auditor")
    with (
        pytest.raises(NotPermitted, match="it takes the role admin"),
        sqlite_ledger.transaction("ben") as tx,
    ):
        people.add(tx, "cleo", ("annotator",))
    with sqlite_ledger.reader() as reader:
        assert people.handles(reader) == ["ana", "ben"]


def test_nobody_gives_roles_to_themselves(sqlite_ledger: Ledger) -> None:
    hire(sqlite_ledger, ben="lead")
    with pytest.raises(NotPermitted), sqlite_ledger.transaction("ben") as tx:
        people.grant(tx, "ben", "admin")


def test_a_ledger_cannot_begin_or_end_up_without_an_admin(ledger: Ledger) -> None:
    with (
        pytest.raises(BadInput, match="the first person needs the role admin"),
        ledger.transaction("ana") as tx,
    ):
        people.add(tx, "ana", ("lead",))
    hire(ledger, ben="admin")
    with ledger.transaction("ana") as tx:
        people.grant(tx, "ana", "admin", False)
    with pytest.raises(Conflict, match="ben is the only admin"), ledger.transaction("ben") as tx:
        people.grant(tx, "ben", "admin", False)


def test_two_people_cannot_have_one_handle(sqlite_ledger: Ledger) -> None:
    hire(sqlite_ledger, ben="lead")
    with pytest.raises(Conflict, match="already a person called ben"):
        hire(sqlite_ledger, ben="annotator")


def test_nobody_new_has_a_handle_that_is_none(sqlite_ledger: Ledger) -> None:
    for handle in ("", "zed/../ana", "(unknown)"):
        with pytest.raises(BadInput, match="handle"), sqlite_ledger.transaction("ana") as tx:
            people.add(tx, handle, ("admin",))
        with pytest.raises(BadInput, match="handle"), sqlite_ledger.transaction("ana") as tx:
            people.join(tx, handle, ("admin",), "ana")


def test_two_people_cannot_have_one_handle_but_for_its_case_at_one_moment(ledger: Ledger) -> None:
    hire(ledger)
    refused: list[Exception] = []

    def second() -> None:
        try:
            hire(ledger, Ben="annotator")
        except Conflict as error:
            refused.append(error)

    with ledger.transaction("ana") as tx:
        people.add(tx, "ben", ("lead",))
        other = threading.Thread(target=second)
        other.start()
        other.join(0.2)  # long enough to look, and to wait for us
    other.join()
    assert [str(error) for error in refused] == [
        "there is already a person called ben: choose another handle"
    ]
    with ledger.reader() as reader:
        assert people.handles(reader) == ["ana", "ben"]


def test_an_unknown_role_is_refused_and_nothing_is_written(sqlite_ledger: Ledger) -> None:
    with pytest.raises(BadInput, match="no role 'boss'"):
        hire(sqlite_ledger, ben="lead boss")
    assert verify(sqlite_ledger).events == 0
