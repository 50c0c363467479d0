"""quality alarms, quarantine, effect: whom the detectors name, and their judgments left out."""

from typing import Annotated, Any

import typer

from prefloop.cli.common import Json, interval, say, show, table

__all__ = ["print_alarms", "register"]


def register(quality: typer.Typer) -> None:
    quality.command("alarms")(alarms)
    quality.command("quarantine")(quarantine)
    quality.command("effect")(effect)


def alarms(
    context: typer.Context,
    judgments: Annotated[
        str, typer.Argument(metavar="BATCH|CAMPAIGN", help="a label_batch, or a campaign's name")
    ],
    rate: Annotated[
        float, typer.Option(help="expected share of false alarms among the alarms")
    ] = 0.05,
    json: Json = False,
) -> None:
    """Who cannot be trusted, by evidence: all detectors under one false-discovery rate."""
    from prefloop.flows import alarms as flow

    project = context.obj.open()
    found = flow.over(project, judgments, rate)
    with project.reader() as reader:
        held = flow.held(reader, found)
        stopped = flow.stopped(reader, found)
    data = {
        "evaluation": found.digest,
        **found.manifest,
        "quarantine": sorted(held),
        "paused": stopped,
    }

    def text() -> None:
        print_alarms(found.short, found.manifest, sorted(held))
        if stopped:
            say(f"the campaign is PAUSED: {stopped}")

    show(data, json, text)


def quarantine(
    context: typer.Context,
    alarms: Annotated[str, typer.Argument(help="the evaluation that raised the alarms")],
    annotator: Annotated[list[str], typer.Argument(help="people it names")],
    reason: Annotated[str, typer.Option(help="what was looked at, and found")],
    lift: Annotated[bool, typer.Option("--lift", help="let them count again")] = False,
    json: Json = False,
) -> None:
    """Propose that people's judgments are left out, or count again; a second person decides."""
    from prefloop.flows import alarms as flow
    from prefloop.store import names

    project = context.obj.open()
    with project.reader() as reader:
        found = names.resolve(reader, alarms, "evaluation")
    propose = flow.lift if lift else flow.set_aside
    asked = propose(project, found, annotator, reason)
    who = ", ".join(asked.effect["annotators"])
    show(
        {"proposal": asked.id, "state": asked.state, "effect": asked.effect},
        json,
        f"proposed to {asked.effect['do']} the judgments of {who}\n"
        f"a second person: prefloop --as NAME proposal approve {asked.id[-12:]}",
    )


def effect(
    context: typer.Context,
    with_them: Annotated[str, typer.Argument(help="a reward model trained with all labels")],
    without: Annotated[str, typer.Argument(help="the same recipe after the quarantine")],
    json: Json = False,
) -> None:
    """What a quarantine is worth: the accuracy of reward models with and without those labels."""
    from prefloop.flows.quarantine import reward_effect
    from prefloop.store import names

    project = context.obj.open()
    with project.reader() as reader:
        one, other = (names.resolve(reader, name, "model") for name in (with_them, without))
    found = reward_effect(project, one, other)
    accuracy = found.manifest["accuracy"]
    lines = [
        f"left out: {', '.join(found.manifest['left_out'])}",
        f"accuracy with their labels: {interval(accuracy['with'])}",
        f"accuracy without: {interval(accuracy['without'])}",
        f"difference: {interval(found.manifest['difference'])}, "
        f"{found.manifest['pairs']} pairs that neither was trained on",
        f"evaluation {found.short}",
    ]
    show({"evaluation": found.digest, **found.manifest}, json, "\n".join(lines))


def print_alarms(short: str, found: dict[str, Any], held: list[str]) -> None:
    """The alarms of one evaluation, what was left unsaid, and what would change."""
    say(
        f"{found['judgments']} judgments of {found['annotators']} annotators, {found['tests']} "
        f"questions asked at a false-discovery rate of {found['false_discovery_rate']:g}"
    )
    for one in found["alarms"]:
        q = f"{one['q']:.1g}" if one["q"] >= 1e-6 else "below 1e-6"
        say(f"ALARM {one['annotator']}: {one['kind']} (q {q})\n  {one['evidence']}")
    if not found["alarms"]:
        say("no alarm")
    for who, why in found.get("shared_views", {}).items():
        say(f"no alarm, {who}: {why}")
    for kind, why in found["not_enough"].items():
        say(f"not enough data for {kind}: {why}")
    if found["unheard"]:
        say(f"too little to judge by some detectors: {', '.join(found['unheard'])}")
    if held:
        say(f"in quarantine: {', '.join(held)}")
    if "without" in found:
        _print_without(found["without"])
    say(f"evaluation {short}")


def _print_without(found: dict[str, Any]) -> None:
    labels = found["labels"]
    rows = [
        ("agreement (kappa), with them", interval(found["agreement"]["with"])),
        ("agreement (kappa), without", interval(found["agreement"]["without"])),
        ("judgments left out", found["judgments_left_out"]),
        ("labels they took part in", labels["touched"]),
        ("  the same without them", labels["same"]),
        ("  the other side wins", labels["turned"]),
        ("  to or from a tie", labels["other"]),
        ("  nobody is left", labels["lost"]),
    ]
    table(["without the people named", ""], [(name, str(value)) for name, value in rows])
