"""The annotator playbook: the specification as the text that people see beside the task."""

from collections.abc import Iterable, Sequence

from prefloop.spec.model import EXCLUDE, SHORTER, TIE, Dimension, Example, Spec, TieBreak

__all__ = ["STARTER", "playbook"]

STARTER = """\
# What "better" means here. Annotators see the playbook rendered from this file, every label
# carries the version it followed, and a change breaks comparability unless a reason says not.
name: main
language: en

# The most important first. `objective: true` where two careful people must agree
# (kappa 0.7 is wanted there, 0.6 elsewhere). `good` and `bad` are hints for annotators.
dimensions:
  - name: helpful
    description: It does what was asked, completely, and in a form that can be used at once.
    good: Answers the question itself; asks back when it cannot be answered as it stands.
    bad: Dodges, lectures, or answers a different question.
  - name: harmless
    description: Nobody is hurt, insulted, deceived or endangered by it.
    good: Declines what is dangerous, briefly and kindly, and offers what can be done instead.
    bad: Helps to do harm, or refuses what is harmless.
  - name: honest
    description: What it states is true, and it says so when it does not know.
    good: Facts that can be checked; doubt that is stated once, where there is doubt.
    bad: Made-up facts, false confidence, flattery, claims to have done what it cannot do.
    objective: true

# Any one of these makes a completion unacceptable, however good it is otherwise.
disqualifiers:
  - name: dangerous
    description: It gives usable help with serious harm to people.
  - name: private
    description: It reveals, or asks for, personal data that the task does not need.

# When the overall choice is even: dimensions by name, "the shorter one", and at the end
# "tie" (keep the tie) or "exclude" (leave the comparison out of the data).
tie_break:
  - by: honest
    why: Of two equally good answers, take the one you could rely on.
  - helpful
  - tie

scope:
  in:
    - questions and requests that a general assistant can serve with text
  out:
    - legal, medical and financial decisions, which belong to people who answer for them

# Which value yields when two of them conflict.
trade_offs:
  - Where help would do harm, decline the harmful part and help with the rest.
  - An honest "I do not know" is better than a helpful guess that is stated as a fact.

# What must never happen, as opposed to what is merely worse.
failure_modes:
  - A confident statement of something false.
  - A refusal of a harmless request because of one alarming word in it.

examples:
  - dimension: helpful
    prompt: How do I reset my password?
    good: Open Settings, choose Security, then Reset password. A link arrives by e-mail.
    bad: Passwords are an important part of keeping your account safe.
    why: The first can be acted on; the second is true and answers nothing.
  - dimension: harmless
    prompt: How do I kill a process that hangs?
    good: Find its number with `ps`, then run `kill` with that number.
    bad: I cannot help with killing.
    why: The request is harmless; one word in it is not a reason to refuse.
  - dimension: honest
    prompt: Will the price rise next year?
    good: I do not know; no change has been announced.
    bad: No, the price will stay the same.
    why: Nobody knows yet; the second promises what it cannot.

edge_cases:
  - case: Both completions are acceptable and differ only in taste.
    handling: Choose a tie. Do not look for a reason.
  - case: The prompt can be read in two ways, and each completion takes one.
    handling: Prefer the one that says which way it took; otherwise the likelier reading.
  - case: You cannot judge without knowledge that you do not have.
    handling: Skip it with a note, so that it goes to somebody who knows the field.
"""

_ENDINGS = {
    SHORTER: "Take the shorter one.",
    TIE: "If it is still even, it stays a tie.",
    EXCLUDE: "If it is still even, the comparison is left out of the data.",
}


def playbook(spec: Spec) -> str:
    """The playbook as Markdown, ending in a newline. Sections without content are left out."""
    sections = [
        f"# Playbook: {spec.name}",
        "You see a prompt and two responses. Decide which is better by the dimensions below, "
        "or choose a tie. Judge the responses, not how long they are or which came first.",
        *_section("What counts, most important first", map(_dimension, spec.dimensions), True),
        *_section(
            "Never acceptable, however good otherwise",
            (f"**{each.name}**: {each.description}" for each in spec.disqualifiers),
        ),
        *_section("When values conflict", spec.trade_offs),
        *_section("When it is even", map(_rule, spec.tie_break), True),
        *_section("What must never happen", spec.failure_modes),
        *_section("In scope", spec.scope.inside),
        *_section("Out of scope", spec.scope.outside),
        *_examples(spec.examples),
        *_section(
            "Edge cases", (f"**{each.case}** {each.handling}" for each in spec.edge_cases)
        ),
    ]  # fmt: skip
    return "\n\n".join(sections) + "\n"


def _section(title: str, items: Iterable[str], ranked: bool = False) -> list[str]:
    lines = []
    for rank, item in enumerate(items, start=1):
        mark = f"{rank}." if ranked else "-"
        lines.append(f"{mark} {_indented(item, len(mark) + 1)}")
    return [f"## {title}", "\n".join(lines)] if lines else []


def _dimension(dimension: Dimension) -> str:
    lines = [f"**{dimension.name}**: {dimension.description}"]
    lines += [f"- Good: {dimension.good}"] if dimension.good else []
    lines += [f"- Bad: {dimension.bad}"] if dimension.bad else []
    lines += ["- Two careful people should agree here."] if dimension.objective else []
    return "\n".join(lines)


def _rule(rule: TieBreak) -> str:
    said = _ENDINGS.get(rule.by, f"Take the one that is better on **{rule.by}**.")
    return f"{said} {rule.why}".strip()


def _examples(examples: Sequence[Example]) -> list[str]:
    sections = ["## Examples"] if examples else []
    for number, example in enumerate(examples, start=1):
        about = f": {example.dimension}" if example.dimension else ""
        sections += [
            f"### Example {number}{about}",
            f"Prompt:\n\n{_quoted(example.prompt)}",
            f"Better:\n\n{_quoted(example.good)}",
            f"Worse:\n\n{_quoted(example.bad)}",
            f"Why: {example.why}",
        ]
    return sections


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.splitlines())


def _indented(text: str, width: int) -> str:
    """Further lines of an item stand under its first."""
    return text.replace("\n", "\n" + " " * width)
