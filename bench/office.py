"""Our side of the loop: a project with people and a campaign, served by `prefloop serve`."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from bench.closed_loop import ANNOTATORS, texts

from prefloop.annotation import campaigns
from prefloop.annotation.campaigns import CampaignSettings
from prefloop.annotation.items import Item, add_items
from prefloop.core.records import Completion, Prompt
from prefloop.flows.project import Project, init, open_project
from prefloop.spec import publish
from prefloop.spec.model import parse
from prefloop.spec.playbook import STARTER
from prefloop.store import people, proposals
from prefloop.web.identity import COOKIE, Sessions

__all__ = ["Prefloop", "open_office"]

_ITEMS = 5000


def open_office(folder: Path) -> Project:
    """A project with a published specification and eight annotators."""
    init(folder, "bench", "lena", b"k" * 32)
    project = open_project(folder, "lena")
    with project.transaction() as tx:
        people.add(tx, "sam", ("senior",))
        for n in range(ANNOTATORS):
            people.add(tx, f"ann{n}", ("annotator",))
        proposal = publish.publish(tx, parse(STARTER), "spec/main", "the first").proposal
    with project.as_("sam").transaction() as tx:
        proposals.decide(tx, proposal.id, True)
    return project


class Prefloop:
    """Everything on, as it comes: gold is missing only because the campaign has none; repeats,
    spot checks, priority and the audit chain are there, and every turn is synced to the disk."""

    name = "prefloop"
    port = 9916

    def __init__(self, work: Path) -> None:
        serve = ["serve", "--port", str(self.port)]
        self.command = [str(Path(sys.executable).parent / "prefloop"), *serve]
        self.environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        self.project = open_office(work)

    def prepare(self) -> None:
        """A campaign, and a session for everybody."""
        items = [_item(n) for n in range(_ITEMS)]
        with self.project.transaction() as tx:
            made = campaigns.create(tx, "support", "spec/main", CampaignSettings())
            add_items(tx, made, items)
        sessions = Sessions(self.project.ledger)
        self.signed = [sessions.start(f"ann{n}") for n in range(ANNOTATORS)]
        self.tokens = [self._token(sessions, one) for one in self.signed]
        self.project.ledger.close()

    def annotator(self, number: int) -> Callable[[], None]:
        """What the screen's script does: one request submits and brings the next."""
        address = f"http://127.0.0.1:{self.port}"
        client = httpx.Client(base_url=address, timeout=60)
        client.cookies.set(COOKIE, self.signed[number])
        client.headers.update({"x-csrf-token": self.tokens[number], "origin": address})
        place = "/api/campaigns/support/turn"
        hand: list[str] = []

        def turn() -> None:
            asked: dict[str, Any] = {"have": hand[1:], "want": 2}
            if hand:
                asked["submission"] = {
                    "assignment": hand[0],
                    "choice": 1,
                    "key": hand[0],
                    "strength": 2,
                    "active_ms": 9000,
                }
            answer = client.post(place, json=asked).raise_for_status().json()
            assert not hand or answer["judgment"], answer
            hand[:] = answer["held"]

        turn()
        return turn

    def _token(self, sessions: Sessions, cookie: str) -> str:
        found = sessions.find(cookie)
        assert found is not None
        return found.csrf


def _item(number: int) -> Item:
    question, first, second = texts(number)
    return Item(Prompt.of(question), Completion(first, "one"), Completion(second, "two"))
