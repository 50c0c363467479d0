"""The documentation is what the program is: no command, setting or example it does not know."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import typer
from pydantic import BaseModel

from prefloop.annotation.campaigns import Calibration, CampaignSettings
from prefloop.annotation.filters import Filter
from prefloop.cli.app import app
from prefloop.datasets.freeze import FreezeSettings
from prefloop.evaluation.suite import Case, Expectation, Suite
from prefloop.flows import configs
from prefloop.flows.access import AccessSettings, ProviderSettings
from prefloop.flows.project import ProjectSettings
from prefloop.gates.thresholds import (
    AgreementGates,
    AnnotatorGates,
    HackingGates,
    ReleaseGates,
    RewardGates,
)
from prefloop.governance.power import PowerSettings
from prefloop.prompts.plan import Plan
from prefloop.spec.model import (
    Dimension,
    Disqualifier,
    EdgeCase,
    Example,
    Scope,
    Spec,
    TieBreak,
)
from prefloop.training.settings import (
    BestOfNSettings,
    DPOSettings,
    PPOSettings,
    RewardSettings,
    SFTSettings,
)

ROOT = Path(__file__).resolve().parents[1]
PAGES = {path.name: path.read_text(encoding="utf-8") for path in sorted(ROOT.glob("docs/*.md"))}
WORDS = "\n".join([*PAGES.values(), (ROOT / "README.md").read_text(encoding="utf-8")])

# Each model whose fields people write, and the page with a row for every one of them.
TABLES: list[tuple[type[BaseModel], str]] = [
    (ProjectSettings, "ledger.md"),
    (AccessSettings, "people.md"),
    (ProviderSettings, "people.md"),
    (Plan, "prompts.md"),
    (CampaignSettings, "annotation.md"),
    (Calibration, "annotation.md"),
    (Filter, "annotation.md"),
    (FreezeSettings, "data.md"),
    (configs.SFTConfig, "training.md"),
    (configs.Scratch, "training.md"),
    (configs.RewardConfig, "training.md"),
    (configs.DPOConfig, "training.md"),
    (configs.PPOConfig, "training.md"),
    (configs.BestOfNConfig, "training.md"),
    (SFTSettings, "training.md"),
    (RewardSettings, "training.md"),
    (DPOSettings, "training.md"),
    (PPOSettings, "training.md"),
    (BestOfNSettings, "training.md"),
    (Expectation, "evaluation.md"),
    (AgreementGates, "gates.md"),
    (AnnotatorGates, "quality.md"),
    (RewardGates, "gates.md"),
    (ReleaseGates, "gates.md"),
    (HackingGates, "gates.md"),
    (PowerSettings, "planning.md"),
]
# Files whose fields are named on a page in running text.
NAMED: list[tuple[type[BaseModel], str]] = [
    *((part, "specification.md") for part in (Spec, Dimension, Disqualifier, TieBreak)),
    *((part, "specification.md") for part in (Scope, Example, EdgeCase)),
    (Suite, "evaluation.md"),
    (Case, "evaluation.md"),
]
# An example config says by the end of its name which command reads it.
CONFIGS: Mapping[str, type[BaseModel]] = {
    "sft": configs.SFTConfig,
    "reward": configs.RewardConfig,
    "dpo": configs.DPOConfig,
    "ppo": configs.PPOConfig,
    "best-of-n": configs.BestOfNConfig,
}


def rows(model: type[BaseModel]) -> Iterator[str]:
    """The table rows that a settings model makes: its names, defaults and help texts."""
    for name, field in model.model_fields.items():
        extra: Any = field.json_schema_extra
        cells = [f"`{name}`", _default(field), field.description or ""]
        if isinstance(extra, dict) and "source" in extra:
            cells += [str(extra["source"]), str(extra["alternatives"])]
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _default(field: Any) -> str:
    if field.is_required():
        return "needed"
    if field.default_factory is not None:
        return "see there"
    value = field.default
    if value is None or value == "":
        return "none"
    if isinstance(value, BaseModel):
        return ", ".join(f"{name} {part:g}" for name, part in value)
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(getattr(value, "value", value))


def commands() -> list[str]:
    """Every command of the tree, such as "spec check"."""

    def below(command: Any, path: tuple[str, ...]) -> Iterator[str]:
        known = getattr(command, "commands", None)
        if known is None:
            yield " ".join(path)
            return
        for name, each in known.items():
            yield from below(each, (*path, name))

    return sorted(below(typer.main.get_command(app), ()))


def test_the_command_tree_is_found() -> None:
    assert {"init", "spec check", "train best-of-n"} <= set(commands())


@pytest.mark.parametrize("command", commands())
def test_every_command_is_shown_in_a_page(command: str) -> None:
    used = rf"prefloop(?: (?:-C|--as) \S+)* {re.escape(command)}(?![\w-])"
    assert re.search(used, WORDS), f"no page shows `prefloop {command}`"


def test_every_command_line_shown_is_a_command() -> None:
    shown = re.findall(r"^\$ prefloop((?: (?:-C|--as) \S+)*)((?: [a-z][a-z-]*)+)", WORDS, re.M)
    known = commands()
    wrong = [
        words.strip()
        for _, words in shown
        if not any(f"{words} ".startswith(f" {command} ") for command in known)
    ]
    assert shown
    assert not wrong


@pytest.mark.parametrize(("model", "page"), TABLES, ids=lambda x: getattr(x, "__name__", x))
def test_every_setting_has_its_row_with_default_and_help(model: type[BaseModel], page: str) -> None:
    missing = [row for row in rows(model) if row not in PAGES[page]]
    assert not missing, f"docs/{page} lacks these rows of {model.__name__}:\n" + "\n".join(missing)


@pytest.mark.parametrize(("model", "page"), NAMED, ids=lambda x: getattr(x, "__name__", x))
def test_every_field_of_the_files_is_named(model: type[BaseModel], page: str) -> None:
    names = [field.alias or name for name, field in model.model_fields.items()]
    assert [name for name in names if f"`{name}`" not in PAGES[page]] == []


@pytest.mark.parametrize("path", sorted(ROOT.glob("examples/*.yaml")), ids=lambda path: path.name)
def test_every_example_config_loads_with_its_model(path: Path) -> None:
    kinds = [kind for name, kind in CONFIGS.items() if path.stem.endswith(f"-{name}")]
    assert len(kinds) == 1, f"{path.name}: end its name in {', '.join(CONFIGS)}"
    assert isinstance(configs.read(path, kinds[0]), kinds[0])


def test_there_are_examples() -> None:
    assert list(ROOT.glob("examples/*.yaml"))


@pytest.mark.parametrize("page", PAGES)
def test_every_link_between_pages_leads_somewhere(page: str) -> None:
    links = re.findall(r"\]\((?!https?://|#)([^)#\s]+)", PAGES[page])
    assert [link for link in links if not (ROOT / "docs" / link).exists()] == []


@pytest.mark.parametrize("page", PAGES)
def test_no_page_names_a_place_on_somebodys_machine(page: str) -> None:
    assert re.findall(r"(?<![\w.])/(?:work|tmp|home|root)/\S*", PAGES[page]) == []


def test_every_page_is_in_the_index() -> None:
    assert [name for name in PAGES if name != "index.md" and name not in PAGES["index.md"]] == []
