"""Runs as the ledger keeps them: where they work, what is recorded of them, what is said meanwhile.

A run's manifest holds what determines the result (data, settings, environment) and what came
out; wall time and throughput differ from run to run, so they stand in the row's notes instead.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from prefloop.core.digest import digest
from prefloop.core.records import Estimate
from prefloop.flows import models
from prefloop.flows.project import Project
from prefloop.store import artifacts, people
from prefloop.store.artifacts import Artifact

if TYPE_CHECKING:
    from prefloop.training.loop import LoopResult

__all__ = ["Tell", "keep", "place", "say_cut", "say_kl", "teller"]

Tell = Callable[[str], None]
_CLOCKS = ("wall_s", "cpu_s")  # in a step's record; they would make every run another artifact


def place(project: Project, inputs: dict[str, Any], above: tuple[str, ...]) -> Path:
    """Where this very run keeps its checkpoints: the same inputs find them again."""
    return project.work(f"{inputs['stage']}-{digest([inputs, list(above)])[:16]}")


def keep(
    project: Project,
    inputs: dict[str, Any],
    found: dict[str, Any],
    loop: "LoopResult",
    folder: Path,
    role: str,
    above: tuple[str, ...],
    about: Mapping[str, Any] = MappingProxyType({}),
) -> Artifact:
    """Record a run and the model in `folder` that it made; `about` joins the model's manifest."""
    from prefloop.models.fingerprint import fingerprint

    cost = {
        "seconds": round(loop.wall_s, 1),
        "cpu_seconds": round(loop.cpu_s, 1),
        "tokens_per_second": round(loop.tokens_per_s),
    }
    with project.transaction() as tx:
        people.require(tx, "train")
        history = artifacts.write_rows(
            tx,
            ({k: v for k, v in one.items() if k not in _CLOCKS} for one in loop.history),
        )
        run = {
            **inputs,
            "environment": fingerprint(),
            "steps": loop.steps,
            "stopped": loop.stopped,
            "warnings": list(loop.warnings),
            "padding": loop.padding,
            "found": found,
            "files": {"history": history},
        }
        ran = artifacts.put(tx, "run", run, above, json.dumps(cost))
        known = {"max_tokens": inputs["settings"]["max_tokens"], **about}
        return models.keep(tx, folder, role, known, [ran.digest])


def say_cut(tell: Tell, cut: int, of: int, longest: int) -> None:
    """Say how many samples were too long, if any was."""
    if cut:
        tell(f"  {cut} of {of} were cut to max_tokens: {longest}; raise it if that is many")


def say_kl(tell: Tell, kl: Estimate | None, base: Artifact, prompts: str) -> None:
    """Say how far a policy went from its base, on which `prompts`, or why nobody knows."""
    if kl is None:
        tell(f"KL not measured: no two {prompts} leave room for max_new_tokens")
        return
    tell(
        f"KL from {base.short}: {kl.estimate:.2f} [{kl.low:.2f}, {kl.high:.2f}] nats per "
        f"completion, {kl.n} {prompts}"
    )


def teller(
    tell: Tell,
    stage: str,
    names: Sequence[str] = ("loss", "accuracy", "held_out_loss", "held_out_accuracy"),
    every: int = 100,
) -> Callable[[Mapping[str, float]], None]:
    """Says how far a run is: every so many steps, and whenever it was looked at from outside."""

    def on_step(record: Mapping[str, float]) -> None:
        step = int(record["step"])
        if step % every == 0 or "held_out_loss" in record or "suite" in record:
            shown = ", ".join(f"{name} {record[name]:.3f}" for name in names if name in record)
            tell(f"  {stage} step {step}: {shown}")

    return on_step
