"""Figures: written, of the size they should have, with what they should show; bad input named."""

from __future__ import annotations

import functools
import io
import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure as MatplotlibFigure
from PIL import Image

from ecgbyte.metrics.token_usage import TokenUsage
from experiments.figures import files as figure_files
from experiments.figures.catalogue import FIGURES, Figure, draw_figures, find_figure
from experiments.figures.costs import training_time_figure
from experiments.figures.data import FigureData
from experiments.figures.files import COLOURS, headline, new_figure, to_png
from experiments.figures.learning import learning_curves_figure
from experiments.figures.method_axes import FAMILY_COLOURS
from experiments.figures.quality import language_quality_figure
from experiments.figures.variations import ablations_figure, transfer_figure
from experiments.rows.losses import Curve, read_curves
from experiments.steps.token_usage import UsageOf
from experiments.tables.catalogue import make_tables
from tests.experiments.made_up_rows import made_up_curves, made_up_rows
from tests.experiments.tables.hand_written_rows import row as hand_written_row

row = functools.partial(hand_written_row, scale="small run")
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


def curve(method: str, stage: str, losses: list[float]) -> Curve:
    return Curve(method, stage, 0, np.array(losses), np.empty((0, 3)))


def markers(axes: Any) -> list[Any]:
    """The dots of a panel, without those of its legend."""
    return [line for line in axes.lines if line.get_linestyle() == "None" and len(line.get_xdata())]


def values_in(axes: Any) -> list[float]:
    """The values of a panel's dots, from the lowest."""
    return sorted(float(line.get_xdata()[0]) for line in markers(axes))


def pixels(png: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(png)) as image:
        return np.asarray(image.convert("RGB"))


def check_figure(png: bytes | None, least: int = 300) -> None:
    assert png is not None and png.startswith(b"\x89PNG")
    assert len(png) < 300_000
    drawn = pixels(png)
    assert min(drawn.shape[:2]) > least
    assert 0.005 < (drawn != 255).any(axis=2).mean() < 0.9


def test_all_figures_of_some_rows() -> None:
    curves = [curve("merl", stage, [3.0, 2.0, 1.5]) for stage in ("stage-1", "stage-2")]
    drawn = draw_figures(FigureData(ROWS, curves))
    found = {name: png for name, png in drawn.items() if png is not None}
    assert set(found) == {"language-quality", "controls", "training-time", "accuracy-cost", "learning-curves"}
    for png in found.values():
        check_figure(png)
    assert draw_figures(FigureData(list(reversed(ROWS)), curves)) == drawn


def test_all_figures_of_a_whole_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(figure_files, "RESOLUTION", 60)
    losses = tmp_path / "losses.json"
    losses.write_text(json.dumps(made_up_curves()))
    shown = ("ecg-byte", "merl", "merl-as-published", "merl-from-scratch", "text-only")
    rows = [row for row in made_up_rows() if row.method in shown]
    usage = {UsageOf("ptb-xl", "ptb-xl"): TokenUsage(np.array([3, 1]), np.array([1, 2]), np.array([False, True]))}
    drawn = draw_figures(FigureData(rows, read_curves(losses), usage))
    assert list(drawn) == [entry.name for entry in FIGURES if entry.draw is not None]
    for name, png in drawn.items():
        assert png is not None, name
        check_figure(png, least=120)


@pytest.mark.parametrize(("width", "lines"), [(4, 2), (7, 2), (12, 1)])
def test_a_title_stays_within_its_figure(width: float, lines: int) -> None:
    figure, _ = new_figure(width, 3)
    headline(figure, "Difference from merl, 95 % intervals over 3 training runs and patients (synthetic; small run)")
    (title,) = figure.texts
    assert title.get_window_extent().x1 < figure.bbox.x1
    assert title.get_text().count("\n") + 1 == lines


def test_every_figure_has_a_place_and_sentences() -> None:
    tables = {table.name for table in make_tables([], [])}
    assert len({entry.name for entry in FIGURES}) == len(FIGURES)
    for entry in FIGURES:
        assert entry.under in (*tables, ""), entry.name
        assert entry.words[0].isupper() and entry.words.endswith(".") and len(entry.words.split()) >= 9, entry.name
    assert find_figure("attention-single-verify").name == "attention-*"
    assert find_figure("attention-single-verify-controls").name == "attention-*-controls"
    assert find_figure("my-own-figure").words == "A figure called my own figure."


def test_a_figure_is_one_function_and_one_entry() -> None:
    def counted(data: FigureData) -> MatplotlibFigure:
        figure, axes = new_figure(4, 3)
        axes.barh(0, len(data.rows))
        return figure

    entry = Figure("counted", counted, "language-quality", "One bar, as long as there are rows.")
    drawn = draw_figures(FigureData(ROWS), (entry,))
    assert set(drawn) == {"counted"}
    check_figure(drawn["counted"])


def test_colours_can_be_read_on_white_and_told_apart() -> None:
    def linear(colour: str) -> np.ndarray:
        values = np.array([int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)])
        return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)

    def lightness_and_hue(linear: np.ndarray) -> np.ndarray:
        to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
        xyz = to_xyz @ linear.clip(0, 1) / [0.9505, 1, 1.089]
        x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
        return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])

    # Machado, Oliveira and Fernandes (2009), of no red and of no green cones.
    seen = {
        "all cones": np.eye(3),
        "no red": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
        "no green": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    }
    for colour in {*COLOURS, *FAMILY_COLOURS.values()}:
        assert 1.05 / (linear(colour) @ [0.2126, 0.7152, 0.0722] + 0.05) >= 4.5, colour
    for who, matrix in seen.items():
        for one, other in itertools.combinations(COLOURS, 2):
            places = [lightness_and_hue(np.array(matrix) @ linear(colour)) for colour in (one, other)]
            assert np.linalg.norm(places[0] - places[1]) > 15, (who, one, other)


def test_colours_stand_in_a_palette_where_that_changes_none() -> None:
    figure, axes = new_figure(6, 3)
    axes.plot([0, 1], [0, 1], color=COLOURS[0])
    with Image.open(io.BytesIO(to_png(figure))) as image:
        assert image.mode == "P"
    shades = np.random.default_rng(0).random((60, 90, 3))
    axes.imshow(shades, interpolation="none")
    with Image.open(io.BytesIO(to_png(figure))) as image:
        assert image.mode == "RGB", "no palette holds so many"


def test_figures_show_the_values() -> None:
    found = language_quality_figure(FigureData(ROWS))
    assert found is not None
    accuracy, bleu = found.axes
    assert values_in(accuracy) == [50.0] and values_in(bleu) == [30.0]
    assert [label.get_text() for label in accuracy.get_yticklabels()] == ["ecg-byte", "merl"]


def test_training_times_share_one_scale_and_stages_add_up() -> None:
    padded = {"stage": "stage-2", "padding": "1024"}
    rows = [
        *ROWS[4:],
        row("efficiency", "merl", "samples-seen", 1000.0, stage="stage-1", seed=1),
        row("efficiency", "merl", "timed-seconds-per-1000-samples", 30.0, **padded),
        row("efficiency", "merl", "samples-seen", 1000.0, **padded),
    ]
    found = training_time_figure(FigureData(rows))
    assert found is not None
    times, shares = found.axes
    assert times.get_xscale() == "log"
    # ecg-byte: measured 100 s and projected 200 s; merl: 10 s and 30 s of two stages, projected.
    assert values_in(times) == [40.0, 100.0, 200.0]
    hollow = [line.get_xdata()[0] for line in markers(times) if line.get_markerfacecolor() == "white"]
    assert sorted(hollow) == [40.0, 200.0]
    widths = {}
    for bar in shares.patches:
        if bar.get_width():
            widths.setdefault(round(bar.get_y() + bar.get_height() / 2), []).append(bar.get_width())
    assert widths == {0: [100.0], 1: [25.0, 75.0]}


def test_transfer_names_tests_on_other_questions_apart() -> None:
    away = {"trained_on": "ptb-xl"}
    rows = [
        row("transfer", "merl", "accuracy", 60.0, n=50, **away),
        row("transfer", "merl", "accuracy", 70.0, dataset="ptb-xl", n=40, **away),
        # The usual test at home was of more questions: not shown where the transfer asked its own there.
        row("language-quality", "merl", "accuracy", 65.0, dataset="ptb-xl", n=900),
        row("transfer", "vit", "accuracy", 50.0, n=50, **away),
        row("language-quality", "vit", "accuracy", 55.0, dataset="ptb-xl", n=900),
    ]
    found = transfer_figure(FigureData(rows))
    assert found is not None
    (axes,) = found.axes
    assert values_in(axes) == [50.0, 55.0, 60.0, 70.0]
    of_label = {line.get_label(): line.get_color() for line in axes.lines if not line.get_label().startswith("_")}
    assert list(of_label) == [
        "trained on ptb-xl, tested on it (40 questions)",
        "trained on ptb-xl, tested on it (900 questions)",
        "trained on ptb-xl, tested on synthetic (50 questions)",
    ]
    of_value = {line.get_xdata()[0]: line.get_color() for line in markers(axes)}
    assert of_value == dict(zip((70.0, 55.0, 60.0), of_label.values(), strict=True)) | {
        50.0: of_label["trained on ptb-xl, tested on synthetic (50 questions)"]
    }


def test_ablations_have_a_line_a_value() -> None:
    variants = ["base", "model.rank=4", "model.rank=64", "tokenizer.num_merges=500"]
    rows = [
        row("ablations", "ecg-byte", "accuracy", 40.0 + place, ci_low=38.0, ci_high=46.0, variant=variant)
        for place, variant in enumerate(variants)
    ]
    found = ablations_figure(FigureData(rows))
    assert found is not None
    (axes,) = found.axes
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names == ["model.rank = 4", "model.rank = 64", "tokenizer.num_merges = 500"]
    assert values_in(axes) == [41.0, 42.0, 43.0]


def test_ablations_are_drawn_of_the_first_method() -> None:
    rows = [
        row("ablations", method, "accuracy", value, variant="tokenizer.num_merges=500")
        for method, value in (("merl", 6.0), ("ecg-byte", 5.0))
    ]
    found = ablations_figure(FigureData(rows))
    assert found is not None and values_in(found.axes[0]) == [5.0]
    with pytest.raises(ValueError, match="several data sets"):
        ablations_figure(FigureData([*rows, rows[1]._replace(dataset="another")]))


def test_no_rows_no_figure() -> None:
    assert set(draw_figures(FigureData()).values()) == {None}
    assert set(draw_figures(FigureData([row("tokenizer", "ecg-byte", "compression", 6.0)])).values()) == {None}


def test_learning_curves_are_moving_means() -> None:
    found = learning_curves_figure(FigureData(curves=[curve("merl", "stage-2", [4.0, 2.0, 1.0])]))
    assert found is not None
    (axes,) = found.axes
    assert axes.get_yscale() == "log"
    assert axes.lines[0].get_ydata().tolist() == [4.0, 2.0, 1.0]
