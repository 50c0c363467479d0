"""The first page: what there is to do here for the person who signed in.

How far a campaign is changes slowly and costs a look at its whole queue, so it is kept for a
minute. Gold items and repeats move it like work: who watches it learns nothing about an item.
"""

import time
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse

from prefloop.annotation import calibration, campaigns, queries
from prefloop.annotation.campaigns import Campaign
from prefloop.flows.project import Project
from prefloop.store import people
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

    @property
    def done(self) -> bool:
        """Nothing is left, as far as was seen a minute ago."""
        return self.percent == 100


@dataclass(frozen=True, slots=True)
class Home(Context):
    """The first page; `judging` are the roles that compare."""

    signed: Signed
    judges: bool
    judging: frozenset[str]
    work: tuple[Work, ...]


class Shares:
    """How much of each campaign is judged, looked at once a minute."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[float, int]] = {}

    def percent(self, reader: Reader, campaign: Campaign) -> int:
        """Whole percent of the judgments wanted."""
        at, share = self._kept.get(campaign.id, (-_KEPT_SECONDS, 0))
        if time.monotonic() - at >= _KEPT_SECONDS:
            share = _percent(reader, campaign)
            self._kept[campaign.id] = (time.monotonic(), share)
        return share


def _percent(reader: Reader, campaign: Campaign) -> int:
    """Of everything that will be judged, as far as is known beforehand; 100 when it is all in."""
    counts = queries.queue_counts(reader, campaign.id)
    work, settings = counts.get("work"), campaign.settings
    if work is None:
        return 0
    if work["judged"] >= work["wanted"]:
        return 100
    known = settings.duplicate_share + (settings.gold_share if "gold" in counts else 0)
    everything = work["wanted"] / (1 - known)
    return min(int(100 * queries.judged_count(reader, campaign.id) / everything), 99)


@router.get("/")
def home(request: Request, signed: Annotated[Signed, Depends(May("verify"))]) -> HTMLResponse:
    """What this person can begin with."""
    project: Project = request.app.state.project
    judges = signed.may("judge")
    with project.ledger.reader() as reader:
        work = tuple(_work(reader, _shares(request), signed.handle))
    pages: Pages = request.app.state.pages
    return pages.show(request, "home.html", Home(signed, judges, people.PERMISSIONS["judge"], work))


def _shares(request: Request) -> Shares:
    """One for each application; made when the first page is asked for."""
    if not hasattr(request.app.state, "shares"):
        request.app.state.shares = Shares()
    shares: Shares = request.app.state.shares
    return shares


def _work(reader: Reader, shares: Shares, annotator: str) -> list[Work]:
    """The campaigns that are not closed: those that are open first, and done ones after others."""
    found = []
    for name in queries.campaign_names(reader):
        campaign = campaigns.get(reader, name)
        if campaign.state != "closed":
            standing = calibration.standing(reader, campaign, annotator)["status"]
            share = shares.percent(reader, campaign)
            found.append(Work(name, campaign.state, standing, share))
    return sorted(found, key=lambda one: (one.state != "open", one.done))
