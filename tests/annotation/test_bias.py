"""Declared groups: own only, taken back for good, never below five, and found where they differ."""

from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa
from tests.annotation.conftest import rows, staff
from tests.annotation.quality.conftest import row, said

from prefloop.annotation import bias, tables
from prefloop.annotation.bias import Bias, shown
from prefloop.annotation.labels import of_rows
from prefloop.core.digest import rng
from prefloop.core.errors import BadInput, NotFound, NotPermitted
from prefloop.store import Ledger
from prefloop.store import tables as store

PEOPLE = 20


def declare(ledger: Ledger, groups: dict[str, str], attribute: str = "region") -> None:
    for who, value in groups.items():
        with ledger.transaction(who) as tx:
            bias.declare(tx, attribute, value)


def crowd(seed: int, taste: float) -> list[dict[str, Any]]:
    """Twenty people, five on each comparison. ann0 to ann7 like the other side on a share `taste`
    of comparisons about food."""
    random = rng(seed)
    made = []
    for n in range(240):
        topic = "food" if n % 2 else "code"
        other = topic == "food" and random.random() < taste
        judged = []
        for who in random.permutation(PEOPLE)[:5]:
            meant = "ba"[n % 3 == 0] if other and who < 8 else "ab"[n % 3 == 0]
            verdict = meant if random.random() < 0.85 else "ab".replace(meant, "")
            first = "ab"[int(random.integers(2))]
            judged.append(said(f"ann{who}", verdict, first_shown=first))
        made.append(row(f"{n:03}", *judged, topic=topic))
    return made


def look(ledger: Ledger, found: list[dict[str, Any]], seed: int = 0) -> Bias:
    with ledger.reader() as reader:
        return bias.look(reader, "july", of_rows(found), None, seed)


@pytest.fixture
def regions(sqlite_ledger: Ledger) -> Ledger:
    staff(sqlite_ledger, PEOPLE)
    groups = {f"ann{n}": "north" if n < 8 else "south" for n in range(PEOPLE)}
    declare(sqlite_ledger, groups)
    return sqlite_ledger


def test_a_group_of_another_taste_is_found_where_it_differs(regions: Ledger) -> None:
    found = look(regions, crowd(1, 0.5))
    # Two groups that are all there is are asked about once, the larger one.
    differing = {(one.group, one.topic, one.what) for one in found.differing}
    assert ("south", "food", "stands apart") in differing
    assert not [one for one in differing if one[1] == "code"]
    (food,) = [one for one in found.differing if one.topic == "food"]
    assert "agreement within" in food.said
    assert "its vote is another than the rest's on" in food.said
    assert food.p <= food.q <= food.holm


def test_alike_groups_are_left_in_peace(regions: Ledger) -> None:
    # Any accusation is false, expected in 5 % of worlds at most; more than 3 of 15 has p = .005.
    accused = [bool(look(regions, crowd(seed, 0.0), seed).differing) for seed in range(15)]
    assert sum(accused) <= 3


def test_the_pool_is_described(regions: Ledger) -> None:
    (pool,) = look(regions, crowd(1, 0.0)).pools
    assert dict(pool.people) == {"south": 12, "north": 8}
    assert pool.rest == 0
    assert sum(pool.judgments.values()) == 240 * 5
    assert pool.effective == pytest.approx(np.exp(-(0.6 * np.log(0.6) + 0.4 * np.log(0.4))))


@pytest.mark.parametrize(
    ("sizes", "everybody", "told"),
    [
        ({"x": 5, "y": 5}, 10, ["x", "y"]),
        ({"x": 4, "y": 16}, 20, []),  # x is what is left beside y
        ({"x": 4, "y": 10, "z": 6}, 20, ["y"]),  # without z, x hides among ten
        ({"x": 4, "y": 10}, 20, ["y"]),  # six who declared nothing hide x
        ({"x": 4}, 4, []),
        ({}, 9, []),
    ],
)
def test_no_group_below_five_is_shown_or_left_over(
    sizes: dict[str, int], everybody: int, told: list[str]
) -> None:
    assert shown({name: list(range(n)) for name, n in sizes.items()}, everybody) == told


def test_nothing_of_a_small_group_is_in_the_report(sqlite_ledger: Ledger) -> None:
    staff(sqlite_ledger, PEOPLE)
    groups = {f"ann{n}": "west" if n < 4 else "east" for n in range(12)}
    declare(sqlite_ledger, groups)
    found = look(sqlite_ledger, crowd(1, 0.5))
    assert "west" not in str(found.json())
    assert any("fewer than 5 people to compare with" in why for why in found.not_enough)


def test_one_speaks_for_oneself_and_may_take_it_back_for_good(ledger: Ledger) -> None:
    staff(ledger)
    declare(ledger, {"ann0": " North "})
    declare(ledger, {"ann0": "south"})  # the newest word counts
    declare(ledger, {"ann0": "f"}, "gender")
    with ledger.reader() as reader:
        assert bias.declared(reader, "ann0") == {"gender": "f", "region": "south"}
    with ledger.transaction("ann0") as tx:
        assert bias.withdraw(tx, "Region") == 1
        assert bias.withdraw(tx) == 1
    assert rows(ledger, tables.declared_group) == []
    with pytest.raises(NotFound, match="declared nothing"), ledger.transaction("ann0") as tx:
        bias.withdraw(tx)
    events = [one for one in rows(ledger, store.event) if one.action.startswith("group.")]
    assert {one.action for one in events} == {"group.declare", "group.withdraw"}
    assert not [one for one in events if "south" in str(one) or "region" in str(one).casefold()]


def test_what_is_no_word_is_refused(sqlite_ledger: Ledger) -> None:
    staff(sqlite_ledger)
    for word in ("", " ", "x" * 61, "a\nb"):
        with (
            pytest.raises(BadInput, match="a word or a few"),
            sqlite_ledger.transaction("ann0") as tx,
        ):
            bias.declare(tx, "region", word)
    with pytest.raises(NotPermitted), sqlite_ledger.transaction("lena") as tx:
        bias.declare(tx, "region", "north")
    assert sa.inspect(sqlite_ledger.engine).has_table("declared_group")


def test_nobody_declared_anything(sqlite_ledger: Ledger) -> None:
    staff(sqlite_ledger, PEOPLE)
    found = look(sqlite_ledger, crowd(1, 0.5))
    assert (found.pools, found.questions, found.differing) == ((), (), ())
