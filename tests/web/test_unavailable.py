"""The ledger goes away and comes back: 503 meanwhile, for pages and scripts, then on as before."""

import os
from pathlib import Path

from fastapi.testclient import TestClient
from tests.web.annotating import open_office

from prefloop.store.verify import verify
from prefloop.web.identity import COOKIE

TURN = "/api/campaigns/support/turn"


def test_a_ledger_that_is_away_is_503_and_the_server_recovers_by_itself(tmp_path: Path) -> None:
    office = open_office(tmp_path)
    office.campaign()
    cookie = office.cookie("ann0")
    client = TestClient(office.app, cookies={COOKIE: cookie}, raise_server_exceptions=False)
    client.headers.update(office.headers(cookie))
    held = client.post(TURN, json={}).json()["held"]
    sent = {"submission": {"assignment": held[0], "key": held[0], "choice": 1}}

    place, elsewhere = tmp_path / ".prefloop" / "ledger.db", tmp_path / "elsewhere.db"
    os.rename(place, elsewhere)
    for _ in range(3):
        answer = client.post(TURN, json=sent)
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "2"
        assert "is away" in answer.json()["error"]
    page = client.get("/")
    assert page.status_code == 503
    assert "text/html" in page.headers["content-type"]
    assert not place.exists()

    os.rename(elsewhere, place)
    answer = client.post(TURN, json=sent)
    assert answer.status_code == 200
    assert answer.json()["judgment"]
    assert client.post(TURN, json=sent).json()["judgment"] == answer.json()["judgment"]
    assert verify(office.project.ledger).problems == []
    office.project.ledger.close()
