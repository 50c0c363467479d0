"""A turn: what is recorded, what is refused, and what stays in the browser."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient
from tests.web.annotating import Office, identity, item, open_office

from prefloop.annotation import tables as t
from prefloop.core.records import Completion, Prompt


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    opened = open_office(tmp_path)
    yield opened
    opened.project.ledger.close()


@pytest.fixture
def client(office: Office) -> Iterator[TestClient]:
    cookie = office.cookie("ann0")
    with TestClient(office.app, cookies={identity.COOKIE: cookie}) as opened:
        opened.headers.update(office.headers(cookie))
        yield opened


def ask(client: TestClient, sent: dict[str, Any] | None = None, **more: Any) -> Any:
    return client.post("/api/campaigns/support/turn", json={"submission": sent, **more})


def write(client: TestClient, method: str, path: str, body: dict[str, Any]) -> Any:
    """Sends what the client's own JSON has no place for: half a letter."""
    headers = {"content-type": "application/json"}
    return client.request(method, path, content=json.dumps(body), headers=headers)


def first(client: TestClient) -> dict[str, Any]:
    found: dict[str, Any] = ask(client).json()["next"][0]
    return found


def said(shown: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"assignment": shown["assignment"], "key": shown["assignment"], "choice": 1, **more}


def count(office: Office, table: sa.Table) -> int:
    with office.project.reader() as reader:
        return len(reader.all(sa.select(table)))


def test_a_turn_records_one_judgment_and_hands_out_the_next(
    office: Office, client: TestClient
) -> None:
    office.campaign(items=5)
    shown = first(client)
    answer = ask(client, said(shown, strength=3, dimensions={"honest": 2}, rationale="It is true."))
    body = answer.json()
    assert body["judgment"]
    assert body["state"] == "work"
    assert shown["assignment"] not in [one["assignment"] for one in body["next"]]
    with office.project.reader() as reader:
        (row,) = reader.all(sa.select(t.judgment))
    assert (row.strength, row.verdict) == (3, row.first_shown)


def test_the_same_key_again_gives_the_same_judgment(office: Office, client: TestClient) -> None:
    office.campaign(items=5)
    sent = said(first(client))
    assert ask(client, sent).json()["judgment"] == ask(client, sent).json()["judgment"]
    assert count(office, t.judgment) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"choice": 3},
        {"choice": "1"},
        {"choice": True},
        {"strength": 4},
        {"dimensions": {"helpful": 5}},
        {"dimensions": {"unheard of": 1}},
        {"flags": ["unheard of"]},
        {"active_ms": -1},
        {"focus_losses": -1},
        {"rationale": "x" * 20_001},
        {"purpose": "live"},
        {"purpose\ud800": "live"},
        {"key": "\ud800"},
        {"key": "\0"},
        {"rationale": "cut in h\ud83d"},
        {"rationale": "\0"},
        {"flags": ["\ud800"]},
        {"flags": ["dangerous", "dangerous"]},
        {"flags": [str(n) for n in range(101)]},
        {"flags": ["x" * 501]},
        {"dimensions": {"\ud800": 1}},
        {"dimensions": {"x" * 501: 1}},
        {"dimensions": {str(n): 1 for n in range(101)}},
        {"strength": True},
        {"active_ms": 10**40},
        {"away_ms": 10**40},
        {"choice": None, "ranking": [[1] * 51]},
        {"choice": None, "ranking": [[10**40]]},
    ],
)
def test_what_cannot_be_meant_is_refused_and_nothing_is_recorded(
    office: Office, client: TestClient, wrong: dict[str, Any]
) -> None:
    office.campaign(items=5)
    sent = said(first(client), **wrong)
    answer = write(client, "POST", "/api/campaigns/support/turn", {"submission": sent})
    assert answer.status_code == 422
    assert "\n" not in answer.json()["error"]
    assert len(answer.json()["error"]) < 400
    assert count(office, t.judgment) == 0


@pytest.mark.parametrize(
    ("rule", "dimensions", "status"),
    [
        ("optional", {"helpful": 2, "honest": 2}, 200),
        ("on_contradiction", {"helpful": 2, "honest": 2}, 422),
        ("on_contradiction", {"helpful": 2, "honest": 1}, 200),
        ("required", {}, 422),
    ],
)
def test_reasons_are_asked_for_as_the_campaign_says(
    office: Office, client: TestClient, rule: str, dimensions: dict[str, int], status: int
) -> None:
    office.campaign(items=5, rationale=rule)
    shown = first(client)
    assert ask(client, said(shown, dimensions=dimensions)).status_code == status
    if status != 200:
        words = said(shown, dimensions=dimensions, rationale="Only this one is true.")
        assert ask(client, words).status_code == 200


def test_a_second_judgment_of_the_same_comparison_is_a_conflict(
    office: Office, client: TestClient
) -> None:
    office.campaign(items=5)
    shown = first(client)
    ask(client, said(shown))
    answer = ask(client, said(shown, choice=2))
    assert answer.status_code == 409


def test_a_revision_replaces_the_judgment(office: Office, client: TestClient) -> None:
    office.campaign(items=5)
    shown = first(client)
    before = ask(client, said(shown)).json()["judgment"]
    again = said(shown, choice=2, key="again", revises=True)
    after = ask(client, again).json()["judgment"]
    assert ask(client, again).json()["judgment"] == after != before
    last = client.get("/api/campaigns/support/last").json()
    assert last["said"]["choice"] == 2
    assert last["item"]["assignment"] == shown["assignment"]


def test_a_draft_is_kept_shown_again_and_gone_once_judged(
    office: Office, client: TestClient
) -> None:
    office.campaign(items=5)
    shown = first(client)
    path = f"/api/drafts/{shown['assignment']}"
    assert client.put(path, json={"rationale": "half", "at": 5}).json() == {"kept": True}
    assert first(client)["draft"]["rationale"] == "half"
    client.post("/api/campaigns/support/leave")
    found = {one["assignment"]: one for one in ask(client, want=5).json()["next"]}
    assert found[shown["assignment"]]["draft"]["rationale"] == "half"
    ask(client, said(shown))
    assert count(office, t.draft) == 0
    assert client.put(path, json={"rationale": "late"}).json() == {"kept": False}
    assert count(office, t.draft) == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"flags": ["\ud800"]},
        {"flags": ["a\0"]},
        {"flags": ["x" * 501]},
        {"flags": ["same", "same"]},
        {"flags": [str(n) for n in range(101)]},
        {"dimensions": {"\ud800": 1}},
        {"dimensions": {"x" * 3_000_000: 1}},
        {"dimensions": {"honest": True}},
        {"ranks": {"\ud800": 1}},
        {"ranks": {"x" * 65: 1}},
        {"ranks": {"1": 10**40}},
        {"rationale": "\ud800"},
        {"rationale": "x" * 20_001},
        {"at": 10**40},
    ],
)
def test_a_draft_that_cannot_be_kept_is_refused_and_the_next_turn_works(
    office: Office, client: TestClient, wrong: dict[str, Any]
) -> None:
    office.campaign(items=5)
    path = f"/api/drafts/{first(client)['assignment']}"
    answer = write(client, "PUT", path, wrong)
    assert answer.status_code == 422
    assert len(answer.json()["error"]) < 400
    assert count(office, t.draft) == 0
    assert ask(client, want=2).status_code == 200


def test_a_draft_may_be_as_long_as_what_is_sent(office: Office, client: TestClient) -> None:
    office.campaign(items=5)
    shown = first(client)
    words = "é" * 20_000
    path = f"/api/drafts/{shown['assignment']}"
    assert client.put(path, json={"rationale": words}).status_code == 200
    assert first(client)["draft"]["rationale"] == words
    assert ask(client, said(shown, rationale=words)).status_code == 200


def test_a_strange_character_is_named_by_its_place(office: Office, client: TestClient) -> None:
    office.campaign(items=5)
    answer = ask(client, said(first(client), rationale="so\0"))
    assert "character 3 (U+0000) cannot be stored" in answer.json()["error"]


@pytest.mark.parametrize("response", [True, "1", 0, 3, 1.0, None])
def test_an_edit_is_of_response_1_or_2(
    office: Office, client: TestClient, response: object
) -> None:
    office.campaign(items=5)
    name = first(client)["assignment"]
    sent = {"assignment": name, "response": response, "text": "Better.", "key": "k"}
    assert client.post("/api/campaigns/support/edit", json=sent).status_code == 422
    assert count(office, t.edit) == 0
    assert client.post("/api/campaigns/support/edit", json={**sent, "response": 1}).is_success


@pytest.mark.parametrize("way", ["edit", "skip"])
@pytest.mark.parametrize("words", ["\ud800", "a\0"])
def test_words_that_cannot_be_stored_are_refused(
    office: Office, client: TestClient, way: str, words: str
) -> None:
    office.campaign(items=5)
    sent: dict[str, Any] = {"assignment": first(client)["assignment"], "key": "k"}
    sent |= {"response": 1, "text": words} if way == "edit" else {"why": words}
    answer = write(client, "POST", f"/api/campaigns/support/{way}", sent)
    assert answer.status_code == 422


def test_an_unknown_dimension_is_echoed_in_part(office: Office, client: TestClient) -> None:
    office.campaign(items=5)
    answer = ask(client, said(first(client), dimensions={"x" * 400: 1}))
    assert "is not in the specification" in answer.json()["error"]
    assert len(answer.json()["error"]) < 200


def test_attention_is_recorded_once_and_only_where_it_was_lost(
    office: Office, client: TestClient
) -> None:
    office.campaign(items=5)
    one = first(client)
    ask(client, said(one, focus_losses=2, away_ms=900))
    ask(client, said(one, focus_losses=2, away_ms=900))
    ask(client, said(first(client)))
    with office.project.reader() as reader:
        (row,) = reader.all(sa.select(t.attention))
    assert (row.focus_losses, row.away_ms) == (2, 900)


def test_leaving_gives_back_what_is_held(office: Office, client: TestClient) -> None:
    office.campaign(items=5)
    ask(client, want=3)
    assert client.post("/api/campaigns/support/leave").json() == {"returned": 3}


def test_strangers_and_pages_without_a_token_are_turned_away(
    office: Office, client: TestClient
) -> None:
    office.campaign(items=5)
    del client.headers["x-csrf-token"]
    assert ask(client).status_code == 403
    client.cookies.clear()
    assert ask(client).status_code == 401


def test_words_that_would_run_are_words(office: Office, client: TestClient) -> None:
    evil = "<script>alert(1)</script><img src=x onerror=alert(1)> [x](javascript:alert(1)) \x00"
    office.campaign(items=[type(item(1))(Prompt.of(evil), Completion(evil), Completion("no"))])
    shown = first(client)
    text = shown["turns"][0]["html"] + "".join(shown["responses"])
    assert "<script" not in text
    assert "<img" not in text
    assert "javascript:" not in text.replace("](javascript:", "")


def test_ten_megabytes_come_through_as_plain_text(office: Office, client: TestClient) -> None:
    big = "*a* <b> " * 1_250_000
    office.campaign(items=[type(item(1))(Prompt.of(big), Completion("yes"), Completion("no"))])
    html = first(client)["turns"][0]["html"]
    assert html.startswith('<pre class="plain">*a* &lt;b&gt; ')
    assert len(html) > 10_000_000


def test_a_campaign_that_is_not_there_is_not_here(client: TestClient) -> None:
    assert ask(client).status_code == 404
    assert client.get("/campaigns/support/work").status_code == 404


def test_the_policy_lets_no_script_or_style_in_the_page_run(
    office: Office, client: TestClient
) -> None:
    office.campaign(items=5)
    for path in ("/", "/campaigns/support/work", "/campaigns/support/playbook"):
        page = client.get(path)
        policy = page.headers["content-security-policy"]
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
        assert " style=" not in page.text
        assert "<style" not in page.text
        assert "<script>" not in page.text
        assert " onclick" not in page.text


def test_an_anchor_is_explained_once_it_is_judged(office: Office, client: TestClient) -> None:
    anchors = [item(n, "anchor") for n in range(2)]
    office.campaign(items=[*anchors, item(7)], calibration={"anchors": 2})
    shown = first(client)
    right = 1 if "right" in shown["responses"][0] else 2
    answer = ask(client, said(shown, choice=3 - right)).json()
    assert answer["expert"]["choice"] == right
    assert answer["expert"]["explanation"].startswith("expert says")


def test_a_gold_item_is_never_explained(office: Office, client: TestClient) -> None:
    gold = [item(n, "gold") for n in range(5)]
    rules: dict[str, Any] = {"gold_share": 0.9, "calibration": {"anchors": 1}}
    office.campaign(items=[item(0, "anchor"), *gold, *(item(9 + n) for n in range(9))], **rules)
    experts = []
    inside = ask(client).json()["next"]
    while inside:
        shown = inside[0]
        right = 1 if "right" in shown["responses"][0] else 2
        answer = ask(client, said(shown, choice=right), want=1).json()
        experts.append(answer["expert"])
        inside = answer["next"]
    with office.project.reader() as reader:
        purposes = {row.purpose for row in reader.all(sa.select(t.judgment.c.purpose))}
    assert {"anchor", "gold", "live"} <= purposes
    assert [one is None for one in experts] == [False, *[True] * (len(experts) - 1)]
