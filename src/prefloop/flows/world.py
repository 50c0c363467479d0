"""Who works in a loop and what they bring: everything about a desk that is not prefloop's."""

from collections.abc import Sequence
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, Field

from prefloop.core.records import CampaignRequest, Prompt
from prefloop.flows.evaluate import SuiteCases
from prefloop.flows.project import Project
from prefloop.flows.runs import Tell
from prefloop.spec.model import Spec
from prefloop.store.artifacts import Artifact
from prefloop.training.settings import PPOSettings, RewardSettings, SFTSettings

__all__ = ["LoopSettings", "Revision", "World"]


class LoopSettings(BaseModel):
    """The settings of every stage of one loop."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    sft: SFTSettings = Field(default_factory=SFTSettings)
    reward: RewardSettings = Field(default_factory=RewardSettings)
    ppo: PPOSettings = Field(default_factory=PPOSettings)
    held_out: float = Field(0.15, gt=0, lt=1, description="share of prompts held out of training")
    suite_samples: int = Field(1, ge=1, description="completions per suite case")
    temperature: float = Field(
        1.0, gt=0, description="what users are answered at, and so what people and suite judge"
    )


class Revision(BaseModel):
    """What a team changes after a refusal: the specification, and whose labels it touches."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    spec: Spec
    why: str
    topic: str = Field(description="exactly these comparisons are judged again")
    control: int = Field(ge=1, description="others judged again, to know what noise alone changes")
    kl_coef: float = Field(ge=0, description="the price of KL in the next pass")


class World(Protocol):
    """One desk. People come in through `label`, `relabel` and `compare`: at a real desk they work
    through the browser, in the sandbox they are simulated, and both use the same queue."""

    lead: str
    engineer: str
    second: str  # approves what the others propose
    spec: Spec
    revision: Revision
    harmful: str  # the suite's dimension whose failures are harmful outputs

    def base(self) -> Any:
        """The policy to start from (models.load.LoadedPolicy)."""

    def demonstrations(self) -> Sequence[tuple[Prompt, str]]:
        """Prompts with completions worth imitating."""

    def prompts(self) -> tuple[Sequence[Prompt], Sequence[Prompt], dict[str, Any]]:
        """Prompts to label, prompts reserved for validation, and the plan they were drawn by."""

    def conversations(self, name: str) -> Sequence[Prompt]:
        """New prompts for the blind comparison of a pass."""

    def suite(self) -> SuiteCases:
        """The behavioural suite."""

    def label(self, project: Project, completions: Artifact, tell: Tell) -> Artifact:
        """Calibrate people and let them compare; the label batch of the live campaign."""

    def relabel(
        self, project: Project, request: CampaignRequest, tell: Tell
    ) -> tuple[Artifact, Artifact]:
        """Take a request up and let people judge again; its batch, and that of its control."""

    def compare(self, project: Project, name: str, completions: Artifact, tell: Tell) -> Artifact:
        """Let people compare blindly; the batch of an evaluation campaign."""
