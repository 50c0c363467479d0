"""PPO on a tiny decoder whose reward is how often it says one word."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from prefloop.core.errors import BadInput, PrefloopError
from prefloop.core.records import Prompt
from prefloop.models.load import LoadedPolicy

from .conftest import SETTINGS

CLOCKS = ("wall_s", "cpu_s")


def weights(policy: LoadedPolicy) -> torch.Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in policy.model.parameters()])


def measured(history: Sequence[Mapping[str, float]]) -> list[dict[str, float]]:
    return [{k: v for k, v in record.items() if k not in CLOCKS} for record in history]


def test_the_reward_rises_and_the_policy_pays_for_it_in_kl(run: Any) -> None:
    _, done = run(SETTINGS.model_copy(update={"steps": 25}))
    history = done.loop.history
    early = np.mean([record["reward"] for record in history[:4]])
    late = np.mean([record["reward"] for record in history[-4:]])
    assert late > early + 0.5  # half a standard deviation of the reference's rewards
    assert history[0]["kl"] == pytest.approx(0.0, abs=1e-5)  # before the first update they are one
    assert history[-1]["kl"] > 0.1


def test_dearer_kl_keeps_the_policy_nearer(run: Any) -> None:
    steps = {"steps": 20}
    _, cheap = run(SETTINGS.model_copy(update={**steps, "kl_coef": 0.0}))
    _, dear = run(SETTINGS.model_copy(update={**steps, "kl_coef": 2.0}))
    assert dear.loop.history[-1]["kl"] < 0.5 * cheap.loop.history[-1]["kl"]


def test_the_same_seed_gives_the_same_bits_and_another_seed_others(run: Any) -> None:
    (one, first), (two, second) = run(), run()
    assert torch.equal(weights(one), weights(two))
    assert measured(first.loop.history) == measured(second.loop.history)
    other, _ = run(SETTINGS.model_copy(update={"seed": 1}))
    assert not torch.equal(weights(one), weights(other))


@pytest.mark.parametrize("adaptive", [None, 0.01])
def test_interrupted_and_resumed_it_ends_bit_identical(
    run: Any, tmp_path: Path, adaptive: float | None
) -> None:
    settings = SETTINGS.model_copy(update={"kl_target": adaptive, "kl_horizon": 100})

    def interrupt(record: Mapping[str, float]) -> None:
        if record["step"] == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(settings, folder=tmp_path / "cut", on_step=interrupt)
    resumed, result = run(settings, folder=tmp_path / "cut")
    whole, wanted = run(settings, folder=tmp_path / "whole")
    assert result.loop.resumed_from == 2
    assert torch.equal(weights(resumed), weights(whole))
    assert measured(result.loop.history) == measured(wanted.loop.history)


def test_a_head_on_the_policy_learns_as_well_and_resumes_as_exactly(
    run: Any, tmp_path: Path
) -> None:
    settings = SETTINGS.model_copy(update={"value": "head", "steps": 15})
    policy, done = run(settings, folder=tmp_path / "whole")
    rewards = [record["reward"] for record in done.loop.history]
    assert np.mean(rewards[-4:]) > np.mean(rewards[:4]) + 0.3

    def interrupt(record: Mapping[str, float]) -> None:
        if record["step"] == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(settings, folder=tmp_path / "cut", on_step=interrupt)
    assert torch.equal(weights(run(settings, folder=tmp_path / "cut")[0]), weights(policy))


def test_an_adaptive_price_moves_with_what_the_step_before_saw(run: Any) -> None:
    settings = SETTINGS.model_copy(update={"kl_target": 1e-4, "kl_horizon": 160})
    _, done = run(settings)
    prices = [record["kl_coef"] for record in done.loop.history]
    # step 1 is at KL 0, all below the target: -20 % * 16 / 160; later steps are far above it: +2 %
    assert prices[1] == pytest.approx(0.05 * 0.98)
    assert prices[3] == pytest.approx(prices[2] * 1.02)


def test_a_budget_ends_the_run_and_gives_the_best_checkpoint_back(run: Any, tmp_path: Path) -> None:
    looks = iter([0.9, 0.5, 0.5, 0.5])
    settings = SETTINGS.model_copy(
        update={"kl_budget": 1e-4, "over_budget": "return", "eval_every": 1}
    )
    policy, done = run(
        settings, folder=tmp_path, evaluate=lambda: {"suite": next(looks)}, best="suite"
    )
    assert "over the budget" in done.loop.stopped
    assert done.loop.steps < SETTINGS.steps
    assert done.loop.returned_to == 1
    again, _ = run(settings.model_copy(update={"over_budget": "warn", "steps": 4}), folder=None)
    assert not torch.equal(weights(policy), weights(again))


def test_where_no_checkpoint_was_judged_the_last_weights_are_kept_and_that_is_said(
    run: Any, tmp_path: Path
) -> None:
    settings = SETTINGS.model_copy(update={"kl_budget": 1e-4, "over_budget": "return"})
    _, done = run(settings, folder=tmp_path)
    assert done.loop.returned_to is None
    assert "last weights are kept" in done.loop.warnings[-1]


def test_a_completion_without_an_end_is_worth_less(run: Any) -> None:
    _, free = run(SETTINGS.model_copy(update={"no_end_penalty": 0.0, "max_new_tokens": 2}))
    _, dear = run(SETTINGS.model_copy(update={"no_end_penalty": 50.0, "max_new_tokens": 2}))
    assert free.loop.history[0]["endless"] == dear.loop.history[0]["endless"] > 0
    assert dear.loop.history[0]["value_loss"] > free.loop.history[0]["value_loss"]


def test_what_looks_at_the_completions_joins_the_record(run: Any) -> None:
    def look(
        prompts: Sequence[Prompt], texts: Sequence[str], scores: np.ndarray
    ) -> dict[str, float]:
        assert len(prompts) == len(texts) == len(scores) == SETTINGS.rollouts
        return {"words": float(np.mean([len(text.split()) for text in texts]))}

    _, done = run(look=look)
    assert all("words" in record for record in done.loop.history)


def test_every_prompt_is_asked_once_before_any_is_asked_again(run: Any) -> None:
    asked: list[str] = []

    def look(
        prompts: Sequence[Prompt], texts: Sequence[str], scores: np.ndarray
    ) -> dict[str, float]:
        asked.extend(prompt.text for prompt in prompts)
        return {}

    run(look=look)
    assert len(set(asked[:12])) == 12
    assert len(set(asked[12:24])) == 12


def test_rewards_that_are_all_alike_are_refused(run: Any) -> None:
    with pytest.raises(BadInput, match="everything the same reward"):
        run(score=lambda items: np.ones(len(items)))


def test_a_reward_that_is_not_a_number_stops_the_run(run: Any) -> None:
    calls = iter(range(9))

    def broken(items: Sequence[tuple[Prompt, str]]) -> np.ndarray:
        return np.arange(len(items)) / (1.0 if next(calls) == 0 else np.nan)

    with pytest.raises(PrefloopError, match="all of them finite"):
        run(score=broken)


def test_prompts_that_leave_no_room_are_left_out_and_counted(run: Any) -> None:
    long = Prompt.of(" ".join(["w1"] * 60))  # of a context of 64, with 8 tokens to say
    _, done = run(prompts=[Prompt.of("w1"), long])
    assert done.left_out == 1
    with pytest.raises(BadInput, match="no prompt leaves room"):
        run(prompts=[long])


def test_returning_to_the_best_needs_a_place_to_keep_it(run: Any) -> None:
    with pytest.raises(BadInput, match="needs a folder"):
        run(best="suite")
