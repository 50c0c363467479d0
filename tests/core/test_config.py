from enum import StrEnum
from typing import Literal

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, field_validator

from prefloop.core.config import parse_yaml
from prefloop.core.config_messages import problem
from prefloop.core.errors import BadInput


class Speed(StrEnum):
    SLOW = "slow"
    FAST = "fast"


class Stage(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str = Field(min_length=1)
    steps: int = 1
    lr: float = 0.1
    resume: bool = False
    kind: Literal["sft", "reward", "policy"] = "sft"
    speed: Speed = Speed.SLOW


class Plan(BaseModel):
    model_config = ConfigDict(extra="forbid")
    title: str = "untitled"
    stages: tuple[Stage, ...] = ()
    by_name: dict[str, Stage] = {}
    tags: list[str] = []
    final: Stage | None = None

    @field_validator("tags")
    @classmethod
    def _no_spaces(cls, tags: list[str]) -> list[str]:
        for place, tag in enumerate(tags):
            if " " in tag:
                raise problem(f'"{tag}" has a space: use a hyphen', place)
        return tags


def problems(text: str) -> list[str]:
    with pytest.raises(BadInput) as caught:
        parse_yaml(text, Plan, "plan.yaml")
    return str(caught.value).splitlines()


def test_a_correct_file_becomes_the_model() -> None:
    text = """\
title: first  # a comment
stages:
  - name: a
    steps: 10
    lr: 1e-3
    resume: true
    kind: reward
    speed: fast
final: {name: z}
"""
    plan = parse_yaml(text, Plan, "plan.yaml")
    assert plan.stages == (
        Stage(name="a", steps=10, lr=0.001, resume=True, kind="reward", speed=Speed.FAST),
    )
    assert plan.final == Stage(name="z")


@pytest.mark.parametrize("text", ["", "# nothing but a comment\n", "{}"])
def test_an_empty_file_gives_the_defaults(text: str) -> None:
    assert parse_yaml(text, Plan, "plan.yaml") == Plan()


def test_an_empty_file_that_lacks_a_key_says_so() -> None:
    with pytest.raises(BadInput, match=r'^s\.yaml:1: the key "name" is missing: add it$'):
        parse_yaml("", Stage, "s.yaml")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("title: a\ntags: [b", "plan.yaml:2:9: not valid YAML: while parsing a flow sequence"),
        ("title: a: b", "plan.yaml:1:9: not valid YAML: mapping values are not allowed here"),
        ("title: a\n\ttags: []", "plan.yaml:2:1: not valid YAML: while scanning"),
        ("title: a\n---\ntitle: b", "plan.yaml:2:1: not valid YAML: expected a single document"),
        ("a: &x [1]\nb: *x", "plan.yaml:2:4: not valid YAML: the alias *x is not supported"),
        ("title: a\n  \x07", "plan.yaml:2:3: the character U+0007 may not stand in YAML"),
        ("title: !!python/none x", "plan.yaml:1: 'x' has the tag tag:yaml.org,2002:python/none"),
        ('title: "\\ud800"', "plan.yaml:1: '\\ud800' is not valid Unicode"),
        ('title: "\\UFFFFFFFF"', "plan.yaml: an escape (\\U...) names no character"),
        ("title: 1e999", "plan.yaml:1: '1e999' is beyond what a number can hold"),
        ("? [a]\n: b", "plan.yaml:1: a key must be one word or phrase"),
        ("[" * 3000, "plan.yaml: nested too deeply"),
    ],
)
def test_broken_yaml_is_named_by_its_place(text: str, expected: str) -> None:
    assert problems(text)[0].startswith(expected)


def test_a_tab_is_explained() -> None:
    assert problems("title: a\n\ttags: []")[0].endswith(": indent with spaces, not tabs")


def test_a_misspelt_choice_is_told_the_nearest_one_and_nothing_around_it() -> None:
    assert problems("final:\n  name: b\n  kind: sfft\n")[0].endswith(': did you mean "sft"?')


def test_a_duplicate_key_names_both_lines() -> None:
    assert problems("title: a\nfinal:\n  name: b\n  name: c\ntitle: d") == [
        'plan.yaml:4: the key "name" is here twice (first in line 3): remove one',
        'plan.yaml:5: the key "title" is here twice (first in line 1): remove one',
    ]


def test_an_unknown_key_names_its_line_and_the_nearest_known_key() -> None:
    text = "titel: a\nstages:\n  - name: b\n    stepps: 3\nfinal:\n  nane: c\n"
    assert problems(text) == [
        'plan.yaml:1: unknown key "titel": did you mean "title"?',
        'plan.yaml:4: unknown key "stepps" in stages[1]: did you mean "steps"?',
        # and not also that "name" is missing
        'plan.yaml:6: unknown key "nane" in final: did you mean "name"?',
    ]


def test_an_unknown_key_near_to_nothing_lists_what_is_known() -> None:
    assert problems("by_name:\n  x:\n    name: a\n    zzz: 1\n") == [
        'plan.yaml:4: unknown key "zzz" in by_name.x: '
        "known here: name, steps, lr, resume, kind, speed"
    ]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("steps: many", 'a whole number is wanted, found the text "many"'),
        ("steps: 1.5", "a whole number is wanted, found the number 1.5"),
        ("steps: true", "a whole number is wanted, found true (which YAML reads as true or false)"),
        ("steps: [1]", "a whole number is wanted, found a list"),
        ("lr: .nan", 'a number is wanted, found the text ".nan"'),
        ("lr:", "a number is wanted, found nothing"),
        ("resume: yes", 'true or false is wanted, found the text "yes": write true'),
        ("resume: off", 'true or false is wanted, found the text "off": write false'),
        ("kind: rewrad", "one of 'sft', 'reward' or 'policy' is wanted, found the text \"rewrad\""),
        ("speed: {}", "one of 'slow' or 'fast' is wanted, found an empty mapping"),
    ],
)
def test_a_wrong_type_names_line_path_and_what_was_found(line: str, expected: str) -> None:
    found = problems(f"stages:\n  - name: a\n  - name: b\n    {line}\n")
    assert len(found) == 1
    path = line.split(":")[0]
    assert found[0].startswith(f"plan.yaml:4: stages[2].{path}: {expected}")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("true", 'found true (which YAML reads as true or false): put it in quotes, "true"'),
        ("3", 'found the number 3: put it in quotes, "3"'),
        ("", "found nothing"),
        ("~", "found nothing"),
        ("''", "found nothing"),
        ("[a]", "found a list"),
    ],
)
def test_where_text_is_wanted_the_trap_is_explained(value: str, expected: str) -> None:
    assert problems(f"final:\n  name: {value}") == [
        f"plan.yaml:2: final.name: text is wanted, {expected}"
    ]


@pytest.mark.parametrize("word", ["no", "yes", "on", "off", "2024-01-31", "12:30", "1_000"])
def test_words_that_old_yaml_would_change_stay_the_text_they_look_like(word: str) -> None:
    assert parse_yaml(f"title: {word}", Plan, "plan.yaml").title == word


def test_a_leading_zero_is_no_octal() -> None:
    assert parse_yaml("name: a\nsteps: 010", Stage, "s.yaml").steps == 10


def test_a_wrong_shape_at_the_top_is_told() -> None:
    assert problems("- a") == [
        "plan.yaml:1: the file: a mapping (key: value) is wanted, found a list"
    ]


def test_a_validator_can_point_below_itself() -> None:
    assert problems("tags:\n  - fine\n  - not fine\n") == [
        'plan.yaml:3: tags[2]: "not fine" has a space: use a hyphen'
    ]


def test_problems_come_in_the_order_of_the_file() -> None:
    found = problems("stages:\n  - steps: x\nfinal: 3\ntitle: 4\nbogus: 5\n")
    assert [int(line.split(":")[1]) for line in found] == [2, 2, 3, 4, 5]


def outcome(text: str) -> Plan | str:
    try:
        return parse_yaml(text, Plan, "plan.yaml")
    except BadInput as error:
        return str(error)


@given(
    st.builds(
        Plan,
        title=st.text(st.characters(exclude_categories=["Cs", "Cc"])),
        tags=st.lists(st.text("abc-0123.eyn", max_size=6)),
    )
)
def test_whatever_pyyaml_writes_is_read_back_or_refused(plan: Plan) -> None:
    # PyYAML quotes what its own (1.1) rules would change; what only 1.2 reads as a number,
    # such as 0e1, it leaves bare, and a model that wants text then refuses instead of guessing.
    read = outcome(yaml.safe_dump(plan.model_dump(mode="json"), allow_unicode=True))
    assert read == plan or (isinstance(read, str) and "put it in quotes" in read)


@given(st.text())
def test_no_text_leads_to_anything_but_a_model_or_a_clear_refusal(text: str) -> None:
    read = outcome(text)
    assert isinstance(read, Plan) or read.startswith("plan.yaml:")
