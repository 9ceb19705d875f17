"""Figures of ECGs: which samples each token covers, and what decoding gives back."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ecgbyte.signals.leads import LEADS
from experiments.figures.files import COLOURS, new_figure, save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ecgbyte.tokenizer.encoding import Encoding

SHOWN_LEADS = ("I", "II", "aVF", "V1", "V3", "V5")


def token_overlay_figure(
    signal: ArrayLike,
    encoding: Encoding,
    path: str | os.PathLike[str],
    *,
    sampling_rate: float,
    leads: Sequence[str] = SHOWN_LEADS,
    title: str = "",
) -> Path:
    """Draw leads with each token's samples in one colour; neighbours differ, and a line stands where a token starts.

    Parameters
    ----------
    signal : array-like
        float [leads, samples] in mV, canonical order.
    encoding : Encoding
        The tokens of that signal.
    path : path-like
        The PNG to write.
    sampling_rate : float
        Samples per second.
    leads : sequence of str
        Which leads to draw, from top to bottom.
    title : str
        Put before the number of tokens.

    Raises
    ------
    ValueError
        If the signal has other leads or another shape than the encoding, or a lead is unknown.
    """
    values = check_signal("signal", signal)
    if tuple(encoding.shape) != values.shape:
        raise ValueError(f"encoding: it is of a signal of shape {tuple(encoding.shape)}, got one of {values.shape}")
    rows = _lead_rows(leads)
    time = np.arange(values.shape[1]) / sampling_rate
    figure, panels = new_figure(11, 1.2 * len(rows) + 0.9, rows=len(rows), sharex=True, squeeze=False)
    axes_of = dict(zip(rows, panels[:, 0], strict=True))
    for token in range(len(encoding.ids)):
        for lead, start, stop in encoding.spans(token):
            row = LEADS.index(lead) if isinstance(lead, str) else int(lead)
            if row not in axes_of:
                continue
            # One sample further, so that the trace has no gap between tokens.
            shown = slice(start, min(stop + 1, values.shape[1]))
            axes_of[row].plot(time[shown], values[row, shown], color=COLOURS[token % 3], linewidth=1.4)
            axes_of[row].axvline(time[start], color="0.85", linewidth=0.5, zorder=0)
            axes_of[row].axvline(time[start], ymax=0.06, color="black", linewidth=0.5)
    _label_leads(axes_of, time)
    mean = values.size / len(encoding.ids)
    lengths = np.asarray(encoding.offsets[:, 1] - encoding.offsets[:, 0])
    figure.suptitle(
        f"{title + ': ' if title else ''}{len(encoding.ids)} tokens for 12 leads, {mean:.1f} samples a token "
        f"({lengths.max()} at most, {(lengths == 1).sum()} of one sample)",
        x=0.01,
        ha="left",
    )
    return save_figure(figure, path)


def reconstruction_figure(
    signal: ArrayLike,
    decoded: ArrayLike,
    path: str | os.PathLike[str],
    *,
    sampling_rate: float,
    leads: Sequence[str] = SHOWN_LEADS,
    title: str = "",
) -> Path:
    """Draw leads of a signal and what its tokens decode to; the title gives the error over all 12 leads.

    Parameters
    ----------
    signal, decoded : array-like
        float [leads, samples] in mV, canonical order.
    path, sampling_rate, leads, title
        As in `token_overlay_figure`.

    Raises
    ------
    ValueError
        If the shapes differ or are not those of 12 leads, or a lead is unknown.
    """
    values, copy = check_signal("signal", signal), check_signal("decoded", decoded)
    if values.shape != copy.shape:
        raise ValueError(f"decoded: got shape {copy.shape}, expected that of the signal, {values.shape}")
    rows = _lead_rows(leads)
    time = np.arange(values.shape[1]) / sampling_rate
    figure, panels = new_figure(11, 1.2 * len(rows) + 1.2, rows=len(rows), sharex=True, squeeze=False)
    axes_of = dict(zip(rows, panels[:, 0], strict=True))
    for row, axes in axes_of.items():
        axes.plot(time, values[row], color=COLOURS[0], linewidth=2.6, alpha=0.5, label="signal")
        axes.plot(time, copy[row], color="black", linewidth=0.9, label="decoded")
    _label_leads(axes_of, time)
    figure.legend(*panels[0, 0].get_legend_handles_labels(), ncols=2, loc="outside lower center")
    error = float(np.sqrt(np.square(values - copy).mean()))
    largest = float(np.abs(values - copy).max())
    figure.suptitle(
        f"{title + ': ' if title else ''}error {error:.4f} mV root mean square, {largest:.4f} mV at most (12 leads)",
        x=0.01,
        ha="left",
    )
    return save_figure(figure, path)


def _label_leads(axes_of: dict[int, Axes], time: NDArray[np.float64]) -> None:
    for row, axes in axes_of.items():
        axes.set_ylabel(f"{LEADS[row]}\n(mV)", rotation=0, ha="right", va="center")
        axes.set_xlim(time[0], time[-1])
    axes.set_xlabel("time (s)")


def _lead_rows(leads: Sequence[str]) -> list[int]:
    unknown = [lead for lead in leads if lead not in LEADS]
    if unknown or not leads:
        raise ValueError(f"leads: got {list(leads)}, expected some of {', '.join(LEADS)}")
    return [LEADS.index(lead) for lead in leads]


def check_signal(name: str, signal: ArrayLike) -> NDArray[np.float64]:
    """Return `signal` as float64 [12 leads, samples]; an error names `name` where it is no such array."""
    values = np.asarray(signal, dtype=np.float64)
    if values.ndim != 2 or values.shape[0] != len(LEADS) or not values.shape[1]:
        raise ValueError(f"{name}: got shape {values.shape}, expected [{len(LEADS)} leads, samples]")
    return values
