"""quality report, annotators, check, plan, declare, bias; campaign pause and resume, as typed."""

import json
from pathlib import Path

import pytest
from tests.cli.conftest import Desk, Run, refused
from tests.flows.test_alarms import campaign_of

from prefloop.flows import project as projects
from prefloop.store import people


@pytest.fixture
def crew(desk: Desk) -> list[str]:
    """The annotators of a campaign "live"; ada is an auditor."""
    opened = projects.open_project(desk.folder, "ana")
    found = campaign_of(opened)
    with opened.transaction() as tx:
        people.add(tx, "ada", ("auditor",))
    opened.ledger.close()
    return list(found)


def test_a_report_is_shown_and_written_as_a_page(
    run: Run, desk: Desk, crew: list[str], tmp_path: Path
) -> None:
    page = tmp_path / "report.html"
    ran = run("-C", desk.folder, "quality", "report", "live", "--html", page)
    assert (ran.code, ran.err) == (0, "")
    assert "raw agreement: " in ran.out
    assert "kappa with others" in ran.out
    assert "<svg" in page.read_text(encoding="utf-8")
    found = json.loads(run("-C", desk.folder, "quality", "report", "live", "--json").out)
    assert len(found["sections"]) == 1
    assert set(found["sections"][0]["annotators"]) == set(crew)
    refused(run("-C", desk.folder, "quality", "report", "live", "--html", tmp_path), "cannot write")


def test_annotators_and_their_plans(run: Run, desk: Desk, crew: list[str], tmp_path: Path) -> None:
    here = ("-C", desk.folder, "quality")
    words = ("--goal", "gold 0.9", "--goal", "pace 50", "--until", "2090-01-31", "--reason", "new")
    assert "gold 0.9, pace 50 by 2090-01-31" in run(*here, "plan", crew[0], *words).out
    ran = run(*here, "annotators", "live", "--html", tmp_path / "people.html")
    assert (ran.code, ran.err) == (0, "")
    assert f"{crew[0]}: plan until 2090-01-31: not yet; gold 0.9 not yet" in ran.out
    found = json.loads(run(*here, "annotators", "live", "--json").out)
    assert [one["name"] for one in found["annotators"]] == sorted(crew)
    assert "ended" in run(*here, "plan", crew[0], "--end", "--reason", "left").out
    refused(run(*here, "plan", crew[0], "--goal", "gold", *words[4:]), "a measure and a number")
    refused(run(*here, "plan", crew[0], *words[:4], "--reason", "x"), "no date")
    assert "nobody is due" in run(*here, "recalibrate", "live").out
    refused(run(*here, "recalibrate", "live", crew[0]), "has no calibration")


def test_a_campaign_is_paused_by_hand_and_goes_on(run: Run, desk: Desk, crew: list[str]) -> None:
    here = ("-C", desk.folder)
    assert "live: open; kappa " in run(*here, "quality", "check").out
    assert run(*here, "campaign", "pause", "live", "--reason", "a holiday").code == 0
    assert run(*here, "quality", "check").out == "no campaign is open\n"
    resumed = run(*here, "campaign", "resume", "live", "--reason", "back", "--json")
    assert json.loads(resumed.out)["state"] == "open"
    refused(run(*here, "campaign", "resume", "live", "--reason", "x"), "is open, not paused")


def test_groups_are_declared_by_oneself_and_read_by_auditors(
    run: Run, desk: Desk, crew: list[str]
) -> None:
    here = ("-C", desk.folder, "--as")
    for n, name in enumerate(crew):
        group = f"region={'north' if n % 2 else 'south'}"
        assert run(*here, name, "quality", "declare", "--group", group).code == 0
    assert run(*here, crew[1], "quality", "declare").out == "region: north\n"
    ran = run(*here, "ada", "quality", "bias", "live")
    assert (ran.code, ran.err) == (0, "")
    assert "north" in ran.out
    assert "questions asked at a false-discovery rate of 0.05" in ran.out
    refused(run(*here, "ana", "quality", "bias", "live"), "takes the role auditor")
    assert "nothing" in run(*here, crew[1], "quality", "declare", "--withdraw", "all").out
    refused(run(*here, crew[1], "quality", "declare", "--withdraw", "region"), "declared nothing")
    refused(run(*here, crew[1], "quality", "declare", "--group", "north"), "region=north")
