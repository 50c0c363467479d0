"""Tests of the loop; exact resume after a kill is in test_resume."""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from prefloop.core.errors import BadInput, Conflict, PrefloopError
from prefloop.models.load import LoadedPolicy
from prefloop.models.logprobs import token_logprobs
from prefloop.models.packing import PackedBatch
from prefloop.training import objectives
from prefloop.training.loop import LoopResult, train
from prefloop.training.objectives import Loss
from prefloop.training.optimizer import learning_rate
from prefloop.training.packing import Demonstration, PackedSource, demonstration_rows
from prefloop.training.settings import LoopSettings

SETTINGS = LoopSettings(steps=6, batch_size=8, learning_rate=1e-2, checkpoint_every=2)


def run(
    policy: LoadedPolicy,
    shown: list[Demonstration],
    settings: LoopSettings = SETTINGS,
    compute: Callable[[PackedBatch], Loss] | None = None,
    **known: Any,
) -> LoopResult:
    rows = demonstration_rows(policy.tokenizer, shown, settings.max_tokens).rows
    source = PackedSource(rows, settings, shared=True)

    def nll(batch: PackedBatch) -> Loss:
        return objectives.sft(token_logprobs(policy.model, batch))

    return train(policy.model, source, compute or nll, settings, **known)


def weights(policy: LoadedPolicy) -> torch.Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in policy.model.parameters()])


def test_the_rate_rises_to_its_height_and_falls_as_half_a_cosine() -> None:
    settings = LoopSettings(learning_rate=0.5, warmup=0.2)
    rates = [learning_rate(step, 10, settings) for step in range(10)]
    # two steps of warmup: 1/2 and 2/2 of the height; then (1 + cos(pi * k / 8)) / 2, k = 0 to 7
    assert rates[:3] == pytest.approx([0.25, 0.5, 0.5])
    assert rates[6] == pytest.approx(0.25)
    assert rates[9] == pytest.approx(0.5 * (1 + math.cos(7 * math.pi / 8)) / 2)


def test_the_rate_ends_at_its_final_share_and_no_warmup_begins_at_the_height() -> None:
    settings = LoopSettings(learning_rate=0.5, warmup=0.0, final_rate=1.0)
    assert [learning_rate(step, 3, settings) for step in range(3)] == [0.5] * 3


def test_the_loss_falls(policy: LoadedPolicy, echoes: list[Demonstration]) -> None:
    result = run(policy, echoes, SETTINGS.model_copy(update={"steps": 40}))
    assert result.history[-1]["loss"] < 0.7 * result.history[0]["loss"]
    assert [record["step"] for record in result.history] == list(range(1, 41))


def test_each_record_holds_what_a_person_needs_to_follow_the_run(
    policy: LoadedPolicy, echoes: list[Demonstration]
) -> None:
    seen: list[Mapping[str, float]] = []
    result = run(policy, echoes, on_step=seen.append)
    assert seen == list(result.history)
    names = {"step", "loss", "nll", "learning_rate", "grad_norm", "tokens", "wall_s", "cpu_s"}
    assert names <= seen[0].keys()
    # 20 rows of 7 tokens in steps of 8, 8 and 4, twice over: 4 of the prompt, 2 words, the end
    assert result.tokens == 2 * 20 * 7
    assert result.padding == 0
    assert result.tokens_per_s > 0


def test_a_step_done_in_parts_gives_the_same_weights(
    make_policy: Callable[[], LoadedPolicy], echoes: list[Demonstration]
) -> None:
    whole, parts = make_policy(), make_policy()
    one = run(whole, echoes)
    two = run(parts, echoes, SETTINGS.model_copy(update={"batch_tokens": 16}))  # two rows at a time
    # AdamW divides by the gradient's own size, so rounding shows more in weights than in losses.
    assert torch.allclose(weights(whole), weights(parts), atol=1e-3)
    for left, right in zip(one.history, two.history, strict=True):
        assert left["loss"] == pytest.approx(right["loss"], abs=1e-4)
        assert left["grad_norm"] == pytest.approx(right["grad_norm"], abs=1e-3)


def test_the_same_seed_gives_the_same_bits_and_leaves_the_global_stream_alone(
    make_policy: Callable[[], LoadedPolicy], echoes: list[Demonstration]
) -> None:
    one, two = make_policy(), make_policy()
    state = torch.get_rng_state()
    run(one, echoes)
    assert torch.equal(torch.get_rng_state(), state)
    torch.rand(3)
    run(two, echoes)
    assert torch.equal(weights(one), weights(two))


def test_frozen_weights_do_not_move(policy: LoadedPolicy, echoes: list[Demonstration]) -> None:
    frozen = policy.model.model.layers[0].mlp.up_proj.weight.requires_grad_(False)
    before = frozen.clone()
    run(policy, echoes)
    assert torch.equal(frozen, before)


def test_a_model_without_trainable_weights_is_refused(
    policy: LoadedPolicy, echoes: list[Demonstration]
) -> None:
    policy.model.requires_grad_(False)
    with pytest.raises(BadInput, match="nothing to train"):
        run(policy, echoes)


def test_a_guard_can_warn_and_can_stop(policy: LoadedPolicy, echoes: list[Demonstration]) -> None:
    def guard(history: Sequence[Mapping[str, float]]) -> str | None:
        return {2: "warn: getting warm", 4: "stop: too hot"}.get(int(history[-1]["step"]))

    result = run(policy, echoes, guards=[guard])
    assert result.warnings == ("step 2: getting warm", "step 4: too hot")
    assert (result.stopped, result.steps) == ("too hot", 4)


def test_a_run_that_a_guard_stopped_stays_stopped(
    policy: LoadedPolicy, echoes: list[Demonstration], tmp_path: Path
) -> None:
    run(policy, echoes, folder=tmp_path, guards=[lambda history: "stop: enough"])
    again = run(policy, echoes, folder=tmp_path)
    assert (again.steps, again.stopped) == (1, "enough")


def test_a_guard_that_says_something_else_is_an_error(
    policy: LoadedPolicy, echoes: list[Demonstration]
) -> None:
    with pytest.raises(PrefloopError, match="may begin with"):
        run(policy, echoes, guards=[lambda history: "hm"])


def test_a_loss_that_is_not_a_number_stops_the_run_before_the_weights_are_touched(
    policy: LoadedPolicy, echoes: list[Demonstration]
) -> None:
    before = weights(policy)

    def broken(batch: PackedBatch) -> Loss:
        values = token_logprobs(policy.model, batch)
        return Loss(values.sum() * float("nan"), torch.ones(()), {})

    with pytest.raises(PrefloopError, match="step 1: the loss is nan"):
        run(policy, echoes, compute=broken)
    assert torch.equal(weights(policy), before)


def test_held_out_looks_happen_when_asked_for_and_at_the_end(
    policy: LoadedPolicy, echoes: list[Demonstration]
) -> None:
    settings = SETTINGS.model_copy(update={"eval_every": 4})
    result = run(policy, echoes, settings, evaluate=lambda: {"held_out_loss": 1.0})
    looks = [record["step"] for record in result.history if "held_out_loss" in record]
    assert looks == [4, 6]


def test_a_run_is_not_begun_over_another_one_unless_it_is_resumed(
    policy: LoadedPolicy, echoes: list[Demonstration], tmp_path: Path
) -> None:
    run(policy, echoes, folder=tmp_path)
    with pytest.raises(Conflict, match="holds checkpoints"):
        run(policy, echoes, folder=tmp_path, resume=False)


def test_a_folder_with_a_run_of_other_settings_or_data_is_refused(
    policy: LoadedPolicy, echoes: list[Demonstration], tmp_path: Path
) -> None:
    run(policy, echoes, folder=tmp_path)
    with pytest.raises(BadInput, match=r"begun with learning_rate = 0\.01"):
        run(policy, echoes, SETTINGS.model_copy(update={"learning_rate": 0.5}), folder=tmp_path)
    with pytest.raises(BadInput, match="begun with data"):
        run(policy, echoes[1:], folder=tmp_path)


def test_low_precision_keeps_the_weights_in_float32(
    policy: LoadedPolicy, echoes: list[Demonstration]
) -> None:
    result = run(policy, echoes, SETTINGS.model_copy(update={"precision": "bfloat16"}))
    assert math.isfinite(result.history[-1]["loss"])
    assert {parameter.dtype for parameter in policy.model.parameters()} == {torch.float32}
