"""A table into the ledger: one batch, of the shape its columns allow."""

import json
from pathlib import Path

import numpy as np
import pytest

from prefloop.annotation import batches, campaigns, judgments, labels, queue
from prefloop.annotation.campaigns import CampaignSettings
from prefloop.annotation.items import Item, add_items
from prefloop.annotation.judgments import Submission
from prefloop.core.errors import BadInput, NotFound, NotPermitted
from prefloop.core.records import Completion, Prompt
from prefloop.datasets import freeze
from prefloop.datasets.tables import TableColumns
from prefloop.flows import alarms, tables
from prefloop.flows.approval import approve
from prefloop.flows.labels import FreezeSettings, freeze_dataset, import_file
from prefloop.flows.project import Project, read_text
from prefloop.spec import publish
from prefloop.spec.model import parse
from prefloop.store import artifacts, people
from prefloop.store.artifacts import Artifact
from prefloop.store.verify import verify

CATEGORIES = TableColumns(
    label=("said",), annotator="who", item=("q",), gold="truth", topic="kind", time="when"
)
TEXTS = TableColumns(
    label=("said",),
    annotator="who",
    prompt=("ask",),
    completions=("one", "two"),
    first=("1",),
    second=("2",),
    tie=("0",),
    gold="truth",
    topic="kind",
    time="when",
    as_shown=True,
    repeats=True,
)


def categories(folder: Path, rows: int = 30) -> Path:
    path = folder / "safety.csv"
    lines = [
        f"q{n % 10},p{n // 10},{'no' if (n * 7) % 3 else 'yes'},no,tone,2026-07-0{1 + n // 10}"
        for n in range(rows)
    ]
    path.write_text("\n".join(["q,who,said,truth,kind,when", *lines]) + "\n")
    return path


def votes(folder: Path) -> Path:
    path = folder / "votes.jsonl"
    facts = {"ask": "How?", "kind": "help", "when": 1782907200}
    rows = [
        {**facts, "one": "well", "two": "badly", "who": "ann", "said": 1, "truth": 1},
        {**facts, "one": "badly", "two": "well", "who": "bob", "said": 2, "truth": 2},
        {**facts, "one": "badly", "two": "well", "who": "bob", "said": 1, "truth": 2},
        {**facts, "one": "aye", "two": "no", "who": "ann", "said": 0, "truth": None},
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def specification(project: Project) -> Artifact:
    spec = parse(read_text(project.folder / "spec.yaml"), "spec.yaml")
    with project.transaction() as tx:
        made = publish.publish(tx, spec, "spec/main", "the first")
    approve(project.as_("ben"), made.proposal)
    return made.artifact


def test_labels_alone_are_a_batch_that_is_measured_and_not_frozen(
    project: Project, tmp_path: Path
) -> None:
    batch, found = tables.import_table(project, categories(tmp_path), CATEGORIES, None)
    assert batch.kind == "label_batch"
    assert batch.manifest["labels"]["categories"] == ["no", "yes"]
    assert (batch.manifest["judgments"], batch.manifest["epoch"]) == (30, 0)
    with project.reader() as reader:
        read = labels.read(reader, batch)
    assert labels.are_labels(batch)
    assert read.items == [f"q{n}" for n in range(10)]
    assert read.names(read.label) == read.names(found.label)
    assert read.at[0] == 1782864000 * 10**6  # 2026-07-01 in seconds
    assert read.topics == ["tone"] * 10
    assert read.gold.tolist() == [0] * 10
    said = "holds labels without two completions: it can be measured, and nothing can be trained"
    with pytest.raises(BadInput, match=said):
        freeze_dataset(project, "safety", [batch.digest], FreezeSettings())
    assert verify(project.ledger).ok


def test_the_pool_says_who_was_right_and_who_repeated_themselves(
    project: Project, tmp_path: Path
) -> None:
    batch, _ = tables.import_table(project, votes(tmp_path), TEXTS, None)
    assert batch.manifest["pool"] == {
        "ann": {
            "judgments": 2,
            "gold": {"n": 1, "correct": 1},
            "duplicates": {"n": 0, "consistent": 0},
            "calibration": {"status": "cleared", "round": 0, "evidence": {"imported": True}},
        },
        "bob": {
            "judgments": 2,
            "gold": {"n": 1, "correct": 1},
            "duplicates": {"n": 1, "consistent": 0},
            "calibration": {"status": "cleared", "round": 0, "evidence": {"imported": True}},
        },
    }


def test_texts_are_comparisons_as_a_campaign_has_them_and_are_frozen(
    project: Project, tmp_path: Path
) -> None:
    batch, _ = tables.import_table(project, votes(tmp_path), TEXTS, None)
    with project.reader() as reader:
        rows = artifacts.read_rows(reader, batch, "comparisons")
        read = labels.read(reader, batch)
    (asked,) = [row for row in rows if len(row["judgments"]) == 3]
    assert asked["facts"]["topic"] == "help"
    # Both mean "well": whichever side that is, ann saw it first and bob second.
    ann, bob, again = asked["judgments"]
    assert ann["verdict"] == bob["verdict"] == asked["gold"]
    assert ann["first_shown"] == ann["verdict"] != bob["first_shown"]
    assert (again["purpose"], again["at"]) == ("duplicate", 1782907200 * 10**6)
    assert sorted(read.label.tolist()) in ([-1, -1, 0], [0, 1, 1])  # the repeat is no work
    dataset, _ = freeze_dataset(project, "votes", [batch.digest], FreezeSettings(held_out=0))
    with project.reader() as reader:
        (pair,) = freeze.pairs(reader, dataset)
    assert (pair.prompt.text, pair.chosen, pair.rejected) == ("How?", "well", "badly")
    assert dataset.manifest["counts"]["ties"] == 1


def test_the_same_table_twice_is_one_batch_and_one_event(project: Project, tmp_path: Path) -> None:
    for path, columns in ((categories(tmp_path), CATEGORIES), (votes(tmp_path), TEXTS)):
        one, two = (tables.import_table(project, path, columns, None)[0] for _ in range(2))
        assert one.digest == two.digest
    with project.reader() as reader:
        assert len(artifacts.listing(reader, "label_batch")) == 2


def test_a_large_table_is_written_in_blocks_and_read_back(project: Project, tmp_path: Path) -> None:
    path = tmp_path / "many.csv"
    lines = (f"item {n // 2},p{n % 2},{'xyz'[n % 3]}\n" for n in range(25_001))
    path.write_text("q,who,said\n" + "".join(lines))
    columns = TableColumns(label=("said",), annotator="who", item=("q",))
    batch, _ = tables.import_table(project, path, columns, None)
    assert batch.manifest["files"]["labels"]["rows"] == 3  # of at most 10,000 judgments each
    with project.reader() as reader:
        read = labels.read(reader, batch)
    assert read.items[12_500] == "item 12500"
    assert np.array_equal(read.label, np.arange(25_001) % 3)
    assert np.array_equal(read.item, np.arange(25_001) // 2)
    assert read.at.max() == -1


def test_people_who_give_one_answer_are_named_and_what_changes_without_them(
    project: Project, tmp_path: Path
) -> None:
    rng = np.random.default_rng(5)
    truth = rng.integers(0, 2, 60)
    said = np.where(rng.random((14, 60)) < 0.85, truth, 1 - truth)
    said[3] = 1
    rows = [f"q{q},p{p:02},{['no', 'yes'][said[p, q]]}\n" for p in range(14) for q in range(60)]
    path = tmp_path / "t.csv"
    path.write_text("q,who,said\n" + "".join(rows))
    columns = TableColumns(label=("said",), annotator="who", item=("q",))
    batch, _ = tables.import_table(project, path, columns, None)
    found = alarms.over(project, batch.digest)
    named = {(one["annotator"], one["kind"]) for one in found.manifest["alarms"]}
    assert ("p03", "one answer") in named
    assert {who for who, _ in named} == {"p03"}
    without = found.manifest["without"]
    assert (without["annotators"], without["judgments_left_out"]) == (["p03"], 60)
    assert without["agreement"]["without"]["estimate"] > without["agreement"]["with"]["estimate"]
    assert found.manifest["not_enough"]["longer wins"] == "the completions' lengths are not known"


def test_alarms_say_when_labels_are_too_many_for_them(project: Project, tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    path.write_text("q,who,said\n1,ann,1\n1,bob,2\n2,ann,3\n2,bob,4\n")
    columns = TableColumns(label=("said",), annotator="who", item=("q",), scale="interval")
    batch, _ = tables.import_table(project, path, columns, None)
    with pytest.raises(BadInput, match="two or three categories: these have 4"):
        alarms.over(project, batch.digest)


@pytest.mark.parametrize("form", ["table", "file"])
def test_labels_of_one_specification_are_pooled_wherever_they_were_made(
    project: Project, tmp_path: Path, form: str
) -> None:
    spec = specification(project)
    with project.transaction() as tx:
        people.add(tx, "cleo", ("annotator",))
        plain = CampaignSettings(overlap=1, gold_share=0, duplicate_share=0)
        campaign = campaigns.create(tx, "july", "spec/main", plain)
        item = Item(Prompt.of("Why?"), Completion("thus", "m"), Completion("so", "m"))
        add_items(tx, campaign, [item])
    with project.as_("cleo").transaction() as tx:
        (shown,) = queue.claim(tx, campaign, "cleo", 1)
        judgments.submit(tx, campaign, "cleo", [Submission(shown.assignment, 1, key="k")])
    with project.transaction() as tx:
        own = batches.close(tx, campaigns.get(tx, "july"))
    if form == "table":
        outside, _ = tables.import_table(project, votes(tmp_path), TEXTS, "spec/main")
    else:
        path = tmp_path / "t.jsonl"
        path.write_text(json.dumps({"prompt": "How?", "chosen": "well", "rejected": "badly"}))
        outside, _ = import_file(project, path, "trl", "spec/main")
    assert outside.manifest["spec_name"] == "spec/main"
    assert outside.parents == (spec.digest,)
    dataset, _ = freeze_dataset(
        project, "both", [own.digest, outside.digest], FreezeSettings(held_out=0)
    )
    assert dataset.manifest["counts"]["pairs"] == 2


def test_what_cannot_be_imported_says_why_and_leaves_nothing(
    project: Project, tmp_path: Path
) -> None:
    cases: list[tuple[Path, type[Exception], str]] = [
        (tmp_path / "none.csv", NotFound, "no such file"),
        (tmp_path, BadInput, "Is a directory"),
    ]
    for path, kind, said in cases:
        with pytest.raises(kind, match=said):
            tables.import_table(project, path, CATEGORIES, None)
    with pytest.raises(NotFound, match="nothing in this ledger is called"):
        tables.import_table(project, categories(tmp_path), CATEGORIES, "spec/main")
    with project.transaction() as tx:
        people.add(tx, "cleo", ("annotator",))
    with pytest.raises(NotPermitted, match="cleo may not import"):
        tables.import_table(project.as_("cleo"), categories(tmp_path), CATEGORIES, None)
    with project.reader() as reader:
        assert artifacts.listing(reader) == []
