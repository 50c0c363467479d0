"""train: SFT, reward model, DPO, PPO and best-of-n from a config file, into the ledger."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from prefloop.cli.common import Json, say, show

if TYPE_CHECKING:
    from prefloop.store.artifacts import Artifact

__all__ = ["register"]

_CONFIG = Annotated[Path, typer.Argument(metavar="CONFIG", help="a YAML file; docs/training.md")]


def register(app: typer.Typer) -> None:
    room = typer.Typer(help="Training, into the ledger.", no_args_is_help=True)
    room.command("sft")(sft)
    room.command("reward")(reward)
    room.command("dpo")(dpo)
    room.command("ppo")(ppo)
    room.command("best-of-n")(best_of_n)
    app.add_typer(room, name="train")


def sft(context: typer.Context, config: _CONFIG, json: Json = False) -> None:
    """Fine-tune a policy on demonstrations, or on the chosen side of preference pairs."""
    from prefloop.flows import configs, train
    from prefloop.store import names

    project = context.obj.open()
    asked = configs.read(config, configs.SFTConfig)
    with project.reader() as reader:
        dataset = names.resolve(reader, asked.data, "dataset")
        start = names.resolve(reader, asked.model or "", "model") if asked.from_ledger else None
    base = configs.base(project, asked, dataset, start)
    above = (start.digest,) if start else ()
    made = train.sft(project, dataset, base, asked.settings, _teller(json), above, asked.sides)
    _done(context, made, asked.name, json)


def reward(context: typer.Context, config: _CONFIG, json: Json = False) -> None:
    """Train a reward model on a dataset's training split, from the base of a policy."""
    from prefloop.flows import configs, train
    from prefloop.store import names

    project = context.obj.open()
    asked = configs.read(config, configs.RewardConfig)
    with project.reader() as reader:
        dataset = names.resolve(reader, asked.data, "dataset")
        start = names.resolve(reader, asked.model, "model")
    made = train.reward(project, dataset, start, asked.settings, _teller(json))
    _done(context, made, asked.name, json)


def dpo(context: typer.Context, config: _CONFIG, json: Json = False) -> None:
    """Move a policy by preference pairs without a reward model; its labels pass a gate first."""
    from prefloop.flows import configs
    from prefloop.flows.dpo import dpo as train
    from prefloop.store import names

    project = context.obj.open()
    asked = configs.read(config, configs.DPOConfig)
    with project.reader() as reader:
        dataset = names.resolve(reader, asked.data, "dataset")
        start = names.resolve(reader, asked.model, "model")
    made = train(project, dataset, start, asked.settings, _teller(json))
    _done(context, made, asked.name, json)


def ppo(context: typer.Context, config: _CONFIG, json: Json = False) -> None:
    """Optimize a policy against a reward model under a KL budget; needs an open policy gate."""
    from prefloop.flows import configs, suites
    from prefloop.flows.ppo import ppo as train
    from prefloop.store import names

    project = context.obj.open()
    asked = configs.read(config, configs.PPOConfig)
    cases = suites.from_file(project.folder / asked.suite) if asked.suite else None
    with project.reader() as reader:
        start = names.resolve(reader, asked.model, "model")
        judge = names.resolve(reader, asked.reward, "model")
        gate = names.resolve(reader, asked.gate, "gate_result")
        prompts = names.resolve(reader, asked.prompts, "prompt_set")
    made = train(project, start, judge, gate, prompts, asked.settings, _teller(json), cases)
    _done(context, made, asked.name, json)


def best_of_n(context: typer.Context, config: _CONFIG, json: Json = False) -> None:
    """A policy that answers with the best of n by a reward model; needs an open policy gate."""
    from prefloop.flows import configs, improve
    from prefloop.store import names

    project = context.obj.open()
    asked = configs.read(config, configs.BestOfNConfig)
    with project.reader() as reader:
        start = names.resolve(reader, asked.model, "model")
        judge = names.resolve(reader, asked.reward, "model")
        gate = names.resolve(reader, asked.gate, "gate_result")
    made = improve.best_of_n(project, start, judge, gate, asked.settings)
    _done(context, made, asked.name, json)


def _teller(json: bool) -> Callable[[str], None]:
    """Progress for people; silence for programs."""
    return (lambda line: None) if json else say


def _done(context: typer.Context, model: "Artifact", name: str | None, json: bool) -> None:
    from prefloop.store import names

    project = context.obj.open()
    known = None
    if name:
        with project.transaction() as tx:
            known = names.add_version(tx, f"model/{name}", model.digest)
    show(
        {"model": model.digest, "name": known, "role": model.manifest["role"]},
        json,
        f"model {model.short} ({model.manifest['role']}){f' is {known}' if known else ''}",
    )
