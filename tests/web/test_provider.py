"""The company's own sign-in, against a real OpenID provider on this machine."""

import socket
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from tests.web.conftest import Browser, Desk, MakeDesk

from prefloop.core.errors import BadInput, MissingExtra, NotPermitted
from prefloop.flows.access import ProviderSettings
from prefloop.store import identities
from prefloop.store.verify import verify
from prefloop.web import identity, provider, server

CLEO = "00u-cleo"
ACCOUNTS: dict[str, dict[str, Any]] = {
    CLEO: {"email": "Cleo@Example.org", "email_verified": True},
    "mallory": {"email": "sam@example.org", "email_verified": False},
    "mfa": {"email": "ana@example.org", "email_verified": True, "amr": ["mfa"]},
}


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    """A provider with accounts of which one has a verified address, and one has not."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [sys.executable, "-m", "oidc_provider_mock", "--port", str(port), "--require-nonce"]
    quiet = subprocess.DEVNULL
    server = subprocess.Popen([*words, "--host", "127.0.0.1"], stdout=quiet, stderr=quiet)
    base = f"http://127.0.0.1:{port}"
    try:
        _await(base, server)
        for subject, claims in ACCOUNTS.items():
            httpx.put(f"{base}/users/{subject}", json=claims).raise_for_status()
        yield base
    finally:
        server.terminate()
        server.wait()


def _await(base: str, server: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        assert server.poll() is None, "the provider does not start"
        try:
            httpx.get(f"{base}/.well-known/openid-configuration")
            return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError("the provider does not answer")


@pytest.fixture
def linked(make_desk: MakeDesk, issuer: str, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A desk that knows the provider."""
    monkeypatch.setenv("PREFLOOP_OIDC_SECRET", "keep-it-quiet")
    return make_desk(
        "provider:", f"  issuer: {issuer}", "  client: prefloop", "  name: Example Ltd"
    )


def link(desk: Desk, issuer: str, handle: str, **who: str) -> None:
    with desk.project.ledger.transaction("ana") as tx:
        identities.link(tx, handle, issuer, **who)


def there(browser: Browser, subject: str, after: str = "/") -> str:
    """Sign in at the provider; returns the path it sends the browser back to."""
    start = browser.get("/sign-in/provider", params={"next": after})
    assert start.status_code == 303, start.text
    asked = parse_qs(urlsplit(start.headers["location"]).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert {"code_challenge", "nonce", "state"} <= set(asked)
    done = httpx.post(start.headers["location"], data={"sub": subject})
    assert done.status_code in (302, 303), done.text
    return done.headers["location"].removeprefix("http://desk.test")


def test_somebody_an_admin_linked_by_address_comes_in_with_their_roles(
    linked: Desk, issuer: str
) -> None:
    link(linked, issuer, "cleo", email="cleo@example.org")
    browser = linked.browser()
    assert "Sign in with Example Ltd" in browser.get("/sign-in").text
    done = browser.get(there(browser, CLEO, "/account?a=1&b=2"))
    assert (done.status_code, done.headers["location"]) == (303, "/account?a=1&b=2")
    assert "cleo" in browser.get("/account").text
    assert browser.get("/people").status_code == 403
    assert {"identity.bind cleo", "sign-in cleo"} <= set(linked.actions())
    assert verify(linked.project.ledger).ok


def test_after_the_first_time_the_subject_alone_counts(linked: Desk, issuer: str) -> None:
    link(linked, issuer, "cleo", email="cleo@example.org")
    browser = linked.browser()
    browser.get(there(browser, CLEO))
    with linked.project.ledger.transaction("x") as tx:
        assert identities.recognize(tx, issuer, "somebody else", "cleo@example.org") is None
        assert identities.recognize(tx, issuer, CLEO, None) == "cleo"
        assert identities.recognize(tx, "https://other", CLEO, None) is None


def test_somebody_linked_by_subject_comes_in(linked: Desk, issuer: str) -> None:
    link(linked, issuer, "sam", subject="mallory")
    browser = linked.browser()
    assert browser.get(there(browser, "mallory")).status_code == 303
    assert browser.get("/account").status_code == 200


@pytest.mark.parametrize("subject", ["nobody-we-know", "mallory"])
def test_nobody_is_made_and_an_unverified_address_is_no_proof(
    linked: Desk, issuer: str, subject: str
) -> None:
    link(linked, issuer, "sam", email="sam@example.org")
    browser = linked.browser()
    before = [a for a in linked.actions() if a.startswith("person")]
    answer = browser.get(there(browser, subject))
    assert answer.status_code == 403
    assert "ask an admin to link you" in answer.text
    assert identity.COOKIE not in browser.cookies
    assert [a for a in linked.actions() if a.startswith("person")] == before
    assert linked.actions()[-1] == "sign-in.failed (unknown)"


def test_a_required_second_factor_is_asked_for_unless_the_provider_asked(
    linked: Desk, issuer: str
) -> None:
    link(linked, issuer, "ana", subject=CLEO)
    browser = linked.browser()
    done = browser.get(there(browser, CLEO))
    assert done.headers["location"] == "/sign-in/set-up?next=/"
    link(linked, issuer, "ana", subject="mfa")
    browser = linked.browser()
    assert browser.get(there(browser, "mfa")).headers["location"] == "/"
    assert browser.get("/people").status_code == 200


def test_the_way_back_is_bound_to_the_browser_that_left(linked: Desk, issuer: str) -> None:
    link(linked, issuer, "cleo", email="cleo@example.org")
    back = there(linked.browser(), CLEO)
    for other in (linked.browser(), linked.browser("eric")):
        answer = other.get(back)
        assert answer.status_code == 422
        assert "start again" in answer.text
    mine = linked.browser()
    there(mine, CLEO)
    assert mine.get(back).status_code == 422, "another sign-in's state"


def test_a_code_counts_once(linked: Desk, issuer: str) -> None:
    link(linked, issuer, "cleo", email="cleo@example.org")
    browser = linked.browser()
    back = there(browser, CLEO)
    kept = browser.cookies["prefloop-provider"]
    assert browser.get(back).status_code == 303
    browser.cookies.set("prefloop-provider", kept)
    assert browser.get(back).status_code == 422


def test_somebody_who_says_no_there_is_not_let_in_here(linked: Desk) -> None:
    browser = linked.browser()
    start = browser.get("/sign-in/provider")
    denied = httpx.post(start.headers["location"], data={"action": "deny"})
    # This provider leaves the state out where it says no; RFC 6749, 4.1.2.1 wants it.
    state = parse_qs(urlsplit(start.headers["location"]).query)["state"][0]
    back = denied.headers["location"].removeprefix("http://desk.test")
    assert browser.get(back).status_code == 422
    answer = browser.get(f"{back}&state={state}")
    assert answer.status_code == 403
    assert "did not let you in (access_denied)" in answer.text


def test_without_the_secret_it_says_which_variable(
    linked: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PREFLOOP_OIDC_SECRET")
    answer = linked.browser().get("/sign-in/provider")
    assert answer.status_code == 503
    assert "PREFLOOP_OIDC_SECRET" in answer.text


def test_without_the_extra_it_is_not_served(
    make_desk: MakeDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = make_desk("provider:", "  issuer: https://id.example.org", "  client: prefloop")
    monkeypatch.setitem(sys.modules, "authlib", None)
    with pytest.raises(MissingExtra, match=r"access\.provider needs .*prefloop\[oidc\]"):
        server.serve(desk.project, server.Serving(port=0), lambda address: None)


def test_without_a_provider_there_is_no_such_page(desk: Desk) -> None:
    assert desk.browser().get("/sign-in/provider").status_code == 404
    assert desk.browser().get("/sign-in/provider/back").status_code == 404
    assert "Sign in with" not in desk.browser().get("/sign-in").text


def test_a_provider_that_is_away_is_one_clear_line(
    make_desk: MakeDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFLOOP_OIDC_SECRET", "x")
    for address, said in (
        ("http://127.0.0.1:1", "does not answer"),
        ("http://idp.example", "over https"),
    ):
        desk = make_desk("provider:", f"  issuer: {address}", "  client: prefloop")
        answer = desk.browser().get("/sign-in/provider")
        assert answer.status_code == 503
        assert said in answer.text


def test_linking_takes_an_admin_and_something_to_link(desk: Desk) -> None:
    with pytest.raises(NotPermitted), desk.project.ledger.transaction("ben") as tx:
        identities.link(tx, "ben", "https://idp", subject="x")
    for issuer, subject in (("", "x"), ("https://idp", "")):
        with pytest.raises(BadInput), desk.project.ledger.transaction("ana") as tx:
            identities.link(tx, "ben", issuer, subject=subject)


class Forged(provider.Provider):
    """A provider whose keys are these."""

    def __init__(self, keys: list[dict[str, Any]]) -> None:
        super().__init__(ProviderSettings(issuer="https://idp", client="prefloop"))
        self.rounds = keys

    def keys(self, fresh: bool = False) -> dict[str, Any]:
        return {"keys": [self.rounds[int(fresh)]]}


Claims = dict[str, Any]


@pytest.fixture(scope="module")
def signed() -> tuple[list[dict[str, Any]], Callable[..., str]]:
    """Two public keys, and a way to sign with the first."""
    from joserfc import jwt
    from joserfc.jwk import OctKey, RSAKey

    first, second = (RSAKey.generate_key(2048, {"kid": k, "use": "sig"}) for k in ("one", "two"))

    def sign(alg: str = "RS256", **changes: Any) -> str:
        now = int(time.time())
        claims = {"iss": "https://idp", "aud": "prefloop", "sub": "s", "nonce": "n"}
        times = {"iat": now, "exp": now + 60}
        body = {k: v for k, v in {**claims, **times, **changes}.items() if v is not None}
        if alg == "HS256":  # a shared secret in place of a signature
            key = OctKey.import_key("keep-it-quiet-keep-it-quiet-quiet")
            return jwt.encode({"alg": alg, "kid": "one"}, body, key, algorithms=["HS256"])
        return jwt.encode({"alg": alg, "kid": "one"}, body, first)

    return [first.as_dict(private=False), second.as_dict(private=False)], sign


def test_a_token_that_is_right_is_read(signed: Any) -> None:
    (key, _), sign = signed
    assert provider.read_id_token(Forged([key, key]), sign(), "n")["sub"] == "s"


def test_a_key_the_provider_changed_is_asked_for_again(signed: Any) -> None:
    (key, other), sign = signed
    assert provider.read_id_token(Forged([other, key]), sign(), "n")["sub"] == "s"


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://other"}, {"aud": "another client"}, {"aud": ["a", "b"]}, {"nonce": "m"},
        {"nonce": None}, {"exp": 1}, {"sub": None}, {"exp": None}, {"azp": "another client"},
        {"alg": "HS256"},
    ],
    ids=str,
)  # fmt: skip
def test_a_token_that_is_not_for_us_is_refused(signed: Any, changes: Claims) -> None:
    (key, _), sign = signed
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        token = sign(**changes)
    with pytest.raises(NotPermitted, match="the provider's token"):
        provider.read_id_token(Forged([key, key]), token, "n")


def test_a_token_of_another_key_or_none_is_refused(signed: Any) -> None:
    (key, other), sign = signed
    good = sign()
    unsigned = "eyJhbGciOiJub25lIn0." + good.split(".")[1] + "."
    for keys, token in (([other, other], good), ([key, key], unsigned), ([key, key], "nonsense")):
        with pytest.raises(NotPermitted):
            provider.read_id_token(Forged(keys), token, "n")
