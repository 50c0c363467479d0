"""Who may import what: rooms live without torch, and the contracts catch what breaks them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
BLOCKED = ("torch", "transformers", "tokenizers", "safetensors", "accelerate", "peft")


def test_every_room_but_models_and_training_imports_without_torch() -> None:
    code = f"""
import importlib, pkgutil, sys
class Blocked:  # as where the extra is not installed
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {BLOCKED}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Blocked())
import prefloop
needs = ("prefloop.models", "prefloop.training")
wanted = [m.name for m in pkgutil.walk_packages(
    prefloop.__path__, "prefloop.", onerror=lambda name: sys.exit(f"cannot import {{name}}")
) if not m.name.startswith(needs) and "migrations" not in m.name]
wanted += ["prefloop.training.settings"]  # read before anything heavy is loaded
for name in wanted:
    importlib.import_module(name)
print(len(wanted))
"""
    ran = run([sys.executable, "-c", code])
    assert ran.returncode == 0, ran.stderr[-2000:]
    assert int(ran.stdout) > 80


def test_the_server_starts_without_statistics_and_charts() -> None:
    code = (
        "import sys, prefloop.web.server; print({'scipy', 'altair', 'vl_convert'} & {*sys.modules})"
    )
    assert run([sys.executable, "-c", code]).stdout == "set()\n"


# One planted import per contract, and a place where it must not stand.
PLANTED = {
    "Arrows run one way": ("stats/result.py", "import prefloop.flows.steps"),
    "rooms are independent": ("datasets/aggregate.py", "import prefloop.annotation.queue"),
    "torch only in models and training": ("flows/lineage.py", "import torch"),
    "web framework only in web and serving": ("gates/verdict.py", "import fastapi"),
    "SQLAlchemy only in store": ("release/decision.py", "import sqlalchemy"),
}


def test_the_tree_as_it_is_keeps_every_contract(tmp_path: Path) -> None:
    ran = lint(tmp_path)
    assert ran.returncode == 0, ran.stdout
    assert "0 broken" in ran.stdout


@pytest.mark.parametrize("contract", PLANTED)
def test_a_planted_import_breaks_its_contract(tmp_path: Path, contract: str) -> None:
    place, line = PLANTED[contract]
    ran = lint(tmp_path, place, line)
    assert ran.returncode == 1, ran.stdout
    broken = [said for said in ran.stdout.splitlines() if "BROKEN" in said]
    assert len(broken) == 1
    expected = "Arrows run one way" if contract == "rooms are independent" else contract
    assert broken[0].startswith(expected)
    module = "prefloop." + place.removesuffix(".py").replace("/", ".")
    assert module in ran.stdout


def lint(
    folder: Path, place: str | None = None, line: str = ""
) -> subprocess.CompletedProcess[str]:
    """lint-imports over a copy of the source, with a line planted at the end of one file."""
    copy = folder / "src" / "prefloop"
    shutil.copytree(
        ROOT / "src" / "prefloop", copy, ignore=shutil.ignore_patterns("__pycache__", "*.j2")
    )
    if place:
        with (copy / place).open("a") as file:
            file.write(f"\n{line}\n")
    program = Path(sys.executable).with_name("lint-imports")
    words = [str(program), "--config", str(ROOT / ".importlinter"), "--no-cache"]
    return run(words, folder, {"PYTHONPATH": str(folder / "src")})


def run(
    words: list[str], folder: Path = ROOT, extra: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "COLUMNS": "200", **(extra or {})}
    return subprocess.run(
        words, cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=120
    )
