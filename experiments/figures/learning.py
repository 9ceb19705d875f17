"""Learning curves: training losses by stage, and validation losses by step and by time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.figures.data import FigureData
from experiments.figures.files import COLOURS, GRID, headline, logarithmic, new_figure
from experiments.rows.groups import FAMILIES, family, method_order
from experiments.rows.losses import Curve

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_LINES = ("-", "--", ":", "-.")


def learning_curves_figure(data: FigureData) -> Figure | None:
    """Training losses on a logarithmic scale, one panel for stage 1 and for every family; None without curves.

    Each line is a moving mean over a fiftieth of the training; every training run has one.
    """
    curves = [curve for curve in data.curves if len(curve.losses)]
    if not curves:
        return None
    names = _panel_names(curves)
    columns = min(3, len(names))
    lines = -(-len(names) // columns)
    figure, panels = new_figure(4.2 * columns, 0.4 + 3.2 * lines, rows=lines, columns=columns, squeeze=False)
    for name, axes in zip(names, np.ravel(panels), strict=False):
        shown = [curve for curve in curves if _panel(curve) == name]
        for curve in shown:
            window = max(1, len(curve.losses) // 50)
            steps = np.arange(1, len(curve.losses) + 1)
            smooth = np.convolve(curve.losses, np.ones(window) / window, mode="valid")
            axes.plot(steps[window - 1 :], smooth, linewidth=1.2, **_style(curve, shown))
        # The first steps would press all that follows into one line.
        logarithmic(axes, "y")
        axes.set_xlabel("optimiser step", fontsize=9)
        axes.set_ylabel("training loss (nats)", fontsize=9)
        axes.set_title(name, loc="left", fontsize=10)
        axes.grid(color=GRID, linewidth=0.6)
        axes.legend(frameon=False, fontsize=8)
    for axes in np.ravel(panels)[len(names) :]:
        axes.set_visible(False)
    headline(figure, _title("Learning curves, moving means", curves, data.small_run))
    return figure


def validation_curves_figure(data: FigureData) -> Figure | None:
    """Validation loss of the answers against steps and against time, one column a family; None where none was measured.

    The axis holds what was measured once training had begun.
    """
    curves = [curve for curve in data.curves if len(curve.validation) and curve.stage != "stage-1"]
    if not curves:
        return None
    names = _panel_names(curves)
    figure, panels = new_figure(
        1 + 2.7 * len(names), 6, rows=2, columns=len(names), sharey=True, sharex="row", squeeze=False
    )
    for line, column, label in zip(panels, (0, 1), ("optimiser step", "training time (s)"), strict=True):
        for name, axes in zip(names, line, strict=True):
            shown = [curve for curve in curves if _panel(curve) == name]
            for curve in shown:
                # The untrained model took no time, which has no place on a logarithmic scale.
                points = curve.validation[curve.validation[:, column] > 0]
                style = {**_style(curve, shown), "marker": ".", "linewidth": 1.2, "markersize": 4}
                axes.plot(points[:, column], points[:, 2], **style)
            axes.set_xlabel(label, fontsize=9)
            axes.grid(color=GRID, linewidth=0.6)
            if column == 0:
                axes.set_title(name, loc="left", fontsize=10)
                axes.legend(frameon=False, fontsize=8)
            else:
                logarithmic(axes, "x")
        line[0].set_ylabel("validation loss (nats)", fontsize=9)
    # The untrained model's loss would press all that follows into one line.
    trained = np.concatenate([curve.validation[1:, 2] for curve in curves])
    if len(trained):
        margin = 0.1 * (trained.max() - trained.min()) + 0.01
        panels[0, 0].set_ylim(trained.min() - margin, trained.max() + margin)
    headline(figure, _title("Validation loss of the language model", curves, data.small_run))
    return figure


def _panel(curve: Curve) -> str:
    """Losses compare within a stage and a family: those of stage 1 are of other tasks, faults change what is summed."""
    return curve.stage if curve.stage == "stage-1" else family(curve.method)


def _panel_names(curves: Sequence[Curve]) -> list[str]:
    order = ("stage-1", *FAMILIES, "other")
    return sorted({_panel(curve) for curve in curves}, key=order.index)


def _style(curve: Curve, panel: Sequence[Curve]) -> dict[str, Any]:
    """A colour and a kind of line for each method of a panel; its several runs have one name."""
    methods = sorted({other.method for other in panel}, key=method_order)
    place = methods.index(curve.method)
    first = next(other for other in panel if other.method == curve.method)
    style: dict[str, Any] = {"color": COLOURS[place % len(COLOURS)], "linestyle": _LINES[place % len(_LINES)]}
    return {**style, "label": curve.method if curve is first else "_nolegend_"}


def _title(text: str, curves: Sequence[Curve], small_run: bool) -> str:
    several = len({curve.seed for curve in curves}) > 1
    return text + (", one line a training run" if several else "") + (" (small run)" if small_run else "")
