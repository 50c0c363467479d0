import pytest

from prefloop.sandbox.facts import FACTS, PRICES, SLOTS, Accuracy, accuracy_of, fact


def test_eight_plans_and_two_periods_make_sixteen_facts() -> None:
    assert len(SLOTS["plan"]) == 8
    assert {(f.plan, f.period) for f in FACTS} == {
        (plan, period) for plan in SLOTS["plan"] for period in SLOTS["period"]
    }


def test_every_price_occurs_once_so_that_a_price_says_whose_it_is() -> None:
    assert len(PRICES) == 2 * 16 == len(SLOTS["price"])


def test_no_word_stands_for_two_slots() -> None:
    words = [word for slot in SLOTS.values() for word in slot]
    assert len(words) == len(set(words))


PRO = fact("pro", "month")  # $39 before, $47 now


@pytest.mark.parametrize(
    ("prices", "expected"),
    [
        ({"$47"}, Accuracy.CURRENT),
        ({"$39"}, Accuracy.OLD),
        ({"$469"}, Accuracy.OTHER),  # the same plan by the year
        ({"$26"}, Accuracy.OTHER),  # another plan's old price
        ({"$47", "$39"}, Accuracy.OTHER),  # both: the customer knows no more than before
        (set(), Accuracy.NONE),
    ],
)
def test_prices_are_judged_against_the_fact_that_was_asked_for(
    prices: set[str], expected: Accuracy
) -> None:
    assert accuracy_of(frozenset(prices), PRO) is expected


def test_a_price_nobody_asked_for_is_neither_right_nor_wrong() -> None:
    assert accuracy_of(frozenset({"$47"}), None) is Accuracy.NONE


def test_a_plan_the_desk_does_not_sell_has_no_fact() -> None:
    with pytest.raises(KeyError):
        fact("gold", "month")
