"""The first page: what there is to do here for the person who signed in.

How far a campaign is changes slowly and costs a look at its whole queue, so it is kept for a
minute; and nobody can watch it move with one item, which would tell what that item was for.
"""

import time
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse

from prefloop.annotation import calibration, campaigns, queries
from prefloop.annotation.campaigns import Campaign
from prefloop.flows.project import Project
from prefloop.store.engine import Reader
from prefloop.web.identity import May, Signed
from prefloop.web.pages import Context, Pages

__all__ = ["Home", "Work", "router"]

router = APIRouter()
_KEPT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Work:
    """One campaign, and how this person stands in it. `percent` is of all judgments wanted."""

    name: str
    state: str
    standing: str
    percent: int


@dataclass(frozen=True, slots=True)
class Home(Context):
    """The first page."""

    signed: Signed
    judges: bool
    work: tuple[Work, ...]


class Shares:
    """How much of each campaign is judged, looked at once a minute."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[float, int]] = {}

    def percent(self, reader: Reader, campaign: Campaign) -> int:
        """Whole percent of the judgments wanted."""
        at, share = self._kept.get(campaign.id, (-_KEPT_SECONDS, 0))
        if time.monotonic() - at >= _KEPT_SECONDS:
            work = queries.queue_counts(reader, campaign.id).get("work", {"wanted": 0, "judged": 0})
            share = 100 * work["judged"] // work["wanted"] if work["wanted"] else 0
            self._kept[campaign.id] = (time.monotonic(), share)
        return share


@router.get("/")
def home(request: Request, signed: Annotated[Signed, Depends(May("verify"))]) -> HTMLResponse:
    """What this person can begin with."""
    project: Project = request.app.state.project
    judges = signed.may("judge")
    with project.ledger.reader() as reader:
        work = tuple(_work(reader, _shares(request), signed.handle))
    pages: Pages = request.app.state.pages
    return pages.show(request, "home.html", Home(signed, judges, work))


def _shares(request: Request) -> Shares:
    """One for each application; made when the first page is asked for."""
    if not hasattr(request.app.state, "shares"):
        request.app.state.shares = Shares()
    shares: Shares = request.app.state.shares
    return shares


def _work(reader: Reader, shares: Shares, annotator: str) -> list[Work]:
    """The campaigns that are not closed, those that are open first."""
    found = []
    for name in queries.campaign_names(reader):
        campaign = campaigns.get(reader, name)
        if campaign.state != "closed":
            standing = calibration.standing(reader, campaign, annotator)["status"]
            share = shares.percent(reader, campaign)
            found.append(Work(name, campaign.state, standing, share))
    return sorted(found, key=lambda one: one.state != "open")
