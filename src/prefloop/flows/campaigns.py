"""Campaigns from what is at hand: candidates to compare or rank, and items that test people."""

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Any, Literal

from prefloop.annotation import campaigns
from prefloop.annotation.campaigns import Campaign, CampaignSettings
from prefloop.annotation.items import Answer, Item, add_items
from prefloop.core.config import parse_yaml
from prefloop.core.errors import BadInput
from prefloop.core.records import Completion, Prompt, Purpose, Verdict
from prefloop.flows.project import Project, read_text
from prefloop.flows.prompts import candidates_in, read_completions
from prefloop.prompts.candidates import Candidates
from prefloop.store import names
from prefloop.store.engine import Reader

__all__ = ["add_known", "create", "settings_in"]

_MOST_RANKED = 9  # one key of the keyboard for each
_BEST = {1: Verdict.A, 2: Verdict.B, 0: Verdict.TIE}


def settings_in(
    project: Project, path: Path | None, overlap: int | None = None, purpose: str | None = None
) -> CampaignSettings:
    """The settings of a YAML file, with what was asked for beside it, and the project's seed."""
    if purpose not in (None, Purpose.LIVE.value, Purpose.EVALUATION.value):
        raise BadInput(f"purpose {purpose!r}: live or evaluation")
    own: dict[str, Any] = {"seed": project.settings.seed}
    if path is not None:
        read = parse_yaml(read_text(path), CampaignSettings, str(path))
        own |= {name: getattr(read, name) for name in read.model_fields_set}
    asked = {"overlap": overlap, "purpose": purpose}
    own |= {name: value for name, value in asked.items() if value is not None}
    return CampaignSettings.model_validate(own)


def create(
    project: Project,
    name: str,
    candidates: str,
    spec: str | None,
    settings: CampaignSettings,
    ranked: int = 2,
) -> dict[str, Any]:
    """A campaign over a completion_set: every pair of different completions of a prompt, or, with
    `ranked` above 2, all completions of a prompt at once, at most so many of them."""
    if settings.purpose is Purpose.RELABEL:
        raise BadInput("a relabelling is asked for by name: prefloop campaign request, then take")
    if not 2 <= ranked <= _MOST_RANKED:
        raise BadInput(f"{ranked} completions at once: 2 to {_MOST_RANKED}")
    with project.transaction() as tx:
        found = names.resolve(tx, candidates, "completion_set")
        prompts, given = read_completions(tx, found)
        campaign = campaigns.create(
            tx, name, spec or project.settings.spec, settings, [found.digest]
        )
        ids = add_items(tx, campaign, _items(prompts, given, ranked))
        if not ids:  # raised in here, so that no empty campaign is left behind
            raise BadInput(f"{candidates} holds no two different completions of one prompt")
    return {"campaign": campaign.id, "spec": campaign.spec, "items": len(set(ids))}


def add_known(
    project: Project,
    name: str,
    path: Path,
    kind: Literal["gold", "anchor"],
    columns: Sequence[str] = (),
    completions: Sequence[str] = (),
) -> tuple[int, int]:
    """Put items whose answer is known into a campaign's queue; returns how many, and how many of
    the file's were in the campaign before, which are left as they are."""
    found = candidates_in(path, columns, completions, known=True)
    with project.transaction() as tx:
        campaign = campaigns.get(tx, name)
        items = [_known(one, kind == "anchor") for one in found]
        before = _count(tx, campaign, kind)
        ids = set(add_items(tx, campaign, items))
        new = _count(tx, campaign, kind) - before
        return new, len(ids) - new


def _count(reader: Reader, campaign: Campaign, kind: str) -> int:
    return int(campaigns.status(reader, campaign)["queue"].get(kind, {}).get("items", 0))


def _known(found: Candidates, anchor: bool) -> Item:
    first, second = found.completions
    answer = Answer(_BEST[found.best or 0], found.explanation)
    return Item(found.prompt, first, second, answer=answer, anchor=anchor)


def _items(
    prompts: Sequence[Prompt], given: Sequence[Sequence[Completion]], ranked: int
) -> list[Item]:
    items = []
    for prompt, several in zip(prompts, given, strict=True):
        different = list({one.text: one for one in reversed(several)}.values())[::-1]
        if ranked == 2:
            items += [Item(prompt, a, b) for a, b in combinations(different, 2)]
        elif len(different) > 1:
            first, second, *more = different[:ranked]
            items.append(Item(prompt, first, second, more=tuple(more)))
    return items
