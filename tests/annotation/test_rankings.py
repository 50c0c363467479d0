"""More than two completions put in order: one judgment, kept with its order, written as pairs."""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import pytest
from tests.annotation.conftest import LEAD, claim, item, open_campaign, rows, work

from prefloop.annotation import batches, judgments, rankings
from prefloop.annotation import tables as t
from prefloop.annotation.campaigns import Campaign
from prefloop.annotation.items import Item
from prefloop.annotation.judgments import Submission
from prefloop.core.errors import BadInput, Conflict, NotFound
from prefloop.core.records import Completion, Prompt
from prefloop.datasets.freeze import FreezeSettings, freeze, pairs
from prefloop.store import Ledger, artifacts, texts
from prefloop.store.artifacts import Artifact
from prefloop.store.verify import verify

WORDS = ("best", "good", "fair", "poor")


def slate(n: int = 0, k: int = 4) -> Item:
    first, second, *more = (Completion(f"{word} {n}", f"model {word}") for word in WORDS[:k])
    return Item(Prompt.of(f"rank question {n}"), first, second, more=tuple(more))


@pytest.fixture
def campaign(timed: Ledger) -> Campaign:
    return open_campaign(timed, items=[slate()], overlap=3)


def seen(ledger: Ledger, campaign: Campaign, who: str) -> tuple[str, list[str]]:
    """An assignment and its completions in the order of the screen."""
    [shown] = claim(ledger, campaign, who)
    with ledger.reader() as reader:
        found = rankings.shown(reader, campaign, [shown.assignment])[shown.assignment]
    return shown.assignment, [str(one) for one in found]


def rank(
    ledger: Ledger,
    campaign: Campaign,
    who: str,
    order: Sequence[Sequence[str]],
    key: str = "k",
    revise: bool = False,
    held: tuple[str, list[str]] | None = None,
) -> str:
    """Rank by words, best first."""
    assignment, screen = held or seen(ledger, campaign, who)
    places = [[screen.index(f"{word} 0") + 1 for word in tied] for tied in order]
    with ledger.transaction(who) as tx:
        choice = rankings.choice(tx, campaign, who, assignment, places)
        sent = Submission(assignment, choice, key)
        if revise:
            judged = judgments.revise(tx, campaign, who, sent)
        else:
            [judged] = judgments.submit(tx, campaign, who, [sent])
        rankings.record(tx, campaign, who, judged, assignment, places)
    return judged


def closed(ledger: Ledger, campaign: Campaign) -> Artifact:
    with ledger.transaction(LEAD) as tx:
        return batches.close(tx, campaign)


def said(ledger: Ledger, batch: Artifact) -> dict[tuple[str, str], dict[str, str]]:
    """{(word, other word): {annotator: the word they prefer, or tie}}."""
    with ledger.reader() as reader:
        found = artifacts.read_rows(reader, batch, "comparisons")
        words = texts.get_many(reader, [row[side] for row in found for side in "ab"])
    short = {name: str(body).split()[0] for name, body in words.items()}
    told: dict[tuple[str, str], dict[str, str]] = {}
    for row in found:
        one, other = sorted((short[row["a"]], short[row["b"]]), key=WORDS.index)
        told[one, other] = {
            j["annotator"]: "tie" if j["verdict"] == "tie" else short[row[j["verdict"]]]
            for j in row["judgments"]
        }
    return told


def test_a_ranking_is_written_as_all_its_pairs(timed: Ledger, campaign: Campaign) -> None:
    rank(timed, campaign, "ann0", [["best"], ["good", "fair"], ["poor"]])
    told = said(timed, closed(timed, campaign))
    assert told == {
        ("best", "good"): {"ann0": "best"},
        ("best", "fair"): {"ann0": "best"},
        ("best", "poor"): {"ann0": "best"},
        ("good", "fair"): {"ann0": "tie"},
        ("good", "poor"): {"ann0": "good"},
        ("fair", "poor"): {"ann0": "fair"},
    }


def test_annotators_see_their_own_orders_and_their_rankings_meet_in_the_pairs(
    timed: Ledger, campaign: Campaign
) -> None:
    held = {who: seen(timed, campaign, who) for who in ("ann0", "ann1", "ann2")}
    assert len({tuple(screen) for _, screen in held.values()}) > 1
    assert {frozenset(screen) for _, screen in held.values()} == {
        frozenset(f"{word} 0" for word in WORDS)
    }
    order = [[word] for word in WORDS]
    for who, own in held.items():
        rank(timed, campaign, who, order if who != "ann2" else order[::-1], held=own)
    told = said(timed, closed(timed, campaign))
    for one, other in combinations(WORDS, 2):
        assert told[one, other] == {"ann0": one, "ann1": one, "ann2": other}


def test_the_screen_shows_the_carried_pair_as_the_assignment_records_it(
    timed: Ledger, campaign: Campaign
) -> None:
    for who in ("ann0", "ann1", "ann2"):
        _, screen = seen(timed, campaign, who)
        [row] = [one for one in rows(timed, t.assignment) if one.annotator == who]
        [compared] = rows(timed, t.comparison)
        with timed.reader() as reader:
            a, b = (screen.index(texts.get(reader, one)) for one in (compared.a, compared.b))
        assert (a < b) == (row.first_shown == "a")


def test_a_revised_ranking_is_the_one_that_counts(timed: Ledger, campaign: Campaign) -> None:
    held = seen(timed, campaign, "ann0")
    rank(timed, campaign, "ann0", [[word] for word in WORDS], held=held)
    rank(timed, campaign, "ann0", [["poor"], ["best", "good", "fair"]], "k2", True, held)
    told = said(timed, closed(timed, campaign))
    assert told["best", "poor"] == {"ann0": "poor"}
    assert told["best", "good"] == {"ann0": "tie"}


def test_the_same_ranking_again_is_one_and_another_under_its_judgment_is_refused(
    timed: Ledger, campaign: Campaign
) -> None:
    held = seen(timed, campaign, "ann0")
    order = [["best", "good", "fair"], ["poor"]]
    judged = rank(timed, campaign, "ann0", order, held=held)
    assert rank(timed, campaign, "ann0", order, held=held) == judged
    with timed.transaction("ann0") as tx, pytest.raises(Conflict, match="another ranking"):
        rankings.record(tx, campaign, "ann0", judged, held[0], [[1, 2, 3, 4]])


@pytest.mark.parametrize(
    "places",
    [[], [[1]], [[1, 2, 3]], [[1], [2], [3], [5]], [[1, 1], [2, 3, 4]], [[1, 2], [], [3, 4]]],
)
def test_a_ranking_names_each_response_once(
    timed: Ledger, campaign: Campaign, places: list[list[int]]
) -> None:
    assignment, _ = seen(timed, campaign, "ann0")
    with timed.transaction("ann0") as tx, pytest.raises(BadInput, match="once"):
        rankings.choice(tx, campaign, "ann0", assignment, places)


def test_nobody_ranks_for_another_and_two_responses_are_not_ranked(timed: Ledger) -> None:
    campaign = open_campaign(timed, items=[item(0)])
    [shown] = claim(timed, campaign, "ann0")
    with timed.transaction("ann0") as tx, pytest.raises(BadInput, match="nothing to rank"):
        rankings.choice(tx, campaign, "ann0", shown.assignment, [[1], [2]])
    with timed.transaction("ann1") as tx, pytest.raises(NotFound):
        rankings.choice(tx, campaign, "ann1", shown.assignment, [[1], [2]])
    with timed.reader() as reader:
        assert rankings.shown(reader, campaign, [shown.assignment]) == {}


def test_a_slate_keeps_its_overlap_and_gold_has_two_completions(timed: Ledger) -> None:
    campaign = open_campaign(timed, items=[slate(n) for n in range(3)], overlap=2)
    done = [work(timed, campaign, who) for who in ("ann0", "ann1", "ann2")]
    assert sum(done) == 3 * 2
    gold = Item(*(getattr(item(1, "gold"), name) for name in ("prompt", "first", "second")))
    fields: dict[str, Any] = {"answer": item(1, "gold").answer, "more": (Completion("third"),)}
    wrong = Item(gold.prompt, gold.first, gold.second, **fields)
    with pytest.raises(BadInput, match="do not go together"):
        open_campaign(timed, "other", items=[wrong])


def test_a_freeze_weighs_the_pairs_of_a_ranking_by_its_choices(
    timed: Ledger, campaign: Campaign
) -> None:
    rank(timed, campaign, "ann0", [[word] for word in WORDS])
    batch = closed(timed, campaign)
    with timed.transaction(LEAD) as tx:
        found = pairs(tx, freeze(tx, [batch], FreezeSettings()))
    # k = 4: 6 pairs of weight 2/4, together the k - 1 = 3 choices that were made.
    assert [pair.weight for pair in found] == [0.5] * 6
    assert {(p.chosen.split()[0], p.rejected.split()[0]) for p in found} == set(
        combinations(WORDS, 2)
    )


def test_slates_and_rankings_are_part_of_the_chain(timed: Ledger, campaign: Campaign) -> None:
    rank(timed, campaign, "ann0", [[word] for word in WORDS])
    assert verify(timed).problems == []
    with timed.transaction(LEAD) as tx:
        tx.connection.execute(t.ranking.update().values(order=[["x"]]))
    assert any("ranking" in one for one in verify(timed).problems)
