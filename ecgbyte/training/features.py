"""Feature vectors of a frozen encoder, computed once before the second stage of a two-stage method."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from ecgbyte.models.running import evaluation_mode
from ecgbyte.progress import progress_bar


def stack_signals(signals: Sequence[np.ndarray] | np.ndarray) -> torch.Tensor:
    """Signals of one shape as one batch.

    Parameters
    ----------
    signals : sequence of numpy.ndarray
        Float32 [leads, samples] each, in mV.

    Returns
    -------
    Tensor
        Float32 [signals, leads, samples], a copy.

    Raises
    ------
    ValueError
        If there is none, a shape differs from the first one's, or a value is not finite.
    """
    if len(signals) == 0:
        raise ValueError("signals: expected at least one signal, got none")
    for i, signal in enumerate(signals):
        if signal.ndim != 2 or signal.shape != signals[0].shape:
            raise ValueError(
                f"signals: expected shape {list(signals[0].shape)} as the first, got {list(signal.shape)} at {i}"
            )
        if not np.isfinite(signal).all():
            raise ValueError(f"signals: signal {i} holds NaN or infinite values")
    return torch.from_numpy(np.stack(list(signals)).astype(np.float32, copy=False))


def extract_features(
    encoder: nn.Module, signals: Sequence[np.ndarray] | np.ndarray, *, batch_size: int = 256, progress: bool = False
) -> np.ndarray:
    """Run an encoder over signals, without gradients and in evaluation mode.

    The same encoder, signals and `batch_size` give the same features, bit by bit, on one device; another `batch_size`
    may change the last bits. What a flat-line control reads is the features of zeros.

    Parameters
    ----------
    encoder : nn.Module
        Takes float [batch, leads, samples] in mV to float [batch, features], such as
        `ecgbyte.models.encoders.resnet1d.ECGEncoder`.
    signals : sequence of numpy.ndarray
        Float32 [leads, samples] each, in mV, all of one shape; or one array [records, leads, samples].
    batch_size : int
        Signals at a time.
    progress : bool
        Draw a progress bar on standard error.

    Returns
    -------
    numpy.ndarray
        Float32 [records, features].

    Raises
    ------
    ValueError
        If there is no signal, shapes differ, a value is not finite, `batch_size` is not positive or the encoder's
        output is no vector.
    """
    if batch_size < 1:
        raise ValueError(f"batch_size: expected a positive number, got {batch_size}")
    if len(signals) == 0:
        raise ValueError("signals: expected at least one signal, got none")
    rows = []
    with (
        torch.no_grad(),
        evaluation_mode(encoder) as device,
        progress_bar(None, "features", "record", total=len(signals), shown=progress) as bar,
    ):
        for start in range(0, len(signals), batch_size):
            batch = stack_signals(signals[start : start + batch_size])
            features = encoder(batch.to(device))
            if features.ndim != 2 or len(features) != len(batch):
                raise ValueError(f"encoder: expected an output [{len(batch)}, features], got {list(features.shape)}")
            rows.append(features.float().cpu().numpy())
            bar.update(len(batch))
    return np.concatenate(rows)
