from typing import Any

import pytest

from prefloop.core.errors import BadInput
from prefloop.spec.model import Spec, parse

HEAD = """\
name: desk
dimensions:
  - name: accurate
    description: true
  - name: warm
    description: kind
""".replace("description: true", 'description: "true"')


def refusal(text: str) -> str:
    with pytest.raises(BadInput) as caught:
        parse(HEAD + text)
    return str(caught.value)


def test_the_order_of_dimensions_is_their_rank() -> None:
    assert parse(HEAD).dimension_names == ("accurate", "warm")


def test_tie_break_rules_are_one_word_or_a_word_and_a_reason() -> None:
    spec = parse(HEAD + "tie_break:\n  - by: warm\n    why: be kind\n  - the shorter one\n  - tie")
    assert spec.tie_break_order == ("warm", "the shorter one", "tie")
    assert [rule.why for rule in spec.tie_break] == ["be kind", "", ""]


def test_what_a_manifest_keeps_is_read_back_as_the_same_spec() -> None:
    spec = parse(HEAD + "scope: {in: [a], out: [b]}\ntie_break: [warm, exclude]")
    kept = spec.as_json()
    assert kept["scope"] == {"in": ["a"], "out": ["b"]}
    assert Spec.model_validate(kept) == spec


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "  - name: Warm\n    description: again",
            'spec.yaml:7: dimensions[3]: "Warm" is here twice: give each its own name',
        ),
        (
            "  - name: tie\n    description: x",
            'spec.yaml:7: dimensions[3]: "tie" is a tie-break rule: rename',
        ),
        (
            "disqualifiers:\n  - {name: x, description: y}\n  - {name: x, description: z}",
            'spec.yaml:9: disqualifiers[2]: "x" is here twice: give each its own name',
        ),
        (
            "tie_break:\n  - warm\n  - wram\n  - tie",
            'spec.yaml:9: tie_break[2]: no rule "wram": use one of accurate, warm, '
            "the shorter one, tie, exclude",
        ),
        (
            "tie_break:\n  - tie\n  - warm",
            'spec.yaml:8: tie_break[1]: "tie" ends the matter: put it last',
        ),
        (
            "tie_break:\n  - warm\n  - warm",
            'spec.yaml:9: tie_break[2]: "warm" is here twice: give each its own name',
        ),
        (
            "tie_break: warm",
            'spec.yaml:7: tie_break: a list is wanted, found the text "warm"',
        ),
        (
            "examples:\n  - prompt: p\n    good: g\n    bad: b\n    why: w\n    dimension: x",
            'spec.yaml:12: examples[1].dimension: no dimension "x": use one of accurate, warm',
        ),
        (
            "  - name: brief\n    description: x\n    weight: 2",
            "spec.yaml:3: dimensions[1]: no weight: give all dimensions one, or none",
        ),
        (
            "trade_of:\n  - x",
            'spec.yaml:7: unknown key "trade_of": did you mean "trade_offs"?',
        ),
    ],
)
def test_what_does_not_fit_is_named_by_its_line(text: str, expected: str) -> None:
    assert refusal(text) == expected


def test_a_weight_may_not_rise_down_the_ranks() -> None:
    text = (
        "name: x\ndimensions:\n"
        "  - {name: a, description: a, weight: 1}\n"
        "  - {name: b, description: b, weight: 2}\n"
    )
    with pytest.raises(BadInput, match=r"^spec.yaml:4: dimensions\[2\]\.weight: weighs more"):
        parse(text)


@pytest.mark.parametrize("dimensions", ["[]", "\n"])
def test_a_spec_needs_a_dimension(dimensions: str) -> None:
    with pytest.raises(BadInput, match=r"^spec.yaml:2: dimensions: (at least one|a list)"):
        parse(f"name: x\ndimensions: {dimensions}")


@pytest.mark.parametrize("language", ["english!", "EN", "e"])
def test_a_language_is_a_tag(language: str) -> None:
    assert refusal(f"language: {language}").startswith("spec.yaml:7: language: ")


def test_norway_is_a_language() -> None:
    assert parse(HEAD + "language: no").language == "no"


def test_the_sandbox_specs_are_specs() -> None:
    from prefloop.sandbox.spec import SPEC_V1, SPEC_V2, as_yaml

    documents: list[Any] = [SPEC_V1, SPEC_V2]
    for document in documents:
        spec = parse(as_yaml(document))
        assert list(spec.dimension_names) == [d["name"] for d in document["dimensions"]]
