"""Sessions in the ledger: how long they last, and how they end."""

import functools

import pytest
import sqlalchemy as sa
from tests.conftest import Clock

from prefloop.core.errors import NotFound
from prefloop.store import Ledger, people, sessions, tables
from prefloop.store.sessions import Limits
from prefloop.store.verify import verify

MINUTE = 60_000_000
LIMITS = Limits(idle=60 * MINUTE, absolute=720 * MINUTE)


@pytest.fixture
def staffed(ledger: Ledger) -> Ledger:
    """Ana and Cleo."""
    with ledger.transaction("ana") as tx:
        people.add(tx, "ana", ("admin",))
        people.add(tx, "cleo", ("annotator", "senior"))
    return ledger


def start(ledger: Ledger, handle: str = "cleo", **more: object) -> str:
    with ledger.transaction(handle) as tx:
        return sessions.start(tx, handle, "password", **more)  # type: ignore[arg-type]


def find(ledger: Ledger, name: str) -> sessions.Session | None:
    with ledger.reader() as reader:
        return sessions.find(reader, name, LIMITS)


def at(ledger: Ledger, real: Clock, minutes: int) -> None:
    """Move the ledger's clock."""
    ledger.clock = functools.partial(shifted, real, minutes)


def shifted(real: Clock, minutes: int, connection: sa.Connection) -> int:
    return real(connection) + minutes * MINUTE


def test_a_session_says_whose_it_is_and_what_they_may(staffed: Ledger) -> None:
    found = find(staffed, start(staffed, device="Firefox on Linux"))
    assert found is not None
    assert (found.handle, found.stage, found.device) == ("cleo", "open", "Firefox on Linux")
    assert found.roles == {"annotator", "senior"}
    for name in ("", "x", "\ud800"):
        assert find(staffed, name) is None


def test_somebody_without_a_role_has_a_session_without_one(staffed: Ledger) -> None:
    with staffed.transaction("ana") as tx:
        people.add(tx, "dan", ())
    found = find(staffed, start(staffed, "dan"))
    assert found is not None
    assert found.roles == frozenset()


def test_it_lasts_an_hour_unused_and_twelve_in_all(staffed: Ledger) -> None:
    real, name = staffed.clock, start(staffed)
    for minutes in (0, 59):
        at(staffed, real, minutes)
        assert find(staffed, name) is not None
    at(staffed, real, 61)
    assert find(staffed, name) is None
    for minutes in range(50, 720, 50):
        at(staffed, real, minutes)
        with staffed.transaction("cleo") as tx:
            sessions.touch(tx, name)
    at(staffed, real, 719)
    assert find(staffed, name) is not None
    at(staffed, real, 721)
    assert find(staffed, name) is None


def test_a_clock_that_was_set_back_does_not_make_it_last(staffed: Ledger) -> None:
    real, name = staffed.clock, start(staffed)
    at(staffed, real, -10)
    assert find(staffed, name) is not None
    at(staffed, real, -721)
    assert find(staffed, name) is None


def test_sessions_that_are_over_are_swept_when_another_begins(staffed: Ledger) -> None:
    real = staffed.clock
    start(staffed)
    at(staffed, real, 721)
    start(staffed, most=LIMITS.absolute)
    with staffed.reader() as reader:
        assert len(reader.all(sa.select(tables.web_session))) == 1


def test_all_of_a_persons_sessions_end_but_the_one_named(staffed: Ledger) -> None:
    first, second, other = start(staffed), start(staffed), start(staffed, "ana")
    with staffed.transaction("cleo") as tx:
        assert sessions.end_all(tx, "cleo", first) == 1
    assert [bool(find(staffed, name)) for name in (first, second, other)] == [True, False, True]
    with staffed.transaction("cleo") as tx:
        assert sessions.end_all(tx, "cleo") == 1
        assert sessions.end_all(tx, "cleo") == 0
    assert find(staffed, other) is not None
    assert verify(staffed).ok


def test_one_ends_only_by_its_own_person(staffed: Ledger) -> None:
    found = find(staffed, start(staffed))
    assert found is not None
    with pytest.raises(NotFound), staffed.transaction("ana") as tx:
        sessions.end_one(tx, "ana", found.id)
    with staffed.transaction("cleo") as tx:
        sessions.end_one(tx, "cleo", found.id)
        assert sessions.listing(tx, "cleo", LIMITS) == []


def test_taking_a_role_away_ends_them_and_giving_one_does_not(staffed: Ledger) -> None:
    name = start(staffed)
    with staffed.transaction("ana") as tx:
        people.grant(tx, "cleo", "lead")
    found = find(staffed, name)
    assert found is not None
    assert "lead" in found.roles
    with staffed.transaction("ana") as tx:
        people.grant(tx, "cleo", "lead", False)
    assert find(staffed, name) is None
