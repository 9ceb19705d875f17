"""Patches of a signal, each projected linearly to a row of a language model: a reader without any encoder.

A linear layer straight into a decoder is the design of Fuyu (Bavishi et al., "Fuyu-8B: A Multimodal Architecture for
AI Agents", 2023, https://www.adept.ai/blog/fuyu-8b), there for patches of images, one position each. For ECGs it was
taken up as ELF ("Encoder-Free ECG-Language Models", Han et al. 2026, https://arxiv.org/abs/2601.18798; code in
``willxxy/ECG-Bench``), where one linear layer takes the whole flattened ECG to a single position. Here the patch is a
setting: one lead's window, the same window of all leads, or, as in ELF, the whole signal.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ecgbyte.checks import check_option

LAYOUTS = ("lead", "all-leads")
"""``"lead"``: a patch is a window of one lead; leads one after another, each in order of time, as ECG-Byte's string.
``"all-leads"``: a patch is the same window of all leads, in the order of time; a window as long as the signal gives
ELF's single position."""


def check_windows(name: str, window: int, *, num_samples: int, **sizes: int) -> None:
    """Raise ValueError if a size is not positive, or the one called `name` cuts a lead into no whole windows."""
    for size, value in {"num_samples": num_samples, **sizes, name: window}.items():
        if value < 1:
            raise ValueError(f"{size}: expected a positive number, got {value}")
    if num_samples % window:
        raise ValueError(f"{name}: expected a divisor of the {num_samples} samples, got {window}")


class LinearPatches(nn.Module):
    """Signals in mV to rows that look to a language model like its own.

    Each lead is brought to mean 0 and standard deviation 1 over the training signals (`fit_scale`). A row is the
    projection of a patch plus a learnt row for its place in time and, for patches of one lead, one for its lead. At
    the start of training these have equal shares, and a row has about the norm of a text token's.

    Parameters
    ----------
    num_leads, num_samples : int
        Of every signal.
    hidden_size : int
        Length of a row.
    layout : "lead" or "all-leads"
        See `LAYOUTS`.
    patch_samples : int
        Samples of a window; a divisor of `num_samples`.
    row_deviation : float
        Root mean square of the entries of text rows.
    seed : int
        Of the initial weights.

    Raises
    ------
    ValueError
        If a number is not positive, `patch_samples` is no divisor of `num_samples`, or `layout` is unknown.
    """

    lead_mean: Tensor
    lead_deviation: Tensor
    row_deviation: Tensor

    def __init__(
        self,
        num_leads: int,
        num_samples: int,
        hidden_size: int,
        *,
        layout: str = "all-leads",
        patch_samples: int = 25,
        row_deviation: float = 0.02,
        seed: int = 0,
    ) -> None:
        super().__init__()
        check_option("layout", layout, LAYOUTS)
        check_windows(
            "patch_samples", patch_samples, num_samples=num_samples, num_leads=num_leads, hidden_size=hidden_size
        )
        self.num_leads, self.num_samples = num_leads, num_samples
        self.layout, self.patch_samples = layout, patch_samples
        self.num_windows = num_samples // patch_samples
        self.num_positions = self.num_windows * (num_leads if layout == "lead" else 1)
        self.register_buffer("lead_mean", torch.zeros(num_leads))
        self.register_buffer("lead_deviation", torch.ones(num_leads))
        self.register_buffer("row_deviation", torch.tensor(row_deviation))
        inputs = patch_samples * (1 if layout == "lead" else num_leads)
        share = (3 if layout == "lead" else 2) ** -0.5
        generator = torch.Generator().manual_seed(seed)
        self.projection = nn.Linear(inputs, hidden_size)
        nn.init.normal_(self.projection.weight, std=share * inputs**-0.5, generator=generator)
        nn.init.zeros_(self.projection.bias)
        # In the units of the language model's rows, and so learnt at the pace of these.
        places = torch.randn(self.num_windows, hidden_size, generator=generator)
        self.window_rows = nn.Parameter(places * share * row_deviation)
        self.lead_rows: nn.Parameter | None = None
        if layout == "lead":
            leads = torch.randn(num_leads, hidden_size, generator=generator)
            self.lead_rows = nn.Parameter(leads * share * row_deviation)

    def settings(self) -> dict[str, Any]:
        """Return what rebuilds the layer without its weights, ready for JSON."""
        return {
            "num_leads": self.num_leads,
            "num_samples": self.num_samples,
            "layout": self.layout,
            "patch_samples": self.patch_samples,
        }

    def fit_scale(self, training_signals: np.ndarray) -> None:
        """Take mean and deviation of each lead from training signals, float32 [records, leads, samples] in mV.

        Raises
        ------
        ValueError
            If the shape is another, there is no signal, or a value is not finite.
        """
        shape = tuple(training_signals.shape)
        if len(shape) != 3 or shape[1:] != (self.num_leads, self.num_samples) or shape[0] == 0:
            expected = f"[records, {self.num_leads}, {self.num_samples}]"
            raise ValueError(f"training_signals: expected {expected} with one record at least, got {list(shape)}")
        sums, squares = np.zeros(self.num_leads), np.zeros(self.num_leads)
        for signal in training_signals:
            # Record by record: the signals may lie on disk and be larger than memory.
            values = signal.astype(np.float64)
            sums += values.sum(axis=1)
            squares += np.square(values).sum(axis=1)
        if not np.isfinite(squares).all():
            raise ValueError("training_signals: expected finite values, got NaN or infinity")
        count = len(training_signals) * self.num_samples
        mean = sums / count
        deviation = np.sqrt(np.maximum(squares / count - np.square(mean), 0.0))
        # A lead that is flat in every record says nothing; 1 mV leaves it at zero.
        deviation[deviation <= 1e-6] = 1.0
        self.lead_mean = torch.from_numpy(mean).to(self.lead_mean)
        self.lead_deviation = torch.from_numpy(deviation).to(self.lead_deviation)

    def patches(self, ecg: Tensor) -> Tensor:
        """Cut normalised signals into patches.

        Parameters
        ----------
        ecg : Tensor
            Float [batch, leads, samples] in mV.

        Returns
        -------
        Tensor
            Float [batch, num_positions, values of a patch]; in a patch of all leads, lead after lead.

        Raises
        ------
        ValueError
            If leads or samples are others.
        """
        if ecg.ndim != 3 or tuple(ecg.shape[1:]) != (self.num_leads, self.num_samples):
            expected = f"[batch, {self.num_leads} leads, {self.num_samples} samples]"
            raise ValueError(f"ecg: expected shape {expected}, got {list(ecg.shape)}")
        scaled = (ecg - self.lead_mean[:, None]) / self.lead_deviation[:, None]
        windows = scaled.unflatten(2, (self.num_windows, self.patch_samples))
        if self.layout == "lead":
            return windows.flatten(1, 2)
        return windows.transpose(1, 2).flatten(2)

    def forward(self, ecg: Tensor) -> Tensor:
        """Float [batch, leads, samples] in mV to float [batch, num_positions, hidden_size].

        Raises
        ------
        ValueError
            If leads or samples are others.
        """
        places: Tensor = self.window_rows
        if self.lead_rows is not None:
            places = (self.lead_rows[:, None] + self.window_rows).flatten(0, 1)
        return self.projection(self.patches(ecg)) * self.row_deviation + places
