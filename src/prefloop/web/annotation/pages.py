"""The pages around a comparison: the screen itself, and the playbook alone."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse

from prefloop.annotation import campaigns
from prefloop.flows.project import Project
from prefloop.web.annotation import guide
from prefloop.web.annotation.guide import Guide
from prefloop.web.identity import May, Signed
from prefloop.web.pages import Context, Pages

__all__ = ["Playbook", "Work", "router"]

router = APIRouter()
Judge = Annotated[Signed, Depends(May("judge"))]
Anybody = Annotated[Signed, Depends(May("verify"))]


@dataclass(frozen=True, slots=True)
class Work(Context):
    """The comparison screen, before its script has asked for the first comparison."""

    campaign: str
    guide: Guide
    rationale: str
    session_minutes: int
    break_minutes: int


@dataclass(frozen=True, slots=True)
class Playbook(Context):
    """What better means, on a page of its own."""

    campaign: str
    guide: Guide


@router.get("/campaigns/{name:path}/work")
def work(request: Request, name: str, signed: Judge) -> HTMLResponse:
    """The screen of one campaign."""
    project: Project = request.app.state.project
    with project.ledger.reader() as reader:
        campaign = campaigns.get(reader, name)
        shown = guide.of(reader, campaign)
    rules = campaign.settings
    pages: Pages = request.app.state.pages
    return pages.show(
        request,
        "work.html",
        Work(name, shown, rules.rationale, rules.session_minutes, rules.break_minutes),
    )


@router.get("/campaigns/{name:path}/playbook")
def playbook(request: Request, name: str, signed: Anybody) -> HTMLResponse:
    """The playbook of the version this campaign follows."""
    project: Project = request.app.state.project
    with project.ledger.reader() as reader:
        shown = guide.of(reader, campaigns.get(reader, name))
    pages: Pages = request.app.state.pages
    return pages.show(request, "playbook.html", Playbook(name, shown))
