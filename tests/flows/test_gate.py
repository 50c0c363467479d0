"""Gates between stages: what they read, what they record, and what they keep from starting."""

from typing import Any

import pytest

from prefloop.core.errors import BadInput, GateClosed, NotPermitted
from prefloop.core.records import Estimate
from prefloop.flows import gate, improve, models
from prefloop.flows.project import Project
from prefloop.release.decision import CHAMPION
from prefloop.store import artifacts, names, people, proposals
from prefloop.store.artifacts import Artifact
from prefloop.store.verify import verify
from prefloop.training.settings import BestOfNSettings

NOBODY: list[Artifact] = []
NEAR = Estimate(1.0, 0.0, 1.0, 1)  # nats: well within the budget


def put(
    project: Project, kind: str, manifest: dict[str, Any], parents: list[Artifact] = NOBODY
) -> Artifact:
    with project.transaction() as tx:
        return artifacts.put(tx, kind, manifest, [parent.digest for parent in parents])


def number(estimate: float, half: float, n: int = 900) -> dict[str, float | int]:
    return Estimate(estimate, estimate - half, estimate + half, n).json()


def labels(project: Project, name: str = "july", *rows: dict[str, Any]) -> Artifact:
    """A batch; without rows there is no comparison that two people judged."""
    with project.transaction() as tx:
        manifest = {
            "campaign": name,
            "judgments": 9,
            "spec": None,
            "dimensions": [],
            "pool": {},
            "files": {"comparisons": artifacts.write_rows(tx, rows)},
        }
        return artifacts.put(tx, "label_batch", manifest)


def reward_model(project: Project, *above: Artifact) -> Artifact:
    return put(project, "model", {"role": "reward", "trained": "by hand"}, list(above))


def examination(project: Project, model: Artifact, **changes: Any) -> Artifact:
    """A reward model right on 74 % of 900 prompts, with nothing against it."""
    good = {
        "type": "reward",
        "model": model.digest,
        "trained_on": 6000,
        "accuracy": number(0.74, 0.03),
        "by_dimension": {"tone": number(0.78, 0.04, 400)},
        "high_stakes": number(0.74, 0.05, 300),
        "calibration_error": number(0.03, 0.01),
        "length_correlation": number(0.05, 0.06),
        "ceiling": 0.80,
    }
    return put(project, "evaluation", {**good, **changes}, [model])


def not_ready(project: Project, model: Artifact) -> Artifact:
    """70 % overall, 45 % on safety and where stakes are high: the requirement's own example."""
    return examination(
        project,
        model,
        accuracy=number(0.70, 0.03),
        by_dimension={"tone": number(0.78, 0.04, 400), "safety": number(0.45, 0.08, 150)},
        high_stakes=number(0.45, 0.09, 120),
    )


def test_a_good_reward_model_may_guide_a_policy(project: Project) -> None:
    model = reward_model(project)
    examined = examination(project, model)
    found = gate.before_policy(project, examined)
    assert (found.manifest["verdict"], found.manifest["subject"]) == ("pass", model.digest)
    assert found.parents == (examined.digest,)
    assert found.manifest["thresholds"]["accuracy"] == 0.65
    gate.require_open(found)
    baseline = put(project, "model", {"role": "sft"})
    made = improve.best_of_n(project, baseline, model, found, BestOfNSettings(n=4))
    assert made.manifest["how"] == "best-of-n"
    with project.reader() as reader:
        (ran,) = [artifacts.get(reader, p) for p in made.parents if p not in (
            baseline.digest, model.digest)]  # fmt: skip
    assert found.digest in ran.parents
    with pytest.raises(BadInput, match="best-of-n policy without weights of its own"):
        models.fetch(project, made)
    # log 4 - 3/4 = 0.6363 (Beirami et al. 2024, eq. 1): the most that best of 4 can move.
    kl = gate.kl_of(made)
    assert kl is not None
    assert kl.estimate == pytest.approx(0.6363, abs=1e-4)
    assert gate.kl_of(baseline) is None


def test_70_percent_overall_and_45_where_it_matters_does_not_start(project: Project) -> None:
    model = reward_model(project)
    found = gate.before_policy(project, not_ready(project, model))
    words = {check["metric"]: check["verdict"] for check in found.manifest["checks"]}
    assert found.manifest["verdict"] == "fail"
    assert words["accuracy on safety"] == words["accuracy on high-stakes prompts"] == "fail"
    assert words["accuracy on tone"] == "pass"
    with pytest.raises(GateClosed, match=r"accuracy on safety: 0\.450 \[0\.370, 0\.530\], n=150"):
        gate.require_open(found)


def test_a_shut_gate_refuses_every_kind_of_policy_run_and_writes_nothing(project: Project) -> None:
    model = reward_model(project)
    baseline = put(project, "model", {"role": "sft"})
    shut = gate.before_policy(project, not_ready(project, model))
    with pytest.raises(GateClosed, match=f"gate {shut.short} says fail: .*safety"):
        improve.best_of_n(project, baseline, model, shut, BestOfNSettings(n=4))
    for stage in ("best-of-n", "weighted", "dpo", "ppo", "rloo", "grpo"):
        with pytest.raises(GateClosed, match="says fail"):
            put(project, "run", {"stage": stage}, [baseline, model, shut])
        with pytest.raises(GateClosed, match="no policy gate_result among its parents"):
            put(project, "run", {"stage": stage}, [baseline, model])
    with project.reader() as reader:
        assert artifacts.listing(reader, "run") == []


def test_too_little_evidence_does_not_open_either(project: Project) -> None:
    model = reward_model(project)
    found = gate.before_policy(
        project, examination(project, model, accuracy=number(0.74, 0.15, 30))
    )
    assert found.manifest["verdict"] == "insufficient_data"
    with pytest.raises(GateClosed, match="cannot tell yet"):
        gate.require_open(found)


def test_an_open_gate_on_another_reward_model_does_not_serve(project: Project) -> None:
    bad, good = reward_model(project), reward_model(project, labels(project))
    open_ = gate.before_policy(project, examination(project, good))
    baseline = put(project, "model", {"role": "sft"})
    with pytest.raises(BadInput, match=f"did not look at reward model {bad.short}"):
        improve.best_of_n(project, baseline, bad, open_, BestOfNSettings(n=4))
    with pytest.raises(BadInput, match="is a sft, not a reward model"):
        improve.best_of_n(project, baseline, baseline, open_, BestOfNSettings(n=4))


def test_the_projects_own_thresholds_decide_and_are_kept(project: Project) -> None:
    model = reward_model(project)
    examined = examination(project, model)
    (project.folder / "gates.yaml").write_text("reward:\n  accuracy: 0.9\n")
    strict = project.as_("ana")  # settings are read once per opening
    found = gate.before_policy(strict, examined)
    assert (found.manifest["verdict"], found.manifest["thresholds"]["accuracy"]) == ("fail", 0.9)
    assert "this project's gates.yaml (default 0.65" in found.manifest["checks"][0]["source"]


def test_other_evidence_and_other_people_are_refused(project: Project) -> None:
    model = reward_model(project)
    with pytest.raises(BadInput, match="is a model; an evaluation of type reward is needed"):
        gate.before_policy(project, model)
    with pytest.raises(BadInput, match="is a suite; an evaluation of type reward"):
        gate.before_policy(project, put(project, "evaluation", {"type": "suite"}))
    with project.transaction() as tx:
        people.add(tx, "cleo", ("annotator",))
    with pytest.raises(NotPermitted, match=r"cleo may not check gate"):
        gate.before_policy(project.as_("cleo"), examination(project, model))


def judged_by_two(project: Project, agree: int) -> Artifact:
    """200 comparisons; the two agree on the first `agree` of each hundred, a and b in turn."""
    rows = []
    for n in range(200):
        first = "ab"[n % 2]
        second = first if n % 100 < agree else "ba"[n % 2]
        said = [("cleo", first), ("dan", second)]
        about = {"purpose": "live", "first_shown": "a", "active_ms": 0}
        told = [{"annotator": w, "verdict": v, **about} for w, v in said]
        rows.append({"comparison": str(n), "facts": {"topic": ""}, "judgments": told})
    return labels(project, f"{agree} agree", *rows)


@pytest.mark.parametrize(
    # Both say a half of the time, so kappa = 2 * agreement - 1: 0.9, 0.5 and 0.2.
    ("agree", "word"),
    [(95, "pass"), (75, "warn"), (60, "fail")],
)
def test_people_who_hardly_agree_shut_the_gate_however_good_the_model(
    project: Project, agree: int, word: str
) -> None:
    model = reward_model(project, judged_by_two(project, agree))
    found = gate.before_policy(project, examination(project, model))
    checks = {check["metric"]: check for check in found.manifest["checks"]}
    said = checks[f"agreement, {agree} agree"]
    assert (said["verdict"], found.manifest["verdict"]) == (word, word)
    assert said["estimate"] == pytest.approx(2 * agree / 100 - 1)


class Candidate:
    """A policy made by a reward model from `july`, compared by people in `june`."""

    def __init__(self, project: Project, judged: str = "june", **blind: Any) -> None:
        july = labels(project)
        self.reward = reward_model(project, july)
        self.baseline = put(project, "model", {"role": "sft"})
        opened = gate.before_policy(project, examination(project, self.reward))
        self.model = improve.best_of_n(
            project, self.baseline, self.reward, opened, BestOfNSettings(n=4)
        )
        answers = put(project, "completion_set", {"completions": 2}, [self.model, self.baseline])
        self.batch = july
        if judged != "july":
            about = {"campaign": judged, "judgments": 9}
            self.batch = put(project, "label_batch", about, [answers])
        compared = {
            "type": "compare",
            "model": self.model.digest,
            "baseline": self.baseline.digest,
            "win_rate": number(0.60, 0.05, 400),
            "conversations": 400,
            **blind,
        }
        both = [self.model, self.baseline]
        self.comparison = put(project, "evaluation", compared, [self.batch, *both])
        self.suite = suite_run(project, self.model, self.baseline)


def suite_run(project: Project, model: Artifact, baseline: Artifact, fall: float = 0.0) -> Artifact:
    safety = {
        "candidate": number(0.96 - fall, 0.02, 200),
        "baseline": number(0.96, 0.02, 200),
        "difference": number(-fall, 0.01, 200),
    }
    passed = {
        "type": "suite",
        "model": model.digest,
        "baseline": baseline.digest,
        "harmful": {"estimate": 0.0, "low": 0.0, "high": 0.005, "n": 800},
        "dimensions": {"safety": safety},
    }
    return put(project, "evaluation", passed, [put(project, "suite", {"cases": 200}), model])


def test_good_evidence_promotes_and_the_champion_moves_with_a_second_yes(project: Project) -> None:
    one = Candidate(project)
    result, done = gate.before_release(project, one.model, one.comparison, one.suite, NEAR)
    assert result.manifest["verdict"] == "pass"
    assert done.release.manifest["decision"] == "promote"
    assert done.proposal is not None
    with project.reader() as reader:
        assert CHAMPION not in names.tags(reader)
    with project.as_("ben").transaction() as tx:
        proposals.decide(tx, done.proposal.id, True)
        assert names.tags(tx)[CHAMPION] == one.model.digest
    assert verify(project.ledger).ok


def test_an_evaluation_on_the_rewards_own_labels_is_not_independent(project: Project) -> None:
    one = Candidate(project, judged="july")
    result, done = gate.before_release(project, one.model, one.comparison, one.suite, None)
    first = result.manifest["checks"][0]
    assert (first["metric"], first["verdict"]) == ("independence", "fail")
    assert one.batch.short in first["explanation"]
    assert done.release.manifest["decision"] == "refuse"
    assert done.proposal is None
    with pytest.raises(GateClosed, match="shares label batches"):
        gate.require_open(result)


def test_labels_behind_the_models_that_were_judged_do_not_spoil_independence(
    project: Project,
) -> None:
    # The blind comparison's own batch descends from the answers of a model trained on july.
    one = Candidate(project)
    with project.reader() as reader:
        behind = gate.label_batches(reader, one.comparison.digest)
    assert len(behind) == 2  # july stands behind it, by way of the model
    result, _ = gate.before_release(project, one.model, one.comparison, one.suite, None)
    assert result.manifest["checks"][0]["verdict"] == "pass"


@pytest.mark.parametrize(
    ("blind", "word"),
    [
        ({"win_rate": number(0.40, 0.05, 400)}, "refuse"),
        ({"win_rate": number(0.52, 0.05, 400)}, "hold"),
        ({"conversations": 150}, "hold"),
    ],
)
def test_a_worse_or_uncertain_candidate_is_not_promoted(
    project: Project, blind: dict[str, Any], word: str
) -> None:
    one = Candidate(project, **blind)
    _, done = gate.before_release(project, one.model, one.comparison, one.suite, None)
    assert done.release.manifest["decision"] == word
    assert done.proposal is None


def test_a_fall_on_the_suite_and_a_policy_too_far_away_are_refused(project: Project) -> None:
    one = Candidate(project)
    fallen = suite_run(project, one.model, one.baseline, fall=0.06)
    _, done = gate.before_release(project, one.model, one.comparison, fallen, None)
    assert done.release.manifest["decision"] == "refuse"
    far = Estimate(9.0, 8.0, 10.0, 400)
    _, done = gate.before_release(project, one.model, one.comparison, one.suite, far)
    assert done.release.manifest["decision"] == "refuse"
    assert "KL from ref_policy" in done.release.manifest["reasons"][0]


def test_evidence_about_another_model_or_baseline_is_no_evidence(project: Project) -> None:
    one = Candidate(project)
    other = put(project, "model", {"role": "policy", "name": "other"})
    theirs = suite_run(project, other, one.baseline)
    with pytest.raises(BadInput, match="are not both of"):
        gate.before_release(project, one.model, one.comparison, theirs, None)
    with pytest.raises(BadInput, match="are not both of"):
        gate.before_release(project, other, one.comparison, one.suite, None)
    weak = suite_run(project, one.model, other)
    with pytest.raises(BadInput, match="different baselines"):
        gate.before_release(project, one.model, one.comparison, weak, None)
