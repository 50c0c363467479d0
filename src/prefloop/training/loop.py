"""The one loop: optimizer, schedule, batches, checkpoints, resume, records, guards and the clock.

What is learned is not decided here: `compute` turns a batch into a Loss, `source` says what step i
is made of. Neither keeps a state that outlives a step: where a source needs the past (the KL
controller of PPO), it reads the records. So the loop's own state (weights, optimizer, random
state, records) is all that a run is; killed and resumed, it ends with the same bits.

Departure: there is one process and one device, that of the model's weights; accelerate would add
nothing to that case.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from prefloop.core.errors import BadInput, Conflict, PrefloopError
from prefloop.models.packing import PackedBatch
from prefloop.training import checkpoints
from prefloop.training.checkpoints import Progress
from prefloop.training.objectives import Loss
from prefloop.training.optimizer import WHOLE, Optimizer, learning_rate
from prefloop.training.settings import EngineSettings
from prefloop.training.work import Guard, Source

__all__ = ["LoopResult", "train"]

_WORDS = ("warn", "stop", "return")


@dataclass(frozen=True, slots=True)
class LoopResult:
    """What a run did. `history` has one record per step; times include earlier, killed parts.

    `padding` is the share of computed positions that held no token, `stopped` a guard's reason,
    `returned_to` the step whose weights the model was given back for it.
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
    returned_to: int | None = None

    @property
    def tokens_per_s(self) -> float:
        """Real tokens per second of wall time, evaluation and checkpoints included."""
        return self.tokens / self.wall_s


def train(
    model: nn.Module,
    source: Source,
    compute: Callable[[PackedBatch], Loss],
    settings: EngineSettings,
    *,
    folder: Path | None = None,
    resume: bool = True,
    evaluate: Callable[[], Mapping[str, float]] | None = None,
    guards: Sequence[Guard] = (),
    on_step: Callable[[Mapping[str, float]], None] | None = None,
    rates: Mapping[str, float] = WHOLE,
    best: str = "",
) -> LoopResult:
    """Train `model` in place for `source.steps` steps.

    With a folder, checkpoints are kept there and a run that was killed goes on from the newest
    (`resume=False` refuses if there is one). `evaluate` is called every `eval_every` steps and at
    the end; what it returns joins that step's record. `best` names the metric by which a guard's
    "return" chooses, higher being better; it needs a folder. `rates` as Optimizer takes them.

    Raises BadInput if the folder holds another run, Conflict if it holds one and `resume` is
    false, PrefloopError if the loss is not a number.
    """
    if best and folder is None:
        raise BadInput("returning to the best checkpoint needs a folder to keep it in")
    run = _Run(model, source, compute, settings, folder, rates, best)
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
            run.keep_best()
            if last or run.stopped or run.step % settings.checkpoint_every == 0:
                run.save()
            if on_step:
                on_step(record)
        returned_to = run.return_to_best()
    model.eval()
    return run.result(resumed_from, returned_to)


class _Run:
    """The mutable middle of `train`: what changes from step to step."""

    def __init__(
        self,
        model: nn.Module,
        source: Source,
        compute: Callable[[PackedBatch], Loss],
        settings: EngineSettings,
        folder: Path | None,
        rates: Mapping[str, float],
        best: str,
    ) -> None:
        self.model, self.source, self.compute = model, source, compute
        self.settings, self.folder, self.best = settings, folder, best
        self.optimizer = Optimizer(model, settings, rates)
        self.device = self.optimizer.parameters[0].device
        self.step = 0
        self.history: list[dict[str, float]] = []
        self.warnings: list[str] = []
        self.stopped = ""
        self.returns = False
        self.before = (0.0, 0.0)
        self.clocks = (time.perf_counter(), time.process_time())

    def begin(self, resume: bool) -> int:
        """Take up the newest checkpoint, if there is one; the step it was made at."""
        found = checkpoints.newest(self.folder) if self.folder else None
        if found is None:
            return 0
        if not resume:
            raise Conflict(f"{self.folder} holds checkpoints of a run: resume it, or use another")
        progress = checkpoints.restore(found, self.model, self.optimizer.adamw, self._identity())
        self.step, self.stopped, self.returns = progress.step, progress.stopped, progress.returns
        self.history, self.warnings = list(progress.history), list(progress.warnings)
        self.before = (progress.wall_s, progress.cpu_s)
        return self.step

    def advance(self) -> dict[str, float]:
        """One step with all its updates; its record, each metric a mean over them."""
        work = self.source.work(self.step, self.history)
        rate = learning_rate(self.step, self.source.steps, self.settings)
        self.step += 1
        updates = [
            self._update([batch.to(self.device) for batch in batches], rate)
            for batches in work.updates
        ]
        totals = {name: sum(update[name] for update in updates) for name in updates[0]}
        counted = ("tokens", "positions")
        return {
            "step": self.step,
            **work.metrics,
            **{n: v if n in counted else v / len(updates) for n, v in totals.items()},
            "learning_rate": rate,
        }

    def _update(self, batches: Sequence[PackedBatch], rate: float) -> dict[str, float]:
        """Move the weights once."""
        self.optimizer.clear()
        metrics = self._gradients(batches)
        metrics["grad_norm"] = self.optimizer.cut()
        found = {name: float(value) for name, value in metrics.items()}
        if not (math.isfinite(found["loss"]) and math.isfinite(found["grad_norm"])):
            raise PrefloopError(
                f"step {self.step}: the loss is {found['loss']} and its gradient "
                f"{found['grad_norm']}: lower learning_rate, or look for broken samples"
            )
        self.optimizer.step(rate)
        return {
            **found,
            "tokens": sum(batch.tokens for batch in batches),
            "positions": sum(batch.input_ids.numel() for batch in batches),
        }

    def close_step(self, record: dict[str, float], guards: Sequence[Guard]) -> None:
        """Add the clock, ask the guards, remember the record."""
        wall, cpu = self._clock()
        record |= {"wall_s": wall, "cpu_s": cpu}
        self.history.append(record)
        for guard in guards:
            said = guard(self.history)
            if said is None:
                continue
            kind, _, why = said.partition(": ")
            if kind not in _WORDS:
                raise PrefloopError(f"a guard said {said!r}: it may begin with {', '.join(_WORDS)}")
            self.warnings.append(f"step {self.step}: {why}")
            if kind != "warn" and not self.stopped:
                self.stopped, self.returns = why, kind == "return"

    def keep_best(self) -> None:
        """Keep a checkpoint apart if its step is the best so far."""
        value = self.history[-1].get(self.best)
        if value is None or self.folder is None:
            return
        before = [record[self.best] for record in self.history[:-1] if self.best in record]
        if value > max(before, default=-math.inf):
            self._write(self.folder / "best", 1)

    def return_to_best(self) -> int | None:
        """Put the best step's weights back where a guard asked for it; that step."""
        if not self.returns:
            return None
        found = checkpoints.newest(self.folder / "best") if self.folder and self.best else None
        if found is None:  # the run is spent; its last weights are better than none
            self.warnings.append(
                f"step {self.step}: there is no best checkpoint to return to, since none was "
                "judged before: the last weights are kept"
            )
            return None
        return checkpoints.restore(found, self.model, self.optimizer.adamw, self._identity()).step

    def save(self) -> None:
        """Write a checkpoint, where a folder was given."""
        if self.folder is not None:
            self._write(self.folder, self.settings.keep_checkpoints)

    def _write(self, folder: Path, keep: int) -> None:
        wall, cpu = self._clock()
        progress = Progress(
            step=self.step,
            history=self.history,
            warnings=self.warnings,
            stopped=self.stopped,
            returns=self.returns,
            wall_s=wall,
            cpu_s=cpu,
            identity=self._identity(),
        )
        checkpoints.write(folder, self.model, self.optimizer.adamw, progress, keep)

    def result(self, resumed_from: int, returned_to: int | None) -> LoopResult:
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
            returned_to=returned_to,
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
        for parameter in self.optimizer.parameters:
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
