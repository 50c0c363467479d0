"""What to ask next, by a reward model: its doubts first, and where it and people differ."""

from pathlib import Path

import pytest
from tests.flows.test_campaigns import create, drawn, published
from tests.flows.test_hacking import WORDS, policy_of

from prefloop.annotation import campaigns, judgments, queue
from prefloop.annotation import tables as t
from prefloop.annotation.judgments import Submission
from prefloop.core.errors import BadInput, NotPermitted
from prefloop.core.records import Completion, Prompt
from prefloop.flows.priority import by_reward, worth
from prefloop.flows.project import Project
from prefloop.flows.prompts import keep_completions
from prefloop.store import people
from prefloop.store.artifacts import Artifact

__all__ = ["published"]


def test_doubt_without_votes_and_distance_with_them() -> None:
    assert worth(0.5, None) == 1.0
    assert worth(0.9, None) == pytest.approx(0.2)  # 1 - |1.8 - 1|
    assert worth(0.1, None) == pytest.approx(0.2)
    assert worth(0.9, 0.0) == pytest.approx(0.9)  # sure of a, people said b
    assert worth(0.9, 1.0) == pytest.approx(0.1)


def test_open_comparisons_are_ordered_by_a_reward_model(
    project: Project, published: Artifact, tmp_path: Path
) -> None:
    reward = policy_of(project, tmp_path / "reward", 3, "reward")
    prompts = [Prompt.of(f"w{n}") for n in range(4)]
    given = [[Completion(f"w{n} w1", "m"), Completion(f"w{n} w2", "m")] for n in range(4)]
    made = keep_completions(project, prompts, given, {}, [])
    create(project, "july", made.digest)
    with project.transaction() as tx:
        people.add(tx, "cleo", ("annotator",))
    with project.as_("cleo").transaction() as tx:
        campaign = campaigns.get(tx, "july")
        [shown] = queue.claim(tx, campaign, "cleo")
        judgments.submit(tx, campaign, "cleo", [Submission(shown.assignment, 1, "k")])
    assert by_reward(project, "july", reward) == 3  # the one that is judged is not open
    with project.reader() as reader:
        [row] = reader.all(t.priority.select())
        ranked = [one.rank for one in reader.all(t.queue_item.select()) if one.rank is not None]
    assert row.source == reward.digest
    assert len(row.scores) == len(set(ranked)) == 3
    assert all(0 <= score <= 1 for score in row.scores.values())


def test_it_takes_a_reward_model_an_open_comparison_and_the_right_person(
    project: Project, published: Artifact, tmp_path: Path
) -> None:
    policy = policy_of(project, tmp_path / "policy", 1)
    create(project, "july", drawn(project, WORDS[0], WORDS[1]))
    with pytest.raises(BadInput, match="not a reward model"):
        by_reward(project, "july", policy)
    with project.transaction() as tx:
        people.add(tx, "cleo", ("annotator",))
    with pytest.raises(NotPermitted):
        by_reward(project.as_("cleo"), "july", policy)
    reward = policy_of(project, tmp_path / "reward", 3, "reward")
    with project.as_("cleo").transaction() as tx:
        campaign = campaigns.get(tx, "july")
        [shown] = queue.claim(tx, campaign, "cleo")
        judgments.submit(tx, campaign, "cleo", [Submission(shown.assignment, 1, "k")])
    with pytest.raises(BadInput, match="still to be judged"):
        by_reward(project, "july", reward)
