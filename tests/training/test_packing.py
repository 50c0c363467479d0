"""Tests of data sets as packed batches."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefloop.core.errors import BadInput
from prefloop.core.records import Pair, Prompt
from prefloop.models.load import LoadedPolicy
from prefloop.models.packing import PackedBatch, Row
from prefloop.training.packing import Demonstration, PackedSource, demonstration_rows, pair_rows
from prefloop.training.settings import LoopSettings


def rows_of(lengths: list[int]) -> list[Row]:
    return [Row([1], ([2] * length,)) for length in lengths]


def source(lengths: list[int], **settings: Any) -> PackedSource:
    return PackedSource(rows_of(lengths), LoopSettings(**settings), shared=True)


def numbers(batches: list[PackedBatch]) -> list[int]:
    return [number for batch in batches for number in batch.rows.tolist()]


@given(st.lists(st.integers(1, 9), min_size=1, max_size=40), st.integers(1, 9), st.integers(0, 5))
def test_an_epoch_holds_every_row_once(lengths: list[int], size: int, seed: int) -> None:
    made = source(lengths, batch_size=size, seed=seed, batch_tokens=16)
    for epoch in (0, 1):
        steps = range(epoch * made.per_epoch, (epoch + 1) * made.per_epoch)
        seen = [number for step in steps for number in numbers(made.batches(step))]
        assert sorted(seen) == list(range(len(lengths)))


def test_a_step_depends_on_nothing_but_the_seed_and_its_number() -> None:
    lengths = list(range(1, 30))
    one, two = source(lengths, batch_size=4), source(lengths, batch_size=4)
    for step in (0, 20, 3):
        assert numbers(one.batches(step)) == numbers(two.batches(step))
    other = source(lengths, batch_size=4, seed=1)
    assert [numbers(one.batches(n)) for n in range(8)] != [
        numbers(other.batches(n)) for n in range(8)
    ]


def test_epochs_differ_in_the_order_of_steps() -> None:
    made = source(list(range(1, 30)), batch_size=4)
    first, second = ([numbers(made.batches(e * 8 + n)) for n in range(8)] for e in (0, 1))
    assert first != second


def test_a_batch_holds_rows_of_like_length_and_so_hardly_any_padding() -> None:
    draw = np.random.default_rng(0)
    lengths = [int(n) for n in np.ceil(draw.lognormal(3.5, 0.6, size=3200))]
    made = source(lengths, batch_size=32)
    batches = [batch for step in range(made.per_epoch) for batch in made.batches(step)]
    tokens = sum(batch.tokens for batch in batches)
    positions = sum(batch.input_ids.numel() for batch in batches)
    cost = np.array(lengths) + 1  # with the prompt's one token
    in_data_order = cost.reshape(-1, 32).max(axis=1).sum() * 32
    assert tokens == cost.sum()
    assert 1 - tokens / positions < 0.06
    assert 1 - tokens / in_data_order > 0.6


def test_a_step_over_the_token_budget_comes_in_parts() -> None:
    made = source([9] * 8, batch_size=8, batch_tokens=40)  # ten positions each: four at a time
    assert [len(batch.rows) for batch in made.batches(0)] == [4, 4]


@pytest.mark.parametrize(
    ("settings", "steps"),
    [({"epochs": 2.0}, 8), ({"epochs": 0.5}, 2), ({"epochs": 0.01}, 1), ({"steps": 77}, 77)],
)
def test_steps_come_from_epochs_unless_they_are_given(settings: dict[str, Any], steps: int) -> None:
    # ten rows in batches of three are four steps an epoch
    assert source([1] * 10, batch_size=3, **settings).steps == steps


def test_other_data_has_another_identity() -> None:
    assert source([1, 2]).identity == source([1, 2]).identity != source([2, 1]).identity


def test_nothing_to_train_on_is_refused() -> None:
    with pytest.raises(BadInput, match="empty"):
        source([])


def test_held_out_rows_come_once_each_whatever_the_batch_size() -> None:
    assert sorted(numbers(source([3, 1, 2], batch_size=1).in_order())) == [0, 1, 2]


def test_demonstrations_and_pairs_become_rows_of_one_and_two_completions(
    policy: LoadedPolicy,
) -> None:
    prompt, end = Prompt.of("w1"), policy.tokenizer.eos_token_id
    word = policy.tokenizer.convert_tokens_to_ids
    shown = demonstration_rows(policy.tokenizer, [Demonstration(prompt, "w2 w3")], 64)
    assert shown.rows[0].completions == ([word("w2"), word("w3"), end],)
    pairs = pair_rows(policy.tokenizer, [Pair(prompt, "w4", "w5")], 64)
    assert pairs.rows[0].completions == ([word("w4"), end], [word("w5"), end])
    assert pairs.rows[0].prompt == shown.rows[0].prompt
    assert (shown.cut, pairs.cut) == (0, 0)


def test_samples_that_are_too_long_are_cut_and_counted(policy: LoadedPolicy) -> None:
    long = Prompt.of(" ".join(["w1"] * 20))
    shown = [Demonstration(long, "w2"), Demonstration(Prompt.of("w1"), "w2")]
    encoded = demonstration_rows(policy.tokenizer, shown, 10)
    assert encoded.cut == 1
    assert len(encoded.rows[0].prompt) == 8  # ten, less one word and the end marker
