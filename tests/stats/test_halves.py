"""When a model of errors may overrule the vote, and when it may not."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from prefloop.core.digest import rng
from prefloop.stats import NotEnough
from prefloop.stats.halves import Halves, halves

Long = tuple[np.ndarray, np.ndarray, np.ndarray]


def true_world(seed: int, items: int = 120, people: int = 12) -> Long:
    """Everybody errs in their own measure about one truth: accuracy .55 to .95."""
    random = rng(71, seed)
    truth = random.integers(0, 2, items)
    item, who = np.repeat(np.arange(items), people), np.tile(np.arange(people), items)
    right = random.random(len(item)) < np.linspace(0.55, 0.95, people)[who]
    return item, who, np.where(right, truth[item], 1 - truth[item])


def compared(data: Long, seed: int = 0) -> Halves:
    found = halves(*data, rng(seed))
    assert isinstance(found, Halves), found
    return found


def test_where_people_err_about_one_truth_the_model_is_the_more_reproducible() -> None:
    found = [compared(true_world(seed)) for seed in range(10)]
    assert all(one.model > one.vote for one in found)
    assert all(one.warning is None for one in found)


def test_where_the_vote_is_the_more_reproducible_the_model_may_not_overrule_it(
    shared_data: Path,
) -> None:
    """DICES-350: what 123 people find unsafe; against experts the model is worse than the vote."""
    raw = (shared_data / "dices" / "dices_350_crowdsourced.json.gz").read_bytes()
    codes = {"No": 0, "Unsure": 1, "Yes": 2}
    rows = [
        (item, rater, codes[said])
        for item, one in enumerate(json.loads(gzip.decompress(raw))["instances"])
        for rater, said in enumerate(one["annotations"]["safety"]["individual_human_scores"])
    ]
    item, who, said = np.array(rows).T
    found = [compared((item, who, said), seed) for seed in range(5)]
    assert all(one.overruled == 85 and one.vote > one.model for one in found)
    warned = [one.warning for one in found if one.warning is not None]
    assert len(warned) >= 4
    assert "keep the vote" in warned[0]


def test_renaming_labels_and_permuting_rows_keep_what_is_found() -> None:
    item, who, said = true_world(3)
    order = rng(9).permutation(len(item))
    one, other = compared((item, who, said)), compared((item[order], who[order], said[order]))
    assert (one.vote, one.model, one.overruled) == (other.vote, other.model, other.overruled)
    assert one.difference == other.difference


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (true_world(0, people=7), "7 annotators: halves take at least 8"),
        (true_world(0, items=20), "fewer than 30 items were judged in both halves"),
        ((np.zeros(0, int), np.zeros(0, int), np.zeros(0, int)), "fewer than two labels"),
        ((np.arange(40), np.arange(40) % 9, np.arange(40) % 2), "no item was judged by two"),
    ],
)
def test_too_little_is_not_enough(data: Long, why: str) -> None:
    found = halves(*data, rng(0))
    assert isinstance(found, NotEnough)
    assert why in found.reason


def test_perfect_agreement_leaves_nothing_to_overrule() -> None:
    item, who = np.repeat(np.arange(40), 8), np.tile(np.arange(8), 40)
    found = compared((item, who, item % 2))
    assert (found.vote, found.model, found.overruled, found.warning) == (1.0, 1.0, 0, None)
