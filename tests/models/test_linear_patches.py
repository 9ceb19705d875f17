"""Linear patches: which samples stand in which row, their scale, and their places."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ecgbyte.models.linear_patches import LinearPatches


def signals(records: int = 6, leads: int = 3, samples: int = 20, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(records, leads, samples)).astype(np.float32)


def test_a_patch_of_one_lead_is_a_window_of_it_lead_after_lead() -> None:
    layer = LinearPatches(3, 20, 8, layout="lead", patch_samples=5)
    ecg = torch.arange(60, dtype=torch.float32).reshape(1, 3, 20)
    patches = layer.patches(ecg)
    assert layer.num_positions == 12
    assert patches.shape == (1, 12, 5)
    assert torch.equal(patches[0], torch.arange(60, dtype=torch.float32).reshape(12, 5))


def test_a_patch_of_all_leads_is_one_window_of_each() -> None:
    layer = LinearPatches(3, 20, 8, layout="all-leads", patch_samples=5)
    ecg = torch.arange(60, dtype=torch.float32).reshape(1, 3, 20)
    patches = layer.patches(ecg)
    assert layer.num_positions == 4
    for window in range(4):
        expected = [lead * 20 + window * 5 + sample for lead in range(3) for sample in range(5)]
        assert patches[0, window].tolist() == expected


def test_one_window_as_long_as_the_signal_is_one_linear_layer_over_the_whole_ecg() -> None:
    layer = LinearPatches(3, 20, 8, layout="all-leads", patch_samples=20, row_deviation=1.0)
    ecg = torch.from_numpy(signals())
    rows = layer(ecg)
    assert rows.shape == (6, 1, 8)
    whole = ecg.flatten(1) @ layer.projection.weight.T + layer.projection.bias + layer.window_rows[0]
    torch.testing.assert_close(rows[:, 0], whole)


@pytest.mark.parametrize("layout", ["lead", "all-leads"])
def test_a_sample_reaches_its_own_row_and_no_other(layout: str) -> None:
    layer = LinearPatches(3, 20, 8, layout=layout, patch_samples=5)
    ecg = torch.from_numpy(signals(1))
    changed = ecg.clone()
    changed[0, 2, 13] += 1.0
    moved = (layer(changed) != layer(ecg)).any(dim=2)[0]
    window = 13 // 5
    assert moved.nonzero().flatten().tolist() == [2 * 4 + window if layout == "lead" else window]


def test_lead_and_time_are_told_by_rows_of_their_own() -> None:
    layer = LinearPatches(3, 20, 8, layout="lead", patch_samples=5)
    flat = layer(torch.zeros(1, 3, 20))[0]
    assert len({tuple(row) for row in flat.tolist()}) == 12
    assert layer.lead_rows is not None
    torch.testing.assert_close(flat[2 * 4 + 3], layer.lead_rows[2] + layer.window_rows[3])


def test_scale_is_that_of_each_lead_over_the_training_signals() -> None:
    rng = np.random.default_rng(0)
    mean, deviation = np.array([0.3, -2.0, 50.0]), np.array([0.01, 1.0, 7.0])
    training = (mean[:, None] + deviation[:, None] * rng.normal(size=(40, 3, 20))).astype(np.float32)
    layer = LinearPatches(3, 20, 8, patch_samples=5)
    layer.fit_scale(training)
    np.testing.assert_allclose(layer.lead_mean, training.mean(axis=(0, 2), dtype=np.float64), rtol=1e-5)
    np.testing.assert_allclose(layer.lead_deviation, training.std(axis=(0, 2), dtype=np.float64), rtol=1e-4)
    patches = layer.patches(torch.from_numpy(training))
    assert abs(patches.mean().item()) < 1e-4 and patches.std().item() == pytest.approx(1, abs=1e-3)


def test_a_lead_that_is_flat_everywhere_stays_quiet() -> None:
    training = signals()
    training[:, 1] = 0.25
    layer = LinearPatches(3, 20, 8, layout="lead", patch_samples=5)
    layer.fit_scale(training)
    assert layer.patches(torch.from_numpy(training))[:, 4:8].abs().max() == 0


@pytest.mark.parametrize("layout", ["lead", "all-leads"])
def test_rows_start_with_the_norm_of_a_text_row(layout: str) -> None:
    training = signals(records=200, leads=12, samples=100)
    layer = LinearPatches(12, 100, 256, layout=layout, patch_samples=25, row_deviation=0.02)
    layer.fit_scale(training)
    norms = layer(torch.from_numpy(training)).norm(dim=2)
    assert norms.mean().item() == pytest.approx(0.02 * 256**0.5, rel=0.1)


def test_same_seed_same_weights_whatever_the_global_random_state() -> None:
    built = []
    for noise, seed in ((1, 3), (2, 3), (1, 4)):
        torch.manual_seed(noise)
        built.append(LinearPatches(3, 20, 8, layout="lead", patch_samples=5, seed=seed).state_dict())
    assert all(torch.equal(built[0][name], built[1][name]) for name in built[0])
    assert not torch.equal(built[0]["projection.weight"], built[2]["projection.weight"])


def test_settings_rebuild_the_layer() -> None:
    layer = LinearPatches(3, 20, 8, layout="lead", patch_samples=5)
    again = LinearPatches(hidden_size=8, **layer.settings())
    assert {n: v.shape for n, v in again.state_dict().items()} == {n: v.shape for n, v in layer.state_dict().items()}


def test_wrong_inputs_are_named() -> None:
    with pytest.raises(ValueError, match="patch_samples: expected a divisor of the 20 samples, got 7"):
        LinearPatches(3, 20, 8, patch_samples=7)
    with pytest.raises(ValueError, match="hidden_size: expected a positive number, got 0"):
        LinearPatches(3, 20, 0, patch_samples=5)
    with pytest.raises(ValueError, match="layout: got 'time', expected one of 'lead', 'all-leads'"):
        LinearPatches(3, 20, 8, layout="time", patch_samples=5)
    layer = LinearPatches(3, 20, 8, patch_samples=5)
    with pytest.raises(ValueError, match=r"expected shape \[batch, 3 leads, 20 samples\], got \[1, 3, 21\]"):
        layer(torch.zeros(1, 3, 21))
    with pytest.raises(ValueError, match=r"training_signals: expected \[records, 3, 20\] with one record at least"):
        layer.fit_scale(np.zeros((0, 3, 20), np.float32))
    with pytest.raises(ValueError, match="training_signals: expected finite values"):
        layer.fit_scale(np.full((1, 3, 20), np.nan, np.float32))
