"""Prompts and candidate completions into the ledger."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from prefloop.core.records import Completion, Prompt
from prefloop.flows.project import Project
from prefloop.store import artifacts, people, texts
from prefloop.store.artifacts import Artifact
from prefloop.store.engine import Reader
from prefloop.store.rows import prompt_row, prompt_words, read_prompt

__all__ = ["keep_completions", "keep_prompts", "read_completions", "read_prompts"]


def keep_prompts(
    project: Project,
    prompts: Sequence[Prompt],
    about: dict[str, Any],
    reserved: Sequence[Prompt] = (),
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
        return artifacts.put(tx, "prompt_set", manifest)


def read_prompts(reader: Reader, prompt_set: Artifact, reserved: bool = False) -> list[Prompt]:
    """The prompts of a set, either those to use or those kept for validation."""
    rows = [
        row
        for row in artifacts.read_rows(reader, prompt_set, "prompts")
        if row["reserved"] == reserved
    ]
    words = texts.get_many(reader, (m["text"] for row in rows for m in row["messages"]))
    return [read_prompt(row, words) for row in rows]


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
    """The prompts of a set and their completions; an erased completion is left out."""
    rows = artifacts.read_rows(reader, completion_set, "completions")
    named = [m["text"] for row in rows for m in row["messages"]]
    named += [one["text"] for row in rows for one in row["completions"]]
    words = texts.get_many(reader, named)
    found = [
        [
            Completion(body, one["model"], one["sampling"])
            for one in row["completions"]
            if (body := words[one["text"]]) is not None
        ]
        for row in rows
    ]
    return [read_prompt(row, words) for row in rows], found
