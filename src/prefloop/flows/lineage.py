"""The chain behind an artifact, and what came of it, as a tree that a person can read.

An artifact reached twice is drawn in full the first time and by its digest afterwards.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from prefloop.store import artifacts, names
from prefloop.store.artifacts import Artifact
from prefloop.store.engine import Reader

__all__ = ["Node", "as_json", "as_text", "headline", "tree"]


@dataclass(frozen=True, slots=True)
class Node:
    """An artifact in a tree; `repeated` where its branch was drawn before."""

    artifact: Artifact
    names: list[str]
    branches: tuple["Node", ...]
    repeated: bool


def tree(reader: Reader, reference: str, down: bool = False) -> Node:
    """Ancestors of an artifact, or its descendants."""
    seen: set[str] = set()

    def grow(digest: str) -> Node:
        one = artifacts.get(reader, digest)
        known = names.names_of(reader, digest)
        if digest in seen:
            return Node(one, known, (), True)
        seen.add(digest)
        next_ = artifacts.children(reader, digest) if down else one.parents
        return Node(one, known, tuple(grow(name) for name in next_), False)

    return grow(names.resolve(reader, reference).digest)


def headline(artifact: Artifact) -> str:
    """What an artifact is, in a few words taken from its manifest."""
    m = artifact.manifest
    facts: dict[str, Callable[[], str]] = {
        "spec": lambda: f"epoch {m['epoch']}",
        "prompt_set": lambda: f"{m.get('prompts', '?')} prompts",
        "completion_set": lambda: f"{m.get('completions', '?')} completions",
        "label_batch": lambda: f"{m['campaign']}, {m['judgments']} judgments{_asked(m)}",
        "dataset": lambda: f"{m['counts']['pairs']} pairs" if "counts" in m else m.get("role", ""),
        "model": lambda: str(m["role"]),
        "run": lambda: str(m["stage"]),
        "evaluation": lambda: str(m["type"]),
        "gate_result": lambda: f"{m['stage']}: {m['verdict']}",
        "release": lambda: str(m["decision"]),
        "suite": lambda: f"{m.get('cases', '?')} cases",
    }
    say = facts.get(artifact.kind)
    return say() if say else ""


def _asked(batch: dict[str, Any]) -> str:
    """Why a batch was judged, where somebody asked for it."""
    asked = batch.get("request")
    return f" ({asked['part']}: {asked['reason']})" if asked else ""


def as_text(node: Node) -> str:
    """The tree with lines."""
    return "\n".join(_lines(node, "", ""))


def as_json(node: Node) -> dict[str, Any]:
    """The tree for programs."""
    return {
        "digest": node.artifact.digest,
        "kind": node.artifact.kind,
        "about": headline(node.artifact),
        "names": node.names,
        "author": node.artifact.author,
        "repeated": node.repeated,
        "branches": [as_json(branch) for branch in node.branches],
    }


def _lines(node: Node, first: str, rest: str) -> list[str]:
    label = f"{node.artifact.kind} {node.artifact.short}  {headline(node.artifact)}"
    if node.names:
        label += f"  ({', '.join(node.names)})"
    if node.repeated:
        label += "  (above)"
    lines = [first + label]
    for index, branch in enumerate(node.branches):
        last = index == len(node.branches) - 1
        lines += _lines(
            branch, rest + ("└─ " if last else "├─ "), rest + ("   " if last else "│  ")
        )
    return lines
