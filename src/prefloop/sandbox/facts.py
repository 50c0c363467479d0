"""What is true at the desk: the price list, old and current, and the words that fill slots.

Every price is one word and occurs once, so a price alone says whose it is and whether it is stale.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

__all__ = ["FACTS", "PRICES", "SLOTS", "Accuracy", "Fact", "accuracy_of", "fact"]


class Accuracy(StrEnum):
    """What a completion says about the price that was asked for."""

    CURRENT = "current"
    OLD = "old"
    OTHER = "other"  # another plan's or period's price, no price of ours, or two that differ
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Fact:
    """What one plan costs for one billing period, and what it cost before."""

    plan: str
    period: str
    old: str
    current: str


# fmt: off
FACTS: tuple[Fact, ...] = tuple(
    Fact(plan, period, old, current)
    for plan, period, old, current in (
        ("solo",   "month", "$6",   "$8"),   ("solo",   "year", "$59",   "$79"),
        ("lite",   "month", "$11",  "$14"),  ("lite",   "year", "$105",  "$139"),
        ("plus",   "month", "$17",  "$21"),  ("plus",   "year", "$165",  "$209"),
        ("crew",   "month", "$26",  "$32"),  ("crew",   "year", "$249",  "$319"),
        ("pro",    "month", "$39",  "$47"),  ("pro",    "year", "$375",  "$469"),
        ("studio", "month", "$54",  "$66"),  ("studio", "year", "$519",  "$659"),
        ("atlas",  "month", "$82",  "$98"),  ("atlas",  "year", "$789",  "$979"),
        ("summit", "month", "$120", "$145"), ("summit", "year", "$1150", "$1449"),
    )
)
# fmt: on

# Each word stands for one slot only and occurs in no wording: that is how a parser finds it.
SLOTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "plan": tuple(dict.fromkeys(fact.plan for fact in FACTS)),
        "period": ("month", "year"),
        "price": tuple(price for fact in FACTS for price in (fact.old, fact.current)),
        "product": (
            *("headset", "keyboard", "camera", "charger"),
            *("speaker", "router", "tablet", "lamp"),
        ),
        "city": ("berlin", "oslo", "madrid", "dublin", "vienna", "lisbon"),
        "device": ("laptop", "phone", "browser", "watch", "desktop", "television"),
        "tool": ("dashboard", "calendar", "inbox", "editor", "timeline", "planner"),
        "wish": ("exports", "themes", "shortcuts", "widgets", "reminders", "filters"),
        "person": ("neighbor", "partner", "roommate", "boss", "rival", "teacher"),
    }
)

PRICES: frozenset[str] = frozenset(SLOTS["price"])
_BY_PLAN = {(fact.plan, fact.period): fact for fact in FACTS}


def fact(plan: str, period: str) -> Fact:
    """The price fact of a plan and period; KeyError if there is none."""
    return _BY_PLAN[plan, period]


def accuracy_of(prices: frozenset[str], asked: Fact | None) -> Accuracy:
    """What the prices named in a completion amount to, for the fact that was asked for.

    A completion that names two different prices has told the customer nothing true: OTHER.
    """
    if not prices or asked is None:
        return Accuracy.NONE
    if prices == {asked.current}:
        return Accuracy.CURRENT
    return Accuracy.OLD if prices == {asked.old} else Accuracy.OTHER
