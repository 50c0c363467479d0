"""Admins and people: roles, links, accounts; and what each of it leaves in the audit chain."""

import functools
import html
import re

import pytest
import sqlalchemy as sa
from tests.conftest import Clock
from tests.web.conftest import PASSWORD, Browser, Desk, MakeDesk

from prefloop.core.errors import BadInput, Conflict, NotFound, NotPermitted
from prefloop.store import invitations, passwords, people, second_factor
from prefloop.store.verify import verify
from prefloop.web import identity
from prefloop.web.throttle import Throttle

NEW = "another short sentence"


def secret(page: str) -> str:
    """What a page shows once."""
    found = re.search(r'<pre class="secret"[^>]*>([^<]+)</pre>', page)
    assert found, page[:2000]
    return found.group(1)


def invite(desk: Desk, *roles: str) -> str:
    """A link's path."""
    page = desk.browser("ana").press("/people", "/people/invitations", role=list(roles))
    link = secret(page.text)
    assert link.startswith("http://desk.test/invite/")
    return link.removeprefix("http://desk.test")


def test_somebody_invited_chooses_a_name_and_is_in(each_desk: Desk) -> None:
    path = invite(each_desk, "annotator", "auditor")
    new = each_desk.browser()
    page = new.get(path)
    assert "ana invites you to desk as annotator, auditor" in page.text
    assert new.get(path).status_code == 200, "looking does not use it up"
    done = new.press(path, path, handle="dora", password=PASSWORD, again=PASSWORD)
    assert (done.status_code, done.headers["location"]) == (303, "/")
    assert new.get("/audit").status_code == 200
    with each_desk.project.reader() as reader:
        assert people.roles(reader, "dora") == {"annotator", "auditor"}
    assert {"invitation.create somebody new", "person.join dora", "sign-in dora"} <= set(
        each_desk.actions()
    )
    again = each_desk.browser().get(path)
    assert again.status_code == 404
    assert "ask an admin for a new one" in again.text
    assert verify(each_desk.project.ledger).ok


@pytest.mark.parametrize(
    ("handle", "password", "again", "said"),
    [
        ("dora", PASSWORD, PASSWORD + "r", "the two passwords differ"),
        ("", PASSWORD, PASSWORD, "choose the name"),
        ("cleo", PASSWORD, PASSWORD, "already a person called cleo"),
        ("zed/../ana", PASSWORD, PASSWORD, "use letters, digits, spaces"),
        ("x" * 65, PASSWORD, PASSWORD, "use 1 to 64"),
        ("Cleo", PASSWORD, PASSWORD, "already a person called cleo"),
        ("dora", "short", "short", "at least 12 characters"),
    ],
)
def test_an_answer_that_does_not_do_leaves_the_link_as_it_was(
    desk: Desk, handle: str, password: str, again: str, said: str
) -> None:
    path = invite(desk, "annotator")
    new = desk.browser()
    page = new.press(path, path, handle=handle, password=password, again=again)
    assert page.status_code in (409, 422)
    assert said in page.text
    assert PASSWORD not in page.text
    done = new.press(path, path, handle="dora", password=PASSWORD, again=PASSWORD)
    assert done.status_code == 303


def test_an_invitation_needs_a_role_that_exists(desk: Desk) -> None:
    admin = desk.browser("ana")
    for roles, said in (([], "choose at least one role"), (["boss"], "no role &#39;boss&#39;")):
        page = admin.press("/people", "/people/invitations", role=roles)
        assert page.status_code == 422
        assert said in page.text


def test_a_link_ends_with_its_hours_its_withdrawal_and_its_makers_office(desk: Desk) -> None:
    ledger, hour = desk.project.ledger, 3_600_000_000
    with ledger.transaction("ana") as tx:
        first, second = (invitations.invite(tx, ["annotator"], 72) for _ in range(2))
        people.grant(tx, "ben", "admin")
    with ledger.transaction("ben") as tx:
        third = invitations.invite(tx, ["admin"], 72)
    page = desk.browser("ana").get("/people").text
    held = re.findall(r"/people/invitations/([\w-]+)/withdraw", page)
    assert len(held) == 3
    done = desk.browser("ana").press("/people", f"/people/invitations/{held[0]}/withdraw")
    assert done.status_code == 303
    with ledger.transaction("ana") as tx:
        people.grant(tx, "ben", "admin", False)
    real = ledger.clock
    for value, later in ((first, 0), (third, 0), (second, 72 * hour)):
        ledger.clock = functools.partial(shifted, real, later)
        with pytest.raises(NotFound, match="ask an admin"), ledger.transaction("dora") as tx:
            invitations.accept(tx, value, "dora", "hash")
    ledger.clock = real
    with ledger.reader() as reader:
        assert "dora" not in people.handles(reader)


def shifted(real: Clock, later: int, connection: sa.Connection) -> int:
    return real(connection) + later


def test_only_admins_make_links_and_people_their_own(desk: Desk) -> None:
    ledger = desk.project.ledger
    with pytest.raises(NotPermitted), ledger.transaction("ben") as tx:
        invitations.invite(tx, ["annotator"], 1)
    with pytest.raises(NotPermitted), ledger.transaction("ben") as tx:
        invitations.way_in(tx, "ana", 1)
    with pytest.raises(NotPermitted), ledger.transaction("olga") as tx:
        second_factor.remove(tx, "ana")
    with ledger.transaction("ben") as tx:
        assert invitations.way_in(tx, "ben", 1)


def test_a_link_for_somebody_is_not_for_somebody_else(desk: Desk) -> None:
    with desk.project.ledger.transaction("ana") as tx:
        value = invitations.way_in(tx, "cleo", 1)
    with (
        pytest.raises(BadInput, match="this link is for cleo"),
        desk.project.ledger.transaction("ben") as tx,
    ):
        invitations.accept(tx, value, "ben", "hash")


def test_a_new_link_to_sign_in_ends_the_old_password_and_every_session(each_desk: Desk) -> None:
    each_desk.give_password("cleo")
    before = each_desk.browser("cleo")
    admin = each_desk.browser("ana")
    old = secret(admin.press("/people", "/people/link", handle="cleo").text)
    link = secret(admin.press("/people", "/people/link", handle="cleo").text)
    new = each_desk.browser()
    assert new.get(old.removeprefix("http://desk.test")).status_code == 404
    path = link.removeprefix("http://desk.test")
    assert "Welcome, cleo" in new.get(path).text
    assert before.get("/account").status_code == 200, "nothing ends before it is used"
    assert new.press(path, path, password=NEW, again=NEW).status_code == 303
    assert before.get("/account").status_code == 303
    assert not passwords.fits(each_desk.project.ledger, "cleo", PASSWORD)
    assert passwords.fits(each_desk.project.ledger, "cleo", NEW)


def test_links_cannot_be_guessed_without_end(desk: Desk) -> None:
    desk.app.state.throttle = Throttle(anonymous=5)
    tried = [desk.browser().get(f"/invite/{n}").status_code for n in range(6)]
    assert tried == [404] * 5 + [429]


def test_an_address_in_the_settings_is_in_the_links(make_desk: MakeDesk) -> None:
    desk = make_desk("address: https://labels.example.org")
    headers = {"origin": "https://labels.example.org"}
    admin = desk.browser("ana")
    admin.headers.update(headers)
    page = admin.press("/people", "/people/invitations", role=["lead"])
    assert secret(page.text).startswith("https://labels.example.org/invite/")


def test_roles_are_given_and_taken_in_the_page(desk: Desk) -> None:
    admin = desk.browser("ana")
    assert (
        admin.press(
            "/people", "/people/roles", handle="cleo", role="senior", granted="true"
        ).status_code
        == 303
    )
    with desk.project.reader() as reader:
        assert people.roles(reader, "cleo") == {"annotator", "senior"}
    for handle, role, status in (
        ("ana", "admin", 422),
        ("nobody", "lead", 422),
        ("cleo", "x", 422),
    ):
        done = admin.press("/people", "/people/roles", handle=handle, role=role, granted="false")
        assert done.status_code == status
        assert "Nothing was changed" in done.text


def test_an_admin_signs_somebody_out_and_removes_a_lost_factor(desk: Desk) -> None:
    desk.give_password("cleo")
    desk.give_factor("cleo")
    admin = desk.browser("ana")
    for path in ("/people/sessions/end", "/people/second-factor/remove"):
        browser = desk.browser("cleo")
        assert browser.get("/account").status_code == 200
        assert admin.press("/people", path, handle="cleo").status_code == 303
        assert browser.get("/account").status_code == 303
    with desk.project.reader() as reader:
        assert second_factor.state(reader, "cleo") == second_factor.Factor(False, 0)
    assert {"session.end cleo", "second-factor.off cleo"} <= set(desk.actions())


def change(browser: Browser, old: str, new: str, again: str | None = None) -> str:
    page = browser.press(
        "/account", "/account/password", old=old, new=new, again=new if again is None else again
    )
    return str(page.text)


def test_a_new_password_ends_every_other_session(each_desk: Desk) -> None:
    each_desk.give_password("cleo")
    here, elsewhere = each_desk.browser("cleo"), each_desk.browser("cleo")
    assert "this is not your password" in change(here, NEW, NEW)
    assert "the two new passwords differ" in change(here, PASSWORD, NEW, PASSWORD)
    assert elsewhere.get("/account").status_code == 200
    assert "Your password is changed" in change(here, PASSWORD, NEW)
    assert elsewhere.get("/account").status_code == 303
    assert here.get("/account").status_code == 200
    assert passwords.fits(each_desk.project.ledger, "cleo", NEW)


def test_a_second_factor_is_set_up_and_turned_off_in_the_account(each_desk: Desk) -> None:
    import pyotp

    each_desk.give_password("cleo")
    browser = each_desk.browser("cleo")
    page = browser.press("/account", "/account/second-factor", password=PASSWORD)
    key = secret(page.text).replace(" ", "")
    csrf = identity.csrf_of(browser.cookies[identity.COOKIE])
    code = pyotp.TOTP(key).at(each_desk.now())
    wrong = browser.post("/account/second-factor/confirm", data={"csrf": csrf, "code": "12"})
    assert (wrong.status_code, key in wrong.text.replace(" ", "")) == (422, True)
    done = browser.post("/account/second-factor/confirm", data={"csrf": csrf, "code": code})
    first = secret(done.text).split()
    assert len(first) == 10
    fresh = browser.press("/account", "/account/second-factor/codes", password=PASSWORD)
    second = secret(fresh.text).split()
    assert not set(first) & set(second)
    with each_desk.project.ledger.transaction("cleo") as tx:
        assert second_factor.take(tx, "cleo", first[0]) is None
    page = browser.press("/account", "/account/second-factor/remove", password="wrong")
    assert "this is not your password" in page.text
    page = browser.press("/account", "/account/second-factor/remove", password=PASSWORD)
    assert "The second factor is off" in page.text
    assert browser.get("/account").status_code == 200


def test_a_required_second_factor_cannot_be_turned_off(desk: Desk) -> None:
    desk.give_password("ana")
    desk.give_factor("ana")
    browser = desk.browser("ana")
    page = browser.press("/account", "/account/second-factor/remove", password=PASSWORD)
    assert "your role requires a second factor" in page.text
    with desk.project.reader() as reader:
        assert second_factor.state(reader, "ana").on


def test_a_secret_once_on_is_not_shown_again(desk: Desk) -> None:
    desk.give_factor("cleo")
    with pytest.raises(Conflict), desk.project.reader() as reader:
        second_factor.secret(reader, "cleo")
    with pytest.raises(Conflict), desk.project.ledger.transaction("cleo") as tx:
        second_factor.prepare(tx, "cleo")


def test_a_token_is_made_shown_once_used_and_revoked(each_desk: Desk) -> None:
    each_desk.give_password("olga")
    browser = each_desk.browser("olga")
    fields = {"name": "nightly export", "scope": ["audit.read"], "days": "30"}
    wrong = browser.press("/account", "/account/tokens", **fields, password="wrong")
    assert wrong.status_code == 422
    page = browser.press("/account", "/account/tokens", **fields, password=PASSWORD)
    value = secret(page.text)
    assert value.startswith("pfl_")
    shown = browser.get("/account").text
    assert value not in shown
    assert "nightly export" in shown
    bearer = {"authorization": f"Bearer {value}"}
    program = each_desk.browser()
    assert program.get("/audit", headers=bearer).status_code == 200
    token = re.findall(r"/account/tokens/([\w-]+)/revoke", shown)[0]
    assert browser.press("/account", f"/account/tokens/{token}/revoke").status_code == 303
    assert program.get("/audit", headers=bearer).status_code == 401
    assert {"token.create olga", "token.revoke olga"} <= set(each_desk.actions())


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"scope": [], "days": "1", "name": "x"}, "needs a scope"),
        ({"scope": ["person.add"], "days": "1", "name": "x"}, "is no scope"),
        ({"scope": ["judge", "audit.read"], "days": "1", "name": "x"}, "cleo may not audit.read"),
        ({"scope": ["judge"], "days": "0", "name": "x"}, "1 to 366 days"),
        ({"scope": ["judge"], "days": "367", "name": "x"}, "1 to 366 days"),
        ({"scope": ["judge"], "days": "1", "name": " "}, "needs a name"),
    ],
)
def test_a_token_that_makes_no_sense_is_refused(
    desk: Desk, fields: dict[str, object], said: str
) -> None:
    page = desk.browser("cleo").press("/account", "/account/tokens", password="", **fields)
    assert page.status_code == 422
    assert said in page.text


def test_nobody_makes_tokens_for_somebody_else_but_admins(desk: Desk) -> None:
    from prefloop.store import tokens

    with pytest.raises(NotPermitted), desk.project.ledger.transaction("ben") as tx:
        tokens.create(tx, "olga", "x", ["audit.read"], 1)
    with desk.project.ledger.transaction("ana") as tx:
        assert tokens.create(tx, "olga", "x", ["audit.read"], 1)


def test_a_session_elsewhere_is_ended_from_the_account(desk: Desk) -> None:
    here, elsewhere = desk.browser("cleo"), desk.browser("cleo")
    (session,) = re.findall(r"/account/sessions/([\w-]+)/end", here.get("/account").text)
    assert here.press("/account", f"/account/sessions/{session}/end").status_code == 303
    assert elsewhere.get("/account").status_code == 303
    assert here.press("/account", f"/account/sessions/{session}/end").status_code == 404


def test_what_people_call_themselves_is_text_on_every_page(desk: Desk) -> None:
    name = "<script>alert(1)</script>"
    desk.from_before(name, "auditor")
    for path in ("/people", "/audit"):
        page = desk.browser("ana").get(path).text
        assert name not in page
        assert "&lt;script&gt;" in page
    assert desk.browser(name).get("/account").status_code == 200


@pytest.mark.parametrize("handle", ["zed/../ana", "..", "zed?who=ana#ana", "../sign-out"])
def test_the_forms_of_somebody_from_before_reach_that_person_alone(desk: Desk, handle: str) -> None:
    """As a browser sends them: each form of the page, to where it says, with what it holds."""
    desk.from_before(handle, "auditor")
    desk.give_factor(handle)
    desk.app.state.sessions.start(handle)
    admin = desk.browser("ana")
    page = admin.get("/people", params={"who": handle}).text.partition('<section class="card')[2]
    forms = re.findall(
        r'<form method="post" action="([^"]+)">(.*?)</form>', page.partition("</section>")[0]
    )
    assert len(forms) == len(people.ROLES) + 3
    for action, inside in forms:
        held = dict(re.findall(r'name="(\w+)" value="([^"]*)"', inside))
        sent = {name: html.unescape(value) for name, value in held.items()}
        assert admin.post(action, data=sent).status_code in (200, 303)
    with desk.project.reader() as reader:
        assert people.roles(reader, handle) == set(people.ROLES) - {"auditor"}
        assert people.roles(reader, "ana") == {"admin"}
    assert {f"way-in.create {handle}", f"second-factor.off {handle}"} <= set(desk.actions())
    assert "way-in.create ana" not in desk.actions()


def test_strangers_close_no_invitation_and_bad_answers_close_their_own_alone(desk: Desk) -> None:
    desk.app.state.throttle = Throttle(failures_of_person=3, failures_anywhere=5)
    first, second = invite(desk, "annotator"), invite(desk, "annotator")
    for n in range(8):
        stranger = Browser(desk.app, "http://desk.test", client=(f"192.0.2.{n}", 1))
        for _ in range(4):
            garbage = stranger.press("/sign-in", "/invite/garbage", handle="zed", password="x")
            assert garbage.status_code == 404
    bad = [
        desk.browser().press(first, first, handle="dora", password="x", again="x").status_code
        for _ in range(4)
    ]
    assert bad == [422] * 3 + [429]
    done = desk.browser().press(second, second, handle="dora", password=PASSWORD, again=PASSWORD)
    assert done.status_code == 303
