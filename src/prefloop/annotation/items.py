"""What a campaign asks about: items of work, gold and anchors, and how they come into its queue."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prefloop.annotation import queries, tables
from prefloop.annotation.campaigns import Campaign
from prefloop.annotation.chance import coin
from prefloop.core.digest import digest, rng
from prefloop.core.errors import BadInput, Conflict
from prefloop.core.records import Completion, Prompt, Verdict
from prefloop.store import people, texts
from prefloop.store.engine import Transaction
from prefloop.store.rows import prompt_row, prompt_words

__all__ = ["Answer", "Item", "add_items"]

_WRITE_BATCH = 2000


@dataclass(frozen=True, slots=True)
class Answer:
    """What an expert says of a gold or anchor item, about the two completions as they were given:
    `verdict` a means the first of the two."""

    verdict: Verdict
    explanation: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """Something to judge. `answer` makes it a gold item, or an anchor with `anchor=True`."""

    prompt: Prompt
    first: Completion
    second: Completion
    overlap: int | None = None
    answer: Answer | None = None
    anchor: bool = False
    more: tuple[Completion, ...] = ()  # with these the item is a slate, to be ranked

    @property
    def completions(self) -> tuple[Completion, ...]:
        return (self.first, self.second, *self.more)

    @property
    def kind(self) -> str:
        return "work" if self.answer is None else "anchor" if self.anchor else "gold"


def add_items(tx: Transaction, campaign: Campaign, items: Iterable[Item]) -> list[str]:
    """Put items into the queue; returns their comparison ids, in the order given.

    Each comparison is stored once, in canonical order, whichever campaign asks about it. An item
    that is in this campaign already is left as it is.
    """
    people.require(tx, "campaign.manage")
    if queries.hold_campaign(tx, campaign.id, "add to") == "closed":
        raise Conflict(f"campaign {campaign.name} is closed: create another one")
    ids: list[str] = []
    wanted = list(items)
    _check_kinds(tx, campaign, wanted)
    for start in range(0, len(wanted), _WRITE_BATCH):
        ids += _add_batch(tx, campaign, wanted[start : start + _WRITE_BATCH])
    return ids


def _check_kinds(tx: Transaction, campaign: Campaign, items: Sequence[Item]) -> None:
    """Known items have two completions: among slates they would give themselves away."""
    known = any(item.answer for item in items) or queries.has_known(tx, campaign.id)
    slates = any(item.more for item in items) or queries.has_slates(tx, campaign.id)
    if known and slates:
        raise BadInput(
            f"campaign {campaign.name}: rankings and gold or anchor items do not go together, "
            "since everybody could tell them apart: test people in a campaign of pairs"
        )


def _add_batch(tx: Transaction, campaign: Campaign, items: list[Item]) -> list[str]:
    stored = texts.put_many(tx, _words(items))
    rows = [_comparison(item, stored) for item in items]
    first: dict[str, tuple[Item, dict[str, Any]]] = {}  # of items that come twice, the first counts
    for item, row in zip(items, rows, strict=True):
        first.setdefault(row["id"], (item, row))
    known = queries.known_comparisons(tx, first)
    queued = queries.queued(tx, campaign.id, first)
    fresh = [row for key, (_, row) in first.items() if key not in known]
    new = {key: pair for key, pair in first.items() if key not in queued}
    answers = [
        _answer(campaign, item, row, stored[item.first.text])
        for item, row in new.values()
        if item.answer is not None
    ]
    if new:
        tx.append_many(
            [
                (tables.comparison, [_bare(row) for row in fresh]),
                (tables.slate, [_slate(row) for row in fresh if row["others"]]),
                (tables.answer, answers),
            ],
            action="campaign.add",
            subject=campaign.id,
            detail={"items": len(new), "digest": digest(sorted(new))},
        )
        start = queries.queue_end(tx, campaign.id) + 1
        order = rng(campaign.settings.seed, campaign.name, start).permutation(len(new))
        places = [
            {
                **_place(tx, campaign, item, key),
                "origin": _origin(item, row, stored),
                "position": start + int(offset),
            }
            for offset, (key, (item, row)) in zip(order, new.items(), strict=True)
        ]
        queries.insert_queue(tx, places)
    return [row["id"] for row in rows]


def _words(items: list[Item]) -> Iterable[str]:
    yield from prompt_words(item.prompt for item in items)
    for item in items:
        yield from (one.text for one in item.completions)


def _comparison(item: Item, stored: Mapping[str, str]) -> dict[str, Any]:
    row = prompt_row(item.prompt, stored)
    # Canonical order: by keyed digest, so neither model nor sampling order can show through.
    sides = sorted(stored[one.text] for one in item.completions)
    if len(set(sides)) < len(sides):
        raise BadInput(
            f"two completions of {item.prompt.text[:60]!r} are the same text: leave one out"
        )
    a, b, *others = sides
    return {"id": digest([row["messages"], *sides]), **row, "a": a, "b": b, "others": others}


def _bare(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "others"}


def _slate(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"comparison": row["id"], "others": row["others"]}


def _origin(item: Item, row: Mapping[str, Any], stored: Mapping[str, str]) -> dict[str, Any]:
    """Who wrote a, who wrote b, and who the others of a slate."""
    models = {stored[one.text]: one.model for one in item.completions}
    more = {"others": [models[one] for one in row["others"]]} if row["others"] else {}
    return {"a": models[row["a"]], "b": models[row["b"]], **more}


def _answer(campaign: Campaign, item: Item, row: Mapping[str, Any], first: str) -> dict[str, Any]:
    assert item.answer is not None
    verdict = item.answer.verdict if row["a"] == first else item.answer.verdict.swap()
    return {
        "campaign": campaign.id,
        "comparison": row["id"],
        "verdict": verdict.value,
        "explanation": item.answer.explanation,
    }


def _place(tx: Transaction, campaign: Campaign, item: Item, comparison: str) -> dict[str, Any]:
    wanted = campaign.settings.overlap if item.overlap is None else item.overlap
    if wanted < 1:
        raise BadInput(f"overlap {wanted} of {item.prompt.text[:60]!r}: ask for at least 1")
    return {
        "campaign": campaign.id,
        "comparison": comparison,
        "kind": item.kind,
        "lane": f"{item.prompt.language}/{item.prompt.specialty}",
        "check_due": (check_due := _check_due(tx, campaign, item, comparison)),
        "unchecked": min(check_due, 1),
        "wanted": wanted,
        "taken": 0,
        "judged": 0,
    }


def _check_due(tx: Transaction, campaign: Campaign, item: Item, comparison: str) -> int:
    """2 for high stakes, 1 for routine work that the coin draws, 0 for none and for known items."""
    if item.kind != "work":
        return 0
    if item.prompt.high_stakes:
        return 2
    drawn = coin(tx, campaign.settings.seed, "check", comparison)
    return int(drawn < campaign.settings.spot_check_share)
