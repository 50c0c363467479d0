"""Tiny models that every test of this room may ask for."""

import pytest

from prefloop.models.load import LoadedPolicy
from prefloop.models.scratch import llama, word_tokenizer

WORDS = [f"w{number}" for number in range(20)]


@pytest.fixture
def policy() -> LoadedPolicy:
    """A decoder of two small layers with random weights and a vocabulary of twenty words."""
    tokenizer = word_tokenizer(WORDS)
    model = llama(tokenizer, width=16, layers=2, heads=2, context=64, seed=3)
    return LoadedPolicy(model.eval(), tokenizer)
