"""What the exit code says: done, bad input, a shut gate; and the first steps of a project."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from tests.cli.conftest import Desk, Run, examined, refused


def test_a_shut_gate_is_exit_code_three_and_shows_why(run: Run, desk: Desk) -> None:
    ran = run("-C", desk.folder, "gate", "check", "policy", examined(desk)[1])
    refused(ran, "accuracy on safety: 0.450 [0.370, 0.530], n=150; at least 0.6 wanted", code=3)
    assert "policy gate: fail" in ran.out


def test_training_by_a_shut_gate_is_exit_code_three(run: Run, desk: Desk) -> None:
    reward, evidence = examined(desk)
    found = json.loads(run("-C", desk.folder, "gate", "check", "policy", evidence, "--json").out)
    base = desk.put("model", {"role": "sft"}, [])
    config = desk.folder / "bon.yaml"
    gate = found["gate_result"]
    config.write_text(f'model: "{base}"\nreward: "{reward}"\ngate: "{gate}"\n')
    refused(run("-C", desk.folder, "train", "best-of-n", config), "says fail", "safety", code=3)


def test_an_open_gate_is_exit_code_zero(run: Run, desk: Desk) -> None:
    evidence = examined(desk, safety=0.80)[1]
    ran = run("-C", desk.folder, "gate", "check", "policy", evidence, "--json")
    assert (ran.code, json.loads(ran.out)["verdict"]) == (0, "pass")


def test_a_threshold_that_the_project_changed_is_shown_beside_its_default(
    run: Run, desk: Desk
) -> None:
    evidence, said = examined(desk, safety=0.80)[1], "gates.yaml (default 0.65, "
    assert said not in run("-C", desk.folder, "gate", "check", "policy", evidence).out
    (desk.folder / "gates.yaml").write_text("reward:\n  accuracy: 0.6\n")
    ran = run("-C", desk.folder, "gate", "check", "policy", evidence)
    assert ran.code == 0, ran.err
    assert f"reward model accuracy: 0.6 by this project's {said}" in ran.out


@pytest.mark.parametrize(
    "words", [["policy", "E", "E"], ["release", "E"], ["release", "E", "E"], ["elsewhere", "E"]]
)
def test_a_gate_asked_in_a_wrong_way_says_how(run: Run, desk: Desk, words: list[str]) -> None:
    evidence = examined(desk)[1]
    given = [evidence if word == "E" else word for word in words]
    refused(run("-C", desk.folder, "gate", "check", *given))


def test_the_story_of_a_new_project_by_hand(run: Run, tmp_path: Path) -> None:
    at = ("-C", tmp_path / "desk", "--as", "ana")
    assert run("--as", "ana", "init", tmp_path / "desk").code == 0
    refused(run("--as", "ana", "init", tmp_path / "desk"), "is a project already")
    assert run(*at, "user", "add", "ben", "--role", "lead").code == 0
    made = json.loads(run(*at, "spec", "publish", "--json").out)
    refused(run(*at, "proposal", "approve", made["proposal"]), "somebody else has to approve")
    said = run("-C", tmp_path / "desk", "--as", "ben", "proposal", "approve", made["proposal"])
    assert "spec/main@v1" in said.out
    refused(run(*at, "spec", "publish"), "as it is already published")
    refused(run(*at, "erase", "never stored", "--reason", "x"), "is not in the ledger")
    refused(run("-C", tmp_path / "desk", "--as", "eve", "spec", "publish"), "nobody here is called")
    whole = json.loads(run(*at, "verify", "--json").out)
    assert whole["ok"]
    tail = f"{whole['checkpoint']['seq']}:{whole['checkpoint']['hash']}"
    assert run(*at, "verify", "--checkpoint", tail).code == 0
    refused(run(*at, "verify", "--checkpoint", "9"), "SEQ:HASH")


def test_an_altered_ledger_is_exit_code_two_and_names_the_first_bad_thing(
    run: Run, desk: Desk
) -> None:
    with closing(sqlite3.connect(desk.folder / ".prefloop" / "ledger.db")) as database:
        names = [
            row[0]
            for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        ]
        for name in names:
            database.execute(f"DROP TRIGGER {name}")
        database.execute("UPDATE artifact SET author = 'eve'")
        database.commit()
    refused(run("-C", desk.folder, "verify"), "problem", "artifact")


def test_a_demo_is_refused_where_other_things_are(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    refused(run("demo", tmp_path), "is not empty and holds no demo")
    refused(run("demo", tmp_path / "mine.txt"), "is a file")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
