"""Untrained encoders for frozen features: the same architecture, nothing to train, features that tell ECGs apart."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ecgbyte.models.encoders.ecg_encoders import ENCODERS, build_ecg_encoder
from ecgbyte.models.encoders.random_encoders import build_random_encoder, settle_batch_norms
from ecgbyte.training.features import extract_features

SIGNALS = (0.3 * np.random.default_rng(0).standard_normal((40, 12, 100))).astype(np.float32)
SHAPE = {"size": "tiny", "leads": 12, "samples": 100}


@pytest.mark.parametrize("name", ENCODERS)
def test_a_random_encoder_is_its_family_with_other_weights(name: str) -> None:
    state = torch.random.get_rng_state()
    encoder = build_random_encoder(name, **SHAPE, seed=3, training_signals=SIGNALS)
    assert torch.equal(state, torch.random.get_rng_state())
    family = build_ecg_encoder(name, **SHAPE, seed=5)
    shapes = {key: value.shape for key, value in family.state_dict().items()}
    assert {key: value.shape for key, value in encoder.state_dict().items()} == shapes
    assert not any(value.requires_grad for value in encoder.parameters()) and not encoder.training
    features = extract_features(encoder, SIGNALS)
    assert features.shape == (40, encoder.feature_size) and np.isfinite(features).all()
    # No two ECGs are the same to it.
    distances = np.linalg.norm(features[:, None] - features[None], axis=-1) + np.eye(40)
    assert distances.min() > 1e-3
    same, other = (build_random_encoder(name, **SHAPE, seed=seed, training_signals=SIGNALS) for seed in (3, 4))
    np.testing.assert_array_equal(extract_features(same, SIGNALS), features)
    assert not np.allclose(extract_features(other, SIGNALS), features)


def test_batch_norms_are_settled_and_weights_are_not_touched() -> None:
    plain = build_random_encoder("merl", **SHAPE, seed=3)
    settled = build_random_encoder("merl", **SHAPE, seed=3, training_signals=SIGNALS)
    for (name, before), after in zip(plain.named_parameters(), settled.parameters(), strict=True):
        assert torch.equal(before, after), name
    first = next(module for module in settled.modules() if isinstance(module, torch.nn.BatchNorm1d))
    seen: list[torch.Tensor] = []
    handle = first.register_forward_hook(lambda _, inputs, output: seen.append(output))
    with torch.no_grad():
        settled(torch.from_numpy(SIGNALS))
    handle.remove()
    assert abs(float(seen[0].mean())) < 0.05 and float(seen[0].std()) == pytest.approx(1, abs=0.05)
    assert first.momentum == 0.1
    spread = [float(extract_features(encoder, SIGNALS).std(axis=0).mean()) for encoder in (plain, settled)]
    assert spread[1] > spread[0]
    with pytest.raises(ValueError, match="signals: expected one record at least"):
        settle_batch_norms(settled, SIGNALS[:0])


def test_pretrained_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="size: got 'openai/clip-vit-base-patch32', expected one of 'tiny', 'base'"):
        build_random_encoder("clip", size="openai/clip-vit-base-patch32", leads=12, samples=100, seed=0)
    with pytest.raises(ValueError, match="name: got 'resnet'"):
        build_random_encoder("resnet", **SHAPE, seed=0)
    assert build_random_encoder("merl", size="resnet18", leads=12, samples=100, seed=0).feature_size > 0
