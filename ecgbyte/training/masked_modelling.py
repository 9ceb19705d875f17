"""Masked image modelling of ECGs: examples, batches, and how well hidden patches are rebuilt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ecgbyte.models.encoders.vit import MASKED_SHARE, MaskedECGModel
from ecgbyte.models.running import evaluation_mode
from ecgbyte.training.features import stack_signals


@dataclass(frozen=True, eq=False)
class SignalExample:
    """A segment of a record.

    Attributes
    ----------
    record_id : str
        The record it comes from.
    signal : numpy.ndarray
        Float32 [leads, samples], in mV.

    Raises
    ------
    ValueError
        If `signal` has no two axes or no sample.
    """

    record_id: str
    signal: np.ndarray

    def __post_init__(self) -> None:
        if self.signal.ndim != 2 or self.signal.size == 0:
            raise ValueError(
                f"signal: expected [leads, samples], got {list(self.signal.shape)} in record {self.record_id}"
            )


class SignalCollator:
    """Makes batches for `MaskedECGModel`; which patches are hidden is drawn by the model."""

    def __call__(self, examples: Sequence[SignalExample]) -> dict[str, Tensor]:
        """A batch, as the arguments of `MaskedECGModel.forward`.

        Raises
        ------
        ValueError
            If the signals have different shapes or values that are not finite.
        """
        return {"ecg": stack_signals([example.signal for example in examples])}


@dataclass(frozen=True)
class ReconstructionError:
    """Mean absolute error of hidden patches, in units of the picture.

    Attributes
    ----------
    model : float
        Of the model.
    mean : float
        Of the mean picture of the training segments, the same for every record.
    num_ecgs : int
        Segments looked at.
    """

    model: float
    mean: float
    num_ecgs: int


def reconstruction_error(
    model: MaskedECGModel,
    examples: Sequence[SignalExample],
    training_examples: Sequence[SignalExample],
    *,
    seed: int,
    batch_size: int = 256,
) -> ReconstructionError:
    """How well hidden patches of held-out segments are rebuilt, and how well without looking.

    Parameters
    ----------
    model : MaskedECGModel
        It is put in evaluation mode meanwhile.
    examples : sequence of SignalExample
        Held-out segments.
    training_examples : sequence of SignalExample
        Where the mean picture comes from.
    seed : int
        Of the masks.
    batch_size : int
        Segments at a time.

    Raises
    ------
    ValueError
        If there is no example.
    """
    if not examples or not training_examples:
        raise ValueError("examples, training_examples: expected one at least of each")
    collate = SignalCollator()
    generator = torch.Generator().manual_seed(seed)
    masks = torch.rand(len(examples), model.num_patches, generator=generator) < MASKED_SHARE
    weights = model_total = mean_total = 0.0
    with torch.no_grad(), evaluation_mode(model) as device:
        mean = torch.zeros(1, device=device)
        for start in range(0, len(training_examples), batch_size):
            pictures = model.image(collate(training_examples[start : start + batch_size])["ecg"].to(device))
            mean = mean + pictures.sum(dim=0, keepdim=True) / len(training_examples)
        side = round(model.num_patches**0.5)
        pixels = mean.shape[-1] // side
        for start in range(0, len(examples), batch_size):
            ecg = collate(examples[start : start + batch_size])["ecg"].to(device)
            mask = masks[start : start + batch_size].to(device)
            hidden = mask.unflatten(1, (side, side)).repeat_interleave(pixels, 1).repeat_interleave(pixels, 2)[:, None]
            pictures = model.image(ecg)
            weights += float(hidden.sum()) * pictures.shape[1]
            model_total += float(((pictures - model(ecg, mask).reconstruction).abs() * hidden).sum())
            mean_total += float(((pictures - mean).abs() * hidden).sum())
    return ReconstructionError(model_total / weights, mean_total / weights, len(examples))
