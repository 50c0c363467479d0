"""Freezing: which judgments count, which prompts are held out, what is refused."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from prefloop.core.errors import BadInput, NotPermitted
from prefloop.core.records import Pair, Prompt
from prefloop.datasets import freeze
from prefloop.datasets.freeze import FreezeSettings
from prefloop.store import Ledger, artifacts, people, texts
from prefloop.store.artifacts import Artifact
from prefloop.store.engine import Transaction
from prefloop.store.rows import prompt_row, prompt_words
from prefloop.store.verify import verify

Verdicts = Sequence[tuple[str, str] | tuple[str, str, str]]  # annotator, verdict, purpose
ALL = FreezeSettings(held_out=0)
ACROSS = FreezeSettings(held_out=0, across_epochs=True, because="tone means what it meant")


@pytest.fixture(autouse=True)
def _people(ledger: Ledger) -> None:
    with ledger.transaction("ana") as tx:
        people.add(tx, "ana", ("admin", "lead", "engineer"))
        people.add(tx, "ben", ("annotator",))


def judgment(who: str, verdict: str, purpose: str = "live") -> dict[str, Any]:
    return {
        "annotator": who,
        "purpose": purpose,
        "round": 1,
        "verdict": verdict,
        "dimensions": {"tone": verdict},
        "first_shown": "a",
    }


def compared(
    tx: Transaction, question: str, verdicts: Verdicts, long: bool = False
) -> dict[str, Any]:
    """One comparison of "<question> A" with "<question> B"; a long A has five words more."""
    first = f"{question} A" + (" and some more words here" if long else "")
    prompt, second = Prompt.of(question, topic="billing"), f"{question} B"
    stored = texts.put_many(tx, [*prompt_words([prompt]), first, second])
    return {
        "comparison": f"c {question}",
        **prompt_row(prompt, stored),
        "a": stored[first],
        "b": stored[second],
        "origin": {"a": "", "b": ""},
        "judgments": [judgment(*one) for one in verdicts],
    }


def make_batch(
    ledger: Ledger,
    work: Mapping[str, Verdicts],
    standing: Mapping[str, str] | None = None,
    long: bool = False,
    **about: Any,
) -> Artifact:
    """A label batch by hand; `standing` says what calibration made of annotators."""
    with ledger.transaction("ana") as tx:
        rows = [compared(tx, question, verdicts, long) for question, verdicts in work.items()]
        names = {one[0] for verdicts in work.values() for one in verdicts}
        status = dict.fromkeys(names, "cleared") | dict(standing or {})
        manifest = {
            "campaign": "july",
            "purpose": "live",
            "spec": "s",
            "epoch": 1,
            "dimensions": ["tone"],
            "tie_break": ["exclude"],
            "pool": {name: {"calibration": {"status": word}} for name, word in status.items()},
            "judgments": sum(map(len, work.values())),
            "files": {"comparisons": artifacts.write_rows(tx, rows)},
            **about,
        }
        return artifacts.put(tx, "label_batch", manifest)


def frozen(ledger: Ledger, *batches: Artifact, settings: FreezeSettings = ALL) -> Artifact:
    with ledger.transaction("ana") as tx:
        return freeze.freeze(tx, batches, settings)


def read(ledger: Ledger, dataset: Artifact, split: str | None = None) -> list[Pair]:
    with ledger.reader() as reader:
        return freeze.pairs(reader, dataset, split)


def chosen(ledger: Ledger, dataset: Artifact) -> set[str]:
    return {pair.chosen for pair in read(ledger, dataset)}


def test_votes_become_a_pair_with_its_margin_and_agreement(ledger: Ledger) -> None:
    batch = make_batch(ledger, {"q": [("ben", "b"), ("cleo", "b"), ("dan", "a")]})
    dataset = frozen(ledger, batch)
    # 2 of 3 for b: margin (2 - 1) / 3, agreement 2 / 3.
    (pair,) = read(ledger, dataset)
    assert (pair.chosen, pair.rejected, pair.judgments) == ("q B", "q A", 3)
    assert [pair.margin, pair.agreement] == pytest.approx([1 / 3, 2 / 3])
    assert pair.dimensions == {"tone": 1}
    assert pair.prompt == Prompt.of("q", topic="billing")
    with ledger.reader() as reader:
        assert freeze.votes(reader, dataset) == [[2, 1, 0]]
    assert dataset.parents == (batch.digest,)
    assert verify(ledger).ok


def test_the_same_batches_give_the_same_digest_and_other_settings_another(ledger: Ledger) -> None:
    batch = make_batch(ledger, {"q": [("ben", "a")], "r": [("ben", "b")]})
    assert frozen(ledger, batch).digest == frozen(ledger, batch).digest
    other = frozen(ledger, batch, settings=FreezeSettings(held_out=0, seed=1))
    assert other.digest != frozen(ledger, batch).digest


def test_whole_prompts_are_held_out_and_stay_on_their_side(ledger: Ledger) -> None:
    first = make_batch(ledger, {f"q{n}": [("ben", "a")] for n in range(40)})
    more = make_batch(ledger, {f"q{n}": [("ben", "b")] for n in range(20, 80)}, campaign="august")
    settings = FreezeSettings(held_out=0.3, seed=3)
    small = {p.prompt: p.split for p in read(ledger, frozen(ledger, first, settings=settings))}
    large = {p.prompt: p.split for p in read(ledger, frozen(ledger, more, settings=settings))}
    both = small.keys() & large.keys()
    assert len(both) == 20
    assert all(small[prompt] == large[prompt] for prompt in both)
    assert {*large.values()} == {"train", "held_out"}


def test_two_comparisons_of_one_prompt_are_never_on_both_sides(ledger: Ledger) -> None:
    with ledger.transaction("ana") as tx:
        rows = []
        for n in range(30):
            for variant in "xy":  # the same question, another pair of answers
                row = compared(tx, f"q{n}", [("ben", "a")])
                answer = texts.put(tx, f"q{n} {variant}")
                rows.append({**row, "comparison": f"c{n}{variant}", "b": answer})
        entry = artifacts.write_rows(tx, rows)
    batch = make_batch(ledger, {"q0": [("ben", "a")]}, files={"comparisons": entry})
    dataset = frozen(ledger, batch, settings=FreezeSettings(held_out=0.4))
    train = {pair.prompt for pair in read(ledger, dataset, "train")}
    held = {pair.prompt for pair in read(ledger, dataset, "held_out")}
    assert train
    assert held
    assert not train & held
    assert len(read(ledger, dataset)) == 60


def test_annotators_who_were_not_cleared_do_not_count(ledger: Ledger) -> None:
    work: dict[str, Verdicts] = {"q": [("ben", "a"), ("cleo", "b"), ("dan", "b")]}
    status = {"cleo": "locked", "dan": "excluded"}
    dataset = frozen(ledger, make_batch(ledger, work, status))
    assert chosen(ledger, dataset) == {"q A"}
    assert dataset.manifest["counts"]["excluded_judgments"] == 2


def test_annotators_who_are_excluded_by_name_do_not_count(ledger: Ledger) -> None:
    batch = make_batch(ledger, {"q": [("ben", "a"), ("cleo", "b"), ("dan", "b")]})
    settings = FreezeSettings(held_out=0, exclude=["cleo", "dan"])
    assert chosen(ledger, frozen(ledger, batch, settings=settings)) == {"q A"}


def test_a_comparison_judged_only_by_people_who_do_not_count_is_unjudged(ledger: Ledger) -> None:
    work: dict[str, Verdicts] = {"q": [("cleo", "b")], "r": [("ben", "a")]}
    counts = frozen(ledger, make_batch(ledger, work, {"cleo": "locked"})).manifest["counts"]
    assert (counts["pairs"], counts["unjudged"], counts["comparisons"]) == (1, 1, 2)


def test_gold_anchors_and_repeats_are_no_training_labels(ledger: Ledger) -> None:
    hidden: Verdicts = [("ben", "a"), *[("ben", "b", p) for p in ("gold", "anchor", "duplicate")]]
    dataset = frozen(ledger, make_batch(ledger, {"q": hidden}))
    assert [(p.chosen, p.judgments) for p in read(ledger, dataset)] == [("q A", 1)]


def test_a_comparison_that_was_live_first_and_gold_later_keeps_its_live_labels(
    ledger: Ledger,
) -> None:
    live = make_batch(ledger, {"q": [("ben", "a")]})
    later = make_batch(ledger, {"q": [("ben", "b", "gold")], "r": [("ben", "a")]}, campaign="gold")
    assert chosen(ledger, frozen(ledger, live, later)) == {"q A", "r A"}
    counts = frozen(ledger, later).manifest["counts"]  # alone, q is there only to test people
    assert (counts["pairs"], counts["comparisons"], counts["unjudged"]) == (1, 1, 0)


def test_ties_and_left_out_comparisons_are_counted_and_kept_out(ledger: Ledger) -> None:
    work: dict[str, Verdicts] = {
        "won": [("ben", "a")],
        "tied": [("ben", "tie"), ("cleo", "tie"), ("dan", "a")],  # ties lead
        "split": [("ben", "a"), ("cleo", "b")],  # level: the rule says exclude
    }
    counts = frozen(ledger, make_batch(ledger, work)).manifest["counts"]
    assert (counts["pairs"], counts["ties"], counts["left_out"], counts["split"]) == (1, 1, 1, 1)
    assert counts["comparisons"] == 3


def test_a_level_vote_goes_to_the_shorter_one_where_the_rules_say_so(ledger: Ledger) -> None:
    work: dict[str, Verdicts] = {"q": [("ben", "a"), ("cleo", "b")]}
    batch = make_batch(ledger, work, long=True, tie_break=["the shorter one", "exclude"])
    dataset = frozen(ledger, batch)
    assert chosen(ledger, dataset) == {"q B"}  # 2 words against 7
    with ledger.reader() as reader:
        (row,) = artifacts.read_rows(reader, dataset, "pairs")
    assert row["decided_by"] == "the shorter one"


def test_judgments_of_two_batches_on_one_comparison_are_pooled(ledger: Ledger) -> None:
    one = make_batch(ledger, {"q": [("ben", "a")]})
    two = make_batch(ledger, {"q": [("cleo", "b"), ("dan", "b")]}, campaign="august")
    dataset = frozen(ledger, one, two)
    assert [(p.chosen, p.judgments) for p in read(ledger, dataset)] == [("q B", 3)]


def test_a_person_has_one_word_also_where_a_batch_comes_again(ledger: Ledger) -> None:
    one = make_batch(ledger, {"q": [("ben", "a"), ("cleo", "b")]})
    again = make_batch(ledger, {"q": [("ben", "b"), ("cleo", "b")]}, campaign="again")
    dataset = frozen(ledger, one, again)
    assert [(p.chosen, p.judgments) for p in read(ledger, dataset)] == [("q B", 2)]


def test_relabelled_judgments_take_the_place_of_older_ones(ledger: Ledger) -> None:
    live = make_batch(ledger, {"q": [("ben", "a"), ("cleo", "a"), ("dan", "a")]})
    again = make_batch(ledger, {"q": [("ben", "b", "relabel")]}, campaign="again")
    dataset = frozen(ledger, live, again)
    assert [(p.chosen, p.judgments) for p in read(ledger, dataset)] == [("q B", 1)]


def test_epochs_are_pooled_only_when_asked_for_by_name(ledger: Ledger) -> None:
    old = make_batch(ledger, {"q": [("ben", "a")]})
    new = make_batch(ledger, {"r": [("ben", "a")]}, epoch=2)
    with pytest.raises(BadInput, match=r"epoch 1 of .*epoch 2 of .*--across-epochs"):
        frozen(ledger, old, new)
    with pytest.raises(BadInput, match=r"say why .*--because"):
        frozen(ledger, old, new, settings=FreezeSettings(held_out=0, across_epochs=True))
    dataset = frozen(ledger, old, new, settings=ACROSS)
    assert (dataset.manifest["counts"]["pairs"], dataset.manifest["epoch"]) == (2, 2)
    assert dataset.manifest["across_epochs"] == "tone means what it meant"
    assert dataset.manifest["epochs"] == [
        {"spec_name": "", "epoch": 1, "pairs": 1},
        {"spec_name": "", "epoch": 2, "pairs": 1},
    ]


def relabelled(ledger: Ledger, work: Mapping[str, Verdicts], **about: Any) -> Artifact:
    """A batch of epoch 2 that was asked for because prices were wrong."""
    asked = {"request": {"reason": "prices were wrong"}, "purpose": "relabel", "epoch": 2}
    return make_batch(ledger, work, **{"campaign": "again", **asked, **about})


def test_a_relabelling_supersedes_what_it_names_and_leaves_the_rest(ledger: Ledger) -> None:
    live = make_batch(
        ledger,
        {
            "turned": [("ben", "a"), ("cleo", "a"), ("dan", "b")],  # 2:1 for a
            "kept": [("ben", "b"), ("cleo", "b"), ("dan", "a")],
            "tied": [("ben", "a"), ("cleo", "a"), ("dan", "a")],
            "outside": [("ben", "a"), ("cleo", "a"), ("dan", "b")],
        },
    )
    again = relabelled(
        ledger,
        {
            "turned": [("eve", "b", "relabel"), ("fay", "b", "relabel")],
            "kept": [("eve", "b", "relabel"), ("fay", "b", "relabel")],
            "tied": [("eve", "tie", "relabel"), ("fay", "tie", "relabel")],  # no winner any more
        },
    )
    dataset = frozen(ledger, live, again, settings=FreezeSettings(held_out=0, across_epochs=True))
    # Only the two new votes count where there are new ones; outside keeps its three old ones.
    assert {p.chosen: p.judgments for p in read(ledger, dataset)} == {
        "turned B": 2,
        "kept B": 2,
        "outside A": 3,
    }
    counts = dataset.manifest["counts"]
    assert (counts["pairs"], counts["ties"], counts["comparisons"]) == (3, 1, 4)
    assert (counts["superseded"], counts["changed_winner"]) == (3, 1)
    assert [(one["epoch"], one["pairs"]) for one in dataset.manifest["epochs"]] == [(1, 1), (2, 2)]
    assert dataset.manifest["across_epochs"] == "prices were wrong"
    with ledger.reader() as reader:
        epochs = {
            r["comparison"]: r["epoch"] for r in artifacts.read_rows(reader, dataset, "pairs")
        }
    assert epochs == {"c turned": 2, "c kept": 2, "c outside": 1}


def test_a_relabelling_that_nobody_who_counts_answered_leaves_no_label(ledger: Ledger) -> None:
    live = make_batch(ledger, {"q": [("ben", "a")], "r": [("ben", "a")], "s": [("ben", "a")]})
    with ledger.transaction("ana") as tx:
        missing = artifacts.write_rows(tx, [{"comparison": "c r"}])
    work: dict[str, Verdicts] = {"q": [("eve", "b", "relabel")]}
    first = relabelled(ledger, work, standing={"eve": "locked"})
    again = relabelled(
        ledger,
        work,
        standing={"eve": "locked"},
        files={**first.manifest["files"], "not_judged": missing},
    )
    dataset = frozen(ledger, live, again, settings=ACROSS)
    assert chosen(ledger, dataset) == {"s A"}  # q by a locked person, r by nobody
    counts = dataset.manifest["counts"]
    assert (counts["unjudged"], counts["superseded"], counts["changed_winner"]) == (2, 2, 0)


def test_votes_on_one_comparison_are_never_of_two_epochs(ledger: Ledger) -> None:
    old = make_batch(ledger, {"q": [("ben", "a"), ("cleo", "a"), ("dan", "a")]})
    new = make_batch(ledger, {"q": [("eve", "b")]}, epoch=2)
    dataset = frozen(ledger, old, new, settings=ACROSS)
    assert [(p.chosen, p.judgments) for p in read(ledger, dataset)] == [("q B", 1)]
    assert dataset.manifest["counts"]["superseded"] == 1


def test_batches_in_the_wrong_order_are_refused(ledger: Ledger) -> None:
    live = make_batch(ledger, {"q": [("ben", "a")]})
    again = relabelled(ledger, {"q": [("ben", "b", "relabel")]})
    with pytest.raises(BadInput, match=r"\(july\) is older than one before it: .*oldest first"):
        frozen(ledger, again, live, settings=ACROSS)
    with ledger.transaction("ana") as tx:  # of the same epoch: known by who came from whom
        below = artifacts.put(tx, "label_batch", {**again.manifest, "epoch": 1}, [live.digest])
    assert chosen(ledger, frozen(ledger, live, below)) == {"q B"}
    with pytest.raises(BadInput, match="oldest first"):
        frozen(ledger, below, live)


def test_an_evaluation_batch_is_never_trained_on(ledger: Ledger) -> None:
    live = make_batch(ledger, {"q": [("ben", "a")]})
    blind = make_batch(ledger, {"r": [("ben", "a", "evaluation")]}, purpose="evaluation")
    with pytest.raises(BadInput, match=r"made to evaluate.*would spoil"):
        frozen(ledger, live, blind)


def test_nothing_and_ties_alone_and_other_kinds_are_bad_input(ledger: Ledger) -> None:
    with pytest.raises(BadInput, match="at least one label batch"):
        frozen(ledger)
    with pytest.raises(BadInput, match="nothing to keep"):
        frozen(ledger, make_batch(ledger, {"q": [("ben", "tie")]}))
    dataset = frozen(ledger, make_batch(ledger, {"q": [("ben", "a")]}))
    with pytest.raises(BadInput, match="is a dataset: a freeze reads label batches"):
        frozen(ledger, dataset)


def test_freezing_takes_the_role_for_it(ledger: Ledger) -> None:
    batch = make_batch(ledger, {"q": [("ben", "a")]})
    with pytest.raises(NotPermitted, match=r"ben may not propose dataset"):  # noqa: SIM117
        with ledger.transaction("ben") as tx:
            freeze.freeze(tx, [batch], ALL)


@pytest.mark.parametrize("text", ["q A", "q B", "q"])
def test_an_erased_text_drops_its_pair_and_changes_no_digest(ledger: Ledger, text: str) -> None:
    batch = make_batch(ledger, {"q": [("ben", "a")], "r": [("ben", "a")]})
    dataset = frozen(ledger, batch)
    with ledger.transaction("ana") as tx:
        texts.erase(tx, [texts.put(tx, text)], "asked to")
    assert [pair.chosen for pair in read(ledger, dataset)] == ["r A"]
    assert frozen(ledger, batch).digest == dataset.digest
    assert verify(ledger).ok


def test_demonstrations_come_back_and_an_erased_one_is_left_out(ledger: Ledger) -> None:
    shown = {"q": "as one does", "r": "kindly"}
    with ledger.transaction("ana") as tx:
        stored = texts.put_many(tx, [*shown, *shown.values()])
        rows = [
            {**prompt_row(Prompt.of(question), stored), "completion": stored[answer]}
            for question, answer in shown.items()
        ]
        dataset = freeze.demonstrations(tx, rows, {}, [])
        assert dataset.manifest["counts"] == {"pairs": 2}
        texts.erase(tx, [stored["kindly"]], "asked to")
        found = freeze.read_demonstrations(tx, dataset)
        assert found == [(Prompt.of("q"), "as one does")]
        with pytest.raises(BadInput, match="holds demonstrations; a dataset of preferences"):
            freeze.pairs(tx, dataset)


def test_preferences_serve_as_demonstrations_by_their_chosen_training_side(ledger: Ledger) -> None:
    batch = make_batch(ledger, {f"q{n}": [("ben", "a")] for n in range(20)})
    dataset = frozen(ledger, batch, settings=FreezeSettings(held_out=0.5))
    with ledger.reader() as reader:
        shown = freeze.read_demonstrations(reader, dataset)
    assert shown == [(p.prompt, p.chosen) for p in read(ledger, dataset, "train")]
    with pytest.raises(BadInput, match="label_batch; a dataset of preferences"):
        read(ledger, batch)
