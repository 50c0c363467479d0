"""A filter names exactly the comparisons that fit, and says so when a word means nothing."""

from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from prefloop.annotation import filters
from prefloop.annotation.filters import Filter
from prefloop.core.errors import BadInput
from prefloop.core.records import PromptSource

TEXTS = {"t0": "What does Pro cost?", "t1": "Reset?", "x": "Pro is $30.", "y": "It depends."}


def row(name: str, *verdicts: str, topic: str = "pricing", **more: Any) -> dict[str, Any]:
    """A comparison; `tones` are the verdicts on tone, `flags` those of the first judgment."""
    tones = more.pop("tones", verdicts)
    flags, purpose = more.pop("flags", []), more.pop("purpose", "live")
    return {
        "comparison": name,
        "messages": [{"role": "user", "text": more.pop("text", "t1")}],
        "a": more.pop("a", "y"),
        "b": "y",
        "facts": {"topic": topic, "source": "usage", "high_stakes": False, **more},
        "judgments": [
            {"verdict": verdict, "purpose": purpose, "dimensions": {"tone": tone},
             "flags": [] if n else flags}
            for n, (verdict, tone) in enumerate(zip(verdicts, tones, strict=True))
        ],
    }  # fmt: skip


ROWS = [
    row("price", "a", "a", text="t0", a="x"),
    row("level", "a", "b"),
    row("login", "a", "a", topic="account", tones=("a", "tie"), source="expert"),
    row("risky", "b", topic="refunds", high_stakes=True, flags=["unsafe"]),
    row("tied", "tie", "tie", "a", "b", topic="refunds"),
]


def words(names: Iterable[str]) -> Mapping[str, str | None]:
    return {name: TEXTS[name] for name in names}


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        (Filter(topic=("pricing",)), ["price", "level"]),
        (Filter(topic=("pricing", "account")), ["price", "level", "login"]),
        (Filter(source=(PromptSource.EXPERT,)), ["login"]),
        (Filter(high_stakes=True), ["risky"]),
        (Filter(high_stakes=False, topic=("refunds",)), ["tied"]),
        # Two ties against one each way: level, and ties lead, so it is a tie and no split.
        (Filter(split=True), ["level"]),
        (Filter(disagreement=("tone",)), ["level", "login", "tied"]),
        (Filter(disagreement=("overall",)), ["level", "tied"]),
        (Filter(flags=("unsafe",)), ["risky"]),
        (Filter(contains="pro IS"), ["price"]),
        (Filter(contains="cost", topic=("pricing",)), ["price"]),
    ],
)
def test_all_conditions_have_to_hold(wanted: Filter, names: list[str]) -> None:
    assert filters.select(ROWS, wanted, words) == names


def test_an_erased_text_contains_nothing() -> None:
    gone: Mapping[str, str | None] = dict.fromkeys(TEXTS)
    with pytest.raises(BadInput, match="names none of 5"):
        filters.select(ROWS, Filter(contains="pro"), lambda names: gone)


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (Filter(), "says nothing: give at least one of topic, source"),
        (Filter(topic=("pricng",)), 'has topic "pricng": did you mean "pricing"?'),
        (Filter(topic=("zzz",)), 'has topic "zzz": there are account, pricing, refunds'),
        (Filter(disagreement=("tones",)), 'disagreement "tones": did you mean "tone"?'),
        (Filter(flags=("unsaf",)), 'flags "unsaf": did you mean "unsafe"?'),
        (Filter(source=(PromptSource.ADVERSARIAL,)), 'has source "adversarial": there are expert'),
        (Filter(topic=("account",), high_stakes=True), "names none of 5 comparisons: widen it"),
    ],
)
def test_a_filter_that_names_nothing_says_why(wanted: Filter, said: str) -> None:
    with pytest.raises(BadInput) as caught:
        filters.select(ROWS, wanted, words)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_word_that_nothing_has_names_the_empty_batch() -> None:
    with pytest.raises(BadInput, match='has flags "unsafe": it has none at all'):
        filters.select(ROWS[:2], Filter(flags=("unsafe",)), words)


def test_a_misspelt_condition_names_the_nearest_one_and_its_line() -> None:
    with pytest.raises(BadInput) as caught:
        filters.parse("high_stakes: true\ntopics: [pricing]\n", "again.yaml")
    assert str(caught.value) == 'again.yaml:2: unknown key "topics": did you mean "topic"?'


def test_a_filter_comes_back_from_its_json() -> None:
    wanted = Filter(topic=("pricing",), source=(PromptSource.USAGE,), split=False)
    said = {"topic": ["pricing"], "source": ["usage"], "split": False}
    assert wanted.as_json == said
    assert Filter.model_validate(said) == wanted
    assert wanted.by_judgments
    assert not Filter(topic=("pricing",), contains="x").by_judgments
