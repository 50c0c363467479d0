"""The optimizer's parts: a rate each, and a cut each."""

import pytest
import torch
from torch import nn

from prefloop.core.errors import BadInput
from prefloop.training.optimizer import Optimizer
from prefloop.training.settings import EngineSettings

SETTINGS = EngineSettings(learning_rate=0.1, weight_decay=0.0, max_grad_norm=1.0)


def two() -> nn.ModuleDict:
    model = nn.ModuleDict({"policy": nn.Linear(1, 1), "value": nn.Linear(1, 1)})
    for parameter in model.parameters():
        nn.init.zeros_(parameter)
    return model


def test_each_part_moves_at_its_own_rate() -> None:
    model = two()
    optimizer = Optimizer(model, SETTINGS, {"policy.": 1.0, "value.": 3.0})
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimizer.step(0.01)
    # AdamW's first step is the rate itself, whatever the gradient
    assert [p.item() for p in model["policy"].parameters()] == pytest.approx([-0.01, -0.01])
    assert [p.item() for p in model["value"].parameters()] == pytest.approx([-0.03, -0.03])


def test_a_long_gradient_of_one_part_does_not_shorten_that_of_the_other() -> None:
    model = two()
    optimizer = Optimizer(model, SETTINGS, {"policy.": 1.0, "value.": 1.0})
    for name, parameter in model.named_parameters():
        parameter.grad = torch.full_like(parameter, 30.0 if "value" in name else 0.3)
    assert optimizer.cut().item() == pytest.approx(30 * 2**0.5)
    left = {name: p.grad.item() for name, p in model.named_parameters() if p.grad is not None}
    assert left["policy.weight"] == pytest.approx(0.3)
    assert left["value.weight"] == pytest.approx(0.5**0.5, rel=1e-4)


def test_a_model_that_may_not_change_is_refused() -> None:
    with pytest.raises(BadInput, match="nothing to train"):
        Optimizer(two().requires_grad_(False), SETTINGS)
