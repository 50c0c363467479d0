"""Getting in and out: password, second factor, recovery codes, and what is written down."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pyotp
import pytest
from tests.web.conftest import PASSWORD, Browser, Desk, MakeDesk

from prefloop.store import audit, people, second_factor
from prefloop.store.verify import verify
from prefloop.web import identity
from prefloop.web.throttle import Throttle


def enter(browser: Browser, handle: str, password: str = PASSWORD, **more: str) -> Any:
    return browser.press("/sign-in", "/sign-in", handle=handle, password=password, **more)


def test_a_page_leads_to_the_sign_in_and_after_it_back_to_the_page(each_desk: Desk) -> None:
    each_desk.give_password("olga")
    browser = each_desk.browser()
    sent = browser.get("/audit")
    assert (sent.status_code, sent.headers["location"]) == (303, "/sign-in?next=/audit")
    done = browser.press(
        "/sign-in?next=/audit", "/sign-in", handle="olga", password=PASSWORD, next="/audit"
    )
    assert (done.status_code, done.headers["location"]) == (303, "/audit")
    assert browser.get("/audit").status_code == 200
    assert "sign-in olga" in each_desk.actions()
    assert verify(each_desk.project.ledger).ok


def test_a_program_without_a_session_is_told_so(desk: Desk) -> None:
    answer = desk.browser().get("/api/campaigns/x/last")
    assert (answer.status_code, answer.json()) == (401, {"error": "sign in first"})


@pytest.mark.parametrize(
    ("handle", "password"),
    [
        ("cleo", "wrong horse battery"),
        ("nobody", PASSWORD),
        ("cleo", ""),
        ("ben", PASSWORD),
        ("\u202e", "x"),
    ],
)
def test_what_is_wrong_is_not_told_apart(desk: Desk, handle: str, password: str) -> None:
    desk.give_password("cleo")  # ben has none
    browser = desk.browser()
    answer = browser.press("/sign-in", "/sign-in", handle=handle, password=password or " ")
    assert answer.status_code == 422
    assert "this name and password do not go together" in answer.text
    assert identity.COOKIE not in browser.cookies
    known = handle if handle in ("cleo", "ben") else "(unknown)"
    assert desk.actions()[-1] == f"sign-in.failed {known}"


def test_the_audit_chain_holds_no_password_no_address_and_no_cookie(desk: Desk) -> None:
    desk.give_password("cleo")
    browser = desk.browser()
    browser.press("/sign-in", "/sign-in", handle="my secret phrase", password=PASSWORD)
    browser.press("/sign-in", "/sign-in", handle="cleo", password=PASSWORD)
    shown = desk.browser("olga").get("/audit").text
    for secret in (PASSWORD, "my secret phrase", "testclient", browser.cookies[identity.COOKIE]):
        assert secret not in shown


def test_the_database_holds_only_digests(desk: Desk) -> None:
    desk.give_password("cleo")
    app, codes = desk.give_factor("cleo")
    cookie = desk.app.state.sessions.start("cleo")
    dump = (desk.project.folder / ".prefloop" / "ledger.db").read_bytes()
    dump += (desk.project.folder / ".prefloop" / "ledger.db-wal").read_bytes()
    assert b"$argon2id$v=19$m=19456,t=2,p=1$" in dump
    for secret in (PASSWORD, app.secret, cookie, *codes):
        assert secret.encode() not in dump


def test_signing_in_takes_the_forms_token(desk: Desk) -> None:
    desk.give_password("cleo")
    browser = desk.browser()
    browser.get("/sign-in")
    for body in ({}, {"csrf": "x"}, {"csrf": ""}):
        answer = browser.post("/sign-in", data={"handle": "cleo", "password": PASSWORD, **body})
        assert answer.status_code == 403
        assert "reload it" in answer.text
    assert (
        desk.browser()
        .post("/sign-in", data={"handle": "cleo", "password": PASSWORD, "csrf": ""})
        .status_code
        == 403
    )


def test_signing_out_ends_the_session_at_once(each_desk: Desk) -> None:
    browser = each_desk.browser("cleo")
    cookie = browser.cookies[identity.COOKIE]
    assert browser.get("/account").status_code == 200
    out = browser.press("/account", "/sign-out")
    assert (out.status_code, out.headers["location"]) == (303, "/sign-in")
    browser.cookies.set(identity.COOKIE, cookie)
    assert browser.get("/account").status_code == 303
    assert each_desk.actions()[-1] == "sign-out cleo"


def test_a_session_gets_a_new_name_at_sign_in(desk: Desk) -> None:
    desk.give_password("cleo")
    browser = desk.browser()
    planted = desk.app.state.sessions.start("eric")
    browser.cookies.set(identity.COOKIE, planted)
    browser.get("/sign-in")
    browser.cookies.delete(identity.COOKIE)
    enter(browser, "cleo")
    assert browser.cookies[identity.COOKIE] != planted


@pytest.mark.parametrize(
    "after", ["//evil.example", "https://evil.example", "/\\evil", "javascript:x"]
)
def test_nobody_is_led_away_after_signing_in(desk: Desk, after: str) -> None:
    desk.give_password("cleo")
    done = enter(desk.browser(), "cleo", next=after)
    assert done.headers["location"] == "/"


def test_over_tls_the_cookie_is_bound_to_the_host(desk: Desk) -> None:
    desk.give_password("cleo")
    browser = desk.browser(base="https://desk.test")
    done = browser.press("/sign-in", "/sign-in", handle="cleo", password=PASSWORD)
    (cookie,) = [c for c in done.headers.get_list("set-cookie") if "session" in c]
    assert cookie.startswith("__Host-prefloop-session=")
    for part in ("HttpOnly", "Secure", "SameSite=lax", "Path=/", "Max-Age=43200"):
        assert part in cookie
    assert "Domain" not in cookie
    plain = desk.browser()
    done = plain.press("/sign-in", "/sign-in", handle="cleo", password=PASSWORD)
    (cookie,) = [c for c in done.headers.get_list("set-cookie") if "session" in c]
    assert cookie.startswith("prefloop-session=")
    assert "HttpOnly" in cookie


def test_the_second_factor_is_asked_for_and_a_code_counts_once(each_desk: Desk) -> None:
    each_desk.give_password("cleo")
    app, _ = each_desk.give_factor("cleo")
    browser = each_desk.browser()
    done = enter(browser, "cleo")
    assert done.headers["location"] == "/sign-in/code?next=/"
    assert browser.get("/account").status_code == 303, "half signed in is not signed in"
    code = app.at(each_desk.now())
    wrong = browser.press(
        "/sign-in/code", "/sign-in/code", code="000000" if code != "000000" else "1"
    )
    assert wrong.status_code == 422
    half = browser.cookies[identity.COOKIE]
    done = browser.press("/sign-in/code", "/sign-in/code", code=code, next="/account")
    assert done.headers["location"] == "/account"
    assert browser.cookies[identity.COOKIE] != half
    assert browser.get("/account").status_code == 200
    again = each_desk.browser()
    enter(again, "cleo")
    assert again.press("/sign-in/code", "/sign-in/code", code=code).status_code == 422
    actions = each_desk.actions()
    assert actions.count("sign-in cleo") == 1
    assert actions.count("sign-in.failed cleo") == 2


def test_a_code_of_the_step_before_or_after_fits_and_older_ones_do_not(desk: Desk) -> None:
    app, _ = desk.give_factor("cleo")  # took the step before the present one

    def take(code: str) -> str | None:
        with desk.project.ledger.transaction("cleo") as tx:
            return second_factor.take(tx, "cleo", code)

    now = desk.now()
    # Well inside a step, or the next second is another one.
    if now % 30 > 27:
        now += 30
    assert take(app.at(now - 90)) is None
    assert take(app.at(now + 90)) is None
    assert take(app.at(now + 30)) == "code"
    assert take(app.at(now)) is None, "a step before one that was taken"


def test_of_two_requests_with_one_code_one_wins(each_desk: Desk) -> None:
    app, _ = each_desk.give_factor("cleo")
    code, taken = app.at(each_desk.now()), []
    barrier = threading.Barrier(4)

    def take() -> None:
        barrier.wait()
        with each_desk.project.ledger.transaction("cleo") as tx:
            taken.append(second_factor.take(tx, "cleo", code))

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken, key=str) == [None, None, None, "code"]


def test_a_recovery_code_counts_once_however_it_is_typed(each_desk: Desk) -> None:
    each_desk.give_password("cleo")
    _, codes = each_desk.give_factor("cleo")
    assert len(set(codes)) == 10
    for typed, status in ((codes[0].upper().replace("-", " "), 303), (codes[0], 422)):
        browser = each_desk.browser()
        enter(browser, "cleo")
        assert browser.press("/sign-in/code", "/sign-in/code", code=typed).status_code == status
    with each_desk.project.reader() as reader:
        assert second_factor.state(reader, "cleo") == second_factor.Factor(True, 9)


def test_anothers_recovery_code_is_worth_nothing(desk: Desk) -> None:
    desk.give_factor("cleo")
    _, codes = desk.give_factor("eric")
    with desk.project.ledger.transaction("cleo") as tx:
        assert second_factor.take(tx, "cleo", codes[0]) is None


def test_a_role_that_requires_it_sets_it_up_before_anything_else(each_desk: Desk) -> None:
    each_desk.give_password("ana")
    browser = each_desk.browser()
    done = enter(browser, "ana")
    assert done.headers["location"] == "/sign-in/set-up?next=/"
    assert browser.get("/people").status_code == 303
    page = browser.get("/sign-in/set-up")
    with each_desk.project.reader() as reader:
        app = pyotp.TOTP(second_factor.secret(reader, "ana"))
    assert " ".join(app.secret[i : i + 4] for i in range(0, 32, 4)) in page.text
    assert "data:image/svg+xml;" in page.text
    assert browser.press("/sign-in/set-up", "/sign-in/set-up", code="1").status_code == 422
    done = browser.press("/sign-in/set-up", "/sign-in/set-up", code=app.at(each_desk.now()))
    assert "Keep these recovery codes" in done.text
    assert browser.get("/people").status_code == 200
    with each_desk.project.reader() as reader:
        assert second_factor.state(reader, "ana") == second_factor.Factor(True, 10)


def test_no_role_requires_it_where_the_setting_says_so(make_desk: MakeDesk) -> None:
    desk = make_desk("second_factor: []")
    desk.give_password("ana")
    done = enter(desk.browser(), "ana")
    assert done.headers["location"] == "/"


def test_guessing_is_slowed_by_person_and_by_address(desk: Desk) -> None:
    desk.give_password("cleo")
    desk.app.state.throttle = Throttle(failures_of_person=3, failures_from_address=5)
    browser = desk.browser()
    assert [enter(browser, "cleo", "x").status_code for _ in range(4)] == [422] * 3 + [429]
    assert enter(browser, "cleo").status_code == 429
    assert "try again in 15 minutes" in enter(browser, "cleo").text
    assert [enter(browser, f"x{n}", "x").status_code for n in range(3)] == [422, 422, 429]


def test_a_stranger_elsewhere_does_not_shut_somebody_out_at_once(desk: Desk) -> None:
    desk.give_password("cleo")
    desk.app.state.throttle = Throttle(failures_of_person=3, failures_anywhere=5)
    stranger = Browser(
        desk.app, "http://desk.test", follow_redirects=False, client=("192.0.2.66", 1)
    )
    assert [enter(stranger, "cleo", "x").status_code for _ in range(4)] == [422] * 3 + [429]
    assert enter(desk.browser(), "cleo").status_code == 303
    for n in range(5):  # from a new address each time
        other = Browser(
            desk.app, "http://desk.test", follow_redirects=False, client=(f"192.0.2.{n}", 1)
        )
        assert enter(other, "cleo", "x").status_code == 422
    assert enter(desk.browser(), "cleo").status_code == 429


def test_many_people_of_one_address_sign_in(desk: Desk) -> None:
    desk.give_password("cleo")
    desk.app.state.throttle = Throttle(failures_of_person=3, failures_from_address=3)
    for _ in range(8):
        assert enter(desk.browser(), "cleo").status_code == 303


def test_codes_cannot_be_tried_without_end(desk: Desk) -> None:
    desk.give_password("cleo")
    desk.give_factor("cleo")
    desk.app.state.throttle = Throttle(failures_of_person=3)
    browser = desk.browser()
    enter(browser, "cleo")
    tried = [
        browser.press("/sign-in/code", "/sign-in/code", code=f"{n:06}").status_code
        for n in range(4)
    ]
    assert tried == [422, 422, 422, 429]


def test_nobody_is_kept_from_their_second_factor_by_a_name_alone(desk: Desk) -> None:
    desk.give_password("cleo")
    app, _ = desk.give_factor("cleo")
    desk.app.state.throttle = Throttle(failures_of_person=3, failures_anywhere=5)
    browser = desk.browser()
    enter(browser, "cleo")
    for n in range(6):
        stranger = Browser(desk.app, "http://desk.test", client=(f"192.0.2.{n}", 1))
        for handle in ("cleo", "cleo second factor", "second factor/cleo", "second factor"):
            enter(stranger, handle, "x")
    done = browser.press("/sign-in/code", "/sign-in/code", code=app.at(desk.now()))
    assert done.status_code == 303


def test_signing_in_over_somebody_elses_session_signs_them_out_at_once(each_desk: Desk) -> None:
    each_desk.give_password("sam")
    browser, elsewhere = each_desk.browser(), each_desk.browser()
    form = browser.get("/sign-in").text.partition('name="csrf" value="')[2].partition('"')[0]
    cookie = each_desk.app.state.sessions.start("cleo")
    for one in (browser, elsewhere):
        one.cookies.set(identity.COOKIE, cookie)
        assert one.get("/account").status_code == 200
    body = {"csrf": form, "handle": "sam", "password": PASSWORD}
    assert browser.post("/sign-in", data=body).status_code == 303
    assert elsewhere.get("/account").status_code == 303
    assert each_desk.actions()[-2:] == ["sign-out cleo", "sign-in sam"]
    with each_desk.project.reader() as reader:
        out = audit.listing(reader.connection, 2)[1]
    assert (out["actor"], out["detail"]["by"]) == ("sam", "another sign-in")


def test_a_right_password_and_a_factor_that_is_prepared_are_events(each_desk: Desk) -> None:
    for handle in ("ana", "cleo"):
        each_desk.give_password(handle)
    each_desk.give_factor("cleo")
    enter(each_desk.browser(), "cleo")
    assert each_desk.actions()[-1] == "sign-in.password cleo"
    enter(each_desk.browser(), "ana")  # whose role requires one, and who has none yet
    assert each_desk.actions()[-2:] == ["second-factor.prepare ana", "sign-in.password ana"]
    assert "sign-in cleo" not in each_desk.actions()


def test_who_saw_a_secret_before_it_was_confirmed_knows_nothing_of_the_next(desk: Desk) -> None:
    desk.give_password("ana")
    thief, owner, seen = desk.browser(), desk.browser(), []
    for browser in (thief, owner):
        enter(browser, "ana")
        with desk.project.reader() as reader:
            seen.append(pyotp.TOTP(second_factor.secret(reader, "ana")))
    for app, status in zip(seen, (422, 200), strict=True):
        code = app.at(desk.now())
        assert owner.press("/sign-in/set-up", "/sign-in/set-up", code=code).status_code == status


def test_losing_a_role_ends_the_sessions_and_the_right(each_desk: Desk) -> None:
    browser = each_desk.browser("olga")
    assert browser.get("/audit").status_code == 200
    admin = each_desk.browser("ana")
    done = admin.press("/people", "/people/roles", handle="olga", role="auditor", granted="false")
    assert done.status_code == 303
    assert browser.get("/audit").status_code == 303
    again = each_desk.browser("olga")
    assert again.get("/audit").status_code == 403


def test_a_role_taken_by_another_process_is_gone_within_seconds(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = desk.browser("olga")
    assert browser.get("/audit").status_code == 200
    with desk.project.ledger.transaction("ana") as tx:  # as the command line does
        people.grant(tx, "olga", "auditor", False)
    assert browser.get("/audit").status_code == 200
    later = time.monotonic() + identity.CACHE_SECONDS
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert browser.get("/audit").status_code == 303


@pytest.fixture
def shifted(desk: Desk) -> Callable[[int], None]:
    """Move the ledger's clock by minutes."""
    real = desk.project.ledger.clock

    def by(minutes: int) -> None:
        desk.project.ledger.clock = lambda connection: real(connection) + minutes * 60_000_000
        desk.app.state.sessions.forget()

    return by


def test_an_unused_session_ends_and_one_in_use_goes_on(
    desk: Desk, shifted: Callable[[int], None]
) -> None:
    browser = desk.browser("olga")
    for minutes in range(50, 700, 50):  # each within the 60 of the setting
        shifted(minutes)
        assert browser.get("/audit").status_code == 200
    shifted(650 + 61)
    assert browser.get("/audit").status_code == 303


def test_every_session_ends_after_twelve_hours(desk: Desk, shifted: Callable[[int], None]) -> None:
    browser = desk.browser("olga")
    for minutes in range(50, 720, 50):
        shifted(minutes)
        assert browser.get("/audit").status_code == 200
    shifted(721)
    assert browser.get("/audit").status_code == 303


def test_the_second_factor_must_follow_within_ten_minutes(
    desk: Desk, shifted: Callable[[int], None]
) -> None:
    desk.give_password("cleo")
    desk.give_factor("cleo")
    browser = desk.browser()
    enter(browser, "cleo")
    assert browser.get("/sign-in/code").status_code == 200
    shifted(11)
    assert browser.get("/sign-in/code").status_code == 303
