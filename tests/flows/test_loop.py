"""The whole loop in small: real training, sampling, labelling and judging, on tiny amounts."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from prefloop.core.errors import GateClosed
from prefloop.flows import gate, loop
from prefloop.flows import project as projects
from prefloop.flows.evaluate import SuiteCases
from prefloop.flows.loop import Ground, Mended, Pass
from prefloop.flows.project import Project
from prefloop.flows.world import LoopSettings
from prefloop.release.decision import CHAMPION
from prefloop.sandbox import desk, report
from prefloop.sandbox import world as worlds
from prefloop.sandbox.story import tell_story
from prefloop.sandbox.vocabulary import vocabulary
from prefloop.store import artifacts, names
from prefloop.store.artifacts import Artifact
from prefloop.store.verify import verify
from prefloop.training.settings import PPOSettings, RewardSettings, SFTSettings

SMALL = {
    "POOL": 500, "PAIRS": 80, "CONVERSATIONS": 12, "SHOWN": 150, "CONTROL": 10, "SHARED": 20,
    "SEARCHED": 15, "ANCHORS": 3, "GOLD": 4,
}  # fmt: skip
SHARED = {"batch_size": 16, "learning_rate": 3e-3, "max_tokens": 160, "eval_every": 20}
SETTINGS = LoopSettings(
    sft=SFTSettings(steps=40, **SHARED),
    reward=RewardSettings(steps=8, **SHARED),
    ppo=PPOSettings(
        steps=2,
        rollouts=8,
        reference_samples=32,
        max_new_tokens=48,
        learning_rate=1e-4,
        eval_every=1,
        checkpoint_every=1,
        over_budget="warn",
    ),
)
GROUND = (
    "spec", "suite", "demonstrations", "sft", "prompts", "answers", "labels", "dataset",
)  # fmt: skip
TO_THE_GATE = (*(f"loop/{name}" for name in GROUND), "first/reward", "first/examined")
AFTER_IT = ("policy", "conversations", "blind", "compared", "suite-run", "release")
MENDED = ("spec", "labels", "control", "changes", "dataset")
ALL = (
    *TO_THE_GATE,
    *(f"first/{name}" for name in AFTER_IT),
    *(f"mend/{name}" for name in MENDED),
    *(f"second/{name}" for name in ("reward", "examined", *AFTER_IT)),
)


class SmallDesk(worlds.SupportDesk):
    """The support desk with a smaller model and a smaller suite."""

    def base(self) -> Any:
        from prefloop.models.load import LoadedPolicy
        from prefloop.models.scratch import llama, word_tokenizer

        tokenizer = word_tokenizer(vocabulary())
        shape = {"width": 64, "layers": 1, "heads": 2, "context": 192}
        return LoadedPolicy(llama(tokenizer, **shape, seed=self.seed), tokenizer)

    def suite(self) -> SuiteCases:
        whole = super().suite()
        few = [  # twelve cases of each dimension
            place
            for place, name in enumerate(whole.dimensions)
            if whole.dimensions[:place].count(name) < 12
        ]
        return SuiteCases(
            whole.name,
            [whole.dimensions[place] for place in few],
            [whole.prompts[place] for place in few],
            [whole.expected[place] for place in few],
            [whole.checks[place] for place in few],
        )


@pytest.fixture(scope="module")
def world() -> Iterator[SmallDesk]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in SMALL.items():
            patch.setattr(worlds, name, value)
        yield SmallDesk(1)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, world: SmallDesk) -> Iterator[Project]:
    """A desk that went round the loop as far as the shut gate."""
    opened = open_desk(tmp_path_factory.mktemp("desk"), world)
    with pytest.raises(GateClosed, match="accuracy"):  # 8 steps on 50 pairs teach nothing
        walk(opened, world)
    yield opened
    opened.ledger.close()


def open_desk(folder: Path, world: SmallDesk) -> Project:
    projects.init(folder, "small desk", desk.LEAD, b"k" * 32)
    opened = projects.open_project(folder, desk.LEAD)
    desk.hire(opened, world.people)
    return opened


def walk(project: Project, world: SmallDesk) -> tuple[Ground, Pass]:
    ground = loop.first_ground(project, world, SETTINGS, silent)
    return ground, loop.go_round(project, world, SETTINGS, ground, "first", silent)


def silent(line: str) -> None:
    """Nobody watches."""


def steps(project: Project) -> dict[str, str]:
    """What each step made, by name."""
    with project.reader() as reader:
        return {name: known[0] for name in ALL if (known := names.versions(reader, name))}


def count(project: Project) -> int:
    with project.reader() as reader:
        return len(artifacts.listing(reader))


def test_a_shut_gate_ends_the_loop_before_any_policy_is_made(project: Project) -> None:
    assert tuple(steps(project)) == TO_THE_GATE
    with project.reader() as reader:
        assert CHAMPION not in names.tags(reader)
        stages = {run.manifest["stage"] for run in artifacts.listing(reader, "run")}
        dataset = artifacts.get(reader, steps(project)["loop/dataset"])
        examined = artifacts.get(reader, steps(project)["first/examined"])
        chain = artifacts.ancestors(reader, examined.digest)
    assert stages == {"sft", "reward"}
    counts = dataset.manifest["counts"]
    assert 0 < counts["held_out"] < counts["pairs"] <= SMALL["PAIRS"]
    assert examined.manifest["pairs"] == counts["held_out"]
    assert steps(project)["loop/spec"] in chain
    assert verify(project.ledger).ok


def test_running_it_again_reuses_every_step_and_makes_nothing(
    project: Project, world: SmallDesk
) -> None:
    before, made = steps(project), count(project)
    with pytest.raises(GateClosed):
        walk(project, world)
    assert (steps(project), count(project)) == (before, made)


def test_where_the_gate_opens_it_goes_round_twice_with_a_mended_specification_between(
    project: Project, world: SmallDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = steps(project)
    monkeypatch.setattr(gate, "before_policy", _opens)
    ground, first = walk(project, world)
    assert {name: steps(project)[name] for name in before} == before
    mended = loop.mend(project, world, SETTINGS, ground, first, silent)
    second = loop.go_round(project, world, SETTINGS, ground, "second", silent, mended)
    assert tuple(steps(project)) == ALL
    _decided_rightly(project, ground, first)
    _mended_exactly(project, ground, mended)
    with project.reader() as reader:
        chain = {*artifacts.ancestors(reader, second.release.digest)}
    # From the first start under the second specification; the failure that led there is evidence.
    assert {mended.spec.digest, mended.dataset.digest, first.suite.digest} <= chain
    assert second.policy.manifest["base"] == ground.baseline.digest
    _told_to_the_end(project, world, ground, [first, second], mended)
    made = count(project)
    assert walk(project, world) == (ground, first)
    assert loop.mend(project, world, SETTINGS, ground, first, silent) == mended
    assert count(project) == made
    assert verify(project.ledger).ok


def _decided_rightly(project: Project, ground: Ground, first: Pass) -> None:
    assert first.policy.manifest["how"] == "ppo"
    assert first.comparison.manifest["judgments"] > 0
    assert first.release.parents == tuple(sorted([first.policy.digest, first.release_gate.digest]))
    # 12 conversations and 12 cases of a dimension are far from what a promotion takes.
    assert first.decision in ("hold", "refuse")
    checks = {c["metric"]: c["verdict"] for c in first.release_gate.manifest["checks"]}
    assert checks["independence"] == "pass"
    assert checks["conversations compared"] == "insufficient_data"
    with project.reader() as reader:
        chain = {*artifacts.ancestors(reader, first.release.digest)}
    assert {ground.spec.digest, ground.batch.digest, ground.dataset.digest} <= chain


def _told_to_the_end(
    project: Project, world: SmallDesk, ground: Ground, passes: list[Pass], mended: Mended
) -> None:
    told = tell_story(project, world, ground, passes, mended, [], 1.0)
    report.write(told, project.folder)
    assert json.loads((project.folder / "report.json").read_text("utf-8")) == told
    assert [one["decision"] for one in told["passes"]] == [one.decision for one in passes]
    assert told["release"] is None  # nothing this small is promoted
    page = (project.folder / "report.html").read_text("utf-8")
    assert page.count("<svg") == 7  # agreement, two reward models, reward, KL, two suites
    assert not re.search("(src|href)=", page)  # self-contained


def _judged(rows: list[dict[str, Any]]) -> dict[str, str]:
    """The topic of every comparison judged for its own sake, and not to test people."""
    known = ("gold", "anchor")
    return {
        row["comparison"]: row["facts"]["topic"]
        for row in rows
        if any(one["purpose"] not in known for one in row["judgments"])
    }


def _mended_exactly(project: Project, ground: Ground, mended: Mended) -> None:
    with project.reader() as reader:
        again, control, live = (
            _judged(artifacts.read_rows(reader, batch, "comparisons"))
            for batch in (mended.relabelled, mended.control, ground.batch)
        )
    assert set(again) == {name for name, topic in live.items() if topic == "pricing"}
    assert set(control) <= {name for name, topic in live.items() if topic != "pricing"}
    assert len(control) == SMALL["CONTROL"]
    assert mended.spec.manifest["epoch"] == 2


def test_the_same_seed_gives_the_same_digests_elsewhere(
    project: Project, world: SmallDesk, tmp_path: Path
) -> None:
    other = open_desk(tmp_path, world)
    with pytest.raises(GateClosed):
        walk(other, world)
    first, second = steps(project), steps(other)
    other.ledger.close()
    assert second == {name: first[name] for name in TO_THE_GATE}


def _opens(project: Project, examination: Artifact) -> Artifact:
    """A gate that has seen enough: what comes after it is to be tested."""
    about = {
        "stage": "policy",
        "subject": examination.manifest["model"],
        "verdict": "pass",
        "explanation": "by hand",
        "checks": [],
    }
    with project.transaction() as tx:
        return artifacts.put(tx, "gate_result", about, [examination.digest])
