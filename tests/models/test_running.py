"""Evaluation mode for a while, and batches on a device."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from ecgbyte.models.running import device_of, evaluation_mode, to_device


def test_every_module_is_in_evaluation_mode_and_then_as_it_was() -> None:
    model = nn.Sequential(nn.Dropout(), nn.Sequential(nn.BatchNorm1d(2)), nn.Linear(2, 2))
    model[1].eval()
    before = [module.training for module in model.modules()]
    assert len(set(before)) == 2
    with evaluation_mode(model) as device:
        assert device == device_of(model) == torch.device("cpu")
        assert not any(module.training for module in model.modules())
        assert torch.is_grad_enabled()
    assert [module.training for module in model.modules()] == before


def test_the_modes_come_back_after_an_error() -> None:
    model = nn.Sequential(nn.Linear(1, 1), nn.Dropout())
    with pytest.raises(RuntimeError, match="stop"), evaluation_mode(model):
        raise RuntimeError("stop")
    assert all(module.training for module in model.modules())


def test_what_is_no_tensor_stays_as_it_is() -> None:
    moved = to_device({"ids": torch.zeros(2), "lengths": (1, 2), "note": None}, torch.device("meta"))
    assert moved["ids"].device.type == "meta"
    assert (moved["lengths"], moved["note"]) == ((1, 2), None)
