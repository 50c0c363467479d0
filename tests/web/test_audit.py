"""The audit chain in the web: searched, paged, verified; and proposals decided by two."""

import re
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from tests.web.conftest import Desk

from prefloop.spec import publish
from prefloop.spec.model import parse
from prefloop.spec.playbook import STARTER
from prefloop.store import artifacts, names, people, proposals, tables
from prefloop.web import audit as audit_page


def rows(page: str) -> list[list[str]]:
    """The cells of a page's events."""
    found = re.findall(r"<tr>(<td class=\"number\">.*?)</tr>", page)
    return [[re.sub(r"<[^>]+>", "", c) for c in re.findall(r"<td.*?</td>", r)] for r in found]


def test_events_are_found_by_actor_action_subject_and_time(each_desk: Desk) -> None:
    with each_desk.project.ledger.transaction("cleo") as tx:
        tx.event("note.first", "a subject", {"by": "hand"})
        tx.event("note.second", "another")
        tx.event("note_x", "a subject")
    olga = each_desk.browser("olga")
    today = datetime.fromtimestamp(each_desk.now(), UTC).date().isoformat()

    def found(**wanted: str) -> list[tuple[str, str]]:
        page = olga.get("/audit", params=wanted)
        assert page.status_code == 200
        return [(one[2], one[3]) for one in rows(page.text)]

    assert found(actor="cleo") == [
        ("cleo", "note_x"),
        ("cleo", "note.second"),
        ("cleo", "note.first"),
    ]
    assert found(action="note.") == [("cleo", "note.second"), ("cleo", "note.first")]
    assert found(action="note_") == [("cleo", "note_x")], "not a pattern"
    assert found(action="note", subject="a s") == [("cleo", "note_x"), ("cleo", "note.first")]
    assert found(action="note", since=today, until=today) == found(action="note")
    assert found(action="note", until="2020-01-01") == []
    assert found(action="note", since="2099-01-01") == []
    assert found(actor="' OR 1=1 --") == []


def test_a_date_that_is_none_is_named(desk: Desk) -> None:
    page = desk.browser("olga").get("/audit", params={"since": "yesterday"})
    assert page.status_code == 422
    assert "&#39;yesterday&#39; is no date: write it as 2026-11-21" in page.text


def test_pages_hold_every_event_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_page, "_PAGE", 4)
    with desk.project.ledger.transaction("cleo") as tx:
        for n in range(10):
            tx.event("note", str(n))
    olga, path, seen = desk.browser("olga"), "/audit?action=note", []
    while path:
        page = olga.get(path).text
        seen += [one[4] for one in rows(page)]
        more = re.search(r'href="(/audit\?[^"]+)">Older', page)
        path = more.group(1).replace("&amp;", "&") if more else ""
    assert seen == [str(n) for n in reversed(range(10))]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        (f"before={2**63}", "query.before: Input should be less than or equal to"),
        ("before=-1", "query.before"),
        ("before=" + "9" * 5000, "query.before"),
        *[(f"{name}={'x' * 50_000}", f"query.{name}: String should have at most 200")
          for name in ("actor", "action", "subject", "since", "until")],
    ],
    ids=lambda v: v[:20],
)  # fmt: skip
def test_a_search_beyond_what_the_ledger_holds_is_one_line(
    desk: Desk, path: str, said: str
) -> None:
    answer = desk.browser("olga").get(f"/audit?{path}")
    assert (answer.status_code, said in answer.text) == (422, True)
    assert "x" * 300 not in answer.text


def test_the_last_number_and_the_longest_words_are_looked_for(each_desk: Desk) -> None:
    olga = each_desk.browser("olga")
    assert "person.add" in olga.get(f"/audit?before={2**63 - 1}").text
    assert olga.get(f"/audit?subject={'%' * 200}&actor={'_' * 200}").status_code == 200


def test_an_auditor_proves_that_the_ledger_is_whole(each_desk: Desk) -> None:
    page = each_desk.browser("olga").press("/audit", "/audit/verify")
    assert "<strong>Whole</strong>" in page.text
    with each_desk.project.reader() as reader:
        last = reader.one(sa.select(tables.event.c.hash).order_by(tables.event.c.seq.desc()))
    assert last is not None
    assert last.hash in page.text


def test_what_was_altered_is_named(each_desk: Desk) -> None:
    with each_desk.project.ledger.engine.connect() as connection, connection.begin():
        connection.execute(
            sa.update(tables.event).where(tables.event.c.seq == 2).values(actor="mallory")
        )
    page = each_desk.browser("olga").press("/audit", "/audit/verify")
    assert "<strong>Not whole</strong>" in page.text
    assert "event 2 (role.revoke by mallory): was altered" in page.text


def test_one_verification_at_a_time(desk: Desk) -> None:
    with audit_page._VERIFYING:
        page = desk.browser("olga").press("/audit", "/audit/verify")
    assert page.status_code == 409
    assert desk.browser("olga").press("/audit", "/audit/verify").status_code == 200


def propose(desk: Desk, by: str = "ben") -> proposals.Proposal:
    with desk.project.ledger.transaction(by) as tx:
        made = publish.publish(tx, parse(STARTER), "spec/main", "the <first>")
        assert made.proposal is not None
        return made.proposal


def test_a_second_person_approves_and_it_takes_effect(each_desk: Desk) -> None:
    proposal = propose(each_desk)
    sam = each_desk.browser("sam")
    page = sam.get("/proposals").text
    assert "spec: becomes the next version of spec/main" in page
    assert "the &lt;first&gt;" in page
    done = sam.press("/proposals", f"/proposals/{proposal.id}/approve", reason="read it")
    assert done.status_code == 303
    with each_desk.project.reader() as reader:
        assert names.names_of(reader, proposal.subject) == ["spec/main@v1"]
    assert "approved" in sam.get("/proposals").text
    assert each_desk.actions()[-2].startswith("spec.approve")


def test_nobody_approves_their_own_admins_included(desk: Desk) -> None:
    proposal = propose(desk)
    with desk.project.ledger.transaction("ana") as tx:
        people.grant(tx, "ben", "admin")
        people.grant(tx, "ana", "lead")
    ben = desk.browser("ben")
    assert "You proposed this: somebody else decides." in ben.get("/proposals").text
    for word in ("approve", "reject"):
        done = ben.press("/account", f"/proposals/{proposal.id}/{word}")
        assert done.status_code == 403
        assert "somebody else has to approve it" in done.text
    assert (
        desk.browser("ana").press("/proposals", f"/proposals/{proposal.id}/approve").status_code
        == 303
    )


def test_a_rejected_proposal_stays_on_record_without_effect(desk: Desk) -> None:
    proposal = propose(desk)
    sam = desk.browser("sam")
    assert (
        sam.press("/proposals", f"/proposals/{proposal.id}/reject", reason="no").status_code == 303
    )
    again = sam.press("/account", f"/proposals/{proposal.id}/approve")
    assert (again.status_code, "already rejected" in again.text) == (409, True)
    with desk.project.reader() as reader:
        assert names.names_of(reader, proposal.subject) == []
        assert artifacts.get(reader, proposal.subject)


def test_who_only_reads_sees_no_buttons_and_cannot_press_them(desk: Desk) -> None:
    proposal = propose(desk)
    for handle in ("olga", "eric", "ana"):
        browser = desk.browser(handle)
        page = browser.get("/proposals").text
        assert "It takes the role lead or senior." in page
        assert f"/proposals/{proposal.id}/approve" not in page
        done = browser.press("/account", f"/proposals/{proposal.id}/approve")
        assert done.status_code == 403
    assert desk.browser("cleo").get("/proposals").status_code == 403
