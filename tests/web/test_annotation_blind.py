"""What reaches an annotator's browser tells nothing about what an item is for, or who wrote it."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient
from tests.web.annotating import MODELS, Office, identity, item, open_office

from prefloop.annotation import tables as t

SEED = 424242
NAME = "support"
# Words that would tell, in any field, header or page. "relabel" stands for any other purpose.
TELLING = ("gold", "duplicate", "anchor", "spot check", "relabel", "overlap", "lane", "expert says")


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    opened = open_office(tmp_path)
    yield opened
    opened.project.ledger.close()


@pytest.fixture
def client(office: Office) -> Iterator[TestClient]:
    office.campaign(
        NAME,
        items=[item(n) for n in range(40)] + [item(100 + n, "gold") for n in range(12)],
        overlap=2,
        gold_share=0.25,
        duplicate_share=0.25,
        duplicate_distance=3,
        seed=SEED,
    )
    with TestClient(office.app, base_url="http://testserver") as opened:
        cookie = office.cookie("ann0")
        opened.cookies.set(identity.COOKIE, cookie)
        opened.headers.update(office.headers(cookie))
        yield opened


def turn(client: TestClient, sent: dict[str, Any] | None, **more: Any) -> Any:
    answer = client.post(f"/api/campaigns/{NAME}/turn", json={"submission": sent, **more})
    assert answer.status_code == 200, answer.text
    return answer


def judgment(shown: dict[str, Any], **said: Any) -> dict[str, Any]:
    return {"assignment": shown["assignment"], "key": shown["assignment"], "choice": 1, **said}


def shape(value: Any) -> Any:
    """Names and types, without what is said."""
    if isinstance(value, dict):
        return {name: shape(part) for name, part in sorted(value.items())}
    if isinstance(value, list):
        return [shape(part) for part in value]
    return type(value).__name__


def leaves(value: Any) -> Iterator[Any]:
    """Every name and every value."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield name
            yield from leaves(part)
    elif isinstance(value, list):
        for part in value:
            yield from leaves(part)
    else:
        yield value


def purposes(office: Office) -> dict[str, str]:
    with office.project.reader() as reader:
        rows = reader.all(sa.select(t.assignment.c.id, t.assignment.c.purpose))
    return {row.id: row.purpose for row in rows}


def hidden(office: Office) -> set[str]:
    """Everything the server knows of these items that a browser may not."""
    with office.project.reader() as reader:
        items = reader.all(sa.select(t.queue_item))
        compared = reader.all(sa.select(t.comparison))
    digests = {row.comparison for row in items}
    for row in compared:
        digests |= {row.a, row.b, *(message["text"] for message in row.messages)}
    return {*digests, *MODELS, str(SEED), *TELLING}


def test_gold_repeats_and_work_look_alike_in_every_field(
    office: Office, client: TestClient
) -> None:
    shapes: dict[str, set[str]] = defaultdict(set)
    secrets = hidden(office)
    answers = [turn(client, None, want=3)]
    inside = answers[0].json()["next"]
    while inside:
        shown = inside.pop(0)
        have = [one["assignment"] for one in inside]
        answer = turn(client, judgment(shown), have=have, want=3)
        last = client.get(f"/api/campaigns/{NAME}/last")
        draft = client.put(f"/api/drafts/{shown['assignment']}", json={"choice": 1})
        answers += [answer, last, draft]
        fresh = answer.json()["next"]
        inside += fresh
        purpose = purposes(office)
        told = [shape(shown), shape(last.json()), shape(draft.json()), sorted(answer.headers)]
        rest = {k: v for k, v in answer.json().items() if k not in ("next", "held", "break_until")}
        shapes[purpose[shown["assignment"]]].add(json.dumps([*told, shape(rest)]))
    assert set(shapes) == {"live", "gold", "duplicate"}
    assert len(set().union(*shapes.values())) == 1
    for answer in answers:
        texts = {*answer.headers.values(), *map(str, leaves(answer.json()))}
        assert [one for one in secrets if any(one in text for text in texts)] == []


def test_what_is_done_counts_every_item_alike(office: Office, client: TestClient) -> None:
    first = turn(client, None, want=3).json()
    inside, done = first["next"], [first["done"]]
    for _ in range(30):
        shown = inside.pop(0)
        answer = turn(
            client, judgment(shown), have=[one["assignment"] for one in inside], want=3
        ).json()
        done.append(answer["done"])
        inside += answer["next"]
        assert len(inside) == len(answer["held"]) == 3
    assert done == list(range(31))


def test_ids_are_opaque(office: Office, client: TestClient) -> None:
    found = turn(client, None, want=10).json()
    ids = [one["assignment"] for one in found["next"]]
    assert all(re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", one) for one in ids)
    assert sorted(ids) == ids  # made in the order they are shown: nothing else orders them


def test_no_page_holds_what_would_tell(office: Office, client: TestClient) -> None:
    secrets = hidden(office) - {"overlap", "lane", "expert says"}
    for path in ("/", f"/campaigns/{NAME}/work", f"/campaigns/{NAME}/playbook"):
        page = client.get(path)
        assert page.status_code == 200
        assert [one for one in secrets if one in page.text] == []


def test_another_annotators_work_is_not_here(office: Office, client: TestClient) -> None:
    mine = turn(client, None, want=1).json()["next"][0]["assignment"]
    cookie = office.cookie("ann1")
    with TestClient(office.app, cookies={identity.COOKIE: cookie}) as other:
        other.headers.update(office.headers(cookie))
        draft = other.put(f"/api/drafts/{mine}", json={"rationale": "not mine"})
        theirs = turn(other, None, want=1).json()
        sent = other.post(
            f"/api/campaigns/{NAME}/turn",
            json={"submission": {"assignment": mine, "key": mine, "choice": 1}},
        )
        last = other.get(f"/api/campaigns/{NAME}/last").json()
    assert (draft.status_code, sent.status_code) == (404, 404)
    assert last == {"item": None, "said": None}
    assert theirs["next"][0]["assignment"] != mine


def test_a_lead_or_engineer_cannot_read_comparisons_here(office: Office) -> None:
    cookie = office.cookie("lena")
    with TestClient(office.app, cookies={identity.COOKIE: cookie}) as lead:
        lead.headers.update(office.headers(cookie))
        assert lead.post(f"/api/campaigns/{NAME}/turn", json={}).status_code == 403
