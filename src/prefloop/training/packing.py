"""Data sets as packed batches, in an order that is a pure function of the seed and the step.

Within an epoch the rows are sorted by length (equals in random order), cut into steps of
`batch_size`, and the steps are shuffled. So a batch holds rows of like length, and a resumed run
needs to remember nothing but how many steps it has made.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from prefloop.core.digest import rng
from prefloop.core.errors import BadInput
from prefloop.core.records import Pair, Prompt
from prefloop.models.chat import encode_completions, encode_prompts
from prefloop.models.packing import PackedBatch, Row, by_budget, costs, fit, pack
from prefloop.training.settings import LoopSettings
from prefloop.training.work import History, Work

__all__ = ["Demonstration", "Encoded", "PackedSource", "demonstration_rows", "pair_rows"]


@dataclass(frozen=True, slots=True)
class Demonstration:
    """A prompt with a completion worth imitating."""

    prompt: Prompt
    completion: str


@dataclass(frozen=True, slots=True)
class Encoded:
    """Rows of token ids, and how many of them had to be cut to fit."""

    rows: tuple[Row, ...]
    cut: int


def demonstration_rows(
    tokenizer: Any, demonstrations: Sequence[Demonstration], max_tokens: int
) -> Encoded:
    """One row per demonstration (k = 1). Raises BadInput for text the tokenizer cannot spell."""
    prompts = encode_prompts(tokenizer, [shown.prompt for shown in demonstrations])
    completions = encode_completions(tokenizer, [shown.completion for shown in demonstrations])
    return _encoded(
        [Row(prompt, (ids,)) for prompt, ids in zip(prompts, completions, strict=True)], max_tokens
    )


def pair_rows(tokenizer: Any, pairs: Sequence[Pair], max_tokens: int) -> Encoded:
    """One row per pair (k = 2): the prompt, then chosen, then rejected."""
    prompts = encode_prompts(tokenizer, [pair.prompt for pair in pairs])
    chosen = encode_completions(tokenizer, [pair.chosen for pair in pairs])
    rejected = encode_completions(tokenizer, [pair.rejected for pair in pairs])
    return _encoded(
        [Row(p, (c, r)) for p, c, r in zip(prompts, chosen, rejected, strict=True)], max_tokens
    )


def _encoded(rows: list[Row], max_tokens: int) -> Encoded:
    fitted = tuple(fit(row, max_tokens) for row in rows)
    return Encoded(fitted, sum(new != old for new, old in zip(fitted, rows, strict=True)))


class PackedSource:
    """Every step's batches for a fixed set of rows. `shared` chooses the layout."""

    def __init__(self, rows: Sequence[Row], settings: LoopSettings, *, shared: bool) -> None:
        if not rows:
            raise BadInput("there is nothing to train on: the list of samples is empty")
        self.rows, self.shared, self.settings = rows, shared, settings
        self.costs = costs(rows, shared)
        self.per_epoch = -(-len(rows) // settings.batch_size)
        self.steps = settings.steps or max(1, round(settings.epochs * self.per_epoch))
        self._epoch = lru_cache(maxsize=1)(self._order)

    @cached_property
    def identity(self) -> str:
        """A digest of the data: a run resumes only on the same."""
        hashed = hashlib.sha256()
        for row in self.rows:
            for ids in (row.prompt, *row.completions):
                hashed.update(np.array([len(ids), *ids], dtype=np.int64).tobytes())
        return hashed.hexdigest()

    def work(self, step: int, history: History) -> Work:
        """One update; the records do not matter."""
        return Work([self.batches(step)], {})

    def batches(self, step: int) -> list[PackedBatch]:
        """The batches of step 0, 1, ...; several if the step exceeds the token budget."""
        numbers = self._epoch(step // self.per_epoch)[step % self.per_epoch]
        parts = by_budget(self.costs[numbers], self.settings.batch_tokens)
        return [pack(self.rows, numbers[part], self.shared) for part in parts]

    def in_order(self) -> list[PackedBatch]:
        """All rows once, shortest first, under the token budget: for held-out data."""
        parts = by_budget(self.costs, self.settings.batch_tokens)
        return [pack(self.rows, part, self.shared) for part in parts]

    def _order(self, epoch: int) -> list[np.ndarray]:
        draw = rng(self.settings.seed, "epoch", epoch)
        shuffled = draw.permutation(len(self.rows))
        by_length = shuffled[np.argsort(self.costs[shuffled], kind="stable")]
        size = self.settings.batch_size
        steps = [by_length[at : at + size] for at in range(0, len(by_length), size)]
        return [steps[place] for place in draw.permutation(len(steps))]
