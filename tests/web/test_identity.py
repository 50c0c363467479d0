"""Every route asks for one thing of the one table; every object belongs to somebody."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import RouteContext, iter_route_contexts
from tests.web.annotating import Office, open_office
from tests.web.conftest import ROLES, Browser, Desk

from prefloop.core.errors import BadInput
from prefloop.store import audit, people, sessions, tokens
from prefloop.web import app as web
from prefloop.web import identity
from prefloop.web.identity import Anyone, Half, May, csrf_of

# Who may come without being signed in. A route that is added here is a decision.
PUBLIC = {
    "GET /sign-in",
    "POST /sign-in",
    "GET /sign-in/provider",
    "GET /sign-in/provider/back",
    "GET /invite/{value}",
    "POST /invite/{value}",
}
HALF_SIGNED = {
    "GET /sign-in/code",
    "POST /sign-in/code",
    "GET /sign-in/set-up",
    "POST /sign-in/set-up",
}


def routes() -> Iterator[tuple[str, RouteContext]]:
    """ "GET /path", and the route behind it."""
    for router in web.ROUTERS:
        for route in iter_route_contexts(router.routes):
            for method in sorted(route.methods or ()):
                yield f"{method} {route.path}", route


def guards(route: RouteContext) -> list[Any]:
    """The requirements that stand before a route."""
    found = [one.call for one in route.dependant.dependencies]
    return [one for one in found if isinstance(one, May | Anyone | Half)]


GUARDED = {
    name: guard.action for name, route in routes() for guard in guards(route)
    if isinstance(guard, May)
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "route"), list(routes()), ids=lambda v: v if isinstance(v, str) else ""
)
def test_every_route_has_exactly_one_guard(name: str, route: RouteContext) -> None:
    (guard,) = guards(route)
    assert isinstance(guard, Anyone) == (name in PUBLIC)
    assert isinstance(guard, Half) == (name in HALF_SIGNED)
    if isinstance(guard, May):
        assert guard.action in people.PERMISSIONS


def test_the_application_has_no_other_way_in(desk: Desk) -> None:
    known = {route.path for _, route in routes()} | {"/static"}
    assert {route.path for route in iter_route_contexts(desk.app.routes)} == known


def ask(browser: Browser, name: str, **headers: str) -> Any:
    method, path = name.split(" ")
    return browser.request(method, re.sub(r"{\w+}", "x", path), headers=headers)


@pytest.mark.parametrize("handle", ROLES)
def test_each_role_gets_through_where_the_table_says_and_nowhere_else(
    desk: Desk, handle: str
) -> None:
    (role,) = ROLES[handle]
    for name, action in GUARDED.items():
        browser = desk.browser(handle)
        token = csrf_of(browser.cookies[identity.COOKIE])
        answer = ask(browser, name, **{"x-csrf-token": token})
        said = " ".join(reversed(action.split(".")))  # "person.add": may not add person
        refused = answer.status_code == 403 and f"may not {said}" in answer.text
        assert refused == (role not in people.PERMISSIONS[action]), (name, answer.text[:300])
        assert answer.status_code != 401
        assert "/sign-in?" not in answer.headers.get("location", "")


def test_nobody_gets_through_without_a_session(desk: Desk) -> None:
    for name in GUARDED:
        answer = ask(desk.browser(), name)
        where = answer.headers.get("location", "")
        assert answer.status_code == 401 or where.startswith("/sign-in"), name
    for name in HALF_SIGNED:
        for browser in (desk.browser(), desk.browser("cleo")):
            assert ask(browser, name).headers["location"].startswith("/sign-in")


def test_every_write_needs_the_pages_token(desk: Desk) -> None:
    browser = desk.browser("ana")
    other = csrf_of("another session")
    for name in GUARDED:
        if not name.startswith("GET"):
            for sent in ({}, {"x-csrf-token": "x"}, {"x-csrf-token": other}):
                answer = ask(browser, name, **sent)
                assert answer.status_code == 403, name
                assert "reload it" in answer.text
    assert not [a for a in desk.actions() if a.startswith("session")]


def test_a_token_does_what_it_is_for_and_nothing_that_guards_people(desk: Desk) -> None:
    with desk.project.ledger.transaction("olga") as tx:
        value = tokens.create(tx, "olga", "export", ["audit.read"], 1)
    browser = desk.browser()
    bearer = {"authorization": f"Bearer {value}"}
    assert browser.get("/audit", headers=bearer).status_code == 200
    # No cookie, so no other site can make a browser send it: no token of a page is needed.
    assert browser.post("/audit/verify", headers=bearer).status_code == 200
    for path in ("/", "/proposals", "/account", "/people"):
        answer = browser.get(path, headers=bearer)
        assert answer.status_code == 403
        assert "this token is not for" in answer.text
    assert set(tokens.SCOPES).isdisjoint({"account", "person.add", "role.grant"})
    assert not [s for s in tokens.SCOPES if "approve" in s or "decide" in s]


def test_a_token_is_worth_no_more_than_its_person(desk: Desk) -> None:
    with desk.project.ledger.transaction("olga") as tx:
        value = tokens.create(tx, "olga", "export", ["audit.read", "quality.read"], 1)
    bearer = {"authorization": f"Bearer {value}"}
    browser = desk.browser()
    assert browser.post("/api/campaigns/x/leave", headers=bearer).status_code == 403
    assert browser.get("/audit", headers=bearer).status_code == 200
    with desk.project.ledger.transaction("ana") as tx:
        people.grant(tx, "olga", "auditor", False)
    desk.app.state.sessions.forget()  # a few seconds later
    assert browser.get("/audit", headers=bearer).status_code == 403


def test_nobody_makes_a_token_for_what_they_may_not_do(desk: Desk) -> None:
    for actor in ("olga", "ana"):  # the admin neither, for somebody else
        with (
            pytest.raises(BadInput, match="olga may not judge either"),
            desk.project.ledger.transaction(actor) as tx,
        ):
            tokens.create(tx, "olga", "export", ["audit.read", "judge"], 1)


def test_a_session_is_no_token_and_a_token_no_session(desk: Desk) -> None:
    with desk.project.ledger.transaction("olga") as tx:
        value = tokens.create(tx, "olga", "export", ["audit.read"], 1)
    cookie = desk.app.state.sessions.start("olga")
    browser, program = desk.browser(), desk.browser()
    browser.cookies.set(identity.COOKIE, cookie)
    bearer = {"authorization": f"Bearer {value}"}
    for _ in range(2):  # looked up, and found a moment ago
        assert browser.get("/audit").status_code == 200
        assert program.get("/audit", headers=bearer).status_code == 200
        swapped = desk.browser()
        assert (
            swapped.get("/audit", headers={"authorization": f"Bearer {cookie}"}).status_code == 401
        )
        swapped.cookies.set(identity.COOKIE, value)
        assert swapped.get("/audit").status_code == 303


def test_what_is_revoked_while_it_is_looked_up_is_not_kept(desk: Desk) -> None:
    cookie, known = desk.app.state.sessions.start("olga"), desk.app.state.sessions
    real = known._session

    def slow(name: str) -> identity.Signed | None:
        found: identity.Signed | None = real(name)
        with desk.project.ledger.transaction("olga") as tx:
            sessions.end(tx, name)
        known.forget()
        return found

    known._session = slow
    assert known.find(cookie) is not None
    known._session = real
    assert known.find(cookie) is None


def test_a_token_ends_with_its_day_and_when_it_is_revoked(each_desk: Desk) -> None:
    ledger = each_desk.project.ledger
    with ledger.transaction("olga") as tx:
        first, second = (tokens.create(tx, "olga", n, ["audit.read"], 1) for n in ("a", "b"))
        kept = {one.name: one.id for one in tokens.listing(tx, "olga")}
    browser = each_desk.browser()

    def status(value: str) -> int:
        each_desk.app.state.sessions.forget()
        answer = browser.get("/audit", headers={"authorization": f"Bearer {value}"})
        return int(answer.status_code)

    assert (status(first), status(second)) == (200, 200)
    with ledger.transaction("olga") as tx:
        tokens.revoke(tx, "olga", kept["a"])
    assert (status(first), status(second)) == (401, 200)
    real = ledger.clock
    ledger.clock = lambda connection: real(connection) + 86_400_000_001
    assert status(second) == 401
    assert status("pfl_nonsense") == 401


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    opened = open_office(tmp_path)
    opened.campaign()
    yield opened
    opened.project.ledger.close()


def test_nobody_touches_what_is_anothers(office: Office) -> None:
    """Object by owner: assignment, draft, words, judgment, session, token."""
    mine, other = (office.cookie(handle) for handle in ("ann0", "ann1"))

    def send(cookie: str, method: str, path: str, **more: Any) -> Any:
        browser = Browser(office.app, base_url="http://desk.test", follow_redirects=False)
        browser.cookies.set(identity.COOKIE, cookie)
        headers = {"x-csrf-token": csrf_of(cookie)}
        return browser.request(method, path, headers=headers, **more)

    turn = "/api/campaigns/support/turn"
    given = send(mine, "POST", turn, json={"want": 2}).json()
    assignment = given["next"][0]["assignment"]
    draft = {"choice": 1, "rationale": "mine alone", "at": 1}
    assert send(mine, "PUT", f"/api/drafts/{assignment}", json=draft).status_code == 200
    with office.project.as_("ann0").transaction() as tx:
        value = tokens.create(tx, "ann0", "mine", ["judge"], 1)
        token = tokens.listing(tx, "ann0")[0].id
    session = office.app.state.sessions.find(mine).session
    submission = {"assignment": assignment, "key": assignment, "choice": 1}
    edited = {"assignment": assignment, "response": 1, "text": "yours", "key": "k"}
    tries: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", turn, {"json": {"submission": submission}}),
        ("POST", turn, {"json": {"submission": {**submission, "revises": True}}}),
        ("PUT", f"/api/drafts/{assignment}", {"json": {**draft, "rationale": "yours", "at": 9}}),
        ("GET", f"/api/campaigns/support/words/{assignment}", {}),
        ("POST", "/api/campaigns/support/edit", {"json": edited}),
        ("POST", f"/account/sessions/{session}/end", {}),
        ("POST", f"/account/tokens/{token}/revoke", {}),
    ]
    for method, path, more in tries:
        answer = send(other, method, path, **more)
        assert answer.status_code in (403, 404), (path, answer.status_code, answer.text)
        assert "mine alone" not in answer.text
    assert send(other, "GET", "/api/campaigns/support/last").json()["said"] is None
    taken = {
        one["assignment"] for one in send(other, "POST", turn, json={"want": 2}).json()["next"]
    }
    assert assignment not in taken
    # All of it is as it was.
    assert send(mine, "GET", "/account").status_code == 200
    assert office.app.state.sessions.token(value) is not None
    again = send(mine, "POST", turn, json={"want": 2}).json()
    kept = {one["assignment"]: one["draft"] for one in again["next"]}
    assert kept[assignment]["rationale"] == "mine alone"
    with office.project.reader() as reader:
        done = [row["action"] for row in audit.listing(reader.connection, 500)]
    assert "judgment" not in " ".join(done)


def test_looking_up_a_session_is_one_statement_and_then_none(desk: Desk) -> None:
    import sqlalchemy as sa

    cookie = desk.app.state.sessions.start("olga")
    desk.app.state.sessions.forget()
    said: list[str] = []
    engine = desk.project.ledger.engine
    sa.event.listen(engine, "before_cursor_execute", lambda *given: said.append(given[2]))
    for expected in (1, 1):
        assert desk.app.state.sessions.find(cookie).roles == {"auditor"}
        assert len([one for one in said if "web_session" in one]) == expected


def test_the_cookie_over_tls_is_the_only_one_that_counts_there(desk: Desk) -> None:
    browser = desk.browser(base="https://desk.test")
    browser.cookies.set(identity.COOKIE, desk.app.state.sessions.start("ana"))
    assert browser.get("/account").status_code == 303
    assert desk.browser("ana", base="https://desk.test").get("/account").status_code == 200
