"""Alarms over batches and live campaigns; quarantine by two people, and back again."""

from typing import Any

import numpy as np
import pytest

from prefloop.annotation import campaigns, judgments, queue
from prefloop.annotation.campaigns import CampaignSettings
from prefloop.annotation.items import Item, add_items
from prefloop.annotation.judgments import Submission
from prefloop.core.errors import BadInput, NotFound, NotPermitted
from prefloop.core.records import Completion, Prompt
from prefloop.datasets import freeze
from prefloop.datasets.freeze import FreezeSettings
from prefloop.flows import alarms, left_out
from prefloop.flows.approval import approve
from prefloop.flows.project import Project
from prefloop.spec import publish
from prefloop.spec.model import parse
from prefloop.spec.playbook import STARTER
from prefloop.store import artifacts, names, people, texts
from prefloop.store.artifacts import Artifact
from prefloop.store.proposals import decide
from prefloop.store.rows import prompt_row, prompt_words
from prefloop.store.verify import verify

ITEMS, PEOPLE = 60, 14
NAMES = [f"ann{n:02}" for n in range(PEOPLE)]
LEFT, FAST, PARROT = "ann03", "ann07", "ann11"
WORDS = (
    "price tone step date source warning refund polite blunt exact vague kind early late answers"
)
MORE = "skips repeats names misses explains invents guesses shorter longer clearer wrong right"
VOCABULARY = f"{WORDS} {MORE}".split()


def judgment(rng: np.random.Generator, who: str, n: int) -> dict[str, Any]:
    """What somebody says of comparison n, of which a is right where n is even."""
    first = "a" if rng.random() < 0.5 else "b"
    right = "ab"[n % 2]
    said = right if rng.random() < 0.85 else "ba"[n % 2]
    if who == LEFT:
        said = first
    pace = 1_500 if who == FAST else 20_000 * (1 + 0.05 * NAMES.index(who))
    why = " ".join(rng.choice(VOCABULARY, 9))
    return {
        "annotator": who,
        "purpose": "live",
        "round": 1,
        "verdict": said,
        "strength": 1,
        "dimensions": {},
        "flags": [],
        "rationale": "This response is more helpful and more complete." if who == PARROT else why,
        "first_shown": first,
        "active_ms": int(pace * np.exp(0.4 * rng.standard_normal())),
        "spec": "",
    }


def batch_of(project: Project, campaign: str = "july") -> Artifact:
    """Fourteen people on sixty comparisons: one clicks left, one races, one parrots."""
    rng = np.random.default_rng(1)
    with project.transaction() as tx:
        rows = []
        for n in range(ITEMS):
            prompt = Prompt.of(f"Question number {n}?")
            sides = [f"Answer {n} is this.", f"Answer {n} is that."]
            said = [judgment(rng, who, n) for who in NAMES]
            words = [*prompt_words([prompt]), *sides, *(one["rationale"] for one in said)]
            stored = texts.put_many(tx, words)
            for one in said:
                one["rationale"] = stored[one["rationale"]]
            rows.append(
                {
                    "comparison": f"{n:064}",
                    **prompt_row(prompt, stored),
                    "a": stored[sides[0]],
                    "b": stored[sides[1]],
                    "origin": {"a": "", "b": ""},
                    "judgments": said,
                }
            )
        pool = {name: {"judgments": ITEMS, "calibration": {"status": "cleared"}} for name in NAMES}
        manifest = {
            "campaign": campaign,
            "purpose": "live",
            "round": 1,
            "spec": None,
            "epoch": 0,
            "dimensions": [],
            "tie_break": [],
            "pool": pool,
            "files": {"comparisons": artifacts.write_rows(tx, rows)},
        }
        return artifacts.put(tx, "label_batch", manifest)


def frozen(project: Project, batch: Artifact) -> Artifact:
    with project.transaction() as tx:
        return freeze.freeze(tx, [batch], FreezeSettings())


@pytest.fixture
def batch(project: Project) -> Artifact:
    return batch_of(project)


def test_each_odd_one_is_named_with_what_was_seen_and_on_how_much(
    project: Project, batch: Artifact
) -> None:
    found = alarms.over_batch(project, batch).manifest
    said = {(one["annotator"], one["kind"]): one for one in found["alarms"]}
    assert {(LEFT, "one side"), (FAST, "too fast"), (PARROT, "templates")} <= said.keys()
    assert {who for who, _ in said} == {LEFT, FAST, PARROT}
    left = said[LEFT, "one side"]
    assert "takes the one shown first" in left["evidence"]
    assert (left["judgments"], left["q"] < 0.05, left["effect"] > 0.9) == (ITEMS, True, True)
    assert (
        "repeats their own wording in 98% of 60 rationales"
        in (said[PARROT, "templates"]["evidence"])
    )
    # Every answer is as long as the other, and none is a list.
    assert found["not_enough"].keys() == {"bullets win", "longer wins"}


def test_the_same_batch_gives_the_same_evaluation(project: Project, batch: Artifact) -> None:
    one, again = alarms.over_batch(project, batch), alarms.over_batch(project, batch)
    assert one.digest == again.digest
    assert one.parents == (batch.digest,)
    assert verify(project.ledger).ok


def test_the_report_says_what_would_change_without_them(project: Project, batch: Artifact) -> None:
    changed = alarms.over_batch(project, batch).manifest["without"]
    assert changed["annotators"] == [LEFT, FAST, PARROT]
    assert changed["judgments_left_out"] == 3 * ITEMS
    assert changed["labels"]["touched"] == ITEMS
    kept = [changed["labels"][name] for name in ("same", "turned", "other", "lost")]
    assert sum(kept) == ITEMS
    agreement = changed["agreement"]
    assert agreement["without"]["estimate"] > agreement["with"]["estimate"]


def test_without_by_hand() -> None:
    def row(*said: tuple[str, str]) -> dict[str, Any]:
        about: dict[str, Any] = {
            "purpose": "live",
            "dimensions": {},
            "first_shown": None,
            "active_ms": 0,
        }
        judgments = [{"annotator": w, "verdict": v, **about} for w, v in said]
        return {"comparison": "c", "facts": {"topic": ""}, "judgments": judgments}

    rows = [
        row(("x", "a"), ("p", "b"), ("x2", "a")),  # a to b without the xs
        row(("x", "a"), ("p", "b")),  # level, then b
        row(("x", "a")),  # nobody is left
        row(("p", "a"), ("q", "a")),  # not touched
        row(("x", "a"), ("p", "a"), ("q", "a")),  # the same
    ]
    found = left_out.from_rows(rows, [], {"x", "x2"}, 0)
    assert found["labels"] == {"touched": 4, "same": 1, "turned": 1, "other": 1, "lost": 1}
    assert found["judgments_left_out"] == 5


def test_a_quarantine_takes_two_people_and_a_freeze_then_leaves_them_out(
    project: Project, batch: Artifact
) -> None:
    found = alarms.over_batch(project, batch)
    before = frozen(project, batch)
    asked = alarms.set_aside(project, found, [LEFT], "sixty times the left one")
    assert frozen(project, batch).digest == before.digest  # proposed is not decided
    with pytest.raises(NotPermitted, match="somebody else has to approve"):
        approve(project, asked)
    approve(project.as_("ben"), asked)
    after = frozen(project, batch)
    assert after.manifest["quarantine"] == {batch.digest: {LEFT: found.digest}}
    assert after.manifest["counts"]["excluded_judgments"] == ITEMS
    assert "quarantine" not in before.manifest
    with project.reader() as reader:
        rows = artifacts.read_rows(reader, after, "pairs")
        held = alarms.held(reader, found)[LEFT]
    assert {sum(row["votes"]) for row in rows} == {PEOPLE - 1}
    assert (held.proposer, held.approver) == ("ana", "ben")
    assert held.reason == "sixty times the left one"
    assert verify(project.ledger).ok


def test_a_quarantine_is_lifted_the_same_way_and_may_come_again(
    project: Project, batch: Artifact
) -> None:
    found = alarms.over_batch(project, batch)
    before = frozen(project, batch)
    for again in range(2):
        approve(project.as_("ben"), alarms.set_aside(project, found, [LEFT], f"left {again}"))
        assert frozen(project, batch).digest != before.digest
        approve(project.as_("ben"), alarms.lift(project, found, [LEFT], f"a broken key {again}"))
        assert frozen(project, batch).digest == before.digest


def test_a_rejected_quarantine_changes_nothing(project: Project, batch: Artifact) -> None:
    found = alarms.over_batch(project, batch)
    asked = alarms.set_aside(project, found, [LEFT], "left")
    with project.as_("ben").transaction() as tx:
        assert decide(tx, asked.id, False, "the app showed no second one").state == "rejected"
    with project.reader() as reader:
        assert alarms.held(reader, found) == {}


def test_a_quarantine_needs_an_alarm_a_reason_and_clean_hands(
    project: Project, batch: Artifact
) -> None:
    found = alarms.over_batch(project, batch)
    with pytest.raises(NotPermitted, match=r"no alarm of .* names ann00"):
        alarms.set_aside(project, found, ["ann00"], "I do not like them")
    with pytest.raises(BadInput, match="say why"):
        alarms.set_aside(project, found, [LEFT], "  ")
    with pytest.raises(BadInput, match="holds no alarms"):
        alarms.set_aside(project, batch, [LEFT], "left")
    with project.transaction() as tx:
        people.add(tx, LEFT, ("annotator", "senior"))
    with pytest.raises(NotPermitted, match="may not decide about their own judgments"):
        approve(project.as_(LEFT), alarms.set_aside(project, found, [LEFT], "left"))
    with project.transaction() as tx:
        people.add(tx, "eve", ("engineer",))
    with pytest.raises(NotPermitted, match=r"may not propose quarantine"):
        alarms.set_aside(project.as_("eve"), found, [LEFT], "left")


def test_another_batch_is_not_touched(project: Project, batch: Artifact) -> None:
    other = batch_of(project, "august")
    found = alarms.over_batch(project, batch)
    approve(project.as_("ben"), alarms.set_aside(project, found, [LEFT], "left"))
    assert "quarantine" not in frozen(project, other).manifest
    assert frozen(project, other).manifest["counts"]["excluded_judgments"] == 0


def campaign_of(project: Project, items: int = 40, annotators: int = 12) -> list[str]:
    """An open campaign that everybody has judged; the first one took the left one throughout."""
    crew = [f"ann{n:02}" for n in range(annotators)]
    with project.transaction() as tx:
        for name in crew:
            people.add(tx, name, ("annotator",))
        made = publish.publish(tx, parse(STARTER, "spec.yaml"), "spec/main", "one")
    approve(project.as_("ben"), made.proposal)
    work = [
        Item(Prompt.of(f"Question {n}?"), Completion(f"right {n}"), Completion(f"wrong {n}"))
        for n in range(items)
    ]
    plain = CampaignSettings(overlap=annotators, gold_share=0, duplicate_share=0)
    with project.transaction() as tx:
        opened = campaigns.create(tx, "live", made.artifact.digest, plain)
        add_items(tx, opened, work)
    rng = np.random.default_rng(0)
    for name in crew:
        with project.as_(name).transaction() as tx:
            shown = queue.claim(tx, opened, name, items)
            sent = [
                Submission(
                    one.assignment,
                    1 if name == crew[0] else _choice(one.first, rng),
                    key=one.assignment,
                )
                for one in shown
            ]
            judgments.submit(tx, opened, name, sent)
    return crew


def _choice(first: str, rng: np.random.Generator) -> Any:
    right = 1 if first.startswith("right") else 2
    return right if rng.random() < 0.9 else 3 - right


def test_a_live_campaign_is_looked_at_and_a_quarantine_holds_when_it_is_closed(
    project: Project,
) -> None:
    crew = campaign_of(project)
    live = alarms.over(project, "live")
    named = {(one["annotator"], one["kind"]) for one in live.manifest["alarms"]}
    assert (crew[0], "one side") in named
    assert {who for who, _ in named} == {crew[0]}
    assert live.manifest["scope"] == "live"
    assert live.manifest["not_enough"]["too fast"] == "active time was not recorded"
    approve(project.as_("ben"), alarms.set_aside(project, live, [crew[0]], "always left"))
    batch, found = alarms.close(project, "live")
    assert [one["evidence"] for one in found.manifest["alarms"]] == [
        one["evidence"] for one in live.manifest["alarms"]
    ]
    with project.reader() as reader:
        assert list(alarms.held(reader, found)) == [crew[0]]
    assert frozen(project, batch).manifest["quarantine"] == {batch.digest: {crew[0]: live.digest}}
    # The last word counts, on whichever of the two it was given.
    approve(project.as_("ben"), alarms.lift(project, found, [crew[0]], "the right one was broken"))
    assert "quarantine" not in frozen(project, batch).manifest


def test_what_is_neither_batch_nor_campaign_is_one_clear_line(project: Project) -> None:
    with pytest.raises(NotFound, match="no label batch and no campaign is called 'nothing'"):
        alarms.over(project, "nothing")


def test_a_handful_of_people_is_not_enough_and_says_so(project: Project) -> None:
    campaign_of(project, items=5, annotators=3)
    found = alarms.over(project, "live").manifest
    assert found["alarms"] == []
    assert "without" not in found
    assert found["not_enough"]["one side"].startswith("0 annotators have 30 judgments")


def test_a_campaign_without_judgments_is_refused(project: Project) -> None:
    with project.transaction() as tx:
        made = publish.publish(tx, parse(STARTER, "spec.yaml"), "spec/main", "one")
    approve(project.as_("ben"), made.proposal)
    with project.transaction() as tx:
        campaigns.create(tx, "empty", made.artifact.digest, CampaignSettings())
    with pytest.raises(BadInput, match="has no judgments yet"):
        alarms.over(project, "empty")


def test_names_resolve_to_batches_first(project: Project, batch: Artifact) -> None:
    with project.transaction() as tx:
        names.add_version(tx, "labels/july", batch.digest)
    assert alarms.over(project, "labels/july").manifest["scope"] == batch.digest
