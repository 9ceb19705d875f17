"""Masked image modelling of ECGs with transformers' ``ViTForMaskedImageModeling``, and its encoder's features.

Stage 1 as published (Han et al., https://arxiv.org/abs/2412.14373): ViT-B/16, every patch masked with probability 75 %,
absolute error of the masked pixels (SimMIM, Xie et al., CVPR 2022, https://arxiv.org/abs/2111.09886). Ours beside it: a
tiny configuration on the folded picture (`ecgbyte.models.encoders.ecg_images`).

Of the published faults one can be kept, by its name: the features come from a picture of which a random 75 % is masked,
in stage 2 and at test time too (`ViTEncoder`, `mask_seed`).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ecgbyte.models.encoders.ecg_images import ImageLayout, StackedSignal, folded_layout, resized_layout

MASKED_SHARE = 0.75
"""Probability that a patch is masked, as published."""

TINY: dict[str, Any] = {
    "hidden_size": 128,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "intermediate_size": 512,
    # transformers' 0.02 suits the width of ViT-B; so narrow a model then predicts little but the mean for long.
    "initializer_range": 0.06,
}
"""Ours: about 0.8 million parameters."""

BASE: dict[str, Any] = {
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
}
"""ViT-B, as published."""


class ViTEncoder(nn.Module):
    """A vision transformer's features of an ECG: the mean of its last layer's states over the patches.

    Published is the mean over all layers and positions, from masked pictures. The states before the first layer say
    nothing that the picture does not, so ours takes the last layer alone.

    Parameters
    ----------
    image : StackedSignal
    vit : transformers.ViTModel
        With a mask token where `mask_seed` is given.
    mask_seed : int, optional
        As published: patches of every picture are masked with probability `MASKED_SHARE`. The mask is drawn from this
        seed and the picture itself, so a record's features do not depend on its batch. By default nothing is masked.

    Attributes
    ----------
    feature_size : int
        Length of the feature vector.
    """

    def __init__(self, image: StackedSignal, vit: Any, *, mask_seed: int | None = None) -> None:
        super().__init__()
        if mask_seed is not None and vit.embeddings.mask_token is None:
            raise ValueError("mask_seed: expected a transformer with a mask token")
        self.image = image
        self.vit = vit
        self.mask_seed = mask_seed
        self.feature_size = int(vit.config.hidden_size)

    def forward(self, ecg: Tensor) -> Tensor:
        """Float [batch, leads, samples] in mV to float [batch, feature_size].

        Raises
        ------
        ValueError
            If `ecg` has another shape than the layout.
        """
        pictures = self.image(ecg)
        mask = None if self.mask_seed is None else self._masks(ecg)
        return self.vit(pixel_values=pictures, bool_masked_pos=mask).last_hidden_state[:, 1:].mean(dim=1)

    def _masks(self, ecg: Tensor) -> Tensor:
        rows = []
        for signal in ecg.detach().float().cpu().numpy():
            digest = hashlib.sha256(f"{self.mask_seed}:".encode() + signal.tobytes()).digest()
            generator = torch.Generator().manual_seed(int.from_bytes(digest[:7], "little"))
            rows.append(torch.rand(self.vit.embeddings.patch_embeddings.num_patches, generator=generator))
        return (torch.stack(rows) < MASKED_SHARE).to(ecg.device)


@dataclass(frozen=True)
class MaskedImageOutput:
    """What one batch gives.

    Attributes
    ----------
    loss : Tensor
        Scalar: mean absolute error of the masked patches, in units of the picture.
    reconstruction : Tensor
        Float [batch, channels, height, width].
    """

    loss: Tensor
    reconstruction: Tensor


class MaskedECGModel(nn.Module):
    """Stage 1 of the method ``vit``: rebuild the masked patches of an ECG's picture.

    Parameters
    ----------
    image : StackedSignal
    vit : transformers.ViTForMaskedImageModeling
    """

    def __init__(self, image: StackedSignal, vit: Any) -> None:
        super().__init__()
        self.image = image
        self.vit = vit

    @property
    def num_patches(self) -> int:
        """Patches of a picture."""
        return int(self.vit.vit.embeddings.patch_embeddings.num_patches)

    def encoder(self, *, mask_seed: int | None = None) -> ViTEncoder:
        """The encoder of the second stage. It shares this model's weights; arguments as in `ViTEncoder`."""
        return ViTEncoder(self.image, self.vit.vit, mask_seed=mask_seed)

    def forward(self, ecg: Tensor, mask: Tensor | None = None) -> MaskedImageOutput:
        """The loss of one batch.

        Parameters
        ----------
        ecg : Tensor
            Float [batch, leads, samples] in mV.
        mask : Tensor, optional
            Bool [batch, patches], true where a patch is hidden. By default drawn anew from torch's random state, each
            patch with probability `MASKED_SHARE`.
        """
        if mask is None:
            mask = torch.rand(len(ecg), self.num_patches, device=ecg.device) < MASKED_SHARE
        output = self.vit(pixel_values=self.image(ecg), bool_masked_pos=mask)
        return MaskedImageOutput(output.loss, output.reconstruction)

    def settings(self) -> dict[str, Any]:
        """What rebuilds the model without its weights; JSON-able."""
        return {"layout": self.image.layout.settings(), "config": self.vit.config.to_diff_dict()}


def vit_configuration(size: str, leads: int, samples: int, normalisation: str = "fixed") -> tuple[ImageLayout, Any]:
    """The picture's layout and transformers' configuration of a size.

    Parameters
    ----------
    size : str
        ``"tiny"``, ``"base"`` (as published), or the folder or hub name of a pretrained model.
    leads, samples : int
        Of the signals.
    normalisation : str
        One of `ecgbyte.models.encoders.ecg_images.NORMALISATIONS`.
    """
    from transformers import ViTConfig

    if size == "tiny":
        layout = folded_layout(leads, samples, normalisation=normalisation)
        shape: dict[str, Any] = {
            "image_size": layout.size,
            "num_channels": layout.num_channels,
            "patch_size": 1,
            "encoder_stride": 1,
        }
        return layout, ViTConfig(**shape, **TINY)
    config: Any = ViTConfig.from_pretrained(size) if is_pretrained(size) else ViTConfig(**BASE)
    layout = resized_layout(
        leads, samples, size=config.image_size, num_channels=config.num_channels, normalisation=normalisation
    )
    return layout, config


def build_vit(
    *, seed: int, size: str = "tiny", leads: int = 12, samples: int = 500, normalisation: str = "fixed"
) -> MaskedECGModel:
    """Stage 1's model, its weights drawn from `seed` (the global random state is left as it was) or pretrained.

    Parameters
    ----------
    seed : int
        Of the initial weights; of a pretrained model, of those that its file lacks.
    size, leads, samples, normalisation
        See `vit_configuration`.
    """
    from transformers import ViTForMaskedImageModeling

    layout, config = vit_configuration(size, leads, samples, normalisation)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if is_pretrained(size):
            vit = ViTForMaskedImageModeling.from_pretrained(size, dtype=torch.float32, trust_remote_code=False)
        else:
            vit = ViTForMaskedImageModeling(config)
    return MaskedECGModel(StackedSignal(layout), vit)


def build_vit_encoder(*, seed: int, size: str, leads: int, samples: int, normalisation: str = "fixed") -> ViTEncoder:
    """The encoder alone, without decoder and mask token; parameters as in `build_vit`."""
    from transformers import ViTModel

    layout, config = vit_configuration(size, leads, samples, normalisation)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if is_pretrained(size):
            vit = ViTModel.from_pretrained(size, add_pooling_layer=False, dtype=torch.float32, trust_remote_code=False)
        else:
            vit = ViTModel(config, add_pooling_layer=False)
    return ViTEncoder(StackedSignal(layout), vit)


def is_pretrained(size: str) -> bool:
    """Whether a size names a pretrained model, not a configuration.

    Raises
    ------
    ValueError
        If it is no configuration, no hub name and no folder.
    """
    if size in ("tiny", "base"):
        return False
    if "/" not in size and not Path(size).is_dir():
        raise ValueError(f"size: got {size!r}, expected 'tiny', 'base', a folder or a hub name")
    return True
