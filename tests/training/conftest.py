"""Tiny models and data that every test of this room may ask for."""

from collections.abc import Callable

import pytest

from prefloop.core.records import Prompt
from prefloop.models.load import LoadedPolicy
from prefloop.models.scratch import llama, word_tokenizer
from prefloop.training.packing import Demonstration

WORDS = [f"w{number}" for number in range(20)]


@pytest.fixture
def make_policy() -> Callable[[], LoadedPolicy]:
    """Makes the same decoder of two small layers each time, over a vocabulary of twenty words."""

    def make() -> LoadedPolicy:
        tokenizer = word_tokenizer(WORDS)
        return LoadedPolicy(
            llama(tokenizer, width=16, layers=2, heads=2, context=64, seed=3), tokenizer
        )

    return make


@pytest.fixture
def policy(make_policy: Callable[[], LoadedPolicy]) -> LoadedPolicy:
    return make_policy()


@pytest.fixture
def echoes() -> list[Demonstration]:
    """Twenty prompts of one word, each answered by that word said twice, and by nothing else."""
    return [Demonstration(Prompt.of(word), f"{word} {word}") for word in WORDS]
