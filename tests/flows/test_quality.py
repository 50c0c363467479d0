"""Reports, pauses and groups for a project: by batch or campaign, for those who may."""

import pytest
from tests.flows.test_alarms import batch_of, campaign_of

from prefloop.annotation import campaigns
from prefloop.core.errors import BadInput, NotFound, NotPermitted
from prefloop.flows import alarms, quality, quality_page
from prefloop.flows.project import Project
from prefloop.gates.thresholds import AgreementGates
from prefloop.store import audit, people


@pytest.fixture
def live(project: Project) -> Project:
    """A campaign "live" of twelve people; ada is an auditor."""
    campaign_of(project)
    with project.transaction() as tx:
        people.add(tx, "ada", ("auditor",))
    return project


def test_a_batch_and_a_campaign_are_reported_alike(live: Project) -> None:
    before = quality.report(live, "live")
    batch, _ = alarms.close(live, "live")
    after = quality.report(live, batch.digest)
    assert [one.json() for one in before.sections] == [one.json() for one in after.sections]
    assert after.name == f"{batch.short} (live)"


def test_a_batch_from_elsewhere_needs_no_campaign(project: Project) -> None:
    found = quality.report(project, batch_of(project).digest)
    (section,) = found.sections
    assert (section.epoch, section.weeks) == (0, [])
    people_ = quality.annotators(project, batch_of(project).digest).people
    assert len(people_) == 14
    assert {one.plan for one in people_} == {None}


def test_what_is_not_there_is_named(project: Project) -> None:
    with pytest.raises(NotFound, match="no label batch and no campaign"):
        quality.report(project, "july")


def test_looking_at_alarms_looks_at_agreement_too(live: Project) -> None:
    strict = AgreementGates(kappa_pause=0.99, kappa_open=0.995, kappa_objective=0.999)
    live.__dict__["gates"] = live.gates.model_copy(update={"agreement": strict})
    (checked,) = quality.check(live)
    assert checked.paused is checked.looked.too_low
    assert checked.paused
    found = alarms.over_campaign(live, "live")
    with live.reader() as reader:
        assert campaigns.get(reader, "live").state == "paused"
        assert alarms.stopped(reader, found).startswith("kappa ")
    assert quality.check(live) == []  # nothing is open any more
    assert not quality.check(live, ["live"])[0].paused


def test_pages_hold_their_charts_and_nothing_from_outside(live: Project) -> None:
    report = quality_page.html(
        quality_page.of_report(quality.report(live, "live"), live.gates.agreement)
    )
    annotators = quality_page.html(quality_page.of_annotators(quality.annotators(live, "live")))
    for page in (report, annotators):
        assert page.count("<svg") >= 2
        assert "src=" not in page
        assert "<script" not in page


def test_only_auditors_read_of_groups_and_leave_a_trace(live: Project) -> None:
    with pytest.raises(NotPermitted, match="takes the role auditor"):
        quality.bias(live, "live")
    found = quality.bias(live.as_("ada"), "live")
    assert found.questions == ()
    with live.reader() as reader:
        newest = audit.listing(reader.connection, 1)[0]
    assert (newest["action"], newest["actor"]) == ("bias.read", "ada")
    with pytest.raises(BadInput, match="between 0 and 1"):
        quality.bias(live.as_("ada"), "live", 1.5)


def test_annotators_do_not_read_of_each_other(live: Project) -> None:
    with live.reader() as reader:
        somebody = people.handles(reader)[-2]
    with pytest.raises(NotPermitted, match="may not read quality"):
        quality.annotators(live.as_(somebody), "live")


def test_a_plan_runs_to_the_end_of_its_day(live: Project) -> None:
    with live.reader() as reader:
        somebody = people.handles(reader)[-2]
    made = quality.plan(live, somebody, {"gold": 0.9}, "2090-01-31", "be exact")
    assert made.until == 3_789_590_399_000_000  # 2090-01-31 23:59:59 UTC
    with pytest.raises(BadInput, match="no date"):
        quality.plan(live, somebody, {"gold": 0.9}, "soon", "be exact")
    quality.end_plan(live, somebody, "well done")
