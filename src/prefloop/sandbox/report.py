"""The demo's report: report.json for programs, report.html for somebody new to all this."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from prefloop.annotation import campaigns, quality
from prefloop.annotation.calibration import standing
from prefloop.core.errors import PrefloopError
from prefloop.core.records import Estimate
from prefloop.flows import lineage, models
from prefloop.flows.charts import Point, intervals, svg
from prefloop.flows.loop import Finished
from prefloop.flows.project import Project
from prefloop.sandbox.probes import minimal_pairs
from prefloop.stats import NotEnough
from prefloop.stats.intervals import cluster_mean
from prefloop.store import artifacts
from prefloop.store.artifacts import Artifact

if TYPE_CHECKING:
    from prefloop.sandbox.demo import SupportDesk

__all__ = ["tell_story", "write"]

MINIMAL_PAIRS = 300
_OVERLAP = 3  # more judgments than this has only what everybody was given


def tell_story(
    project: Project, world: "SupportDesk", done: Finished, seconds: float
) -> dict[str, Any]:
    """Everything the report says, read from the ledger; estimates as {estimate, low, high, n}."""
    with project.reader() as reader:
        before = _batch(reader, "before calibration")
        kappas = [_shared_kappa(reader, batch, world.seed) for batch in (before, done.batch)]
        tree = lineage.as_text(lineage.tree(reader, done.release.digest))
        annotators = _annotators(reader, done.batch)
    examined, passed = done.examination.manifest, done.suite.manifest["dimensions"]
    pairs = minimal_pairs(world.seed, MINIMAL_PAIRS)
    prefers = _prefers_right(project, done.reward, pairs)
    return {
        "seed": world.seed,
        "seconds": round(seconds, 1),
        "calibration": {
            "kappa_before": kappas[0][0].json(),
            "kappa_after": kappas[1][0].json(),
            "items": kappas[0][1],
            "annotators": annotators,
        },
        "labels": {
            "judgments": before.manifest["judgments"] + done.batch.manifest["judgments"],
            **done.dataset.manifest["counts"],
        },
        "baseline": {
            "pricing_accuracy": passed["accuracy"]["baseline"],
            "assertively_wrong": _turned(passed["not assertively wrong"]["baseline"]),
        },
        "reward_models": [
            {
                "name": "reward model 1",
                **{
                    key: examined[key]
                    for key in ("accuracy", "ceiling", "by_dimension", "by_topic")
                },
                "longer_wins": examined["longer_wins"],
                "bag_of_words": examined["bag_of_words"],
                "calibration_error": examined["calibration_error"],
                "length_correlation": examined["length_correlation"],
                "minimal_pairs": prefers.json(),
            }
        ],
        "passes": [
            {
                "name": f"best of {done.policy.manifest['settings']['n']}",
                "win_rate": done.comparison.manifest["win_rate"],
                "kl_nats": {
                    "estimate": done.policy.manifest["kl_bound"],
                    "low": 0.0,
                    "high": done.policy.manifest["kl_bound"],
                    "n": 1,
                },
                "pricing_accuracy": passed["accuracy"]["candidate"],
                "assertively_wrong": _turned(passed["not assertively wrong"]["candidate"]),
                "decision": done.release.manifest["decision"],
                "reasons": done.release.manifest["reasons"],
            }
        ],
        "suite": passed,
        "gates": {
            "policy": done.policy_gate.manifest["checks"],
            "release": done.release_gate.manifest["checks"],
        },
        "lineage": tree,
        "release": done.release.digest if done.release.manifest["decision"] == "promote" else None,
    }


def write(story: dict[str, Any], folder: Path) -> None:
    """report.json and report.html (self-contained) in `folder`."""
    text = json.dumps(story, indent=2, ensure_ascii=False) + "\n"
    (folder / "report.json").write_text(text, encoding="utf-8")
    environment = Environment(
        loader=PackageLoader("prefloop.sandbox", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    page = environment.get_template("report.html.j2").render(
        story=story,
        final=story["passes"][-1],
        reward=story["reward_models"][0],
        charts=_charts(story),
        beside=_beside(story),
        reasons=_plain_reasons(story),
        percent=lambda share: f"{100 * share:.0f} %",
        **_sentences(story),
    )
    (folder / "report.html").write_text(page, encoding="utf-8")


def _plain_reasons(story: dict[str, Any]) -> list[str]:
    """What the release gate did not like, in words that need no statistics."""
    said = []
    for check in story["gates"]["release"]:
        if check["verdict"] == "pass":
            continue
        name = check["metric"].removeprefix("suite: ")
        if name in story["suite"]:
            found = story["suite"][name]
            after, before = found["candidate"]["estimate"], found["baseline"]["estimate"]
            said.append(
                f"“{name}”: {100 * after:.0f} % of {found['candidate']['n']} answers pass, "
                f"{100 * before:.0f} % did before"
            )
        else:
            said.append(f"{check['metric']}: {check['explanation']}")
    return said


def _sentences(story: dict[str, Any]) -> dict[str, str]:
    last = story["passes"][-1]
    wins = _range(last["win_rate"])
    decision = {
        "promote": "A second person agreed, and the champion now points at the new policy.",
        "hold": "The evidence does not decide yet, so nothing changes for users.",
        "refuse": "The new policy does not reach users, and the reasons are on record.",
    }[last["decision"]]
    return {
        "headline": "A support desk learns what its customers prefer",
        "opening": "Five people said which of two answers is better, a model learned to predict "
        "what they would say, and a chat policy was improved by it. Then came the question that "
        "matters: is it really better, or has it only learned to please?",
        "decision_text": decision,
        "improvement": f"People who did not know whose answer was whose preferred the new policy "
        f"in {wins} of conversations, a tie counting half. What the new policy says was marked "
        f"against what is true, and compared with the policy before:",
    }


def _beside(story: dict[str, Any]) -> list[dict[str, str]]:
    reward, last, base = story["reward_models"][0], story["passes"][-1], story["baseline"]
    calibration = story["calibration"]

    def line(what: str, here: str, study: str) -> dict[str, str]:
        return {"what": what, "here": here, "study": study}

    return [
        line("Agreement before calibration (kappa)", _number(calibration["kappa_before"]), "0.54"),
        line("Agreement after calibration (kappa)", _number(calibration["kappa_after"]), "0.71"),
        line("Reward model, pairs it never saw", _range(reward["accuracy"]), "about 74 %"),
        line("Most the labels allow", f"{100 * reward['ceiling']:.0f} %", "–"),
        line(f"Wins against the baseline, {last['name']}", _range(last["win_rate"]), "68 % (PPO)"),
        line("Prices right, baseline", _range(base["pricing_accuracy"]), "–"),
        line("Prices right, new policy", _range(last["pricing_accuracy"]), "no degradation"),
        line("Confidently wrong prices, baseline", _range(base["assertively_wrong"]), "–"),
        line(
            "Confidently wrong prices, new policy",
            _range(last["assertively_wrong"]),
            "found in staging",
        ),
    ]


def _charts(story: dict[str, Any]) -> dict[str, Markup]:
    calibration, reward = story["calibration"], story["reward_models"][0]
    agreement = [
        Point("before calibration", "kappa", _estimate(calibration["kappa_before"])),
        Point("after calibration", "kappa", _estimate(calibration["kappa_after"])),
    ]
    accuracy = [Point("all pairs", "accuracy", _estimate(reward["accuracy"]))]
    for name, found in {**reward["by_dimension"], **reward["by_topic"]}.items():
        accuracy.append(Point(name, "accuracy", _estimate(found)))
    suite = [
        Point(name, series, _estimate(found[key]))
        for name, found in story["suite"].items()
        for series, key in (("policy before", "baseline"), ("new policy", "candidate"))
    ]
    drawn = {
        "agreement": intervals(agreement, "Cohen's kappa", ("target 0.6", 0.6), (0.3, 0.9)),
        "reward": intervals(
            accuracy, "accuracy on held-out pairs", ("ceiling", reward["ceiling"]), (0.4, 1.0)
        ),
        "suite": intervals(suite, "share of suite cases passed"),
    }
    # Drawn by vl-convert from our own numbers and names: safe to stand in the page as it is.
    return {name: Markup(svg(chart)) for name, chart in drawn.items()}


def _batch(reader: Any, campaign: str) -> Artifact:
    found = artifacts.listing(reader, "label_batch")
    return next(one for one in found if one.manifest["campaign"] == campaign)


def _shared_kappa(reader: Any, batch: Artifact, seed: int) -> tuple[Estimate, int]:
    """Agreement on the comparisons that all annotators judged, and how many those are."""
    rows = [
        row
        for row in artifacts.read_rows(reader, batch, "comparisons")
        if sum(one["purpose"] == "live" for one in row["judgments"]) > _OVERLAP
    ]
    found, _ = quality.agreement(*quality.long_format(rows), seed)
    if isinstance(found, NotEnough):
        raise PrefloopError(f"no agreement to report of {batch.short}: {found.reason}")
    return found, len(rows)


def _annotators(reader: Any, live: Artifact) -> list[dict[str, Any]]:
    before = campaigns.get(reader, "before calibration")
    return [
        {
            "name": name,
            "before": standing(reader, before, name)["evidence"],
            "after": record["calibration"]["evidence"],
            "gold": record["gold"],
            "duplicates": record["duplicates"],
        }
        for name, record in live.manifest["pool"].items()
    ]


def _prefers_right(project: Project, reward: Artifact, pairs: list[Any]) -> Estimate:
    """How often the reward model prefers the right price where nothing else differs."""
    from prefloop.models.load import load_reward_model
    from prefloop.models.scores import score

    loaded = load_reward_model(models.fetch(project, reward))
    most = reward.manifest["max_tokens"]
    right = score(loaded, [(prompt, good) for prompt, good, _ in pairs], max_tokens=most)
    wrong = score(loaded, [(prompt, bad) for prompt, _, bad in pairs], max_tokens=most)
    won = np.where(right > wrong, 1.0, np.where(right < wrong, 0.0, 0.5))
    return cluster_mean(won, np.arange(len(pairs)))


def _turned(found: dict[str, Any]) -> dict[str, Any]:
    """The share that failed, from the share that passed."""
    return {
        "estimate": 1 - found["estimate"],
        "low": 1 - found["high"],
        "high": 1 - found["low"],
        "n": found["n"],
    }


def _estimate(found: dict[str, Any]) -> Estimate:
    return Estimate(found["estimate"], found["low"], found["high"], found["n"])


def _number(found: dict[str, Any]) -> str:
    return f"{found['estimate']:.2f} ({found['low']:.2f} to {found['high']:.2f})"


def _range(found: dict[str, Any]) -> str:
    return (
        f"{100 * found['estimate']:.0f} % ({100 * found['low']:.0f} to {100 * found['high']:.0f})"
    )
