"""Who gets into the pages, and for how long: the `access` section of prefloop.yaml.

The provider's secret is not a setting: it is read from PREFLOOP_OIDC_SECRET alone.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from prefloop.store.sessions import Limits

__all__ = ["AccessSettings", "ProviderSettings"]

_MINUTE = 60_000_000  # microseconds

Role = Literal["admin", "lead", "senior", "annotator", "engineer", "auditor"]


def _admins() -> list[Role]:
    return ["admin"]


class ProviderSettings(BaseModel):
    """The company's own sign-in (OpenID Connect)."""

    model_config = ConfigDict(extra="forbid")
    issuer: str = Field(
        pattern=r"^https?://", description="its address, exactly as in its own metadata"
    )
    client: str = Field(min_length=1, description="the client id it gave to this installation")
    name: str = Field("your company", description="what the button says: Sign in with ...")


class AccessSettings(BaseModel):
    """Sessions, second factors, invitations, and the company's own sign-in."""

    model_config = ConfigDict(extra="forbid")
    address: str | None = Field(
        None,
        pattern=r"^https?://[^/]+$",
        description="where people reach the pages, e.g. https://labels.example.org; for links, "
        "and nothing is written from a page of another address",
    )
    second_factor: list[Role] = Field(
        default_factory=_admins,
        description="roles that cannot sign in without a second factor; by default admin",
    )
    idle_minutes: int = Field(60, ge=5, description="an unused session ends after this long")
    session_hours: int = Field(12, ge=1, le=720, description="every session ends after this long")
    invitation_hours: int = Field(72, ge=1, le=720, description="how long a link lets people in")
    provider: ProviderSettings | None = Field(
        None,
        description="the company's own sign-in (OpenID Connect; the extra `oidc`): "
        "issuer, client, name",
    )

    def limits(self) -> Limits:
        """How long a session lasts."""
        return Limits(self.idle_minutes * _MINUTE, self.session_hours * 60 * _MINUTE)

    def link(self, value: str, address: str | None = None) -> str:
        """The address at which a link's value lets somebody in; `address` is where the server
        is, unless the settings say where people reach it."""
        return f"{self.address or address or 'http://127.0.0.1:8000'}/invite/{value}"
