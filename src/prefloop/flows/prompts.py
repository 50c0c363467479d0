"""Prompts and candidate completions into the ledger."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

from prefloop.core.digest import rng
from prefloop.core.errors import BadInput, NotFound
from prefloop.core.records import Completion, Prompt, PromptSource
from prefloop.flows.project import Project
from prefloop.prompts import importing
from prefloop.prompts.candidates import Candidates, read_candidates
from prefloop.prompts.plan import Plan, draw
from prefloop.store import artifacts, names, people, texts
from prefloop.store.artifacts import Artifact
from prefloop.store.engine import Reader
from prefloop.store.rows import prompt_is_whole, prompt_row, prompt_words, read_prompt
from prefloop.text.redaction import detectors
from prefloop.text.redaction import redact as redact_text

__all__ = [
    "candidates_in",
    "draw_by_plan",
    "import_candidates",
    "import_prompts",
    "keep_completions",
    "keep_prompts",
    "read_completions",
    "read_prompts",
]


def keep_prompts(
    project: Project,
    prompts: Sequence[Prompt],
    about: dict[str, Any],
    reserved: Sequence[Prompt] = (),
    parents: Sequence[str] = (),
) -> Artifact:
    """Record a set of prompts; `reserved` ones are for validation and never reach a labeller."""
    with project.transaction() as tx:
        people.require(tx, "prompts.add")
        stored = texts.put_many(tx, prompt_words([*prompts, *reserved]))
        rows = [{**prompt_row(prompt, stored), "reserved": False} for prompt in prompts]
        rows += [{**prompt_row(prompt, stored), "reserved": True} for prompt in reserved]
        manifest = {
            **about,
            "prompts": len(rows),
            "reserved": len(reserved),
            "sources": dict(sorted(Counter(p.source.value for p in prompts).items())),
            "topics": dict(sorted(Counter(p.topic for p in prompts).items())),
            "files": {"prompts": artifacts.write_rows(tx, rows)},
        }
        return artifacts.put(tx, "prompt_set", manifest, parents)


def read_prompts(reader: Reader, prompt_set: Artifact, reserved: bool = False) -> list[Prompt]:
    """The prompts of a set, either those to use or those kept for validation; a prompt with an
    erased turn is left out."""
    rows = [
        row
        for row in artifacts.read_rows(reader, prompt_set, "prompts")
        if row["reserved"] == reserved
    ]
    words = texts.get_many(reader, (m["text"] for row in rows for m in row["messages"]))
    return [read_prompt(row, words) for row in rows if prompt_is_whole(row, words)]


def keep_completions(
    project: Project,
    prompts: Sequence[Prompt],
    completions: Sequence[Sequence[Completion]],
    about: dict[str, Any],
    parents: Sequence[str],
) -> Artifact:
    """Record one or more completions of each prompt, with the model and sampling of each."""
    with project.transaction() as tx:
        people.require(tx, "prompts.add")
        drawn = [one for several in completions for one in several]
        stored = texts.put_many(tx, [*prompt_words(prompts), *(one.text for one in drawn)])
        rows = [
            {
                **prompt_row(prompt, stored),
                "completions": [
                    {"text": stored[c.text], "model": c.model, "sampling": c.sampling}
                    for c in several
                ],
            }
            for prompt, several in zip(prompts, completions, strict=True)
        ]
        manifest = {
            **about,
            "prompts": len(rows),
            "completions": len(drawn),
            "models": sorted({one.model for one in drawn}),
            "files": {"completions": artifacts.write_rows(tx, rows)},
        }
        return artifacts.put(tx, "completion_set", manifest, parents)


def read_completions(
    reader: Reader, completion_set: Artifact
) -> tuple[list[Prompt], list[list[Completion]]]:
    """The prompts of a set and their completions, erased ones of either left out."""
    rows = artifacts.read_rows(reader, completion_set, "completions")
    named = [m["text"] for row in rows for m in row["messages"]]
    named += [one["text"] for row in rows for one in row["completions"]]
    words = texts.get_many(reader, named)
    rows = [row for row in rows if prompt_is_whole(row, words)]
    found = [
        [
            Completion(body, one["model"], one["sampling"])
            for one in row["completions"]
            if (body := words[one["text"]]) is not None
        ]
        for row in rows
    ]
    return [read_prompt(row, words) for row in rows], found


def import_prompts(
    project: Project,
    path: Path,
    source: str,
    columns: Sequence[str],
    redact: bool,
    threshold: float,
) -> tuple[Artifact, list[str]]:
    """A file of prompts as a prompt_set, and what a person should look at in the import."""
    project.require("prompts.add")
    kind, renamed = _source(source), _renamed(columns)
    with _opened(path) as stream:
        found = importing.read_prompts(stream, path.name, kind, renamed)
    lines = [f"{len(found.prompts)} prompts in {path.name}"]
    prompts: Sequence[Prompt] = found.prompts
    privacy: dict[str, Any] = {"redacted": False}
    if redact:
        prompts, report = importing.redact_prompts(prompts, detectors())
        privacy = {"redacted": True, "counts": dict(report.counts)}
        said = ", ".join(f"{n} {kind}" for kind, n in report.counts.items()) or "nothing found"
        lines.append(f"personal data: {said}")
    kept, repeats = importing.deduplicate(prompts, threshold)
    lines.append(f"near-duplicates left out: {len(repeats)}")
    about = {"file": path.name, "privacy": privacy, "near_duplicates": len(repeats)}
    return keep_prompts(project, [prompts[place] for place in kept], about), lines


def import_candidates(
    project: Project,
    path: Path,
    source: str,
    columns: Sequence[str],
    completions: Sequence[str],
    redact: bool,
) -> tuple[Artifact, list[str]]:
    """A file of prompts with their completions as a completion_set, and what was redacted."""
    project.require("prompts.add")
    found = candidates_in(path, columns, completions, source)
    prompts = [one.prompt for one in found]
    answers = [one.completions for one in found]
    lines, privacy = [], dict[str, Any](redacted=False)
    if redact:
        using = detectors()
        clean, report = importing.redact_prompts(prompts, using)
        prompts, counts = list(clean), Counter(report.counts)
        for place, several in enumerate(answers):
            done = [redact_text(one.text, using) for one in several]
            counts.update(span.kind for one in done for span in one.spans)
            answers[place] = tuple(
                replace(one, text=new.text) for one, new in zip(several, done, strict=True)
            )
        privacy = {"redacted": True, "counts": dict(sorted(counts.items()))}
        said = ", ".join(f"{n} {kind}" for kind, n in sorted(counts.items())) or "nothing found"
        lines.append(f"personal data: {said}")
    about = {"file": path.name, "privacy": privacy}
    return keep_completions(project, prompts, answers, about, []), lines


def candidates_in(
    path: Path,
    columns: Sequence[str],
    completions: Sequence[str],
    source: str = "usage",
    known: bool = False,
) -> list[Candidates]:
    """The prompts and completions of a file."""
    kind, renamed = _source(source), _renamed(columns)
    with _opened(path) as stream:
        return read_candidates(stream, path.name, kind, renamed, completions, known)


def _source(name: str) -> PromptSource:
    if name not in [one.value for one in PromptSource]:
        raise BadInput(f"source {name!r}: {', '.join(one.value for one in PromptSource)}")
    return PromptSource(name)


def _renamed(columns: Sequence[str]) -> dict[str, str]:
    if any("=" not in one for one in columns):
        raise BadInput("--column takes THEIRS=OURS, e.g. --column text=prompt")
    return dict(one.split("=", 1) for one in columns)


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        with path.open("rb") as stream:
            yield stream
    except FileNotFoundError as error:
        raise NotFound(f"{path}: no such file") from error
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror or error}: a file is needed") from error


def draw_by_plan(
    project: Project, sets: Sequence[str], count: int, plan: Plan
) -> tuple[Artifact, dict[str, int]]:
    """Prompts to label by the plan, the reserved ones beside them, and what the mix lacks."""
    with project.reader() as reader:
        sources = [names.resolve(reader, one, "prompt_set") for one in sets]
        pool = [prompt for one in sources for prompt in read_prompts(reader, one)]
    drawn = draw(pool, plan, count, rng(project.settings.seed, "plan"))
    about = {"plan": plan.model_dump(mode="json"), "missing": dict(drawn.missing)}
    made = keep_prompts(
        project,
        [pool[place] for place in drawn.labelled],
        about,
        [pool[place] for place in drawn.reserved],
        [one.digest for one in sources],
    )
    return made, dict(drawn.missing)
