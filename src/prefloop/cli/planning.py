"""plan: what a project will take, before it begins."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from prefloop.cli.common import Json, say, show, table

if TYPE_CHECKING:
    from prefloop.governance.power import Plan, PowerSettings, Race, Row

__all__ = ["register"]

Numbers = list[int] | None


def register(app: typer.Typer) -> None:
    room = typer.Typer(help="What a project will take, before it begins.", no_args_is_help=True)
    room.command("power")(power)
    room.callback()(lambda: None)  # keeps `plan power` two words while it is the only plan
    app.add_typer(room, name="plan")


def power(
    context: typer.Context,
    pairs: Annotated[Numbers, typer.Option(help="pairs to label; several for a table")] = None,
    annotators: Annotated[Numbers, typer.Option(help="people who share the work")] = None,
    kappa: Annotated[
        list[float] | None, typer.Option(help="Cohen's kappa between two of them")
    ] = None,
    batch: Annotated[
        str | None, typer.Option(help="a label_batch: its kappa, and its interval's ends")
    ] = None,
    overlap: Annotated[int | None, typer.Option(help="judgments per pair")] = None,
    own: Annotated[
        float | None, typer.Option(help="share of disagreement that is lasting personal taste")
    ] = None,
    bias: Annotated[
        float | None, typer.Option(help="shared pull nobody meant (with --against: theirs)")
    ] = None,
    price: Annotated[
        str, typer.Option(metavar="AMOUNT", help="price of one judgment, such as 0.35")
    ] = "0",
    currency: Annotated[str | None, typer.Option(help="ISO 4217 code")] = None,
    want: Annotated[
        float | None, typer.Option(help="wanted accuracy: name the cheapest plan that has it")
    ] = None,
    measured: Annotated[
        str | None,
        typer.Option(
            metavar="ACCURACY:PAIRS:KAPPA",
            help="a reward model of yours; sets the dimension, as in 0.776:5100:0.71",
        ),
    ] = None,
    dimension: Annotated[
        int | None, typer.Option(help="free directions the reward model has to learn")
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(metavar="PAIRSxANNOTATORS", help="compare with others, as in 60000x50"),
    ] = None,
    projects: Annotated[int | None, typer.Option(help="simulated projects per row")] = None,
    seed: Annotated[int, typer.Option(min=0, help="another seed is another simulation")] = 1,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE.svg", help="draw the curves as well")
    ] = None,
    json: Json = False,
) -> None:
    """Pairs, annotators and kappa in; expected reward-model accuracy, ceiling and cost out.

    A simulation: everything it assumes is on the page docs/planning.md.
    """
    from prefloop.flows import power as flow
    from prefloop.governance import power as rules

    if batch is not None:
        _one_of(kappa, batch)
        kappa = flow.measured_kappa(context.obj.open(), batch)
    given = {"pairs": pairs, "annotators": annotators, "kappa": kappa, "overlap": overlap,
             "own": own, "bias": bias, "currency": currency, "dimension": dimension,
             "projects": projects, "price_micros": _micros(price)}  # fmt: skip
    settings = _settings(given)
    if measured is not None:
        settings = _calibrated(settings, measured, seed)
    place = None if out is None else _svg_file(out)
    found = _race(settings, against, seed) if against else rules.plan(settings, seed, want)
    if place is not None:
        place.write_text(flow.drawn(found), encoding="utf-8")
    show(found.json(), json, lambda: _print(found, settings, want))


def _settings(given: dict[str, Any]) -> "PowerSettings":
    from pydantic import ValidationError

    from prefloop.core.errors import BadInput
    from prefloop.governance.power import PowerSettings

    try:
        return PowerSettings(**{k: v for k, v in given.items() if v is not None and v != []})
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        raise BadInput(f"{name.removesuffix('_micros')}: {first['msg'].lower()}") from error


def _calibrated(settings: "PowerSettings", measured: str, seed: int) -> "PowerSettings":
    from prefloop.core.errors import BadInput
    from prefloop.governance.power import calibrated
    from prefloop.stats import NotEnough

    try:
        accuracy, pairs, kappa = measured.split(":")
        values = float(accuracy), int(pairs), float(kappa)
    except ValueError as error:
        raise BadInput(f"--measured {measured!r}: write it as 0.776:5100:0.71") from error
    found = calibrated(settings, *values, seed)
    if isinstance(found, NotEnough):
        raise BadInput(f"--measured {measured}: {found.reason}")
    return found


def _race(settings: "PowerSettings", against: str, seed: int) -> "Race":
    from prefloop.core.errors import BadInput
    from prefloop.governance.power import compare
    from prefloop.stats import NotEnough

    try:
        pairs, annotators = map(int, against.split("x"))
    except ValueError as error:
        raise BadInput(f"--against {against!r}: write pairs x annotators as 60000x50") from error
    found = compare(settings, pairs, annotators, seed)
    if isinstance(found, NotEnough):
        raise BadInput(f"nothing to compare: {found.reason}")
    return found


def _micros(price: str) -> int:
    """An amount of money in millionths, exactly."""
    from decimal import Decimal, InvalidOperation

    from prefloop.core.errors import BadInput

    try:
        micros = Decimal(price) * 1_000_000
    except InvalidOperation as error:
        raise BadInput(f"--price {price!r} is no amount: write it as 0.35") from error
    if not micros.is_finite() or micros < 0 or micros != micros.to_integral_value():
        raise BadInput(f"--price {price}: give an amount of at least 0, in whole millionths")
    return int(micros)


def _one_of(kappa: list[float] | None, batch: str) -> None:
    from prefloop.core.errors import BadInput

    if kappa:
        raise BadInput(f"--kappa and --batch {batch} both say what kappa is: give one")


def _svg_file(out: Path) -> Path:
    from prefloop.core.errors import BadInput

    if out.suffix != ".svg":
        raise BadInput(f"--out {out}: the chart is an SVG, name it so")
    if not out.resolve().parent.is_dir():
        raise BadInput(f"--out {out}: there is no such folder, make it first")
    return out


def _print(found: "Plan | Race", settings: "PowerSettings", want: float | None) -> None:
    from prefloop.governance.power import Race

    rows = [found.small, *found.large] if isinstance(found, Race) else found.rows
    heads = ["kappa", "people", "pairs", "accuracy", "ceiling", "right", "limit", settings.currency]
    table(heads, [_cells(row) for row in rows])
    say("accuracy, ceiling: on held-out labels; right, limit: against what is meant")
    say(
        f"directions the reward model has to learn: {settings.dimension}; judgments a pair: "
        f"{settings.overlap}; simulated projects a row: {settings.projects}"
    )
    if isinstance(found, Race):
        say(found.sentence())
    elif want is not None and found.cheapest is not None:
        who = found.cheapest.crowd
        say(f"cheapest with an accuracy of {want:g}: {who.pairs} pairs, {who.annotators} "
                   f"people, kappa {who.kappa:g}, "
                   f"{_money(found.cheapest)} {settings.currency}")  # fmt: skip
    elif want is not None:
        say(f"none of these has an accuracy of {want:g}")
    for row in rows:
        if reason := row.json().get("not_enough"):
            say(f"not enough data for {row.crowd.pairs} pairs, {row.crowd.annotators} "
                       f"people, kappa {row.crowd.kappa:g}: {reason}")  # fmt: skip


def _cells(row: "Row") -> list[str]:
    who, found = row.crowd, row.json()
    head = [f"{who.kappa:g}", str(who.annotators), str(who.pairs)]
    if "not_enough" in found:
        return [*head, "-", "-", "-", "-", _money(row)]
    half = {name: (found[name]["high"] - found[name]["low"]) / 2 for name in ("accuracy", "right")}
    said = {name: f"{found[name]['estimate']:.3f} ±{each:.3f}" for name, each in half.items()}
    ends = {name: f"{found[name]['estimate']:.3f}" for name in ("ceiling", "limit")}
    return [*head, said["accuracy"], ends["ceiling"], said["right"], ends["limit"], _money(row)]


def _money(row: "Row") -> str:
    """The cost in whole and hundredth units, rounded up, since a budget has to cover it."""
    hundredths = -(-row.cost_micros // 10_000)
    return f"{hundredths // 100:,}.{hundredths % 100:02d}"
