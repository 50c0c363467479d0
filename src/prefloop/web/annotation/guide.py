"""The specification a campaign follows, as its screen needs it: what counts, and the playbook.

Kept by digest: a published specification never changes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from prefloop.annotation.campaigns import Campaign
from prefloop.annotation.judgments import Submission
from prefloop.core.errors import BadInput
from prefloop.store import artifacts
from prefloop.store.engine import Reader
from prefloop.text.rendering import render

__all__ = ["Dimension", "Disqualifier", "Guide", "check", "of"]

_KEPT: dict[str, "Guide"] = {}
_MOST_KEPT = 64


@dataclass(frozen=True, slots=True)
class Dimension:
    """One row of the form, with its hints."""

    name: str
    description: str
    good: str
    bad: str


@dataclass(frozen=True, slots=True)
class Disqualifier:
    """What makes a response unacceptable."""

    name: str
    description: str


@dataclass(frozen=True, slots=True)
class Guide:
    """What the screen shows of a specification; `playbook` is safe HTML."""

    name: str
    language: str
    dimensions: tuple[Dimension, ...]
    disqualifiers: tuple[Disqualifier, ...]
    playbook: str


def of(reader: Reader, campaign: Campaign) -> Guide:
    """The guide of the very version this campaign follows."""
    kept = _KEPT.get(campaign.spec)
    if kept is None:
        if len(_KEPT) >= _MOST_KEPT:
            _KEPT.clear()
        kept = _KEPT[campaign.spec] = _guide(artifacts.get(reader, campaign.spec).manifest)
    return kept


def check(reader: Reader, campaign: Campaign, sent: Submission) -> None:
    """Raise BadInput for a dimension or a flag that the specification does not have."""
    guide = of(reader, campaign)
    dimensions = {one.name for one in guide.dimensions}
    flags = {one.name for one in guide.disqualifiers}
    strange = [*(set(sent.dimensions) - dimensions), *(set(sent.flags) - flags)]
    if strange:
        raise BadInput(f"{strange[0][:80]!r} is not in the specification: reload the page")


def _guide(manifest: Mapping[str, Any]) -> Guide:
    spec = manifest["spec"]
    return Guide(
        manifest["name"],
        spec.get("language", "en"),
        tuple(
            Dimension(one["name"], *(one.get(part, "") for part in ("description", "good", "bad")))
            for one in spec["dimensions"]
        ),
        tuple(
            Disqualifier(one["name"], one.get("description", ""))
            for one in spec.get("disqualifiers", [])
        ),
        render(manifest.get("playbook", "")),
    )
