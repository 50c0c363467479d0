"""Campaigns from files: candidates to compare or to rank, and items that test people."""

import json
from pathlib import Path
from typing import Any

import pytest

from prefloop.annotation import campaigns, queries
from prefloop.annotation import tables as t
from prefloop.core.errors import BadInput, NotFound
from prefloop.core.records import Completion, Prompt, Purpose
from prefloop.flows import campaigns as flow
from prefloop.flows.approval import approve
from prefloop.flows.project import Project, read_text
from prefloop.flows.prompts import import_candidates, keep_completions, read_completions
from prefloop.spec import publish
from prefloop.spec.model import parse
from prefloop.store.artifacts import Artifact


@pytest.fixture
def published(project: Project) -> Artifact:
    spec = parse(read_text(project.folder / "spec.yaml"), "spec.yaml")
    with project.transaction() as tx:
        made = publish.publish(tx, spec, "spec/main", "the first")
    approve(project.as_("ben"), made.proposal)
    return made.artifact


def drawn(project: Project, *texts: str) -> str:
    given = [Completion(text, f"model {n}") for n, text in enumerate(texts)]
    return keep_completions(project, [Prompt.of("How?")], [given], {}, []).digest


def create(project: Project, name: str, candidates: str, ranked: int = 2) -> dict[str, Any]:
    settings = flow.settings_in(project, None)
    return flow.create(project, name, candidates, None, settings, ranked)


def lines(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def test_a_campaign_compares_every_pair_of_different_completions(
    project: Project, published: Artifact
) -> None:
    # Three different texts: 3 pairs, though one of them was drawn twice.
    found = create(project, "july", drawn(project, "this way", "that way", "this way", "no way"))
    assert (found["items"], found["spec"]) == (3, published.digest)
    with pytest.raises(BadInput, match="no two different completions"):
        create(project, "june", drawn(project, "this way", "this way"))
    with project.reader() as reader:
        assert queries.campaign_names(reader) == ["july"]  # none is left behind half made


def test_with_more_than_two_at_once_a_prompt_is_one_slate(
    project: Project, published: Artifact
) -> None:
    several = drawn(project, "one", "two", "three", "two", "four")
    assert create(project, "july", several, ranked=3)["items"] == 1
    with project.reader() as reader:
        [slate] = reader.all(t.slate.select())
    assert len(slate.others) == 1  # three of the four that differ
    with pytest.raises(BadInput, match="2 to 9"):
        create(project, "june", several, ranked=10)


def test_settings_come_from_a_file_and_what_is_asked_for_beside_it_goes_before(
    project: Project, tmp_path: Path
) -> None:
    file = tmp_path / "campaign.yaml"
    file.write_text("overlap: 2\ngold_share: 0.05\ncalibration: {anchors: 15}\n")
    found = flow.settings_in(project, file, overlap=5)
    assert (found.overlap, found.gold_share, found.seed) == (5, 0.05, project.settings.seed)
    assert found.calibration is not None
    assert found.calibration.anchors == 15
    file.write_text("overlapp: 2\n")
    with pytest.raises(BadInput, match='did you mean "overlap"'):
        flow.settings_in(project, file)
    with pytest.raises(BadInput, match="live or evaluation"):
        flow.settings_in(project, None, purpose="gold")
    assert flow.settings_in(project, None, purpose="evaluation").purpose is Purpose.EVALUATION


def test_candidates_are_read_from_named_columns_and_redacted(
    project: Project, tmp_path: Path
) -> None:
    file = tmp_path / "pairs.csv"
    file.write_text("question,one,two\nHow?,Write to ann@example.org,Call us\n")
    made, told = import_candidates(
        project, file, "usage", ["question=prompt"], ["one", "two"], True
    )
    assert told == ["personal data: 1 EMAIL"]
    with project.reader() as reader:
        prompts, given = read_completions(reader, made)
    assert [prompt.text for prompt in prompts] == ["How?"]
    assert [one.model for one in given[0]] == ["one", "two"]
    assert "example.org" not in given[0][0].text


def test_gold_and_anchor_items_come_from_files_with_the_answer(
    project: Project, published: Artifact, tmp_path: Path
) -> None:
    create(project, "july", drawn(project, "this way", "that way"))
    rows = [
        {"prompt": f"Known {n}?", "completions": ["good", "bad"], "best": 1, "explanation": "so"}
        for n in range(3)
    ]
    assert flow.add_known(project, "july", lines(tmp_path / "gold", *rows), "gold") == (3, 0)
    tie = {"prompt": "Anchor?", "completions": ["x", "y"], "best": 0}
    assert flow.add_known(project, "july", lines(tmp_path / "anchors", tie), "anchor") == (1, 0)
    assert flow.add_known(project, "july", tmp_path / "gold", "anchor") == (0, 3)  # gold stays
    with project.reader() as reader:
        campaign = campaigns.get(reader, "july")
        counts = campaigns.status(reader, campaign)["queue"]
        answers = queries.answers(reader, campaign.id)
        texts = {row.id: row for row in reader.all(t.comparison.select())}
    assert {kind: found["items"] for kind, found in counts.items()} == {
        "work": 1, "gold": 3, "anchor": 1,
    }  # fmt: skip
    assert sorted(row.verdict for row in answers.values()) in (
        ["a", "a", "a", "tie"],
        ["b", "b", "b", "tie"],  # one text, "good", is on the same side of all three
    )
    assert answers.keys() <= texts.keys()


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ({"prompt": "Q", "completions": ["a", "b"]}, '"best" must be 1, 2, or 0'),
        ({"prompt": "Q", "completions": ["a", "b"], "best": 3}, '"best" must be'),
        ({"prompt": "Q", "completions": ["a", "b", "c"], "best": 1}, "3 answers"),
        ({"prompt": "Q", "completions": ["a", "a"], "best": 1}, "differ"),
        ({"prompt": "Q", "completions": ["a", " "], "best": 1}, "completion 2"),
        ({"prompt": "Q", "completions": "ab", "best": 1}, "must be a list"),
        ({"prompt": "Q", "answer": "x", "best": 1}, 'no column "completions"'),
        ({"completions": ["a", "b"], "best": 1}, 'no column "prompt"'),
    ],
)
def test_a_known_item_that_cannot_be_understood_is_named_by_its_line(
    project: Project, published: Artifact, tmp_path: Path, row: dict[str, Any], why: str
) -> None:
    create(project, "july", drawn(project, "this way", "that way"))
    good = {"prompt": "Known?", "completions": ["good", "bad"], "best": 2}
    with pytest.raises(BadInput, match=f"gold:2: .*{why}"):
        flow.add_known(project, "july", lines(tmp_path / "gold", good, row), "gold")
    with pytest.raises(NotFound, match="no such file"):
        flow.add_known(project, "july", tmp_path / "none", "gold")
