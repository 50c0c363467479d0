"""prompts, candidates: where prompts come from, what is drawn, and what policies answer."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from prefloop.cli.common import Json, show, table

if TYPE_CHECKING:
    from prefloop.prompts.plan import Plan

__all__ = ["register"]

_PLAN = Annotated[
    Path | None, typer.Option("--plan", metavar="FILE", help="a YAML plan; default: the usual mix")
]


def register(app: typer.Typer) -> None:
    room = typer.Typer(help="Prompts by plan.", no_args_is_help=True)
    room.command("import")(import_)
    room.command("sample")(sample)
    room.command("coverage")(coverage)
    app.add_typer(room, name="prompts")
    candidates = typer.Typer(help="Completions to be compared.", no_args_is_help=True)
    candidates.command("import")(import_candidates)
    candidates.command("generate")(generate)
    candidates.command("against")(against)
    app.add_typer(candidates, name="candidates")


def import_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="JSON Lines or CSV, gzip as it is")],
    source: Annotated[str, typer.Option(help="usage, synthetic, expert or adversarial")] = "usage",
    column: Annotated[
        list[str] | None, typer.Option(metavar="THEIRS=OURS", help="rename a column")
    ] = None,
    redact: Annotated[bool, typer.Option(help="replace personal data by placeholders")] = True,
    threshold: Annotated[float, typer.Option(help="near-duplicates from this similarity")] = 0.8,
    json: Json = False,
) -> None:
    """Bring in prompts: personal data redacted, near-duplicates left out, provenance kept."""
    from prefloop.flows import prompts

    project = context.obj.open()
    kept, lines = prompts.import_prompts(project, file, source, column or [], redact, threshold)
    show(
        {"prompt_set": kept.digest, **kept.manifest},
        json,
        "\n".join([*lines, f"prompt_set {kept.short}: {kept.manifest['prompts']} prompts"]),
    )


def import_candidates(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="JSON Lines or CSV, gzip as it is")],
    completion: Annotated[
        list[str] | None,
        typer.Option(help="a column of answers, once for each; default: a list in `completions`"),
    ] = None,
    source: Annotated[str, typer.Option(help="usage, synthetic, expert or adversarial")] = "usage",
    column: Annotated[
        list[str] | None, typer.Option(metavar="THEIRS=OURS", help="rename a column")
    ] = None,
    redact: Annotated[bool, typer.Option(help="replace personal data by placeholders")] = True,
    json: Json = False,
) -> None:
    """Bring in prompts with the answers to be compared."""
    from prefloop.flows import prompts

    project = context.obj.open()
    kept, lines = prompts.import_candidates(
        project, file, source, column or [], completion or [], redact
    )
    about = kept.manifest
    lines.append(
        f"completion_set {kept.short}: {about['prompts']} prompts, "
        f"{about['completions']} completions"
    )
    show({"completion_set": kept.digest, **about}, json, "\n".join(lines))


def sample(
    context: typer.Context,
    prompts: Annotated[list[str], typer.Argument(help="prompt sets to draw from")],
    count: Annotated[int, typer.Option("-n", min=1, help="prompts to label")],
    plan: _PLAN = None,
    json: Json = False,
) -> None:
    """Draw prompts to label by the plan, and reserve production prompts for validation."""
    from prefloop.flows import prompts as flow

    project = context.obj.open()
    kept, missing = flow.draw_by_plan(project, prompts, count, _plan(plan))
    lines = [f"missing: {number} more {what}" for what, number in missing.items() if number]
    made = kept.manifest["prompts"] - kept.manifest["reserved"]
    lines.append(f"prompt_set {kept.short}: {made} to label, {kept.manifest['reserved']} reserved")
    show({"prompt_set": kept.digest, "missing": missing, **kept.manifest}, json, "\n".join(lines))


def coverage(context: typer.Context, prompts: str, plan: _PLAN = None, json: Json = False) -> None:
    """Target against actual, and what to add."""
    from dataclasses import asdict

    from prefloop.flows import prompts as flow
    from prefloop.prompts.coverage import coverage as measure
    from prefloop.store import names

    project = context.obj.open()
    with project.reader() as reader:
        found = flow.read_prompts(reader, names.resolve(reader, prompts, "prompt_set"))
    lines = [asdict(line) for line in measure(found, _plan(plan))]
    columns = list(lines[0]) if lines else []
    rows = [["–" if value is None else value for value in line.values()] for line in lines]
    show(lines, json, lambda: table(columns, rows))


def generate(
    context: typer.Context,
    model: Annotated[str, typer.Argument(help="a policy")],
    prompts: Annotated[str, typer.Option(help="a prompt_set")],
    each: Annotated[int, typer.Option(min=1, help="completions per prompt")] = 2,
    longest: Annotated[int, typer.Option(min=1, help="tokens of a completion")] = 128,
    json: Json = False,
) -> None:
    """Let a policy answer every prompt of a set."""
    from prefloop.flows import improve
    from prefloop.store import names

    project = context.obj.open()
    with project.reader() as reader:
        policy = names.resolve(reader, model, "model")
        asked = names.resolve(reader, prompts, "prompt_set")
    made = improve.candidates(project, policy, asked, each, project.settings.seed, longest)
    count = made.manifest["completions"]
    show(
        {"completion_set": made.digest, "completions": count},
        json,
        f"completion_set {made.short}: {count} completions",
    )


def against(
    context: typer.Context,
    candidate: Annotated[str, typer.Argument(help="a policy")],
    baseline: Annotated[str, typer.Argument(help="the policy it is compared with")],
    prompts: Annotated[str, typer.Option(help="a prompt_set of new conversations")],
    json: Json = False,
) -> None:
    """One answer of each of two policies to every prompt, for a blind comparison."""
    from prefloop.flows import improve
    from prefloop.flows.prompts import read_prompts
    from prefloop.store import names

    project = context.obj.open()
    with project.reader() as reader:
        one = names.resolve(reader, candidate, "model")
        other = names.resolve(reader, baseline, "model")
        asked = read_prompts(reader, names.resolve(reader, prompts, "prompt_set"))
    made = improve.against(project, one, other, asked)
    count = made.manifest["prompts"]
    show(
        {"completion_set": made.digest, "conversations": count},
        json,
        f"completion_set {made.short}: {count} conversations\n"
        f"next: prefloop campaign create NAME --candidates {made.short} --purpose evaluation",
    )


def _plan(path: Path | None) -> "Plan":
    from prefloop.core.config import parse_yaml
    from prefloop.flows.project import read_text
    from prefloop.prompts.plan import Plan

    return parse_yaml(read_text(path), Plan, str(path)) if path else Plan()
