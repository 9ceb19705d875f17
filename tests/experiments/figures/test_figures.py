"""Figures: written, of the size they should have, with what they should show; bad input named."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ecgbyte.tokenizer.encoding import Encoding
from experiments.figures import files as figure_files
from experiments.figures.catalogue import FIGURE_WORDS, FIGURES, FIGURES_OF, write_figures
from experiments.figures.controls import controls_figure
from experiments.figures.costs import training_time_figure
from experiments.figures.ecg import reconstruction_figure, token_overlay_figure
from experiments.figures.learning import learning_curves_figure
from experiments.figures.quality import language_quality_figure
from experiments.figures.variations import ablations_figure
from experiments.rows.losses import read_curves
from experiments.rows.schema import ResultRow
from tests.experiments.made_up_rows import made_up_curves, made_up_rows


def row(table: str, method: str, metric: str, value: float, **other: Any) -> ResultRow:
    base: dict[str, Any] = {"input": "ecg", "dataset": "synthetic", "split": "test", "n": 50, "seed": 0}
    base |= {"profile": "smoke", "scale": "small run", "signature": metric}
    return ResultRow(table=table, method=method, metric=metric, value=value, **(base | other))


ROWS = [
    row("language-quality", "ecg-byte", "accuracy", 50.0, ci_low=45.0, ci_high=55.0),
    row("language-quality", "ecg-byte", "accuracy", 20.0, input="flat-line"),
    row("language-quality", "merl", "bleu-4", 30.0),
    row("roc-areas", "ecg-byte", "roc-area-macro", 0.8, ci_low=0.7, ci_high=0.9),
    row("efficiency", "ecg-byte", "train-seconds", 100.0, stage="end-to-end", padding="none"),
    row("efficiency", "ecg-byte", "samples-seen", 1000.0, stage="end-to-end", padding="none"),
    row("efficiency", "ecg-byte", "timed-seconds-per-1000-samples", 200.0, stage="end-to-end", padding="1024"),
    row("efficiency", "merl", "train-seconds", 10.0, stage="stage-1", seed=1),
]


def pixels(path: Path) -> np.ndarray:
    from PIL import Image

    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def check_figure(path: Path, least: int = 300) -> None:
    assert path.read_bytes().startswith(b"\x89PNG")
    assert path.stat().st_size < 300_000
    drawn = pixels(path)
    assert min(drawn.shape[:2]) > least
    assert 0.005 < (drawn != 255).any(axis=2).mean() < 0.9


def test_all_figures_of_some_rows(tmp_path: Path) -> None:
    losses = tmp_path / "losses.json"
    curves = [{"method": "merl", "stage": stage, "losses": [3.0, 2.0, 1.5]} for stage in ("stage-1", "stage-2")]
    losses.write_text(json.dumps(curves))
    written = write_figures(ROWS, tmp_path / "figures", losses=losses)
    names = ["language-quality.png", "controls.png", "training-time.png", "accuracy-cost.png", "learning-curves.png"]
    assert [path.name for path in written] == names
    for path in written:
        check_figure(path)
    first = [path.read_bytes() for path in written]
    again = write_figures(list(reversed(ROWS)), tmp_path / "figures", losses=losses)
    assert [path.read_bytes() for path in again] == first


def test_all_figures_of_a_whole_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figure_files, "RESOLUTION", 60)
    losses = tmp_path / "losses.json"
    losses.write_text(json.dumps(made_up_curves()))
    shown = ("ecg-byte", "merl", "merl-as-published", "merl-from-scratch", "text-only")
    rows = [row for row in made_up_rows() if row.method in shown]
    written = write_figures(rows, tmp_path / "figures", losses=losses)
    assert [path.stem for path in written] == list(FIGURES)
    for path in written:
        check_figure(path, least=120)
    assert set(FIGURES) <= set(FIGURE_WORDS)
    assert {name for names in FIGURES_OF.values() for name in names} <= set(FIGURE_WORDS)


def test_figures_show_the_values(tmp_path: Path) -> None:
    # Between the same ends, a dot at 40 stands three times as far from that at 100 as a dot at 80.
    ends = [row("language-quality", "text-only", "accuracy", end, seed=int(end)) for end in (0.0, 100.0)]
    drawn = []
    for value in (40.0, 80.0):
        path = language_quality_figure(
            [row("language-quality", "ecg-byte", "accuracy", value), *ends], tmp_path / "a.png"
        )
        assert path is not None
        drawn.append(pixels(path).astype(int))
    blue = [(np.abs(image - [0x00, 0x72, 0xB2]).sum(axis=2) < 12).any(axis=0) for image in drawn]
    orange = (np.abs(drawn[0] - [0xE6, 0x9F, 0x00]).sum(axis=2) < 12).any(axis=0)
    last = np.flatnonzero(orange).max()
    places = [np.flatnonzero(mine & ~other).max() for mine, other in (blue, blue[::-1])]
    assert (last - places[0]) / (last - places[1]) == pytest.approx(3, rel=0.05)


def test_curves_may_have_seeds_and_validation(tmp_path: Path) -> None:
    path = tmp_path / "losses.json"
    curve = {"method": "merl", "stage": "stage-2", "losses": [1.0], "seed": 3, "validation": [[1, 0.5, 2.0]]}
    path.write_text(json.dumps([curve]))
    (read,) = read_curves(path)
    assert read.seed == 3 and read.validation.tolist() == [[1.0, 0.5, 2.0]]
    path.write_text(json.dumps([{**curve, "validation": [[1, 2.0]]}]))
    with pytest.raises(ValueError, match=r"validation as \[step, seconds, loss\]"):
        read_curves(path)


def test_ablations_of_several_methods_are_refused(tmp_path: Path) -> None:
    rows = [
        row("ablations", method, "accuracy", 5.0, variant="tokenizer.num_merges=500") for method in ("ecg-byte", "merl")
    ]
    with pytest.raises(ValueError, match="several methods"):
        ablations_figure(rows, tmp_path / "figure.png")


def test_no_rows_no_figure(tmp_path: Path) -> None:
    for draw in (language_quality_figure, controls_figure, training_time_figure):
        assert draw([row("tokenizer", "ecg-byte", "compression", 6.0)], tmp_path / "none.png") is None
    assert write_figures([], tmp_path / "figures") == []
    assert not list(tmp_path.glob("**/*.png"))


def test_bad_losses_are_refused(tmp_path: Path) -> None:
    losses, path = tmp_path / "losses.json", tmp_path / "curves.png"
    with pytest.raises(FileNotFoundError, match=r"losses\.json"):
        learning_curves_figure(losses, path, small_run=False)
    for content, message in (
        ({"merl": [1.0]}, "got dict, expected a list"),
        ([{"method": "merl", "losses": [1.0]}], "curve 0: expected an object"),
        ([{"method": "merl", "stage": "stage-1", "losses": [1.0, math.nan]}], r"curve 0 \(merl\)"),
    ):
        losses.write_text(json.dumps(content))
        with pytest.raises(ValueError, match=message):
            learning_curves_figure(losses, path, small_run=False)
    losses.write_text("[]")
    assert learning_curves_figure(losses, path, small_run=False) is None


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
    check_figure(path)
    drawn = pixels(path).astype(int)
    for colour in ([0x00, 0x72, 0xB2], [0xD5, 0x5E, 0x00], [0x00, 0x9E, 0x73]):
        assert (np.abs(drawn - colour).sum(axis=2) < 12).sum() > 100


def test_reconstruction(tmp_path: Path) -> None:
    signal, _ = encoded(False)
    check_figure(reconstruction_figure(signal, signal.round(1), tmp_path / "reconstruction.png", sampling_rate=50))


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
