from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefloop.core.config import parse_yaml
from prefloop.core.errors import BadInput
from prefloop.core.records import Message, Prompt, PromptSource
from prefloop.prompts.plan import Plan, Range, draw, is_reserved, quotas

USAGE, SYNTHETIC, ADVERSARIAL = (
    PromptSource.USAGE,
    PromptSource.SYNTHETIC,
    PromptSource.ADVERSARIAL,
)
OPEN = Plan(reserved=0)


def some(source: PromptSource, count: int, hard: bool = False, topic: str = "") -> list[Prompt]:
    return [
        Prompt.of(f"{source} {topic} {hard} number {i}", source=source, hard=hard, topic=topic)
        for i in range(count)
    ]


def plenty() -> list[Prompt]:
    return [p for source in PromptSource for hard in (True, False) for p in some(source, 400, hard)]


def rng() -> np.random.Generator:
    return np.random.default_rng(5)


def test_a_draw_has_the_declared_mix() -> None:
    prompts = plenty()
    drawn = draw(prompts, OPEN, 390, rng())
    # middles .65, .225, .10 add up to .975; of 390: 260, 90, 40
    found = Counter(prompts[i].source for i in drawn.labelled)
    assert found == {USAGE: 260, SYNTHETIC: 90, ADVERSARIAL: 40}
    # a quarter of 390 is 97.5, rounded to even
    assert sum(prompts[i].hard for i in drawn.labelled) == 98
    assert drawn.missing == {}


def test_what_is_missing_is_told_and_not_replaced() -> None:
    prompts = some(USAGE, 400) + some(SYNTHETIC, 50)
    drawn = draw(prompts, OPEN, 390, rng())
    assert len(drawn.labelled) == 260 + 50
    # 20 % of 390 hard cases are 78
    assert drawn.missing == {"synthetic": 40, "adversarial": 40, "hard": 78}


def test_hard_cases_missing_in_one_source_are_taken_from_another() -> None:
    prompts = some(USAGE, 400) + some(SYNTHETIC, 200, hard=True) + some(ADVERSARIAL, 50)
    drawn = draw(prompts, OPEN, 390, rng())
    # all 90 synthetic prompts are hard, there are no others: 90 of the 98 wanted
    assert sum(prompts[i].hard for i in drawn.labelled) == 90
    assert drawn.missing == {}


def test_a_source_of_hard_cases_only_is_used_all_the_same() -> None:
    prompts = some(USAGE, 400, hard=True)
    plan = Plan(reserved=0, shares={USAGE: Range(low=1, high=1)})
    assert len(draw(prompts, plan, 100, rng()).labelled) == 100


def test_rare_kinds_are_seen() -> None:
    prompts = some(USAGE, 300, topic="common") + some(USAGE, 3, topic="rare")
    plan = Plan(reserved=0, shares={USAGE: Range(low=1, high=1)})
    drawn = draw(prompts, plan, 10, rng())
    assert Counter(prompts[i].topic for i in drawn.labelled) == {"common": 7, "rare": 3}


def test_reserved_prompts_are_usage_and_never_labelled() -> None:
    prompts = plenty()
    drawn = draw(prompts, Plan(reserved=0.2), 2000, rng())
    assert not set(drawn.reserved) & set(drawn.labelled)
    assert {prompts[i].source for i in drawn.reserved} == {USAGE}
    assert 0.15 < len(drawn.reserved) / 800 < 0.25


def test_reservation_depends_on_the_words_alone() -> None:
    plan = Plan(reserved=0.3)
    for prompt in some(USAGE, 50):
        shouted = Prompt.of(prompt.text.upper() + "!", topic="other", provenance="elsewhere")
        assert is_reserved(prompt, plan) == is_reserved(shouted, plan)


def test_a_larger_share_reserves_more_and_frees_none() -> None:
    small, large = Plan(reserved=0.1), Plan(reserved=0.3)
    kept = [p for p in some(USAGE, 300) if is_reserved(p, small)]
    assert kept
    assert all(is_reserved(prompt, large) for prompt in kept)


def test_the_same_generator_draws_the_same_and_another_does_not() -> None:
    one, again = draw(plenty(), OPEN, 100, rng()), draw(plenty(), OPEN, 100, rng())
    assert one == again
    assert draw(plenty(), OPEN, 100, np.random.default_rng(6)) != one


@pytest.mark.parametrize("n", [0, 1, 7])
def test_small_draws_hold_what_was_asked_for(n: int) -> None:
    assert len(draw(plenty(), OPEN, n, rng()).labelled) == n


def test_nothing_to_draw_from() -> None:
    drawn = draw([], OPEN, 4, rng())
    assert (drawn.labelled, drawn.reserved) == ((), ())
    # 4 x (.65, .225, .10) / .975 = 2.67, 0.92, 0.41: the two left over go to the first two
    assert drawn.missing == {"usage": 3, "synthetic": 1}


def test_quotas_by_largest_remainder() -> None:
    # 10 x (.65, .225, .10) / .975 = 6.67, 2.31, 1.03: the one left over goes to usage
    assert quotas(10, Plan().targets) == {USAGE: 7, SYNTHETIC: 2, ADVERSARIAL: 1}


@given(st.integers(0, 500))
def test_quotas_add_up(n: int) -> None:
    assert sum(quotas(n, Plan().targets).values()) == n


@given(st.integers(0, 60), st.lists(st.tuples(st.sampled_from(PromptSource), st.booleans())))
def test_a_draw_is_distinct_and_never_more_than_asked_for(
    n: int, kinds: list[tuple[PromptSource, bool]]
) -> None:
    prompts = [Prompt.of(f"p{i}", source=s, hard=h) for i, (s, h) in enumerate(kinds)]
    drawn = draw(prompts, Plan(), n, rng())
    assert len(set(drawn.labelled)) == len(drawn.labelled) <= n
    short = sum(count for name, count in drawn.missing.items() if name != "hard")
    assert len(drawn.labelled) + short == n


def test_a_plan_is_read_from_yaml() -> None:
    text = "shares:\n  usage: {low: 0.5, high: 1}\n  expert: {low: 0, high: 0.5}\ntopics: [a]\n"
    plan = parse_yaml(text, Plan, "plan.yaml")
    assert plan.targets == {USAGE: 0.75, PromptSource.EXPERT: 0.25}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("shares:\n  usage: {low: 0.5, high: 0.6}", "plan.yaml:1: shares: the shares add up to 50"),
        ("hard:\n  low: 0.5\n  high: 0.4", "plan.yaml:2: hard.low: low 0.5 is above high 0.4"),
        ("length_edges: [9, 3]", "plan.yaml:1: length_edges: the edges must rise"),
        ("shares:\n  usge: {low: 1, high: 1}", "plan.yaml:2: shares.usge"),
    ],
)
def test_a_plan_that_cannot_be_met_is_refused(text: str, expected: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse_yaml(text, Plan, "plan.yaml")
    assert str(caught.value).startswith(expected)


def test_conversations_are_told_apart_by_all_their_turns() -> None:
    plan = Plan(reserved=0.5)
    last = Message("user", "and now?")
    starts = [(Message("user", f"case {i}"), Message("assistant", "yes")) for i in range(40)]
    found = {is_reserved(Prompt(messages=(*start, last)), plan) for start in starts}
    assert found == {True, False}
