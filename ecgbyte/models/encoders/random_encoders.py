"""Encoders that nothing has trained, for frozen features: what "pretraining helps" has to be measured against.

A random frozen encoder with a trained reader on top matches many pretrained ones (arXiv:2602.17531). It differs from
the pretrained encoder of its family in its weights alone: architecture, input scaling and use are the same.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from ecgbyte.checks import check_option
from ecgbyte.models.encoders.clip import build_clip_encoder
from ecgbyte.models.encoders.ecg_encoders import ENCODERS, CombinedEncoder, build_ecg_encoder
from ecgbyte.models.encoders.resnet1d import ARCHITECTURES
from ecgbyte.models.encoders.vit import build_vit_encoder
from ecgbyte.models.running import device_of

_BATCH, _SIGNALS = 64, 512


def build_random_encoder(
    name: str,
    *,
    size: str,
    leads: int,
    samples: int,
    seed: int,
    training_signals: np.ndarray | None = None,
    normalisation: str = "fixed",
) -> nn.Module:
    """Build an encoder with random weights that stay as they are.

    Parameters
    ----------
    name : str
        One of `ecgbyte.models.encoders.ecg_encoders.ENCODERS`.
    size : str
        ``"tiny"``, ``"base"``, or for ``"merl"`` one of `ecgbyte.models.encoders.resnet1d.ARCHITECTURES`.
    leads, samples : int
        Of the signals.
    seed : int
        Of the weights; the global random state is left as it was.
    training_signals : numpy.ndarray or None
        Float32 [records, leads, samples] in mV, of training records alone. Where the encoder normalises over batches
        (``"merl"``), their statistics take the place of those that pretraining would have found; without them, the
        features of a deep network would drown in their common part. No weight changes.
    normalisation : str
        Of the pictures of ``"vit"`` and ``"clip"``, as in their pretraining.

    Returns
    -------
    nn.Module
        In evaluation mode, without trainable weights; takes float [batch, leads, samples] in mV to float [batch,
        ``feature_size``].

    Raises
    ------
    ValueError
        If a name is unknown, or `size` is a pretrained model.
    """
    check_option("name", name, ENCODERS)
    check_option("size", size, ("tiny", "base", *(ARCHITECTURES if name == "merl" else ())))
    pictures: dict[str, Any] = {"size": size, "leads": leads, "samples": samples, "normalisation": normalisation}
    encoder: nn.Module
    if name == "merl":
        encoder = build_ecg_encoder(name, size=size, leads=leads, samples=samples, seed=seed)
    elif name == "vit":
        encoder = build_vit_encoder(seed=seed, **pictures)
    elif name == "clip":
        encoder = build_clip_encoder(seed=seed, **pictures)
    else:
        clip = build_clip_encoder(seed=seed, **pictures)
        encoder = CombinedEncoder(clip, build_vit_encoder(seed=seed + 1, **pictures))
    encoder.requires_grad_(False).eval()
    if training_signals is not None:
        settle_batch_norms(encoder, training_signals)
    return encoder


def settle_batch_norms(encoder: nn.Module, signals: np.ndarray) -> None:
    """Set the running statistics of all batch norms to those of signals, float32 [records, leads, samples].

    At most 512 signals, evenly spread, are read, in batches that are normalised by themselves, as in training; the
    statistics are the means over these. The encoder is left in evaluation mode; without batch norms nothing happens.

    Raises
    ------
    ValueError
        If there is no signal.
    """
    if len(signals) == 0:
        raise ValueError("signals: expected one record at least, got none")
    norms = [module for module in encoder.modules() if isinstance(module, _BatchNorm)]
    encoder.eval()
    if not norms:
        return
    rows = np.unique(np.linspace(0, len(signals) - 1, _SIGNALS).astype(np.int64))
    chosen = torch.from_numpy(np.ascontiguousarray(signals[rows], np.float32)).to(device_of(encoder))
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        # None: the mean over all batches, each alike.
        norm.momentum = None
        norm.train()
    with torch.no_grad():
        for batch in chosen.split(_BATCH):
            encoder(batch)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
        norm.eval()
