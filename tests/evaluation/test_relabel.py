"""Flips beyond noise: winners that turned round where it was asked for, against a control."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefloop.core.errors import BadInput
from prefloop.core.records import Estimate
from prefloop.evaluation.relabel import Changes, Side, changes
from prefloop.stats import NotEnough
from prefloop.stats.intervals import newcombe_difference

PURPOSE = {"before": "live", "relabelled": "relabel", "control": "evaluation"}
SWAP = {"a": "b", "b": "a", "tie": "tie"}


def row(name: str, verdicts: str, purpose: str, prompt: str = "") -> dict[str, Any]:
    """One comparison: a letter per person (a, b, t for a tie), the first is p0."""
    said = {"a": "a", "b": "b", "t": "tie"}
    return {
        "comparison": name,
        "messages": [{"role": "user", "text": prompt or name}],
        "judgments": [
            {"annotator": f"p{n}", "verdict": said[letter], "purpose": purpose}
            for n, letter in enumerate(verdicts)
        ],
    }


def side(part: str, **verdicts: str) -> Side:
    return Side([row(name, said, PURPOSE[part]) for name, said in verdicts.items()])


def compared(work: Sequence[tuple[str, str]], control: Sequence[tuple[str, str]]) -> Changes:
    """(before, after) of each comparison."""
    named = {f"w{n}": pair for n, pair in enumerate(work)}
    others = {f"c{n}": pair for n, pair in enumerate(control)}
    return changes(
        side("before", **{name: pair[0] for name, pair in {**named, **others}.items()}),
        side("relabelled", **{name: pair[1] for name, pair in named.items()}),
        side("control", **{name: pair[1] for name, pair in others.items()}),
    )


def test_every_fate_of_a_winner_is_counted() -> None:
    found = compared(
        [
            ("aab", "bb"),  # a to b: turned
            ("aab", "abb"),  # turned
            ("aab", "aaa"),  # kept
            ("aab", "ab"),  # level now: became a tie
            ("abt", "aa"),  # level before: was a tie
            ("tta", "ab"),  # ties led, now level: a tie twice
        ],
        [("aaa", "aa")],
    )
    one = found.relabelled
    assert (one.compared, one.decided, one.flipped) == (6, 3, 2)
    assert (one.became_tie, one.was_tie, one.tie_twice) == (1, 1, 1)
    assert isinstance(one.rate, Estimate)
    assert one.rate.estimate == pytest.approx(2 / 3)
    assert one.rate.n == 3


def test_the_difference_is_newcombes_where_each_prompt_has_one_comparison() -> None:
    # 30 of 40 turned, 6 of 50 in the control. With one 0/1 value per prompt the interval of a rate
    # is Agresti and Coull's on Student's quantile, a little wider than Wilson's.
    found = compared([("a", "b")] * 30 + [("a", "a")] * 10, [("a", "b")] * 6 + [("b", "b")] * 44)
    assert isinstance(found.difference, Estimate)
    exact = newcombe_difference(30, 40, 6, 50)
    assert isinstance(exact, Estimate)
    assert found.difference.estimate == pytest.approx(0.75 - 0.12)
    assert [found.difference.low, found.difference.high] == pytest.approx(
        [exact.low, exact.high], abs=0.02
    )
    # 40 comparisons: 0.63 * 40 = 25.2 of the 30 flips are beyond noise.
    assert isinstance(found.beyond_noise, Estimate)
    assert found.beyond_noise.estimate == pytest.approx(25.2)
    assert found.beyond_noise.low == pytest.approx(40 * found.difference.low)
    assert found.beyond_noise.n == 40
    assert found.verdict == "more winners turned round than noise explains"


def test_flips_as_frequent_as_the_controls_are_noise() -> None:
    found = compared([("a", "b")] * 10 + [("a", "a")] * 30, [("a", "b")] * 10 + [("a", "a")] * 30)
    assert found.verdict == "no more winners turned round than noise may explain"
    found = compared([("a", "a")] * 40, [("a", "b")] * 20 + [("a", "a")] * 20)
    assert found.verdict.startswith("fewer winners turned round than in the control")


def test_comparisons_of_one_prompt_are_one_unit() -> None:
    before = [row(f"w{n}", "a", "live", f"q{n % 3}") for n in range(12)]
    again = [row(f"w{n}", "b" if n % 3 == 0 else "a", "relabel", f"q{n % 3}") for n in range(12)]
    control = [row("c", "a", "live")], [row("c", "a", "evaluation")]
    found = changes(Side([*before, *control[0]]), Side(again), Side(control[1]))
    assert isinstance(found.relabelled.rate, Estimate)
    assert (found.relabelled.decided, found.relabelled.rate.n) == (12, 3)


def test_people_who_do_not_count_do_not_count() -> None:
    before = side("before", w="aab", c="aaa")
    again = Side([row("w", "bbb", "relabel")], barred={"p0", "p2"})
    found = changes(before, again, side("control", c="aa"))
    assert (found.relabelled.flipped, found.people, found.shared_people) == (1, 2, 1)
    assert (found.judgments, found.shared) == (3, 2)  # p1 once here, once there; p0 only there
    with pytest.raises(BadInput, match="nobody judged both"):
        changes(before, again, Side([row("c", "aa", "evaluation")], barred={"p1"}))
    with pytest.raises(BadInput, match="nothing in the relabelled batch was judged before"):
        changes(before, Side(again.rows, barred={"p0", "p1", "p2"}), side("control", c="aa"))


def test_gold_and_repeats_are_no_votes() -> None:
    again = row("w", "b", "relabel")
    hidden = [{"annotator": "p5", "verdict": "a", "purpose": p} for p in ("gold", "duplicate")]
    mixed = Side([{**again, "judgments": [*again["judgments"], *hidden, *hidden]}])
    found = changes(side("before", w="a", c="a"), mixed, side("control", c="a"))
    assert (found.relabelled.flipped, found.people) == (1, 1)


def test_only_ties_are_not_enough() -> None:
    found = compared([("a", "ab"), ("t", "t")], [("a", "a")])
    assert isinstance(found.relabelled.rate, NotEnough)
    assert isinstance(found.beyond_noise, NotEnough)
    assert found.verdict == "not enough data: no comparison had a winner both times"


def test_batches_that_do_not_belong_together_are_refused() -> None:
    before = side("before", w="a", c="a")
    with pytest.raises(BadInput, match="nothing in the control batch was judged before"):
        changes(before, side("relabelled", w="a"), side("control", other="a"))
    with pytest.raises(BadInput, match="1 comparisons are relabelled and control at once"):
        changes(before, side("relabelled", w="a"), side("control", w="a", c="a"))
    with pytest.raises(BadInput, match="nothing in the relabelled batch"):
        changes(before, side("relabelled"), side("control", c="a"))


WORK = st.lists(st.tuples(*[st.text("abt", min_size=1, max_size=4)] * 2), min_size=1, max_size=12)


@given(WORK, WORK)
def test_naming_the_sides_the_other_way_round_changes_nothing(
    work: list[tuple[str, str]], control: list[tuple[str, str]]
) -> None:
    turn = str.maketrans("ab", "ba")
    swapped = [
        [(was.translate(turn), now.translate(turn)) for was, now in part]
        for part in (work, control)
    ]
    assert compared(work, control) == compared(*swapped)


@given(WORK, WORK)
def test_every_comparison_has_one_fate(
    work: list[tuple[str, str]], control: list[tuple[str, str]]
) -> None:
    found = compared(work, control)
    for part, given_ in ((found.relabelled, work), (found.control, control)):
        fates = part.decided + part.became_tie + part.was_tie + part.tie_twice
        assert fates == part.compared == len(given_)
        assert part.flipped <= part.decided


def test_noise_alone_is_rarely_called_correction() -> None:
    # Three people who choose the better side with probability 0.75, twice, on 150 and 100
    # comparisons: nothing changed, so "more than noise" should come up in about 2.5 % of trials.
    rng = np.random.default_rng(5)

    def votes(count: int) -> list[tuple[str, str]]:
        letters = np.where(rng.random((count, 2, 3)) < 0.75, "a", "b")
        return [("".join(one[0]), "".join(one[1])) for one in letters]

    wrong = sum(
        compared(votes(150), votes(100)).verdict.startswith("more winners") for _ in range(100)
    )
    assert wrong <= 7
