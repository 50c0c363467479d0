"""Edits: an annotator's correction of a completion is a demonstration, and a pair.

The corrected text is preferred to the one it corrects, by the person who corrected it. An edit
belongs to an assignment, as a judgment does: it is sent once under a key of the sender's making,
superseded and never overwritten. Edits of gold, anchors and repeats are taken like any other, so
that nobody can tell these items by them, and leave the campaign like their judgments: not at all.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from prefloop.annotation import queries, tables
from prefloop.annotation.campaigns import Campaign
from prefloop.core.digest import digest, new_id
from prefloop.core.errors import BadInput, Conflict, NotFound, NotPermitted
from prefloop.store import people, texts
from prefloop.store.engine import Reader, Transaction

__all__ = ["LONGEST", "Edit", "comparison_rows", "record", "standing"]

LONGEST = 100_000  # characters; a correction longer than any answer is a mistake of the clipboard


@dataclass(frozen=True, slots=True)
class Edit:
    """What an annotator sends: how Response 1 or 2 of an assignment should have read."""

    assignment: str
    response: Literal[1, 2]
    text: str
    key: str


def record(tx: Transaction, campaign: Campaign, annotator: str, sent: Edit) -> str:
    """Record one edit; returns its id. A new edit of the same response supersedes the last.

    Raises BadInput for a text that corrects nothing, NotFound for somebody else's assignment,
    Conflict for a closed campaign or a key used for another edit.
    """
    if tx.actor != annotator:
        raise NotPermitted(f"{tx.actor} cannot edit in the name of {annotator}")
    people.require(tx, "judge")
    _check(sent)
    state = queries.hold_campaign(tx, campaign.id, "work in")
    shown = queries.assignments(tx, [sent.assignment]).get(sent.assignment)
    if shown is None or (shown.annotator, shown.campaign) != (annotator, campaign.id):
        raise NotFound(f"no such assignment of {annotator} in {campaign.name}")
    side = shown.first_shown if sent.response == 1 else "ab".replace(shown.first_shown, "")
    compared = queries.comparisons(tx, [shown.comparison])[shown.comparison]
    words = texts.put(tx, sent.text)
    known = queries.edit_by_key(tx, annotator, sent.key)
    if known is not None:
        if (known.assignment, known.side, known.text) != (shown.id, side, words):
            raise Conflict(f"key {sent.key!r} was used for another edit: make a new key")
        return str(known.id)
    if shown.state == "skipped":
        raise Conflict("you skipped this comparison: it went back to the others")
    if state == "closed":
        raise Conflict(f"campaign {campaign.name} is closed: keep the text, it was not recorded")
    if words in (compared.a, compared.b):
        raise BadInput("the edited text is one of the two responses: change something in it")
    before = queries.latest_edit(tx, shown.id, side)
    row = {
        "id": new_id(),
        "assignment": shown.id,
        "campaign": campaign.id,
        "comparison": shown.comparison,
        "annotator": annotator,
        "purpose": shown.purpose,
        "round": shown.round,
        "side": side,
        "text": words,
        "spec": campaign.spec,
        "key": sent.key,
        "supersedes": before.id if before else None,
        "created": tx.now,
    }
    tx.append(tables.edit, [row], action="edit.submit", subject=str(row["id"]))
    return str(row["id"])


def standing(reader: Reader, campaign: Campaign) -> Sequence[Any]:
    """The edits of a campaign's work that nothing supersedes, in the order they came."""
    found = queries.standing_edits(reader, campaign.id)
    return [row for row in found if queries.counts(row.purpose)]


def comparison_rows(
    edits: Iterable[Any], compared: Mapping[str, Any], origins: Mapping[str, Mapping[str, str]]
) -> Iterator[dict[str, Any]]:
    """Edits as rows of comparisons: the corrected text against what it corrects, each with the
    judgments of those who corrected it so. In id order, so that the same edits give the same file.
    """
    rows: dict[str, dict[str, Any]] = {}
    said: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for one in edits:
        row = compared[one.comparison]
        original = row.a if one.side == "a" else row.b
        a, b = sorted((one.text, original))
        name = digest([row.messages, a, b])
        edited = "a" if a == one.text else "b"
        writer = f"annotator {one.annotator}"
        model = origins[one.comparison][one.side]
        rows[name] = {
            "comparison": name,
            "messages": row.messages,
            "facts": row.facts,
            "a": a,
            "b": b,
            "origin": {"a": writer, "b": model} if edited == "a" else {"a": model, "b": writer},
            "edited": edited,
            "of": one.comparison,
        }
        said[name].append(_judgment(one, edited))
    for name in sorted(rows):
        yield {**rows[name], "judgments": sorted(said[name], key=lambda j: str(j["annotator"]))}


def _judgment(one: Any, edited: str) -> dict[str, Any]:
    return {
        "annotator": one.annotator,
        "purpose": one.purpose,
        "round": one.round,
        "verdict": edited,
        "strength": 1,
        "dimensions": {},
        "flags": [],
        "rationale": "",
        "first_shown": edited,
        "active_ms": 0,
        "spec": one.spec,
    }


def _check(sent: Edit) -> None:
    if sent.response not in (1, 2):
        raise BadInput(f"response {sent.response!r}: 1 or 2")
    if not sent.key or len(sent.key) > 200:
        raise BadInput("an edit needs a key of at most 200 characters")
    if not sent.text.strip():
        raise BadInput("the edited text is empty: write what the response should have said")
    if len(sent.text) > LONGEST:
        raise BadInput(f"the edited text has {len(sent.text)} characters: at most {LONGEST}")
