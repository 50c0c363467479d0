"""Log-probabilities of whole completions, and those of a reference policy once and for all.

With a folder they are kept there under the digest of weights and data, so that a run taken up
again neither computes them anew nor mistakes another model's for them.
"""

import os
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from prefloop.core.digest import digest
from prefloop.core.errors import Corrupt
from prefloop.models.forward import traits
from prefloop.models.logprobs import token_logprobs
from prefloop.models.packing import PackedBatch
from prefloop.training.packing import Encoded, PackedSource
from prefloop.training.settings import LoopSettings

__all__ = ["completion_sums", "pair_logprobs", "reference_logprobs", "shares_prompts"]


def shares_prompts(model: Any) -> bool:
    """Whether rows may hold several completions of a prompt when logits are wanted."""
    known = traits(model)
    return known.shared_prompt and known.plain_head


def completion_sums(model: Any, batch: PackedBatch) -> Tensor:
    """ln p of each completion in nats, (R, k), with its gradient."""
    values = token_logprobs(model, batch)  # (N,)
    count = len(batch.rows) * batch.completions
    sizes = torch.bincount(batch.owner, minlength=count)
    places = (
        torch.arange(len(values), device=values.device) - (sizes.cumsum(0) - sizes)[batch.owner]
    )
    # A table and not index_add, which adds up in another order each time on an accelerator.
    table = values.new_zeros(count, int(sizes.max()))
    table[batch.owner, places] = values
    return table.sum(1).view(-1, batch.completions)


@torch.no_grad()
def pair_logprobs(model: Any, pairs: Encoded, settings: LoopSettings) -> Tensor:
    """ln p of chosen and rejected of every pair, in order, (P, 2) float32 on the CPU; without
    dropout."""
    found = torch.empty(len(pairs.rows), 2)
    if not pairs.rows:
        return found
    source = PackedSource(pairs.rows, settings, shared=shares_prompts(model))
    device = next(model.parameters()).device
    low = settings.precision == "bfloat16"
    was_training = model.training
    model.eval()
    for batch in source.in_order():
        # The precision of training, or its rounding would look like a first step away.
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=low):
            sums = completion_sums(model, batch.to(device))
        found[batch.rows] = sums.float().cpu()
    model.train(was_training)
    return found


def reference_logprobs(
    model: Any, weights: str, pairs: Encoded, settings: LoopSettings, folder: Path | None
) -> Tensor:
    """`pair_logprobs` of a model whose weights have this digest; from the folder, if it has them.

    Raises Corrupt for a file there that cannot be read.
    """
    if folder is None or not pairs.rows:
        return pair_logprobs(model, pairs, settings)
    data = PackedSource(pairs.rows, settings, shared=True).identity
    path = folder / f"reference-{digest([weights, data, settings.precision])[:16]}.safetensors"
    if path.exists():
        return _read(path)
    found = pair_logprobs(model, pairs, settings)
    _write(path, found)
    return found


def _read(path: Path) -> Tensor:
    try:
        found: Tensor = load_file(path)["logprobs"]
    except (OSError, KeyError, SafetensorError) as error:
        raise Corrupt(f"{path} cannot be read ({error}): remove it, it is computed anew") from error
    return found


def _write(path: Path, logprobs: Tensor) -> None:
    """Whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.part")
    save_file({"logprobs": logprobs}, partial)
    with partial.open("rb") as stream:
        os.fsync(stream.fileno())
    os.replace(partial, path)
