"""All pairs of annotators in one pass."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prefloop.core.digest import rng
from prefloop.core.errors import BadInput
from prefloop.stats import NotEnough
from prefloop.stats.agreement import Kappa, Weights, cohen_kappa
from prefloop.stats.pairwise import PairwiseKappa, PooledKappa, pairwise_kappa, pooled_kappa

judgments = st.dictionaries(
    st.tuples(st.integers(0, 12), st.integers(0, 4)), st.integers(0, 2), min_size=1, max_size=60
)
Table = dict[tuple[int, int], int]


def long(table: Table) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    keys = np.array(list(table)).reshape(-1, 2)
    return keys[:, 0], keys[:, 1], np.array(list(table.values()))


@given(judgments, st.sampled_from(["unweighted", "linear", "quadratic"]))
def test_every_pair_gets_the_kappa_it_has_on_its_own(table: Table, how: Weights) -> None:
    items, annotators, labels = long(table)
    ranks = np.unique(labels, return_inverse=True)[1]
    expected, undefined = {}, 0
    for first in range(5):
        for second in range(first + 1, 5):
            shared = np.intersect1d(items[annotators == first], items[annotators == second])
            if not len(shared):
                continue
            one, two = (
                [ranks[(items == item) & (annotators == who)][0] for item in shared]
                for who in (first, second)
            )
            alone = cohen_kappa(one, two, how, categories=int(ranks.max()) + 1)
            if isinstance(alone, Kappa):
                expected[first, second] = (alone.kappa.estimate, alone.kappa.n)
            else:
                undefined += 1
    found = pairwise_kappa(items, annotators, labels, how)
    if isinstance(found, NotEnough):
        assert not expected
        return
    assert found.undefined == undefined
    got = zip(found.first.tolist(), found.second.tolist(), strict=True)
    assert list(got) == sorted(expected)
    values = np.array([expected[pair] for pair in sorted(expected)])
    np.testing.assert_allclose(found.kappa, values[:, 0], atol=1e-12)
    np.testing.assert_array_equal(found.n, values[:, 1])


@given(judgments, st.permutations(range(5)), st.permutations(range(13)))
def test_renaming_annotators_and_items_renames_and_no_more(
    table: Table, people: list[int], names: list[int]
) -> None:
    items, annotators, labels = long(table)
    before = pairwise_kappa(items, annotators, labels)
    after = pairwise_kappa(np.array(names)[items], np.array(people)[annotators], labels)
    if isinstance(before, NotEnough):
        assert before == after
        return
    assert isinstance(after, PairwiseKappa)
    keys = np.sort(np.array(people)[np.stack([before.first, before.second])], axis=0)
    order = np.lexsort((keys[1], keys[0]))
    np.testing.assert_array_equal(keys[:, order], np.stack([after.first, after.second]))
    np.testing.assert_allclose(before.kappa[order], after.kappa, atol=1e-12)


def test_pooled_kappa_averages_agreement_before_the_ratio() -> None:
    # Annotators 1, 2 share items 0-3: labels 0011 and 0001: seen 3/4; expected 1/2*3/4+1/2*1/4=1/2.
    # Annotators 1, 3 share items 4-5: labels 01 and 01: seen 1, expected 1/2.
    # Pooled: seen (4*3/4 + 2)/6 = 5/6, expected 1/2 -> (1/3)/(1/2) = 2/3.
    # Mean: kappas 1/2 and 1 with weights 4 and 2 -> 2/3 as well, since both expect 1/2.
    items = [0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5]
    annotators = [1] * 6 + [2] * 4 + [3] * 2
    labels = [0, 0, 1, 1, 0, 1, 0, 0, 0, 1, 0, 1]
    found = pooled_kappa(items, annotators, labels, rng(1))
    assert isinstance(found, PooledKappa)
    assert found.pooled.estimate == pytest.approx(2 / 3)
    assert found.mean == pytest.approx(2 / 3)
    assert (found.pairs, found.pooled.n) == (2, 6)
    assert found.pooled.low <= 2 / 3 <= found.pooled.high


def test_pooled_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    # Five people, two labels, each right with 0.85: kappa = 2 * (0.85^2 + 0.15^2) - 1 = 0.49.
    hits = 0
    for draw in range(60):
        random = rng(5, draw)
        truth = random.integers(0, 2, 200)
        items, annotators = np.repeat(np.arange(200), 3), np.tile([0, 1, 2], 200)
        labels = truth[items] ^ (random.random(600) < 0.15)
        found = pooled_kappa(items, annotators, labels, random, replicates=200)
        assert isinstance(found, PooledKappa)
        hits += found.pooled.low <= 0.49 <= found.pooled.high
    assert hits >= 52  # 57 expected; fewer than 52 has probability 0.01


@pytest.mark.parametrize(("people", "items"), [(12, 50), (30, 100)])
def test_pooled_kappa_is_right_where_every_two_people_share_few_items(
    people: int, items: int
) -> None:
    # Three of them judge each item, right with .887: kappa = (2 * .887 - 1)^2 = 0.6. Two people
    # share 2 items or fewer; with margins of pairs the mean would be .47 and .30.
    found = []
    for draw in range(40):
        random = rng(6, draw)
        truth = random.integers(0, 2, items)
        who = np.concatenate([random.permutation(people)[:3] for _ in range(items)])
        item = np.repeat(np.arange(items), 3)
        labels = truth[item] ^ (random.random(3 * items) >= 0.887)
        one = pooled_kappa(item, who, labels, random, replicates=100)
        assert isinstance(one, PooledKappa)
        found.append(one.pooled)
    assert np.mean([one.estimate for one in found]) == pytest.approx(0.6, abs=0.04)
    assert sum(one.low <= 0.6 <= one.high for one in found) >= 33  # 38 expected


def test_the_same_seed_gives_the_same_interval() -> None:
    random = rng(2)
    items, annotators = np.repeat(np.arange(50), 2), np.tile([0, 1], 50)
    labels = random.integers(0, 2, 100)
    one, two = (pooled_kappa(items, annotators, labels, rng(3)) for _ in range(2))
    assert one == two


def test_random_groups_of_items_give_the_spread_of_items() -> None:
    random = rng(4)
    n = 9000  # beyond the number resampled one by one
    items, annotators = np.repeat(np.arange(n), 2), np.tile([0, 1], n)
    truth = random.integers(0, 2, n)
    labels = truth[items] ^ (random.random(2 * n) < 0.2)
    found = pooled_kappa(items, annotators, labels, random)
    assert isinstance(found, PooledKappa)
    alone = cohen_kappa(labels[::2], labels[1::2])
    assert isinstance(alone, Kappa)
    width, expected = (e.high - e.low for e in (found.pooled, alone.kappa))
    assert width == pytest.approx(expected, rel=0.1)


def test_nothing_shared_or_one_category_is_not_enough() -> None:
    for case in (
        ([], [], []),
        ([0, 1], [0, 1], [0, 1]),
        ([0, 1], [0, 0], [0, 1]),
        ([0, 0, 1, 1], [0, 1, 0, 1], [1, 1, 1, 1]),
    ):
        assert isinstance(pairwise_kappa(*case), NotEnough)
        assert isinstance(pooled_kappa(*case, rng(1)), NotEnough)


def test_one_shared_item_has_kappas_but_no_interval() -> None:
    assert isinstance(pooled_kappa([0, 0], [1, 2], [0, 1], rng(1)), NotEnough)


def test_a_kappa_whose_resamples_mostly_have_none_stands_without_its_interval() -> None:
    # Two people, 1 of 40 items unlike: a third of resamples lack it, and have no kappa.
    # Seen 39/40, expected 39/40: kappa is 0.
    labels = np.zeros(80, dtype=int)
    labels[1] = 1
    found = pooled_kappa(np.repeat(np.arange(40), 2), np.tile([0, 1], 40), labels, rng(1))
    assert isinstance(found, PooledKappa)
    assert found.pooled.estimate == pytest.approx(0)
    assert (found.pooled.low, found.pooled.high) == (-1, 1)
    assert found.caveat is not None
    assert "resamples" in found.caveat


@pytest.mark.parametrize("how", ["unweighted", "linear", "quadratic"])
def test_a_hundred_labels_take_no_table_of_their_square(how: Weights) -> None:
    # 200 people, 19,900 pairs: tables of 101 x 101 would be 1.6 GB.
    random = rng(8)
    items = np.repeat(np.arange(20_000), 3)
    who = random.integers(0, 200, 20_000)[:, None] + random.integers(1, 66, 20_000)[:, None] * (
        np.arange(3)
    )
    people = (who % 200).ravel()
    labels = np.clip(random.normal(50, 20, 20_000)[items] + random.normal(0, 9, 60_000), 0, 100)
    labels = labels.astype(int)
    tracemalloc.start()
    found = pairwise_kappa(items, people, labels, how)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert isinstance(found, PairwiseKappa)
    assert most < 50e6
    ranks = np.unique(labels, return_inverse=True)[1]
    for at in random.integers(0, len(found.n), 5):
        mine = {who: items[people == who] for who in (found.first[at], found.second[at])}
        shared = np.intersect1d(*mine.values())
        one, two = (ranks[np.isin(items, shared) & (people == who)] for who in mine)
        alone = cohen_kappa(one, two, how, categories=int(ranks.max()) + 1)
        assert isinstance(alone, Kappa)
        assert found.kappa[at] == pytest.approx(alone.kappa.estimate, abs=1e-9)
        assert found.n[at] == len(shared)
    some = found.tables.pick(np.array([7, 3]))
    assert some.shared.tolist() == found.n[[7, 3]].tolist()
    assert (some.alike / some.shared).tolist() == pytest.approx(
        [(found.tables.alike / found.n)[at] for at in (7, 3)]
    )


def test_judging_twice_is_refused() -> None:
    with pytest.raises(BadInput, match="twice"):
        pairwise_kappa([0, 0, 0], [1, 1, 2], [0, 1, 0])


@settings(max_examples=10)
@given(st.integers(0, 1000))
def test_many_annotators_on_one_item_are_all_paired(seed: int) -> None:
    labels = rng(seed).integers(0, 2, 30)
    found = pairwise_kappa(np.zeros(30, dtype=int), np.arange(30), labels)
    ones = int(labels.sum())
    if isinstance(found, NotEnough):  # all alike
        assert ones in (0, 30)
        return
    assert len(found.n) == ones * (30 - ones)  # alike on their one item: kappa undefined
    assert found.undefined == 435 - len(found.n)
