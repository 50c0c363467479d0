"""Tests of checkpoints as files; that a resumed run is the same run is in test_resume."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from prefloop.core.errors import BadInput, Corrupt
from prefloop.training.checkpoints import Progress, newest, restore, write

IDENTITY = {"data": "abc", "seed": 1}


def progress(step: int, **changed: Any) -> Progress:
    known: dict[str, Any] = {
        "step": step,
        "history": [{"step": 1, "loss": 0.1}],
        "warnings": ["step 1: hot"],
        "stopped": "",
        "returns": False,
        "wall_s": 1.5,
        "cpu_s": 1.25,
        "identity": IDENTITY,
    }
    return Progress(**known | changed)


def trained(seed: int) -> tuple[nn.Module, torch.optim.Optimizer]:
    """A linear model after one step of AdamW."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = nn.Linear(3, 2)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1, fused=True)
    model(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    optimizer.zero_grad()
    return model, optimizer


def test_what_was_written_comes_back(tmp_path: Path) -> None:
    model, optimizer = trained(1)
    path = write(tmp_path, model, optimizer, progress(5), keep=2)
    other, other_optimizer = trained(2)
    assert restore(path, other, other_optimizer, IDENTITY) == progress(5)
    assert torch.equal(other.weight, model.weight)  # type: ignore[arg-type]
    for one, two in zip(model.parameters(), other.parameters(), strict=True):
        for key, value in optimizer.state[one].items():
            assert torch.equal(other_optimizer.state[two][key], value)


def test_only_the_newest_are_kept(tmp_path: Path) -> None:
    model, optimizer = trained(1)
    for step in (2, 4, 100, 1000):
        write(tmp_path, model, optimizer, progress(step), keep=2)
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["step-00000100", "step-00001000"]
    assert newest(tmp_path) == tmp_path / "step-00001000"


def test_a_folder_without_checkpoints_has_no_newest(tmp_path: Path) -> None:
    assert newest(tmp_path) is None
    assert newest(tmp_path / "missing") is None


def test_a_write_that_was_cut_short_is_cleared_away(tmp_path: Path) -> None:
    (tmp_path / ".writing-step-00000003").mkdir()
    model, optimizer = trained(1)
    write(tmp_path, model, optimizer, progress(4), keep=1)
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000004"]


def test_another_runs_checkpoint_is_refused_and_the_difference_named(tmp_path: Path) -> None:
    model, optimizer = trained(1)
    path = write(tmp_path, model, optimizer, progress(1), keep=1)
    with pytest.raises(BadInput, match="begun with seed = 1, and now it is 2"):
        restore(path, model, optimizer, {**IDENTITY, "seed": 2})


def test_another_models_checkpoint_is_refused(tmp_path: Path) -> None:
    model, optimizer = trained(1)
    path = write(tmp_path, model, optimizer, progress(1), keep=1)
    other = nn.Sequential(nn.Linear(3, 2))
    with pytest.raises(BadInput, match="of another model"):
        restore(path, other, torch.optim.AdamW(other.parameters()), IDENTITY)


@pytest.mark.parametrize("name", ["state.safetensors", "progress.json"])
def test_a_damaged_checkpoint_is_named_with_the_way_out(tmp_path: Path, name: str) -> None:
    model, optimizer = trained(1)
    path = write(tmp_path, model, optimizer, progress(1), keep=1)
    (path / name).write_bytes(b"{")
    with pytest.raises(Corrupt, match="remove it to go on from the one before"):
        restore(path, model, optimizer, IDENTITY)
