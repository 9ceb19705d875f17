"""Rows of the learning rates that were tried for a method, and of the one that each of its training runs had."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from experiments.rows.costs import own_input
from experiments.rows.schema import ResultRow

if TYPE_CHECKING:
    from experiments.rows.maker import RowMaker
    from experiments.steps.method_runs import MethodRun

CHOSEN_SIGNATURE = "peak learning rate of the training|version:1"
TRIED = "learning rate "
_SIGNATURES = {
    "trial-loss": "lowest validation loss of the trial, nats|version:1",
    "trial-score": "best validation score of the trial|version:1",
    "trial-step": "optimiser step of the trial's best score|version:1",
}


def chosen_rate_row(maker: RowMaker, method: str, seed: int, rate: float, *, questions: int) -> ResultRow:
    """The learning rate of a training run.

    Parameters
    ----------
    maker : RowMaker
    method : str
    seed : int
        Of the training run.
    rate : float
        The peak of its schedule.
    questions : int
        How many validation questions it was chosen by.
    """
    return maker.row(
        table="learning-rates",
        method=method,
        input=own_input(method),
        metric="learning-rate",
        value=rate,
        n=questions,
        seed=seed,
        split="validation",
        signature=CHOSEN_SIGNATURE,
    )


def trial_rows(
    maker: RowMaker, method: str, seed: int, trials: Iterable[Sequence[float | None]], *, questions: int
) -> list[ResultRow]:
    """The trials of a method, of which the one with the best score gave the learning rate.

    Parameters
    ----------
    maker : RowMaker
    method : str
    seed : int
        Of the trials.
    trials : iterable of [rate, loss, score, step]
        What could not be measured, since the training broke off, is None and has no row.
    questions : int
        How many validation questions they were scored on.
    """
    rows = []
    for rate, *values in trials:
        for (metric, signature), value in zip(_SIGNATURES.items(), values, strict=True):
            if value is not None:
                rows.append(
                    maker.row(
                        table="learning-rates",
                        method=method,
                        input=own_input(method),
                        metric=metric,
                        value=float(value),
                        n=questions,
                        seed=seed,
                        split="validation",
                        variant=f"{TRIED}{rate:g}",
                        signature=signature,
                    )
                )
    return rows


def learning_rate_rows(maker: RowMaker, runs: Sequence[MethodRun]) -> list[ResultRow]:
    """The rates of all finished runs, and the trials of those methods for which there were several."""
    rows = []
    told = set()
    for run in runs:
        if not run.method.is_trained:
            continue
        name, asked = run.method.name, len(run.study.prepared.questions["validation"])
        rate = run.train_task.step.details["report"]["settings"]["learning_rate"]
        rows.append(chosen_rate_row(maker, name, run.seed, rate, questions=asked))
        task = run.rates_task
        # The trials are those of the first run, whatever run asks for them.
        if task is not None and name not in told:
            told.add(name)
            rows += trial_rows(maker, name, maker.seed, task.step.details["trials"], questions=asked)
    return rows
