"""The command tree: help and JSON everywhere, one clear line for every mistake, exit codes."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from tests.cli.conftest import Desk, Run, refused

from prefloop.cli.app import app
from prefloop.core.records import Estimate

X = "ODD"  # stands for an artifact of a kind that no command wants
NO = "no/such/file"

# Every command with words that it can be called with.
CALLS: dict[str, list[str]] = {
    "init": ["."],
    "verify": [],
    "erase": ["some text", "--reason", "asked to"],
    "demo": ["."],
    "user add": ["cleo", "--role", "annotator"],
    "user list": [],
    "user grant": ["ben", "engineer"],
    "proposal list": [],
    "proposal approve": ["12345678"],
    "proposal reject": ["12345678"],
    "spec check": [],
    "spec publish": [],
    "spec diff": [X],
    "spec playbook": [],
    "prompts import": [NO],
    "prompts sample": [X, "-n", "3"],
    "prompts coverage": [X],
    "candidates generate": [X, "--prompts", X],
    "campaign create": ["july", "--candidates", X],
    "campaign status": [],
    "campaign close": ["july"],
    "quality report": [X],
    "import": [NO],
    "export": [X, "out.jsonl"],
    "dataset freeze": ["support", "--batch", X],
    "dataset show": [X],
    "dataset diff": [X, X],
    "train sft": [NO],
    "train reward": [NO],
    "train best-of-n": [NO],
    "eval reward": [X, "--data", X],
    "eval suite": [X, "--baseline", X],
    "eval compare": [X, "--candidate", X, "--baseline", X],
    "gate check": ["policy", X],
    "log": [],
    "show": [X],
    "lineage": [X],
}
ANY_KIND = {"show", "lineage"}


def leaves(group: Any, *above: str) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from leaves(command, *above, name)
        else:
            yield " ".join([*above, name]), command


COMMANDS = dict(leaves(typer.main.get_command(app)))


def call(command: str, desk: Desk, **other: str) -> list[str]:
    """The words of a command, the odd artifact put in."""
    words = [desk.odd if word == X else other.get(word, word) for word in CALLS[command]]
    return ["-C", str(desk.folder), *command.split(), *words]


def test_the_table_of_commands_is_whole() -> None:
    assert sorted(CALLS) == sorted(COMMANDS)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_has_help_and_json(name: str) -> None:
    command = COMMANDS[name]
    assert command.help, "a command's docstring is its help"
    assert command.help[0].isupper()
    assert "--json" in {word for parameter in command.params for word in parameter.opts}


@pytest.mark.parametrize("name", ["", *sorted({n.split()[0] for n in COMMANDS}), *sorted(COMMANDS)])
def test_help_is_shown(run: Run, name: str) -> None:
    ran = run(*name.split(), "--help")
    assert ran.code == 0
    assert "Usage:" in ran.out
    assert not ran.err


def test_the_version_is_shown(run: Run) -> None:
    assert re.fullmatch(r"prefloop \d+\.\d+\S*\n", run("--version").out)


@pytest.mark.parametrize("name", sorted(set(COMMANDS) - {"init", "demo"}))
def test_a_folder_that_is_no_project_is_one_clear_line(run: Run, tmp_path: Path, name: str) -> None:
    place = Desk(tmp_path / "empty", "0" * 64)
    place.folder.mkdir()
    refused(run(*call(name, place)), "spec.yaml" if name in _WITHOUT else "holds no project")
    assert not list(place.folder.iterdir())
    (place.folder / ".prefloop").mkdir()
    refused(run(*call(name, place)), "spec.yaml" if name in _WITHOUT else "half made")


_WITHOUT = {"spec check", "spec playbook"}  # they read a file, and need no project


@pytest.mark.parametrize(
    "name", sorted(n for n, words in CALLS.items() if X in words and n not in ANY_KIND)
)
def test_an_artifact_of_another_kind_is_named(run: Run, desk: Desk, name: str) -> None:
    refused(run(*call(name, desk)), "is a handoff, and a", "is needed here")


@pytest.mark.parametrize("name", sorted(n for n, words in CALLS.items() if X in words))
def test_a_name_that_is_not_there_is_one_clear_line(run: Run, desk: Desk, name: str) -> None:
    refused(run(*call(name, Desk(desk.folder, "policy/x@v3"))), "policy/x")


@pytest.mark.parametrize(
    "words",
    [
        ["spec", "check", NO],
        ["spec", "publish", NO],
        ["prompts", "import", NO],
        ["prompts", "import", "."],
        ["import", NO],
        ["import", "."],
        ["train", "sft", NO],
        ["train", "reward", NO],
        ["train", "best-of-n", "."],
        ["eval", "suite", "MODEL", "--baseline", "MODEL", "--file", NO],
        ["prompts", "coverage", "PROMPTS", "--plan", NO],
        ["prompts", "sample", "PROMPTS", "-n", "3", "--plan", NO],
    ],
)
def test_a_missing_file_is_one_clear_line(run: Run, desk: Desk, words: list[str]) -> None:
    model = desk.put("model", {"role": "sft"}, [])
    prompts = desk.put("prompt_set", {"prompts": 0, "files": {}}, [])
    given = [{"MODEL": model, "PROMPTS": prompts}.get(word, word) for word in words]
    ran = run("-C", desk.folder, *given)
    if "PROMPTS" not in words:
        refused(ran, "is a folder" if words[1:] == ["best-of-n", "."] else "such file"
                if NO in words else "directory")  # fmt: skip
    else:
        refused(ran)


FAULTS = [
    ("prefloop.yaml", ["log"], "sead", "seed"),
    ("gates.yaml", ["gate", "check", "policy", "EVIDENCE"], "rewrd", "reward"),
    ("spec.yaml", ["spec", "check"], "dimension", "dimensions"),
    ("spec.yaml", ["spec", "publish"], "tiebreak", "tie_break"),
    ("spec.yaml", ["spec", "playbook"], "langage", "language"),
    ("suite.yaml", ["eval", "suite", "MODEL", "--baseline", "MODEL"], "case", "cases"),
    ("sft.yaml", ["train", "sft", "sft.yaml"], "setings", "settings"),
    ("reward.yaml", ["train", "reward", "reward.yaml"], "modell", "model"),
    ("bon.yaml", ["train", "best-of-n", "bon.yaml"], "rewards", "reward"),
]


@pytest.mark.parametrize(("file", "words", "wrong", "right"), FAULTS)
def test_a_misspelt_key_is_named_with_its_line_and_the_nearest_one(
    run: Run, desk: Desk, file: str, words: list[str], wrong: str, right: str
) -> None:
    given = _given(desk, words)
    path = desk.folder / file
    before = path.read_text() if path.exists() else "\n"
    line = before.count("\n") + 1
    path.write_text(f"{before}{wrong}: 1\n")
    ran = run("-C", desk.folder, *given)
    assert ran.code == 2
    (said,) = [one for one in ran.err.splitlines() if f'"{wrong}"' in one]
    assert f"{file}:{line}: " in said
    assert f'"{right}"' in said
    assert "Traceback" not in ran.err


@pytest.mark.parametrize(("file", "words", "wrong", "right"), FAULTS)
def test_broken_yaml_is_one_line_that_names_its_place(
    run: Run, desk: Desk, file: str, words: list[str], wrong: str, right: str
) -> None:
    given = _given(desk, words)
    (desk.folder / file).write_text("# a comment\nname: [never closed\n")
    refused(run("-C", desk.folder, *given), f"{file}:", "not valid YAML")


def _given(desk: Desk, words: list[str]) -> list[str]:
    model = desk.put("model", {"role": "sft"}, [])
    known = {"MODEL": model, "EVIDENCE": examined(desk)[1]}
    paths = {word: str(desk.folder / word) for word in words if word.endswith(".yaml")}
    return [{**known, **paths}.get(word, word) for word in words]


def examined(desk: Desk, accuracy: float = 0.74, safety: float = 0.45) -> tuple[str, str]:
    """A reward model and its examination, by hand."""
    model = desk.put("model", {"role": "reward"}, [])
    number = Estimate(accuracy, accuracy - 0.03, accuracy + 0.03, 900).json()
    on_safety = Estimate(safety, safety - 0.08, safety + 0.08, 150).json()
    small = Estimate(0.02, 0.01, 0.03, 900).json()
    about = {
        "type": "reward",
        "model": model,
        "trained_on": 6000,
        "accuracy": number,
        "by_dimension": {"safety": on_safety},
        "high_stakes": None,
        "calibration_error": small,
        "length_correlation": small,
        "ceiling": 0.8,
    }
    return model, desk.put("evaluation", about, [model])


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


@pytest.mark.parametrize(
    "name",
    ["verify", "user list", "proposal list", "spec check", "spec playbook", "campaign status",
     "log", "show", "lineage"],
)  # fmt: skip
def test_json_is_json_and_text_is_text(run: Run, desk: Desk, name: str) -> None:
    words = call(name, desk)
    ran = run(*words, "--json")
    assert (ran.code, ran.err) == (0, "")
    json.loads(ran.out)
    text = run(*words)
    assert (text.code, text.err) == (0, "")


def test_an_altered_ledger_is_exit_code_two_and_names_the_first_bad_thing(
    run: Run, desk: Desk
) -> None:
    import sqlite3
    from contextlib import closing

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


def test_help_comes_without_the_heavy_libraries() -> None:
    heavy = ["torch", "transformers", "sqlalchemy", "numpy", "scipy", "pydantic", "altair"]
    code = f"""
import sys
sys.argv = ["prefloop", "--help"]
from prefloop.cli import main
try:
    main()
except SystemExit as stop:
    assert not stop.code, stop.code
found = [name for name in {heavy} if name in sys.modules]
sys.exit(f"--help imports {{found}}" if found else 0)
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert "Usage: prefloop" in ran.stdout
