"""Rankings: several completions of one prompt put in order at once.

A *slate* is a prompt with k > 2 completions. In the queue it is a comparison like any other, of
its two first completions in canonical order, so that overlap, leases, repeats and agreement hold
for it unchanged; its other completions stand beside it. A ranking is a judgment of that comparison
and says how all k stand; closing the campaign writes every pair of them (InstructGPT, Ouyang et
al. 2022, section 3.5). The k(k-1)/2 pairs of one ranking are not so many independent judgments: a
ranking is k-1 choices, one after the other, so each of its pairs weighs 2/k.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any, Literal

from prefloop.annotation import queries, tables
from prefloop.annotation.campaigns import Campaign
from prefloop.annotation.chance import draw
from prefloop.core.digest import digest
from prefloop.core.errors import BadInput, Conflict, NotFound
from prefloop.store import texts
from prefloop.store.engine import Reader, Transaction

__all__ = ["Places", "choice", "pair_rows", "record", "screen_order", "shown"]

Slates = Mapping[str, Sequence[str]]  # {comparison: all its completions, a and b first}
Key = tuple[str, str, str, int]  # comparison, annotator, purpose, round
Places = Sequence[Sequence[int]]  # screen numbers from 1, best first, those that tie together


def shown(
    reader: Reader, campaign: Campaign, assignments: Iterable[str]
) -> dict[str, tuple[str | None, ...]]:
    """{assignment: its completions in the order of the screen}; None for an erased one. Only
    assignments of slates are in it."""
    rows = queries.assigned(reader, assignments)
    slates = queries.slates(reader, {row.comparison for row in rows.values()})
    orders = {
        name: screen_order(reader, campaign, row, slates[row.comparison])
        for name, row in rows.items()
        if row.comparison in slates
    }
    words = texts.get_many(reader, {one for order in orders.values() for one in order})
    return {name: tuple(words[one] for one in order) for name, order in orders.items()}


def screen_order(
    reader: Reader, campaign: Campaign, assignment: Any, slate: Sequence[str]
) -> list[str]:
    """The digests of a slate's completions as this annotator sees them: a shuffle that the same
    inputs always land alike, with a and b in the order that the assignment records."""
    own = (campaign.settings.seed, assignment.annotator, assignment.purpose, assignment.round)
    order = sorted(slate, key=lambda one: draw(reader, "slate", *own, assignment.comparison, one))
    a, b = (order.index(one) for one in slate[:2])
    if (a < b) != (assignment.first_shown == "a"):
        order[a], order[b] = order[b], order[a]
    return order


def choice(
    reader: Reader, campaign: Campaign, annotator: str, assignment: str, places: Places
) -> Literal[0, 1, 2]:
    """What a ranking says of the comparison that carries it, as the screen would say it.

    Raises BadInput for a ranking that does not name each response once.
    """
    row, order, ranks = _ranked(reader, campaign, annotator, assignment, places)
    slate = queries.slates(reader, [row.comparison])[row.comparison]
    first, second = slate[:2] if row.first_shown == "a" else slate[1::-1]
    one, other = ranks[order.index(first)], ranks[order.index(second)]
    return 0 if one == other else 1 if one < other else 2


def record(
    tx: Transaction,
    campaign: Campaign,
    annotator: str,
    judgment: str,
    assignment: str,
    places: Places,
) -> None:
    """Keep how all completions stand, beside the judgment of this assignment that was just made.

    The same ranking again changes nothing. Raises Conflict for another one under that judgment.
    """
    row, order, ranks = _ranked(tx, campaign, annotator, assignment, places)
    best_first = [
        sorted(order[at] for at, rank in enumerate(ranks) if rank == wanted)
        for wanted in range(len(places))
    ]
    known = queries.ranking(tx, judgment)
    if known is not None:
        if (known.comparison, known.order) != (row.comparison, best_first):
            raise Conflict("this judgment has another ranking: revise it with a new key")
        return
    tx.append(
        tables.ranking,
        [
            {
                "judgment": judgment,
                "comparison": row.comparison,
                "shown": order,
                "order": best_first,
            }
        ],
        action="ranking.submit",
        subject=judgment,
    )


def pair_rows(
    rows: Iterable[Mapping[str, Any]], slates: Slates, ranked: Mapping[Key, Any]
) -> Iterator[dict[str, Any]]:
    """Rows of comparisons with every ranked slate written out as its pairs, in id order.

    `ranked` has the ranking of each judgment of a slate; one without says what it says of the two
    completions it was about.
    """
    made: dict[str, dict[str, Any]] = {}
    for row in rows:
        slate = slates.get(row["comparison"])
        for one in [row] if slate is None else _pairs(row, slate, ranked):
            kept = made.setdefault(one["comparison"], {**one, "judgments": []})
            kept["judgments"] += one["judgments"]
    for name in sorted(made):
        made[name]["judgments"].sort(
            key=lambda one: (one["annotator"], one["purpose"], one["round"])
        )
        yield made[name]


def _pairs(
    row: Mapping[str, Any], slate: Sequence[str], ranked: Mapping[Key, Any]
) -> Iterator[dict[str, Any]]:
    models = dict(
        zip(slate, (*(row["origin"][side] for side in "ab"), *row["origin"]["others"]), strict=True)
    )
    said: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for judgment in row["judgments"]:
        own = (judgment["annotator"], judgment["purpose"], judgment["round"])
        found = ranked.get((row["comparison"], *own))
        if found is None:
            said[slate[0], slate[1]].append(dict(judgment))
            continue
        rank = {one: place for place, tied in enumerate(found.order) for one in tied}
        for a, b in combinations(sorted(slate), 2):
            carrier = (a, b) == (slate[0], slate[1])
            verdict = "tie" if rank[a] == rank[b] else "a" if rank[a] < rank[b] else "b"
            about = judgment if carrier else {**judgment, "dimensions": {}, "rationale": ""}
            first = "a" if found.shown.index(a) < found.shown.index(b) else "b"
            said[a, b].append({**about, "verdict": verdict, "first_shown": first})
    for (a, b), judgments in said.items():
        yield {
            **row,
            "comparison": digest([row["messages"], a, b]),
            "a": a,
            "b": b,
            "origin": {"a": models[a], "b": models[b]},
            "slate": row["comparison"],
            "weight": 2 / len(slate),
            "judgments": judgments,
        }


def _ranked(
    reader: Reader, campaign: Campaign, annotator: str, assignment: str, places: Places
) -> tuple[Any, list[str], list[int]]:
    """The assignment, its screen order, and the rank (from 0) of each place on the screen."""
    row = queries.assigned(reader, [assignment]).get(assignment)
    if row is None or (row.annotator, row.campaign) != (annotator, campaign.id):
        raise NotFound(f"no such assignment of {annotator} in {campaign.name}")
    slate = queries.slates(reader, [row.comparison]).get(row.comparison)
    if slate is None:
        raise BadInput("this comparison has two responses: choose one, there is nothing to rank")
    ranks = [-1] * len(slate)
    for rank, tied in enumerate(places):
        for number in tied:
            if type(number) is not int or not 1 <= number <= len(slate) or ranks[number - 1] >= 0:
                raise BadInput(
                    f"ranking {places!r}: name each response from 1 to {len(slate)} once"
                )
            ranks[number - 1] = rank
    if -1 in ranks or not all(places):
        raise BadInput(f"ranking {places!r}: name each response from 1 to {len(slate)} once")
    return row, screen_order(reader, campaign, row, slate), ranks
