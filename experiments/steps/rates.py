"""The learning rate of every method: the same rates are tried for all of them, and validation chooses."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ecgbyte.training.learning_rates import compare_learning_rates
from ecgbyte.training.loop import TrainingReport
from experiments.steps.learning import LearningSettings, train_method
from experiments.steps.readers.reading import Reader
from experiments.steps.shown import Shown


def try_rate(
    folder: Path, reader: Reader, settings: LearningSettings, shown: Shown, description: str
) -> dict[str, Any]:
    """Train with one learning rate: the work of a step.

    A training that breaks off at a loss that is not finite has no report, and its reason is kept.
    """
    try:
        return train_method(folder, reader, settings, shown, description, None)
    except FloatingPointError as error:
        return {"report": None, "reason": str(error)}


def choose_rate(trials: Mapping[float, Mapping[str, Any]]) -> dict[str, Any]:
    """Choose the rate with the best validation score: the work of a step.

    Parameters
    ----------
    trials : mapping
        From learning rate to what `try_rate` returned.

    Returns
    -------
    dict
        ``learning_rate``, and of all ``trials``, by rising rate, what `ecgbyte.training.learning_rates.Trial` holds.
    """
    reports = {
        rate: None if found["report"] is None else TrainingReport.from_dict(found["report"])
        for rate, found in trials.items()
    }
    rate, tried = compare_learning_rates(reports)
    return {"learning_rate": rate, "trials": [list(trial) for trial in tried]}


def take_over(trial: Path, folder: Path) -> None:
    """Begin a training with what a trial left that was the same training; what is there already stays."""
    if (folder / "training").exists():
        return
    partial = folder / "training.partial"
    shutil.rmtree(partial, ignore_errors=True)
    shutil.copytree(trial / "training", partial)
    partial.rename(folder / "training")
