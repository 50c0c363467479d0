"""When disagreement is not error."""

import numpy as np
import pytest

from prefloop.core.digest import rng
from prefloop.core.errors import BadInput
from prefloop.stats import NotEnough
from prefloop.stats.dawid_skene import DawidSkene, dawid_skene
from prefloop.stats.disputed import Disputed, disputed

Long = tuple[np.ndarray, np.ndarray, np.ndarray]


def checked(data: Long, seed: int = 1) -> Disputed:
    model = dawid_skene(*data)
    assert isinstance(model, DawidSkene)
    found = disputed(*data, model, rng(seed))
    assert isinstance(found, Disputed), found
    return found


def world(seed: int, *, subjective: float, people: int = 8, items: int = 400) -> Long:
    """Two camps of people: five who decide subjective items one way, three the other."""
    random = rng(51, seed)
    truth = random.integers(0, 2, items)
    taste = random.random(items) < subjective
    item, who = np.repeat(np.arange(items), people), np.tile(np.arange(people), items)
    other_camp = (who >= 5) & taste[item]
    error = np.where(who == 0, 0.4, 0.08)  # one careless person in the larger camp
    wrong = random.random(len(item)) < error
    return item, who, truth[item] ^ other_camp ^ wrong


def test_errors_alone_are_explained_and_nobody_is_warned() -> None:
    warned = sum(checked(world(seed, subjective=0.0)).warning is not None for seed in range(20))
    assert warned <= 1


def test_two_camps_on_subjective_items_are_more_than_errors() -> None:
    found = checked(world(1, subjective=0.3))
    assert found.p <= 0.01
    assert found.gathering > found.expected


def test_where_the_model_overrules_people_who_differ_by_taste_it_says_keep_the_vote() -> None:
    data = world(1, subjective=0.3)
    found = checked(data)
    assert len(found.contradicted) > 0
    assert found.warning is not None
    assert "keep the vote" in found.warning
    # Every item named had a majority, five or more of eight, that the model does not follow.
    ones = np.bincount(data[0], data[2])[found.contradicted]
    assert (np.abs(ones - 4) >= 1).all()


def test_few_items_are_not_enough_and_another_models_judgments_are_refused() -> None:
    data = world(1, subjective=0.0, items=20)
    model = dawid_skene(*data)
    assert isinstance(model, DawidSkene)
    assert isinstance(disputed(*data, model, rng(1)), NotEnough)
    with pytest.raises(BadInput, match="other judgments"):
        disputed(data[0] + 1, data[1], data[2], model, rng(1))
