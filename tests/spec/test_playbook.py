from prefloop.spec.model import parse
from prefloop.spec.playbook import STARTER, playbook


def test_the_starter_parses_and_is_helpful_harmless_honest() -> None:
    assert parse(STARTER).dimension_names == ("helpful", "harmless", "honest")


def test_the_playbook_of_the_starter_leaves_nothing_out() -> None:
    spec, text = parse(STARTER), playbook(parse(STARTER))
    words = [word for d in spec.dimensions for word in (d.name, d.description, d.good, d.bad)]
    words += [word for d in spec.disqualifiers for word in (d.name, d.description)]
    words += [word for e in spec.examples for word in (e.prompt, e.good, e.bad, e.why)]
    words += [word for e in spec.edge_cases for word in (e.case, e.handling)]
    words += [rule.why for rule in spec.tie_break]
    words += [*spec.scope.inside, *spec.scope.outside, *spec.trade_offs, *spec.failure_modes]
    assert [word for word in words if word not in text] == []


def test_dimensions_stand_in_rank_order() -> None:
    text = playbook(parse(STARTER))
    ranked = enumerate(("helpful", "harmless", "honest"), start=1)
    places = [text.index(f"{rank}. **{name}**") for rank, name in ranked]
    assert places == sorted(places)


def test_a_bare_spec_has_no_empty_sections() -> None:
    spec = parse("name: bare\ndimensions:\n  - name: good\n    description: It is good.\n")
    assert playbook(spec).splitlines()[4:] == [
        "## What counts, most important first",
        "",
        "1. **good**: It is good.",
    ]


def test_an_example_of_several_lines_stays_one_quotation() -> None:
    spec = parse(
        "name: bare\ndimensions:\n  - {name: good, description: x}\nexamples:\n"
        '  - {prompt: "a\\n\\n# b", good: g, bad: b, why: w}\n'
    )
    assert "> a\n>\n> # b" in playbook(spec)
