"""A small SFT run that can be killed: `python small_run.py FOLDER between|writing`.

`between` kills it after step 7 (checkpoints are at 3, 6, 9, ...), `writing` in the middle of
writing the checkpoint of step 6, when its files are there and not yet renamed.
"""

import os
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from prefloop.core.records import Prompt
from prefloop.models.load import LoadedPolicy
from prefloop.models.scratch import llama, word_tokenizer
from prefloop.training.packing import Demonstration
from prefloop.training.settings import SFTSettings
from prefloop.training.sft import SFTResult, train_sft

WORDS = [f"w{number}" for number in range(20)]
SETTINGS = SFTSettings(
    seed=4, steps=12, batch_size=6, learning_rate=1e-2, checkpoint_every=3, eval_every=4
)


def run(
    folder: Path, on_step: Callable[[Mapping[str, float]], None] | None = None
) -> tuple[LoadedPolicy, SFTResult]:
    """The run: dropout is on, so that the random state matters as well."""
    tokenizer = word_tokenizer(WORDS)
    model = llama(tokenizer, width=16, layers=2, heads=2, context=64, seed=3)
    for layer in model.model.layers:
        layer.self_attn.attention_dropout = 0.1
    policy = LoadedPolicy(model, tokenizer)
    shown = [Demonstration(Prompt.of(word), f"{word} w1 {word}") for word in WORDS]
    return policy, train_sft(
        policy, shown[:16], shown[16:], SETTINGS, folder=folder, on_step=on_step
    )


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def after_step_7(record: Mapping[str, float]) -> None:
    if record["step"] == 7:
        die()


def main(folder: Path, moment: str) -> None:
    if moment == "between":
        run(folder, after_step_7)
    rename = os.replace

    def replace(source: Path, target: Path) -> None:
        if "step-00000006" in str(target):
            die()
        rename(source, target)

    os.replace = replace  # type: ignore[assignment]
    run(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
