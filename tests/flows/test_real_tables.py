"""Published judgments, read by naming their columns; every figure is counted from the files."""

import csv
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from prefloop.annotation import labels, truth
from prefloop.annotation.truth import Gold
from prefloop.core.errors import BadInput
from prefloop.datasets.tables import TableColumns
from prefloop.flows import alarms, tables
from prefloop.flows.labels import FreezeSettings, freeze_dataset
from prefloop.flows.project import Project
from prefloop.store import artifacts
from prefloop.store.artifacts import Artifact

VOTES: dict[str, Any] = {
    "label": ("winner",),
    "annotator": "judge",
    "item": ("question_id", "turn"),
    "sides": ("model_a", "model_b"),
    "first": ("model_a",),
    "second": ("model_b",),
    "tie": ("tie",),
    "as_shown": True,
}
PANDALM = TableColumns(
    label=("annotator1", "annotator2", "annotator3"),
    prompt=("instruction", "input"),
    completions=("response1", "response2"),
    first=("1",),
    second=("2",),
    tie=("0",),
    topic="motivation_app",
    repeats=True,
)


def read(project: Project, batch: Artifact) -> labels.Labels:
    with project.reader() as reader:
        return labels.read(reader, batch)


def test_mt_bench_votes_are_on_pairs_of_models_whichever_was_shown_first(
    project: Project, shared_data: Path
) -> None:
    path = shared_data / "mtbench_votes" / "human.jsonl.gz"
    with pytest.raises(BadInput, match=r"author_0 judged .* before, on line 1534"):
        tables.import_table(project, path, TableColumns(**VOTES), None)
    batch, found = tables.import_table(project, path, TableColumns(**VOTES, repeats=True), None)
    assert (len(found.item), len(found.annotators), int(found.again.sum())) == (2504, 64, 1)
    rows = [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
    pairs = {(r["question_id"], r["turn"], *sorted((r["model_a"], r["model_b"]))) for r in rows}
    assert len(found.items) == len(pairs)
    assert (found.label == 0).sum() == sum(row["winner"] == "tie" for row in rows)
    # A vote names the winner by its place: the winner's name says whether it is a, the smaller.
    names = [row.get(row["winner"]) for row in rows]
    a = sum(name == min(r["model_a"], r["model_b"]) for name, r in zip(names, rows, strict=True))
    assert (found.label == 1).sum() == a
    with pytest.raises(BadInput, match="nothing can be trained on it"):
        freeze_dataset(project, "votes", [batch.digest], FreezeSettings())


def test_pandalm_is_frozen_and_says_what_it_set_aside(project: Project, shared_data: Path) -> None:
    path = shared_data / "pandalm_test" / "testset-v1.json.gz"
    batch, found = tables.import_table(project, path, PANDALM, None)
    rows = json.loads(gzip.decompress(path.read_bytes()))
    sides = [(row["response1"], row["response2"]) for row in rows]
    empty = sum("" in pair for pair in sides)
    mangled = sum(any(isinstance(side, bool) for side in pair) for pair in sides)
    assert (empty, mangled) == (42, 6)
    assert batch.manifest["set_aside"] == 48
    assert len(found.item) == 3 * (len(rows) - 48)
    assert found.report()[-2:] == [
        "set aside, 6 × a completion is true or false, no text: lines 109, 110, 111, 113, 114, 116",
        "set aside, 42 × a completion is empty: lines 253, 254, 505, 506, 507, 508, 509, 510, 511, "
        "512, 513, 514, ...",
    ]
    dataset, _ = freeze_dataset(project, "pandalm", [batch.digest], FreezeSettings())
    assert dataset.manifest["counts"]["comparisons"] == len(found.items)
    with project.reader() as reader:
        topics = {row["facts"]["topic"] for row in artifacts.read_rows(reader, dataset, "pairs")}
    assert "Grammarly" in topics


def test_xstest_is_judged_by_two(project: Project, shared_data: Path) -> None:
    path = shared_data / "safety_xstest" / "xstest_v2_completions_gpt4.csv.gz"
    columns = TableColumns(label=("annotation_1", "annotation_2"), item=("id",), topic="type")
    batch, found = tables.import_table(project, path, columns, None)
    assert found.categories == ("1_full_compliance", "2_full_refusal", "3_partial_refusal")
    with gzip.open(path, "rt", encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    both = read(project, batch)
    triples = zip(both.item, both.annotator, both.label, strict=True)
    said = {(both.items[i], w): x for i, w, x in triples}
    agreed = sum(said[row["id"], 0] == said[row["id"], 1] for row in rows)
    assert agreed == sum(row["annotation_1"] == row["annotation_2"] for row in rows)


def test_dices_names_those_who_always_say_the_same_and_lets_the_vote_stand(
    project: Project, shared_data: Path, tmp_path: Path
) -> None:
    def scores(name: str) -> list[dict[str, Any]]:
        raw = (shared_data / "dices" / f"dices_350_{name}.json.gz").read_bytes()
        found: list[dict[str, Any]] = json.loads(gzip.decompress(raw))["instances"]
        return found

    experts = {
        one["id"]: one["annotations"]["safety"]["majority_human"] for one in scores("expert")
    }
    path = tmp_path / "dices.csv"
    with path.open("w", newline="") as out:
        table = csv.writer(out)
        table.writerow(["item", "rater", "unsafe", "expert"])
        for one in scores("crowdsourced"):
            for rater, answer in enumerate(one["annotations"]["safety"]["individual_human_scores"]):
                table.writerow([one["id"], f"rater {rater:03}", answer, experts[one["id"]]])
    columns = TableColumns(label=("unsafe",), annotator="rater", item=("item",), gold="expert")
    batch, found = tables.import_table(project, path, columns, None)
    assert (len(found.items), len(found.annotators), len(found.item)) == (249, 123, 249 * 123)
    alarmed = alarms.over(project, batch.digest).manifest["alarms"]
    same = {one["annotator"]: one["effect"] for one in alarmed if one["kind"] == "one answer"}
    # 61 said No 249 times of 249; 80 and 99 said Yes 248 and 247 times.
    assert same["rater 061"] == 1.0
    assert [same[f"rater {n:03}"] for n in (80, 99)] == pytest.approx([248 / 249, 247 / 249])
    held = truth.compared(read(project, batch), 0)
    assert isinstance(held.gold, Gold)
    assert held.gold.dawid_skene.high < held.gold.majority.estimate
    assert len(held.warnings) == 1
    assert "keep the vote" in held.warnings[0]


def test_on_bluebirds_dawid_skene_clearly_beats_the_vote(
    project: Project, shared_data: Path, tmp_path: Path
) -> None:
    labeled, answers = (
        yaml.safe_load(gzip.decompress((shared_data / "bluebirds" / f"{x}.yaml.gz").read_bytes()))
        for x in ("labels", "gt")
    )
    path = tmp_path / "bluebirds.csv"
    rows = [
        f"{worker},{image},{said},{answers[image]}\n"
        for worker, own in labeled.items()
        for image, said in own.items()
    ]
    path.write_text("worker,image,bluebird,truth\n" + "".join(rows))
    columns = TableColumns(label=("bluebird",), annotator="worker", item=("image",), gold="truth")
    batch, found = tables.import_table(project, path, columns, None)
    assert (len(found.items), len(found.annotators), len(found.gold)) == (60, 39, 60)
    held = truth.compared(read(project, batch), 0)
    assert isinstance(held.gold, Gold)
    # By the vote 43 of 60, by the model 52 of 60, and never the other way round.
    assert held.gold.majority.estimate == pytest.approx(43 / 60)
    assert held.gold.dawid_skene.estimate == pytest.approx(52 / 60)
    assert (held.gold.only_majority, held.gold.only_dawid_skene) == (0, 9)
    assert held.gold.p < 0.01
    assert held.warnings == []
