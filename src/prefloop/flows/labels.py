"""Labels from elsewhere into the ledger, and data out again."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from prefloop.core.digest import digest
from prefloop.core.errors import BadInput, NotFound
from prefloop.core.records import Prompt
from prefloop.datasets import formats, freeze
from prefloop.datasets.corrections import corrections
from prefloop.datasets.formats import Imported, ImportedComparison
from prefloop.datasets.freeze import FreezeSettings
from prefloop.flows.project import Project
from prefloop.store import artifacts, names, proposals, texts
from prefloop.store.artifacts import Artifact
from prefloop.store.engine import Reader
from prefloop.store.proposals import Proposal
from prefloop.store.rows import prompt_row, prompt_words

__all__ = [
    "FreezeSettings",
    "export",
    "followed",
    "freeze_dataset",
    "freeze_demonstrations",
    "freeze_edits",
    "import_file",
    "opened",
]

OUTSIDE = "imported"  # whoever labelled a file that names nobody


def import_file(
    project: Project, path: Path, format_name: str | None, spec: str | None
) -> tuple[Artifact, Imported]:
    """A file of comparisons as a label batch; `spec` names the specification they followed.

    Without one the batch has epoch 0: such labels are pooled only with their like.
    """
    project.require("import")
    with opened(path) as stream:
        found = formats.read_comparisons(stream, path.name, format_name)
    with project.transaction() as tx:
        about, above = followed(tx, spec)
        stored = texts.put_many(tx, _words(found.comparisons))
        rows = list(_batch_rows(found.comparisons, stored, about["spec"] or ""))
        sources = Counter(row["facts"]["source"] for row in rows)
        manifest = {
            "campaign": f"import {path.name}",
            "purpose": "live",
            "round": 1,
            "format": found.format,
            **about,
            "dimensions": sorted({d for c in found.comparisons for d in c.dimensions}),
            "prompt_sources": dict(sorted(sources.items())),
            "pool": _outside(rows),
            "judgments": sum(len(row["judgments"]) for row in rows),
            "set_aside": len(found.odd),
            "files": {"comparisons": artifacts.write_rows(tx, rows)},
        }
        batch = artifacts.put(tx, "label_batch", manifest, above, path.name)
    return batch, found


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Somebody's file for reading; what cannot be read is NotFound or BadInput."""
    try:
        with path.open("rb") as stream:
            yield stream
    except FileNotFoundError as error:
        raise NotFound(f"{path}: no such file") from error
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}") from error


def followed(reader: Reader, spec: str | None) -> tuple[dict[str, Any], list[str]]:
    """What a batch from elsewhere says of the specification its labels followed, and its parents.

    Its name is part of that: epochs are counted for each specification.
    """
    if spec is None:
        return {"spec": None, "epoch": 0, "tie_break": []}, []
    found = names.resolve(reader, spec, "spec")
    about = {
        "spec": found.digest,
        "spec_name": found.manifest.get("name", ""),
        "epoch": found.manifest["epoch"],
        "tie_break": [rule["by"] for rule in found.manifest["spec"]["tie_break"]],
    }
    return about, [found.digest]


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


def freeze_edits(project: Project, name: str, batches: Sequence[str]) -> tuple[Artifact, Proposal]:
    """What annotators corrected, as demonstrations; proposed as the next version of dataset/NAME.

    The corrections that stand after all batches, oldest first, of people who count in a freeze.
    """
    with project.transaction() as tx:
        found = [names.resolve(tx, one, "label_batch") for one in batches]
        rows = corrections(tx, found)
        dataset = freeze.demonstrations(tx, rows, {"from": "edits"}, [one.digest for one in found])
        effect = proposals.name_version(f"dataset/{name}")
        why = f"{len(rows)} completions as their annotators corrected them"
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
