"""Figures of single ECGs: tokens over leads, what decoding gives back, and the page that ECGs are printed on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import Normalize
from PIL import Image

from ecgbyte.signals.leads import LEADS
from ecgbyte.tokenizer.encoding import Encoding
from experiments.figures.attention import attention_figure, attention_maps_figure
from experiments.figures.ecg import reconstruction_figure, token_overlay_figure
from experiments.figures.ecg_paper import draw_page, page_layout, page_size
from experiments.figures.files import COLOURS, new_figure


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB")).astype(int)


def near(drawn: np.ndarray, colour: str) -> int:
    """How many pixels have a colour."""
    rgb = [int(colour[place : place + 2], 16) for place in (1, 3, 5)]
    return int((np.abs(drawn - rgb).max(axis=2) <= 20).sum())


def encoded(boundary_crossed: bool) -> tuple[np.ndarray, Encoding]:
    time = np.arange(100) / 50
    signal = np.stack([np.sin(2 * np.pi * time + lead) for lead in range(12)])
    starts = np.arange(0, 1200, 40 if boundary_crossed else 25)
    lengths = np.diff(starts, append=1200)
    leads, first = starts // 100, starts % 100
    encoding = Encoding(
        ids=np.arange(len(starts), dtype=np.int32),
        leads=leads.astype(np.int16),
        offsets=np.stack([first, first + lengths], axis=1).astype(np.int32),
        shape=(12, 100),
        low=-1.0,
        high=1.0,
    )
    return signal, encoding


@pytest.mark.parametrize("boundary_crossed", [False, True])
def test_token_overlay(tmp_path: Path, boundary_crossed: bool) -> None:
    signal, encoding = encoded(boundary_crossed)
    path = token_overlay_figure(signal, encoding, tmp_path / "overlay.png", sampling_rate=50, leads=("I", "V6"))
    drawn = pixels(path)
    assert min(drawn.shape[:2]) > 300
    assert all(near(drawn, colour) > 100 for colour in COLOURS[:3])


def test_reconstruction(tmp_path: Path) -> None:
    signal, _ = encoded(False)
    path = reconstruction_figure(signal, signal.round(1), tmp_path / "reconstruction.png", sampling_rate=50)
    assert near(pixels(path), "#000000") > 100


def test_bad_signals_are_refused(tmp_path: Path) -> None:
    signal, encoding = encoded(False)
    path = tmp_path / "figure.png"
    with pytest.raises(ValueError, match=r"signal: got shape \(100,\)"):
        token_overlay_figure(signal[0], encoding, path, sampling_rate=50)
    with pytest.raises(ValueError, match=r"shape \(12, 100\), got one of \(12, 99\)"):
        token_overlay_figure(signal[:, :-1], encoding, path, sampling_rate=50)
    with pytest.raises(ValueError, match="V7"):
        token_overlay_figure(signal, encoding, path, sampling_rate=50, leads=("V7",))
    with pytest.raises(ValueError, match="decoded: got shape"):
        reconstruction_figure(signal, signal[:, :-1], path, sampling_rate=50)
    assert not path.exists()


@pytest.mark.parametrize("seconds", [2, 5, 10])
def test_a_page_has_a_pulse_before_each_row_and_gaps_between_leads(seconds: int) -> None:
    rate = 50
    signal = np.full((12, seconds * rate), 0.2)
    rows = page_layout(seconds)
    figure, axes = new_figure(10, 6)
    weights = np.ones_like(signal)
    traces = draw_page(axes, signal, rate, weights, colours="viridis", norm=Normalize(0, 2), missing="grey")
    del figure
    pulses = [line for line in axes.lines if len(line.get_xdata()) == 6]
    assert len(pulses) == len(rows)
    for pulse in pulses:
        heights, times = np.array(pulse.get_ydata()), np.array(pulse.get_xdata())
        assert np.ptp(heights) == pytest.approx(1), "1 mV"
        assert np.ptp(times[heights == heights.max()]) == pytest.approx(0.2), "0.2 s"
    pieces = np.array(traces.get_segments())
    assert pieces[..., 0].min() > max(pulse.get_xdata()[-1] for pulse in pulses)
    # Within a row a lead ends well before the next begins.
    first_row = pieces[np.isclose(pieces[:, 0, 1], pieces[0, 0, 1])]
    steps = np.diff(np.sort(np.unique(first_row[..., 0].round(6))))
    assert (steps > 0.1).sum() == len(rows[0]) - 1
    width, height = page_size(signal, rate)
    assert axes.get_xlim() == (0, width) and axes.get_ylim() == (-height, 0)
    assert pieces[..., 0].max() <= width and pulses[0].get_ydata()[2] < 0


def test_green_lines_stay_green_beside_maps_of_attention(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    conditions, measures = ("this ECG", "another", "untrained"), ("attention", "rollout", "gradient")
    maps = {(c, m): np.exp(draw.normal(0, 0.8, (12, 100))) for c in conditions for m in measures}
    leads = {key: values.mean(axis=1) for key, values in maps.items()}
    path = attention_maps_figure(maps, leads, tmp_path / "maps.png", sampling_rate=50, title="Maps")
    drawn = pixels(path)
    below = drawn[int(0.75 * len(drawn)) :]
    assert all(near(below, colour) > 100 for colour in COLOURS[:3])


def test_attention_stands_on_paper(tmp_path: Path) -> None:
    signal, _ = encoded(False)
    path = attention_figure(
        *(signal, np.full((len(LEADS), 100), 4.0), tmp_path / "attention.png"),
        sampling_rate=50,
        title="T",
        question="Q?",
        reference="yes",
        answer="",
    )
    assert near(pixels(path), "#7a0010") > 500
