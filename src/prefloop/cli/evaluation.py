"""eval, gate, release: evidence, the gates that read it, and the decision."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from prefloop.cli.common import Json, interval, say, show, table

if TYPE_CHECKING:
    from prefloop.store.artifacts import Artifact

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    room = typer.Typer(help="Evaluation, independent of the reward.", no_args_is_help=True)
    room.command("reward")(reward)
    room.command("suite")(suite)
    room.command("compare")(compare)
    room.command("hacking")(hacking)
    app.add_typer(room, name="eval")
    gate = typer.Typer(help="The checks between stages.", no_args_is_help=True)
    gate.command("check")(check)
    app.add_typer(gate, name="gate")


def reward(
    context: typer.Context,
    model: Annotated[str, typer.Argument(help="a reward model")],
    data: Annotated[
        str | None, typer.Option(help="a dataset of preferences; default: its own")
    ] = None,
    out_of_fold: Annotated[
        bool,
        typer.Option(
            "--out-of-fold", help="train anew in folds by its recipe and examine every pair"
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Examine a reward model on pairs it never saw: held out, or out of fold."""
    from prefloop.core.errors import BadInput
    from prefloop.flows import evaluate, train
    from prefloop.store import names

    project = context.obj.open()
    with project.reader() as reader:
        found = names.resolve(reader, model, "model")
        own = train.recipe(reader, found).dataset
        dataset = names.resolve(reader, data, "dataset") if data else own
    if not out_of_fold:
        kept = evaluate.reward(project, found, dataset)
    elif dataset.digest != own.digest:
        raise BadInput(f"{model} was trained on {own.short}: folds are cut from that")
    else:
        margins = train.out_of_fold(project, found, (lambda line: None) if json else say)
        kept = evaluate.reward_out_of_fold(project, found, margins)
    show({"evaluation": kept.digest, **kept.manifest}, json, lambda: _reward_text(kept))


def suite(
    context: typer.Context,
    model: Annotated[str, typer.Argument(help="the candidate")],
    baseline: Annotated[str, typer.Option(help="the policy it is compared with")],
    file: Annotated[Path | None, typer.Option(help="default: suite.yaml")] = None,
    harmful: Annotated[
        str | None, typer.Option(help="the dimension whose failures are harmful outputs")
    ] = None,
    samples: Annotated[int, typer.Option(min=1, help="completions per case")] = 1,
    json: Json = False,
) -> None:
    """Run the behavioural suite on a candidate and its baseline."""
    from prefloop.flows import improve, suites
    from prefloop.store import names

    project = context.obj.open()
    cases = suites.from_file(file or project.folder / "suite.yaml")
    with project.reader() as reader:
        one = names.resolve(reader, model, "model")
        other = names.resolve(reader, baseline, "model")
    kept = suites.keep(project, cases)
    found = improve.run_suite(project, kept, cases, one, other, harmful, samples)
    rows = [
        (name, e["candidate"]["n"], e["candidate"]["estimate"], e["baseline"]["estimate"],
         f"{e['difference']['estimate']:+.3f} [{e['difference']['low']:+.3f}, "
         f"{e['difference']['high']:+.3f}]")
        for name, e in found.manifest["dimensions"].items()
    ]  # fmt: skip
    columns = ["dimension", "cases", "candidate", "baseline", "difference"]

    def text() -> None:
        table(columns, rows)
        say(f"evaluation {found.short}")

    show({"evaluation": found.digest, **found.manifest}, json, text)


def compare(
    context: typer.Context,
    batch: Annotated[str, typer.Argument(help="the label_batch of an evaluation campaign")],
    candidate: Annotated[str, typer.Option(help="a policy")],
    baseline: Annotated[str, typer.Option(help="the policy it was compared with")],
    json: Json = False,
) -> None:
    """The win rate of a blind comparison that people made."""
    from prefloop.flows import evaluate
    from prefloop.store import names

    project = context.obj.open()
    with project.reader() as reader:
        labels = names.resolve(reader, batch, "label_batch")
        one = names.resolve(reader, candidate, "model")
        other = names.resolve(reader, baseline, "model")
    found = evaluate.keep_comparison(project, labels, one, other)
    rate = found.manifest["win_rate"]
    show(
        {"evaluation": found.digest, **found.manifest},
        json,
        f"win rate {interval(rate)} over {found.manifest['conversations']} conversations\n"
        f"evaluation {found.short}",
    )


def hacking(
    context: typer.Context,
    candidate: Annotated[str, typer.Argument(help="a policy")],
    baseline: Annotated[str, typer.Argument(help="the policy it started from")],
    prompts: Annotated[str, typer.Option(help="a prompt_set")],
    reward: Annotated[str, typer.Option(help="the reward model that was optimized")],
    limit: Annotated[int, typer.Option(min=2, help="at most so many prompts")] = 1000,
    longest: Annotated[int, typer.Option(min=1, help="tokens of a completion")] = 128,
    comparison: Annotated[
        str | None, typer.Option(help="a blind comparison of the two: do people agree?")
    ] = None,
    json: Json = False,
) -> None:
    """Signatures of reward hacking in what a policy says, beside its baseline."""
    from prefloop.flows import hacking as flow
    from prefloop.store import names

    project = context.obj.open()
    with project.reader() as reader:
        one = names.resolve(reader, candidate, "model")
        other = names.resolve(reader, baseline, "model")
        asked = names.resolve(reader, prompts, "prompt_set")
        judge = names.resolve(reader, reward, "model")
        blind = names.resolve(reader, comparison, "evaluation") if comparison else None
    found = flow.hacking(
        project, one, other, asked, judge, limit=limit, longest=longest, blind=blind
    )
    show({"evaluation": found.digest, **found.manifest}, json, lambda: _hacking_text(found))


def check(
    context: typer.Context,
    stage: Annotated[str, typer.Argument(help="policy or release")],
    evidence: Annotated[
        list[str],
        typer.Argument(help="policy: a reward evaluation; release: a comparison and a suite run"),
    ],
    json: Json = False,
) -> None:
    """Ask a gate. Exit code 3 when it says no. The release gate records the decision too."""
    from prefloop.core.errors import BadInput, GateClosed
    from prefloop.flows import gate
    from prefloop.store import artifacts, names

    project = context.obj.open()
    with project.reader() as reader:
        found = [names.resolve(reader, one, "evaluation") for one in evidence]
    if stage == "policy" and len(found) == 1:
        result = gate.before_policy(project, found[0])
    elif stage == "release" and len(found) == 2:
        by_type = {one.manifest["type"]: one for one in found}
        if set(by_type) != {"compare", "suite"}:
            raise BadInput("a release gate reads one comparison and one suite run")
        with project.reader() as reader:
            candidate = artifacts.get(reader, by_type["compare"].manifest["model"])
        result, recorded = gate.before_release(
            project, candidate, by_type["compare"], by_type["suite"], gate.kl_of(candidate)
        )
        if not json:
            say(f"decision: {recorded.release.manifest['decision']}")
    else:
        raise BadInput("gate check policy EVALUATION, or gate check release COMPARISON SUITE_RUN")
    show({"gate_result": result.digest, **result.manifest}, json, lambda: _gate_text(result))
    if not gate.is_open(result):
        raise GateClosed(f"the {stage} gate says {_why_not(result)}")


def _why_not(result: "Artifact") -> str:
    """The verdict and the checks that made it, in one line."""
    verdict = result.manifest["verdict"]
    checks = [c for c in result.manifest["checks"] if c["verdict"] == verdict]
    return f"{verdict}: " + "; ".join(f"{c['metric']}: {c['explanation']}" for c in checks)


def _gate_text(result: "Artifact") -> None:
    columns = ["check", "verdict", "why"]
    rows = [(c["metric"], c["verdict"], c["explanation"]) for c in result.manifest["checks"]]
    table(columns, rows, f"{result.manifest['stage']} gate: {result.manifest['verdict']}")
    for c in result.manifest["checks"]:
        if c["source"].startswith("this project's"):
            say(f"{c['metric']}: {c['threshold']:g} by {c['source']}")
    say(f"gate_result {result.short}")


def _reward_text(kept: "Artifact") -> None:
    m = kept.manifest
    rows = [("overall", m["accuracy"]["n"], interval(m["accuracy"]))]
    for group in ("by_dimension", "by_topic", "by_source"):
        rows += [(name, found["n"], interval(found)) for name, found in m[group].items()]
    if m["high_stakes"]:
        rows.append(("high stakes", m["high_stakes"]["n"], interval(m["high_stakes"])))
    if m["similar_length"]:
        found = m["similar_length"]
        rows.append(("lengths within 10 %", found["n"], interval(found)))
    table(["accuracy on", "prompts", "estimate"], rows, m["how"])
    words = interval(m["bag_of_words"]) if m["bag_of_words"] else "not enough prompts"
    ceiling = f"{m['ceiling']:.3f}" if m["ceiling"] else "cannot be told from single judgments"
    say(f"the longer one wins: {interval(m['longer_wins'])}")
    say(f"bag of words:        {words}")
    say(f"ceiling of labels:   {ceiling}")
    say(f"calibration error:   {interval(m['calibration_error'])}")
    say(f"length correlation:  {interval(m['length_correlation'])}")
    say(f"evaluation {kept.short}")


def _hacking_text(kept: "Artifact") -> None:
    m = kept.manifest

    def short(found: dict[str, Any]) -> str:
        return f"{found['estimate']:.2f} [{found['low']:.2f}, {found['high']:.2f}]"

    rows = [
        (name, short(e["candidate"]), short(e["baseline"]),
         f"{e['shift']:+.2f}{' *' if e['alarm'] else ''}")
        for name, e in m["signatures"].items()
    ]  # fmt: skip
    title = f"{m['prompts']} prompts, {m['hard']} of them hard; shifts in standard deviations"
    table(["signature", "candidate", "baseline", "shift"], rows, title)
    if m["reward_gain"]:
        say(f"reward gain:       {interval(m['reward_gain'])} standard deviations")
    say(f"promised win rate: {interval(m['promised_win_rate'])}")
    if m["parting"]:
        say(f"people:            {m['parting']['verdict']}: {m['parting']['explanation']}")
    say(f"alarms (*):        {', '.join(m['alarms']) or 'none'}")
    say(f"evaluation {kept.short}")
