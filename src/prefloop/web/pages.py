"""Pages: a template, and the typed context it is rendered with.

Each page has one frozen dataclass as its context; the template sees its fields, and `page`, what
all pages share. A test renders every template with strict undefined names.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import (
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    PackageLoader,
    StrictUndefined,
    select_autoescape,
)

from prefloop import __version__
from prefloop.flows.project import Project
from prefloop.web.identity import Signed

__all__ = ["Context", "ErrorPage", "Pages"]


@dataclass(frozen=True, slots=True)
class Context:
    """What a page is given; each page has its own kind."""


@dataclass(frozen=True, slots=True)
class ErrorPage(Context):
    """Something did not work, in one line, and what to do."""

    status: int
    text: str


@dataclass(frozen=True, slots=True)
class Shared:
    """What every page is given."""

    project: str
    version: str
    path: str
    signed: Signed | None


class Pages:
    """The templates of one application."""

    def __init__(self, project: Project) -> None:
        self.name = project.settings.name
        self.templates = Environment(
            loader=ChoiceLoader(
                [
                    FileSystemLoader(Path(__file__).parent / "templates"),
                    PackageLoader("prefloop.flows", "."),  # what pages share with reports
                ]
            ),
            autoescape=select_autoescape(["html", "html.j2"]),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.templates.filters["time"] = _time

    def show(
        self,
        request: Request,
        template: str,
        context: Context,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> HTMLResponse:
        """One page."""
        signed = getattr(request.state, "signed", None)
        shared = Shared(self.name, __version__, request.url.path, signed)
        given: dict[str, Any] = {f.name: getattr(context, f.name) for f in fields(context)}
        html = self.templates.get_template(template).render(page=shared, **given)
        return HTMLResponse(html, status, dict(headers) if headers else None)

    def error(
        self, request: Request, status: int, text: str, headers: Mapping[str, str] | None = None
    ) -> HTMLResponse:
        """The page that says what did not work."""
        return self.show(request, "error.html", ErrorPage(status, text), status, headers)


def _time(microseconds: int) -> str:
    """A time of the ledger as people write it, in UTC."""
    return datetime.fromtimestamp(microseconds / 1e6, UTC).strftime("%Y-%m-%d %H:%M")
