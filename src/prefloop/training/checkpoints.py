"""Checkpoints: everything a run needs to go on as if it had never stopped; whole or not at all.

A checkpoint is written into a folder of another name, flushed to the disk, and renamed. Tensors
are safetensors and the rest is JSON, so nothing here can run code when it is read.
"""

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from prefloop.core.errors import BadInput, Corrupt

__all__ = ["Progress", "newest", "restore", "write"]


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run stands: steps done, their records, and what it was begun with.

    `identity` names the data and settings; a run goes on only with the same. `stopped` is a
    guard's reason, or empty; `returns` says whether it asked for the best checkpoint.
    """

    step: int
    history: list[dict[str, float]]
    warnings: list[str]
    stopped: str
    returns: bool
    wall_s: float
    cpu_s: float
    identity: dict[str, Any]


def newest(folder: Path) -> Path | None:
    """The checkpoint with the most steps in `folder`, or None."""
    found = sorted(folder.glob("step-*"))
    return found[-1] if found else None


def write(
    folder: Path, model: nn.Module, optimizer: torch.optim.Optimizer, progress: Progress, keep: int
) -> Path:
    """Write a checkpoint after `progress.step` steps; older ones beyond `keep` are removed."""
    folder.mkdir(parents=True, exist_ok=True)
    for left_over in folder.glob(".writing-*"):  # of a run that was killed while writing
        shutil.rmtree(left_over)
    target = folder / f"step-{progress.step:08d}"
    partial = folder / f".writing-{target.name}"
    partial.mkdir()
    save_file(_tensors(model, optimizer), partial / "state.safetensors")
    said = {name: getattr(progress, name) for name in Progress.__slots__}
    (partial / "progress.json").write_text(json.dumps(said, allow_nan=False), encoding="utf-8")
    for path in (*partial.iterdir(), partial):
        _flush(path)
    if target.exists():  # the same step of the same run, written again
        shutil.rmtree(target)
    os.replace(partial, target)
    _flush(folder)
    for old in sorted(folder.glob("step-*"))[:-keep]:
        shutil.rmtree(old)
    return target


def restore(
    checkpoint: Path,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    identity: dict[str, Any],
) -> Progress:
    """Put model, optimizer and random state back; how far the run had come.

    Raises BadInput if the checkpoint belongs to another run (naming what differs), Corrupt if it
    cannot be read.
    """
    try:
        progress = Progress(**json.loads((checkpoint / "progress.json").read_text("utf-8")))
        tensors = load_file(checkpoint / "state.safetensors")
    except (OSError, ValueError, TypeError, SafetensorError) as error:
        raise Corrupt(
            f"the checkpoint {checkpoint} cannot be read ({error}): remove it to go on from the "
            "one before"
        ) from error
    _same_run(checkpoint, progress.identity, identity)
    _put_back(checkpoint, tensors, model, optimizer)
    return progress


def _same_run(checkpoint: Path, was: dict[str, Any], now: dict[str, Any]) -> None:
    now = json.loads(json.dumps(now))
    for name in sorted(was.keys() | now.keys()):
        if was.get(name) != now.get(name):
            raise BadInput(
                f"{checkpoint} was begun with {name} = {was.get(name)!r}, and now it is "
                f"{now.get(name)!r}: give the same again, or train in another folder"
            )


def _tensors(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Every tensor of the run by name. Shared (tied) parameters appear once."""
    tensors = {f"model.{name}": value.detach() for name, value in _named(model).items()}
    for name, parameter in model.named_parameters():
        for key, value in optimizer.state.get(parameter, {}).items():
            tensors[f"optimizer.{name}/{key}"] = value
    tensors["random.cpu"] = torch.get_rng_state()
    if torch.cuda.is_available():
        tensors["random.cuda"] = torch.cuda.get_rng_state()
    return {name: value.contiguous() for name, value in tensors.items()}


def _put_back(
    checkpoint: Path,
    tensors: dict[str, Tensor],
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
) -> None:
    named = _named(model)
    held = {name.removeprefix("model.") for name in tensors if name.startswith("model.")}
    if held != named.keys():
        raise BadInput(
            f"{checkpoint} is of another model: {sorted(held ^ named.keys())[0]} differs"
        )
    with torch.no_grad():
        for name, value in named.items():
            value.copy_(tensors[f"model.{name}"])
    for name, parameter in model.named_parameters():
        prefix = f"optimizer.{name}/"
        state = {
            key.removeprefix(prefix): value
            for key, value in tensors.items()
            if key.startswith(prefix)
        }
        if state:
            # AdamW counts its steps in a number without shape, wherever its kernel wants it.
            optimizer.state[parameter] = {
                key: value.to(parameter.device) if value.ndim else value
                for key, value in state.items()
            }
    torch.set_rng_state(tensors["random.cpu"])
    if "random.cuda" in tensors and torch.cuda.is_available():
        torch.cuda.set_rng_state(tensors["random.cuda"])


def _named(model: nn.Module) -> dict[str, Tensor]:
    """Parameters, and the buffers that belong to the model's state."""
    kept = model.state_dict().keys()
    buffers = {name: value for name, value in model.named_buffers() if name in kept}
    return {**dict(model.named_parameters()), **buffers}


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
