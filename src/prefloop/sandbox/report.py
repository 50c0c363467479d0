"""The demo's report: report.json for programs, report.html for somebody new to all this."""

import json
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from prefloop.core.records import Estimate
from prefloop.flows.charts import Point, curve, intervals, svg

__all__ = ["write"]

_ORDINAL = {"first": "first pass", "second": "second pass"}


def write(story: dict[str, Any], folder: Path) -> None:
    """report.json and report.html (self-contained) in `folder`."""
    text = json.dumps(story, indent=2, ensure_ascii=False) + "\n"
    (folder / "report.json").write_text(text, encoding="utf-8")
    environment = Environment(
        loader=PackageLoader("prefloop.sandbox", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template("report.html.j2").render(
        story=story,
        first=story["passes"][0],
        final=story["passes"][-1],
        rewards=story["reward_models"],
        charts=_charts(story),
        beside=_beside(story),
        reasons=[_plain_reasons(one) for one in story["passes"]],
        percent=_percent,
        range=_range,
        number=_number,
    )
    (folder / "report.html").write_text(page, encoding="utf-8")


def _plain_reasons(one: dict[str, Any]) -> list[str]:
    """What decided against a pass, in words that need no statistics."""
    said = []
    decisive = {"refuse": "fail", "hold": "insufficient_data"}.get(one["decision"])
    for check in one["gates"]["release"]:
        if check["verdict"] != decisive:
            continue
        name = check["metric"].removeprefix("suite: ")
        if name in one["suite"]:
            found = one["suite"][name]
            after, before = (_percent(found[key]["estimate"]) for key in ("candidate", "baseline"))
            cases = found["candidate"]["n"]
            said.append(f"“{name}”: {after} of {cases} answers pass, {before} did before")
        else:
            said.append(f"{check['metric']}: {check['explanation']}")
    return said


def _beside(story: dict[str, Any]) -> list[dict[str, str]]:
    """What was measured here, beside what the case study reports."""
    calibration, base = story["calibration"], story["baseline"]
    rows = [
        ("Agreement before calibration (kappa)", _number(calibration["kappa_before"]), "0.54"),
        ("Agreement after calibration (kappa)", _number(calibration["kappa_after"]), "0.71"),
    ]
    for one in story["reward_models"]:
        study = "about 74 %" if one["name"] == "reward model 1" else "–"
        rows.append((f"{one['name'].capitalize()}, unseen pairs", _range(one["accuracy"]), study))
    ceiling = story["reward_models"][0]["ceiling"]
    if ceiling is not None:  # None where too few comparisons were judged twice
        rows.append(("Most the first labels allow", _percent(ceiling), "–"))
    rows.append(("Prices right, before", _range(base["pricing_accuracy"]), "–"))
    rows.append(("Confidently wrong prices, before", _range(base["assertively_wrong"]), "–"))
    for one in story["passes"]:
        first, name = one["name"] == "first", _ORDINAL[one["name"]]
        rows += [
            (f"Wins, {name}", _range(one["win_rate"]), "68 %" if first else "–"),
            (f"KL, {name} (nats)", _number(one["kl_nats"]), "–"),
            (f"Prices right, {name}", _range(one["pricing_accuracy"]), "–"),
            (
                f"Confidently wrong prices, {name}",
                _range(one["assertively_wrong"]),
                "found in staging" if first else "mended",
            ),
        ]
    if story["relabelling"]:
        again = story["relabelling"]["relabelled"]
        rows.append(("Pairs judged again", str(again["compared"]), "800"))
    return [{"what": what, "here": here, "study": study} for what, here, study in rows]


def _charts(story: dict[str, Any]) -> dict[str, Any]:
    calibration, rewards = story["calibration"], story["reward_models"]
    agreement = [
        Point("before calibration", "kappa", _estimate(calibration["kappa_before"])),
        Point("after calibration", "kappa", _estimate(calibration["kappa_after"])),
    ]
    drawn = {
        "agreement": intervals(agreement, "Cohen's kappa", ("target 0.6", 0.6), (0.3, 0.9)),
        "rewards": [
            intervals(
                _accuracies(one),
                "accuracy on held-out pairs",
                ("ceiling", one["ceiling"]) if one["ceiling"] is not None else None,
                (0.4, 1.0),
            )
            for one in rewards
        ],
        "suites": [
            intervals(_suite(one["suite"]), "share of suite cases passed")
            for one in story["passes"]
        ],
        "reward": curve(_steps(story, "reward"), "step", "reward", "reward (standard deviations)"),
        "kl": curve(_steps(story, "kl"), "step", "kl", "KL (nats per answer)"),
    }
    # Drawn by vl-convert from our own numbers and names: safe to stand in the page as it is.
    return {
        name: [Markup(svg(one)) for one in chart] if isinstance(chart, list) else Markup(svg(chart))
        for name, chart in drawn.items()
    }


def _accuracies(reward: dict[str, Any]) -> list[Point]:
    points = [Point("all pairs", "accuracy", _estimate(reward["accuracy"]))]
    for name, found in {**reward["by_dimension"], **reward["by_topic"]}.items():
        points.append(Point(name, "accuracy", _estimate(found)))
    return points


def _suite(suite: dict[str, Any]) -> list[Point]:
    return [
        Point(name, series, _estimate(found[key]))
        for name, found in suite.items()
        for series, key in (("policy before", "baseline"), ("new policy", "candidate"))
    ]


def _steps(story: dict[str, Any], what: str) -> list[dict[str, float | str]]:
    return [
        {"step": step["step"], what: step[what], "series": _ORDINAL[one["name"]]}
        for one in story["passes"]
        for step in one["steps"]
    ]


def _estimate(found: dict[str, Any]) -> Estimate:
    return Estimate(found["estimate"], found["low"], found["high"], found["n"])


def _number(found: dict[str, Any]) -> str:
    return f"{found['estimate']:.2f} ({found['low']:.2f} to {found['high']:.2f})"


def _range(found: dict[str, Any]) -> str:
    low, high = 100 * found["low"], 100 * found["high"]
    return f"{_percent(found['estimate'])} ({low:.0f} to {high:.0f})"


def _percent(share: float) -> str:
    return f"{100 * share:.0f}\N{NO-BREAK SPACE}%"
