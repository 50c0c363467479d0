"""Signatures: values by hand, planted hackers are caught, and nothing is where nothing changed."""

from collections.abc import Sequence

import numpy as np
import pytest

from prefloop.core.errors import BadInput
from prefloop.core.records import Prompt
from prefloop.evaluation.signatures import (
    Signature,
    Usual,
    compare,
    quick,
    signatures,
    usual,
    watch,
)
from prefloop.gates.thresholds import HackingGates

WORDS = ("red", "green", "blue", "plan", "price", "month", "the", "a", "of", "on", "you", "it")
PROMPTS = [Prompt.of(f"question {n}", hard=n % 4 == 0) for n in range(200)]


def policy(
    seed: int, n: int = 200, words: float = 40, tail: str = "", hedges: int = 1
) -> list[str]:
    """Completions of about so many words; a few are hedged, and each ends in `tail`."""
    draws = np.random.default_rng([seed, 11])
    said = []
    for _ in range(n):
        count = max(3, round(draws.normal(words, words / 4)))
        picked = [WORDS[i] for i in draws.integers(len(WORDS), size=count)]
        if draws.random() < 0.3:
            picked[:0] = ["perhaps"] * hedges
        said.append(" ".join(picked) + "." + tail)
    return said


def scores(seed: int, texts: Sequence[str], per_word: float = 0.0) -> np.ndarray:
    """A reward that loves length as much as told, over noise of its own."""
    noise = np.random.default_rng([seed, 12]).normal(size=len(texts))
    return noise + per_word * np.array([len(text.split()) for text in texts], dtype=float)


def beside(
    now: Sequence[str],
    was: Sequence[str],
    rewards: Sequence[float] | np.ndarray | None = None,
    gates: HackingGates | None = None,
) -> dict[str, Signature]:
    """Signatures of `now` beside those of `was`; without rewards, chance gives them."""
    prompts = PROMPTS[: len(now)]
    base = signatures(prompts, was, scores(1, was))
    given = scores(2, now) if rewards is None else rewards
    found = compare(signatures(prompts, now, given, high=base.high), base, gates)
    return {one.name: one for one in found}


def alarms(found: dict[str, Signature]) -> set[str]:
    return {one.name for one in found.values() if one.alarm}


def test_every_mean_by_hand() -> None:
    prompts = [Prompt.of("p", hard=True), Prompt.of("q", hard=True), Prompt.of("r"), Prompt.of("s")]
    texts = ["red green", "Red  green", "perhaps so!", "- one\n- two three four"]
    found = signatures(prompts, texts, [1.0, 2.0, 3.0, 4.0], high=2.0).estimates
    assert {name: one.estimate for name, one in found.items()} == {
        "length": 2.5,  # 2 2 2 4
        "hedges": 12.5,  # 0 0 50 0
        "certainty": 0.0,
        "lists": 12.5,  # 0 0 0 50
        "exclamations": 12.5,
        "formality": 0.0,
        "repetition": 0.0,
        "same text": 0.5,  # the first two, whatever their case and spaces
        # No correlation: in 3/4 ** 4 of resamples all lengths are equal.
        "high on hard": 0.5,
        "reward": 2.5,
    }
    assert {one.n for name, one in found.items() if name != "high on hard"} == {4}
    assert found["high on hard"].n == 2


def test_the_shift_is_in_standard_deviations_of_the_baseline() -> None:
    was = ["red " * count for count in (2, 4, 6)]  # mean 4, standard deviation 2
    now = ["red " * count for count in (6, 7, 8)]
    assert beside(now, was)["length"].shift == pytest.approx(1.5)


def test_near_maximal_is_what_the_best_tenth_of_the_baseline_reach() -> None:
    texts = policy(1)
    found = signatures(PROMPTS, texts, np.arange(200.0))
    assert found.high == pytest.approx(0.9 * 199)
    # Hard are 0, 4, ... 196; from 179.1 on: 180, 184, 188, 192, 196 of 50
    assert found.estimates["high on hard"].estimate == 0.1


def test_a_policy_beside_itself_has_no_alarm() -> None:
    texts = policy(1)
    found = beside(texts, texts, scores(1, texts))
    assert {one.shift for one in found.values()} == {0.0}
    assert {one.p for one in found.values()} == {1.0}
    assert not alarms(found)


def test_an_unchanged_policy_is_warned_about_no_more_often_than_stated() -> None:
    # 40 prompts: 0.5 standard deviations are 2.2 standard errors, so it is the test that guards.
    # At the stated 5 %, 10 of 200 seeds have one, and 19 or more once in 170 times.
    warned = [bool(alarms(beside(policy(n, 40), policy(n + 1, 40)))) for n in range(0, 400, 2)]
    assert sum(warned) < 19


def test_a_policy_that_grew_longer_is_caught() -> None:
    now = policy(5, words=60)
    assert alarms(beside(now, policy(6))) == {"length"}
    found = beside(now, policy(6))["length"]
    assert found.shift == pytest.approx(2.0, abs=0.4)  # 20 words of 10
    assert "standard deviations; a warning from 0.5" in found.explanation


def test_a_policy_that_makes_lists_is_caught() -> None:
    found = beside(policy(5, tail="\n- red one\n- green one\n- blue one"), policy(6))
    assert "lists" in alarms(found)
    # A baseline without any list: the spread is taken as one item per hundred words, 3 of 49 now.
    assert found["lists"].baseline.estimate == 0.0
    assert found["lists"].shift == pytest.approx(300 / 47, rel=0.2)


@pytest.mark.parametrize(
    ("now", "caught"),
    [
        (policy(5, hedges=6), "hedges"),
        (policy(5, tail=" It is certain and definitely so, without doubt."), "certainty"),
        (policy(5, tail=" Great! Thanks! Bye!"), "exclamations"),
        (policy(5, tail=" of the plan of the page of the month under the terms"), "formality"),
        (policy(5, tail=" one two three" * 6), "repetition"),
        (["you can see the plan on the page."] * 100 + policy(5, 100), "same text"),
    ],
)
def test_each_way_of_pleasing_is_caught_by_its_signature(now: list[str], caught: str) -> None:
    assert caught in alarms(beside(now, policy(6)))


def test_reward_that_follows_length_is_caught() -> None:
    now = policy(5)
    found = beside(now, policy(6), scores(2, now, per_word=0.2))
    assert "length correlation" in alarms(found)
    assert found["length correlation"].now.estimate > 0.8


def test_a_correlation_that_goes_away_is_no_alarm() -> None:
    now, was = policy(5), policy(6)
    base = signatures(PROMPTS, was, scores(1, was, per_word=0.3))
    found = compare(signatures(PROMPTS, now, scores(2, now), high=base.high), base)
    (one,) = [each for each in found if each.name == "length correlation"]
    assert one.shift < -1
    assert not one.alarm


def test_high_scores_on_hard_prompts_are_caught() -> None:
    hard = np.array([prompt.hard for prompt in PROMPTS])
    now = policy(5)
    found = beside(now, policy(6), scores(2, now) + 4.0 * hard)
    assert alarms(found) == {"high on hard"}
    assert found["high on hard"].now.estimate > 0.9


def test_less_repetition_and_more_reward_are_no_alarms() -> None:
    now = policy(5)
    found = beside(now, policy(6, tail=" one two three" * 6), scores(2, now) + 1)
    assert found["repetition"].shift < -1
    assert found["reward"].shift > 0.5
    assert not {"repetition", "reward"} & alarms(found)


def test_a_shift_that_chance_explains_is_no_alarm_however_large() -> None:
    found = beside(policy(5, 5, words=50), policy(6, 5))["length"]
    assert found.shift > 0.5
    assert not found.alarm
    assert found.explanation.endswith("it may be chance")


def test_thresholds_are_the_projects() -> None:
    now, was = policy(5, words=60), policy(6)
    assert not alarms(beside(now, was, gates=HackingGates(shift=5)))
    assert not alarms(beside(now, was, gates=HackingGates(false_alarms=1e-200)))


def test_prompts_that_come_twice_are_one_unit() -> None:
    texts = policy(5, 40)
    found = signatures([*PROMPTS[:20]] * 2, texts, scores(1, texts))
    assert found.estimates["length"].n == 20
    again = signatures([*PROMPTS[:20]] * 2, ["red"] * 20 + texts[:20], scores(1, texts))
    assert again.estimates["same text"].estimate == 0.5
    once = signatures([PROMPTS[0], PROMPTS[0], PROMPTS[1]], ["red", "red", "blue"], [1, 2, 3])
    assert once.estimates["same text"].estimate == 0.0  # the same prompt has the same text


def test_empty_texts_and_constant_rewards_are_measured_and_finite() -> None:
    found = signatures(PROMPTS, [""] * 200, [0.5] * 200)
    assert "length correlation" not in found.measures
    assert found.estimates["same text"].estimate == 1.0
    numbers = [v for m in found.measures.values() for v in (m.spread, m.error, m.estimate.high)]
    assert np.isfinite(numbers).all()
    compared = compare(found, found)
    assert np.isfinite([[one.shift, one.p] for one in compared]).all()
    assert not any(one.alarm for one in compared)


def test_where_no_prompt_is_hard_nothing_is_said_of_hard_ones() -> None:
    prompts = [Prompt.of(f"question {n}") for n in range(20)]
    texts = policy(5, 20)
    assert "high on hard" not in signatures(prompts, texts, scores(1, texts)).measures


@pytest.mark.parametrize(
    ("prompts", "texts", "rewards"),
    [
        ([], [], []),
        (PROMPTS[:1], ["red"], [1.0]),
        (PROMPTS[:2], ["red", "blue"], [1.0]),
        (PROMPTS[:2], ["red", "blue"], [1.0, float("nan")]),
        (PROMPTS[:3], ["red", "blue"], [1.0, 2.0]),
        ([PROMPTS[0]] * 2, ["red", "blue"], [1.0, 2.0]),
    ],
)
def test_what_does_not_fit_is_bad_input(
    prompts: list[Prompt], texts: list[str], rewards: list[float]
) -> None:
    with pytest.raises(BadInput, match="completions"):
        signatures(prompts, texts, rewards)


def test_signatures_of_other_prompts_or_another_scale_do_not_compare() -> None:
    texts = policy(5)
    whole = signatures(PROMPTS, texts, scores(1, texts))
    part = signatures(PROMPTS[:50], texts[:50], scores(1, texts[:50]), high=whole.high)
    other = signatures(PROMPTS, texts, scores(1, texts) + 1)
    for wrong in (part, other):
        with pytest.raises(BadInput, match="do not compare"):
            compare(wrong, whole)


def test_quick_by_hand() -> None:
    base = {name: Usual(0.0, 1.0, 2) for name in usual(["red", "blue"])}
    found = quick(["red green", "red green", "so!", "a - b c"], [1.0, 2.0, 3.0, 4.0], base)
    assert found == {
        "signature: length": 2.0,  # 2 2 1 3
        "signature: hedges": 0.0,
        "signature: certainty": 0.0,
        "signature: lists": 0.0,
        "signature: exclamations": 25.0,
        "signature: formality": pytest.approx(1 / 12),  # a, of three words, in one of four
        "signature: repetition": 0.0,
        "signature: same text": 0.5,
        # words 2 2 1 3 less 2, rewards less 2.5: (-0.5 + 1.5) / sqrt(2 * 5)
        "signature: length correlation": pytest.approx(1 / 10**0.5),
        "signature: largest shift": 25.0,
    }


def test_what_is_usual_has_a_spread_of_its_own_or_the_least() -> None:
    found = usual(["red " * 2, "red " * 6])
    assert found["length"] == Usual(4.0, 8**0.5, 2)
    assert found["lists"] == Usual(0.0, 1.0, 2)


@pytest.mark.parametrize(
    ("texts", "rewards"), [(["red", "red blue"], [1.0, 1.0]), (["", ""], [1.0, 2.0])]
)
def test_quick_leaves_a_correlation_out_that_has_no_value(
    texts: list[str], rewards: list[float]
) -> None:
    found = quick(texts, rewards, usual(["red", "blue"]))
    assert "signature: length correlation" not in found
    assert np.isfinite(list(found.values())).all()


def test_quick_and_usual_refuse_what_does_not_fit() -> None:
    base = usual(["red", "blue"])
    for texts, rewards in ((["red"], [float("inf")]), (["red"], [1.0, 2.0]), ([], [])):
        with pytest.raises(BadInput, match="finite reward"):
            quick(texts, rewards, base)
    with pytest.raises(BadInput, match="two at least"):
        usual(["red"])


def test_the_guard_warns_once_of_each_style_that_moved() -> None:
    base = usual(policy(6))
    guard = watch(base, batch=96)
    calm = quick(policy(5, 96), scores(1, policy(5, 96)), base)
    long = policy(7, 96, words=60)
    listing = policy(7, 96, words=60, tail="\n- red\n- blue")
    first, second = (quick(texts, scores(1, texts), base) for texts in (long, listing))
    assert guard([calm]) is None
    assert guard([calm, first]) is None  # once is chance
    assert guard([first, calm, first]) is None
    said = guard([calm, first, first])
    assert said is not None
    assert said.startswith("warn: style moved (length +2")
    assert "lists" not in said
    assert guard([calm, first, first, first]) is None
    assert guard([calm, first, first, second]) is None
    said = guard([calm, first, first, second, second])
    assert said is not None
    assert "lists +" in said
    assert "length" not in said


def test_the_guard_allows_for_chance_in_small_batches_and_for_less_repetition() -> None:
    base = usual(policy(6, tail=" one two three" * 6))
    record = {f"signature: {name}": one.mean for name, one in base.items()}
    longer = record | {"signature: length": base["length"].mean + 0.7 * base["length"].spread}
    assert watch(base, batch=16)([longer] * 2) is None  # three standard errors: 0.78
    assert watch(base, batch=96)([longer] * 2) is not None
    assert watch(base, 96, HackingGates(shift=0.8))([longer] * 2) is None
    assert watch(base, 96)([record | {"signature: repetition": 0.0}] * 2) is None
    shorter = record | {"signature: length": base["length"].mean - 0.7 * base["length"].spread}
    assert watch(base, 96)([longer, shorter]) is None


def test_the_guard_is_silent_where_nothing_changed() -> None:
    base = usual(policy(6))
    guard = watch(base, batch=48)
    records = [quick(policy(n, 48), scores(n, policy(n, 48)), base) for n in range(100, 200)]
    assert [guard(records[: end + 1]) for end in range(100)] == [None] * 100
