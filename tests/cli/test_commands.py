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
from tests.cli.conftest import Desk, Run, examined, refused

from prefloop.cli.app import app

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
    "user link": ["ben"],
    "user password": ["ben"],
    "user identity": ["ben", "--email", "ben@example.org"],
    "token create": ["ana", "--scope", "verify"],
    "token list": ["ana"],
    "token revoke": ["ana", "12345678"],
    "serve": [],
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
    "candidates import": [NO],
    "candidates generate": [X, "--prompts", X],
    "candidates against": [X, X, "--prompts", X],
    "campaign create": ["july", "--candidates", X],
    "campaign gold": ["july", NO],
    "campaign anchors": ["july", NO],
    "campaign prioritise": ["july", "--reward", X],
    "campaign skipped": ["july"],
    "campaign status": [],
    "campaign close": ["july"],
    "campaign request": [X, "--topic", "pricing", "--control", "2", "--reason", "wrong prices"],
    "campaign requests": [],
    "campaign take": ["12345678", "august"],
    "campaign decline": ["12345678", "--reason", "not now"],
    "campaign pause": ["july", "--reason", "a holiday"],
    "campaign resume": ["july", "--reason", "mended"],
    "quality report": [X],
    "quality annotators": [X],
    "quality check": [],
    "quality recalibrate": [X],
    "quality plan": ["dan", "--goal", "gold 0.9", "--until", "2090-01-31", "--reason", "new here"],
    "quality declare": [],
    "quality bias": [X],
    "quality changes": [X, X, X],
    "quality alarms": [X],
    "quality effect": [X, X],
    "quality quarantine": [X, "dan", "--reason", "clicks"],
    "import": [NO],
    "export": [X, "out.jsonl"],
    "dataset freeze": ["support", "--batch", X],
    "dataset demonstrations": ["corrected", "--batch", X],
    "dataset show": [X],
    "dataset diff": [X, X],
    "train sft": [NO],
    "train reward": [NO],
    "train dpo": [NO],
    "train ppo": [NO],
    "train best-of-n": [NO],
    "eval reward": [X, "--data", X],
    "eval suite": [X, "--baseline", X],
    "eval compare": [X, "--candidate", X, "--baseline", X],
    "eval hacking": [X, X, "--prompts", X, "--reward", X],
    "gate check": ["policy", X],
    "plan power": ["--batch", X],
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
        ["train", "dpo", NO],
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
    ("dpo.yaml", ["train", "dpo", "dpo.yaml"], "modell", "model"),
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


@pytest.mark.parametrize(
    "name",
    ["verify", "user list", "token list", "proposal list", "spec check", "spec playbook",
     "campaign status", "campaign requests", "log", "show", "lineage"],
)  # fmt: skip
def test_json_is_json_and_text_is_text(run: Run, desk: Desk, name: str) -> None:
    words = call(name, desk)
    ran = run(*words, "--json")
    assert (ran.code, ran.err) == (0, "")
    json.loads(ran.out)
    text = run(*words)
    assert (text.code, text.err) == (0, "")


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
