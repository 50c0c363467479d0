"""How people and programs get into the pages, from the command line."""

import io
import json
from pathlib import Path

import pytest
from tests.cli.conftest import Desk, Run, refused

from prefloop.flows.project import open_project
from prefloop.flows.ways_in import first_way_in
from prefloop.store import identities, invitations, passwords, people, second_factor, tokens

PASSWORD = "a short sentence"


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody pipes a password in."""
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))


def test_a_new_person_gets_a_link_that_lets_them_in(run: Run, desk: Desk) -> None:
    words = ["-C", desk.folder, "user", "add", "cleo", "--role", "annotator"]
    told = json.loads(run(*words, "--json").out)
    assert told["link"].startswith("http://127.0.0.1:8000/invite/")
    project = open_project(desk.folder, "ana")
    with project.reader() as reader:
        found = invitations.get(reader, told["link"].rpartition("/")[2])
    assert (found.handle, found.inviter) == ("cleo", "ana")
    project.ledger.close()


@pytest.mark.usefixtures("typed")
def test_a_password_can_come_by_standard_input(run: Run, desk: Desk) -> None:
    words = ["user", "add", "cleo", "--role", "annotator", "--password-stdin"]
    assert run("-C", desk.folder, *words).out == "added cleo: annotator\n"
    project = open_project(desk.folder, "ana")
    assert passwords.fits(project.ledger, "cleo", PASSWORD)
    project.ledger.close()


@pytest.mark.usefixtures("typed")
def test_a_password_is_set_by_an_admin_or_oneself(run: Run, desk: Desk) -> None:
    refused(run("-C", desk.folder, "--as", "ben", "user", "password", "ana"), "role admin")


def test_a_password_that_is_too_short_is_one_clear_line(
    run: Run, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("short\n"))
    refused(run("-C", desk.folder, "user", "password", "ben"), "at least 12 characters")


def test_a_link_leads_to_where_the_pages_were_last_served(run: Run, desk: Desk) -> None:
    (Path(desk.folder) / ".prefloop" / "server").write_text("http://127.0.0.1:18200")
    ran = run("-C", desk.folder, "user", "link", "ben", "--json")
    assert json.loads(ran.out)["link"].startswith("http://127.0.0.1:18200/invite/")


def test_a_lost_second_factor_is_removed_with_a_new_link(run: Run, desk: Desk) -> None:
    import pyotp

    project = open_project(desk.folder, "ana")
    with project.ledger.transaction("ana") as tx:
        second_factor.prepare(tx, "ana")
        code = pyotp.TOTP(second_factor.secret(tx, "ana")).at(tx.now // 1_000_000)
        second_factor.confirm(tx, "ana", code)
    ran = run("-C", desk.folder, "user", "link", "ana", "--remove-second-factor")
    assert ran.out.startswith("ana, once, within 72 hours: http://127.0.0.1:8000/invite/")
    with project.reader() as reader:
        assert not second_factor.state(reader, "ana").on
    project.ledger.close()


def test_tokens_are_made_listed_and_revoked(run: Run, desk: Desk) -> None:
    here = ["-C", desk.folder, "token"]
    made = run(*here, "create", "ana", "--scope", "verify", "--days", "2", "--name", "nightly")
    value = made.out.strip()
    project = open_project(desk.folder, "ana")
    with project.reader() as reader:
        held = tokens.find(reader, value)
        assert held is not None
        assert (held.handle, set(held.scopes)) == ("ana", {"verify"})
    (listed,) = json.loads(run(*here, "list", "ana", "--json").out)
    assert listed["name"] == "nightly"
    assert value not in run(*here, "list", "ana").out
    refused(run(*here, "revoke", "ana", "1234567"), "has no token")
    refused(run(*here, "revoke", "ben", listed["id"]), "has no token")
    assert run(*here, "revoke", "ana", listed["id"][-12:]).code == 0
    with project.reader() as reader:
        assert tokens.find(reader, value) is None
    project.ledger.close()


def test_somebody_is_linked_to_the_companys_sign_in(run: Run, desk: Desk) -> None:
    words = ["-C", desk.folder, "user", "identity", "ben"]
    refused(run(*words, "--email", "ben@example.org"), "no provider is set")
    path = desk.folder / "prefloop.yaml"
    provider = "access:\n  provider:\n    issuer: https://idp.example\n    client: prefloop\n"
    path.write_text(path.read_text() + provider)
    assert run(*words, "--email", "Ben@Example.org").code == 0
    project = open_project(desk.folder, "ana")
    with project.reader() as reader:
        assert identities.listing(reader)["ben"].email == "ben@example.org"
    assert run(*words).out == "ben is not linked any more\n"
    with project.reader() as reader:
        assert identities.listing(reader) == {}
    project.ledger.close()


def test_the_first_way_in_is_there_until_somebody_can_sign_in(desk: Desk) -> None:
    project = open_project(desk.folder, "ana")
    found = first_way_in(project, "https://here")
    assert found is not None
    assert found[0] == "ana"
    assert found[1].startswith("https://here/invite/")
    with project.ledger.transaction("ana") as tx:
        passwords.set_hash(tx, "ben", passwords.hashed("ben", PASSWORD))
        assert people.handles(tx) == ["ana", "ben"]
    assert first_way_in(project, "https://here") is None
    project.ledger.close()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("  second_facto: []", '"second_factor"'),
        ("  second_factor: [boss]", "boss"),
        ("  idle_minutes: 1", "idle_minutes"),
        ("  address: labels.example.org", "address"),
        ("  address: https://labels.example.org/", "address"),
    ],
)
def test_a_fault_in_access_is_named_with_its_line(
    run: Run, desk: Desk, line: str, said: str
) -> None:
    path = desk.folder / "prefloop.yaml"
    path.write_text(f"{path.read_text()}access:\n{line}\n")
    refused(run("-C", desk.folder, "log"), "prefloop.yaml:", said)
