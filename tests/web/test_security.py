"""What stands before every route: origin, size, pace, headers."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from fastapi.testclient import TestClient
from tests.web.conftest import Browser, Desk, MakeDesk

from prefloop.core.errors import Corrupt, PrefloopError, Unavailable
from prefloop.store import Reader
from prefloop.web import app as web
from prefloop.web import identity, security
from prefloop.web.identity import csrf_of
from prefloop.web.throttle import Throttle, address_of

DRIVER = "the ledger at sqlite:////srv/ledger.db cannot be used: disk I/O error"


def post(desk: Desk, path: str = "/api/campaigns/x/leave", **headers: str) -> Any:
    browser = desk.browser("cleo")
    token = csrf_of(browser.cookies[identity.COOKIE])
    return browser.post(path, headers={"x-csrf-token": token, **headers})


def test_a_write_comes_from_our_own_pages(desk: Desk) -> None:
    for origin in ("http://desk.test", None):
        sent = {"origin": origin} if origin else {}
        assert post(desk, **sent).status_code == 404, "let through: there is no such campaign"
    for origin in (
        "http://evil.example",
        "https://desk.test",
        "http://desk.test:8000",
        "http://desk.test.evil.example",
        "null",
        "",
    ):
        answer = post(desk, origin=origin)
        assert answer.status_code == 403, origin
        assert "page of another site" in answer.json()["error"]


def test_where_a_browser_says_so_another_sites_write_is_refused_without_an_origin(
    desk: Desk,
) -> None:
    for site, status in (
        ("same-origin", 404),
        ("none", 404),
        ("cross-site", 403),
        ("same-site", 403),
    ):
        assert post(desk, **{"sec-fetch-site": site}).status_code == status


def test_behind_a_proxy_the_set_address_counts(make_desk: MakeDesk) -> None:
    desk = make_desk("address: https://labels.example.org")
    assert post(desk, origin="https://labels.example.org").status_code == 404
    assert post(desk, origin="http://desk.test").status_code == 403


def test_reading_is_not_asked_where_it_comes_from(desk: Desk) -> None:
    answer = desk.browser("cleo").get("/account", headers={"origin": "http://evil.example"})
    assert answer.status_code == 200
    assert "access-control-allow-origin" not in answer.headers


def test_a_body_beyond_the_limit_is_refused_whether_or_not_it_says_its_length(desk: Desk) -> None:
    browser = desk.browser("cleo")
    headers = {"x-csrf-token": csrf_of(browser.cookies[identity.COOKIE])}
    most = security.MOST_BODY
    path = "/api/campaigns/x/turn"
    said = browser.post(path, content=b"{" + b" " * most, headers=headers)
    assert (said.status_code, "4 MiB" in said.json()["error"]) == (413, True)

    def chunks() -> Any:
        for _ in range(most // 65536 + 1):
            yield b" " * 65536

    unsaid = browser.post(path, content=chunks(), headers=headers)
    assert (unsaid.status_code, "4 MiB" in unsaid.json()["error"]) == (413, True)
    form = browser.post("/account/password", data={"old": "x" * most}, headers=headers)
    assert form.status_code == 413
    within = browser.post(path, content=b"{}" + b" " * (most - 2), headers=headers)
    assert within.status_code != 413


@pytest.mark.parametrize("length", ["-1", "x", "1e9", ""])
def test_a_length_that_is_none_is_refused(desk: Desk, length: str) -> None:
    sent: list[Any] = []

    async def app(*_: Any) -> None:
        sent.append("through")

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": "POST", "path": "/", "scheme": "http",
        "headers": [(b"host", b"localhost"), (b"content-length", length.encode())],
    }  # fmt: skip
    asyncio.run(security.Guard(app)(scope, None, send))  # type: ignore[arg-type]
    assert "through" not in sent
    assert sent[0]["status"] == 413


def test_every_answer_says_what_may_run_and_is_not_kept(desk: Desk) -> None:
    browser = desk.browser("cleo")
    for path in ("/account", "/sign-in", "/nowhere", "/api/nowhere", "/static/style.css"):
        headers = browser.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == ("no-cache" if "static" in path else "no-store")
        assert "strict-transport-security" not in headers
    secure = desk.browser("cleo", base="https://desk.test").get("/account")
    assert secure.headers["strict-transport-security"] == "max-age=31536000"


def test_no_page_holds_script_or_style_of_its_own(desk: Desk) -> None:
    import re

    desk.give_password("ana")
    browser = desk.browser("ana")
    pages = ["/", "/account", "/people", "/proposals", "/sign-in"]
    for text in (browser.get(path).text for path in pages):
        assert not re.search(r"<script(?![^>]* src=)", text)
        assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", text)


def test_while_the_database_is_away_pages_say_so_and_come_back(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away() -> None:
        raise Unavailable(DRIVER)

    signed, stranger = desk.browser("cleo"), desk.browser()
    with monkeypatch.context() as gone:
        gone.setattr(desk.project.ledger, "reader", away)
        for browser, path in ((signed, "/account"), (stranger, "/invite/x")):
            answer = browser.get(path)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
            assert "away or busy" in answer.text
            assert "ledger.db" not in answer.text
        api = signed.get("/api/campaigns/x/last")
        assert api.status_code == 503
        assert api.json()["error"].startswith("the ledger is away or busy")
    assert DRIVER in caplog.text, "who runs the server reads it"
    assert signed.get("/account").status_code == 200


def test_what_the_database_says_is_shown_to_nobody(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A statement that the real database refuses, in a page and for a program."""

    @contextmanager
    def broken() -> Iterator[Reader]:
        with real() as reader:
            reader.connection.exec_driver_sql("SELECT secret FROM nowhere")
            yield reader

    browser, real = desk.browser("cleo"), desk.project.ledger.reader
    monkeypatch.setattr(desk.project.ledger, "reader", broken)
    for path in ("/account", "/api/campaigns/x/last"):
        answer = browser.get(path)
        assert answer.status_code == 503
        for secret in ("nowhere", "SELECT", "sqlite", str(desk.project.folder)):
            assert secret not in answer.text


@pytest.mark.parametrize("kind", [PrefloopError, Unavailable, Corrupt])
def test_no_503_names_a_file(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, kind: type[PrefloopError]
) -> None:
    def broken() -> None:
        raise kind(DRIVER)

    browser = desk.browser("cleo")
    monkeypatch.setattr(desk.project.ledger, "reader", broken)
    answer = browser.get("/account")
    assert (answer.status_code, "ledger.db" in answer.text) == (503, False)


@pytest.mark.parametrize("base", ["http://desk.test", "https://desk.test"])
def test_a_mistake_of_ours_is_a_page_with_every_header_and_without_a_traceback(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, base: str
) -> None:
    def broken(*_: Any) -> None:
        raise ZeroDivisionError("a secret of ours")

    browser = desk.browser("cleo", base)
    fine = browser.get("/account").headers
    monkeypatch.setattr(desk.project.ledger, "reader", broken)
    client = TestClient(desk.app, base, cookies=browser.cookies, raise_server_exceptions=False)
    for path in ("/account", "/api/campaigns/x/last"):
        answer = client.get(path)
        assert answer.status_code == 500
        for name, value in fine.items():
            if name not in ("content-length", "content-type"):
                assert answer.headers[name] == value
        assert "something went wrong here" in answer.text
        for secret in ("a secret of ours", "ZeroDivision", "Traceback"):
            assert secret not in answer.text
    assert client.get("/account").headers["content-type"].startswith("text/html")
    assert set(client.get("/api/campaigns/x/last").json()) == {"error"}


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("desk.test", 200), ("DESK.test:8000", 200), ("evil.example", 421), ("", 421),
        ("desk.test.evil.example", 421), ("evil@desk.test", 421), ("desk.test/x", 421),
        ("desk.test:8000:1", 421), ("desk.test evil", 421), ("127.0.0.1", 421),
    ],
)  # fmt: skip
def test_only_our_own_names_are_answered(desk: Desk, host: str, status: int) -> None:
    browser = desk.browser("ana")
    answer = browser.get("/account", headers={"host": host})
    assert answer.status_code == status
    # A page of evil.example that was pointed here is of one origin with us, as browsers see it.
    sent = {"host": host, "origin": f"http://{host}"}
    data = {"csrf": csrf_of(browser.cookies[identity.COOKIE]), "role": ["admin"]}
    made = browser.post("/people/invitations", headers=sent, data=data)
    assert made.status_code == status
    assert ("/invite/" in made.text) is (status == 200)
    if status != 200:
        assert answer.text == made.text
        assert len(answer.text.splitlines()) == 1
        assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_two_names_are_none(desk: Desk) -> None:
    sent = [("host", "desk.test"), ("host", "evil.example")]
    assert desk.browser("ana").get("/account", headers=sent).status_code == 421


HERE = {"localhost", "127.0.0.1", "::1"}


@pytest.mark.parametrize(
    ("address", "listening", "names"),
    [
        (None, "127.0.0.1", HERE),
        (None, "10.0.0.3", HERE | {"10.0.0.3"}),
        (None, "box.lan", HERE | {"box.lan"}),
        (None, "0.0.0.0", None),
        (None, "::", None),
        ("https://Labels.example.org:8443", "0.0.0.0", HERE | {"labels.example.org"}),
        ("https://labels.example.org", "10.0.0.3", HERE | {"labels.example.org", "10.0.0.3"}),
    ],
)
def test_our_names_are_the_addresses_that_are_set_and_listened_on(
    address: str | None, listening: str, names: set[str] | None
) -> None:
    found = security.hosts_of(address, listening)
    assert (found if found is None else set(found)) == names


def test_under_any_name_links_repeat_none(desk: Desk) -> None:
    anyone = web.create(desk.project, None)
    browser = Browser(anyone, base_url="http://evil.example", follow_redirects=False)
    browser.cookies.set(identity.COOKIE, anyone.state.sessions.start("ana"))
    page = browser.press("/people", "/people/invitations", role=["lead"])
    assert page.status_code == 200
    assert '<pre class="secret">/invite/' in page.text
    assert "evil.example" not in page.text


def test_a_session_that_runs_wild_is_stopped_and_others_are_not(desk: Desk) -> None:
    desk.app.state.throttle = Throttle(session=5)
    wild, calm = desk.browser("cleo"), desk.browser("ben")
    answers = [wild.get("/account") for _ in range(6)]
    assert [one.status_code for one in answers] == [200] * 5 + [429]
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 61
    assert calm.get("/account").status_code == 200


def test_an_address_that_tries_names_of_sessions_is_stopped(desk: Desk) -> None:
    desk.app.state.throttle = Throttle(anonymous=5)
    browser = desk.browser()
    for n in range(5):
        browser.cookies.set(identity.COOKIE, f"guess-{n}")
        assert browser.get("/account").status_code == 303
    assert browser.get("/account").status_code == 429


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("testclient", "testclient"),
    ],
)
def test_an_ipv6_network_is_one_address(host: str, address: str) -> None:
    from fastapi import Request

    assert address_of(Request({"type": "http", "client": (host, 1)})) == address
