"""Tests of reward training and out-of-fold scores."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefloop.core.errors import BadInput
from prefloop.core.records import Pair, Prompt
from prefloop.models.load import LoadedPolicy, LoadedReward, reward_model_from
from prefloop.models.scores import score
from prefloop.training.convergence import Trend
from prefloop.training.reward import out_of_fold, prompt_folds, score_margins, train_reward
from prefloop.training.settings import RewardSettings

SETTINGS = RewardSettings(epochs=4, batch_size=16, learning_rate=1e-2, eval_every=10)


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


def test_a_simple_preference_is_learned_and_holds_on_prompts_never_seen(
    policy: LoadedPolicy,
) -> None:
    result = train_reward(reward_model_from(policy), pairs_of(240), pairs_of(60, 400), SETTINGS)
    assert result.accuracy is not None
    assert result.accuracy > 0.95
    assert result.margins.shape == (60,)
    assert result.convergence is not None
    assert result.convergence.trend is not Trend.UNKNOWN


def test_margins_are_differences_of_the_scores_in_the_order_of_the_pairs(
    policy: LoadedPolicy,
) -> None:
    reward, pairs = reward_model_from(policy), pairs_of(12)
    chosen = score(reward, [(pair.prompt, pair.chosen) for pair in pairs])
    rejected = score(reward, [(pair.prompt, pair.rejected) for pair in pairs])
    margins = score_margins(reward, pairs, SETTINGS)
    np.testing.assert_allclose(margins, chosen - rejected, atol=1e-5)
    swapped = [replace(pair, chosen=pair.rejected, rejected=pair.chosen) for pair in pairs]
    np.testing.assert_allclose(score_margins(reward, swapped, SETTINGS), -margins, atol=1e-5)


def test_a_pair_of_weight_zero_teaches_nothing(make_policy: Callable[[], LoadedPolicy]) -> None:
    pairs = pairs_of(32)
    backwards = [
        replace(pair, chosen=pair.rejected, rejected=pair.chosen, weight=0.0)
        for pair in pairs_of(32, 100)
    ]
    with_them, without = (reward_model_from(make_policy()) for _ in range(2))
    train_reward(with_them, pairs + backwards, [], SETTINGS)
    train_reward(without, pairs, [], SETTINGS)
    probe = pairs_of(5, 300)
    one, two = (score_margins(model, probe, SETTINGS) for model in (with_them, without))
    assert one.tolist() == two.tolist()


def test_a_margin_makes_the_first_loss_larger(make_policy: Callable[[], LoadedPolicy]) -> None:
    first = [
        train_reward(
            reward_model_from(make_policy()),
            pairs_of(16),
            [],
            SETTINGS.model_copy(update={"use_margin": use, "steps": 1}),
        ).loop.history[0]["loss"]
        for use in (True, False)
    ]
    assert first[0] > first[1]


def test_a_prompt_both_trained_on_and_held_out_is_refused(policy: LoadedPolicy) -> None:
    pairs = pairs_of(4)
    with pytest.raises(BadInput, match="split by prompt"):
        train_reward(reward_model_from(policy), pairs, pairs[:1], SETTINGS)


def test_without_held_out_pairs_nothing_is_claimed(policy: LoadedPolicy) -> None:
    settings = SETTINGS.model_copy(update={"steps": 1})
    result = train_reward(reward_model_from(policy), pairs_of(4), [], settings)
    assert (result.accuracy, result.convergence, len(result.margins)) == (None, None, 0)


@given(st.lists(st.integers(0, 12), min_size=1, max_size=60), st.integers(2, 5), st.integers(0, 3))
def test_all_pairs_of_a_prompt_share_a_fold_and_folds_are_even(
    prompts: list[int], folds: int, seed: int
) -> None:
    pairs = [Pair(Prompt.of(f"p{number}"), "a", "b") for number in prompts]
    if len(set(prompts)) < folds:
        with pytest.raises(BadInput, match="lower folds"):
            prompt_folds(pairs, folds, seed)
        return
    found = prompt_folds(pairs, folds, seed)
    assert set(found.tolist()) == set(range(folds))
    for number in set(prompts):
        assert len({f for f, p in zip(found.tolist(), prompts, strict=True) if p == number}) == 1
    largest = max(prompts.count(number) for number in prompts)
    sizes = np.bincount(found)
    assert sizes.max() - sizes.min() <= largest


def test_out_of_fold_scores_come_from_a_model_that_never_saw_the_prompt(
    make_policy: Callable[[], LoadedPolicy], tmp_path: Path
) -> None:
    pairs = pairs_of(24)
    settings = SETTINGS.model_copy(update={"steps": 4})
    folds = prompt_folds(pairs, 3, seed=1)
    made: list[LoadedReward] = []

    def make(fold: int) -> LoadedReward:
        made.append(reward_model_from(make_policy(), seed=fold))
        return made[-1]

    heard: list[int] = []
    margins = out_of_fold(
        make, pairs, folds, settings, folder=tmp_path, on_fold=lambda fold, _: heard.append(fold)
    )
    assert (len(made), heard) == (3, [0, 1, 2])
    # fold 1 by hand: a model trained on the others alone
    by_hand = reward_model_from(make_policy(), seed=1)
    inside = [pair for pair, fold in zip(pairs, folds, strict=True) if fold != 1]
    outside = [pair for pair, fold in zip(pairs, folds, strict=True) if fold == 1]
    train_reward(by_hand, inside, [], settings)
    wanted = score_margins(by_hand, outside, settings)
    np.testing.assert_allclose(margins[folds == 1], wanted, atol=1e-6)


def test_labels_without_meaning_cannot_be_foretold_out_of_fold(
    make_policy: Callable[[], LoadedPolicy],
) -> None:
    draw = np.random.default_rng(5)
    pairs = [
        pair if draw.random() < 0.5 else replace(pair, chosen=pair.rejected, rejected=pair.chosen)
        for pair in pairs_of(200)
    ]
    settings = SETTINGS.model_copy(update={"epochs": 2})
    folds = prompt_folds(pairs, 4, seed=0)
    margins = out_of_fold(lambda fold: reward_model_from(make_policy()), pairs, folds, settings)
    # chance, within four standard errors of 200 coin flips: 0.5 plus or minus 0.14
    assert abs(float(np.mean(margins > 0)) - 0.5) < 0.14
