"""ECG encoders by name: one interface, gradients, seeds, and the published fusion that nothing trains."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ecgbyte.models.encoders.ecg_encoders import ENCODERS, CombinedEncoder, FrozenFusion, build_ecg_encoder
from ecgbyte.training.features import extract_features


def ecg(num_records: int = 4, samples: int = 100) -> torch.Tensor:
    values = np.random.default_rng(0).standard_normal((num_records, 12, samples))
    return torch.from_numpy((0.3 * values).astype(np.float32))


@pytest.mark.parametrize("name", ENCODERS)
def test_all_encoders_are_alike(name: str) -> None:
    state = torch.random.get_rng_state()
    encoder = build_ecg_encoder(name, size="tiny", leads=12, samples=100, seed=3).eval()
    assert torch.equal(state, torch.random.get_rng_state())
    encoder(ecg()).pow(2).sum().backward()
    without = {key for key, p in encoder.named_parameters() if p.grad is None or not p.grad.abs().max() > 0}
    # A bias of keys shifts all scores of a softmax alike, which changes nothing.
    assert {key for key in without if "keys.bias" not in key and "k_proj.bias" not in key} == set()
    assert 0.2e6 < sum(value.numel() for value in encoder.parameters()) < 2e6
    features = extract_features(encoder, ecg().numpy())
    assert features.shape == (4, encoder.feature_size)
    assert np.array_equal(features, extract_features(encoder, ecg().numpy()))
    assert features.std(axis=0).max() > 1e-3
    same, other = (build_ecg_encoder(name, size="tiny", leads=12, samples=100, seed=seed) for seed in (3, 4))
    assert np.array_equal(features, extract_features(same, ecg().numpy()))
    assert not np.allclose(features, extract_features(other, ecg().numpy()))
    assert np.isfinite(extract_features(encoder, np.zeros((1, 12, 100), np.float32))).all()


def test_combined_features_stand_side_by_side() -> None:
    parts = [build_ecg_encoder(name, size="tiny", leads=12, samples=100, seed=0).eval() for name in ("clip", "vit")]
    combined = CombinedEncoder(*parts)
    assert combined.feature_size == sum(part.feature_size for part in parts)
    with torch.no_grad():
        torch.testing.assert_close(combined(ecg()), torch.cat([part(ecg()) for part in parts], dim=1))


def test_as_published_the_fusion_is_random_and_stays_so() -> None:
    parts = [build_ecg_encoder(name, size="tiny", leads=12, samples=100, seed=0).eval() for name in ("clip", "vit")]
    combined, again, other = (CombinedEncoder(*parts, frozen_fusion_seed=seed) for seed in (1, 1, 2))
    assert isinstance(combined.fusion, FrozenFusion)
    assert not any(value.requires_grad for value in combined.fusion.parameters())
    features = [model(ecg()).detach() for model in (combined, again, other)]
    assert features[0].shape == (4, combined.feature_size)
    assert torch.equal(features[0], features[1])
    assert not torch.allclose(features[0], features[2])
    combined(ecg()).sum().backward()
    assert all(value.grad is None for value in combined.fusion.parameters())


def test_wrong_names_are_named() -> None:
    with pytest.raises(ValueError, match="name: got 'resnet'"):
        build_ecg_encoder("resnet", size="tiny", leads=12, samples=100, seed=0)
    with pytest.raises(ValueError, match="expected 'tiny' or 'base' for the two encoders"):
        build_ecg_encoder("clip-vit", size="openai/clip", leads=12, samples=100, seed=0)
