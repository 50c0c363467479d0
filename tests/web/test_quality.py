"""Quality in the web: who may read it, what stands there, and how often it is measured."""

import re

import pytest
from tests.flows.test_alarms import campaign_of
from tests.web.conftest import Desk

from prefloop.annotation import campaigns
from prefloop.core.errors import BadInput
from prefloop.core.records import Estimate
from prefloop.flows import alarms, quality, quality_page
from prefloop.flows.approval import approve
from prefloop.flows.charts import Point
from prefloop.flows.quality_page import Sheet
from prefloop.store import people
from prefloop.web.quality import Sheets


@pytest.fixture
def judged(desk: Desk) -> Desk:
    """A campaign "live" in which ann00 took the left one throughout; ana leads."""
    with desk.project.transaction() as tx:
        people.grant(tx, "ana", "lead")
    campaign_of(desk.project)
    return desk


def test_agreement_stands_beside_what_the_command_says(judged: Desk) -> None:
    page = judged.browser("ben").get("/quality/live")
    (section,) = quality.report(judged.project, "live").sections
    assert page.status_code == 200
    for line in section.lines():
        assert line.replace("'", "&#39;") in page.text
    assert page.text.count("<svg") >= 3
    assert "style=" not in page.text, "the policy lets no style stand in a page"
    assert re.search(r'<span class="badge (good|warn|bad)">target: ', page.text)
    (details,) = re.findall(r"<details class=\"card tables\">.*?</details>", page.text, re.S)
    for name in section.annotators:
        assert f"<tr><td>{name}</td>" in details
    assert len(re.findall(r"<td>ann\d\d, ann\d\d</td>", details)) == len(section.pairs)


def test_alarms_are_shown_with_their_evidence_and_who_is_in_quarantine(judged: Desk) -> None:
    sam = judged.browser("sam")
    assert "Nobody has looked for alarms" in sam.get("/quality/live").text
    found = alarms.over(judged.project, "live")
    page = sam.get("/quality/live").text
    evidence = [one["evidence"] for one in found.manifest["alarms"]]
    assert evidence
    assert all(one in page for one in evidence)
    assert ">quarantine<" not in page
    asked = alarms.set_aside(judged.project, found, ["ann00"], "always left")
    approve(judged.project.as_("ben"), asked)
    assert ">quarantine<" in sam.get("/quality/live").text
    _, later = alarms.close(judged.project, "live")
    closed = sam.get("/quality/live").text
    assert ", closed; measured" in closed
    assert alarms_of(judged, "live") == later.digest, "the batch's alarms are the campaign's"


def alarms_of(desk: Desk, name: str) -> str:
    with desk.project.reader() as reader:
        found = alarms.latest(reader, name)
    assert found
    return found.digest


def test_annotators_are_listed_one_by_one(judged: Desk) -> None:
    page = judged.browser("eric").get("/quality/live/annotators").text
    assert all(f"<td>ann{n:02}</td>" in page for n in range(12))
    assert "Verdicts for the one shown first" in page


def test_a_chart_says_that_it_shows_the_lowest_and_draws_none_outside() -> None:
    def point(n: int) -> Point:
        value = -0.55 + n / 100
        return Point(f"ann{n:02}", "kappa", Estimate(value, -0.9, value + 0.1, 20))

    chart = quality_page._drawn("Kappa", "kappa", [point(n) for n in range(64)], low=-0.2)
    assert chart
    assert chart.title == "Kappa, the 25 lowest of 64"
    assert "ann24" in chart.svg
    assert "ann25" not in chart.svg
    # The axis begins at -0.6, the lowest rounded down to a tenth, and names it with a minus sign.
    assert "\N{MINUS SIGN}0.6" in chart.svg
    few = quality_page._drawn("Kappa", "kappa", [point(64)], low=-0.2)
    assert few
    assert few.title == "Kappa"
    assert "\N{MINUS SIGN}0.6" not in few.svg


def test_a_campaign_without_judgments_says_so(judged: Desk) -> None:
    with judged.project.transaction() as tx:
        campaigns.create(tx, "new & empty", "spec/main", campaigns.CampaignSettings())
    olga = judged.browser("olga")
    listed = olga.get("/quality").text
    assert 'href="/quality/new%20%26%20empty"' in listed
    for path in ("", "/annotators"):
        page = olga.get(f"/quality/new%20%26%20empty{path}")
        assert page.status_code in (200, 422), page.text
        assert "no judgments" in page.text
    assert olga.get("/quality/none").status_code == 404


def test_annotators_do_not_read_of_each_other(judged: Desk) -> None:
    cleo = judged.browser("cleo")
    for path in ("/quality", "/quality/live", "/quality/live/annotators"):
        assert cleo.get(path).status_code == 403
    assert 'href="/quality"' not in cleo.get("/").text


def test_a_sheet_is_measured_once_in_a_while(judged: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    real = quality.report

    def report(project: object, name: str) -> object:
        asked.append(name)
        return real(judged.project, name)

    monkeypatch.setattr(quality, "report", report)
    ben, sam = judged.browser("ben"), judged.browser("sam")
    assert ben.get("/quality/live").text.count("<svg") == sam.get("/quality/live").text.count(
        "<svg"
    )
    assert asked == ["live"]
    monkeypatch.setattr("prefloop.web.quality._KEPT_SECONDS", 0.0)
    ben.get("/quality/live")
    assert asked == ["live", "live"]


def test_what_could_not_be_measured_is_not_kept() -> None:
    sheets = Sheets()

    def fails() -> Sheet:
        raise BadInput("not yet")

    with pytest.raises(BadInput, match="not yet"):
        sheets.get("agreement", "x", fails)
    measured = Sheet("Agreement", "x", ())
    assert sheets.get("agreement", "x", lambda: measured)[1] is measured
