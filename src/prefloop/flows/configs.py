"""The config files of `prefloop train`: what to train on, from what, and how."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

from prefloop.core.config import parse_yaml
from prefloop.datasets import freeze
from prefloop.flows import models
from prefloop.flows.project import Project, read_text
from prefloop.store.artifacts import Artifact
from prefloop.training.settings import (
    BestOfNSettings,
    DPOSettings,
    PPOSettings,
    RewardSettings,
    SFTSettings,
)

if TYPE_CHECKING:
    from prefloop.models.load import LoadedPolicy

__all__ = [
    "BestOfNConfig",
    "DPOConfig",
    "PPOConfig",
    "RewardConfig",
    "SFTConfig",
    "Scratch",
    "base",
    "read",
]


class _Config(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str | None = Field(None, description="the model becomes model/NAME@vN")


class Scratch(BaseModel):
    """A small decoder from nothing, for where there is no model to start from."""

    model_config = ConfigDict(extra="forbid")
    vocabulary: int = Field(2048, ge=300, description="tokens of a byte-level BPE tokenizer")
    width: int = Field(128, ge=16, description="hidden size")
    layers: int = Field(2, ge=1, description="transformer layers")
    heads: int = Field(4, ge=1, description="attention heads")
    context: int = Field(512, ge=32, description="longest sequence in tokens")


class SFTConfig(_Config):
    """train sft CONFIG."""

    data: str = Field(description="a dataset: demonstrations, or preferences (chosen side)")
    sides: Literal["chosen", "both"] = Field(
        "chosen",
        description="of preferences: imitate the chosen side, or learn the language of both (a "
        "base that does not know who won, for reward models examined out of fold)",
    )
    model: str | None = Field(
        None, description="model/NAME of this ledger, a folder, or a name on the hub"
    )
    scratch: Scratch | None = Field(None, description="instead of model: a decoder from nothing")
    settings: SFTSettings = Field(default_factory=SFTSettings)

    @model_validator(mode="after")
    def _one_start(self) -> Self:
        if (self.model is None) == (self.scratch is None):
            raise ValueError("say what to start from: model or scratch, and not both")
        return self

    @property
    def from_ledger(self) -> bool:
        """Whether `model` names a model of this ledger rather than a folder or the hub."""
        return self.model is not None and self.model.startswith("model/")


class RewardConfig(_Config):
    """train reward CONFIG."""

    data: str = Field(description="a dataset of preferences")
    model: str = Field(description="the policy of this ledger whose base it starts from")
    settings: RewardSettings = Field(default_factory=RewardSettings)


class DPOConfig(_Config):
    """train dpo CONFIG."""

    data: str = Field(description="a dataset of preferences with a held-out split")
    model: str = Field(description="the policy of this ledger to start from and to stay near")
    settings: DPOSettings = Field(default_factory=DPOSettings)


class PPOConfig(_Config):
    """train ppo CONFIG."""

    model: str = Field(description="the policy of this ledger to start from and to stay near")
    reward: str = Field(description="the reward model of this ledger to optimize")
    gate: str = Field(description="the gate_result that lets this reward model guide a policy")
    prompts: str = Field(description="the prompt_set to answer; reserved prompts measure KL")
    suite: str | None = Field(
        None, description="a suite file; part of it is run every `eval_every` steps"
    )
    settings: PPOSettings = Field(default_factory=PPOSettings)


class BestOfNConfig(_Config):
    """train best-of-n CONFIG."""

    model: str = Field(description="the policy of this ledger to draw from")
    reward: str = Field(description="the reward model of this ledger to choose by")
    gate: str = Field(description="the gate_result that lets this reward model guide a policy")
    settings: BestOfNSettings = Field(default_factory=BestOfNSettings)


T = TypeVar("T", bound=BaseModel)


def read(path: Path, kind: type[T]) -> T:
    """A config file; every problem is named with its line."""
    return parse_yaml(read_text(path), kind, str(path))


def base(
    project: Project, asked: SFTConfig, dataset: Artifact, start: Artifact | None
) -> "Callable[[], LoadedPolicy]":
    """How to make the policy that SFT starts from."""
    from prefloop.models.load import LoadedPolicy, load_policy
    from prefloop.models.scratch import bpe_tokenizer, llama

    if start is not None:
        return lambda: load_policy(models.fetch(project, start))
    if asked.scratch is None:
        assert asked.model is not None
        return lambda: load_policy(asked.model or "")
    shape = asked.scratch

    def make() -> LoadedPolicy:
        with project.reader() as reader:
            examples = freeze.read_demonstrations(reader, dataset, asked.sides)
        texts = (
            text
            for prompt, completion in examples
            for text in (*(m.text for m in prompt.messages), completion)
        )
        tokenizer = bpe_tokenizer(texts, shape.vocabulary)
        return LoadedPolicy(
            llama(
                tokenizer,
                width=shape.width,
                layers=shape.layers,
                heads=shape.heads,
                context=shape.context,
                seed=asked.settings.seed,
            ),
            tokenizer,
        )

    return make
