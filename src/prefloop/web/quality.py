"""Whom to believe: agreement, annotators one by one, and alarms, for those who may read of them.

A sheet takes seconds to measure on a large campaign, and annotators are being answered by the same
process: so one is measured at a time, and kept for some minutes. Statistics and charts are loaded
when the first sheet is asked for: the server starts a second sooner.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from prefloop.annotation import campaigns, queries
from prefloop.flows.project import Project
from prefloop.store.engine import Reader
from prefloop.web.identity import May, Signed
from prefloop.web.pages import Context, Pages

if TYPE_CHECKING:
    from prefloop.flows.quality_page import Sheet

__all__ = ["Campaigns", "Looked", "Measured", "router"]

router = APIRouter(prefix="/quality")
Reads = Annotated[Signed, Depends(May("quality.read"))]
_KEPT_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Campaigns(Context):
    """Campaigns, newest first: name and state."""

    campaigns: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Looked:
    """What the detectors said when they were last asked; `at` in microseconds UTC."""

    short: str
    at: int
    found: dict[str, Any]
    held: list[str]


@dataclass(frozen=True, slots=True)
class Measured(Context):
    """One sheet of a campaign, measured at `at`. `alarms` is None where nobody looked."""

    campaign: str
    state: str
    sheet: "Sheet"
    at: str
    annotators: bool
    alarms: Looked | None


class Sheets:
    """Sheets that were measured in the last minutes; one is measured at a time."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], tuple[float, str, Sheet]] = {}
        self._one = threading.Lock()

    def get(self, kind: str, name: str, measure: "Callable[[], Sheet]") -> "tuple[str, Sheet]":
        """When it was measured, and the sheet."""
        with self._one:
            begun, at, sheet = self._kept.get((kind, name), (0.0, "", None))
            if sheet is None or time.monotonic() - begun >= _KEPT_SECONDS:
                sheet, at = measure(), f"{datetime.now(UTC):%Y-%m-%d %H:%M}"
                self._kept[kind, name] = (time.monotonic(), at, sheet)
            return at, sheet


@router.get("")
def listing(request: Request, reader: Reads) -> Response:
    """Which campaigns there are."""
    project: Project = request.app.state.project
    with project.reader() as read:
        found = [campaigns.get(read, name) for name in queries.campaign_names(read)]
    found.sort(key=lambda one: one.created, reverse=True)
    pages: Pages = request.app.state.pages
    page = Campaigns([(one.name, one.state) for one in found])
    return pages.show(request, "quality_list.html", page)


@router.get("/{campaign}")
def agreement(request: Request, reader: Reads, campaign: str) -> Response:
    """How well people agree, and the alarms."""
    from prefloop.flows import quality, quality_page

    project: Project = request.app.state.project

    def measure() -> "Sheet":
        found = quality.report(project, campaign)
        return quality_page.of_report(found, project.gates.agreement)

    return _show(request, campaign, "agreement", measure)


@router.get("/{campaign}/annotators")
def annotators(request: Request, reader: Reads, campaign: str) -> Response:
    """Each annotator's record."""
    from prefloop.flows import quality, quality_page

    project: Project = request.app.state.project

    def measure() -> "Sheet":
        return quality_page.of_annotators(quality.annotators(project.as_(reader.handle), campaign))

    return _show(request, campaign, "annotators", measure)


def _show(request: Request, name: str, kind: str, measure: "Callable[[], Sheet]") -> Response:
    project: Project = request.app.state.project
    with project.reader() as read:
        state = campaigns.get(read, name).state
        looked = _looked(read, name)
    at, sheet = _sheets(request).get(kind, name, measure)
    pages: Pages = request.app.state.pages
    page = Measured(name, state, sheet, at, kind == "annotators", looked)
    return pages.show(request, "quality.html", page)


def _looked(read: Reader, name: str) -> Looked | None:
    from prefloop.flows import alarms

    found = alarms.latest(read, name)
    if found is None:
        return None
    return Looked(found.short, found.created, found.manifest, sorted(alarms.held(read, found)))


def _sheets(request: Request) -> Sheets:
    """One for each application; made when the first sheet is asked for."""
    if not hasattr(request.app.state, "sheets"):
        request.app.state.sheets = Sheets()
    sheets: Sheets = request.app.state.sheets
    return sheets
