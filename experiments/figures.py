"""The figures of the results: each drawn from rows of ``runs.csv`` alone, as PNG."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from experiments.efficiency import efficiency
from experiments.figure_files import COLOURS, new_figure, save_figure
from experiments.results_rows import INPUTS, METRICS, ResultRow, check_rows
from experiments.row_groups import groups
from experiments.table_rendering import Cell, Estimate

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_QUALITY_METRICS = ("bleu-4", "rouge-1", "rouge-l", "accuracy")


_PADDINGS = {"none": "no padding", "shared": "questions share\nan ECG"}


def language_quality_figure(rows: Iterable[ResultRow], path: str | os.PathLike[str]) -> Path | None:
    """Bars of BLEU-4, ROUGE and accuracy per method at its own input, with intervals; None where there are no rows."""
    rows = [r for r in rows if r.table == "language-quality" and r.subset == "all" and r.metric in _QUALITY_METRICS]
    runs = groups(rows, "dataset", "method", "seed")
    if not runs:
        return None
    figure, axes = new_figure(9, 4.2)
    for place, (_, group) in enumerate(runs):
        own = min((row.input for row in group), key=INPUTS.index)
        found = {row.metric: row for row in group if row.input == own}
        _bars(axes, [found.get(name) for name in _QUALITY_METRICS], place, len(runs), _run_name(group[0], rows))
    axes.set_xticks(range(len(_QUALITY_METRICS)), [METRICS[name].label for name in _QUALITY_METRICS])
    axes.set_ylabel("score (0 to 100)")
    axes.set_ylim(0, 100)
    axes.legend(frameon=False, ncols=min(4, len(runs)), loc="upper left")
    axes.set_title(_title("Language quality, 95 % intervals over patients", rows), loc="left")
    return save_figure(figure, path)


def controls_figure(rows: Iterable[ResultRow], path: str | os.PathLike[str]) -> Path | None:
    """Accuracy and mean ROC area of each method by what stood in the place of the ECG; None where there are no rows."""
    rows = [
        row
        for row in rows
        if row.subset == "all"
        and (row.table, row.metric) in {("language-quality", "accuracy"), ("roc-areas", "roc-area-macro")}
    ]
    if not rows:
        return None
    metrics = [name for name in ("accuracy", "roc-area-macro") if any(row.metric == name for row in rows)]
    inputs = [name for name in INPUTS if any(row.input == name for row in rows)]
    figure, panels = new_figure(5.5 * len(metrics), 4.2, columns=len(metrics))
    for metric, axes in zip(metrics, np.atleast_1d(panels), strict=True):
        runs = groups([row for row in rows if row.metric == metric], "dataset", "method", "seed")
        for place, name in enumerate(inputs):
            cells = [next((row for row in group if row.input == name), None) for _, group in runs]
            _bars(axes, cells, place, len(inputs), name)
        axes.set_xticks(range(len(runs)), [_run_name(group[0], rows) for _, group in runs])
        axes.set_ylabel(f"{METRICS[metric].label} ({METRICS[metric].unit})")
        axes.set_ylim(0, 100 if metric == "accuracy" else 1.0)
        if metric == "roc-area-macro":
            axes.axhline(0.5, color="black", linewidth=1, linestyle="--")
            axes.annotate("chance", (1.01, 0.5), xycoords=("axes fraction", "data"), va="center", fontsize=9)
    figure.legend(*np.atleast_1d(panels)[0].get_legend_handles_labels(), ncols=len(inputs), loc="outside lower center")
    figure.suptitle(_title("Controls: what stands in the place of the ECG", rows), x=0.01, ha="left")
    return save_figure(figure, path)


def training_time_figure(rows: Iterable[ResultRow], path: str | os.PathLike[str]) -> Path | None:
    """Stacked bars of training time per stage, one bar a method and padding; None where no training was timed whole."""
    rows = list(rows)
    lines = [line for line in efficiency(rows).rows if isinstance(line.get("training time (s)"), Estimate)]
    # A method of which a stage was not timed has no sum, and a bar of its other stages alone would look like one.
    whole = {_training(line) for line in lines if line["stage"] == "all stages"}
    lines = [line for line in lines if line["stage"] != "all stages" and _training(line) in whole]
    if not lines:
        return None
    several = len({(line["dataset"], line["seed"]) for line in lines}) > 1
    names = []
    for line in lines:
        padding = str(line["padding"])
        name = f"{line['method']}\n{_PADDINGS.get(padding, f'padded to {padding}')}"
        names.append(f"{name}\n{line['dataset']}, seed {line['seed']}" if several else name)
    bars = sorted(set(names), key=names.index)
    stages = sorted({str(line["stage"]) for line in lines})
    ends = dict.fromkeys(bars, 0.0)
    figure, axes = new_figure(max(6, 1.5 * len(bars)), 4.2)
    for stage, colour in zip(stages, COLOURS * len(stages), strict=False):
        chosen = [(name, line) for name, line in zip(names, lines, strict=True) if line["stage"] == stage]
        label = stage
        for name, line in chosen:
            seconds = line["training time (s)"]
            hatch = "//" if line["time is"] == "projected" else None
            style = {"color": colour, "edgecolor": "white", "hatch": hatch, "label": label, "width": 0.6}
            axes.bar(bars.index(name), seconds.value, bottom=ends[name], **style)  # type: ignore[union-attr]
            ends[name] += seconds.value  # type: ignore[union-attr]
            label = "_nolegend_"
    if any(line["time is"] == "projected" for line in lines):
        axes.bar(0, 0, color="white", edgecolor="grey", hatch="//", label="projected from timed steps")
    axes.set_xticks(range(len(bars)), bars, fontsize=9)
    axes.set_ylabel("training time (s)")
    axes.set_ylim(0, 1.3 * max(ends.values()))
    axes.legend(frameon=False, ncols=2, loc="upper left")
    axes.set_title(_title("Training time by stage", [row for row in rows if row.table == "efficiency"]), loc="left")
    return save_figure(figure, path)


def learning_curves_figure(
    losses: str | os.PathLike[str], path: str | os.PathLike[str], *, small_run: bool
) -> Path | None:
    """Training losses, one panel a stage because different losses do not compare; None where the file holds no curve.

    Parameters
    ----------
    losses : path-like
        JSON: a list of ``{"method": str, "stage": str, "losses": [float, ...]}``, one loss an optimiser step.
    path : path-like
        The PNG to write.
    small_run : bool
        Whether the title says so.

    Raises
    ------
    FileNotFoundError
        If `losses` is not there.
    ValueError
        If it holds something else; a loss that is NaN or infinite is named.
    """
    curves = _read_curves(Path(losses))
    if not curves:
        return None
    stages = sorted({stage for _, stage, _ in curves})
    methods = sorted({method for method, _, _ in curves})
    figure, panels = new_figure(5 * len(stages), 3.8, columns=len(stages))
    for stage, axes in zip(stages, np.atleast_1d(panels), strict=True):
        for method, _, values in (curve for curve in curves if curve[1] == stage):
            colour = COLOURS[methods.index(method) % len(COLOURS)]
            steps = np.arange(1, len(values) + 1)
            window = max(1, len(values) // 50)
            smooth = np.convolve(values, np.ones(window) / window, mode="valid")
            axes.plot(steps, values, color=colour, alpha=0.25, linewidth=0.8)
            axes.plot(
                steps[window - 1 :], smooth, color=colour, linewidth=1.6, label=f"{method} (mean of {window} steps)"
            )
        axes.set_xlabel("optimiser step")
        axes.set_ylabel("training loss (nats)")
        axes.set_ylim(bottom=0)
        axes.set_title(stage, loc="left")
        axes.legend(frameon=False)
    figure.suptitle("Learning curves" + (" (small run)" if small_run else ""), x=0.01, ha="left")
    return save_figure(figure, path)


def write_figures(
    rows: Iterable[ResultRow], folder: str | os.PathLike[str], *, losses: str | os.PathLike[str] | None = None
) -> list[Path]:
    """Draw all figures of a file of rows (and the learning curves, where `losses` names their file) into `folder`.

    Returns
    -------
    list of Path
        The files that were written; a figure without rows has none.

    Raises
    ------
    ValueError
        If the rows do not go together, or as `learning_curves_figure`.
    """
    rows = check_rows(rows)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    written = [
        language_quality_figure(rows, folder / "language-quality.png"),
        controls_figure(rows, folder / "controls.png"),
        training_time_figure(rows, folder / "training-time.png"),
    ]
    if losses is not None:
        small = any(row.scale == "small run" for row in rows)
        written.append(learning_curves_figure(losses, folder / "learning-curves.png", small_run=small))
    return [path for path in written if path is not None]


def _bars(axes: Axes, cells: Sequence[ResultRow | None], place: int, places: int, label: str) -> None:
    """One bar a cell, beside those of the other places, with whiskers where there is an interval."""
    width = 0.8 / places
    at = [index - 0.4 + width * (place + 0.5) for index, cell in enumerate(cells) if cell]
    rows = [cell for cell in cells if cell]
    colour = COLOURS[place % len(COLOURS)]
    axes.bar(at, [row.value for row in rows], width=0.92 * width, color=colour, label=label)
    for x, row in zip(at, rows, strict=True):
        if not math.isnan(row.ci_low):
            axes.plot([x, x], [row.ci_low, row.ci_high], color="black", linewidth=1.2)


def _training(line: Mapping[str, Cell]) -> tuple[Cell, ...]:
    return tuple(line[name] for name in ("dataset", "split", "seed", "padding", "method"))


def _run_name(row: ResultRow, rows: Sequence[ResultRow]) -> str:
    """The method, with data set and seed where there are several."""
    name = row.method
    if len({other.dataset for other in rows}) > 1:
        name += f", {row.dataset}"
    if len({other.seed for other in rows}) > 1:
        name += f", seed {row.seed}"
    return name


def _title(text: str, rows: Sequence[ResultRow]) -> str:
    datasets = ", ".join(sorted({row.dataset for row in rows}))
    small = "; small run" if any(row.scale == "small run" for row in rows) else ""
    return f"{text} ({datasets}{small})"


def _read_curves(path: Path) -> list[tuple[str, str, np.ndarray]]:
    if not path.is_file():
        raise FileNotFoundError(f"losses: there is no file {path}")
    content = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(content, list):
        raise ValueError(f"{path}: got {type(content).__name__}, expected a list of curves")
    curves = []
    for index, curve in enumerate(content):
        if not isinstance(curve, dict) or set(curve) != {"method", "stage", "losses"}:
            raise ValueError(f"{path}, curve {index}: expected an object with method, stage and losses")
        values = np.asarray(curve["losses"], dtype=np.float64)
        if values.ndim != 1 or not np.isfinite(values).all():
            raise ValueError(f"{path}, curve {index} ({curve['method']}): expected a list of finite losses")
        if len(values):
            curves.append((str(curve["method"]), str(curve["stage"]), values))
    return curves
