"""Labels from elsewhere into the ledger, and data out again; campaigns over sets of candidates."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

from prefloop.annotation import campaigns
from prefloop.annotation.campaigns import CampaignSettings, Item
from prefloop.core.digest import digest
from prefloop.core.errors import BadInput, NotFound
from prefloop.core.records import Completion, Prompt, Purpose
from prefloop.datasets import formats, freeze
from prefloop.datasets.formats import Imported, ImportedComparison
from prefloop.datasets.freeze import FreezeSettings
from prefloop.flows.project import Project
from prefloop.flows.prompts import read_completions
from prefloop.store import artifacts, names, proposals, texts
from prefloop.store.artifacts import Artifact
from prefloop.store.proposals import Proposal
from prefloop.store.rows import prompt_row, prompt_words

__all__ = [
    "FreezeSettings",
    "create_campaign",
    "export",
    "freeze_dataset",
    "freeze_demonstrations",
    "import_file",
]

OUTSIDE = "imported"  # whoever labelled a file that names nobody


def import_file(
    project: Project, path: Path, format_name: str | None, spec: str | None
) -> tuple[Artifact, Imported]:
    """A file of comparisons as a label batch; `spec` names the specification they followed.

    Without one the batch has epoch 0: such labels are pooled only with their like.
    """
    project.require("import")
    try:
        with path.open("rb") as stream:
            found = formats.read_comparisons(stream, path.name, format_name)
    except FileNotFoundError as error:
        raise NotFound(f"{path}: no such file") from error
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}") from error
    with project.transaction() as tx:
        followed = names.resolve(tx, spec, "spec") if spec else None
        stored = texts.put_many(tx, _words(found.comparisons))
        rows = list(_batch_rows(found.comparisons, stored, followed.digest if followed else ""))
        rules = followed.manifest["spec"]["tie_break"] if followed else []
        sources = Counter(row["facts"]["source"] for row in rows)
        manifest = {
            "campaign": f"import {path.name}",
            "purpose": "live",
            "round": 1,
            "format": found.format,
            "spec": followed.digest if followed else None,
            "epoch": followed.manifest["epoch"] if followed else 0,
            "dimensions": sorted({d for c in found.comparisons for d in c.dimensions}),
            "tie_break": [rule["by"] for rule in rules],
            "prompt_sources": dict(sorted(sources.items())),
            "pool": _outside(rows),
            "judgments": sum(len(row["judgments"]) for row in rows),
            "set_aside": len(found.odd),
            "files": {"comparisons": artifacts.write_rows(tx, rows)},
        }
        batch = artifacts.put(
            tx, "label_batch", manifest, [followed.digest] if followed else [], path.name
        )
    return batch, found


def freeze_dataset(
    project: Project, name: str, batches: Sequence[str], settings: FreezeSettings
) -> tuple[Artifact, Proposal]:
    """Freeze batches and propose the result as the next version of dataset/NAME."""
    with project.transaction() as tx:
        found = [names.resolve(tx, one, "label_batch") for one in batches]
        dataset = freeze.freeze(tx, found, settings)
        effect = proposals.name_version(f"dataset/{name}")
        counts = dataset.manifest["counts"]
        why = f"{counts['pairs']} pairs from {len(found)} batches"
        return dataset, proposals.propose(tx, "dataset", dataset.digest, effect, why)


def freeze_demonstrations(
    project: Project, name: str, examples: Sequence[tuple[Prompt, str]], parents: Sequence[str] = ()
) -> tuple[Artifact, Proposal]:
    """Record prompts with completions to imitate and propose them as dataset/NAME."""
    with project.transaction() as tx:
        words = [*prompt_words(prompt for prompt, _ in examples), *(text for _, text in examples)]
        stored = texts.put_many(tx, words)
        rows = [
            {**prompt_row(prompt, stored), "completion": stored[completion]}
            for prompt, completion in examples
        ]
        dataset = freeze.demonstrations(tx, rows, {}, parents)
        effect = proposals.name_version(f"dataset/{name}")
        why = f"{len(rows)} demonstrations"
        return dataset, proposals.propose(tx, "dataset", dataset.digest, effect, why)


def export(
    project: Project, reference: str, path: Path, format_name: str, split: str | None
) -> int:
    """Write a dataset's pairs to a new file; returns how many."""
    form = formats.writable(format_name)
    with project.reader() as reader:
        dataset = names.resolve(reader, reference, "dataset")
        found = freeze.pairs(reader, dataset, split)
    try:
        with path.open("xb") as stream:
            return form.write(found, stream)
    except FileExistsError as error:
        raise BadInput(f"{path} is there already: choose another name") from error
    except OSError as error:
        raise BadInput(f"cannot write {path}: {error.strerror}") from error


def create_campaign(
    project: Project, name: str, candidates: str, spec: str | None, overlap: int, purpose: str
) -> dict[str, Any]:
    """A campaign over every pair of different completions in a completion_set."""
    if purpose not in (Purpose.LIVE.value, Purpose.EVALUATION.value):
        raise BadInput(f"purpose {purpose!r}: live or evaluation")
    with project.transaction() as tx:
        found = names.resolve(tx, candidates, "completion_set")
        prompts, given = read_completions(tx, found)
        settings = CampaignSettings(
            overlap=overlap, purpose=Purpose(purpose), seed=project.settings.seed
        )
        campaign = campaigns.create(
            tx, name, spec or project.settings.spec, settings, [found.digest]
        )
        ids = campaigns.add_items(tx, campaign, _items(prompts, given))
        if not ids:  # raised in here, so that no empty campaign is left behind
            raise BadInput(f"{candidates} holds no two different completions of one prompt")
    return {"campaign": campaign.id, "spec": campaign.spec, "items": len(set(ids))}


def _items(prompts: Sequence[Prompt], given: Sequence[Sequence[Completion]]) -> list[Item]:
    return [
        Item(prompt, a, b)
        for prompt, several in zip(prompts, given, strict=True)
        for a, b in combinations(several, 2)
        if a.text != b.text
    ]


def _words(found: Sequence[ImportedComparison]) -> Iterator[str]:
    yield from prompt_words(one.prompt for one in found)
    for one in found:
        yield one.chosen
        yield one.rejected


def _batch_rows(
    found: Sequence[ImportedComparison], stored: dict[str, str], spec: str
) -> Iterator[dict[str, Any]]:
    """One row per comparison in id order; a comparison that comes twice keeps both judgments."""
    rows: dict[str, dict[str, Any]] = {}
    for one in found:
        chosen, rejected = stored[one.chosen], stored[one.rejected]
        a, b = sorted((chosen, rejected))
        prompt = prompt_row(one.prompt, stored)
        name = digest([prompt["messages"], a, b])
        row = rows.setdefault(
            name,
            {
                "comparison": name,
                **prompt,
                "a": a,
                "b": b,
                "origin": {"a": "", "b": ""},
                "judgments": [],
            },
        )
        won = "a" if chosen == a else "b"
        # The same comparison again in one file is another nameless person's word on it.
        already = len(row["judgments"])
        person = f"{OUTSIDE} {already + 1}" if already else OUTSIDE
        row["judgments"].append({**_judgment(one, won, spec), "annotator": person})
    for name in sorted(rows):
        yield rows[name]


def _judgment(one: ImportedComparison, won: str, spec: str) -> dict[str, Any]:
    lost = "b" if won == "a" else "a"
    sides = {1: won, -1: lost, 0: "tie"}
    return {
        "purpose": "live",
        "round": 1,
        "verdict": won,
        "strength": 1,
        "dimensions": {name: sides[sign] for name, sign in one.dimensions.items()},
        "flags": [],
        "rationale": "",
        "first_shown": None,  # nobody recorded it
        "active_ms": 0,
        "spec": spec,
    }


def _outside(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The record of people nobody here has tested."""
    counts = Counter(one["annotator"] for row in rows for one in row["judgments"])
    return {
        name: {
            "judgments": count,
            "gold": {"n": 0, "correct": 0},
            "duplicates": {"n": 0, "consistent": 0},
            "calibration": {"status": "cleared", "round": 0, "evidence": {"imported": True}},
        }
        for name, count in sorted(counts.items())
    }
