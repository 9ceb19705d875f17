"""The figures of a folder of results. A new one is a function of `FigureData`, and one entry in `FIGURES`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

from experiments.figures.controls import control_differences_figure, controls_figure
from experiments.figures.costs import accuracy_cost_figure, resources_figure, training_time_figure
from experiments.figures.data import FigureData
from experiments.figures.files import to_png
from experiments.figures.learning import learning_curves_figure, validation_curves_figure
from experiments.figures.quality import comparisons_figure, language_quality_figure, question_types_figure
from experiments.figures.tokens import token_lengths_figure, token_usage_figure
from experiments.figures.variations import ablations_figure, transfer_figure

if TYPE_CHECKING:
    from matplotlib import figure as matplotlib_figure


class Figure(NamedTuple):
    """One figure of the catalogue.

    Attributes
    ----------
    name : str
        The file's stem. Of figures that are not drawn here it may hold ``*``, and stands for several.
    draw : callable or None
        From what a run left to a matplotlib figure, or None where that has nothing to show. None for figures of single
        ECGs, which are drawn while the recordings are at hand.
    under : str
        The table below which a page shows it; empty for a place of its own.
    words : str
        In whole sentences, what it shows: for below it, and for those who cannot see it.
    """

    name: str
    draw: Callable[[FigureData], matplotlib_figure.Figure | None] | None
    under: str
    words: str


# In the order of the report.
FIGURES = (
    Figure(
        "language-quality",
        language_quality_figure,
        "language-quality",
        "Accuracy, BLEU-4, ROUGE-L, METEOR and BERTScore of every method, one panel each. Dots are values, lines their "
        "95 % intervals.",
    ),
    Figure(
        "question-types",
        question_types_figure,
        "language-quality",
        "Accuracy of every method on each type of question, one panel a type. Dots are values, lines their 95 % "
        "intervals.",
    ),
    Figure(
        "comparisons",
        comparisons_figure,
        "comparisons",
        "How much better or worse each method answers than the one it is compared with, which is the line at 0. Dots "
        "are differences in points, lines their 95 % intervals.",
    ),
    Figure(
        "controls",
        controls_figure,
        "controls",
        "Accuracy and mean ROC area of every method, one marker for each input that stood in the place of the ECG. The "
        "dashed line is chance.",
    ),
    Figure(
        "control-differences",
        control_differences_figure,
        "control-differences",
        "How many points of accuracy the ECG adds over each control, one panel a control. A line that crosses 0 is no "
        "evidence that the method uses the ECG.",
    ),
    Figure(
        "training-time",
        training_time_figure,
        "efficiency",
        "On the left, the training time of every method on one scale, one marker for each way in which questions lie "
        "in the input. On the right, how the time of its training divides into stages.",
    ),
    Figure(
        "resources",
        resources_figure,
        "efficiency",
        "Operations and peak memory of every method's whole training, one marker for each way in which questions lie "
        "in the input.",
    ),
    Figure(
        "accuracy-cost",
        accuracy_cost_figure,
        "efficiency",
        "Accuracy of every method against the operations and the seconds of its training. Methods above and to the "
        "left of others answer better and cost less.",
    ),
    Figure(
        "validation-curves",
        validation_curves_figure,
        "validation",
        "Validation loss of every training run, above against optimiser steps and below against time, one column a "
        "family of methods.",
    ),
    Figure(
        "learning-curves",
        learning_curves_figure,
        "validation",
        "Training loss of every training run against optimiser steps, one panel for stage 1 and for every family of "
        "methods.",
    ),
    Figure(
        "transfer",
        transfer_figure,
        "transfer",
        "Accuracy of methods on a data set that they were not trained on, beside that on their own. Dots are values, "
        "lines their 95 % intervals.",
    ),
    Figure(
        "ablations",
        ablations_figure,
        "ablations",
        "Accuracy and BLEU-4 with one setting changed, one line a value. The dashed line and the band are the run "
        "without a change and its 95 % interval.",
    ),
    Figure(
        "token-usage",
        token_usage_figure,
        "tokenizer",
        "How often each token is used, from the most frequent to the rarest. A line ends where the rest of the "
        "vocabulary is not used.",
    ),
    Figure(
        "token-lengths",
        token_lengths_figure,
        "tokenizer",
        "How many tokens are at most so many symbols long: on the left of the tokens in the encoded signals, on the "
        "right of those in the vocabulary.",
    ),
    Figure(
        "token-overlay",
        None,
        "tokenizer",
        "Leads of one ECG, each stretch in one colour covered by one token.",
    ),
    Figure("reconstruction", None, "tokenizer", "Leads of one ECG, and over them what its tokens decode to."),
    Figure(
        "attention-*-controls",
        None,
        "",
        "Maps of lead and time that show what an answer looked at, by three measures: for this ECG, for another "
        "patient's and for an untrained model. Where a control looks the same, the pattern is not about this ECG.",
    ),
    Figure(
        "attention-*",
        None,
        "",
        "An ECG on paper, each stretch coloured by how much the answer to a question attended to its token. Blue is "
        "less than an equal share, red is more.",
    ),
)


def find_figure(name: str, entries: Sequence[Figure] = FIGURES) -> Figure:
    """The entry of a file's stem; for one that has none, an entry with its name as words and a place of its own."""
    for entry in entries:
        if fnmatchcase(name, entry.name):
            return entry
    return Figure(name, None, "", f"A figure called {name.replace('-', ' ')}.")


def draw_figures(data: FigureData, entries: Sequence[Figure] = FIGURES) -> dict[str, bytes | None]:
    """All figures of what a run left, from name to PNG; None where a figure has nothing to show.

    Raises
    ------
    ValueError
        As the figures.
    """
    drawn = {entry.name: entry.draw(data) for entry in entries if entry.draw is not None}
    return {name: None if figure is None else to_png(figure) for name, figure in drawn.items()}
