"""The company's own sign-in: OpenID Connect, authorization code with PKCE, state and nonce.

Nothing is kept on the server between the two halves: state, nonce and verifier are made from one
random value in a cookie and the project's key. Whoever signs in there is somebody here only if an
admin said so (`store.identities`); nobody is made, and no role comes from there.
"""

import hashlib
import hmac
import os
import secrets
import threading
import time
from typing import Annotated, Any
from urllib.parse import quote, unquote, urlsplit

import httpx
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from prefloop.core.errors import BadInput, MissingExtra, NotFound, NotPermitted, PrefloopError
from prefloop.flows.access import ProviderSettings
from prefloop.flows.project import Project
from prefloop.store import identities
from prefloop.web import cookies, sign_in
from prefloop.web.identity import Anyone, cookie_name

__all__ = ["Provider", "ProviderFault", "need", "router"]

router = APIRouter(prefix="/sign-in/provider")
Public = Annotated[None, Depends(Anyone())]

_COOKIE = "prefloop-provider"
_MINUTES = 10  # to sign in there
_KEEP = 3600.0  # seconds that the provider's metadata and keys are kept
_LEEWAY = 60  # seconds that clocks may differ
_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"]
_SECRET = "PREFLOOP_OIDC_SECRET"  # the variable's name
_AGAIN = "this sign-in took too long or was started elsewhere: start again"


class ProviderFault(PrefloopError):
    """The provider does not answer, or not as it should."""


def need() -> None:
    """Raises MissingExtra where the extra `oidc` is not installed."""
    try:
        import authlib  # noqa: F401
        import joserfc  # noqa: F401
    except ModuleNotFoundError as error:
        raise MissingExtra(
            "access.provider needs an extra: pip install 'prefloop[oidc]'"
        ) from error


class Provider:
    """What is known of a provider, from its own metadata."""

    def __init__(self, settings: ProviderSettings) -> None:
        self.settings = settings
        self._kept: dict[str, tuple[float, dict[str, Any]]] = {}
        self._lock = threading.Lock()

    def metadata(self) -> dict[str, Any]:
        """OpenID Connect Discovery 1.0, section 4; the issuer must be the one that was set."""
        issuer = self.settings.issuer
        found = self._fetch(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        if found.get("issuer") != issuer:
            raise ProviderFault(f"the provider says it is {found.get('issuer')!r}, not {issuer!r}")
        return found

    def keys(self, fresh: bool = False) -> dict[str, Any]:
        """The keys its tokens are signed with."""
        return self._fetch(self.metadata()["jwks_uri"], fresh)

    def exchange(self, body: dict[str, str]) -> dict[str, Any]:
        """A code for an answer with an ID token (RFC 6749, section 4.1.3; the client shows itself
        as in section 2.3.1)."""
        found = self.metadata()
        url, client = found["token_endpoint"], self.settings.client
        _private(url)
        known = found.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        basic = None
        if "client_secret_basic" in known:
            basic = httpx.BasicAuth(quote(client, safe=""), quote(_secret(), safe=""))
        else:
            body = {**body, "client_id": client, "client_secret": _secret()}
        try:
            answer = httpx.post(url, data=body, auth=basic, timeout=10)
            told = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise ProviderFault(f"the provider does not answer at {url}: {error}") from error
        if not isinstance(told, dict) or "error" in told or answer.is_error:
            raise BadInput(_AGAIN)
        if "id_token" not in told:
            raise ProviderFault("the provider sent no ID token: is the scope openid allowed there?")
        return told

    def _fetch(self, url: str, fresh: bool = False) -> dict[str, Any]:
        _private(url)
        with self._lock:
            at, body = self._kept.get(url, (0.0, {}))
            if not fresh and body and time.monotonic() - at < _KEEP:
                return body
            try:
                answer = httpx.get(url, timeout=10, follow_redirects=False)
                answer.raise_for_status()
                body = dict(answer.json())
            except (httpx.HTTPError, ValueError, TypeError) as error:
                raise ProviderFault(f"the provider does not answer at {url}: {error}") from error
            self._kept[url] = (time.monotonic(), body)
            return body


@router.get("")
def start(request: Request, public: Public, next: str = "/") -> Response:  # noqa: A002
    """On to the provider."""
    from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
    from authlib.oauth2.rfc7636 import create_s256_code_challenge

    provider = _provider(request)
    _secret()  # before anybody is sent away in vain
    name = f"{secrets.token_urlsafe(32)}.{quote(cookies.safe_path(next), safe='')}"
    state, nonce, verifier = _made(request, name)
    url = prepare_grant_uri(
        provider.metadata()["authorization_endpoint"],
        client_id=provider.settings.client,
        response_type="code",
        redirect_uri=_back(request),
        scope="openid email",
        state=state,
        nonce=nonce,
        code_challenge=create_s256_code_challenge(verifier),
        code_challenge_method="S256",
    )
    return cookies.put(request, cookies.go(url), _COOKIE, name, _MINUTES * 60)


@router.get("/back")
def back(
    request: Request, public: Public, state: str = "", code: str = "", error: str = ""
) -> Response:
    """Back from the provider, with a code that is exchanged for who it is."""
    provider = _provider(request)
    name = request.cookies.get(cookie_name(request, _COOKIE), "")
    wanted, nonce, verifier = _made(request, name)
    if not name or not hmac.compare_digest(wanted.encode(), state.encode()):
        raise BadInput(_AGAIN)
    if error or not code:
        raise NotPermitted(f"the provider did not let you in ({error[:100] or 'no code'})")
    claims = _claims(request, provider, code, nonce, verifier)
    project: Project = request.app.state.project
    email = claims.get("email") if claims.get("email_verified") is True else None
    with project.ledger.transaction("(provider)") as tx:
        issuer = provider.settings.issuer
        handle = identities.recognize(tx, issuer, claims["sub"], email)
    if handle is None:
        sign_in.failed(request, "", "provider")
        raise NotPermitted("nobody here is linked to this account: ask an admin to link you")
    after = unquote(name.partition(".")[2])
    # RFC 8176: the provider asked for more than one factor, so it is not asked again here.
    proven = "mfa" in (claims.get("amr") or [])
    response = sign_in.admit(request, handle, "provider", after, proven)
    return cookies.drop(request, response, _COOKIE)


def _claims(
    request: Request, provider: Provider, code: str, nonce: str, verifier: str
) -> dict[str, Any]:
    """Who it is, from an ID token whose signature, issuer, audience, time and nonce are right."""
    answer = provider.exchange(
        {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": _back(request),
            "code_verifier": verifier,
        }
    )
    return read_id_token(provider, str(answer["id_token"]), nonce)


def read_id_token(provider: Provider, token: str, nonce: str) -> dict[str, Any]:
    """The claims of an ID token (OpenID Connect Core 1.0, section 3.1.3.7). A key that is not
    known yet is asked for once: providers change theirs."""
    from authlib.oidc.core import CodeIDToken
    from joserfc import jwt
    from joserfc.errors import JoseError
    from joserfc.jwk import KeySet

    for fresh in (False, True):
        try:
            keys: Any = KeySet.import_key_set(provider.keys(fresh))  # type: ignore[arg-type]
            read = jwt.decode(token, keys, algorithms=_ALGORITHMS)
            break
        except (JoseError, ValueError) as error:
            if fresh:
                raise NotPermitted(f"the provider's token is not signed by it: {error}") from error
    issuer, client = provider.settings.issuer, provider.settings.client
    wanted = {
        "iss": {"essential": True, "value": issuer},
        "aud": {"essential": True, "value": client},
        "nonce": {"essential": True, "value": nonce},
    }
    claims = CodeIDToken(read.claims, read.header, wanted, {"nonce": nonce, "client_id": client})
    try:
        claims.validate(leeway=_LEEWAY)
    except JoseError as error:
        raise NotPermitted(f"the provider's token is not for this sign-in: {error}") from error
    return dict(claims)


def _provider(request: Request) -> Provider:
    project: Project = request.app.state.project
    settings = project.settings.access.provider
    if settings is None:
        raise NotFound("this project has no sign-in but its own (access.provider)")
    known: Provider | None = getattr(request.app.state, "provider", None)
    if known is None:
        known = request.app.state.provider = Provider(settings)
    return known


def _secret() -> str:
    secret = os.environ.get(_SECRET)
    if not secret:
        raise ProviderFault(f"the provider's secret is not set: give it as {_SECRET}")
    return secret


def _made(request: Request, name: str) -> tuple[str, str, str]:
    """State, nonce and verifier of one sign-in."""
    project: Project = request.app.state.project
    key = project.ledger.key
    purposes = ("state", "nonce", "verifier")
    state, nonce, verifier = (
        hmac.new(key, f"provider {purpose} {name}".encode(), hashlib.sha256).hexdigest()
        for purpose in purposes
    )
    return state, nonce, verifier


def _back(request: Request) -> str:
    project: Project = request.app.state.project
    here = f"{request.url.scheme}://{request.url.netloc}"
    return f"{project.settings.access.address or here}{router.prefix}/back"


def _private(url: str) -> None:
    """Raise for an address that would be asked in the clear."""
    parts = urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
        raise ProviderFault(f"the provider has to be reached over https, not {url}")
