"""The two-stage methods' ECG encoders by name, alike to whoever uses them.

Each takes float [batch, leads, samples] in mV to float [batch, features], has the attribute ``feature_size``, and gives
the same features again in evaluation mode.

Faults of the published encoders (github.com/willxxy/ECG-Byte) that still allow training are kept where they are asked
for, each by its name: the vision transformer's mask at test time (`ecgbyte.models.encoders.vit.ViTEncoder`,
``mask_seed``),
CLIP+ViT's combining layers without gradient (`CombinedEncoder`, ``frozen_fusion_seed``), records with the same report
as wrong partners (``identical_reports="as-published"``), pictures scaled by each record (``normalisation="record"``).

Others cannot be kept, because nothing trains or answers with them: the second stage puts the features at a token id
that does not exist, its ``generate`` reads a name that is never defined, and both errors are swallowed, so that every
sample is skipped without a word. That padding counts in the published labels is a matter of the second stage.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ecgbyte.checks import check_option
from ecgbyte.models.encoders.clip import build_clip_encoder
from ecgbyte.models.encoders.resnet1d import ECGEncoder
from ecgbyte.models.encoders.vit import ViTEncoder, build_vit_encoder

ENCODERS = ("merl", "vit", "clip", "clip-vit")
"""``"merl"``: the 1-D residual network (`ecgbyte.models.encoders.resnet1d`). ``"vit"``, ``"clip"``: a vision
transformer, or CLIP's image tower, over the ECG's picture. ``"clip-vit"``: both side by side."""


def feature_size_of(encoder: nn.Module) -> int:
    """Length of an encoder's feature vector.

    Raises
    ------
    TypeError
        If it has no whole number as ``feature_size``.
    """
    size = getattr(encoder, "feature_size", None)
    if not isinstance(size, int):
        raise TypeError(f"encoder: expected the attribute feature_size, got {type(encoder).__name__} with {size!r}")
    return size


class CombinedEncoder(nn.Module):
    """Features of two encoders, one after the other.

    What combines them is the layer by which the language model reads features; it is trained. In the published code no
    such layer is: two projections and a two-layer network over them are run without gradients, so they stay as
    drawn. ``frozen_fusion_seed`` keeps that fault, by this name.

    Parameters
    ----------
    first, second : nn.Module
        Encoders; for ``clip-vit`` CLIP's, then the vision transformer's.
    frozen_fusion_seed : int, optional
        As published: both features go through random layers that are never trained (`FrozenFusion`). The published
        code reads their output as it is, so the second stage's projection has to be frozen as well.

    Attributes
    ----------
    feature_size : int
        Length of the feature vector.
    """

    def __init__(self, first: nn.Module, second: nn.Module, *, frozen_fusion_seed: int | None = None) -> None:
        super().__init__()
        self.first = first
        self.second = second
        sizes = feature_size_of(first), feature_size_of(second)
        self.feature_size = sum(sizes)
        self.fusion = None if frozen_fusion_seed is None else FrozenFusion(*sizes, seed=frozen_fusion_seed)

    def forward(self, ecg: Tensor) -> Tensor:
        """Float [batch, leads, samples] in mV to float [batch, feature_size]."""
        features = self.first(ecg), self.second(ecg)
        return torch.cat(features, dim=1) if self.fusion is None else self.fusion(*features)


class FrozenFusion(nn.Module):
    """The layers by which the published CLIP+ViT combines its features, with the random weights that they keep.

    One linear layer for each feature vector, a two-layer network with ReLU over both outputs. Published sizes follow
    the language model; here every layer has the two features' lengths together.

    Parameters
    ----------
    first_size, second_size : int
        Lengths of the features.
    seed : int
        Of the weights.
    """

    def __init__(self, first_size: int, second_size: int, *, seed: int) -> None:
        super().__init__()
        size = first_size + second_size
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.first = nn.Linear(first_size, size)
            self.second = nn.Linear(second_size, size)
            self.layers = nn.Sequential(nn.Linear(2 * size, size), nn.ReLU(), nn.Linear(size, size))
        self.requires_grad_(False)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Float [batch, first_size] and [batch, second_size] to float [batch, first_size + second_size]."""
        return self.layers(torch.cat([self.first(first), self.second(second)], dim=1))


def build_ecg_encoder(name: str, *, size: str, leads: int, samples: int, seed: int) -> nn.Module:
    """An ECG encoder that has not been pretrained on ECGs.

    Parameters
    ----------
    name : str
        One of `ENCODERS`.
    size : str
        ``"tiny"``, ``"base"`` (as published), or for ``vit`` and ``clip`` the folder or hub name of a pretrained
        model. For ``merl`` also a name of `ecgbyte.models.encoders.resnet1d.ARCHITECTURES`.
    leads, samples : int
        Of the signals.
    seed : int
        Of the initial weights; the global random state is left as it was.

    Returns
    -------
    nn.Module
        With the attribute ``feature_size``, all its weights trainable.

    Raises
    ------
    ValueError
        If `name` or `size` is unknown.
    """
    check_option("name", name, ENCODERS)
    if name == "merl":
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return ECGEncoder("resnet101" if size == "base" else size, num_leads=leads)
    if name == "vit":
        return build_vit_encoder(seed=seed, size=size, leads=leads, samples=samples)
    if name == "clip":
        return build_clip_encoder(seed=seed, size=size, leads=leads, samples=samples)
    if size not in ("tiny", "base"):
        raise ValueError(f"size: got {size!r}, expected 'tiny' or 'base' for the two encoders of 'clip-vit'")
    clip = build_clip_encoder(seed=seed, size=size, leads=leads, samples=samples)
    vit: ViTEncoder = build_vit_encoder(seed=seed + 1, size=size, leads=leads, samples=samples)
    return CombinedEncoder(clip, vit)
