"""An ECG encoder and the projection of its vector to one row of a language model, both trained with that model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ecgbyte.models.running import device_of, modes_restored
from ecgbyte.models.two_stage import FeatureProjection

_SCALE_BATCH, _SCALE_SIGNALS = 64, 512


class EncoderRow(nn.Module):
    """An ECG encoder and the projection of its feature vector to one row, both trained.

    Parameters
    ----------
    encoder : nn.Module
        Takes float [batch, leads, samples] in mV to float [batch, features], and has ``feature_size``, such as
        `ecgbyte.models.encoders.resnet1d.ECGEncoder`. It scales the signal itself, alike with and without pretraining.
    hidden_size : int
        Length of a row.
    encoder_settings : mapping
        What rebuilds the encoder without its weights, ready for JSON; goes into the folder of a saved model.
    projection : str
        One of `ecgbyte.models.two_stage.PROJECTIONS`.
    row_deviation : float
        Root mean square of the entries of text rows.
    seed : int
        Of the initial weights of the projection.

    Raises
    ------
    ValueError
        If `projection` is unknown.
    """

    num_positions = 1

    def __init__(
        self,
        encoder: Any,
        hidden_size: int,
        *,
        encoder_settings: Mapping[str, Any],
        projection: str = "linear",
        row_deviation: float = 0.02,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.encoder_settings = dict(encoder_settings)
        self.projection = FeatureProjection(
            int(encoder.feature_size), hidden_size, kind=projection, row_deviation=row_deviation, seed=seed
        )

    def settings(self) -> dict[str, Any]:
        """Return what rebuilds the layers without their weights, ready for JSON."""
        return {"encoder": self.encoder_settings, "projection": self.projection.kind}

    def fit_scale(self, training_signals: np.ndarray, *, seed: int = 0) -> None:
        """Set the scale of the untrained encoder's features over training signals, float32 [records, leads, samples].

        A random encoder says almost the same of every ECG; without this, the differences between records, which are
        all there is to learn from, would start far below their common part. At most 512 signals, evenly spread, are
        read. The encoder runs as in training, so that running means of batch norms are set too. No weight changes.

        Raises
        ------
        ValueError
            If there is no signal.
        """
        if len(training_signals) == 0:
            raise ValueError("training_signals: expected one record at least, got none")
        rows = np.unique(np.linspace(0, len(training_signals) - 1, _SCALE_SIGNALS).astype(np.int64))
        device = device_of(self.encoder)
        features = []
        with modes_restored(self.encoder), torch.random.fork_rng(devices=[]), torch.no_grad():
            self.encoder.train()
            torch.manual_seed(seed)
            for start in range(0, len(rows), _SCALE_BATCH):
                signals = np.ascontiguousarray(training_signals[rows[start : start + _SCALE_BATCH]], np.float32)
                features.append(self.encoder(torch.from_numpy(signals).to(device)).float().cpu().numpy())
        self.projection.fit_scale(np.concatenate(features))

    def forward(self, ecg: Tensor) -> Tensor:
        """Float [batch, leads, samples] in mV to float [batch, 1, hidden_size]."""
        rows: Tensor = self.projection(self.encoder(ecg).to(self.projection.feature_mean))
        return rows[:, None]
