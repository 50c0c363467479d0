"""What a turn costs in a long queue, and to somebody who has judged a great deal of it.

The queues are written by SQL, without audit events: what is measured begins after that. CPU of the
whole process, one annotator after another, each turn with its own commit and sync.
"""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from bench.office import open_office
from bench.table import Line

from prefloop.annotation import campaigns, queue, tables
from prefloop.annotation.campaigns import Campaign, CampaignSettings
from prefloop.annotation.items import Item, add_items
from prefloop.annotation.judgments import Submission
from prefloop.core.digest import new_id
from prefloop.core.records import Completion, Prompt
from prefloop.store import Ledger
from prefloop.store.engine import Transaction

__all__ = ["lines"]

SIZES = (5_000, 50_000, 1_000_000)
OWN = (0, 2_000, 20_000)
_TURNS, _AT_ONCE = 400, 10_000


def lines() -> list[Line]:
    """Both curves."""
    by_size = {size: _cost_of_queue(size) for size in SIZES}
    curve = ", ".join(f"{size:,}: {cost:.2f}" for size, cost in by_size.items())
    small, large = by_size[SIZES[0]], by_size[SIZES[-1]]
    found = [
        Line(
            "queue 5k to 1M",
            large,
            small,
            "5,000 comparisons",
            small / large,
            "ms",
            f"CPU of a turn by size of the queue: {curve}",
        )
    ]
    costs = {own: _cost_of_own(own) for own in OWN}
    for name, at in (("20k own judgments", 0), ("20k own, none left", 1)):
        curve = ", ".join(f"{own:,}: {cost[at]:.2f}" for own, cost in costs.items())
        few, many = costs[OWN[0]][at], costs[OWN[-1]][at]
        note = f"CPU of a turn by own judgments on items still open: {curve}"
        found.append(Line(name, many, few, "no judgments", few / many, "ms", note))
    return found


@contextmanager
def _campaign(overlap: int = 1) -> Iterator[tuple[Ledger, Campaign]]:
    with tempfile.TemporaryDirectory(dir=Path(__file__).parent, prefix=".work-") as work:
        project = open_office(Path(work))
        rules = CampaignSettings(overlap=overlap, session_minutes=10_000)
        item = Item(Prompt.of("a question"), Completion("one", "m1"), Completion("two", "m2"))
        with project.transaction() as tx:
            made = campaigns.create(tx, "long", "spec/main", rules)
            add_items(tx, made, [item])
        yield project.ledger, made
        project.ledger.close()


def _cost_of_queue(size: int) -> float:
    """CPU milliseconds of a turn in a queue of this size."""
    with _campaign() as (ledger, campaign):
        with ledger.transaction("lena") as tx:
            _fill(tx, campaign, size)
        return _turns(ledger, campaign, [f"ann{n}" for n in range(8)], _TURNS)


def _cost_of_own(own: int) -> tuple[float, float]:
    """CPU milliseconds of a turn after so many judgments on items that stay open: with work left,
    and of asking when there is none."""
    costs = list[float]()
    for left in (2 * _TURNS, 0):
        with _campaign(overlap=500) as (ledger, campaign):
            with ledger.transaction("lena") as tx:
                names = _fill(tx, campaign, own + left, wanted=500)
                _judge(tx, campaign, names[:own])
            if not left:
                _turns(ledger, campaign, ["ann0"], 20, asking=True)
            costs.append(_turns(ledger, campaign, ["ann0"], _TURNS // 2, asking=not left))
    return costs[0], costs[1]


def _turns(
    ledger: Ledger, campaign: Campaign, names: list[str], count: int, asking: bool = False
) -> float:
    hands: dict[str, list[Submission]] = {name: [] for name in names}
    for warm in (True, False):
        begun = time.process_time()
        for n in range(16 if warm else count):
            name = names[n % len(names)]
            hand = hands[name]
            sent = hand.pop(0) if hand else None
            with ledger.transaction(name) as tx:
                turn = queue.turn(tx, campaign.id, name, sent, 2, {one.assignment for one in hand})
            hand += [Submission(one.assignment, 1, one.assignment) for one in turn.next]
            assert asking or warm or turn.judgment, turn
    return 1000 * (time.process_time() - begun) / count


def _fill(tx: Transaction, campaign: Campaign, size: int, wanted: int = 1) -> list[str]:
    """So many more comparisons, all of the same texts; their ids in queue order."""
    known = tx.one(sa.select(tables.comparison))
    assert known is not None
    names = [f"{n:064x}" for n in range(size)]
    place = {
        "campaign": campaign.id,
        "kind": "work",
        "lane": "en/",
        "wanted": wanted,
        "taken": 0,
        "judged": 0,
        "check_due": 0,
        "unchecked": 0,
        "origin": {},
    }
    for start in range(0, size, _AT_ONCE):
        some = names[start : start + _AT_ONCE]
        tx.execute(sa.insert(tables.comparison), [{**known._asdict(), "id": name} for name in some])
        tx.execute(
            sa.insert(tables.queue_item),
            [
                {**place, "comparison": name, "position": start + n + 2}
                for n, name in enumerate(some)
            ],
        )
    return names


def _judge(tx: Transaction, campaign: Campaign, names: list[str]) -> None:
    """ann0 has judged these, all of which others may still judge."""
    q = tables.queue_item
    for start in range(0, len(names), _AT_ONCE):
        some = names[start : start + _AT_ONCE]
        rows = [
            {
                "id": new_id(),
                "campaign": campaign.id,
                "comparison": name,
                "annotator": "ann0",
                "purpose": "live",
                "round": 1,
                "sequence": start + n + 1,
                "first_shown": "a",
                "state": "judged",
                "lease_until": 0,
            }
            for n, name in enumerate(some)
        ]
        tx.execute(sa.insert(tables.assignment), rows)
    last = len(names) + 1
    tx.execute(sa.update(q).where(q.c.position.between(2, last)).values(taken=1, judged=1))
    row = {"issued": len(names), "repeated": 0, "cursors": {"en/": last} if names else {}}
    tx.execute(sa.insert(tables.progress), {**row, "campaign": campaign.id, "annotator": "ann0"})
