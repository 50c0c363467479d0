"""Judging again after a specification changed: asked for, taken up, and weighed against noise.

request = relabel.ask(project, batch, Filter(topic=("pricing",)), "spec/main@v2", 200, "...")
again, control = relabel.take_up(project, request, "prices again")
...                                  # people judge both; both are closed into batches
relabel.changes(project, batch, again_batch, control_batch)
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from prefloop.annotation import requests
from prefloop.annotation.campaigns import Campaign, CampaignSettings
from prefloop.annotation.filters import Filter
from prefloop.annotation.items import Item
from prefloop.core.errors import BadInput
from prefloop.core.records import CampaignRequest
from prefloop.datasets.standing import in_quarantine
from prefloop.evaluation import relabel
from prefloop.evaluation.relabel import Flips, Side
from prefloop.flows.project import Project
from prefloop.store import artifacts, people
from prefloop.store.artifacts import Artifact
from prefloop.store.engine import Reader

__all__ = ["ask", "changes", "take_up"]


def ask(
    project: Project,
    batch: Artifact,
    wanted: Filter,
    spec: str,
    control: int,
    reason: str,
    evidence: Sequence[Artifact] = (),
) -> CampaignRequest:
    """Ask for the comparisons of `batch` that the filter names to be judged again under `spec`,
    and for a control of so many others. See annotation.requests.ask."""
    with project.transaction() as tx:
        return requests.ask(
            tx,
            batch,
            wanted,
            spec,
            control=control,
            reason=reason,
            evidence=evidence,
            seed=project.settings.seed,
        )


def take_up(
    project: Project,
    request: CampaignRequest,
    name: str,
    settings: CampaignSettings | None = None,
    known: Sequence[Item] = (),
) -> tuple[Campaign, ...]:
    """Open the campaign that was asked for, and the one for its control if there is any.

    Without settings, the overlap is that of the batch to be judged again. `known` are gold and
    anchor items for both: those of the batch may have other answers by now, so none is taken over.
    """
    with project.transaction() as tx:
        if settings is None:
            ran = artifacts.get(tx, request.sources[0]).manifest.get("settings", {})
            settings = CampaignSettings(overlap=ran.get("overlap", 1), seed=project.settings.seed)
        return requests.take_up(tx, request, name, settings, known)


def changes(
    project: Project, before: Artifact, relabelled: Artifact, control: Artifact
) -> Artifact:
    """Record how many winners the relabelling turned round, beyond what noise turns round.

    An evaluation of type "relabel". Raises BadInput for batches that are not what one request led
    to, or were made under different specifications.
    """
    asked = _same_request(before, relabelled, control)
    with project.transaction() as tx:
        people.require(tx, "evaluate")
        found = relabel.changes(*(_side(tx, batch) for batch in (before, relabelled, control)))
        manifest = {
            "type": "relabel",
            "request": asked["digest"],
            "reason": asked["reason"],
            "filter": asked["filter"],
            "filter_reads_judgments": Filter.model_validate(asked["filter"]).by_judgments,
            "spec": relabelled.manifest["spec"],
            "epochs": {"before": before.manifest["epoch"], "after": relabelled.manifest["epoch"]},
            "relabelled": _flips(found.relabelled),
            "control": _flips(found.control),
            "difference": found.difference.json(),
            "beyond_noise": found.beyond_noise.json(),
            "verdict": found.verdict,
            "people": found.people,
            "people_in_both": found.shared_people,
            "judgments": found.judgments,
            "judgments_of_people_in_both": found.shared,
        }
        above = [before.digest, relabelled.digest, control.digest]
        return artifacts.put(tx, "evaluation", manifest, above)


def _same_request(before: Artifact, relabelled: Artifact, control: Artifact) -> dict[str, Any]:
    """The request behind both parts, as the batches tell it."""
    for batch, part in ((relabelled, "relabel"), (control, "control")):
        asked = batch.manifest.get("request", {})
        if asked.get("part") != part:
            raise BadInput(
                f"batch {batch.short} ({batch.manifest['campaign']}) is not the {part} part of a "
                "request: prefloop campaign requests lists them"
            )
        if before.digest not in batch.parents:
            raise BadInput(f"batch {batch.short} does not judge {before.short} again")
    one, two = relabelled.manifest["request"], control.manifest["request"]
    if one["digest"] != two["digest"]:
        raise BadInput(f"{relabelled.short} and {control.short} come of different requests")
    found: dict[str, Any] = one
    return found


def _side(reader: Reader, batch: Artifact) -> Side:
    barred = {
        name
        for name, record in batch.manifest["pool"].items()
        if record["calibration"]["status"] != "cleared"
    } | in_quarantine(reader, batch).keys()
    return Side(artifacts.read_rows(reader, batch, "comparisons"), barred)


def _flips(found: Flips) -> dict[str, Any]:
    return {**asdict(found), "rate": found.rate.json()}
