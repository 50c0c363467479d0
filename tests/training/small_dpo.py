"""A small DPO run that kills itself after step 7 (checkpoints at 3, 6, 9, ...):
`python small_dpo.py FOLDER`."""

import os
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from prefloop.core.records import Pair, Prompt
from prefloop.models.load import LoadedPolicy
from prefloop.models.scratch import llama, word_tokenizer
from prefloop.training.dpo import DPOResult, train_dpo
from prefloop.training.settings import DPOSettings

WORDS = [f"w{number}" for number in range(20)]
SETTINGS = DPOSettings(
    seed=4, steps=12, batch_size=6, learning_rate=3e-3, checkpoint_every=3, eval_every=4
)


def run(
    folder: Path, on_step: Callable[[Mapping[str, float]], None] | None = None
) -> tuple[LoadedPolicy, DPOResult]:
    """The run, from the policy itself; dropout is on, so that the random state matters."""
    tokenizer = word_tokenizer(WORDS)
    model = llama(tokenizer, width=16, layers=2, heads=2, context=64, seed=3)
    for layer in model.model.layers:
        layer.self_attn.attention_dropout = 0.1
    policy = LoadedPolicy(model, tokenizer)
    pairs = [Pair(Prompt.of(word), f"{word} w1 {word}", f"w2 {word}") for word in WORDS]
    return policy, train_dpo(
        policy, None, pairs[:16], pairs[16:], SETTINGS, folder=folder, on_step=on_step
    )


def after_step_7(record: Mapping[str, float]) -> None:
    if record["step"] == 7:
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    run(Path(sys.argv[1]), after_step_7)
