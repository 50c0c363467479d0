"""From judgments to one verdict: majority, then the specification's rules in order."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from prefloop.core.records import Verdict
from prefloop.datasets.aggregate import aggregate, counted


def judged(*verdicts: str, **dimensions: list[str]) -> list[dict[str, Any]]:
    return [
        {
            "annotator": f"p{k}",
            "purpose": "live",
            "verdict": verdict,
            "dimensions": {name: values[k] for name, values in dimensions.items()},
        }
        for k, verdict in enumerate(verdicts)
    ]


def test_the_majority_wins_and_margin_and_agreement_follow() -> None:
    found = aggregate(judged("a", "a", "b", "tie"), [])
    assert found.verdict is Verdict.A
    assert found.votes == (2, 1, 1)
    assert found.margin == 0.25  # (2 - 1) / 4
    assert found.agreement == 0.5  # 2 of 4 say a
    assert not found.split


def test_a_level_vote_goes_to_the_first_rule_that_decides() -> None:
    votes = judged("a", "b", accuracy=["tie", "tie"], tone=["b", "b"])
    found = aggregate(votes, ["accuracy", "tone", "exclude"])
    assert (found.verdict, found.decided_by, found.split) == (Verdict.B, "tone", True)


def test_the_shorter_one_and_leaving_out_are_rules_too() -> None:
    level = judged("a", "b")
    assert aggregate(level, ["the shorter one"], (12, 30)).verdict is Verdict.A
    assert aggregate(level, ["the shorter one", "exclude"], (9, 9)).verdict is None
    assert aggregate(level, ["tie"]).verdict is Verdict.TIE
    assert aggregate(level, []).verdict is Verdict.TIE


def test_more_ties_than_either_side_is_a_tie() -> None:
    # Nobody is split here: most people see no difference, so no rule has anything to decide.
    assert aggregate(judged("tie", "tie", "a"), ["exclude"]).verdict is Verdict.TIE
    assert aggregate(judged("tie", "tie", "a"), []).verdict is Verdict.TIE


def test_relabelled_work_replaces_live_work_and_excluded_people_do_not_count() -> None:
    live = judged("a", "a", "b")
    again = [{**one, "purpose": "relabel"} for one in judged("b")]
    gold = [{**one, "purpose": "gold"} for one in judged("a")]
    assert [one["verdict"] for one in counted([*live, *again, *gold], set())] == ["b"]
    assert [one["verdict"] for one in counted([*live, *gold], {"p0"})] == ["a", "b"]


@given(
    st.lists(st.tuples(*[st.sampled_from(["a", "b", "tie"])] * 3), min_size=1, max_size=7),
    st.sampled_from([[], ["tone"], ["tone", "the shorter one", "exclude"], ["tie"]]),
    st.tuples(st.integers(1, 5), st.integers(1, 5)),
)
def test_exchanging_a_and_b_exchanges_the_verdict(
    rows: list[tuple[str, str, str]], rules: list[str], lengths: tuple[int, int]
) -> None:
    swap = {"a": "b", "b": "a", "tie": "tie"}
    verdicts, tone, warmth = (list(column) for column in zip(*rows, strict=True))
    one = aggregate(judged(*verdicts, tone=tone, warmth=warmth), rules, lengths)
    other = aggregate(
        judged(
            *[swap[v] for v in verdicts],
            tone=[swap[v] for v in tone],
            warmth=[swap[v] for v in warmth],
        ),
        rules,
        lengths[::-1],
    )
    assert other.verdict == (one.verdict.swap() if one.verdict else None)
    assert (other.margin, other.agreement) == (one.margin, one.agreement)
