"""The power analysis beside the ledger and on paper: a batch's kappa into it, a chart out of it."""

from prefloop.annotation import quality
from prefloop.core.errors import BadInput
from prefloop.flows import charts
from prefloop.flows.project import Project
from prefloop.governance.power import Plan, Race, Row
from prefloop.stats import NotEnough
from prefloop.stats.power import Outcome
from prefloop.store import names

__all__ = ["LINES", "drawn", "measured_kappa"]

LINES = 3  # a chart tells so many lines apart


def measured_kappa(project: Project, reference: str) -> list[float]:
    """A label batch's kappa, all pairs of annotators: its interval's ends and the estimate between
    them, ascending. Raises BadInput where the batch cannot tell."""
    with project.reader() as reader:
        batch = names.resolve(reader, reference, "label_batch")
        found = quality.overall(reader, batch, project.settings.seed).kappa
    if isinstance(found, NotEnough):
        raise BadInput(f"{batch.short} has no kappa: {found.reason}; give --kappa")
    return sorted({round(value, 3) for value in (found.low, found.estimate, found.high)})


def drawn(found: Plan | Race) -> str:
    """An SVG: accuracy over pairs for a plan, rightness over the crowd's kappa for a race."""
    if isinstance(found, Race):
        return _race(found)
    lines = {(row.crowd.kappa, row.crowd.annotators) for row in found.rows}
    if len(lines) > LINES:
        raise BadInput(f"a chart holds {LINES} lines, not {len(lines)}: give fewer kappas")
    rows: list[dict[str, float | str]] = []
    for row in found.rows:
        name = f"kappa {row.crowd.kappa:g}, {row.crowd.annotators} people"
        if isinstance(row.outcome, Outcome):
            value = row.outcome.accuracy.estimate
            rows.append({"pairs": row.crowd.pairs, "accuracy": value, "series": name})
    if not rows:
        raise BadInput("no plan has a number to draw")
    chart = charts.curve(rows, "pairs", "accuracy", "accuracy on held-out labels")
    return charts.svg(chart)


def _race(race: Race) -> str:
    rows: list[dict[str, float | str]] = []
    small = f"{race.small.crowd.annotators} people at kappa {race.small.crowd.kappa:g}"
    for row in race.large:
        kappa = row.crowd.kappa
        rows.append({"kappa": kappa, "right": _right(race.small), "series": small})
        rows.append(
            {"kappa": kappa, "right": _right(row), "series": f"{row.crowd.annotators} people"}
        )
    chart = charts.curve(rows, "kappa", "right", "agreement with what is meant")
    return charts.svg(chart)


def _right(row: Row) -> float:
    assert isinstance(row.outcome, Outcome)
    return row.outcome.right.estimate
