"""Killed for real, then resumed: the same bits as a run that was never disturbed."""

import runpy
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

SCRIPT = Path(__file__).parent / "small_run.py"
CLOCKS = ("wall_s", "cpu_s")


@pytest.fixture(scope="module")
def run() -> Callable[[Path], Any]:
    found: Callable[[Path], Any] = runpy.run_path(str(SCRIPT))["run"]
    return found


def same_bits(one: Any, two: Any) -> bool:
    left, right = one.state_dict(), two.state_dict()
    return left.keys() == right.keys() and all(torch.equal(left[n], right[n]) for n in left)


@pytest.mark.parametrize(
    ("moment", "resumed_from"),
    [("between", 6), ("writing", 3)],  # a checkpoint half written does not count
)
def test_a_run_killed_and_resumed_ends_bit_identical(
    moment: str, resumed_from: int, run: Callable[[Path], Any], tmp_path: Path
) -> None:
    killed = subprocess.run([sys.executable, str(SCRIPT), str(tmp_path / "killed"), moment])
    assert killed.returncode == -signal.SIGKILL
    resumed, result = run(tmp_path / "killed")
    whole, wanted = run(tmp_path / "whole")
    assert result.loop.resumed_from == resumed_from
    assert wanted.loop.resumed_from == 0
    assert same_bits(resumed.model, whole.model)
    for one, two in zip(result.loop.history, wanted.loop.history, strict=True):
        assert {k: v for k, v in one.items() if k not in CLOCKS} == {
            k: v for k, v in two.items() if k not in CLOCKS
        }
    assert result.convergence == wanted.convergence
    assert not list((tmp_path / "killed").glob(".writing-*"))


def test_a_run_that_is_done_is_not_done_again(run: Callable[[Path], Any], tmp_path: Path) -> None:
    first, one = run(tmp_path)
    second, two = run(tmp_path)
    assert two.loop.resumed_from == 12
    assert two.loop.history == one.loop.history
    assert same_bits(first.model, second.model)
