"""quality alarms and quarantine, as people type them."""

import json

import pytest
from tests.cli.conftest import Desk, Run, refused
from tests.flows.test_alarms import LEFT, batch_of, campaign_of

from prefloop.flows import project as projects


@pytest.fixture
def batch(desk: Desk) -> str:
    opened = projects.open_project(desk.folder, "ana")
    try:
        return batch_of(opened).digest
    finally:
        opened.ledger.close()


def test_alarms_are_shown_with_their_evidence_and_what_would_change(
    run: Run, desk: Desk, batch: str
) -> None:
    ran = run("-C", desk.folder, "quality", "alarms", batch[:12])
    assert (ran.code, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert lines[0].startswith("840 judgments of 14 annotators, ")
    assert f"ALARM {LEFT}: one side (q below 1e-6)" in lines
    assert "takes the one shown first" in ran.out
    assert "agreement (kappa), without" in ran.out
    assert "not enough data for longer wins" in ran.out


def test_a_quarantine_is_proposed_approved_and_seen(run: Run, desk: Desk, batch: str) -> None:
    here = ("-C", desk.folder)
    found = json.loads(run(*here, "quality", "alarms", batch, "--json").out)
    assert found["quarantine"] == []
    why = ("--reason", "sixty times the left one")
    words = ("quality", "quarantine", found["evaluation"], LEFT, *why)
    asked = json.loads(run(*here, *words, "--json").out)
    assert asked["effect"] == {"do": "set aside", "annotators": [LEFT], "scope": batch}
    assert f"set aside {LEFT}" in run(*here, "proposal", "list").out
    refused(run(*here, "proposal", "approve", asked["proposal"]), "somebody else")
    assert run(*here, "--as", "ben", "proposal", "approve", asked["proposal"]).code == 0
    assert f"in quarantine: {LEFT}" in run(*here, "quality", "alarms", batch).out
    back = json.loads(run(*here, *words, "--lift", "--json").out)
    assert back["effect"]["do"] == "lift"
    assert run(*here, "--as", "ben", "proposal", "approve", back["proposal"]).code == 0
    assert "in quarantine" not in run(*here, "quality", "alarms", batch).out


def test_closing_a_campaign_says_who_raised_an_alarm(run: Run, desk: Desk) -> None:
    opened = projects.open_project(desk.folder, "ana")
    crew = campaign_of(opened)
    opened.ledger.close()
    live = run("-C", desk.folder, "quality", "alarms", "live")
    assert f"ALARM {crew[0]}: one side" in live.out
    closed = json.loads(run("-C", desk.folder, "campaign", "close", "live", "--json").out)
    assert closed["named"] == [crew[0]]
    assert closed["judgments"] == 480


def test_mistakes_are_one_clear_line(run: Run, desk: Desk, batch: str) -> None:
    here = ("-C", desk.folder)
    refused(run(*here, "quality", "alarms", "nobody"), "no label batch and no campaign")
    refused(run(*here, "quality", "alarms", batch, "--rate", "2"), "between 0 and 1")
    found = json.loads(run(*here, "quality", "alarms", batch, "--json").out)["evaluation"]
    words = ("quality", "quarantine", found)
    refused(run(*here, *words, "ann00", "--reason", "x"), "names ann00")
    refused(run(*here, *words, LEFT, "--reason", " "), "say why")
