"""What other rooms ask annotation to have judged, and what becomes of it.

A request names exactly the comparisons that are meant; nothing is chosen again when it is taken
up. With the comparisons of a relabelling goes a control: a random sample of those that the filter
does not name, judged again by the same people at the same time, so that how often plain noise
turns a verdict round is known. Control labels belong to an evaluation and never become training
data.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from prefloop.annotation import campaigns, filters, queries, tables
from prefloop.annotation.campaigns import Campaign, CampaignSettings
from prefloop.annotation.filters import Filter
from prefloop.annotation.items import Item, add_items
from prefloop.core.digest import digest, new_id, rng
from prefloop.core.errors import BadInput, Conflict, NotFound
from prefloop.core.records import CampaignRequest, Completion, Purpose
from prefloop.store import artifacts, people, texts
from prefloop.store.artifacts import Artifact
from prefloop.store.engine import Reader, Transaction
from prefloop.store.rows import read_prompt

__all__ = ["ask", "behind", "decline", "get", "listing", "take_up"]

Row = dict[str, Any]


def ask(
    tx: Transaction,
    batch: Artifact,
    wanted: Filter,
    spec: str,
    *,
    control: int,
    reason: str,
    evidence: Sequence[Artifact] = (),
    seed: int = 0,
) -> CampaignRequest:
    """Ask that the comparisons of `batch` which the filter names are judged again under `spec`,
    and `control` others with them; `evidence` is what showed that it is needed.

    Asking the same again is one request, unless it was declined. Raises BadInput for a filter that
    names nothing, or leaves too few comparisons outside it.
    """
    people.require(tx, "campaign.request")
    _check(batch, evidence, reason, control)
    followed = campaigns.published(tx, spec)
    rows = [row for row in artifacts.read_rows(tx, batch, "comparisons") if filters.work(row)]
    whole = _whole(tx, rows)
    meant = filters.select(whole, wanted, lambda digests: texts.get_many(tx, digests))
    path = (batch.digest, followed.digest, digest(wanted.as_json))
    others = sorted({row["comparison"] for row in whole}.difference(meant))
    if control > len(others):
        raise BadInput(
            f"a control of {control} is wanted, and the filter leaves {len(others)} comparisons "
            "outside it: ask for fewer, or narrow the filter"
        )
    drawn = rng(seed, "control", *path).choice(len(others), control, replace=False)
    request = CampaignRequest(
        id=new_id(),
        purpose=Purpose.RELABEL,
        reason=reason.strip(),
        asked_by=tx.actor,
        asked=tx.now,
        spec=followed.digest,
        sources=(batch.digest, *sorted({one.digest for one in evidence})),
        filter=wanted.as_json,
        comparisons=tuple(sorted(meant)),
        control=tuple(sorted(others[int(n)] for n in drawn)),
    )
    return _keep(tx, request)


def get(reader: Reader, reference: str) -> CampaignRequest:
    """The request with this id; its last eight or more characters suffice."""
    rows = queries.requests_ending(reader, reference) if len(reference) >= 8 else []
    if len(rows) != 1:
        raise NotFound(f"no request {reference!r}: prefloop campaign requests lists them")
    return _read(reader, rows[0])


def listing(reader: Reader) -> list[CampaignRequest]:
    """Every request, oldest first."""
    return [_read(reader, row) for row in queries.request_rows(reader)]


def behind(reader: Reader, campaign: str) -> CampaignRequest | None:
    """The request that the campaign with this id was opened for."""
    row = queries.request_behind(reader, campaign)
    return None if row is None else _read(reader, row)


def take_up(
    tx: Transaction,
    request: CampaignRequest,
    name: str,
    settings: CampaignSettings,
    known: Sequence[Item] = (),
) -> tuple[Campaign, ...]:
    """Open the campaign that was asked for and, where there is a control, one beside it.

    Both have the same settings and the same gold and anchor items (`known`), so that the same
    people can judge both; purpose and round are the request's. The control is called NAME-2:
    annotators may see a name, and it must not say what is expected of them. A comparison with an
    erased text is left out. Taking it up again under the same name changes nothing.
    """
    people.require(tx, "campaign.manage")
    queries.hold_request(tx, request.id)
    taken = _campaigns(tx, get(tx, request.id))
    if taken and taken[0].name == name:
        return taken
    _open(tx, request)
    if any(item.answer is None for item in known):
        raise BadInput("only gold and anchor items go with a request: what is judged, it names")
    batch = artifacts.get(tx, request.sources[0])
    rows = {row["comparison"]: row for row in artifacts.read_rows(tx, batch, "comparisons")}
    wanted = [request.comparisons, request.control] if request.control else [request.comparisons]
    round_ = 1 + max(
        batch.manifest["round"], queries.last_round(tx, [*request.comparisons, *request.control])
    )
    made = []
    for number, ids in enumerate(wanted):
        about = {"purpose": Purpose.EVALUATION if number else request.purpose, "round": round_}
        campaign = campaigns.create(
            tx,
            f"{name}-2" if number else name,
            request.spec,
            settings.model_copy(update=about),
            request.sources,
        )
        again = _items(tx, _whole(tx, [rows[one] for one in ids]))
        if not again:
            raise BadInput("every comparison of this request has an erased text: decline it")
        add_items(tx, campaign, [*again, *known])
        made.append(campaign)
    _answer(tx, request, "taken up", "", made)
    return tuple(made)


def decline(tx: Transaction, request: CampaignRequest, reason: str) -> CampaignRequest:
    """Say no to a request, and why."""
    people.require(tx, "campaign.manage")
    if not reason.strip():
        raise BadInput("a request is declined with a reason: say why")
    queries.hold_request(tx, request.id)
    _open(tx, request)
    _answer(tx, request, "declined", reason.strip(), [])
    return get(tx, request.id)


def _check(batch: Artifact, evidence: Sequence[Artifact], reason: str, control: int) -> None:
    if batch.manifest["purpose"] == Purpose.EVALUATION:
        raise BadInput(
            f"batch {batch.short} ({batch.manifest['campaign']}) was made to evaluate: relabelling "
            "it would make training data of it"
        )
    for one in evidence:
        if one.kind != "evaluation":
            raise BadInput(f"{one.short} is a {one.kind}: evidence for a request is an evaluation")
    if not reason.strip():
        raise BadInput("a request needs a reason: say what the old labels got wrong")
    if control < 0:
        raise BadInput(f"a control of {control}: 0 or more comparisons")


def _keep(tx: Transaction, request: CampaignRequest) -> CampaignRequest:
    for other in listing(tx):
        if other.state != "declined" and other.content == request.content:
            return other
    row = {
        **request.content,
        "id": request.id,
        "asked_by": request.asked_by,
        "asked": request.asked,
    }
    tx.append(
        tables.campaign_request,
        [row],
        action="campaign.request",
        subject=request.id,
        detail={"content": digest(request.content), "comparisons": len(request.comparisons)},
    )
    return get(tx, request.id)


def _read(reader: Reader, row: Any) -> CampaignRequest:
    state = queries.request_state(reader, row.id)
    became: dict[str, Any] = {}
    if state is not None:
        opened = tuple(one for one in (state.campaign, state.control) if one is not None)
        became = {"state": state.state, "campaigns": opened, "answer": state.reason}
    return CampaignRequest(
        id=row.id,
        purpose=Purpose(row.purpose),
        reason=row.reason,
        asked_by=row.asked_by,
        asked=row.asked,
        spec=row.spec,
        sources=tuple(row.sources),
        filter=row.filter,
        comparisons=tuple(row.comparisons),
        control=tuple(row.control),
        **became,
    )


def _campaigns(reader: Reader, request: CampaignRequest) -> tuple[Campaign, ...]:
    known = queries.campaigns_by_id(reader, request.campaigns)
    return tuple(campaigns.get(reader, known[one].name) for one in request.campaigns)


def _open(tx: Transaction, request: CampaignRequest) -> None:
    """Raise Conflict for a request that was answered already."""
    state = queries.request_state(tx, request.id)
    if state is not None:
        raise Conflict(f"request {request.id[-12:]} is {state.state} already: ask again if need be")


def _answer(
    tx: Transaction, request: CampaignRequest, state: str, reason: str, made: Sequence[Campaign]
) -> None:
    row = {
        "request": request.id,
        "number": 1,
        "state": state,
        "reason": reason,
        "campaign": made[0].id if made else None,
        "control": made[1].id if len(made) > 1 else None,
    }
    tx.append(
        tables.campaign_request_state,
        [row],
        action="campaign.take" if made else "campaign.decline",
        subject=request.id,
        detail={"campaigns": [one.id for one in made], "reason": reason},
    )


def _words(row: Row) -> Iterable[str]:
    yield row["a"]
    yield row["b"]
    yield from (message["text"] for message in row["messages"])


def _whole(reader: Reader, rows: Sequence[Row]) -> list[Row]:
    """Rows none of whose texts was erased."""
    words = texts.get_many(reader, (name for row in rows for name in _words(row)))
    return [row for row in rows if all(words[name] is not None for name in _words(row))]


def _items(reader: Reader, rows: Sequence[Row]) -> list[Item]:
    """Rows of a batch as items: the same comparisons, with who wrote a and b."""
    words = texts.get_many(reader, (name for row in rows for name in _words(row)))
    return [
        Item(
            read_prompt(row, words),
            Completion(words[row["a"]] or "", row["origin"]["a"]),
            Completion(words[row["b"]] or "", row["origin"]["b"]),
        )
        for row in rows
    ]
