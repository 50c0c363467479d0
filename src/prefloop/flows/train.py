"""Training into the ledger: runs and the models they made, from data that two people agreed on."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from prefloop.core.digest import rng
from prefloop.core.errors import BadInput, NotPermitted
from prefloop.core.records import Prompt
from prefloop.datasets import freeze
from prefloop.flows import models, runs
from prefloop.flows.project import Project
from prefloop.flows.running import running
from prefloop.flows.runs import Tell
from prefloop.store import artifacts, names
from prefloop.store.artifacts import Artifact
from prefloop.store.engine import Reader
from prefloop.training.settings import RewardSettings, SFTSettings

if TYPE_CHECKING:
    from prefloop.models.load import LoadedPolicy

__all__ = ["Recipe", "official", "out_of_fold", "recipe", "reward", "sft"]

_HELD_OUT = 0.05  # of demonstrations: enough to see a loss stop falling


def sft(
    project: Project,
    dataset: Artifact,
    base: "Callable[[], LoadedPolicy]",
    settings: SFTSettings,
    tell: Tell,
    parents: tuple[str, ...] = (),
    sides: Literal["chosen", "both"] = "chosen",
) -> Artifact:
    """Fine-tune a policy on demonstrations; `parents` names the model it starts from, if any."""
    from prefloop.models.fingerprint import weights_digest
    from prefloop.models.load import save_policy
    from prefloop.training.packing import Demonstration
    from prefloop.training.sft import train_sft

    project.require("train")
    with project.reader() as reader:
        official(project, dataset)
        examples = freeze.read_demonstrations(reader, dataset, sides)
    shown = [Demonstration(prompt, text) for prompt, text in examples]
    kept, held = _split(shown, settings.seed)
    policy = base()
    inputs = {
        "stage": "sft",
        "sides": sides,
        # Whatever it starts from, by its weights: another start is another run.
        "start": weights_digest(policy.model),
        "settings": settings.model_dump(mode="json"),
    }
    work = runs.place(project, inputs, (dataset.digest, *parents))
    with running(project, "train sft", work.name):
        result = train_sft(
            policy,
            kept,
            held,
            settings,
            folder=work / "checkpoints",
            on_step=runs.teller(tell, "sft"),
        )
    converged = str(result.convergence.trend) if result.convergence else "not measured"
    found = {
        "held_out_nll": result.held_out_nll,
        "convergence": converged,
        "cut": result.cut,
        "demonstrations": len(kept),
    }
    if result.held_out_nll is not None:
        tell(f"sft: {result.held_out_nll:.3f} nats per held-out token, {converged}")
    runs.say_cut(tell, result.cut, len(kept), settings.max_tokens)
    save_policy(policy, work / "model")
    above = (dataset.digest, *parents)
    return runs.keep(project, inputs, found, result.loop, work / "model", "sft", above)


def reward(
    project: Project, dataset: Artifact, base: Artifact, settings: RewardSettings, tell: Tell
) -> Artifact:
    """Train a reward model on a dataset's training split, from the base of a policy."""
    from prefloop.models.load import load_policy, reward_model_from, save_reward_model
    from prefloop.training.reward import train_reward

    project.require("train")
    official(project, dataset)
    with project.reader() as reader:
        pairs = freeze.pairs(reader, dataset, "train")
        held = freeze.pairs(reader, dataset, "held_out")
    made = reward_model_from(load_policy(models.fetch(project, base)), settings.seed)
    inputs = {"stage": "reward", "settings": settings.model_dump(mode="json")}
    work = runs.place(project, inputs, (dataset.digest, base.digest))
    with running(project, "train reward", work.name):
        result = train_reward(
            made,
            pairs,
            held,
            settings,
            folder=work / "checkpoints",
            on_step=runs.teller(tell, "reward"),
        )
    found = {
        "pairs": len(pairs),
        "held_out": len(held),
        "held_out_accuracy": result.accuracy,
        "convergence": str(result.convergence.trend) if result.convergence else "not measured",
        "cut": result.cut,
    }
    if result.accuracy is not None:
        tell(f"reward model: {result.accuracy:.3f} on {len(held)} held-out pairs")
    runs.say_cut(tell, result.cut, len(pairs), settings.max_tokens)
    save_reward_model(made, work / "model")
    above = (dataset.digest, base.digest)
    return runs.keep(project, inputs, found, result.loop, work / "model", "reward", above)


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a reward model was made, read from its run."""

    dataset: Artifact
    base: Artifact
    settings: RewardSettings


def recipe(reader: Reader, model: Artifact) -> Recipe:
    """The recipe of a reward model of this ledger. Raises BadInput for any other model."""
    above = [artifacts.get(reader, name) for name in model.parents]
    run = next((one for one in above if one.kind == "run"), None)
    if run is None or run.manifest.get("stage") != "reward":
        raise BadInput(f"{model.short} was not trained as a reward model here")
    made_of = {one.kind: one for one in (artifacts.get(reader, name) for name in run.parents)}
    settings = RewardSettings.model_validate(run.manifest["settings"])
    return Recipe(made_of["dataset"], made_of["model"], settings)


def out_of_fold(project: Project, model: Artifact, tell: Tell) -> Any:
    """Margins of all pairs that a reward model's dataset holds, each by a model made by the same
    recipe that never saw its prompt.  # (N,)

    Raises BadInput where the base has learned from the chosen sides of this very dataset: it knows
    who won, whatever the folds (docs/decisions/0004).
    """
    from prefloop.models.load import load_policy, reward_model_from
    from prefloop.training import reward as stage

    project.require("evaluate")
    with project.reader() as reader:
        made = recipe(reader, model)
        _knows_nothing(reader, made)
        pairs = freeze.pairs(reader, made.dataset)
    dataset, base, settings = made.dataset, made.base, made.settings
    place = models.fetch(project, base)
    inputs = {"stage": "folds", "settings": settings.model_dump(mode="json")}
    work = runs.place(project, inputs, (dataset.digest, base.digest))
    return stage.out_of_fold(
        lambda fold: reward_model_from(load_policy(place), settings.seed + fold),
        pairs,
        stage.prompt_folds(pairs, settings.folds, settings.seed),
        settings,
        folder=work,
        on_fold=lambda fold, accuracy: tell(f"fold {fold + 1}: {accuracy:.3f}"),
    )


def _knows_nothing(reader: Reader, made: Recipe) -> None:
    for name in artifacts.ancestors(reader, made.base.digest):
        run = artifacts.get(reader, name)
        saw = run.kind == "run" and made.dataset.digest in run.parents
        if saw and run.manifest.get("sides") != "both":
            raise BadInput(
                f"the base {made.base.short} was trained on the chosen side of these pairs: "
                "train it with sides: both, or examine the held-out split"
            )


def official(project: Project, dataset: Artifact) -> None:
    """Raise NotPermitted for a dataset that no second person has approved."""
    with project.reader() as reader:
        known = names.names_of(reader, dataset.digest)
    if not any(name.startswith("dataset/") for name in known):
        raise NotPermitted(
            f"dataset {dataset.short} is not approved yet: "
            "a second person runs prefloop proposal approve"
        )


def _split(shown: list[Any], seed: int) -> tuple[list[Any], list[Any]]:
    """Demonstrations to train on and to watch, by prompt."""
    prompts: dict[Prompt, int] = {}
    codes = [prompts.setdefault(one.prompt, len(prompts)) for one in shown]
    held = set(
        rng(seed, "sft held out")
        .permutation(len(prompts))[: int(_HELD_OUT * len(prompts))]
        .tolist()
    )
    return (
        [one for one, code in zip(shown, codes, strict=True) if code not in held],
        [one for one, code in zip(shown, codes, strict=True) if code in held],
    )
