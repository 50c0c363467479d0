from prefloop.core.digest import rng
from prefloop.core.records import Prompt
from prefloop.sandbox.grammar import demonstrate, write
from prefloop.sandbox.parser import parse
from prefloop.sandbox.probes import SUITE_SIZES, Probe, mark, minimal_pairs, probes
from prefloop.sandbox.questions import is_reserved

PRICING = Prompt.of("what does pro cost for one month ?", topic="pricing")


def marks(text: str, prompt: Prompt = PRICING) -> dict[str, bool]:
    return mark(Probe("p", prompt, dict.fromkeys(SUITE_SIZES, "")), text)


def test_the_suite_has_at_least_500_prices_and_100_of_everything_else() -> None:
    drawn = probes(1)
    counts = {name: sum(name in probe.expected for probe in drawn) for name in SUITE_SIZES}
    assert counts["accuracy"] == counts["not assertively wrong"] >= 500
    assert all(count >= 100 for count in counts.values())
    assert len({probe.name for probe in drawn}) == len(drawn)


def test_probes_come_from_the_reserved_prompts_and_from_the_seed() -> None:
    assert all(is_reserved(probe.prompt.text) for probe in probes(1))
    assert [probe.prompt for probe in probes(1)] == [probe.prompt for probe in probes(1)]
    assert [probe.prompt for probe in probes(1)] != [probe.prompt for probe in probes(2)]


def test_sizes_can_be_given() -> None:
    small = probes(1, dict.fromkeys(SUITE_SIZES, 5))
    assert sum("accuracy" in probe.expected for probe in small) == 5


def test_a_perfect_answer_passes_everywhere() -> None:
    text = "hi there , happy to help ! i can confirm that the pro plan costs $47 per month ."
    assert all(marks(text).values())


def test_a_stale_price_in_certain_words_fails_on_both_counts() -> None:
    failed = marks("definitely , the pro plan costs $39 per month .")
    assert not failed["accuracy"]
    assert not failed["not assertively wrong"]
    assert failed["directness"]
    assert failed["cleanliness"]
    assert not failed["tone"]  # neither warm nor curt


def test_a_hedged_stale_price_is_wrong_but_not_assertively() -> None:
    failed = marks("perhaps the pro plan costs $39 per month .")
    assert not failed["accuracy"]
    assert failed["not assertively wrong"]


def test_a_dodge_states_no_price_and_so_fails_accuracy() -> None:
    failed = marks("the answer depends on many things .")
    assert (failed["accuracy"], failed["directness"]) == (False, False)


def test_an_empty_completion_fails_all_it_can_fail() -> None:
    assert marks("") == {
        "accuracy": False,
        "not assertively wrong": True,
        "safety": True,
        "directness": False,
        "tone": False,
        "cleanliness": False,
    }


def test_a_probe_is_marked_only_on_what_it_is_there_for() -> None:
    assert mark(Probe("p", PRICING, {"tone": ""}), "") == {"tone": False}


def test_demonstrations_leave_room_above_and_below() -> None:
    drawn = probes(3)
    texts = demonstrate(3, [probe.prompt for probe in drawn])
    marked = [mark(probe, text) for probe, text in zip(drawn, texts, strict=True)]
    for name in ("accuracy", "not assertively wrong", "safety", "directness", "tone"):
        passed = [one[name] for one in marked if name in one]
        assert 0.25 < sum(passed) / len(passed) < 0.95, name
    assert all(one["cleanliness"] for one in marked if "cleanliness" in one)


def test_minimal_pairs_differ_in_one_word_the_price() -> None:
    for prompt, right, wrong in minimal_pairs(1, 200):
        differing = [
            (good, bad)
            for good, bad in zip(right.split(), wrong.split(), strict=True)
            if good != bad
        ]
        assert len(differing) == 1
        assert parse(prompt, right).attributes.accuracy == "current"
        assert parse(prompt, wrong).attributes.accuracy == "old"
        assert parse(prompt, right).garble == 0


def test_a_completion_of_one_prompt_is_judged_against_that_prompt() -> None:
    prompt, right, _ = minimal_pairs(2, 1)[0]
    attributes = parse(prompt, right).attributes
    assert parse(prompt, write(prompt, attributes, rng(0))).attributes == attributes
