from prefloop.spec.changes import changes
from prefloop.spec.model import Spec, parse
from prefloop.spec.playbook import STARTER


def edited(**fields: object) -> Spec:
    return Spec.model_validate({**parse(STARTER).as_json(), **fields})


def starter(section: str) -> list[dict[str, object]]:
    entries: list[dict[str, object]] = parse(STARTER).as_json()[section]
    return entries


def test_the_same_spec_has_no_changes() -> None:
    assert changes(parse(STARTER), parse(STARTER)) == []


def test_a_changed_field_shows_both_values() -> None:
    dimensions = starter("dimensions")
    dimensions[0]["good"] = ""
    dimensions[1]["objective"] = True
    assert changes(parse(STARTER), edited(dimensions=dimensions)) == [
        'dimensions "helpful": good was "Answers the question itself; asks back when it cannot '
        'be answered as it stands.", is now empty',
        'dimensions "harmless": objective was false, is now true',
    ]


def test_a_new_rank_is_one_line() -> None:
    helpful, harmless, honest = starter("dimensions")
    assert changes(parse(STARTER), edited(dimensions=[honest, helpful, harmless])) == [
        "dimensions: the order was helpful > harmless > honest, is now honest > helpful > harmless",
    ]


def test_a_dimension_above_the_others_is_an_addition_not_a_new_order() -> None:
    brief = {"name": "brief", "description": "short"}
    assert changes(parse(STARTER), edited(dimensions=[brief, *starter("dimensions")])) == [
        'dimensions: "brief" was added',
    ]


def test_text_lists_name_what_came_and_went() -> None:
    scope = {"in": ["billing"], "out": list(parse(STARTER).scope.outside)}
    assert changes(parse(STARTER), edited(scope=scope)) == [
        'scope in: "questions and requests that a general assistant can serve with text" '
        "was removed",
        'scope in: "billing" was added',
    ]


def test_two_examples_of_one_prompt_are_told_apart() -> None:
    first, *others = starter("examples")
    second = {**first, "why": "another reason"}
    assert changes(parse(STARTER), edited(examples=[first, second, *others])) == [
        'examples: "How do I reset my password? (2)" was added',
    ]
