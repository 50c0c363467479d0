"""Models and tokenizers in and out of folders, in the files that Hugging Face reads and writes."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    AutoTokenizer,
)
from transformers.utils import logging as transformers_logging

from prefloop.core.errors import BadInput
from prefloop.models.chat import ready
from prefloop.models.reward import RewardModel

__all__ = [
    "LoadedPolicy",
    "LoadedReward",
    "load_policy",
    "load_reward_model",
    "reward_model_from",
    "save_policy",
    "save_reward_model",
]

# A bar per file would fall between the lines of our own progress.
transformers_logging.disable_progress_bar()


@dataclass(frozen=True, slots=True)
class LoadedPolicy:
    """A causal language model and its tokenizer."""

    model: Any
    tokenizer: Any


@dataclass(frozen=True, slots=True)
class LoadedReward:
    """A reward model and its tokenizer."""

    model: RewardModel
    tokenizer: Any


def load_policy(
    source: str | Path, device: str = "cpu", dtype: torch.dtype = torch.float32
) -> LoadedPolicy:
    """The causal language model in a folder, or of this name on the hub, ready to run.

    Raises BadInput if there is no such model, or its tokenizer cannot end a completion.
    """
    model = _model(AutoModelForCausalLM, source, dtype)
    return LoadedPolicy(model.to(device).eval(), _tokenizer(source))


def load_reward_model(
    source: str | Path, device: str = "cpu", dtype: torch.dtype = torch.float32
) -> LoadedReward:
    """A reward model from a folder or the hub: ours, or any sequence classifier with one label.

    Raises BadInput if it is not a model, or does not end in one score.
    """
    config = _attempt(source, lambda: AutoConfig.from_pretrained(source))
    said = [*(config.architectures or [""]), ""][0]
    if "SequenceClassification" not in said or config.num_labels != 1:
        raise BadInput(
            f"{source} ({said or 'no architecture named'}, {config.num_labels} labels) does not "
            "end in one score: give a sequence classification model with num_labels=1"
        )
    hf = _model(AutoModelForSequenceClassification, source, dtype)
    return LoadedReward(RewardModel(hf).to(device).eval(), _tokenizer(source))


def reward_model_from(policy: LoadedPolicy, seed: int = 0) -> LoadedReward:
    """A new reward model: a copy of the policy's base and a fresh head; the policy is untouched.

    The head is drawn from N(0, 1 / (width + 1)) (Stiennon et al. 2020, appendix B.1). Raises
    BadInput for a family that has no sequence classification model.
    """
    known = policy.model.config.to_dict()
    known = {key: value for key, value in known.items() if key not in ("id2label", "label2id")}
    pad = int(policy.tokenizer.pad_token_id)
    config = type(policy.model.config).from_dict({**known, "num_labels": 1, "pad_token_id": pad})
    try:
        with torch.random.fork_rng(devices=[]):
            hf = AutoModelForSequenceClassification.from_config(config)
    except ValueError as error:
        raise BadInput(
            f"{config.model_type} has no sequence classification model in transformers: train the "
            "reward model from another base"
        ) from error
    hf.base_model.load_state_dict(policy.model.base_model.state_dict())
    generator = torch.Generator().manual_seed(seed)
    place = next(policy.model.parameters())
    with torch.no_grad():
        weight = hf.score.weight
        spread = (weight.shape[1] + 1) ** -0.5
        weight.copy_(torch.randn(weight.shape, generator=generator) * spread)
    return LoadedReward(RewardModel(hf.to(place.device, place.dtype)).eval(), policy.tokenizer)


def save_policy(policy: LoadedPolicy, folder: Path) -> None:
    """Write weights (safetensors), config and tokenizer; the folder loads in transformers too."""
    _save(policy.model, policy.tokenizer, folder)


def save_reward_model(reward: LoadedReward, folder: Path) -> None:
    """Write the reward model as a sequence classification model with one label."""
    _save(reward.model.hf, reward.tokenizer, folder)


def _save(model: Any, tokenizer: Any, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _model(auto: Any, source: str | Path, dtype: torch.dtype) -> Any:
    model = _attempt(source, lambda: auto.from_pretrained(source, dtype=dtype))
    for parameter in model.parameters():
        # Weights mapped from a file stand at odd addresses, where matrix products round otherwise
        # than on the same weights in memory: the same model must give the same bits.
        if parameter.data_ptr() % 64:
            parameter.data = parameter.data.clone()
    return model


def _tokenizer(source: str | Path) -> Any:
    return ready(_attempt(source, lambda: AutoTokenizer.from_pretrained(source)), str(source))


def _attempt(source: str | Path, read: Any) -> Any:
    """What `read` returns; a folder or name that holds no model becomes one clear line."""
    text = os.fspath(source)
    is_path = isinstance(source, Path) or text.startswith((".", "/")) or Path(text).is_dir()
    if is_path and not (Path(text) / "config.json").is_file():
        raise BadInput(f"{text} holds no model: a folder with a config.json is needed")
    try:
        return read()
    except (OSError, ValueError, KeyError, ImportError, RuntimeError) as error:
        why = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise BadInput(f"{text} cannot be loaded as a model: {why[:200]}") from error
    except Exception as error:
        if type(error).__name__ != "SafetensorError":
            raise
        raise BadInput(f"{text}: its weights cannot be read ({error}): copy them again") from error
