"""Campaigns: what is asked, in an order that gives nothing away, under a specification that is
official."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from tests.annotation.conftest import (
    LEAD,
    PLAIN,
    SPEC,
    claim,
    item,
    open_campaign,
    publish,
    rows,
    staff,
    submit,
)

from prefloop.annotation import campaigns, queries, tables
from prefloop.annotation.campaigns import Campaign, CampaignSettings
from prefloop.annotation.items import Answer, Item, add_items
from prefloop.core.errors import BadInput, Conflict, NotFound, NotPermitted
from prefloop.core.records import Completion, Prompt, Purpose, Verdict
from prefloop.store import Ledger, artifacts, names, texts
from prefloop.store.verify import verify

WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


def add(ledger: Ledger, campaign: Campaign, *items: Item) -> list[str]:
    with ledger.transaction(LEAD) as tx:
        return add_items(tx, campaign, items)


def create(ledger: Ledger, name: str, spec: str = "spec/x", who: str = LEAD) -> Campaign:
    with ledger.transaction(who) as tx:
        return campaigns.create(tx, name, spec, CampaignSettings(**PLAIN))


# -- canonical order


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    prompt=WORDS,
    pair=st.lists(WORDS, min_size=2, max_size=2, unique=True),
    verdict=st.sampled_from(Verdict),
)
def test_whichever_way_round_an_item_comes_it_is_one_comparison(
    sqlite_ledger: Ledger, prompt: str, pair: list[str], verdict: Verdict
) -> None:
    staff(sqlite_ledger)
    publish(sqlite_ledger)
    with sqlite_ledger.reader() as reader:
        known = set(queries.campaign_names(reader))
    one = Completion(pair[0], "model-one")
    two = Completion(pair[1], "model-two")
    found = []
    for name, first, second, said in (
        ("as it came", one, two, verdict),
        ("swapped", two, one, verdict.swap()),
    ):
        if name not in known:
            create(sqlite_ledger, name)
        with sqlite_ledger.reader() as reader:
            campaign = campaigns.get(reader, name)
        (key,) = add(
            sqlite_ledger, campaign, Item(Prompt.of(prompt), first, second, None, Answer(said))
        )
        with sqlite_ledger.reader() as reader:
            row = queries.comparisons(reader, [key])[key]
            words = texts.get_many(reader, [row.a, row.b])
            answer = queries.answers(reader, campaign.id)[key].verdict
            origin = queries.origins(reader, campaign.id)[key]
        assert row.a < row.b
        assert {words[row.a], words[row.b]} == set(pair)
        winner = {"a": words[row.a], "b": words[row.b], "tie": None}[answer]
        assert winner == {"a": pair[0], "b": pair[1], "tie": None}[verdict.value]
        assert words[row.a if origin["a"] == "model-one" else row.b] == pair[0]
        found.append(key)
    assert found[0] == found[1]


def test_models_and_the_order_given_are_no_part_of_a_comparisons_name(
    sqlite_ledger: Ledger,
) -> None:
    campaign = open_campaign(sqlite_ledger, items=0)
    one = item(1)
    other = Item(one.prompt, Completion(one.second.text, "model-three"), one.first)
    keys = add(sqlite_ledger, campaign, one, other, one)
    assert len(keys) == 3
    assert len(set(keys)) == 1
    assert len(rows(sqlite_ledger, tables.queue_item)) == 1


def test_of_an_item_that_comes_twice_the_first_counts(sqlite_ledger: Ledger) -> None:
    work, gold = item(1), item(1)
    gold = Item(work.prompt, work.first, work.second, 5, Answer(Verdict.A))
    one = open_campaign(sqlite_ledger, "one", items=[work, gold])
    two = open_campaign(sqlite_ledger, "two", items=[gold, work])
    three = open_campaign(sqlite_ledger, "three", items=[work])
    add(sqlite_ledger, three, gold)
    kinds = {row.campaign: (row.kind, row.wanted) for row in rows(sqlite_ledger, tables.queue_item)}
    assert kinds == {one.id: ("work", 1), two.id: ("gold", 5), three.id: ("work", 1)}
    assert [row.campaign for row in rows(sqlite_ledger, tables.answer)] == [two.id]


def test_identical_completions_are_refused_and_nothing_is_added(ledger: Ledger) -> None:
    campaign = open_campaign(ledger, items=0)
    same = Item(Prompt.of("why?"), Completion("so", "model-one"), Completion("so", "model-two"))
    before = verify(ledger)
    with pytest.raises(BadInput, match=r"two completions of 'why\?' are the same text"):
        add(ledger, campaign, item(1), same)
    assert verify(ledger) == before
    assert rows(ledger, tables.queue_item) == []


def test_the_queue_is_not_in_the_order_the_items_came(sqlite_ledger: Ledger) -> None:
    items = [item(n) for n in range(30)] + [item(n, "gold") for n in range(30)]
    campaign = open_campaign(sqlite_ledger, items=0)
    keys = add(sqlite_ledger, campaign, *items)
    place = {row.comparison: row.position for row in rows(sqlite_ledger, tables.queue_item)}
    positions = [place[key] for key in keys]
    assert sorted(positions) == list(range(1, 61))
    assert positions != sorted(positions)
    later = add(sqlite_ledger, campaign, item(100), item(101))
    place = {row.comparison: row.position for row in rows(sqlite_ledger, tables.queue_item)}
    assert sorted(place[key] for key in later) == [61, 62]


def test_more_items_than_fit_one_write_all_arrive(sqlite_ledger: Ledger) -> None:
    campaign = open_campaign(sqlite_ledger, items=2100)
    with sqlite_ledger.reader() as reader:
        assert queries.queue_counts(reader, campaign.id)["work"]["items"] == 2100
    place = [row.position for row in rows(sqlite_ledger, tables.queue_item)]
    assert sorted(place) == list(range(1, 2101))


def test_an_overlap_below_one_is_refused(sqlite_ledger: Ledger) -> None:
    campaign = open_campaign(sqlite_ledger, items=0)
    for overlap in (0, -1):
        with pytest.raises(BadInput, match="ask for at least 1"):
            add(sqlite_ledger, campaign, item(1, overlap=overlap))


# -- the specification


def test_a_specification_that_is_not_published_is_refused(sqlite_ledger: Ledger) -> None:
    staff(sqlite_ledger)
    with sqlite_ledger.transaction(LEAD) as tx:
        draft = artifacts.put(tx, "spec", {**SPEC, "name": "draft"})
        names.move_tag(tx, "champion", draft.digest)  # a tag is not a publication
    for reference in (draft.digest, "champion"):
        with pytest.raises(BadInput, match="is not published"):
            create(sqlite_ledger, "support", reference)


def test_only_a_specification_will_do(sqlite_ledger: Ledger) -> None:
    staff(sqlite_ledger)
    with sqlite_ledger.transaction(LEAD) as tx:
        other = artifacts.put(tx, "dataset", {"n": 1}).digest
    with pytest.raises(BadInput, match="is a dataset, and a spec is needed"):
        create(sqlite_ledger, "support", other)
    with pytest.raises(NotFound):
        create(sqlite_ledger, "support", "spec/none")


def test_a_campaign_is_pinned_to_the_digest_it_began_with(sqlite_ledger: Ledger) -> None:
    campaign = open_campaign(sqlite_ledger)
    with sqlite_ledger.transaction(LEAD) as tx:
        newer = artifacts.put(tx, "spec", {**SPEC, "epoch": 2}).digest
        names.add_version(tx, "spec/x", newer)
    submit(sqlite_ledger, campaign, "ann0", claim(sqlite_ledger, campaign, "ann0"))
    (row,) = rows(sqlite_ledger, tables.judgment)
    assert row.spec == campaign.spec != newer


def test_parents_have_to_be_there(sqlite_ledger: Ledger) -> None:
    staff(sqlite_ledger)
    publish(sqlite_ledger)
    with pytest.raises(NotFound), sqlite_ledger.transaction(LEAD) as tx:
        campaigns.create(tx, "support", "spec/x", CampaignSettings(), ["0" * 64])


def test_a_name_is_used_once(ledger: Ledger) -> None:
    open_campaign(ledger)
    with pytest.raises(Conflict, match="already a campaign 'support'"):
        create(ledger, "support")
    with ledger.reader() as reader, pytest.raises(NotFound, match="no campaign 'other'"):
        campaigns.get(reader, "other")


# -- states


def test_a_paused_campaign_hands_nothing_out_and_goes_on_when_reopened(ledger: Ledger) -> None:
    campaign = open_campaign(ledger)
    with ledger.transaction(LEAD) as tx:
        paused = campaigns.set_state(tx, campaign, "paused", "lunch")
        assert paused.state == "paused"
    for seen in (campaign, paused):  # whatever the caller last saw
        with pytest.raises(Conflict, match="support is paused"):
            claim(ledger, seen, "ann0")
    add(ledger, paused, item(100))
    with ledger.transaction(LEAD) as tx:
        campaigns.set_state(tx, paused, "open", "back")
        campaigns.set_state(tx, paused, "open", "twice is once")
    assert len(claim(ledger, paused, "ann0", 99)) == 11
    assert [row.state for row in rows(ledger, tables.campaign_state)] == ["open", "paused", "open"]


def test_a_closed_campaign_stays_closed(ledger: Ledger) -> None:
    campaign = open_campaign(ledger)
    with ledger.transaction(LEAD) as tx:
        campaigns.set_state(tx, campaign, "closed", "complete")
    for state in ("open", "paused", "closed"):
        with pytest.raises(Conflict, match="is closed"), ledger.transaction(LEAD) as tx:
            campaigns.set_state(tx, campaign, state, "again")
    with pytest.raises(Conflict, match="is closed: create another one"):
        add(ledger, campaign, item(100))
    with pytest.raises(Conflict, match="is closed: nothing is handed out"):
        claim(ledger, campaign, "ann0")


def test_a_state_nobody_knows_is_refused(sqlite_ledger: Ledger) -> None:
    campaign = open_campaign(sqlite_ledger)
    with (
        pytest.raises(BadInput, match="no campaign state 'done': one of open, paused, closed"),
        sqlite_ledger.transaction(LEAD) as tx,
    ):
        campaigns.set_state(tx, campaign, "done", "x")


def test_managing_a_campaign_takes_a_lead(sqlite_ledger: Ledger) -> None:
    campaign = open_campaign(sqlite_ledger)
    with pytest.raises(NotPermitted):
        create(sqlite_ledger, "other", who="ann0")
    with pytest.raises(NotPermitted), sqlite_ledger.transaction("ann0") as tx:
        add_items(tx, campaign, [item(100)])
    with pytest.raises(NotPermitted), sqlite_ledger.transaction("ann0") as tx:
        campaigns.set_state(tx, campaign, "paused", "x")
    with pytest.raises(NotPermitted), sqlite_ledger.transaction("ann0") as tx:
        campaigns.set_profile(tx, "ann0", ["billing"])


# -- settings


@pytest.mark.parametrize(
    "wrong",
    [
        {"overlap": 0},
        {"overlpa": 2},
        {"gold_share": 1.0},
        {"gold_share": 0.6, "duplicate_share": 0.4},
        {"purpose": "gold"},
        {"purpose": "spot check"},
        {"lease_seconds": 0},
        {"calibration": {"anchors": 0}},
        {"calibration": {"max_disagreement": 1.0}},
    ],
)
def test_settings_that_cannot_work_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        CampaignSettings.model_validate(wrong)


def test_settings_come_back_as_they_were_given(sqlite_ledger: Ledger) -> None:
    campaign = open_campaign(
        sqlite_ledger, overlap=3, purpose="evaluation", calibration={"anchors": 7}, seed=11
    )
    with sqlite_ledger.reader() as reader:
        again = campaigns.get(reader, "support")
    assert again == campaign
    assert again.settings.purpose is Purpose.EVALUATION
    assert again.settings.calibration == campaigns.Calibration(anchors=7)


def test_a_campaign_says_how_far_it_is(sqlite_ledger: Ledger) -> None:
    items = [item(n, overlap=2) for n in range(4)] + [item(9, "gold"), item(9, "anchor")]
    campaign = open_campaign(sqlite_ledger, items=items)
    shown = claim(sqlite_ledger, campaign, "ann0", 3)
    submit(sqlite_ledger, campaign, "ann0", shown[:2])
    with sqlite_ledger.reader() as reader:
        found = campaigns.status(reader, campaign)
    assert found["queue"]["work"] == {"items": 4, "wanted": 8, "taken": 3, "judged": 2}
    assert found["queue"]["gold"]["items"] == found["queue"]["anchor"]["items"] == 1
    assert found["annotators"] == {"ann0": 2}


def test_an_empty_campaign_has_nothing_for_anybody(sqlite_ledger: Ledger) -> None:
    campaign = open_campaign(sqlite_ledger, items=0)
    assert claim(sqlite_ledger, campaign, "ann0", 5) == []
    with sqlite_ledger.reader() as reader:
        assert campaigns.status(reader, campaign)["queue"] == {}
