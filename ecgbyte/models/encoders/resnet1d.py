"""A 1-D residual network over 12-lead signals, pooled to one feature vector.

The deeper sizes follow MERL's encoder (Liu et al., "Zero-Shot ECG Classification with Multimodal Learning and
Test-time Clinical Knowledge Enhancement", ICML 2024, https://arxiv.org/abs/2403.06659, section 3): a residual network
(He et al., 2016) whose convolutions run along time and whose input channels are the leads, a 1x1 convolution to the
feature size, and attention pooling.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ecgbyte.checks import check_option

MILLIVOLTS_PER_UNIT = 0.25
"""What one unit of the network's input stands for. A constant, so nothing is learnt from any record, and amplitudes
stay comparable between records: voltage criteria (hypertrophy, low voltage) need them. A 12-lead ECG's standard
deviation is near 0.25 mV."""


@dataclass(frozen=True)
class ResNetArchitecture:
    """The size of a residual network.

    Attributes
    ----------
    block : str
        ``"basic"`` (two convolutions) or ``"bottleneck"`` (1x1, wide, 1x1 to four times the width).
    blocks : tuple of int
        Blocks in each stage; every stage after the first halves the time resolution.
    widths : tuple of int
        Channels of each stage.
    kernel_size : int
        Samples under each block's wide convolutions; odd.
    """

    block: str
    blocks: tuple[int, ...]
    widths: tuple[int, ...]
    kernel_size: int = 3

    def __post_init__(self) -> None:
        check_option("block", self.block, tuple(_BLOCKS))
        if not self.blocks or len(self.blocks) != len(self.widths) or min(*self.blocks, *self.widths) < 1:
            raise ValueError(
                f"blocks, widths: expected one positive number per stage, got {self.blocks} and {self.widths}"
            )
        if self.kernel_size < 1 or self.kernel_size % 2 == 0:
            raise ValueError(f"kernel_size: expected an odd positive number, got {self.kernel_size}")


def _convolution(in_channels: int, out_channels: int, kernel_size: int, stride: int = 1) -> nn.Sequential:
    """A convolution that keeps ``ceil(samples / stride)`` samples, then batch normalisation (which makes a bias
    useless)."""
    convolution = nn.Conv1d(in_channels, out_channels, kernel_size, stride, padding=kernel_size // 2, bias=False)
    nn.init.kaiming_normal_(convolution.weight, mode="fan_out", nonlinearity="relu")
    return nn.Sequential(convolution, nn.BatchNorm1d(out_channels))


class _ResidualBlock(nn.Module):
    """``relu(layers(x) + shortcut(x))``; the shortcut is a strided 1x1 convolution where the shape changes."""

    def __init__(self, layers: nn.Sequential, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.layers = layers
        same_shape = stride == 1 and in_channels == out_channels
        self.shortcut = nn.Identity() if same_shape else _convolution(in_channels, out_channels, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.layers(x) + self.shortcut(x))


def _basic_block(in_channels: int, width: int, kernel_size: int, stride: int) -> _ResidualBlock:
    layers = nn.Sequential(
        _convolution(in_channels, width, kernel_size, stride), nn.ReLU(), _convolution(width, width, kernel_size)
    )
    return _ResidualBlock(layers, in_channels, width, stride)


def _bottleneck_block(in_channels: int, width: int, kernel_size: int, stride: int) -> _ResidualBlock:
    layers = nn.Sequential(
        _convolution(in_channels, width, 1),
        nn.ReLU(),
        _convolution(width, width, kernel_size, stride),
        nn.ReLU(),
        _convolution(width, 4 * width, 1),
    )
    return _ResidualBlock(layers, in_channels, 4 * width, stride)


_BLOCKS = {"basic": (_basic_block, 1), "bottleneck": (_bottleneck_block, 4)}

ARCHITECTURES = {
    "tiny": ResNetArchitecture("basic", (1, 1, 1, 1), (16, 32, 64, 128), kernel_size=5),
    "resnet18": ResNetArchitecture("basic", (2, 2, 2, 2), (64, 128, 256, 512)),
    "resnet34": ResNetArchitecture("basic", (3, 4, 6, 3), (64, 128, 256, 512)),
    "resnet50": ResNetArchitecture("bottleneck", (3, 4, 6, 3), (64, 128, 256, 512)),
    "resnet101": ResNetArchitecture("bottleneck", (3, 4, 23, 3), (64, 128, 256, 512)),
}
"""Named sizes. ``"resnet101"`` is the one ECG-Byte's paper gives for MERL; ``"tiny"`` trains in seconds on two
cores."""


class ResNet1d(nn.Module):
    """The residual network without pooling.

    Parameters
    ----------
    architecture : ResNetArchitecture
        Its size.
    num_leads : int
        Input channels.
    """

    def __init__(self, architecture: ResNetArchitecture, num_leads: int = 12) -> None:
        super().__init__()
        make_block, expansion = _BLOCKS[architecture.block]
        self.num_leads = num_leads
        self.stem = nn.Sequential(*_convolution(num_leads, architecture.widths[0], 7, stride=2), nn.ReLU())
        stages = []
        channels = architecture.widths[0]
        for stage, (num_blocks, width) in enumerate(zip(architecture.blocks, architecture.widths, strict=True)):
            for block in range(num_blocks):
                stride = 2 if stage > 0 and block == 0 else 1
                stages.append(make_block(channels, width, architecture.kernel_size, stride))
                channels = expansion * width
        self.stages = nn.Sequential(*stages)
        self.num_channels = channels

    def forward(self, x: Tensor) -> Tensor:
        """Float [batch, leads, samples] to float [batch, num_channels, positions], ``positions = ceil(samples /
        2**stages)``."""
        return self.stages(self.stem(x))


class AttentionPooling(nn.Module):
    """Pools over positions with one learnt query.

    MERL pools in the same way but adds a learnt vector to every position, which fixes the length of its input; this
    one takes any length.

    Parameters
    ----------
    size : int
        Channels, in and out; a multiple of `num_heads`.
    num_heads : int
        Heads of the attention.
    """

    def __init__(self, size: int, num_heads: int = 4) -> None:
        super().__init__()
        if size % num_heads != 0:
            raise ValueError(f"size: expected a multiple of {num_heads} heads, got {size}")
        self.num_heads = num_heads
        self.query = nn.Parameter(torch.randn(size) / size**0.5)
        self.keys = nn.Linear(size, size)
        self.values = nn.Linear(size, size)
        self.output = nn.Linear(size, size)

    def forward(self, feature_map: Tensor) -> Tensor:
        """Float [batch, size, positions] to float [batch, size]."""
        positions = feature_map.transpose(1, 2)
        keys = self.keys(positions).unflatten(2, (self.num_heads, -1))
        values = self.values(positions).unflatten(2, (self.num_heads, -1))
        query = self.query.unflatten(0, (self.num_heads, -1))
        weights = torch.einsum("hc,bphc->bph", query, keys).div(query.shape[1] ** 0.5).softmax(dim=1)
        return self.output(torch.einsum("bph,bphc->bhc", weights, values).flatten(1))


class ECGEncoder(nn.Module):
    """Signals in mV to one feature vector each.

    Parameters
    ----------
    architecture : str
        A name in `ARCHITECTURES`.
    feature_size : int, optional
        Length of the feature vector; by default the network's last number of channels, at most 256 (MERL's size).
    num_leads : int
        Leads of each signal.

    Raises
    ------
    ValueError
        If `architecture` is not a known name, or `feature_size` is no multiple of the 4 pooling heads.
    """

    def __init__(self, architecture: str = "tiny", feature_size: int | None = None, num_leads: int = 12) -> None:
        super().__init__()
        check_option("architecture", architecture, tuple(ARCHITECTURES))
        self.architecture = architecture
        self.num_leads = num_leads
        self.network = ResNet1d(ARCHITECTURES[architecture], num_leads)
        self.feature_size = min(self.network.num_channels, 256) if feature_size is None else feature_size
        self.to_feature_size = nn.Conv1d(self.network.num_channels, self.feature_size, kernel_size=1)
        self.pooling = AttentionPooling(self.feature_size)

    def feature_map(self, ecg: Tensor) -> Tensor:
        """Features at every position.

        Parameters
        ----------
        ecg : Tensor
            Float [batch, leads, samples] in mV.

        Returns
        -------
        Tensor
            Float [batch, feature_size, positions].

        Raises
        ------
        ValueError
            If `ecg` has another shape or number of leads, or no sample.
        """
        if ecg.ndim != 3 or ecg.shape[1] != self.num_leads or ecg.shape[2] == 0:
            raise ValueError(f"ecg: expected shape [batch, {self.num_leads} leads, samples], got {list(ecg.shape)}")
        return self.to_feature_size(self.network(ecg / MILLIVOLTS_PER_UNIT))

    def forward(self, ecg: Tensor) -> Tensor:
        """Float [batch, leads, samples] in mV to float [batch, feature_size], attention-pooled.

        Raises
        ------
        ValueError
            If `ecg` has another shape or number of leads, or no sample.
        """
        return self.pooling(self.feature_map(ecg))
