"""Do declared groups of annotators judge differently, and who is in the pool at all?

People may declare groups, nobody has to, and what was declared can be withdrawn and is then gone.
Nothing is shown of a group below five people, nor could it be had by subtraction: where the people
outside all groups shown would be one to four, the smallest group is not shown either. What was
declared is in no artifact and no export.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from prefloop.annotation import queries
from prefloop.annotation.evidence import Evidence
from prefloop.annotation.labels import Labels
from prefloop.annotation.quality.work import pick
from prefloop.core.digest import rng
from prefloop.core.errors import BadInput, NotFound
from prefloop.core.records import Estimate
from prefloop.stats import NotEnough
from prefloop.stats.detection import adjusted
from prefloop.stats.group_habits import Flips, effective_number, flips, habit, holm
from prefloop.stats.groups import Apart, agreements, apart
from prefloop.store import people
from prefloop.store.engine import Reader, Transaction

__all__ = ["LEAST", "Bias", "Pool", "Question", "declare", "declared", "look", "shown", "withdraw"]

LEAST = 5  # people below which nothing is shown of a group
RATE = 0.05
_LONGEST = 60


@dataclass(frozen=True, slots=True)
class Pool:
    """Who is in the pool by one attribute: people and judgments of each group that may be shown.
    `rest` are all others, declared or not; `effective` is how many groups of equal size are as
    diverse."""

    attribute: str
    people: Mapping[str, int]
    judgments: Mapping[str, int]
    rest: int
    effective: float | NotEnough

    def json(self) -> dict[str, Any]:
        equal = self.effective
        return {
            "attribute": self.attribute,
            "people": dict(self.people),
            "judgments": dict(self.judgments),
            "others_or_not_declared": self.rest,
            "effective_groups": equal.json() if isinstance(equal, NotEnough) else equal,
        }


@dataclass(frozen=True, slots=True)
class Question:
    """One thing asked of one group against the rest. `q` is p adjusted for everything asked
    (Benjamini and Hochberg 1995), `holm` so that no false alarm at all is likely."""

    attribute: str
    group: str
    topic: str  # "" for all
    what: str
    effect: Estimate
    said: str
    p: float
    q: float = 1.0
    holm: float = 1.0

    def json(self) -> dict[str, Any]:
        return {
            "attribute": self.attribute,
            "group": self.group,
            "topic": self.topic,
            "what": self.what,
            "effect": self.effect.json(),
            "said": self.said,
            "p": self.p,
            "q": self.q,
            "holm": self.holm,
        }


@dataclass(frozen=True, slots=True)
class Bias:
    """The pool by every attribute, and all questions, surest first."""

    name: str
    pools: tuple[Pool, ...]
    questions: tuple[Question, ...]
    rate: float
    not_enough: tuple[str, ...]

    @property
    def differing(self) -> tuple[Question, ...]:
        return tuple(one for one in self.questions if one.q <= self.rate)

    def json(self) -> dict[str, Any]:
        return {
            "of": self.name,
            "least_group": LEAST,
            "false_discovery_rate": self.rate,
            "pools": [one.json() for one in self.pools],
            "questions": [one.json() for one in self.questions],
            "not_enough": list(self.not_enough),
        }


def declare(tx: Transaction, attribute: str, value: str) -> None:
    """Say of oneself that one belongs to a group; said again, the new word counts. The audit event
    says that something was declared, not what."""
    people.require(tx, "group.declare")
    for word in (attribute, value):
        if not word.strip() or len(word) > _LONGEST or not word.isprintable():
            raise BadInput(f"group {word!r}: a word or a few, at most {_LONGEST} characters")
    queries.declare(tx, tx.actor, attribute.strip().casefold(), value.strip().casefold())
    tx.event("group.declare", tx.actor)


def withdraw(tx: Transaction, attribute: str | None = None) -> int:
    """Take back what one declared, all of it or one attribute; it is deleted. Returns how much."""
    people.require(tx, "group.declare")
    name = attribute.strip().casefold() if attribute is not None else None
    gone = queries.withdraw(tx, tx.actor, name)
    if not gone:
        raise NotFound(f"{tx.actor} has declared nothing{f' as {name}' if name else ''}")
    tx.event("group.withdraw", tx.actor)
    return gone


def declared(reader: Reader, annotator: str) -> dict[str, str]:
    """What somebody declared: for themselves."""
    return {attribute: value for _, attribute, value in queries.declared(reader, [annotator])}


def look(
    reader: Reader, name: str, labels: Labels, seen: Evidence | None, seed: int, rate: float = RATE
) -> Bias:
    """Ask everything of every group that may be shown, and decide all of it at one rate."""
    pools, questions, silent = [], [], []
    for attribute, groups in _attributes(reader, labels).items():
        told = shown(groups, len(labels.annotators))
        pools.append(_pool(attribute, groups, told, labels))
        if not told:
            silent.append(f"{attribute}: no group of {LEAST} people or more that may be shown")
        for group, inside, outside in _sides(groups, told):
            if len(outside) < LEAST:
                silent.append(f"{attribute}={group}: fewer than {LEAST} people to compare with")
                continue
            asked = _Asked(attribute, group, inside, outside, seed)
            questions += list(_ask(asked, labels, seen))
    p = np.array([one.p for one in questions])
    sure, surest = adjusted(p), holm(p)
    final = [
        replace(one, q=float(q), holm=float(h))
        for one, q, h in zip(questions, sure, surest, strict=True)
    ]
    final.sort(key=lambda one: (one.q, one.p, one.attribute, one.group, one.topic, one.what))
    return Bias(name, tuple(pools), tuple(final), rate, tuple(silent))


def shown(groups: Mapping[str, Sequence[int]], everybody: int) -> list[str]:
    """The groups that may be shown, largest first."""
    large = [name for name in groups if len(groups[name]) >= LEAST]
    large.sort(key=lambda name: (-len(groups[name]), name))
    while large and 0 < everybody - sum(len(groups[name]) for name in large) < LEAST:
        large.pop()
    return large


@dataclass(frozen=True, slots=True)
class _Asked:
    attribute: str
    group: str
    inside: Sequence[int]
    outside: Sequence[int]
    seed: int

    def rng(self, what: str, topic: str = "") -> np.random.Generator:
        return rng(self.seed, "bias", self.attribute, self.group, what, topic)

    def question(self, topic: str, what: str, effect: Estimate, said: str, p: float) -> Question:
        return Question(self.attribute, self.group, topic, what, effect, said, p)


def _ask(asked: _Asked, labels: Labels, seen: Evidence | None) -> Iterator[Question]:
    yield from _agreement(asked, labels, "")
    topics = np.array(labels.topics, dtype=object)
    for topic in sorted({name for name in labels.topics if name}):
        yield from _agreement(asked, pick(labels, (topics == topic)[labels.item]), topic)
    yield from _habits(asked, labels, seen)


def _agreement(asked: _Asked, labels: Labels, topic: str) -> Iterator[Question]:
    """Whether the group stands apart (and overall whether it is of one mind), and whose vote
    would be another."""
    if not len(labels.item):
        return
    columns = labels.item, labels.annotator, labels.label
    found = apart(agreements(*columns), asked.inside, asked.outside, asked.rng("apart", topic))
    if not isinstance(found, Apart):
        return
    turned = flips(*columns, asked.inside, asked.outside, asked.rng("flips", topic))
    rates = (
        f"agreement within {found.within.estimate:.2f}, within the rest {found.rest.estimate:.2f}, "
        f"across {found.across.estimate:.2f}"
    )
    outcome = ""
    if isinstance(turned, Flips):
        outcome = (
            f"; its vote is another than the rest's on {turned.share.estimate:.0%} "
            f"[{turned.share.low:.0%}, {turned.share.high:.0%}] of {turned.share.n} items, by "
            f"chance {turned.expected:.0%}"
        )
    yield asked.question(topic, "stands apart", found.apart, rates + outcome, found.p_apart)
    if not topic:
        yield asked.question(topic, "agrees otherwise", found.unlike, rates, found.p_unlike)


def _habits(asked: _Asked, labels: Labels, seen: Evidence | None) -> Iterator[Question]:
    for what, who, values, items in _values(labels, seen):
        if not len(values) or values.min() == values.max():
            continue
        found = habit(who, values, asked.inside, asked.outside, asked.rng(what), items)
        if isinstance(found, NotEnough):
            continue
        said = f"{found.inside:.2f} in the group, {found.outside:.2f} in the rest"
        yield asked.question("", what, found.difference, said, found.p)


def _values(
    labels: Labels, seen: Evidence | None
) -> Iterator[tuple[str, np.ndarray, np.ndarray, np.ndarray | None]]:
    """What is asked of single judgments: name, annotators, values and, where an uneven assignment
    would matter, items."""
    if labels.categories is not None:
        for code, name in enumerate(labels.categories):
            said = (labels.label == code).astype(np.float64)
            yield f"says {name}", labels.annotator, said, labels.item
        return
    yield "ties", labels.annotator, (labels.label == 0).astype(np.float64), labels.item
    sided = (labels.first_shown != 0) & (labels.label != 0)
    first = (labels.first_shown == labels.label)[sided].astype(np.float64)
    yield "takes the first shown", labels.annotator[sided], first, None  # a coin chose the place
    if seen is not None and seen.data.longer is not None:
        longer = seen.data.longer * seen.data.verdicts
        told = longer != 0
        place = {name: code for code, name in enumerate(labels.annotators)}
        codes = np.array([place.get(name, -1) for name in seen.names], dtype=np.int64)
        who, item = codes[seen.data.rows.annotators], seen.data.rows.items
        yield "takes the longer", who[told], (longer > 0)[told].astype(np.float64), item[told]


def _attributes(reader: Reader, labels: Labels) -> dict[str, dict[str, list[int]]]:
    """{attribute: {value: annotator codes}} of people who judged here."""
    code = {name: n for n, name in enumerate(labels.annotators)}
    found: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for name, attribute, value in queries.declared(reader, labels.annotators):
        found[attribute][value].append(code[name])
    return {name: dict(groups) for name, groups in sorted(found.items())}


def _pool(
    attribute: str, groups: Mapping[str, Sequence[int]], told: Sequence[str], labels: Labels
) -> Pool:
    sizes = {name: len(groups[name]) for name in told}
    counts: Counter[int] = Counter(labels.annotator.tolist())
    judged = {name: sum(counts[code] for code in groups[name]) for name in told}
    rest = len(labels.annotators) - sum(sizes.values())
    return Pool(
        attribute,
        sizes,
        judged,
        rest,
        effective_number(np.array(list(sizes.values()), dtype=np.int64)),
    )


def _sides(
    groups: Mapping[str, Sequence[int]], told: Sequence[str]
) -> Iterator[tuple[str, list[int], list[int]]]:
    """Each group shown and everybody else who declared this attribute; two groups that are all
    there is are asked about once."""
    for name in told:
        outside = [code for other in groups if other != name for code in groups[other]]
        yield name, list(groups[name]), outside
        if len(groups) == 2 and len(told) == 2:
            return
