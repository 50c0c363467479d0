"""A desk with one person of each role, and clients that behave like browsers before its pages."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyotp
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from prefloop.core.digest import new_id
from prefloop.flows.project import Project, init, open_project
from prefloop.store import passwords, people, second_factor, tables
from prefloop.web import app as web
from prefloop.web import identity

HOST = "desk.test"
PASSWORD = "correct horse battery staple"
ROLES = {
    "ana": ("admin",),
    "ben": ("lead",),
    "sam": ("senior",),
    "cleo": ("annotator",),
    "eric": ("engineer",),
    "olga": ("auditor",),
}


class Browser(TestClient):
    """A client that keeps cookies and sends a page's own token with its forms."""

    def press(self, page: str, action: str, **fields: Any) -> Any:
        """Open `page` and send the form that posts to `action`, as a person would."""
        shown = self.get(page)
        csrf = re.search(r'name="csrf" value="([^"]+)"', shown.text)
        assert csrf, f"{page} has no form: {shown.status_code} {shown.text[:300]}"
        body = {"csrf": csrf.group(1), **fields}
        return self.post(action, data=body)


@dataclass
class Desk:
    """A project, its application and its people."""

    project: Project
    app: FastAPI

    def browser(self, handle: str = "", base: str = "http://desk.test") -> Browser:
        """A browser, with a session of this person."""
        made = Browser(self.app, base_url=base, follow_redirects=False)
        if handle:
            name = identity.SECURE_COOKIE if base.startswith("https") else identity.COOKIE
            made.cookies.set(name, self.app.state.sessions.start(handle))
        return made

    def from_before(self, handle: str, role: str) -> None:
        """Somebody who came when handles had no rule."""
        person = {"id": new_id(), "handle": handle, "created": 1}
        grant = {"id": new_id(), "person": person["id"], "role": role, "granted": True}
        groups = [(tables.person, [person]), (tables.role_grant, [grant])]
        with self.project.ledger.transaction("ana") as tx:
            tx.append_many(groups, action="person.add", subject=handle)

    def give_password(self, handle: str, password: str = PASSWORD) -> None:
        with self.project.ledger.transaction("ana") as tx:
            passwords.set_hash(tx, handle, passwords.hashed(handle, password))

    def give_factor(self, handle: str) -> tuple[pyotp.TOTP, list[str]]:
        """A second factor that is on; its app, and the recovery codes."""
        ledger = self.project.ledger
        with ledger.transaction(handle) as tx:
            second_factor.prepare(tx, handle)
            app = pyotp.TOTP(second_factor.secret(tx, handle))
            # The step before: the present one stays free for the test.
            codes = second_factor.confirm(tx, handle, app.at(tx.now // 1_000_000 - 30))
        return app, codes

    def now(self) -> int:
        """The ledger's clock in seconds."""
        with self.project.reader() as reader:
            return reader.ledger.clock(reader.connection) // 1_000_000

    def actions(self) -> list[str]:
        """Every event's action and subject, oldest first."""
        from prefloop.store import audit

        with self.project.reader() as reader:
            rows = audit.listing(reader.connection, 1000)
        return [f"{row['action']} {row['subject']}" for row in reversed(rows)]


MakeDesk = Callable[..., Desk]


@pytest.fixture
def make_desk(tmp_path: Path) -> Iterator[MakeDesk]:
    """make_desk("second_factor: []", "idle_minutes: 5") with these lines under `access`."""
    opened: list[Desk] = []

    def made(*access: str) -> Desk:
        folder = tmp_path / f"desk{len(opened)}"
        init(folder, "desk", "ana", b"k" * 32)
        if access:
            lines = "\n".join(f"  {line}" for line in access)
            path = folder / "prefloop.yaml"
            path.write_text(f"{path.read_text()}access:\n{lines}\n")
        project = open_project(folder, "ana")
        with project.transaction() as tx:
            for role in ("lead", "engineer"):
                people.grant(tx, "ana", role, False)
            for handle, roles in ROLES.items():
                if handle != "ana":
                    people.add(tx, handle, roles)
        opened.append(Desk(project, web.create(project, (HOST, "labels.example.org"))))
        return opened[-1]

    yield made
    for desk in opened:
        desk.project.ledger.close()


@pytest.fixture
def desk(make_desk: MakeDesk) -> Desk:
    return make_desk()


@pytest.fixture(params=["sqlite", "postgresql"])
def each_desk(
    request: pytest.FixtureRequest, make_desk: MakeDesk, monkeypatch: pytest.MonkeyPatch
) -> Desk:
    """The same on both databases."""
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql_url")
        monkeypatch.setenv("PREFLOOP_DATABASE_URL", url)
    return make_desk()
