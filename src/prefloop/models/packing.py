"""The packed batch: rows of a prompt and its completions, side by side under a token budget.

Letters: R rows, k completions of each, B sequences of T positions, N completion tokens in all.
Two layouts give the same numbers. *Shared*: one sequence per row, prompt + completion 1 + ... +
completion k; a block mask hides the completions from one another and positions restart after the
prompt, so the prompt is computed once. *Separate*: one sequence per completion, for models that
cannot take such a mask. What a loss needs is named by flat positions (into B*T), and so losses
do not know the layout. The order of completions is always row by row.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from torch import Tensor

from prefloop.core.errors import BadInput

__all__ = ["PackedBatch", "Row", "by_budget", "costs", "fit", "pack"]


@dataclass(frozen=True, slots=True)
class Row:
    """A prompt and its completions as token ids; each completion ends with the end marker."""

    prompt: list[int]
    completions: tuple[list[int], ...]


@dataclass(frozen=True, slots=True)
class PackedBatch:
    """Rows ready for a model (letters above).

    `segments` is -1 on padding, 0 on the prompt and j on completion j; `predicts` says which flat
    position foretells each of `targets`, `owner` to which completion (0 to R*k-1) that token
    belongs, `ends` where each completion's last token stands, `rows` which rows of the data set
    these are. `tokens` counts real tokens: the share of padding is 1 - tokens / (B*T).
    """

    input_ids: Tensor  # (B, T)
    position_ids: Tensor  # (B, T)
    segments: Tensor  # (B, T)
    predicts: Tensor  # (N,)
    targets: Tensor  # (N,)
    owner: Tensor  # (N,)
    ends: Tensor  # (R*k,)
    rows: Tensor  # (R,)
    completions: int
    shared: bool
    tokens: int

    @property
    def padding(self) -> float:
        """The share of computed positions that hold no token (0 to 1)."""
        return 1 - self.tokens / self.input_ids.numel()

    def to(self, device: torch.device) -> "PackedBatch":
        """The same batch with its tensors on `device`."""
        if self.input_ids.device == device:
            return self
        moved: dict[str, Any] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            moved[field.name] = value.to(device) if isinstance(value, Tensor) else value
        return PackedBatch(**moved)


def fit(row: Row, most: int) -> Row:
    """The row cut so that prompt and any one completion fit in `most` tokens.

    The prompt loses its oldest tokens first, down to a quarter of `most`; only then does a
    completion lose its end (and with it the end marker). Raises BadInput if `most` is below 8.
    """
    if most < 8:
        raise BadInput(f"at most {most} tokens leave no room for a prompt: give 8 or more")
    longest = max(map(len, row.completions))
    kept = max(most - longest, most // 4)
    prompt = row.prompt[-kept:] if len(row.prompt) > kept else row.prompt
    room = most - len(prompt)
    return Row(prompt, tuple(completion[:room] for completion in row.completions))


def costs(rows: Sequence[Row], shared: bool) -> np.ndarray:
    """Positions that each row takes without padding, as (R,) integers."""
    if shared:
        sizes = [len(row.prompt) + sum(map(len, row.completions)) for row in rows]
    else:
        sizes = [
            len(row.completions) * (len(row.prompt) + max(map(len, row.completions)))
            for row in rows
        ]
    return np.array(sizes, dtype=np.int64)


def by_budget(cost: np.ndarray, budget: int) -> list[np.ndarray]:
    """Rows 0..R-1 cut into batches that stay within `budget` positions, padding included.

    Shortest first. A row that is longer than the budget is a batch of its own: cutting rows is
    for `fit`. Same costs, same batches.
    """
    order = np.argsort(cost, kind="stable")
    batches: list[np.ndarray] = []
    start = 0
    for place in range(1, len(order) + 1):
        if place == len(order) or (place + 1 - start) * cost[order[place]] > budget:
            batches.append(order[start:place])
            start = place
    return batches


def pack(rows: Sequence[Row], numbers: Sequence[int] | np.ndarray, shared: bool) -> PackedBatch:
    """The rows with these numbers as one batch. Every row must have the same k.

    Raises BadInput for a row without completions, or with an empty prompt or completion.
    """
    chosen = [rows[number] for number in numbers]
    k = len(chosen[0].completions)
    _check(chosen, k)
    whole = [[*row.completions] for row in chosen]
    if shared:
        sequences = [(row.prompt, parts) for row, parts in zip(chosen, whole, strict=True)]
    else:
        sequences = [(row.prompt, [part]) for row in chosen for part in row.completions]
    return _lay_out(sequences, numbers, k, shared)


def _check(rows: Sequence[Row], k: int) -> None:
    for row in rows:
        if len(row.completions) != k or k == 0:
            raise BadInput(f"rows of one batch need the same number of completions, not 0 (k={k})")
        if not row.prompt or not all(row.completions):
            raise BadInput("a prompt or completion without tokens cannot be trained on: leave out")


def _lay_out(
    sequences: list[tuple[list[int], list[list[int]]]],
    numbers: Sequence[int] | np.ndarray,
    k: int,
    shared: bool,
) -> PackedBatch:
    """Fill flat arrays sequence by sequence; a completion's first token follows the prompt."""
    lengths = [len(prompt) + sum(map(len, parts)) for prompt, parts in sequences]
    shape = (len(sequences), max(lengths))
    input_ids = np.zeros(shape, dtype=np.int64)
    positions = np.zeros(shape, dtype=np.int64)
    segments = np.full(shape, -1, dtype=np.int64)
    predicts: list[np.ndarray] = []
    targets: list[int] = []
    sizes: list[int] = []
    ends: list[int] = []
    for line, (prompt, parts) in enumerate(sequences):
        base, at = line * shape[1], len(prompt)
        input_ids[line, :at] = prompt
        positions[line, :at] = np.arange(at)
        segments[line, :at] = 0
        for j, part in enumerate(parts, start=1):
            stop = at + len(part)
            input_ids[line, at:stop] = part
            positions[line, at:stop] = np.arange(len(prompt), len(prompt) + len(part))
            segments[line, at:stop] = j
            before = np.arange(base + at - 1, base + stop - 1)
            before[0] = base + len(prompt) - 1  # the prompt's end foretells every first token
            predicts.append(before)
            targets += part
            sizes.append(len(part))
            ends.append(base + stop - 1)
            at = stop
    return PackedBatch(
        input_ids=torch.from_numpy(input_ids),
        position_ids=torch.from_numpy(positions),
        segments=torch.from_numpy(segments),
        predicts=torch.from_numpy(np.concatenate(predicts)),
        targets=torch.tensor(targets),
        owner=torch.from_numpy(np.repeat(np.arange(len(sizes)), sizes)),
        ends=torch.tensor(ends),
        rows=torch.tensor(np.asarray(numbers, dtype=np.int64)),
        completions=k,
        shared=shared,
        tokens=sum(lengths),
    )
