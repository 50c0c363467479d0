"""A small annotation office: people, a published specification, a campaign, a clock to move."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.conftest import make_ledger
from tests.store.conftest import (
    copied_postgresql_url,
    database_url,
    migrated_postgresql,
    migrated_sqlite,
    sqlite_ledger,
    sqlite_url,
)

from prefloop.annotation import campaigns, judgments, queue
from prefloop.annotation import tables as t
from prefloop.annotation.campaigns import Campaign, CampaignSettings
from prefloop.annotation.items import Answer, Item, add_items
from prefloop.annotation.judgments import Submission
from prefloop.annotation.queue import Shown
from prefloop.core.records import Completion, Prompt, Purpose, Verdict
from prefloop.store import Ledger, artifacts, people, proposals

__all__ = [
    "copied_postgresql_url",
    "database_url",
    "migrated_postgresql",
    "migrated_sqlite",
    "sqlite_ledger",
    "sqlite_url",
]

LEAD, SENIOR = "lena", "sam"
MINUTE = 60_000_000
# No gold, no repeats, no calibration: what a test is about, it asks for.
PLAIN: dict[str, Any] = {"gold_share": 0.0, "duplicate_share": 0.0}
SPEC = {
    "spec": {"dimensions": [{"name": "accuracy"}], "tie_break": [{"by": "accuracy"}]},
    "epoch": 1,
}


class Clock:
    """A clock that stands still until somebody moves it."""

    now = 1_000 * MINUTE

    def __call__(self, connection: sa.Connection) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def timed(database_url: str, tmp_path: Path, clock: Clock) -> Iterator[Ledger]:
    """A ledger on both databases whose clock is `clock`."""
    opened = make_ledger(database_url, tmp_path, clock)
    yield opened
    opened.close()


@pytest.fixture
def timed_sqlite(sqlite_url: str, tmp_path: Path, clock: Clock) -> Iterator[Ledger]:
    """A ledger on SQLite alone whose clock is `clock`."""
    opened = make_ledger(sqlite_url, tmp_path, clock)
    yield opened
    opened.close()


def staff(ledger: Ledger, annotators: int = 3) -> list[str]:
    """A lead, a senior and annotators ann0, ann1, ...; returns the annotators."""
    wanted = [f"ann{n}" for n in range(annotators)]
    with ledger.transaction(LEAD) as tx:
        here = people.handles(tx)
        for handle, roles in (
            (LEAD, ("admin", "lead")),
            (SENIOR, ("senior",)),
            *((name, ("annotator",)) for name in wanted),
        ):
            if handle not in here:
                people.add(tx, handle, roles)
    return wanted


def publish(ledger: Ledger, name: str = "spec/x") -> str:
    """A published specification."""
    with ledger.transaction(LEAD) as tx:
        spec = artifacts.put(tx, "spec", {**SPEC, "name": name})
        effect = proposals.name_version(name)
        proposal = proposals.propose(tx, "spec", spec.digest, effect, "first")
    if proposal.state == "open":
        with ledger.transaction(SENIOR) as tx:
            proposals.decide(tx, proposal.id, True)
    return name


def item(n: int, kind: str = "work", **known: Any) -> Item:
    """The n-th thing to judge. Of gold and anchors the first completion is the right answer."""
    overlap = known.pop("overlap", None)
    answer = None if kind == "work" else Answer(Verdict.A, f"because {n}")
    return Item(
        Prompt.of(f"{kind} question {n}", **known),
        Completion(f"{kind} {n} right", "model-one"),
        Completion(f"{kind} {n} wrong", "model-two"),
        overlap,
        answer,
        kind == "anchor",
    )


def open_campaign(
    ledger: Ledger,
    name: str = "support",
    items: int | Sequence[Item] = 10,
    annotators: int = 3,
    **settings: Any,
) -> Campaign:
    """A campaign with items in its queue, and everybody it takes."""
    staff(ledger, annotators)
    spec = publish(ledger)
    wanted = [item(n) for n in range(items)] if isinstance(items, int) else items
    with ledger.transaction(LEAD) as tx:
        made = campaigns.create(tx, name, spec, CampaignSettings(**{**PLAIN, **settings}))
        add_items(tx, made, wanted)
    return made


def claim(
    ledger: Ledger, campaign: Campaign, who: str, count: int = 1, purpose: Purpose | None = None
) -> list[Shown]:
    with ledger.transaction(who) as tx:
        return queue.claim(tx, campaign, who, count, purpose)


def submit(
    ledger: Ledger, campaign: Campaign, who: str, shown: Sequence[Shown], **said: Any
) -> list[str]:
    """Judge what was shown, by default for the right one of `item`."""
    sent = [
        Submission(one.assignment, **{"choice": right(one), "key": one.assignment, **said})
        for one in shown
    ]
    with ledger.transaction(who) as tx:
        return judgments.submit(tx, campaign, who, sent)


def right(shown: Shown) -> Any:
    """1 or 2: where the right one of `item` stands."""
    return 1 if shown.first.endswith("right") else 2


def work(ledger: Ledger, campaign: Campaign, who: str, count: int = 1, rounds: int = 10**6) -> int:
    """Claim and submit until there is nothing; returns how many were judged."""
    done = 0
    for _ in range(rounds):
        shown = claim(ledger, campaign, who, count)
        if not shown:
            break
        done += len(submit(ledger, campaign, who, shown))
    return done


def rows(ledger: Ledger, table: sa.Table) -> list[Any]:
    with ledger.reader() as reader:
        return list(reader.all(sa.select(table)))


def assigned(ledger: Ledger, shown: Sequence[Shown]) -> list[Any]:
    """The assignments behind what was shown, in its order."""
    found = {row.id: row for row in rows(ledger, t.assignment)}
    return [found[one.assignment] for one in shown]


def purposes(ledger: Ledger, shown: Sequence[Shown]) -> list[str]:
    return [row.purpose for row in assigned(ledger, shown)]
