"""What waits for a second person, and who said what to the rest."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from tests.web.annotating import LEAD, SECOND, Office, identity, open_office

from prefloop.store import proposals


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    opened = open_office(tmp_path)
    yield opened
    opened.project.ledger.close()


def test_what_was_decided_names_who_decided_it_and_when(office: Office) -> None:
    with office.project.ledger.reader() as reader:
        (one,) = proposals.listing(reader)
        ((word,),) = proposals.decisions(reader).values()
    assert (one.proposer, word.person, word.approve) == (LEAD, SECOND, True)
    with TestClient(office.app, cookies={identity.COOKIE: office.cookie(SECOND)}) as client:
        text = client.get("/proposals").text
    assert re.search(rf">approved</span> by {SECOND}, \d{{4}}-\d\d-\d\d \d\d:\d\d<", text)
