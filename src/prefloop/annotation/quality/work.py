"""What a report looks at: a label batch, or a campaign as it stands.

A batch of a campaign of this ledger holds no times and no gold answers, so that the same work has
the same digest; both are read from the campaign's live rows, which nothing changes any more. A
batch from elsewhere brings its own, if it has any.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from prefloop.annotation import batches, calibration, campaigns, queries
from prefloop.annotation.campaigns import Campaign
from prefloop.annotation.labels import Labels, are_labels, of_rows
from prefloop.annotation.labels import read as read_labels
from prefloop.core.errors import BadInput
from prefloop.store import artifacts, names
from prefloop.store.artifacts import Artifact
from prefloop.store.engine import Reader

__all__ = [
    "Followed",
    "Part",
    "Rows",
    "Work",
    "followers",
    "of_batch",
    "of_campaign",
    "parts",
    "pick",
]

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Followed:
    """A specification that judgments followed; `objective` are dimensions with a right answer."""

    name: str
    epoch: int
    objective: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Work:
    """Judgments and what is known about them. `rows` is None for a batch of labels alone."""

    name: str
    scope: tuple[str, ...]  # what a quarantine may name: the batch, and its campaign
    campaign: Campaign | None  # of this ledger, open or closed
    rows: Rows | None
    labels: Labels
    dimensions: tuple[str, ...]
    specs: Mapping[str, Followed]  # by digest; "" for judgments that name none
    answers: Mapping[str, str]  # {comparison: what an expert says}
    explanations: tuple[str, ...]  # what experts wrote about gold and anchor items
    pool: Mapping[str, Any]  # {annotator: {"calibration": their standing}}


@dataclass(frozen=True, slots=True)
class Part:
    """The judgments of one epoch: those that may be counted together."""

    epoch: int
    specs: tuple[str, ...]  # digests
    rows: Rows | None
    labels: Labels


def of_batch(reader: Reader, batch: Artifact) -> Work:
    """A label batch."""
    about = batch.manifest
    alone = are_labels(batch)
    rows: Rows | None = None if alone else artifacts.read_rows(reader, batch, "comparisons")
    campaign = _behind(reader, batch)
    answers: Mapping[str, Any] = {}
    if campaign is not None and rows is not None:
        rows, answers = _timed(reader, campaign, rows), queries.answers(reader, campaign.id)
    return Work(
        f"{batch.short} ({about['campaign']})",
        (batch.digest, about["campaign"]),
        campaign,
        rows,
        read_labels(reader, batch) if rows is None else of_rows(rows),
        tuple(about["dimensions"]),
        _followed(reader, about["spec"] or "", about["epoch"], rows),
        *_known(answers),
        about["pool"],
    )


def of_campaign(reader: Reader, campaign: Campaign) -> Work:
    """A campaign as it stands. Raises BadInput before the first judgment."""
    rows = batches.so_far(reader, campaign)
    if not rows:
        raise BadInput(f"campaign {campaign.name} has no judgments yet: there is nothing to report")
    spec = artifacts.get(reader, campaign.spec).manifest
    timed = _timed(reader, campaign, rows)
    return Work(
        campaign.name,
        (campaign.name,),
        campaign,
        timed,
        of_rows(timed),
        tuple(one["name"] for one in spec["spec"]["dimensions"]),
        _followed(reader, campaign.spec, spec["epoch"], rows),
        *_known(queries.answers(reader, campaign.id)),
        {
            name: {"calibration": calibration.standing(reader, campaign, name)}
            for name in sorted({one["annotator"] for row in rows for one in row["judgments"]})
        },
    )


def parts(work: Work) -> Iterator[Part]:
    """The judgments by epoch, oldest first: across a breaking change nothing is pooled."""
    epochs = sorted({one.epoch for one in work.specs.values()})
    for epoch in epochs:
        own = tuple(digest for digest, one in work.specs.items() if one.epoch == epoch)
        if len(epochs) == 1 or work.rows is None:
            yield Part(epoch, own, work.rows, work.labels)
            continue
        rows = followers(work.rows, own)
        if rows:
            yield Part(epoch, own, rows, of_rows(rows))


def followers(rows: Rows, specs: Sequence[str]) -> Rows:
    """The rows with only those judgments that followed one of these specifications."""
    kept = (
        {**row, "judgments": [one for one in row["judgments"] if one["spec"] in specs]}
        for row in rows
    )
    return [row for row in kept if row["judgments"]]


def pick(labels: Labels, keep: np.ndarray) -> Labels:
    """Those judgments (a mask or positions) alone; items and annotators keep their codes."""
    columns = ("item", "annotator", "label", "at", "first_shown", "active_ms")
    return replace(labels, **{name: getattr(labels, name)[keep] for name in columns})


def _behind(reader: Reader, batch: Artifact) -> Campaign | None:
    """The campaign of this ledger that was closed into a batch; none for an import."""
    name = batch.manifest["campaign"]
    if "settings" not in batch.manifest or queries.campaign_by_name(reader, name) is None:
        return None
    return campaigns.get(reader, name)


def _timed(reader: Reader, campaign: Campaign, rows: Rows) -> Rows:
    times = queries.judgment_times(reader, campaign.id)

    def at(row: Mapping[str, Any], one: Mapping[str, Any]) -> int:
        return times.get((row["comparison"], one["annotator"], one["purpose"], one["round"]), -1)

    return [
        {**row, "judgments": [{**one, "at": at(row, one)} for one in row["judgments"]]}
        for row in rows
    ]


def _known(answers: Mapping[str, Any]) -> tuple[dict[str, str], tuple[str, ...]]:
    """The experts' verdicts by comparison, and what they wrote."""
    verdicts = {name: row.verdict for name, row in answers.items()}
    return verdicts, tuple(row.explanation for row in answers.values() if row.explanation)


def _followed(reader: Reader, spec: str, epoch: int, rows: Rows | None) -> dict[str, Followed]:
    """Every specification that any judgment names, with its epoch."""
    named = {one["spec"] for row in rows or () for one in row["judgments"]} or {spec}
    found = {}
    for digest in sorted(named):
        if not digest:
            found[digest] = Followed("no specification", epoch)
            continue
        about = artifacts.get(reader, digest).manifest
        known = [name for name in names.names_of(reader, digest) if "@v" in name]
        right = {one["name"] for one in about["spec"]["dimensions"] if one.get("objective")}
        found[digest] = Followed(
            known[0] if known else digest[:12], about["epoch"], frozenset(right)
        )
    return found
