"""Tests of DPO: what it learns, what it starts from, and that it goes on where it was."""

import runpy
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import CohereConfig, CohereForCausalLM

from prefloop.core.errors import BadInput, Corrupt
from prefloop.core.records import Pair, Prompt
from prefloop.models.load import LoadedPolicy
from prefloop.models.logprobs import completion_logprobs
from prefloop.models.scratch import llama, word_tokenizer
from prefloop.training.convergence import Trend
from prefloop.training.dpo import train_dpo
from prefloop.training.settings import DPOSettings
from prefloop.training.work import History

SCRIPT = Path(__file__).parent / "small_dpo.py"
SETTINGS = DPOSettings(epochs=3, batch_size=16, learning_rate=3e-3, eval_every=10)
SHORT = SETTINGS.model_copy(update={"steps": 3})
MakePolicy = Callable[[], LoadedPolicy]


def pairs_of(count: int, start: int = 0) -> list[Pair]:
    """Different prompts; whoever says w1 is preferred to whoever says w2, among other words."""
    draw = np.random.default_rng(start)
    made = []
    for number in range(start, start + count):
        filler = [f"w{n}" for n in draw.integers(3, 20, size=4)]
        prompt = Prompt.of(f"w{number % 20} w{number // 20 % 20} w{number // 400}")
        one, two = filler.copy(), filler[::-1]
        one[int(draw.integers(4))], two[int(draw.integers(4))] = "w1", "w2"
        made.append(Pair(prompt, " ".join(one), " ".join(two)))
    return made


def swapped(pairs: list[Pair], **changes: Any) -> list[Pair]:
    return [replace(p, chosen=p.rejected, rejected=p.chosen, **changes) for p in pairs]


def bits(policy: LoadedPolicy) -> dict[str, torch.Tensor]:
    found: dict[str, torch.Tensor] = policy.model.state_dict()
    return found


def same_bits(one: LoadedPolicy, two: LoadedPolicy) -> bool:
    left, right = bits(one), bits(two)
    return left.keys() == right.keys() and all(torch.equal(left[n], right[n]) for n in left)


def test_a_preference_is_learned_and_holds_on_prompts_never_seen(policy: LoadedPolicy) -> None:
    result = train_dpo(policy, None, pairs_of(240), pairs_of(60, 400), SETTINGS)
    assert result.accuracy is not None
    assert result.accuracy > 0.95
    assert result.loss is not None
    assert result.loss < result.loop.history[0]["loss"]
    assert result.loop.history[-1]["margin"] > 0
    assert result.convergence is not None
    assert result.convergence.trend is not Trend.ROSE


def test_the_first_loss_is_ln_2_for_the_policy_is_its_own_reference(policy: LoadedPolicy) -> None:
    first = train_dpo(policy, None, pairs_of(32), [], SHORT).loop.history[0]
    assert first["loss"] == pytest.approx(np.log(2), abs=1e-5)
    assert first["margin"] == pytest.approx(0, abs=1e-5)


def test_margins_are_beta_times_the_log_ratios_in_the_order_of_the_pairs(
    make_policy: MakePolicy,
) -> None:
    policy, reference = make_policy(), make_policy()
    looks = pairs_of(9, 400)
    result = train_dpo(policy, reference, pairs_of(32), looks, SHORT)
    wanted = np.zeros(9)
    for side, sign in (("chosen", 1), ("rejected", -1)):
        items = [(pair.prompt, getattr(pair, side)) for pair in looks]
        for model, way in ((policy, 1), (reference, -1)):
            found = completion_logprobs(model.model, model.tokenizer, items)
            wanted += 0.1 * sign * way * np.array([one.sum() for one in found])
    np.testing.assert_allclose(result.margins, wanted, atol=1e-5)
    assert result.accuracy == np.mean(wanted > 0)
    assert result.loss == pytest.approx(np.log1p(np.exp(-wanted)).mean(), abs=1e-5)


def test_itself_or_an_equal_model_as_reference_give_the_same_bits(make_policy: MakePolicy) -> None:
    one, two = make_policy(), make_policy()
    train_dpo(one, None, pairs_of(32), [], SHORT)
    train_dpo(two, make_policy(), pairs_of(32), [], SHORT)
    assert same_bits(one, two)


def test_another_reference_gives_other_losses(make_policy: MakePolicy) -> None:
    other = make_policy()
    train_dpo(other, None, swapped(pairs_of(64)), [], SETTINGS)
    first = train_dpo(make_policy(), other, pairs_of(32), [], SHORT).loop.history[0]
    # The reference leans to the rejected ones, so the policy starts with a margin above it.
    assert first["margin"] > 0.01
    assert first["loss"] < np.log(2)


def test_a_pair_of_weight_zero_teaches_nothing(make_policy: MakePolicy) -> None:
    one, two = make_policy(), make_policy()
    train_dpo(one, None, pairs_of(32) + swapped(pairs_of(32, 100), weight=0.0), [], SHORT)
    train_dpo(two, None, pairs_of(32), [], SHORT)
    assert same_bits(one, two)


def test_a_smaller_budget_of_tokens_changes_nothing_but_rounding(make_policy: MakePolicy) -> None:
    one, two = make_policy(), make_policy()
    whole = train_dpo(one, None, pairs_of(32), [], SHORT)
    small = SHORT.model_copy(update={"batch_tokens": 64})
    parts = train_dpo(two, None, pairs_of(32), [], small)
    for left, right in zip(whole.loop.history, parts.loop.history, strict=True):
        for name in ("loss", "margin", "reward_chosen"):
            assert left[name] == pytest.approx(right[name], abs=1e-4)


def test_a_larger_beta_holds_the_policy_nearer(make_policy: MakePolicy) -> None:
    found = []
    for beta in (0.05, 5.0):
        settings = SETTINGS.model_copy(update={"beta": beta})
        result = train_dpo(make_policy(), None, pairs_of(240), pairs_of(40, 400), settings)
        found.append(np.abs(result.margins / beta).mean())  # nats
    assert found[0] > found[1]


def test_a_model_that_scales_its_logits_is_trained_with_separate_rows() -> None:
    tokenizer = word_tokenizer([f"w{number}" for number in range(20)])
    config = CohereConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
        logit_scale=0.25,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,
    )
    torch.manual_seed(0)
    policy = LoadedPolicy(CohereForCausalLM(config), tokenizer)
    first = train_dpo(policy, None, pairs_of(16), [], SHORT).loop.history[0]
    assert first["loss"] == pytest.approx(np.log(2), abs=1e-5)


def test_a_prompt_both_trained_on_and_held_out_is_refused(policy: LoadedPolicy) -> None:
    pairs = pairs_of(4)
    with pytest.raises(BadInput, match="split by prompt"):
        train_dpo(policy, None, pairs, pairs[:1], SETTINGS)


def test_no_pairs_are_refused(policy: LoadedPolicy) -> None:
    with pytest.raises(BadInput, match="nothing to train on"):
        train_dpo(policy, None, [], [], SETTINGS)


def test_a_reference_of_another_vocabulary_is_refused(policy: LoadedPolicy) -> None:
    tokenizer = word_tokenizer(["other"])
    other = LoadedPolicy(llama(tokenizer, width=16, layers=1, heads=2, context=64), tokenizer)
    with pytest.raises(BadInput, match="different vocabularies"):
        train_dpo(policy, other, pairs_of(4), [], SETTINGS)


def test_without_held_out_pairs_nothing_is_claimed(policy: LoadedPolicy) -> None:
    result = train_dpo(policy, None, pairs_of(4), [], SHORT)
    assert (result.accuracy, result.loss, result.convergence) == (None, None, None)
    assert len(result.margins) == 0


def test_the_reference_is_computed_once_and_read_again_on_resume(
    make_policy: MakePolicy, tmp_path: Path
) -> None:
    reference, looks = make_policy(), pairs_of(4, 400)
    first = make_policy()
    one = train_dpo(first, reference, pairs_of(8), looks, SHORT, folder=tmp_path)
    asked: list[Any] = []
    reference.model.base_model.register_forward_pre_hook(lambda *given: asked.append(given))
    again = make_policy()
    two = train_dpo(again, reference, pairs_of(8), looks, SHORT, folder=tmp_path)
    assert not asked
    assert two.loop.resumed_from == 3
    assert same_bits(first, again)
    assert two.margins.tolist() == one.margins.tolist()


def test_another_reference_policy_or_weight_is_another_run(
    make_policy: MakePolicy, tmp_path: Path
) -> None:
    trained = make_policy()
    train_dpo(trained, None, pairs_of(8), [], SHORT, folder=tmp_path)
    # The policy as it was before is what a run is taken up again with, not the one it made.
    with pytest.raises(BadInput, match=r"was begun with data = 'pairs .*, reference .*'"):
        train_dpo(trained, None, pairs_of(8), [], SHORT, folder=tmp_path)
    with pytest.raises(BadInput, match="was begun with data"):
        train_dpo(make_policy(), trained, pairs_of(8), [], SHORT, folder=tmp_path)
    heavier = [replace(pair, weight=2.0) for pair in pairs_of(8)]
    with pytest.raises(BadInput, match="was begun with data"):
        train_dpo(make_policy(), None, heavier, [], SHORT, folder=tmp_path)
    again = train_dpo(make_policy(), None, pairs_of(8), [], SHORT, folder=tmp_path)
    assert again.loop.resumed_from == 3


def test_a_broken_file_of_reference_values_is_named(
    make_policy: MakePolicy, tmp_path: Path
) -> None:
    train_dpo(make_policy(), None, pairs_of(8), [], SHORT, folder=tmp_path)
    (kept,) = tmp_path.glob("reference-*.safetensors")
    kept.write_bytes(b"half")
    with pytest.raises(Corrupt, match="remove it, it is computed anew"):
        train_dpo(make_policy(), None, pairs_of(8), [], SHORT, folder=tmp_path)
    kept.unlink()
    train_dpo(make_policy(), None, pairs_of(8), [], SHORT, folder=tmp_path)


def test_a_guard_can_return_to_the_step_of_the_best_held_out_accuracy(
    policy: LoadedPolicy, tmp_path: Path
) -> None:
    def guard(history: History) -> str | None:
        return "return: enough" if history[-1]["step"] == 5 else None

    settings = SETTINGS.model_copy(update={"steps": 8, "eval_every": 2})
    result = train_dpo(
        policy, None, pairs_of(64), pairs_of(20, 400), settings, folder=tmp_path, guards=[guard]
    )
    seen = {r["step"]: r["held_out_accuracy"] for r in result.loop.history if r["step"] in (2, 4)}
    assert result.loop.steps == 5
    assert result.loop.returned_to == max(seen, key=lambda step: seen[step])
    assert result.accuracy == max(seen.values())


def test_a_run_killed_and_resumed_ends_bit_identical(tmp_path: Path) -> None:
    run = runpy.run_path(str(SCRIPT))["run"]
    killed = subprocess.run([sys.executable, str(SCRIPT), str(tmp_path / "killed")])
    assert killed.returncode == -signal.SIGKILL
    resumed, result = run(tmp_path / "killed")
    whole, wanted = run(tmp_path / "whole")
    assert (result.loop.resumed_from, wanted.loop.resumed_from) == (6, 0)
    assert same_bits(resumed, whole)
    assert result.margins.tolist() == wanted.margins.tolist()
    for one, two in zip(result.loop.history, wanted.loop.history, strict=True):
        clocks = ("wall_s", "cpu_s")
        assert {k: v for k, v in one.items() if k not in clocks} == {
            k: v for k, v in two.items() if k not in clocks
        }
