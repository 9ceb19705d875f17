"""All figures of a file of rows, and of the learning curves beside it, each drawn by a module of its kind."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from experiments.figures.controls import control_differences_figure, controls_figure
from experiments.figures.costs import accuracy_cost_figure, resources_figure, training_time_figure
from experiments.figures.learning import learning_curves_figure, validation_curves_figure
from experiments.figures.quality import comparisons_figure, language_quality_figure, question_types_figure
from experiments.figures.variations import ablations_figure, tokenizer_figure, transfer_figure
from experiments.rows.schema import ResultRow, check_rows

# By the name of the file; the order is that of the report.
_OF_ROWS = {
    "language-quality": language_quality_figure,
    "comparisons": comparisons_figure,
    "question-types": question_types_figure,
    "controls": controls_figure,
    "control-differences": control_differences_figure,
    "training-time": training_time_figure,
    "resources": resources_figure,
    "accuracy-cost": accuracy_cost_figure,
    "ablations": ablations_figure,
    "transfer": transfer_figure,
    "tokenizer": tokenizer_figure,
}
_OF_LOSSES = {"learning-curves": learning_curves_figure, "validation-curves": validation_curves_figure}
FIGURES = (*_OF_ROWS, *_OF_LOSSES)
# Under which table a page shows them; figures that no table names come last.
FIGURES_OF = {
    "language-quality": ("language-quality", "question-types"),
    "comparisons": ("comparisons",),
    "controls": ("controls",),
    "control-differences": ("control-differences",),
    "efficiency": ("training-time", "resources", "accuracy-cost"),
    "validation": ("validation-curves", "learning-curves"),
    "ablations": ("ablations",),
    "transfer": ("transfer",),
    "tokenizer": ("tokenizer", "token-overlay", "reconstruction"),
}
# What stands below a figure, and what someone reads who cannot see it.
FIGURE_WORDS = {
    "language-quality": "Dots with intervals: accuracy, BLEU-4, ROUGE-L, METEOR and BERTScore of every method.",
    "comparisons": "Dots with intervals: how much better each method answers than the one it is compared with.",
    "question-types": "Dots with intervals: accuracy of every method on each type of question.",
    "controls": "Dots with intervals: accuracy and mean ROC area of every method, by what stands in the ECG's place.",
    "control-differences": "Dots with intervals: the accuracy that the ECG adds over each control, by method.",
    "training-time": "Bars: training time of every method by stage, one panel a layout.",
    "resources": "Dots: operations, memory and waiting of every method's whole training, by layout.",
    "accuracy-cost": "Points with intervals: accuracy of every method against operations and seconds of its training.",
    "ablations": "Dots with intervals: accuracy and BLEU-4 with one setting changed, beside the unchanged run.",
    "transfer": "Dots with intervals: accuracy of methods on data sets that they were not trained on.",
    "tokenizer": "Bars: the measures of the tokens, by data set and matching rule.",
    "learning-curves": "Lines: training loss against optimiser steps, by family.",
    "validation-curves": "Lines: validation loss against optimiser steps and against time, by family.",
    "token-overlay": "The leads of one ECG, coloured by the tokens that cover them.",
    "reconstruction": "One ECG and what its tokens decode to.",
}


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
        If the rows do not go together, or as `experiments.figures.learning.read_curves`.
    """
    rows = check_rows(rows)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    written = [draw(rows, folder / f"{name}.png") for name, draw in _OF_ROWS.items()]
    if losses is not None:
        small = any(row.scale == "small run" for row in rows)
        written += [draw(losses, folder / f"{name}.png", small_run=small) for name, draw in _OF_LOSSES.items()]
    return [path for path in written if path is not None]
