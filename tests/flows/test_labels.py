"""Labels from elsewhere: in, frozen, approved, out, and in again."""

import gzip
import json
from pathlib import Path

import pytest

from prefloop.core.errors import BadInput, NotFound, NotPermitted
from prefloop.core.records import Message, Pair
from prefloop.datasets import freeze
from prefloop.flows import labels, train
from prefloop.flows.approval import approve
from prefloop.flows.labels import FreezeSettings
from prefloop.flows.project import Project, read_text
from prefloop.spec import publish
from prefloop.spec.model import parse
from prefloop.store import artifacts, names, people
from prefloop.store.artifacts import Artifact
from prefloop.store.verify import verify

SETTINGS = FreezeSettings(held_out=0.3)


def hh(*turns: str) -> str:
    roles = ("Human", "Assistant")
    return "".join(f"\n\n{roles[n % 2]}: {turn}" for n, turn in enumerate(turns))


def row(*turns: str, good: str, bad: str) -> dict[str, str]:
    return {"chosen": hh(*turns, good), "rejected": hh(*turns, bad)}


ROWS = [
    row("Where is my invoice?", good="Under Billing.", bad="No idea."),
    row("Hi", "Hello!", "Reset?", good="Use the link.", bad="Call us."),
    row("Ça va – 你好?", good="Très bien.", bad="Oui\nou non."),
    *(row(f"Question {n}?", good=f"Good {n}.", bad=f"Bad {n}.") for n in range(12)),
]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "harmless.jsonl.gz"
    path.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in ROWS).encode()))
    return path


def dataset_of(project: Project, batch: Artifact, name: str = "support") -> Artifact:
    """Frozen, and approved by ben."""
    dataset, proposal = labels.freeze_dataset(project, name, [batch.digest], SETTINGS)
    approve(project.as_("ben"), proposal)
    return dataset


def pairs_of(project: Project, dataset: Artifact) -> list[Pair]:
    with project.reader() as reader:
        return freeze.pairs(reader, dataset)


def plain(pairs: list[Pair]) -> set[tuple[tuple[Message, ...], str, str, str]]:
    return {(p.prompt.messages, p.chosen, p.rejected, p.split) for p in pairs}


def test_imported_rows_become_pairs_with_their_turns(project: Project, file: Path) -> None:
    batch, found = labels.import_file(project, file, None, None)
    assert (found.format, batch.manifest["judgments"], batch.manifest["epoch"]) == (
        "hh-rlhf",
        15,
        0,
    )
    pairs = {pair.chosen: pair for pair in pairs_of(project, dataset_of(project, batch))}
    assert len(pairs) == 15
    assert pairs["Use the link."].rejected == "Call us."
    assert [m.role for m in pairs["Use the link."].prompt.messages] == [
        "user",
        "assistant",
        "user",
    ]
    assert pairs["Très bien."].rejected == "Oui\nou non."
    assert verify(project.ledger).ok


def test_the_same_file_twice_is_one_batch(project: Project, file: Path) -> None:
    one, two = (labels.import_file(project, file, "hh-rlhf", None)[0] for _ in range(2))
    assert one.digest == two.digest


def test_out_as_trl_and_in_again_gives_the_same_pairs(
    project: Project, file: Path, tmp_path: Path
) -> None:
    first = dataset_of(project, labels.import_file(project, file, None, None)[0])
    out = tmp_path / "out.jsonl"
    assert labels.export(project, "dataset/support@v1", out, "trl", None) == 15
    again, found = labels.import_file(project, out, None, None)
    assert found.format == "trl"
    second = dataset_of(project, again, "again")
    assert plain(pairs_of(project, first)) == plain(pairs_of(project, second))


def test_a_split_is_exported_alone(project: Project, file: Path, tmp_path: Path) -> None:
    dataset = dataset_of(project, labels.import_file(project, file, None, None)[0])
    counts = dataset.manifest["counts"]
    assert 0 < counts["held_out"] < 15
    held = labels.export(project, dataset.digest, tmp_path / "held.jsonl", "trl", "held_out")
    train_ = labels.export(project, dataset.digest, tmp_path / "train.jsonl", "trl", "train")
    assert (held, train_) == (counts["held_out"], 15 - counts["held_out"])


def test_an_export_never_writes_over_a_file(project: Project, file: Path, tmp_path: Path) -> None:
    dataset = dataset_of(project, labels.import_file(project, file, None, None)[0])
    mine = tmp_path / "mine.jsonl"
    mine.write_text("mine")
    with pytest.raises(BadInput, match="is there already"):
        labels.export(project, dataset.digest, mine, "trl", None)
    assert mine.read_text() == "mine"
    for bad in (tmp_path / "no" / "where.jsonl", mine / "below"):
        with pytest.raises(BadInput, match="cannot write"):
            labels.export(project, dataset.digest, bad, "trl", None)


def test_a_comparison_that_comes_twice_keeps_both_judgments(
    project: Project, tmp_path: Path
) -> None:
    path = tmp_path / "twice.jsonl"
    swapped = {"chosen": ROWS[0]["rejected"], "rejected": ROWS[0]["chosen"]}
    path.write_text("".join(json.dumps(row) + "\n" for row in [ROWS[0], ROWS[0], swapped]))
    batch, _ = labels.import_file(project, path, None, None)
    assert batch.manifest["judgments"] == 3
    (pair,) = pairs_of(project, dataset_of(project, batch))
    assert (pair.chosen, pair.judgments) == ("Under Billing.", 3)
    assert pair.margin == pytest.approx(1 / 3)


def test_labels_that_follow_a_specification_take_its_epoch_and_rules(
    project: Project, file: Path
) -> None:
    spec = parse(read_text(project.folder / "spec.yaml"), "spec.yaml")
    with project.transaction() as tx:
        made = publish.publish(tx, spec, "spec/main", "the first")
    approve(project.as_("ben"), made.proposal)
    batch, _ = labels.import_file(project, file, None, "spec/main")
    assert (batch.manifest["epoch"], batch.parents) == (1, (made.artifact.digest,))
    assert batch.manifest["tie_break"] == [rule.by for rule in spec.tie_break]
    dataset = dataset_of(project, batch)
    with project.reader() as reader:
        assert made.artifact.digest in artifacts.ancestors(reader, dataset.digest)


def test_a_dataset_serves_nobody_before_a_second_person_agreed(
    project: Project, file: Path
) -> None:
    batch, _ = labels.import_file(project, file, None, None)
    dataset, proposal = labels.freeze_dataset(project, "support", [batch.digest], SETTINGS)
    with pytest.raises(NotPermitted, match="is not approved yet"):
        train.official(project, dataset)
    with pytest.raises(NotPermitted, match="somebody else has to approve"):
        approve(project, proposal)
    approve(project.as_("ben"), proposal)
    approve(project.as_("ben"), proposal)  # a yes that was given stays given
    train.official(project, dataset)
    with project.reader() as reader:
        assert names.names_of(reader, dataset.digest) == ["dataset/support@v1"]


def test_what_cannot_be_imported_says_why_and_leaves_nothing(
    project: Project, file: Path, tmp_path: Path
) -> None:
    for path, kind, said in [
        (tmp_path / "none.jsonl", NotFound, "no such file"),
        (tmp_path, BadInput, "Is a directory"),
        (file / "below", BadInput, "Not a directory"),
    ]:
        with pytest.raises(kind, match=said):
            labels.import_file(project, path, None, None)
    with pytest.raises(NotFound, match="nothing in this ledger is called"):
        labels.import_file(project, file, None, "spec/main")
    with project.transaction() as tx:
        people.add(tx, "cleo", ("annotator",))
    with pytest.raises(NotPermitted, match="cleo may not import"):
        labels.import_file(project.as_("cleo"), file, None, None)
    with project.reader() as reader:
        assert artifacts.listing(reader) == []


def test_a_freeze_names_what_is_no_batch(project: Project, file: Path) -> None:
    dataset = dataset_of(project, labels.import_file(project, file, None, None)[0])
    with pytest.raises(BadInput, match="is a dataset, and a label_batch is needed here"):
        labels.freeze_dataset(project, "support", [dataset.digest], SETTINGS)
