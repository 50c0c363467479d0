"""Judging again, from the command line: asked for, listed, taken up, closed, weighed, frozen."""

import json
from typing import Any

import pytest
from tests.cli.conftest import Desk, Run, refused

from prefloop.annotation import campaigns, judgments, queue
from prefloop.annotation.judgments import Submission
from prefloop.flows import project as projects
from prefloop.flows.approval import approve
from prefloop.spec import publish
from prefloop.spec.model import parse
from prefloop.store import people

TOPICS = ("pricing", "account", "refunds")
SPEC = "name: support\nlanguage: en\ndimensions:\n  - {name: tone, description: Friendly.}\n"


@pytest.fixture
def batch(run: Run, desk: Desk) -> str:
    """Twelve imported comparisons on three topics, an annotator, and a published specification."""
    rows = [
        {"prompt": f"{topic} {n}?", "chosen": f"sure {topic} {n}", "rejected": f"maybe {topic} {n}",
         "topic": topic}
        for topic in TOPICS
        for n in range(4)
    ]  # fmt: skip
    path = desk.folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    opened = projects.open_project(desk.folder, "ana")
    with opened.transaction() as tx:
        people.add(tx, "cleo", ("annotator",))
        made = publish.publish(tx, parse(SPEC, "spec.yaml"), "spec/main", "first")
    approve(opened.as_("ben"), made.proposal)
    opened.ledger.close()
    found: str = said(run, desk, "import", path)["label_batch"]
    return found


def said(run: Run, desk: Desk, *words: object) -> Any:
    ran = run("-C", desk.folder, *words, "--json")
    assert (ran.code, ran.err) == (0, "")
    return json.loads(ran.out)


def text(run: Run, desk: Desk, *words: object) -> str:
    ran = run("-C", desk.folder, *words)
    assert (ran.code, ran.err) == (0, "")
    return ran.out


def work_off(desk: Desk, name: str, wanted: str) -> None:
    """cleo prefers the completion that begins so, where the question is on pricing."""
    opened = projects.open_project(desk.folder, "cleo")
    with opened.transaction() as tx:
        campaign = campaigns.get(tx, name)
        while shown := queue.claim(tx, campaign, "cleo", 20):
            sent = []
            for one in shown:
                best = wanted if one.messages[-1].text.startswith("pricing") else "sure"
                choice: Any = 1 if one.first.startswith(best) else 2
                sent.append(Submission(one.assignment, choice, key=one.assignment))
            judgments.submit(tx, campaign, "cleo", sent)
    opened.ledger.close()


ASK = ("--control", 5, "--reason", "old prices won")


def test_a_relabelling_from_request_to_dataset(run: Run, desk: Desk, batch: str) -> None:
    asked = said(run, desk, "campaign", "request", batch, "--topic", "pricing", *ASK)
    assert (len(asked["comparisons"]), len(asked["control"])) == (4, 5)
    assert asked["filter"] == {"topic": ["pricing"]}
    end = asked["request"][-12:]
    listed = text(run, desk, "campaign", "requests")
    assert all(word in listed for word in (end, "open", "ana", "old prices won"))

    taken = said(run, desk, "campaign", "take", end, "again")
    assert [(one["campaign"], one["purpose"], one["items"]) for one in taken["campaigns"]] == [
        ("again", "relabel", 4),
        ("again-2", "evaluation", 5),
    ]
    assert "taken up again again-2" in text(run, desk, "campaign", "requests")
    for name in ("again", "again-2"):
        work_off(desk, name, "maybe")
    again, control = (
        said(run, desk, "campaign", "close", name)["label_batch"] for name in ("again", "again-2")
    )
    # The imported labels are of one nameless person, so nobody judged both before and after; the
    # control asks for people in both new batches, and cleo is.
    report = said(run, desk, "quality", "changes", batch, again, control)
    assert (report["relabelled"]["flipped"], report["control"]["flipped"]) == (4, 0)
    drawn = text(run, desk, "quality", "changes", batch, again, control)
    assert "difference of the rates: 1.000 [" in drawn
    assert "1 of 1 people judged both, with 9 of 9 judgments" in drawn
    assert f"evaluation {report['evaluation'][:12]}" in drawn

    both = ("dataset", "freeze", "support", "--batch", batch, "--batch", again)
    refused(run("-C", desk.folder, *both), "not comparable", "--across-epochs")
    counts = said(run, desk, *both, "--across-epochs")["counts"]
    assert (counts["superseded"], counts["changed_winner"], counts["pairs"]) == (4, 4, 12)
    shown = said(run, desk, *both, "--across-epochs", "--because", "only prices changed")
    manifest = said(run, desk, "dataset", "show", shown["dataset"])["manifest"]
    assert manifest["across_epochs"] == "only prices changed"
    assert "epoch 1 of spec/main: 4 pairs" in text(run, desk, "dataset", "show", shown["dataset"])


def test_a_request_is_declined_with_its_reason(run: Run, desk: Desk, batch: str) -> None:
    asked = said(run, desk, "campaign", "request", batch, "--topic", "pricing", *ASK)["request"]
    out = text(run, desk, "campaign", "decline", asked, "--reason", "wait for version 3")
    assert out == f"declined: request {asked[-12:]}, wait for version 3\n"
    assert "wait for version 3" in text(run, desk, "campaign", "requests")
    refused(run("-C", desk.folder, "campaign", "take", asked, "again"), "is declined already")


def test_conditions_come_from_options_or_from_a_file(run: Run, desk: Desk, batch: str) -> None:
    file = desk.folder / "again.yaml"
    file.write_text("topic: [pricing]\nhigh_stakes: false\n")
    asked = said(run, desk, "campaign", "request", batch, "--filter", file, *ASK)
    assert asked["filter"] == {"topic": ["pricing"], "high_stakes": False}
    words = ("--topic", "pricing", "--low-stakes")
    same = said(run, desk, "campaign", "request", batch, *words, *ASK)
    assert same["request"] == asked["request"]


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["--topic", "pricng"], ['topic "pricng"', 'did you mean "pricing"?']),
        (["--source", "dreams"], ["--source", "dreams"]),
        (["--flag", "unsafe"], ['flags "unsafe"', "none at all"]),
        (["--contains", "zebra"], ["names none of 12"]),
        ([], ["the filter says nothing"]),
        (["--topic", "pricing", "--control", "9"], ["control of 9", "leaves 8"]),
        (["--topic", "pricing", "--reason", " "], ["needs a reason"]),
        (["--topic", "pricing", "--spec", "spec/no"], ["spec/no"]),
        (["--topic", "pricing", "--evidence", "BATCH"], ["is a label_batch, and an evaluation"]),
        (["--topic", "pricing", "--filter", "x.yaml"], ["--filter x.yaml and other conditions"]),
        (["--filter", "no.yaml"], ["no.yaml: no such file"]),
        (["--filter", "FILE"], ['odd.yaml:1: unknown key "topics"', 'did you mean "topic"?']),
    ],
)
def test_a_request_that_cannot_be_met_is_one_clear_line(
    run: Run, desk: Desk, batch: str, words: list[str], parts: list[str]
) -> None:
    odd = desk.folder / "odd.yaml"
    odd.write_text("topics: [pricing]\n")
    given = [{"BATCH": batch, "FILE": str(odd)}.get(word, word) for word in words]
    base = ["--control", "2", "--reason", "r"]
    refused(run("-C", desk.folder, "campaign", "request", batch, *base, *given), *parts)
    assert said(run, desk, "campaign", "requests") == []


def test_a_request_nobody_made_is_one_clear_line(run: Run, desk: Desk, batch: str) -> None:
    for words in (["take", "12345678", "x"], ["decline", "12345678", "--reason", "r"]):
        refused(run("-C", desk.folder, "campaign", *words), "no request '12345678'")
    refused(run("-C", desk.folder, "quality", "changes", batch, batch, batch), "relabel part")
