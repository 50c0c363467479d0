"""The command line run in this process: what it prints, and the code it leaves with."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from prefloop.cli import main
from prefloop.core.records import Estimate
from prefloop.flows import project as projects
from prefloop.store import artifacts, people


@dataclass(frozen=True)
class Ran:
    """One command that came to its end."""

    code: int
    out: str
    err: str


Run = Callable[..., Ran]


def refused(ran: Ran, *said: str, code: int = 2) -> None:
    """One line on stderr that says this, the right exit code, and no traceback."""
    lines = ran.err.splitlines()
    assert ran.code == code, (ran.code, ran.err[-2000:])
    assert len(lines) == 1, lines
    assert lines[0].startswith("prefloop: ")
    assert "Traceback" not in ran.err + ran.out
    for part in said:
        assert part in lines[0], lines[0]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """run("log", "--json") does what the command line does with these words."""

    def go(*words: object) -> Ran:
        monkeypatch.setattr("sys.argv", ["prefloop", *map(str, words)])
        monkeypatch.setenv("COLUMNS", "200")
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        said = capsys.readouterr()
        return Ran(code, said.out, said.err)

    return go


@dataclass(frozen=True)
class Desk:
    """A project on disk, and an artifact that no command is looking for."""

    folder: Path
    odd: str  # a handoff's digest

    def put(self, kind: str, manifest: dict[str, Any], parents: list[str]) -> str:
        """Record something by hand; returns its digest."""
        opened = projects.open_project(self.folder, "ana")
        with opened.transaction() as tx:
            made = artifacts.put(tx, kind, manifest, parents).digest
        opened.ledger.close()
        return made


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """ana (admin, lead, engineer) acts; ben (lead, senior) may approve."""
    folder = tmp_path / "desk"
    projects.init(folder, "desk", "ana", b"k" * 32)
    monkeypatch.setenv("PREFLOOP_ACTOR", "ana")
    opened = projects.open_project(folder, "ana")
    with opened.transaction() as tx:
        people.add(tx, "ben", ("lead", "senior"))
        odd = artifacts.put(tx, "handoff", {"to": "nobody"}).digest
    opened.ledger.close()
    return Desk(folder, odd)


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
