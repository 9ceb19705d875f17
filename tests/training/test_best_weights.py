"""The weights of the best validation are kept, also by a run that was stopped; learning rates are compared by them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from ecgbyte.training.examples import Example
from ecgbyte.training.learning_rates import Trial, compare_learning_rates
from ecgbyte.training.loop import TrainingReport, TrainingSettings, train
from ecgbyte.training.validation import ValidationScore

# So high a rate at the end that the last weights are not the best ones.
SETTINGS = TrainingSettings(
    max_steps=12,
    batch_size=4,
    validate_every=2,
    checkpoint_every=3,
    learning_rate=0.1,
    schedule="constant",
    keep="best",
)


def weights(model: torch.nn.Module) -> list[torch.Tensor]:
    return [value.detach().clone() for value in model.parameters()]


def same(first: list[torch.Tensor], second: list[torch.Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def run(reader: Any, examples: list[Example], settings: TrainingSettings = SETTINGS, **options: Any) -> TrainingReport:
    options = {"validation": examples[8:], "progress": False} | options
    return train(reader.model, examples[:8], options.pop("collate", reader.collate), settings, **options)


def weights_at(step: int, make_reader: Callable[..., Any], examples: list[Example]) -> list[torch.Tensor]:
    """The weights after `step` steps of the same run."""
    reader = make_reader()
    if step:
        run(reader, examples, replace(SETTINGS, max_steps=step, keep="last"))
    return weights(reader.model)


def test_the_run_ends_with_the_weights_of_the_lowest_loss(
    make_reader: Callable[..., Any], examples: list[Example]
) -> None:
    reader = make_reader()
    report = run(reader, examples)
    lowest = min(report.validation, key=lambda point: point["loss"])["step"]
    assert report.kept_step == report.best_validation_step == lowest
    assert 0 < lowest < 12, "the case is void where the first or the last weights are the best"
    assert same(weights(reader.model), weights_at(lowest, make_reader, examples))
    last = make_reader()
    assert run(last, examples, replace(SETTINGS, keep="last")).kept_step == 12
    assert same(weights(last.model), weights_at(12, make_reader, examples))


def test_a_score_may_choose_and_leaves_training_as_it_is(
    make_reader: Callable[..., Any], examples: list[Example]
) -> None:
    calls: list[bool] = []

    def score(model: torch.nn.Module) -> float:
        calls.append(model.training)
        torch.rand(3)
        return [0.1, 0.4, 0.9, 0.9, 0.3, 0.2, 0.1][len(calls) - 1]

    reader = make_reader()
    report = run(reader, examples, validation_score=ValidationScore("made up", score))
    assert [point["score"] for point in report.validation] == [0.1, 0.4, 0.9, 0.9, 0.3, 0.2, 0.1]
    assert report.kept_step == 4, "the first of equal ones"
    assert calls == [False] * 7
    assert same(weights(reader.model), weights_at(4, make_reader, examples))
    assert report.losses == run(make_reader(), examples).losses
    with pytest.raises(FloatingPointError, match="the validation score 'broken' is nan"):
        run(make_reader(), examples, validation_score=ValidationScore("broken", lambda _: float("nan")))


@pytest.mark.parametrize("calls", [10, 13, 16, 18])
def test_a_stopped_run_keeps_the_same_weights(
    calls: int, make_reader: Callable[..., Any], examples: list[Example], tmp_path: Path
) -> None:
    whole = make_reader()
    expected = run(whole, examples)

    class Stopping:
        def __init__(self, collate: Any) -> None:
            self.collate, self.left = collate, calls

        def settings(self) -> Any:
            return self.collate.settings()

        def __call__(self, items: list[Example]) -> Any:
            self.left -= 1
            if self.left < 0:
                raise KeyboardInterrupt
            return self.collate(items)

    stopped = make_reader()
    with pytest.raises(KeyboardInterrupt):
        run(stopped, examples, collate=Stopping(stopped.collate), output_folder=tmp_path)
    again = make_reader()
    report = run(again, examples, output_folder=tmp_path)
    assert report.kept_step == expected.kept_step and report.losses == expected.losses
    assert same(weights(again.model), weights(whole.model))
    loaded = make_reader()
    assert run(loaded, examples, output_folder=tmp_path).kept_step == expected.kept_step
    assert same(weights(loaded.model), weights(whole.model))
    with pytest.raises(ValueError, match="keep: stored 'best', now 'last'"):
        run(make_reader(), examples, replace(SETTINGS, keep="last"), output_folder=tmp_path)


def test_keeping_the_best_needs_validation(make_reader: Callable[..., Any], examples: list[Example]) -> None:
    reader = make_reader()
    with pytest.raises(ValueError, match="validation: expected examples, by which the best weights are chosen"):
        run(reader, examples, replace(SETTINGS, validate_every=None), validation=None)
    with pytest.raises(ValueError, match="keep: got 'first', expected one of 'last', 'best'"):
        replace(SETTINGS, keep="first")


def test_learning_rates_are_compared_on_equal_terms(make_reader: Callable[..., Any], examples: list[Example]) -> None:
    rates = (1e-4, 1e-2, 1.0)
    reports = {rate: run(make_reader(), examples, replace(SETTINGS, learning_rate=rate)) for rate in rates}
    best, trials = compare_learning_rates({**reports, 10.0: None})
    assert [trial.learning_rate for trial in trials] == [*rates, 10.0]
    assert trials[-1] == Trial(10.0, None, None, None)
    losses = {rate: min(point["loss"] for point in report.validation) for rate, report in reports.items()}
    assert {trial.learning_rate: trial.loss for trial in trials[:-1]} == losses
    assert best == min(losses, key=losses.__getitem__) == 1e-2
    # A score goes before the loss, and the lower rate wins a tie.
    scored = {
        rate: replace(report, validation=[{**point, "score": 0.5} for point in report.validation])
        for rate, report in reports.items()
    }
    assert compare_learning_rates(scored)[0] == 1e-4
    other = run(make_reader(), examples, replace(SETTINGS, learning_rate=1e-3, seed=9))
    with pytest.raises(ValueError, match="differ in the learning rate alone"):
        compare_learning_rates({**reports, 1e-3: other})
    with pytest.raises(ValueError, match=r"reports: the run at 0\.5 has the learning rate 0\.01"):
        compare_learning_rates({0.5: reports[1e-2]})
    with pytest.raises(ValueError, match="expected one run at least that came to its end"):
        compare_learning_rates({0.5: None})
