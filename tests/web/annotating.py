"""A project with people, the starter specification and a campaign, for tests of the screen."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from prefloop.annotation import campaigns
from prefloop.annotation.campaigns import Campaign, CampaignSettings
from prefloop.annotation.items import Answer, Item, add_items
from prefloop.core.records import Completion, Message, Prompt, Verdict
from prefloop.flows.project import Project, init, open_project
from prefloop.spec import publish
from prefloop.spec.model import parse
from prefloop.spec.playbook import STARTER
from prefloop.store import people, proposals
from prefloop.web import app, identity

LEAD, SECOND = "lena", "sam"
MODELS = ("acme/secret-model-one", "acme/secret-model-two")
PLAIN: dict[str, Any] = {"gold_share": 0.0, "duplicate_share": 0.0}


@dataclass
class Office:
    """The project, its application, and sessions of its people."""

    project: Project
    app: FastAPI

    def cookie(self, handle: str) -> str:
        """A session of this person; the cookie's value."""
        return str(self.app.state.sessions.start(handle))

    def headers(self, cookie: str) -> dict[str, str]:
        """What a script sends with every write."""
        return {"x-csrf-token": self.app.state.sessions.find(cookie).csrf}

    def campaign(
        self, name: str = "support", items: int | Sequence[Item] = 12, **settings: Any
    ) -> Campaign:
        """An open campaign over these items."""
        wanted = [item(n) for n in range(items)] if isinstance(items, int) else list(items)
        with self.project.as_(LEAD).transaction() as tx:
            rules = CampaignSettings(**{**PLAIN, **settings})
            made = campaigns.create(tx, name, "spec/main", rules)
            add_items(tx, made, wanted)
        return made


def open_office(folder: Path, annotators: int = 2) -> Office:
    """A project whose specification two people published."""
    init(folder, "desk", LEAD, b"k" * 32)
    project = open_project(folder, LEAD)
    with project.transaction() as tx:
        people.add(tx, SECOND, ("senior",))
        for n in range(annotators):
            people.add(tx, f"ann{n}", ("annotator",))
        spec = parse(STARTER)
        proposal = publish.publish(tx, spec, "spec/main", "the first").proposal
    with project.as_(SECOND).transaction() as tx:
        proposals.decide(tx, proposal.id, True)
    return Office(project, app.create(project, ("desk.test", "testserver", "127.0.0.1")))


def item(n: int, kind: str = "work", **known: Any) -> Item:
    """The n-th thing to judge; of gold and anchors the first completion is the right one."""
    answer = None if kind == "work" else Answer(Verdict.A, f"expert says {n}")
    prompt = Prompt.of(f"Question {n}: how do I reset my password?", **known)
    return Item(
        prompt,
        Completion(f"Answer {n} is right. Open **Settings**.", MODELS[0]),
        Completion(f"Answer {n} is wrong. It depends.", MODELS[1]),
        None,
        answer,
        kind == "anchor",
    )


RICH = Item(
    Prompt(
        (
            Message("system", "You are the assistant of a small software company."),
            Message("user", "My invoices are in the wrong currency. Where do I change that?"),
            Message("assistant", "Under **Billing › Currency**. It applies from the next invoice."),
            Message(
                "user",
                "Can I also have last month's converted? I need it for my tax return, "
                "and a short script that adds the totals up.",
            ),
        )
    ),
    Completion(
        "Invoices that were sent cannot be changed, but you can ask for a **credit note** and a "
        "new invoice in the right currency:\n\n1. Open *Billing › Invoices*.\n2. Choose the "
        "invoice and *Request correction*.\n3. Name the currency. It takes two working days.\n\n"
        "| Step | Who | Takes |\n|---|---|---|\n| Request | you | a minute |\n"
        "| Check | our billing team | 1 to 2 days |\n| New invoice | automatic | at once |\n\n"
        "To add the totals up:\n\n```python\nimport csv\n\nwith open('invoices.csv') as rows:\n"
        "    print(sum(float(row['total']) for row in csv.DictReader(rows)))\n```\n\n"
        "The file comes from *Billing › Export*. If you tell me your tax year, I can say which "
        "invoices belong in it.\n\nBoth versions stay visible under *Invoices*, marked as "
        "corrected, so that your accountant can follow what happened.",
        MODELS[0],
    ),
    Completion(
        "Sure! Converting invoices is a great way to keep your taxes tidy. Currency conversion "
        "can be complicated, so here are some general thoughts:\n\n- Exchange rates change daily.\n"
        "- Your tax office may have rules of its own.\n- An accountant can help.\n\n"
        "You could multiply last month's total by today's rate. As for the script, any "
        "spreadsheet can do that for you.\n\n> Keep your receipts!\n\nIs there anything else?"
        "\n\nHidden: \u202eevil\u202c and zero\u200bwidth.",
        MODELS[1],
    ),
)

__all__ = [
    "LEAD",
    "MODELS",
    "PLAIN",
    "RICH",
    "SECOND",
    "Office",
    "identity",
    "item",
    "open_office",
]
