"""The first page: what there is to do for whom."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from tests.web.annotating import LEAD, Office, identity, item, open_office

from prefloop.annotation import campaigns, judgments, queries, queue
from prefloop.annotation.judgments import Submission


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    opened = open_office(tmp_path)
    yield opened
    opened.project.ledger.close()


def page(office: Office, handle: str, path: str = "/") -> str:
    with TestClient(office.app, cookies={identity.COOKIE: office.cookie(handle)}) as client:
        answer = client.get(path)
    assert answer.status_code == 200
    return answer.text


def set_state(office: Office, name: str, state: str) -> None:
    with office.project.as_(LEAD).transaction() as tx:
        campaigns.set_state(tx, campaigns.get(tx, name), state, "because")


def test_an_open_campaign_has_one_button(office: Office) -> None:
    office.campaign("support", items=4)
    text = page(office, "ann0")
    assert text.count('href="/campaigns/support/work"') == 1
    assert "0 % of all judgments are in" in text


def test_without_campaigns_the_page_says_what_will_come(office: Office) -> None:
    assert "Nothing to compare yet" in page(office, "ann0")


def test_paused_campaigns_are_shown_without_a_button_and_closed_ones_not_at_all(
    office: Office,
) -> None:
    office.campaign("one", items=2)
    office.campaign("two", items=2)
    set_state(office, "one", "paused")
    set_state(office, "two", "closed")
    text = page(office, "ann0")
    assert "Nothing is handed out while it is paused" in text
    assert "/campaigns/one/work" not in text
    assert "two" not in text.split("<main", 1)[1].replace("Compare two", "")


def test_gold_moves_the_percent_like_work(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """12 of work and 4 gold at a share of 1/4: each judgment, of whatever, is 1/16 or 6.25 %."""
    monkeypatch.setattr("prefloop.web.home._KEPT_SECONDS", -1.0)
    items = [*(item(n) for n in range(12)), *(item(n, "gold") for n in range(12, 16))]
    campaign = office.campaign("support", items, gold_share=0.25)
    seen, kinds = list[int](), list[str]()
    while True:
        shown = re.search(r"(\d+) % of all judgments", page(office, "ann0"))
        assert shown
        seen.append(int(shown[1]))
        with office.project.as_("ann0").transaction() as tx:
            given = queue.claim(tx, campaign, "ann0")
            if not given:
                break
            (one,) = given
            kinds.append(queries.assigned(tx, [one.assignment])[one.assignment].purpose)
            sent = Submission(one.assignment, 1, key=one.assignment)
            judgments.submit(tx, campaign, "ann0", [sent])
    assert "gold" in kinds[:-1]
    assert seen == [min(int(6.25 * n), 99) for n in range(len(kinds))] + [100]


def test_calibration_is_announced(office: Office) -> None:
    office.campaign("support", items=[item(0, "anchor"), item(1)], calibration={"anchors": 1})
    assert "Begin calibration" in page(office, "ann0")


def test_what_is_done_stands_last_and_without_a_primary_button(office: Office) -> None:
    done = office.campaign("all in", items=1)
    office.campaign("begun", items=2)
    with office.project.as_("ann1").transaction() as tx:
        (one,) = queue.claim(tx, done, "ann1")
        judgments.submit(tx, done, "ann1", [Submission(one.assignment, 1, key="k")])
    text = page(office, "ann0")
    assert text.index("<h2>begun") < text.index("<h2>all in") < text.index(">done</span>")
    assert text.count("button primary") == 1
    assert 'href="/campaigns/all%20in/work"' in text


def test_who_does_not_judge_is_offered_no_comparisons(office: Office) -> None:
    office.campaign("support", items=4)
    text = page(office, LEAD)
    assert "/campaigns/support/work" not in text
    assert "Comparing takes the role annotator or senior." in text


def test_the_playbook_is_the_published_one_and_anybody_signed_in_may_read_it(
    office: Office,
) -> None:
    office.campaign("support", items=4)
    for who in ("ann0", LEAD):
        text = page(office, who, "/campaigns/support/playbook")
        assert "Never acceptable, however good otherwise" in text
        assert "Skip it with a note" in text


def test_names_with_odd_letters_lead_to_their_pages(office: Office) -> None:
    office.campaign("july 2026/ä?", items=4)
    (link,) = re.findall(r'href="(/campaigns/[^"]*/work)"', page(office, "ann0"))
    assert 'data-campaign="july 2026/ä?"' in page(office, "ann0", link)
