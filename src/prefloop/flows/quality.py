"""Whom to believe, for a project: reports, pauses, anchors again, plans, groups.

quality.report(project, "july")        # a campaign as it stands, or a label batch
quality.annotators(project, "july")
quality.check(project, ["july"])       # for a scheduler: pauses a campaign that does not agree
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from prefloop.annotation import bias as groups
from prefloop.annotation import calibration, campaigns, improvement, pausing, queries
from prefloop.annotation import quality as measured
from prefloop.annotation.bias import Bias
from prefloop.annotation.campaigns import Campaign
from prefloop.annotation.evidence import evidence, texts_of
from prefloop.annotation.improvement import Plan
from prefloop.annotation.pausing import Looked
from prefloop.annotation.quality import Report, Work
from prefloop.annotation.quality.annotators import Annotators
from prefloop.annotation.quality.annotators import annotators as one_by_one
from prefloop.core.errors import BadInput, NotFound
from prefloop.flows.project import Project
from prefloop.store import names, people, texts
from prefloop.store.artifacts import Artifact
from prefloop.store.engine import Reader

__all__ = [
    "Checked",
    "annotators",
    "bias",
    "check",
    "end_plan",
    "judged",
    "plan",
    "recalibrate",
    "report",
    "resume",
]


@dataclass(frozen=True, slots=True)
class Checked:
    """A campaign's agreement, and whether this look paused it."""

    looked: Looked
    paused: bool

    def json(self) -> dict[str, Any]:
        return {**self.looked.json(), "paused": self.paused}


def judged(reader: Reader, reference: str) -> Work:
    """The judgments of a label batch, or of the campaign of that name as it stands."""
    found = _named(reader, reference)
    if isinstance(found, Campaign):
        return measured.of_campaign(reader, found)
    return measured.of_batch(reader, found)


def report(project: Project, reference: str) -> Report:
    """Agreement in every direction, with the project's targets."""
    with project.reader() as reader:
        work = judged(reader, reference)
    return measured.report(work, project.gates.agreement, project.settings.seed)


def annotators(project: Project, reference: str) -> Annotators:
    """Each annotator's record. Takes a role that may read about people."""
    project.require("quality.read")
    with project.reader() as reader:
        work = judged(reader, reference)
        return one_by_one(reader, work, project.gates.annotators, project.settings.seed)


def check(project: Project, wanted: Sequence[str] = ()) -> list[Checked]:
    """Look at these campaigns, or at all open ones, and pause those whose agreement is too low.

    Cheap enough for a scheduler: reading takes no lock, and only a pause is a transaction.
    """
    project.require("quality.check")
    with project.reader() as reader:
        named = list(wanted) or queries.campaign_names(reader)
        known = [campaigns.get(reader, name) for name in named]
    return [_checked(project, one) for one in known if wanted or one.state == "open"]


def resume(
    project: Project, name: str, reason: str, spec: str | None = None, override: bool = False
) -> Campaign:
    """Reopen a paused campaign."""
    with project.transaction() as tx:
        return pausing.resume(tx, campaigns.get(tx, name), reason, spec, override)


def recalibrate(project: Project, name: str, wanted: Sequence[str] = ()) -> dict[str, int]:
    """Open a new round of anchors in a campaign for these people, or for everybody who is due;
    {annotator: number of the round}."""
    if not wanted:
        found = annotators(project, name)
        wanted = [person.name for person in found.people if person.due]
    with project.transaction() as tx:
        campaign = campaigns.get(tx, name)
        return {one: calibration.retrain(tx, campaign, one) for one in wanted}


def plan(
    project: Project, annotator: str, goals: Mapping[str, float], until: str, reason: str
) -> Plan:
    """Give somebody goals until the end of a day, such as 2027-01-31 (UTC)."""
    try:
        day = date.fromisoformat(until)
    except ValueError:
        raise BadInput(f"{until!r} is no date: year-month-day, such as 2027-01-31") from None
    last = datetime(day.year, day.month, day.day, 23, 59, 59, tzinfo=UTC)
    with project.transaction() as tx:
        return improvement.write(tx, annotator, goals, int(last.timestamp()) * 1_000_000, reason)


def end_plan(project: Project, annotator: str, reason: str) -> None:
    """End somebody's plan before its time."""
    with project.transaction() as tx:
        improvement.end(tx, annotator, reason)


def bias(project: Project, reference: str, rate: float = groups.RATE) -> Bias:
    """Declared groups in a batch or campaign: for auditors, who leave an event of having looked."""
    if not 0 < rate < 1:
        raise BadInput(f"false-discovery rate {rate}: between 0 and 1, for instance 0.05")
    with project.transaction() as tx:
        found = _named(tx, reference)
        people.require(tx, "bias.read")
        tx.event("bias.read", found.id if isinstance(found, Campaign) else found.digest)
    with project.reader() as reader:
        work = judged(reader, reference)
        seen = None
        if work.rows is not None and len(work.labels.item):
            seen = evidence(work.rows, texts.get_many(reader, texts_of(work.rows)))
        return groups.look(reader, work.name, work.labels, seen, project.settings.seed, rate)


def _named(reader: Reader, reference: str) -> Artifact | Campaign:
    try:
        return names.resolve(reader, reference, "label_batch")
    except NotFound:
        if queries.campaign_by_name(reader, reference) is None:
            raise NotFound(f"no label batch and no campaign is called {reference!r}") from None
        return campaigns.get(reader, reference)


def _checked(project: Project, campaign: Campaign) -> Checked:
    with project.reader() as reader:
        found = pausing.look(reader, campaign, project.gates.agreement, project.settings.seed)
    if not found.too_low or found.state != "open":
        return Checked(found, False)
    with project.transaction() as tx:
        paused = pausing.pause(tx, campaign, found)
        state = queries.campaign_state(tx, campaign.id).state
    return Checked(replace(found, state=state), paused)
