"""What stands before every route: origin, size, pace, headers."""

import asyncio
from typing import Any

import pytest
from tests.web.conftest import Desk, MakeDesk

from prefloop.core.errors import Unavailable
from prefloop.web import identity, security
from prefloop.web.identity import csrf_of
from prefloop.web.throttle import Throttle, address_of


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
        "headers": [(b"content-length", length.encode())],
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
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise Unavailable("the database does not answer")

    signed, stranger = desk.browser("cleo"), desk.browser()
    with monkeypatch.context() as gone:
        gone.setattr(desk.project.ledger, "reader", away)
        for browser, path in ((signed, "/account"), (stranger, "/invite/x")):
            answer = browser.get(path)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
            assert "the database does not answer" in answer.text
        api = signed.get("/api/campaigns/x/last")
        assert (api.status_code, api.json()) == (503, {"error": "the database does not answer"})
    assert signed.get("/account").status_code == 200


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
