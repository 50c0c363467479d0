"""The settings of each training stage. No torch here: a typing error shows before it loads.

A field's description is its help text. Unknown keys are errors.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "BestOfNSettings",
    "DPOSettings",
    "EngineSettings",
    "LoopSettings",
    "PPOSettings",
    "RewardSettings",
    "SFTSettings",
]


class EngineSettings(BaseModel):
    """What every trained stage shares: how fast, how much at once, how often saved."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seed: int = Field(
        default=0, ge=0, description="decides the order of the data and all random draws"
    )
    batch_tokens: int = Field(
        default=16384,
        ge=16,
        description="most token positions computed at once; a step that needs more is done in "
        "parts whose gradients are added, with the same result",
    )
    max_tokens: int = Field(
        default=2048,
        ge=8,
        description="longest prompt with completion (at most the model's context); a longer prompt "
        "loses its beginning",
    )
    learning_rate: float = Field(
        default=1e-5, gt=0, lt=1, description="the highest rate, reached after the warmup"
    )
    warmup: float = Field(
        default=0.03, ge=0, le=1, description="share of the steps in which the rate rises from 0"
    )
    final_rate: float = Field(
        default=0.0, ge=0, le=1, description="where the cosine ends, as a share of learning_rate"
    )
    weight_decay: float = Field(
        default=0.01, ge=0, description="pull of matrices towards zero (norms and biases: none)"
    )
    beta1: float = Field(default=0.9, ge=0, lt=1, description="AdamW's memory of the gradient")
    beta2: float = Field(default=0.95, ge=0, lt=1, description="AdamW's memory of its square")
    max_grad_norm: float = Field(
        default=1.0, gt=0, description="a longer gradient is cut to this length"
    )
    precision: Literal["float32", "bfloat16"] = Field(
        default="float32", description="what matrix products are computed in (weights: float32)"
    )
    checkpoint_every: int = Field(
        default=100, ge=1, description="steps between checkpoints from which a run can resume"
    )
    keep_checkpoints: int = Field(default=2, ge=1, description="newest checkpoints that are kept")
    eval_every: int = Field(
        default=100, ge=1, description="steps between looks at the held-out data"
    )


class LoopSettings(EngineSettings):
    """What the stages share that learn from a fixed set of samples."""

    epochs: float = Field(
        default=1.0, gt=0, description="passes over the data; `steps`, where given, decides instead"
    )
    steps: int | None = Field(
        default=None, ge=1, description="optimizer steps in all, over as many epochs as it takes"
    )
    batch_size: int = Field(
        default=32, ge=1, description="samples per optimizer step (a pair is one sample)"
    )


class SFTSettings(LoopSettings):
    """Supervised fine-tuning on demonstrations."""


class RewardSettings(LoopSettings):
    """The reward model: Bradley-Terry on preference pairs."""

    use_margin: bool = Field(
        default=False,
        description="ask for a larger difference where the annotators' vote was clearer",
    )
    margin_scale: float = Field(
        default=1.0, ge=0, description="difference in reward that a margin of 1 asks for"
    )
    use_weight: bool = Field(
        default=True, description="weigh each pair by its weight, otherwise all alike"
    )
    center: float = Field(
        default=0.0, ge=0, description="pull of the rewards' mean towards zero (0.01 is usual)"
    )
    folds: int = Field(
        default=5, ge=2, description="parts for out-of-fold scores; a prompt stays in one part"
    )


class DPOSettings(LoopSettings):
    """DPO: a policy that prefers the chosen completion more than its reference does."""

    learning_rate: float = Field(
        default=1e-6, gt=0, lt=1, description="the highest rate, reached after the warmup"
    )
    beta: float = Field(
        default=0.1,
        gt=0,
        description="pull towards the reference policy: a larger one stays nearer to it",
    )
    label_smoothing: float = Field(
        default=0.0, ge=0, lt=0.5, description="share of the labels that is taken to be wrong"
    )
    use_weight: bool = Field(
        default=True, description="weigh each pair by its weight, otherwise all alike"
    )
    max_new_tokens: int = Field(
        default=256, ge=1, description="longest completion drawn to measure KL, in tokens"
    )


class BestOfNSettings(BaseModel):
    """Best-of-n: of several completions, the one with the highest reward."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seed: int = Field(default=0, ge=0, description="decides what is drawn")
    n: int = Field(default=8, ge=1, description="completions per prompt; 1 is the policy itself")
    temperature: float = Field(
        default=1.0, gt=0, description="spread of the draws; the KL bound is known only at 1"
    )
    top_p: float = Field(
        default=1.0, gt=0, le=1, description="keep the likeliest tokens up to this probability"
    )
    top_k: int = Field(default=0, ge=0, description="keep the k likeliest tokens; 0 keeps all")
    max_new_tokens: int = Field(default=256, ge=1, description="longest completion, in tokens")


class PPOSettings(EngineSettings):
    """PPO: a policy that draws completions, is told their rewards, and moves towards the better.

    A step draws `rollouts` completions and goes over them `passes` times in `minibatches` parts.
    """

    learning_rate: float = Field(
        default=1e-6, gt=0, lt=1, description="the policy's highest rate, reached after the warmup"
    )
    steps: int = Field(default=200, ge=1, description="how often completions are drawn")
    rollouts: int = Field(default=96, ge=2, description="completions drawn per step")
    passes: int = Field(default=2, ge=1, description="passes over the completions of each step")
    minibatches: int = Field(default=2, ge=1, description="updates per pass")
    max_new_tokens: int = Field(default=256, ge=1, description="longest completion, in tokens")
    kl_coef: float = Field(
        default=0.02,
        ge=0,
        description="price of a nat of KL from the reference policy, per token, in standard "
        "deviations of the reward",
    )
    kl_target: float | None = Field(
        default=None,
        gt=0,
        description="nats per completion that `kl_coef` is adapted to; without it it stays fixed",
    )
    kl_horizon: int = Field(
        default=2000, ge=1, description="completions over which an adaptive `kl_coef` moves"
    )
    kl_warn: float = Field(
        default=4.0, gt=0, description="nats per completion at which a warning is due"
    )
    kl_budget: float = Field(
        default=6.0, gt=0, description="nats per completion that end the run, as `over_budget` says"
    )
    kl_spike: float = Field(
        default=2.0, gt=0, description="rise of KL from one step to the next that is a warning"
    )
    over_budget: Literal["warn", "stop", "return"] = Field(
        default="return",
        description="warn and go on, stop, or stop and return to the best checkpoint",
    )
    clip: float = Field(
        default=0.2, gt=0, description="how far new and old probability may part in one step"
    )
    value_clip: float = Field(default=0.2, gt=0, description="how far a value may move in one step")
    value: Literal["model", "head"] = Field(
        default="model",
        description="who says values: a model of its own, begun from the reward model, or a head "
        "on the policy, which is cheaper and less stable",
    )
    value_rate: float = Field(
        default=2.0, gt=0, description="the value model's rate, as a multiple of learning_rate"
    )
    gamma: float = Field(default=1.0, gt=0, le=1, description="worth of a reward one token later")
    gae_lambda: float = Field(
        default=0.95, ge=0, le=1, description="0 trusts the value model, 1 only what was drawn"
    )
    no_end_penalty: float = Field(
        default=1.0,
        ge=0,
        description="taken off the reward of a completion that never ends, in standard deviations",
    )
    reference_samples: int = Field(
        default=256,
        ge=32,
        description="completions of the reference policy by which rewards are put on scale",
    )
