"""The bag of words that a reward model has to beat."""

import random

import pytest

from prefloop.core.records import Estimate, Pair, Prompt
from prefloop.evaluation.baselines import bag_of_words
from prefloop.stats import NotEnough


def pair(n: int, chosen: str, rejected: str) -> Pair:
    return Pair(Prompt.of(f"question {n}"), chosen, rejected)


def accuracy(pairs: list[Pair], seed: int = 1) -> Estimate:
    found = bag_of_words(pairs, seed)
    assert isinstance(found, Estimate)
    return found


def test_a_word_that_decides_is_found() -> None:
    found = accuracy([pair(n, "please wait", "wait") for n in range(60)])
    assert found.estimate == 1.0
    assert found.n == 60


def test_equal_answers_are_a_coin() -> None:
    assert accuracy([pair(n, "wait here", "here wait") for n in range(40)]).estimate == 0.5


def test_words_without_a_meaning_predict_nothing() -> None:
    draw = random.Random(7)  # labels without a signal: a coin, and folds must not leak them
    words = [f"w{n}" for n in range(12)]
    pairs = [
        pair(n, " ".join(draw.sample(words, 4)), " ".join(draw.sample(words, 4)))
        for n in range(300)
    ]
    found = accuracy(pairs)
    assert found.low < 0.5 < found.high


def test_a_rare_word_says_nothing() -> None:
    # Each pair's own word is seen once, which is less than three times.
    assert accuracy([pair(n, f"only{n} a", "a") for n in range(30)]).estimate == 0.5


def test_pairs_of_one_prompt_stay_in_one_fold() -> None:
    # What decides is a word of the prompt's own: seen in training only if a fold leaks.
    pairs = [pair(n, f"own{n} a", "a") for n in range(20) for _ in range(6)]
    found = accuracy(pairs)
    assert (found.estimate, found.n) == (0.5, 20)


def test_the_same_seed_gives_the_same_folds() -> None:
    pairs = [pair(n, "a " * (n % 5 + 1), "a b " * (n % 3 + 1)) for n in range(50)]
    assert accuracy(pairs, 3) == accuracy(pairs, 3)


@pytest.mark.parametrize("count", [0, 9])
def test_fewer_than_two_prompts_per_fold_are_not_enough(count: int) -> None:
    found = bag_of_words([pair(n, "a b", "a") for n in range(count)], 1)
    assert isinstance(found, NotEnough)
    assert "too few for 5 folds" in found.reason
