"""The desk's people at work: they use the same services as anybody, through the same queue.

Simulated annotators look up one thing that real ones never see, which comparison and purpose an
assignment has, and only to seed their noise, so that a run repeats.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from prefloop.annotation import campaigns, judgments, queries, queue
from prefloop.annotation.calibration import Locked
from prefloop.annotation.campaigns import Campaign
from prefloop.annotation.items import Answer, Item
from prefloop.annotation.judgments import Submission
from prefloop.annotation.queue import Shown
from prefloop.core.records import Completion, Judgment, Prompt, Purpose, Verdict
from prefloop.flows.project import Project
from prefloop.sandbox.annotators import Annotator, Showing, choice, expert
from prefloop.sandbox.preferences import Preferences, following
from prefloop.store import artifacts, people
from prefloop.store.engine import Transaction

__all__ = [
    "ENGINEER",
    "LEAD",
    "SENIOR",
    "as_items",
    "hire",
    "known_answers",
    "with_overlap",
    "work_off",
]

LEAD, SENIOR, ENGINEER = "lena", "sam", "eli"
SPECIALTIES = ("billing", "security")
_AT_ONCE = 400  # claimed and submitted in one commit, as a batch import would be
Progress = Callable[[int], None]


def hire(project: Project, annotators: Iterable[Annotator]) -> None:
    """Everybody who works at the desk, with the roles they need; those who are here stay."""
    with project.transaction() as tx:
        here = people.handles(tx)
        wanted: dict[str, tuple[str, ...]] = {
            LEAD: ("admin", "lead"),
            SENIOR: ("senior", "lead"),
            ENGINEER: ("engineer",),
            **{annotator.name: ("annotator",) for annotator in annotators},
        }
        for handle, roles in wanted.items():
            if handle not in here:
                people.add(tx, handle, roles)
                if "annotator" in roles:  # five seniors who know the whole desk
                    campaigns.set_profile(tx, handle, SPECIALTIES)


def as_items(
    prompts: Sequence[Prompt], completions: Sequence[Sequence[Completion]], overlap: int
) -> list[Item]:
    """One item per prompt from its first two completions; pairs of equal texts are left out."""
    return [
        Item(prompt, pair[0], pair[1], overlap)
        for prompt, pair in zip(prompts, completions, strict=True)
        if pair[0].text != pair[1].text
    ]


def with_overlap(item: Item, overlap: int) -> Item:
    """The same item, to be judged by so many people."""
    return replace(item, overlap=overlap)


def known_answers(
    items: Iterable[Item], preferences: Preferences, count: int, anchor: bool, gap: float
) -> list[Item]:
    """Gold or anchor items: cases at least `gap` apart in true utility, and the expert's answer."""
    judge, found = expert(), []
    for item in items:
        first = preferences.utility(item.prompt, item.first.text)
        second = preferences.utility(item.prompt, item.second.text)
        if abs(first - second) < gap:
            continue
        showing = Showing("expert", item.prompt, item.first.text, item.second.text, "a")
        why = judge.judge(showing, preferences, "").rationale
        answer = Answer(Verdict.A if first > second else Verdict.B, why)
        found.append(Item(item.prompt, item.first, item.second, None, answer, anchor))
        if len(found) == count:
            break
    return found


def work_off(
    project: Project,
    campaign: str,
    annotators: Sequence[Annotator],
    progress: Progress = lambda done: None,
) -> int:
    """Whoever has done least takes what the queue gives, until it gives nothing to anybody;
    returns how many were judged now.

    They follow the specification of the campaign. Whose turn it is follows from the ledger alone,
    so a desk that was interrupted goes on as if it had not been.
    """
    with project.reader() as reader:
        spec = artifacts.get(reader, campaigns.get(reader, campaign).spec)
    preferences = following(spec.manifest["spec"])
    done = 0
    while count := _turn(project, campaign, annotators, preferences):
        done += count
        progress(done)
    return done


def _turn(
    project: Project, name: str, annotators: Sequence[Annotator], preferences: Preferences
) -> int:
    """One sitting of the first who gets anything, those with the fewest judgments first."""
    with project.reader() as reader:
        so_far = queries.annotator_counts(reader, campaigns.get(reader, name).id)
    for annotator in sorted(annotators, key=lambda one: so_far.get(one.name, 0)):
        with project.ledger.transaction(annotator.name) as tx:
            count = _sit(tx, campaigns.get(tx, name), annotator, preferences)
        if count:
            return count
    return 0


def _sit(
    tx: Transaction, campaign: Campaign, annotator: Annotator, preferences: Preferences
) -> int:
    """One sitting: claim, judge, submit, in one commit."""
    try:
        shown = queue.claim(tx, campaign, annotator.name, _AT_ONCE)
    except Locked:  # not cleared by the anchors: nothing to do until the lead retrains them
        return 0
    if not shown:
        return 0
    rows = queries.assignments(tx, [one.assignment for one in shown])
    compared = queries.comparisons(tx, {row.comparison for row in rows.values()})
    sent = []
    for one in shown:
        row = rows[one.assignment]
        prompt = Prompt(one.messages, topic=compared[row.comparison].facts["topic"])
        a, b = (one.first, one.second) if row.first_shown == "a" else (one.second, one.first)
        showing = Showing(
            row.comparison, prompt, a, b, row.first_shown, Purpose(row.purpose), row.round
        )
        sent.append(_submission(one, annotator.judge(showing, preferences, campaign.spec)))
    judgments.submit(tx, campaign, annotator.name, sent)
    return len(sent)


def _submission(shown: Shown, judged: Judgment) -> Submission:
    """A judgment in the words of the screen."""
    first = judged.first_shown
    return Submission(
        assignment=shown.assignment,
        choice=choice(judged.verdict, first),
        key=shown.assignment,
        strength=judged.strength,
        dimensions={name: choice(verdict, first) for name, verdict in judged.dimensions.items()},
        flags=judged.flags,
        rationale=judged.rationale,
        active_ms=judged.active_ms,
    )
