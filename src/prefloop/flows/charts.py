"""One definition per chart (Altair), drawn as SVG for reports.

Colours are told apart by lightness as well as hue, and every point carries its interval.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import altair as alt
import vl_convert

from prefloop.core.records import Estimate

__all__ = ["Point", "curve", "intervals", "level", "over_time", "svg"]

_INK, _QUIET = "#1f2933", "#9aa5b1"
_COLORS = ["#9aa5b1", "#0b6e99", "#d9480f"]


@dataclass(frozen=True, slots=True)
class Point:
    """One measured value: which row it stands in, and which series it belongs to."""

    label: str
    series: str
    value: Estimate


def intervals(
    points: Sequence[Point],
    axis: str,
    line: tuple[str, float] | None = None,
    domain: tuple[float, float] = (0.0, 1.0),
    width: int = 460,
) -> alt.LayerChart:
    """Estimates with their 95 % intervals, one row a label; `line` marks a threshold or ceiling."""
    rows = [
        {
            "label": p.label,
            "series": p.series,
            "value": p.value.estimate,
            "low": max(p.value.low, domain[0]),
            "high": min(p.value.high, domain[1]),
        }
        for p in points
    ]
    names = list(dict.fromkeys(p.series for p in points))
    order = list(dict.fromkeys(p.label for p in points))
    base = alt.Chart(alt.Data(values=rows)).encode(
        y=alt.Y("label:N", sort=order, title=None, axis=alt.Axis(labelLimit=220, ticks=False)),
        yOffset=alt.YOffset("series:N", sort=names),
        color=alt.Color(
            "series:N",
            sort=names,
            scale=alt.Scale(domain=names, range=_COLORS[-len(names) :]),
            legend=alt.Legend(title=None, orient="top") if len(names) > 1 else None,
        ),
    )
    scale = alt.Scale(domain=list(domain), nice=False)
    bars = base.mark_rule(strokeWidth=2).encode(
        x=alt.X("low:Q", scale=scale, title=axis, axis=alt.Axis(tickCount=6)), x2="high:Q"
    )
    dots = base.mark_circle(size=70, opacity=1).encode(x=alt.X("value:Q", scale=scale))
    layers = [bars, dots]
    if line is not None:
        mark = alt.Chart(alt.Data(values=[{"x": line[1], "name": line[0]}]))
        layers.append(mark.mark_rule(strokeDash=[4, 3], color=_INK).encode(x="x:Q"))
        layers.append(
            mark.mark_text(align="left", dx=4, baseline="top", color=_INK, fontSize=11).encode(
                x="x:Q", y=alt.value(2), text="name:N"
            )
        )
    return _finish(alt.layer(*layers), width, alt.Step(26 if len(names) == 1 else 20))


def curve(
    rows: Sequence[dict[str, float | str]], x: str, y: str, axis: str, width: int = 460
) -> alt.LayerChart:
    """A line over steps, one per `series`."""
    names = list(dict.fromkeys(str(row["series"]) for row in rows))
    line = (
        alt.Chart(alt.Data(values=list(rows)))
        .mark_line(strokeWidth=1.8)
        .encode(
            x=alt.X("x:Q", title=x),
            y=alt.Y("y:Q", title=axis, scale=alt.Scale(zero=False)),
            color=alt.Color(
                "series:N",
                scale=alt.Scale(domain=names, range=_COLORS[-len(names) :]),
                legend=alt.Legend(title=None, orient="top") if len(names) > 1 else None,
            ),
        )
        .transform_calculate(x=f"datum['{x}']", y=f"datum['{y}']")
    )
    return _finish(alt.layer(line), width, 160)


def over_time(
    points: Sequence[Point], axis: str, lines: Sequence[tuple[str, float]] = (), width: int = 460
) -> alt.LayerChart:
    """Estimates with their 95 % intervals, one place a label from left to right; `lines` mark
    thresholds."""
    rows = [
        {
            "label": p.label,
            "series": p.series,
            "value": p.value.estimate,
            "low": p.value.low,
            "high": p.value.high,
        }
        for p in points
    ]
    names = list(dict.fromkeys(p.series for p in points))
    base = alt.Chart(alt.Data(values=rows)).encode(
        x=alt.X("label:N", sort=None, title=None, axis=alt.Axis(labelAngle=-40)),
        xOffset=alt.XOffset("series:N", sort=names),
        color=alt.Color(
            "series:N",
            scale=alt.Scale(domain=names, range=_COLORS[-len(names) :]),
            legend=alt.Legend(title=None, orient="top"),
        ),
    )
    scale = alt.Scale(domain=[min([0.0, *(p.value.low for p in points)]), 1.0])
    bars = base.mark_rule(strokeWidth=2).encode(
        y=alt.Y("low:Q", title=axis, scale=scale), y2="high:Q"
    )
    dots = base.mark_circle(size=70, opacity=1).encode(y=alt.Y("value:Q", scale=scale))
    layers = [bars, dots]
    for name, value in lines:
        layers += _threshold(name, value)
    return _finish(alt.layer(*layers), width, 200)


def level(levels: Sequence[float], limit: float, width: int = 330) -> alt.LayerChart:
    """A chart that gathers evidence, judgment by judgment, under its limit; of long ones the
    highest of each stretch, since a line of 330 pixels shows no more."""
    step = max(1, -(-len(levels) // width))
    rows = [
        {"judgment": min(n + step, len(levels)), "level": max(levels[n : n + step])}
        for n in range(0, len(levels), step)
    ]
    line = (
        alt.Chart(alt.Data(values=rows))
        .mark_line(strokeWidth=1.5, interpolate="step-after", color=_COLORS[1])
        .encode(
            x=alt.X("judgment:Q", title="judgment", axis=alt.Axis(tickCount=6)),
            y=alt.Y("level:Q", title="evidence (nats)", axis=alt.Axis(tickCount=4)),
        )
    )
    return _finish(alt.layer(line, *_threshold("alarm", limit)), width, 110)


def _threshold(name: str, value: float) -> list[alt.Chart]:
    mark = alt.Chart(alt.Data(values=[{"y": value, "name": name}]))
    text = mark.mark_text(align="left", baseline="bottom", dx=2, dy=-2, color=_INK, fontSize=11)
    return [
        mark.mark_rule(strokeDash=[4, 3], color=_INK).encode(y="y:Q"),
        text.encode(y="y:Q", x=alt.value(0), text="name:N"),
    ]


def svg(chart: alt.LayerChart) -> str:
    """The chart as SVG text, to stand inside a page."""
    drawn: str = vl_convert.vegalite_to_svg(chart.to_json())
    return drawn[drawn.index("<svg") :]


def _finish(chart: alt.LayerChart, width: int, height: int | alt.Step) -> alt.LayerChart:
    return (
        chart.properties(width=width, height=height)
        .configure(
            font="system-ui, sans-serif",
            background="transparent",
            # Drawn without the reader's fonts: labels may come out wider than was measured.
            padding={"left": 48, "right": 24, "top": 5, "bottom": 5},
        )
        .configure_view(stroke=None)
        .configure_axis(
            labelColor=_INK, titleColor=_INK, gridColor="#e4e7eb", domainColor=_QUIET,
            titleFontWeight="normal", labelFontSize=12, titleFontSize=12,
        )
        .configure_legend(labelFontSize=12, labelColor=_INK)
    )  # fmt: skip
