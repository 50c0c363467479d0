"""The one loop: optimizer, schedule, batches, checkpoints, resume, records, guards and the clock.

What is learned is not decided here: `compute` turns a batch into a Loss, `source` says which
batches make up step i. Both are free of state, so the loop's own state (weights, optimizer,
random state, steps done) is all that a run is; killed and resumed, it ends with the same bits.

Departure: there is one process and one device, that of the model's weights; accelerate would add
nothing to that case.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from prefloop.core.errors import BadInput, Conflict, PrefloopError
from prefloop.models.packing import PackedBatch
from prefloop.training import checkpoints
from prefloop.training.checkpoints import Progress
from prefloop.training.objectives import Loss
from prefloop.training.settings import LoopSettings

__all__ = ["Guard", "LoopResult", "Source", "learning_rate", "train"]

# Sees the record of a step: None, or "warn: ...", or "stop: ...".
Guard = Callable[[Mapping[str, float]], str | None]


class Source(Protocol):
    """Which batches make up each step; a pure function of the step's number."""

    steps: int

    @property
    def identity(self) -> str: ...

    def batches(self, step: int) -> Sequence[PackedBatch]: ...


@dataclass(frozen=True, slots=True)
class LoopResult:
    """What a run did. `history` has one record per step; times include earlier, killed parts.

    `padding` is the share of computed positions that held no token, `stopped` a guard's reason.
    """

    steps: int
    history: tuple[dict[str, float], ...]
    warnings: tuple[str, ...]
    stopped: str
    wall_s: float
    cpu_s: float
    tokens: int
    padding: float
    resumed_from: int

    @property
    def tokens_per_s(self) -> float:
        """Real tokens per second of wall time, evaluation and checkpoints included."""
        return self.tokens / self.wall_s


def train(
    model: nn.Module,
    source: Source,
    compute: Callable[[PackedBatch], Loss],
    settings: LoopSettings,
    *,
    folder: Path | None = None,
    resume: bool = True,
    evaluate: Callable[[], Mapping[str, float]] | None = None,
    guards: Sequence[Guard] = (),
    on_step: Callable[[Mapping[str, float]], None] | None = None,
) -> LoopResult:
    """Train `model` in place for `source.steps` steps.

    With a folder, checkpoints are kept there and a run that was killed goes on from the newest
    (`resume=False` refuses if there is one). `evaluate` is called every `eval_every` steps and at
    the end; what it returns joins that step's record. Raises BadInput if the folder holds another
    run, Conflict if it holds one and `resume` is false, PrefloopError if the loss is not a number.
    """
    run = _Run(model, source, compute, settings, folder)
    with torch.random.fork_rng([run.device] if run.device.type == "cuda" else []):
        torch.manual_seed(settings.seed)  # for dropout, which draws from torch's own stream
        resumed_from = run.begin(resume)
        model.train()
        while run.step < source.steps and not run.stopped:
            record = run.advance()
            last = run.step == source.steps
            if evaluate and (last or run.step % settings.eval_every == 0):
                model.eval()
                record |= evaluate()
                model.train()
            run.close_step(record, guards)
            if last or run.stopped or run.step % settings.checkpoint_every == 0:
                run.save()
            if on_step:
                on_step(record)
    model.eval()
    return run.result(resumed_from)


def learning_rate(step: int, steps: int, settings: LoopSettings) -> float:
    """The rate of step 0, 1, ...: linear warmup from 0, then half a cosine down to the final share.

    Loshchilov and Hutter 2017, eq. 5, without restarts.
    """
    rising = math.ceil(settings.warmup * steps)
    if step < rising:
        return settings.learning_rate * (step + 1) / rising
    part = (step - rising) / max(1, steps - rising)
    low = settings.final_rate
    return settings.learning_rate * (low + (1 - low) * (1 + math.cos(math.pi * part)) / 2)


class _Run:
    """The mutable middle of `train`: what changes from step to step."""

    def __init__(
        self,
        model: nn.Module,
        source: Source,
        compute: Callable[[PackedBatch], Loss],
        settings: LoopSettings,
        folder: Path | None,
    ) -> None:
        self.model, self.source, self.compute = model, source, compute
        self.settings, self.folder = settings, folder
        self.parameters = [p for p in model.parameters() if p.requires_grad]
        if not self.parameters:
            raise BadInput("no weight of this model may change: there is nothing to train")
        self.device = self.parameters[0].device
        self.optimizer = _optimizer(self.parameters, settings)
        self.step = 0
        self.history: list[dict[str, float]] = []
        self.warnings: list[str] = []
        self.stopped = ""
        self.before = (0.0, 0.0)
        self.clocks = (time.perf_counter(), time.process_time())

    def begin(self, resume: bool) -> int:
        """Take up the newest checkpoint, if there is one; the step it was made at."""
        found = checkpoints.newest(self.folder) if self.folder else None
        if found is None:
            return 0
        if not resume:
            raise Conflict(f"{self.folder} holds checkpoints of a run: resume it, or use another")
        progress = checkpoints.restore(found, self.model, self.optimizer, self._identity())
        self.step, self.stopped = progress.step, progress.stopped
        self.history, self.warnings = list(progress.history), list(progress.warnings)
        self.before = (progress.wall_s, progress.cpu_s)
        return self.step

    def advance(self) -> dict[str, float]:
        """One optimizer step; its record."""
        batches = [batch.to(self.device) for batch in self.source.batches(self.step)]
        rate = learning_rate(self.step, self.source.steps, self.settings)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.zero_grad(set_to_none=True)
        metrics = self._gradients(batches)
        norm = nn.utils.clip_grad_norm_(self.parameters, self.settings.max_grad_norm)
        positions = sum(batch.input_ids.numel() for batch in batches)
        tokens = sum(batch.tokens for batch in batches)
        self.step += 1
        record = {
            "step": self.step,
            **{name: float(value) for name, value in metrics.items()},
            "learning_rate": rate,
            "grad_norm": float(norm),
            "tokens": tokens,
            "positions": positions,
        }
        if not (math.isfinite(record["loss"]) and math.isfinite(record["grad_norm"])):
            raise PrefloopError(
                f"step {self.step}: the loss is {record['loss']} and its gradient "
                f"{record['grad_norm']}: lower learning_rate, or look for broken samples"
            )
        self.optimizer.step()
        return record

    def close_step(self, record: dict[str, float], guards: Sequence[Guard]) -> None:
        """Add the clock, ask the guards, remember the record."""
        wall, cpu = self._clock()
        record |= {"wall_s": wall, "cpu_s": cpu}
        self.history.append(record)
        for guard in guards:
            said = guard(record)
            if said is None:
                continue
            kind, _, why = said.partition(": ")
            if kind not in ("warn", "stop"):
                raise PrefloopError(f"a guard said {said!r}: it may say 'warn: ...' or 'stop: ...'")
            self.warnings.append(f"step {self.step}: {why}")
            if kind == "stop" and not self.stopped:
                self.stopped = why

    def save(self) -> None:
        """Write a checkpoint, where a folder was given."""
        if self.folder is None:
            return
        wall, cpu = self._clock()
        progress = Progress(
            self.step, self.history, self.warnings, self.stopped, wall, cpu, self._identity()
        )
        checkpoints.write(
            self.folder, self.model, self.optimizer, progress, self.settings.keep_checkpoints
        )

    def result(self, resumed_from: int) -> LoopResult:
        wall, cpu = self._clock()
        tokens = sum(int(record["tokens"]) for record in self.history)
        positions = sum(int(record["positions"]) for record in self.history)
        return LoopResult(
            steps=self.step,
            history=tuple(self.history),
            warnings=tuple(self.warnings),
            stopped=self.stopped,
            wall_s=wall,
            cpu_s=cpu,
            tokens=tokens,
            padding=1 - tokens / positions,
            resumed_from=resumed_from,
        )

    def _gradients(self, batches: Sequence[PackedBatch]) -> dict[str, Tensor]:
        """Leave the gradient of the whole step in the weights; its metrics, means by unit."""
        if len(batches) == 1:
            with self._precision():
                loss = self.compute(batches[0])
            loss.loss.backward()  # type: ignore[no-untyped-call]
            return {"loss": loss.loss.detach(), **loss.metrics}
        units = torch.zeros((), device=self.device)
        sums: dict[str, Tensor] = {}
        for batch in batches:
            with self._precision():
                loss = self.compute(batch)
            (loss.loss * loss.units).backward()  # type: ignore[no-untyped-call]
            units += loss.units
            for name, value in {"loss": loss.loss.detach(), **loss.metrics}.items():
                sums[name] = sums.get(name, torch.zeros_like(units)) + value * loss.units
        for parameter in self.parameters:
            if parameter.grad is not None:
                parameter.grad /= units
        return {name: value / units for name, value in sums.items()}

    def _precision(self) -> AbstractContextManager[Any]:
        low = self.settings.precision == "bfloat16"
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=low)

    def _clock(self) -> tuple[float, float]:
        return (
            self.before[0] + time.perf_counter() - self.clocks[0],
            self.before[1] + time.process_time() - self.clocks[1],
        )

    def _identity(self) -> dict[str, Any]:
        return {"data": self.source.identity, **self.settings.model_dump(mode="json")}


def _optimizer(parameters: Sequence[nn.Parameter], settings: LoopSettings) -> torch.optim.AdamW:
    """AdamW with decay on matrices only; fused kernels: a third of the time on tiny models."""
    groups = [
        {"params": [p for p in parameters if p.ndim >= 2], "weight_decay": settings.weight_decay},
        {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(
        [group for group in groups if group["params"]],
        lr=settings.learning_rate,
        betas=(settings.beta1, settings.beta2),
        fused=True,
    )
