"""Which judgments on each comparison stand, when several batches speak of it.

Batches come oldest first. Judgments of one epoch add up, one word for each person. A relabelling
takes the place of everything before it, corrections of its texts included, and so does any batch
of another epoch: votes given under two specifications are no majority. What a relabelling named
and nobody judged, or nobody who counts, has no label at all: that its old one is stale is why it
was named.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from prefloop.datasets.aggregate import counted
from prefloop.store import artifacts, quarantine
from prefloop.store.artifacts import Artifact
from prefloop.store.engine import Reader

__all__ = ["Standing", "followed", "in_quarantine", "standing"]

Judgments = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Standing:
    """One comparison: the judgments that count, whose they replaced, and what they followed."""

    row: Mapping[str, Any]
    judgments: Judgments
    replaced: Judgments
    followed: dict[str, Any]  # spec_name, epoch

    @property
    def only_tests(self) -> bool:
        """Nobody was asked about it except as gold or anchor."""
        asked = (one["purpose"] for one in self.row["judgments"])
        known = all(one in ("gold", "anchor") for one in asked)
        return known and not self.judgments and not self.replaced


def followed(batch: Artifact) -> tuple[str, int]:
    """The specification's name and epoch that a batch followed."""
    return batch.manifest.get("spec_name", ""), batch.manifest["epoch"]


def standing(
    reader: Reader, batches: Sequence[Artifact], exclude: Collection[str]
) -> tuple[dict[str, Standing], int]:
    """{comparison: what stands} after all batches, and how many judgments were by people who do
    not count: those in `exclude`, those whom calibration did not clear in their campaign, and those
    whose judgments in a batch are in quarantine now."""
    found: dict[str, Standing] = {}
    excluded = 0
    for batch in batches:
        barred = {*exclude, *_barred(batch), *in_quarantine(reader, batch)}
        rows = artifacts.read_rows(reader, batch, "comparisons")
        missing = _not_judged(reader, batch)
        renewed = missing | {row["comparison"] for row in rows if _again(row)}
        for name, before in found.items():
            if name in missing or before.row.get("of") in renewed:
                found[name] = _emptied(before, batch)
        for row in [*rows, *_edits(reader, batch)]:
            excluded += sum(one["annotator"] in barred for one in row["judgments"])
            name = row["comparison"]
            found[name] = _after(found.get(name), row, batch, counted(row["judgments"], barred))
    return found, excluded


def in_quarantine(reader: Reader, batch: Artifact) -> dict[str, str]:
    """{annotator: digest of the alarms} of those whose judgments in this batch are set aside."""
    found = quarantine.held(reader, [batch.digest, batch.manifest["campaign"]])
    own = batch.manifest["pool"]
    return {name: one.alarms for name, one in found.items() if name in own}


def _edits(reader: Reader, batch: Artifact) -> Sequence[Mapping[str, Any]]:
    """Corrected texts against what they correct: comparisons that their writers decided."""
    if "edits" not in batch.manifest["files"]:
        return ()
    return artifacts.read_rows(reader, batch, "edits")


def _again(row: Mapping[str, Any]) -> bool:
    return any(one["purpose"] == "relabel" for one in row["judgments"])


def _after(
    before: Standing | None, row: Mapping[str, Any], batch: Artifact, said: Judgments
) -> Standing:
    name, epoch = followed(batch)
    now = {"spec_name": name, "epoch": epoch}
    if before is None:
        return Standing(row, said, (), now)
    again = _again(row)
    if not said and not again:  # asked as gold, or of people who do not count: nothing new
        return replace(before, row=row) if before.only_tests else before
    if again or before.followed != now:
        return Standing(row, said, before.judgments or before.replaced, now)
    # One word each, the newest: whether asked again in a later round or imported twice.
    words = {one["annotator"]: one for one in [*before.judgments, *said]}
    return Standing(row, list(words.values()), before.replaced, now)


def _emptied(before: Standing, batch: Artifact) -> Standing:
    name, epoch = followed(batch)
    now = {"spec_name": name, "epoch": epoch}
    return Standing(before.row, (), before.judgments or before.replaced, now)


def _not_judged(reader: Reader, batch: Artifact) -> set[str]:
    if "not_judged" not in batch.manifest["files"] or batch.manifest["purpose"] != "relabel":
        return set()
    return {row["comparison"] for row in artifacts.read_rows(reader, batch, "not_judged")}


def _barred(batch: Artifact) -> set[str]:
    """Annotators whom calibration did not clear: their labels are kept, not trained on."""
    return {
        name
        for name, record in batch.manifest["pool"].items()
        if record["calibration"]["status"] != "cleared"
    }
