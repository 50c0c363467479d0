"""From a breaking change to relabelled data: what changed, and what was only said differently."""

from collections.abc import Callable

import pytest

from prefloop.annotation import batches, campaigns, judgments, queue
from prefloop.annotation.campaigns import CampaignSettings
from prefloop.annotation.filters import Filter
from prefloop.annotation.items import Item, add_items
from prefloop.annotation.judgments import Submission
from prefloop.core.errors import BadInput, NotPermitted
from prefloop.core.records import Completion, Prompt
from prefloop.datasets import freeze
from prefloop.flows import labels, relabel
from prefloop.flows.approval import approve
from prefloop.flows.labels import FreezeSettings
from prefloop.flows.lineage import as_text, tree
from prefloop.flows.project import Project
from prefloop.spec import publish
from prefloop.spec.model import parse
from prefloop.store import artifacts, people
from prefloop.store.artifacts import Artifact
from prefloop.store.verify import verify

QUIET = CampaignSettings(overlap=3, gold_share=0, duplicate_share=0)
TEAM = ("cleo", "dan", "eve")
SPEC = """
name: support
language: en
dimensions:
  - {name: tone, description: Friendly.}
"""
Says = Callable[[str, str], str]  # (question, annotator) -> the last word of what is preferred


def old_taste(question: str, who: str) -> str:
    """Certainty wins; eve is contrary now and then."""
    return "maybe" if who == "eve" and question.endswith(("3", "7")) else "sure"


def new_taste(question: str, who: str) -> str:
    """As before, except that a price nobody can be sure of is no longer preferred."""
    return "maybe" if question.startswith("price") else old_taste(question, who)


def specification(project: Project, *more: str) -> Artifact:
    text = SPEC + "".join(f"  - {{name: {name}, description: True.}}\n" for name in more)
    with project.transaction() as tx:
        made = publish.publish(tx, parse(text, "spec.yaml"), "spec/main", "first")
    approve(project.as_("ben"), made.proposal)
    return made.artifact


def judged(project: Project, name: str, says: Says) -> Artifact:
    """A campaign worked off by the team, and closed."""
    for who in TEAM:
        with project.as_(who).transaction() as tx:
            campaign = campaigns.get(tx, name)
            while campaign.state == "open" and (shown := queue.claim(tx, campaign, who, 50)):
                sent = [
                    Submission(
                        one.assignment,
                        1 if one.first.endswith(says(one.messages[-1].text, who)) else 2,
                        key=one.assignment,
                    )
                    for one in shown
                ]
                judgments.submit(tx, campaign, who, sent)
    with project.transaction() as tx:
        return batches.close(tx, campaigns.get(tx, name))


@pytest.fixture
def first(project: Project) -> Artifact:
    """Thirty comparisons judged under the first specification, ten of them about prices."""
    with project.transaction() as tx:
        for who in TEAM:
            people.add(tx, who, ("annotator",))
    specification(project)
    items = [
        Item(
            Prompt.of(f"{topic} {n}", topic=topic),
            Completion(f"{topic} {n} sure", "m1"),
            Completion(f"{topic} {n} maybe", "m2"),
        )
        for topic, count in (("price", 10), ("login", 20))
        for n in range(count)
    ]
    with project.transaction() as tx:
        campaign = campaigns.create(tx, "first", "spec/main", QUIET)
        add_items(tx, campaign, items)
    return judged(project, "first", old_taste)


def relabelled(
    project: Project, batch: Artifact, says: Says = new_taste
) -> tuple[Artifact, Artifact]:
    """Asked for, taken up, judged and closed: the batch again, and its control."""
    wanted = Filter(topic=("price",))
    request = relabel.ask(project, batch, wanted, "spec/main", 8, "prices were out of date")
    made = relabel.take_up(project, request, "again", QUIET)
    again, control = (judged(project, one.name, says) for one in made)
    return again, control


def test_the_story_of_a_breaking_change(project: Project, first: Artifact) -> None:
    specification(project, "accuracy")
    again, control = relabelled(project, first)
    assert (again.manifest["epoch"], again.manifest["judgments"]) == (2, 30)  # 10 by 3
    assert (control.manifest["purpose"], control.manifest["judgments"]) == ("evaluation", 24)

    found = relabel.changes(project, first, again, control)
    said = found.manifest
    assert found.kind == "evaluation"
    assert set(found.parents) == {first.digest, again.digest, control.digest}
    # All ten prices turn round, and of the eight others none: 2 of 3 said the same both times.
    assert (said["relabelled"]["flipped"], said["relabelled"]["decided"]) == (10, 10)
    assert (said["control"]["flipped"], said["control"]["decided"]) == (0, 8)
    assert said["difference"]["estimate"] == 1.0
    assert said["beyond_noise"]["estimate"] == 10
    assert said["verdict"] == "more winners turned round than noise explains"
    assert (said["people_in_both"], said["people"]) == (3, 3)
    assert (said["reason"], said["filter"]) == ("prices were out of date", {"topic": ["price"]})
    assert said["epochs"] == {"before": 1, "after": 2}
    assert not said["filter_reads_judgments"]

    settings = FreezeSettings(held_out=0, across_epochs=True)
    both = [first.digest, again.digest]
    dataset, _ = labels.freeze_dataset(project, "support", both, settings)
    with project.reader() as reader:
        pairs = freeze.pairs(reader, dataset)
        drawn = as_text(tree(reader, dataset.digest))
    assert {p.chosen.split()[-1] for p in pairs if p.prompt.topic == "price"} == {"maybe"}
    assert {p.chosen.split()[-1] for p in pairs if p.prompt.topic == "login"} == {"sure"}
    assert [one["pairs"] for one in dataset.manifest["epochs"]] == [20, 10]
    counts = dataset.manifest["counts"]
    assert (counts["superseded"], counts["changed_winner"]) == (10, 10)
    assert dataset.manifest["across_epochs"] == "prices were out of date"
    assert "again, 30 judgments (relabel: prices were out of date)" in drawn
    with pytest.raises(BadInput, match="would spoil"):
        labels.freeze_dataset(project, "no", [*both, control.digest], settings)
    assert verify(project.ledger).ok


def test_people_who_say_the_same_again_corrected_nothing(project: Project, first: Artifact) -> None:
    again, control = relabelled(project, first, old_taste)
    said = relabel.changes(project, first, again, control).manifest
    assert (said["relabelled"]["flipped"], said["control"]["flipped"]) == (0, 0)
    assert said["verdict"] == "no more winners turned round than noise may explain"


def test_the_same_steps_again_change_nothing(project: Project, first: Artifact) -> None:
    specification(project, "accuracy")
    one = relabelled(project, first)
    two = relabelled(project, first)
    assert one == two
    found = [relabel.changes(project, first, *batches_).digest for batches_ in (one, two)]
    assert found[0] == found[1]


def test_without_settings_the_overlap_is_that_of_the_batch(
    project: Project, first: Artifact
) -> None:
    request = relabel.ask(project, first, Filter(topic=("price",)), "spec/main", 0, "again")
    (made,) = relabel.take_up(project, request, "again")
    assert (made.settings.overlap, made.settings.purpose.value) == (3, "relabel")


def test_batches_that_do_not_come_of_one_request_are_refused(
    project: Project, first: Artifact
) -> None:
    again, control = relabelled(project, first)
    with pytest.raises(BadInput, match="is not the relabel part of a request"):
        relabel.changes(project, first, control, again)
    with pytest.raises(BadInput, match="is not the relabel part of a request"):
        relabel.changes(project, first, first, control)
    with pytest.raises(BadInput, match="does not judge"):
        relabel.changes(project, again, again, control)
    with project.transaction() as tx:
        asked = {**control.manifest["request"], "digest": "0" * 64}
        other = artifacts.put(
            tx, "label_batch", {**control.manifest, "request": asked}, control.parents
        )
    with pytest.raises(BadInput, match="come of different requests"):
        relabel.changes(project, first, again, other)
    with pytest.raises(NotPermitted):
        relabel.changes(project.as_("cleo"), first, again, control)
