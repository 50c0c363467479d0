"""The chain behind an artifact, and what came of it."""

from typing import Any

import pytest

from prefloop.core.errors import NotFound
from prefloop.flows import lineage
from prefloop.flows.project import Project
from prefloop.store import artifacts, names


@pytest.fixture
def digests(project: Project) -> dict[str, str]:
    """A diamond: spec -> two batches -> one dataset."""
    found: dict[str, str] = {}
    with project.transaction() as tx:

        def put(name: str, kind: str, manifest: dict[str, Any], *above: str) -> None:
            made = artifacts.put(tx, kind, manifest, [found[one] for one in above])
            found[name] = made.digest

        put("spec", "spec", {"epoch": 1})
        put("july", "label_batch", {"campaign": "july", "judgments": 3}, "spec")
        put("june", "label_batch", {"campaign": "june", "judgments": 4}, "spec")
        put("data", "dataset", {"role": "preferences", "counts": {"pairs": 7}}, "july", "june")
        names.add_version(tx, "dataset/support", found["data"])
    return found


def test_the_tree_reaches_the_specification_and_draws_it_once(
    project: Project, digests: dict[str, str]
) -> None:
    with project.reader() as reader:
        text = lineage.as_text(lineage.tree(reader, "dataset/support"))
    first, second = sorted(["july", "june"], key=lambda name: digests[name])
    counts = {"july": 3, "june": 4}
    assert text.splitlines() == [
        f"dataset {digests['data'][:12]}  7 pairs  (dataset/support@v1)",
        f"├─ label_batch {digests[first][:12]}  {first}, {counts[first]} judgments",
        f"│  └─ spec {digests['spec'][:12]}  epoch 1",
        f"└─ label_batch {digests[second][:12]}  {second}, {counts[second]} judgments",
        f"   └─ spec {digests['spec'][:12]}  epoch 1  (above)",
    ]


def test_the_tree_goes_down_as_well(project: Project, digests: dict[str, str]) -> None:
    with project.reader() as reader:
        node = lineage.tree(reader, digests["spec"], down=True)
    assert {branch.artifact.digest for branch in node.branches} == {
        digests["july"],
        digests["june"],
    }
    assert [[leaf.repeated for leaf in branch.branches] for branch in node.branches] == [
        [False],
        [True],
    ]


def test_an_artifact_alone_is_one_line(project: Project, digests: dict[str, str]) -> None:
    with project.reader() as reader:
        node = lineage.tree(reader, digests["spec"][:10])
    assert lineage.as_text(node) == f"spec {digests['spec'][:12]}  epoch 1"
    assert lineage.as_json(node) == {
        "digest": digests["spec"],
        "kind": "spec",
        "about": "epoch 1",
        "names": [],
        "author": "ana",
        "repeated": False,
        "branches": [],
    }


def test_a_name_that_is_not_there_is_said(project: Project) -> None:
    with project.reader() as reader, pytest.raises(NotFound, match="nothing in this ledger"):
        lineage.tree(reader, "champion")


@pytest.mark.parametrize(
    ("kind", "manifest", "said"),
    [
        ("prompt_set", {"prompts": 9}, "9 prompts"),
        ("completion_set", {}, "? completions"),
        ("dataset", {"role": "demonstrations"}, "demonstrations"),
        ("model", {"role": "reward"}, "reward"),
        ("run", {"stage": "sft"}, "sft"),
        ("evaluation", {"type": "suite"}, "suite"),
        ("gate_result", {"stage": "policy", "verdict": "fail"}, "policy: fail"),
        ("suite", {"cases": 12}, "12 cases"),
        ("handoff", {}, ""),
    ],
)
def test_each_kind_is_told_in_a_few_words(
    project: Project, kind: str, manifest: dict[str, Any], said: str
) -> None:
    with project.transaction() as tx:
        assert lineage.headline(artifacts.put(tx, kind, manifest)) == said
