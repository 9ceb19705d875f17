"""Choosing a learning rate: one run for each of the same rates, for every method alike, judged on validation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ecgbyte.training.settings import TrainingReport


class Trial(NamedTuple):
    """What one learning rate came to.

    Attributes
    ----------
    learning_rate : float
    loss : float or None
        The validation loss of the weights that the run ended with; None where the run broke off at a loss that is not
        finite.
    score : float or None
        The validation score of the same weights, where one was measured.
    step : int or None
        The step of these weights.
    """

    learning_rate: float
    loss: float | None
    score: float | None
    step: int | None


def compare_learning_rates(reports: Mapping[float, TrainingReport | None]) -> tuple[float, list[Trial]]:
    """Choose the learning rate with the best validation.

    Parameters
    ----------
    reports : mapping
        From learning rate to the report of its run with validation (`ecgbyte.training.loop.train`); None for a run that
        broke off at a loss that is not finite (`FloatingPointError`). The runs differ in nothing but the rate.

    Returns
    -------
    learning_rate : float
        The one with the highest score, or without scores the lowest loss; of equal ones the lowest rate.
    trials : list of Trial
        All of them, by rising rate.

    Raises
    ------
    ValueError
        If there is no run that came to its end, a run had no validation, only some have scores, or the runs differ in
        another setting or in what they read.
    """
    finished = {rate: report for rate, report in reports.items() if report is not None}
    if not finished:
        raise ValueError(f"reports: expected one run at least that came to its end, got {len(reports)} others")
    terms = set()
    trials = []
    for rate in sorted(reports):
        report = reports[rate]
        if report is None:
            trials.append(Trial(rate, None, None, None))
            continue
        if not report.validation:
            raise ValueError(f"reports: the run at {rate} had no validation, expected one by which to choose")
        if report.settings["learning_rate"] != rate:
            raise ValueError(f"reports: the run at {rate} has the learning rate {report.settings['learning_rate']}")
        others = {name: value for name, value in report.settings.items() if name != "learning_rate"}
        terms.add((repr(sorted(others.items())), report.samples_seen, "score" in report.validation[0]))
        point = next(point for point in report.validation if point["step"] == report.kept_step)
        trials.append(Trial(rate, point["loss"], point.get("score"), report.kept_step))
    if len(terms) > 1:
        raise ValueError("reports: expected runs that differ in the learning rate alone, got other settings or samples")
    ended = [trial for trial in trials if trial.loss is not None]
    best = min(ended, key=lambda trial: (trial.loss if trial.score is None else -trial.score, trial.learning_rate))
    return best.learning_rate, trials
