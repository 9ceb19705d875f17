"""The stacked signal: where each sample lands, the amplitude's scale, and the resized picture."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ecgbyte.models.encoders.ecg_images import ImageLayout, StackedSignal, folded_layout, resized_layout
from ecgbyte.models.encoders.resnet1d import MILLIVOLTS_PER_UNIT


def random_ecg(samples: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).standard_normal((3, 12, samples)).astype(np.float32))


def layout_of(groups: int, size: int, patch_samples: int) -> ImageLayout:
    per_patch = 12 // groups
    return ImageLayout(
        leads=12,
        samples=patch_samples * size**2 // groups,
        size=size,
        num_channels=per_patch * patch_samples,
        patch_leads=per_patch,
        patch_samples=patch_samples,
    )


@pytest.mark.parametrize(
    "layout", [folded_layout(12, 500), layout_of(6, 6, 7), layout_of(12, 12, 3), layout_of(4, 4, 5)]
)
def test_a_folded_picture_holds_every_sample_once(layout: ImageLayout) -> None:
    ecg = random_ecg(layout.samples)
    picture = StackedSignal(layout)(ecg)
    assert picture.shape == (3, layout.num_channels, layout.size, layout.size)
    columns = layout.size**2 * layout.patch_leads // 12
    for patch in range(layout.size**2):
        group, column = divmod(patch, columns)
        leads = slice(group * layout.patch_leads, (group + 1) * layout.patch_leads)
        samples = slice(column * layout.patch_samples, (column + 1) * layout.patch_samples)
        pixel = picture[:, :, patch // layout.size, patch % layout.size]
        torch.testing.assert_close(pixel, ecg[:, leads, samples].flatten(1) / MILLIVOLTS_PER_UNIT)


def test_two_seconds_fit_the_tiny_picture_and_others_are_resized_along_time_alone() -> None:
    layout = folded_layout(12, 500)
    assert (layout.size, layout.patch_leads, layout.patch_samples, layout.num_channels) == (5, 12, 20, 240)
    ramp = torch.arange(490.0) / 490
    ecg = MILLIVOLTS_PER_UNIT * (ramp + torch.arange(12.0)[:, None])[None]
    picture = StackedSignal(folded_layout(12, 490))(ecg)[0].unflatten(0, (12, 20))
    expected = np.interp((np.arange(500) + 0.5) * 490 / 500 - 0.5, np.arange(490), ramp)
    for lead in range(12):
        np.testing.assert_allclose(picture[lead].flatten(1).T.flatten() - lead, expected, atol=2e-3)


def test_a_resized_picture_has_leads_as_bands_and_equal_channels() -> None:
    picture = StackedSignal(resized_layout(12, 500, size=96))(torch.arange(12.0)[None, :, None].expand(2, 12, 500))
    assert picture.shape == (2, 3, 96, 96)
    assert torch.equal(picture[:, 0], picture[:, 2])
    middles = picture[0, 0, 3:96:8, 50] * MILLIVOLTS_PER_UNIT
    torch.testing.assert_close(middles, torch.arange(12.0), atol=0.07, rtol=0)
    # Shrinking averages: a wave too fast for the picture becomes its mean, not a slower wave.
    fast = torch.cos(torch.pi * torch.arange(500.0)).expand(1, 12, 500)
    assert StackedSignal(resized_layout(12, 500, size=96))(fast)[..., 2:-2].abs().max() < 0.3


def test_scale_is_one_for_all_records_unless_named() -> None:
    fixed, record = (
        StackedSignal(folded_layout(12, 500, normalisation=normalisation)) for normalisation in ("fixed", "record")
    )
    ecg = random_ecg(500)
    torch.testing.assert_close(fixed(2 * ecg), 2 * fixed(ecg))
    torch.testing.assert_close(record(2 * ecg + 1), record(ecg), atol=1e-5, rtol=1e-5)
    low, high = record(ecg).flatten(1).aminmax(dim=1)
    torch.testing.assert_close((low, high), (-torch.ones(3), torch.ones(3)))
    flat = torch.zeros(1, 12, 500)
    assert (fixed(flat) == 0).all() and (record(flat) == -1).all()


def test_wrong_layouts_and_signals_are_named() -> None:
    with pytest.raises(ValueError, match=r"expected shape \[batch, 12 leads, 500 samples\], got \[3, 12, 400\]"):
        StackedSignal(folded_layout(12, 500))(random_ecg(400))
    common = {"leads": 12, "samples": 500, "size": 6}
    with pytest.raises(ValueError, match="groups of 5 do not fill"):
        ImageLayout(**common, num_channels=10, patch_leads=5, patch_samples=2)
    with pytest.raises(ValueError, match="num_channels: expected 2 leads x 84 samples, got 3"):
        ImageLayout(**common, num_channels=3, patch_leads=2, patch_samples=84)
    with pytest.raises(ValueError, match="expected both positive, or both 0"):
        ImageLayout(**common, num_channels=3, patch_leads=2)
    with pytest.raises(ValueError, match="normalisation: got 'lead'"):
        ImageLayout(**common, num_channels=3, normalisation="lead")
    with pytest.raises(ValueError, match="expected positive leads"):
        ImageLayout(leads=12, samples=0, size=6, num_channels=3)
