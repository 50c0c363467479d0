"""What waits for a second person: read, approve, reject. Nobody approves their own."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import Response

from prefloop.flows.project import Project
from prefloop.store import names, people, proposals
from prefloop.store.proposals import Decision, Proposal
from prefloop.web import cookies
from prefloop.web.identity import May, Signed
from prefloop.web.pages import Context, Pages

__all__ = ["Proposals", "Shown", "router"]

router = APIRouter(prefix="/proposals")
Reads = Annotated[Signed, Depends(May("proposal.read"))]
Decides = Annotated[Signed, Depends(May("proposal.decide"))]
Text = Annotated[str, Form(max_length=2000)]


@dataclass(frozen=True, slots=True)
class Shown:
    """One proposal; `why_not` says why this person does not decide it, empty if they may; `words`
    are those of the people who decided it."""

    proposal: Proposal
    effect: str
    names: tuple[str, ...]
    why_not: str
    words: list[Decision]


@dataclass(frozen=True, slots=True)
class Proposals(Context):
    """Those that are open, and what became of the others, newest first."""

    open: list[Shown]
    decided: list[Shown]


@router.get("")
def listing(request: Request, reader: Reads) -> Response:
    """The page."""
    project: Project = request.app.state.project
    with project.reader() as read:
        found, words = proposals.listing(read), proposals.decisions(read)
        shown = [
            Shown(
                one,
                effect(one),
                tuple(names.names_of(read, one.subject)),
                _why_not(reader, one),
                words.get(one.id, []),
            )
            for one in found
        ]
    waiting = [one for one in shown if one.proposal.state == "open"]
    decided = [one for one in reversed(shown) if one.proposal.state != "open"]
    pages: Pages = request.app.state.pages
    return pages.show(request, "proposals.html", Proposals(waiting, decided))


@router.post("/{proposal}/approve")
def approve(request: Request, second: Decides, proposal: str, reason: Text = "") -> Response:
    """The word of a second person; it takes effect at once."""
    return _decide(request, second, proposal, True, reason)


@router.post("/{proposal}/reject")
def reject(request: Request, second: Decides, proposal: str, reason: Text = "") -> Response:
    """Close a proposal; what it was about stays, without a name."""
    return _decide(request, second, proposal, False, reason)


def effect(proposal: Proposal) -> str:
    """What approval does, in words."""
    what = proposal.effect
    if what["do"] == "name":
        return f"becomes the next version of {what['name']}"
    if what["do"] == "tag":
        return f"the tag {what['tag']} points at it"
    who = ", ".join(what["annotators"])
    scope = what["scope"][:12]
    lifted = what["do"] == "lift"
    verb = "count again in" if lifted else "are set aside from"
    return f"judgments of {who} {verb} {scope}"


def _decide(request: Request, second: Signed, proposal: str, yes: bool, reason: str) -> Response:
    project: Project = request.app.state.project
    with project.ledger.transaction(second.handle) as tx:
        proposals.decide(tx, proposal, yes, reason.strip())
    return cookies.go("/proposals")


def _why_not(signed: Signed, proposal: Proposal) -> str:
    if proposal.state != "open":
        return proposal.state
    if proposal.proposer == signed.handle:
        return "you proposed this: somebody else decides"
    action = f"{proposal.action}.approve"
    if not signed.may(action):
        return f"it takes the role {' or '.join(sorted(people.PERMISSIONS[action]))}"
    return ""
