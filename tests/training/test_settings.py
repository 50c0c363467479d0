"""Tests of the settings of each stage."""

import pytest
from pydantic import BaseModel, ValidationError

from prefloop.core.config import parse_yaml
from prefloop.core.errors import BadInput
from prefloop.training.settings import (
    BestOfNSettings,
    DPOSettings,
    LoopSettings,
    RewardSettings,
    SFTSettings,
)

STAGES = [LoopSettings, SFTSettings, RewardSettings, DPOSettings, BestOfNSettings]


@pytest.mark.parametrize("stage", STAGES)
def test_every_setting_says_what_it_is_for(stage: type[BaseModel]) -> None:
    assert all(len(field.description or "") > 10 for field in stage.model_fields.values())


@pytest.mark.parametrize("stage", STAGES)
def test_an_unknown_key_is_an_error(stage: type[BaseModel]) -> None:
    with pytest.raises(ValidationError, match="Extra inputs"):
        stage.model_validate({"no_such_setting": 1})


def test_a_file_sets_what_it_names_and_leaves_the_rest() -> None:
    settings = parse_yaml("epochs: 2\nlearning_rate: 1e-3\n", RewardSettings, "reward.yaml")
    assert (settings.epochs, settings.learning_rate) == (2.0, 1e-3)
    assert settings.batch_size == RewardSettings().batch_size


def test_a_misspelt_key_is_named_with_its_line() -> None:
    with pytest.raises(BadInput, match=r"sft.yaml:2.*learning_rte"):
        parse_yaml("seed: 1\nlearning_rte: 0.1\n", SFTSettings, "sft.yaml")


@pytest.mark.parametrize(
    "wrong", [{"epochs": 0}, {"learning_rate": 0}, {"warmup": 1.5}, {"seed": -1}, {"steps": 0}]
)
def test_a_value_out_of_range_is_an_error(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        SFTSettings.model_validate(wrong)
