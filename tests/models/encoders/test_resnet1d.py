"""The 1-D residual network: shapes, sizes as published, and what its input may be."""

from __future__ import annotations

import pytest
import torch

from ecgbyte.models.encoders.resnet1d import (
    ARCHITECTURES,
    MILLIVOLTS_PER_UNIT,
    AttentionPooling,
    ECGEncoder,
    ResNet1d,
    ResNetArchitecture,
)


@pytest.mark.parametrize("samples", [1, 7, 500, 501])
def test_positions_halve_at_the_stem_and_at_each_later_stage(samples: int) -> None:
    network = ResNet1d(ARCHITECTURES["tiny"])
    positions = -(-samples // 16)
    assert network(torch.zeros(2, 12, samples)).shape == (2, 128, positions)


@pytest.mark.parametrize(("name", "convolutions", "channels"), [("resnet18", 17, 512), ("resnet101", 100, 2048)])
def test_published_depths_count_their_convolutions_and_one_last_layer(
    name: str, convolutions: int, channels: int
) -> None:
    with torch.device("meta"):
        network = ResNet1d(ARCHITECTURES[name])
    on_the_path = [n for n, m in network.named_modules() if isinstance(m, torch.nn.Conv1d) and ".shortcut." not in n]
    assert len(on_the_path) == convolutions
    assert network.num_channels == channels


def test_feature_vector_by_architecture() -> None:
    assert ECGEncoder("tiny")(torch.randn(3, 12, 100)).shape == (3, 128)
    assert ECGEncoder("tiny", feature_size=32)(torch.randn(3, 12, 100)).shape == (3, 32)
    with torch.device("meta"):
        assert ECGEncoder("resnet101").feature_size == 256


def test_input_is_divided_by_a_constant_so_amplitude_matters() -> None:
    encoder = ECGEncoder("tiny").eval()
    ecg = torch.randn(2, 12, 64)
    torch.testing.assert_close(
        encoder.feature_map(ecg), encoder.to_feature_size(encoder.network(ecg / MILLIVOLTS_PER_UNIT))
    )
    assert not torch.allclose(encoder(ecg), encoder(2 * ecg))


def test_a_record_does_not_depend_on_its_batch_in_evaluation_mode() -> None:
    encoder = ECGEncoder("tiny").eval()
    ecg = torch.randn(4, 12, 64)
    torch.testing.assert_close(encoder(ecg)[1:2], encoder(ecg[1:2]))


def test_attention_pooling_against_the_plain_formula() -> None:
    torch.manual_seed(0)
    pooling = AttentionPooling(8, num_heads=2)
    feature_map = torch.randn(1, 8, 5)
    pooled = []
    for head in range(2):
        part = slice(4 * head, 4 * head + 4)
        scores = [(pooling.query[part] @ pooling.keys(feature_map[0, :, p])[part]).item() / 2 for p in range(5)]
        weights = torch.tensor(scores).softmax(0)
        pooled.append(sum(weights[p] * pooling.values(feature_map[0, :, p])[part] for p in range(5)))
    torch.testing.assert_close(pooling(feature_map)[0], pooling.output(torch.cat(pooled)))


def test_wrong_inputs_are_named() -> None:
    with pytest.raises(ValueError, match=r"ecg: expected shape \[batch, 12 leads, samples\], got \[2, 8, 50\]"):
        ECGEncoder("tiny")(torch.zeros(2, 8, 50))
    with pytest.raises(ValueError, match="got \\[12, 50\\]"):
        ECGEncoder("tiny")(torch.zeros(12, 50))
    with pytest.raises(ValueError, match="got \\[2, 12, 0\\]"):
        ECGEncoder("tiny")(torch.zeros(2, 12, 0))
    with pytest.raises(ValueError, match="architecture: got 'resnet7', expected one of 'tiny'"):
        ECGEncoder("resnet7")
    with pytest.raises(ValueError, match="multiple of 4 heads, got 30"):
        ECGEncoder("tiny", feature_size=30)
    with pytest.raises(ValueError, match="one positive number per stage"):
        ResNetArchitecture("basic", (1, 1), (16,))
    with pytest.raises(ValueError, match="kernel_size: expected an odd"):
        ResNetArchitecture("basic", (1,), (16,), kernel_size=4)
