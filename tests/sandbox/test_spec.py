from typing import Any

import pytest
import yaml

from prefloop.core.records import Prompt
from prefloop.sandbox.parser import parse
from prefloop.sandbox.preferences import V1, V2
from prefloop.sandbox.probes import probes
from prefloop.sandbox.questions import INTENTS
from prefloop.sandbox.spec import SPEC_V1, SPEC_V2, SUITE, as_yaml

KEYS = {
    *("name", "language", "dimensions", "disqualifiers", "tie_break"),
    *("scope", "trade_offs", "failure_modes", "examples"),
}


@pytest.mark.parametrize("spec", [SPEC_V1, SPEC_V2])
def test_the_yaml_is_what_was_written(spec: dict[str, Any]) -> None:
    assert spec.keys() == KEYS
    assert yaml.safe_load(as_yaml(spec)) == spec


def test_dimensions_are_ranked_and_the_second_puts_accuracy_first() -> None:
    first, second = ([d["name"] for d in spec["dimensions"]] for spec in (SPEC_V1, SPEC_V2))
    assert first == ["directness", "tone", "certainty", "clarity"]
    assert second == ["accuracy", *first]


def test_the_first_is_silent_on_prices() -> None:
    rules = {key: SPEC_V1[key] for key in KEYS - {"scope"}}
    assert "price" not in as_yaml(rules)


@pytest.mark.parametrize(("spec", "preferences"), [(SPEC_V1, V1), (SPEC_V2, V2)])
def test_in_every_example_the_good_one_is_truly_better(spec: Any, preferences: Any) -> None:
    topics = {"plan ?": "cancel", "month ?": "pricing", "inbox ?": "outage", "oslo ?": "shipping"}
    for example in spec["examples"]:
        ending = " ".join(example["prompt"].split()[-2:])
        prompt = Prompt.of(example["prompt"], topic=topics.get(ending, "refund"))
        assert prompt.topic in INTENTS
        assert parse(prompt, example["good"]).garble == 0
        good, bad = (preferences.explained(prompt, example[which]) for which in ("good", "bad"))
        assert good > bad


def test_the_suite_lists_what_the_probes_hold() -> None:
    drawn = probes(1)
    for entry in SUITE["probes"]:
        held = [probe for probe in drawn if entry["dimension"] in probe.expected]
        assert len(held) == entry["count"]
        assert {probe.prompt.topic for probe in held} == set(entry["topics"])
